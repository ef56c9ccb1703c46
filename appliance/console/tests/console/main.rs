//! The console over a real TLS socket, with a real store behind it.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod access;
mod api;
mod hostile;
mod running;
