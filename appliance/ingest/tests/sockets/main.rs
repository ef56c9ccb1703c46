//! The listeners under real sockets: nothing lost, nothing uncounted.
#![expect(clippy::unwrap_used, reason = "a test may")]

mod faults;
mod journal;
mod overload;
mod plain;
mod rig;
mod secure;
