//! The commands, one module each.

pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod config;
mod eval;
pub(crate) mod events;
mod import;
pub(crate) mod incidents;
pub(crate) mod kb;
pub(crate) mod model;
pub(crate) mod query;
pub(crate) mod resolve;
mod rows;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod triage;
