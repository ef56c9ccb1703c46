//! Request Tracker 5 by its REST 2 API.

use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use vedette_event::TicketDraft;

use crate::RequestTracker;
use crate::connector::{Connector, Failure, Receipt, TicketError, read_secret};
use crate::http::{self, Client};
use crate::text;

/// Opens a ticket, after it has looked for one whose subject begins with the correlation id.
pub(crate) struct RequestTrackerConnector {
    name: String,
    client: Client,
    queue: String,
    authorization: String,
}

#[derive(Deserialize)]
struct Found {
    items: Vec<Ticket>,
}

#[derive(Deserialize)]
struct Ticket {
    id: String,
}

impl RequestTrackerConnector {
    pub(crate) fn new(name: &str, config: &RequestTracker) -> Result<Self, TicketError> {
        Ok(Self {
            name: name.to_owned(),
            client: Client::new(name, &config.url, config.ca_file.as_deref())?,
            queue: config.queue.clone().unwrap_or_else(|| "General".to_owned()),
            authorization: format!("token {}", read_secret(name, &config.token_file)?),
        })
    }

    /// The ticket that an earlier attempt opened.
    fn find(&self, draft: &TicketDraft, now: OffsetDateTime) -> Result<Option<Ticket>, Failure> {
        let query = http::encode(&format!("Subject LIKE '[{}]'", quoted(&draft.correlation_id)));
        let url =
            format!("{}/REST/2.0/tickets?query={query}&orderby=id&per_page=1", self.client.base);
        let response = self
            .client
            .agent
            .get(url)
            .header("authorization", &self.authorization)
            .call()
            .map_err(|error| http::unreachable(&error))?;
        let found: Found = http::read(response, now)?;
        Ok(found.items.into_iter().next())
    }

    fn create(&self, draft: &TicketDraft, now: OffsetDateTime) -> Result<Ticket, Failure> {
        let ticket = json!({
            "Queue": self.queue,
            "Subject": text::subject(draft),
            "Content": text::body(draft),
            "ContentType": "text/plain",
        });
        let response = self
            .client
            .agent
            .post(format!("{}/REST/2.0/ticket", self.client.base))
            .header("content-type", "application/json")
            .header("authorization", &self.authorization)
            .send(ticket.to_string())
            .map_err(|error| http::unreachable(&error))?;
        http::read(response, now)
    }
}

impl Connector for RequestTrackerConnector {
    fn name(&self) -> &str {
        &self.name
    }

    fn deliver(&self, draft: &TicketDraft, now: OffsetDateTime) -> Result<Receipt, Failure> {
        let ticket = match self.find(draft, now)? {
            Some(ticket) => ticket,
            None => self.create(draft, now)?,
        };
        let url = format!("{}/Ticket/Display.html?id={}", self.client.base, ticket.id);
        Ok(Receipt { external_id: ticket.id, url: Some(url) })
    }
}

/// A value inside single quotes of TicketSQL. Correlation ids are our own, but a device id may be
/// set by hand.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}
