//! ServiceNow's Table API (`/api/now/table/{table}`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use vedette_event::{Severity, TicketDraft};

use crate::ServiceNow;
use crate::connector::{Connector, Failure, Receipt, TicketError, read_secret};
use crate::http::{self, Client};
use crate::text;

/// Opens a record, after it has looked for one with the same `correlation_id`.
pub(crate) struct ServiceNowConnector {
    name: String,
    client: Client,
    table: String,
    assignment_group: Option<String>,
    authorization: String,
}

#[derive(Deserialize)]
struct Answer<T> {
    result: T,
}

#[derive(Deserialize)]
struct Record {
    sys_id: String,
    /// Tables other than `incident` may have no number.
    #[serde(default)]
    number: String,
}

impl ServiceNowConnector {
    pub(crate) fn new(name: &str, config: &ServiceNow) -> Result<Self, TicketError> {
        let client = Client::new(name, &config.url, config.ca_file.as_deref())?;
        let password = read_secret(name, &config.password_file)?;
        let table = config.table.as_deref().unwrap_or("incident");
        if table.is_empty() || !table.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(TicketError::Setting {
                connector: name.to_owned(),
                key: "table",
                message: format!("{table:?} is no table name: letters, digits and _ only"),
            });
        }
        Ok(Self {
            name: name.to_owned(),
            client,
            table: table.to_owned(),
            assignment_group: config.assignment_group.clone(),
            authorization: format!(
                "Basic {}",
                STANDARD.encode(format!("{}:{password}", config.user))
            ),
        })
    }

    fn address(&self) -> String {
        format!("{}/api/now/table/{}", self.client.base, self.table)
    }

    /// The record that an earlier attempt opened.
    fn find(&self, draft: &TicketDraft, now: OffsetDateTime) -> Result<Option<Record>, Failure> {
        let query = http::encode(&format!("correlation_id={}", draft.correlation_id));
        let url = format!(
            "{}?sysparm_query={query}&sysparm_fields=sys_id,number&sysparm_limit=1",
            self.address()
        );
        let response = self
            .client
            .agent
            .get(url)
            .header("accept", "application/json")
            .header("authorization", &self.authorization)
            .call()
            .map_err(|error| http::unreachable(&error))?;
        let answer: Answer<Vec<Record>> = http::read(response, now)?;
        Ok(answer.result.into_iter().next())
    }

    fn create(&self, draft: &TicketDraft, now: OffsetDateTime) -> Result<Record, Failure> {
        let response = self
            .client
            .agent
            .post(self.address())
            .header("accept", "application/json")
            .header("content-type", "application/json")
            .header("authorization", &self.authorization)
            .send(Value::Object(self.record(draft)).to_string())
            .map_err(|error| http::unreachable(&error))?;
        let answer: Answer<Record> = http::read(response, now)?;
        Ok(answer.result)
    }

    fn record(&self, draft: &TicketDraft) -> Map<String, Value> {
        let level = level(draft.incident.severity.unwrap_or(Severity::Medium));
        let mut record = Map::new();
        record.insert("short_description".to_owned(), json!(text::subject(draft)));
        record.insert("description".to_owned(), json!(text::body(draft)));
        record.insert("correlation_id".to_owned(), json!(draft.correlation_id));
        record.insert("correlation_display".to_owned(), json!("Vedette"));
        record.insert("impact".to_owned(), json!(level));
        record.insert("urgency".to_owned(), json!(level));
        if let Some(group) = &self.assignment_group {
            record.insert("assignment_group".to_owned(), json!(group));
        }
        record
    }

    fn receipt(&self, record: &Record) -> Receipt {
        let Record { sys_id, number } = record;
        let query = http::encode(&format!("{}.do?sys_id={sys_id}", self.table));
        Receipt {
            external_id: if number.is_empty() { sys_id.clone() } else { number.clone() },
            url: Some(format!("{}/nav_to.do?uri={query}", self.client.base)),
        }
    }
}

impl Connector for ServiceNowConnector {
    fn name(&self) -> &str {
        &self.name
    }

    fn deliver(&self, draft: &TicketDraft, now: OffsetDateTime) -> Result<Receipt, Failure> {
        let record = match self.find(draft, now)? {
            Some(record) => record,
            None => self.create(draft, now)?,
        };
        Ok(self.receipt(&record))
    }
}

/// ServiceNow's impact and urgency: 1 high, 2 medium, 3 low.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "1",
        Severity::Medium => "2",
        Severity::Low | Severity::Informational => "3",
    }
}
