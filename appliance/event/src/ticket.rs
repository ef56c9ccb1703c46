use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::query::RenderedQuery;
use crate::taxonomy::fixed_list;
use crate::{Incident, ParseTaxonomyError, Resolution};

/// All that a service desk is told about an incident: the payload of an outbox row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TicketDraft {
    /// Names the incident across systems and retries; the same for every attempt
    /// (`vedette-<device id>-INC-7`).
    pub correlation_id: String,
    /// The incident as it stood when it was filed.
    pub incident: Incident,
    /// Queries for the customer's SIEM and the local one.
    pub queries: Vec<RenderedQuery>,
    /// What to do.
    pub resolution: Option<Resolution>,
    /// Address of the incident in the console, if the box knows its own.
    pub console_url: Option<String>,
}

fixed_list! {
    /// Where a ticket stands on its way out.
    TicketState, "ticket state",
    /// Waits for its first or next attempt.
    Pending = "pending",
    /// Open in the service desk.
    Delivered = "delivered",
    /// Given up after the last attempt, or refused for good; a person must look.
    Failed = "failed",
}
