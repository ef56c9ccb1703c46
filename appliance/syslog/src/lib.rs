//! Bytes to log records: framing, RFC 5424 and RFC 3164, device decoders.
//!
//! [`Framer`] cuts a TCP stream into frames; [`decode`] turns one frame into a
//! [`vedette_event::LogRecord`] with Elastic Common Schema field names; [`entities`] lists what a
//! record is about. Decoding never fails and never changes the raw bytes: what is wrong with a line
//! stands in its defects. This crate must not know sockets or the clock: when and from whom a frame
//! came is handed in.
//!
//! Start reading at [`decode`], then the tables in `device` and `device/products`, then `generic`. How
//! much of real lines is read right: `cargo run -p vedette-syslog --example coverage`, and against
//! what others read out of them: `--example conformance -- DATA`.

#![forbid(unsafe_code)]

mod decode;
mod device;
mod entities;
mod fields;
pub mod framing;
mod generic;
mod header;
mod search;
mod stamp;

pub use decode::{Received, decode};
pub use entities::{MAX_ENTITIES, entities};
pub use framing::{Framer, RawFrame};
