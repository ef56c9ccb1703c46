//! Tickets: out of the store's outbox into service desks, once per incident.
//!
//! The outbox row is the truth: a draft stays due until a connector has a receipt for it, so a crash
//! between the desk's answer and the note of it leads to a second attempt, which finds the first
//! ticket by its correlation id. Knows the store's outbox and HTTP; knows nothing of triage or of
//! models. Every connector has the same shape: a config, a constructor that reads its secrets, and
//! [`Connector::deliver`]. Start reading at [`Dispatcher`].

mod config;
mod connector;
mod dispatcher;
mod http;
mod request_tracker;
mod servicenow;
mod text;
mod webhook;

pub use config::{Config, RequestTracker, ServiceNow, Webhook};
pub use connector::{Connector, Failure, Receipt, TicketError};
pub use dispatcher::{Dispatcher, Round};
pub use webhook::{SignatureError, verify_signature};
