//! The local web console: pages for people, an API for programs, over TLS only.
//!
//! Pages are rendered here, on the box, by a template that escapes everything; there is no script
//! that builds markup and no address outside the box. Log lines, incidents, accounts and sessions
//! are the store's; what else the console asks of the box is [`Device`]. Must not know ingest,
//! triage or the model. Start reading at [`Console`] and `routes`.

#![forbid(unsafe_code)]

mod api;
mod assets;
mod attempts;
mod auth;
mod config;
mod connection;
mod device;
mod headers;
mod inert;
mod layout;
mod listener;
mod metrics;
mod openapi;
mod pages;
mod passwords;
mod reply;
mod routes;
mod server;
mod words;

pub use config::Config;
pub use device::Device;
pub use metrics::serve_metrics;
pub use server::{Console, ConsoleError, ConsoleParts};
