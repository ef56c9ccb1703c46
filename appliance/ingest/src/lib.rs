//! Syslog listeners: sockets in, frames out.
