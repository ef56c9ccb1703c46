//! Tickets against service desks: a stub of ServiceNow's documented contract, a webhook receiver,
//! and the real Request Tracker from Debian's packages.

mod bench;
mod request_tracker;
mod server;
mod servicenow;
mod webhook;
