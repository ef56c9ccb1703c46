//! The console over a real TLS socket, with a real store behind it.

mod access;
mod api;
mod hostile;
mod running;
