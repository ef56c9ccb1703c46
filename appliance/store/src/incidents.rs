//! What triage makes of log lines: verdicts, incidents, their members and filings, all committed in
//! one transaction with the watermark up to which lines are judged.

use std::collections::HashSet;

use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use time::OffsetDateTime;
use vedette_event::query::RenderedQuery;
use vedette_event::{
    EventId, Incident, IncidentId, IncidentStatus, LogRecord, Outcome, Resolution, TicketDraft,
    Verdict,
};

use crate::events::{from_json, mark, set_mark, to_json};
use crate::instant::to_micros;
use crate::outbox::insert_ticket;
use crate::{Reader, StoreError, Writer};

pub(crate) const WATERMARK: &str = "triage";

/// New incidents have higher numbers than this: what a lost database has used must not come again.
pub(crate) const INCIDENT_FLOOR: &str = "incident_floor";

/// Columns in the order [`read_incident`] expects them.
const INCIDENT_COLUMNS: &str = "body, status, outcome";

/// What triage has done since its last commit. It becomes durable as a whole or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct TriageCommit {
    /// The last line judged; after a crash triage goes on behind it.
    pub watermark: EventId,
    /// Verdicts on lines. Kept are those on lines that are flagged, doubtful or in an incident.
    pub verdicts: Vec<(EventId, Verdict)>,
    /// Incidents that are new or have changed.
    pub incidents: Vec<Incident>,
    /// Lines that belong to incidents.
    pub members: Vec<(IncidentId, EventId)>,
    /// Incidents to be filed.
    pub filings: Vec<Filing>,
}

impl Default for TriageCommit {
    /// Nothing done, and nothing judged.
    fn default() -> Self {
        Self {
            watermark: EventId(0),
            verdicts: Vec::new(),
            incidents: Vec::new(),
            members: Vec::new(),
            filings: Vec::new(),
        }
    }
}

/// What goes out with an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Filing {
    /// The incident.
    pub incident: IncidentId,
    /// Queries about it.
    pub queries: Vec<RenderedQuery>,
    /// What to do about it.
    pub resolution: Option<Resolution>,
    /// Tickets to open; those already in the outbox stay as they are.
    pub tickets: Vec<OutboxEntry>,
}

/// What was filed with an incident: the queries about it, and what to do.
pub type FiledGuidance = (Vec<RenderedQuery>, Option<Resolution>);

/// A ticket for the outbox.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxEntry {
    /// Name of the connector that shall deliver it.
    pub connector: String,
    /// What to tell.
    pub draft: TicketDraft,
}

/// In which order incidents come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IncidentOrder {
    /// Highest risk first.
    #[default]
    Risk,
    /// Last seen first.
    Newest,
}

/// Which incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncidentFilter {
    /// Only those of this status.
    pub status: Option<IncidentStatus>,
    /// At most so many.
    pub limit: usize,
    /// After so many.
    pub offset: usize,
    /// In this order.
    pub order: IncidentOrder,
}

impl Default for IncidentFilter {
    fn default() -> Self {
        Self { status: None, limit: 100, offset: 0, order: IncidentOrder::default() }
    }
}

impl Writer {
    /// Makes what triage has done durable, in one transaction.
    ///
    /// # Errors
    /// When the store cannot be written; nothing of it is kept then, and the same commit can be
    /// tried again.
    pub fn commit_triage(&self, commit: TriageCommit) -> Result<(), StoreError> {
        self.change(move |transaction| {
            let members: HashSet<EventId> =
                commit.members.iter().map(|(_, event)| *event).collect();
            for (event, verdict) in &commit.verdicts {
                if is_kept(verdict) || members.contains(event) {
                    upsert_verdict(transaction, *event, verdict)?;
                }
            }
            for incident in &commit.incidents {
                upsert_incident(transaction, incident)?;
            }
            for (incident, event) in &commit.members {
                insert_member(transaction, *incident, *event)?;
            }
            for filing in &commit.filings {
                file(transaction, filing)?;
            }
            set_mark(transaction, WATERMARK, commit.watermark)
        })
    }

    /// Records how an incident ended, also over an earlier outcome, and audits it.
    ///
    /// # Errors
    /// When there is no such incident or the store cannot be written.
    pub fn close_incident(&self, id: IncidentId, outcome: Outcome) -> Result<(), StoreError> {
        self.change(move |transaction| {
            let sql = "UPDATE incidents SET status = ?, outcome = ? WHERE id = ?";
            let status = IncidentStatus::Closed.as_str();
            let changed = transaction.prepare_cached(sql)?.execute(params![
                status,
                to_json(&outcome),
                id.0.cast_signed()
            ])?;
            if changed == 0 {
                return Err(StoreError::NoIncident(id));
            }
            let detail = format!("{id} {} {}", outcome.code, outcome.note);
            crate::audit::append(transaction, &outcome.author, "incident.close", detail.trim_end())
        })
    }
}

/// Of lines that are neither flagged nor doubtful, and belong to no incident, the verdict is not
/// kept: it would take more room than the line, and the same bundle gives it again.
fn is_kept(verdict: &Verdict) -> bool {
    verdict.verdict.is_flagged() || verdict.abstained || !verdict.flags.is_empty()
}

fn upsert_verdict(
    transaction: &Transaction<'_>,
    event: EventId,
    verdict: &Verdict,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO verdicts (event, verdict, body) VALUES (?, ?, ?)";
    let label = verdict.verdict.as_str();
    transaction.prepare_cached(sql)?.execute(params![
        event.0.cast_signed(),
        label,
        to_json(verdict)
    ])?;
    Ok(())
}

/// What a person has closed stays closed, whatever triage still adds to it.
fn upsert_incident(transaction: &Transaction<'_>, incident: &Incident) -> Result<(), StoreError> {
    let sql = "INSERT INTO incidents (id, status, risk, last_seen, body, outcome) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET \
         risk = ?3, last_seen = ?4, body = ?5, \
         outcome = iif(status = 'closed', outcome, ?6), \
         status = iif(status = 'closed', status, ?2)";
    let last_seen = incident.last_seen.or(incident.first_seen);
    transaction.prepare_cached(sql)?.execute(params![
        incident.id.0.cast_signed(),
        incident.status.as_str(),
        incident.risk,
        last_seen.map_or(0, to_micros),
        to_json(incident),
        incident.outcome.as_ref().map(to_json),
    ])?;
    Ok(())
}

fn insert_member(
    transaction: &Transaction<'_>,
    incident: IncidentId,
    event: EventId,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached("INSERT OR IGNORE INTO members (incident, event) VALUES (?, ?)")?
        .execute(params![incident.0.cast_signed(), event.0.cast_signed()])?;
    Ok(())
}

fn file(transaction: &Transaction<'_>, filing: &Filing) -> Result<(), StoreError> {
    let now = OffsetDateTime::now_utc();
    let sql = "INSERT INTO filings (incident, filed_at, queries, resolution) \
         VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (incident) DO UPDATE SET queries = ?3, resolution = ?4";
    transaction.prepare_cached(sql)?.execute(params![
        filing.incident.0.cast_signed(),
        to_micros(now),
        to_json(&filing.queries),
        filing.resolution.as_ref().map(to_json),
    ])?;
    filing
        .tickets
        .iter()
        .try_for_each(|entry| insert_ticket(transaction, filing.incident, entry, now))
}

impl Reader {
    /// The last line that triage has judged and committed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn watermark(&self) -> Result<EventId, StoreError> {
        self.with(|connection| mark(connection, WATERMARK))
    }

    /// The number for the next new incident.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn next_incident_id(&self) -> Result<IncidentId, StoreError> {
        self.with(|connection| {
            let last: i64 =
                connection.query_row("SELECT coalesce(max(id), 0) FROM incidents", [], |row| {
                    row.get(0)
                })?;
            let floor = mark(connection, INCIDENT_FLOOR)?;
            Ok(IncidentId(last.cast_unsigned().max(floor.0) + 1))
        })
    }

    /// One incident.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        let which = format!("SELECT {INCIDENT_COLUMNS} FROM incidents WHERE id = ?");
        Ok(self.select_incidents(&which, &[&id.0.cast_signed()])?.pop())
    }

    /// The incidents that pass the filter.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn incidents(&self, filter: IncidentFilter) -> Result<Vec<Incident>, StoreError> {
        let order = match filter.order {
            IncidentOrder::Risk => "risk DESC, last_seen DESC, id DESC",
            IncidentOrder::Newest => "last_seen DESC, id DESC",
        };
        let sql = format!(
            "SELECT {INCIDENT_COLUMNS} FROM incidents WHERE ?1 IS NULL OR status = ?1 \
             ORDER BY {order} LIMIT ?2 OFFSET ?3"
        );
        let status = filter.status.map(IncidentStatus::as_str);
        self.select_incidents(&sql, &[&status, &(filter.limit as i64), &(filter.offset as i64)])
    }

    /// All open incidents by number, for triage to go on with.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open_incidents(&self) -> Result<Vec<Incident>, StoreError> {
        let sql =
            format!("SELECT {INCIDENT_COLUMNS} FROM incidents WHERE status = 'open' ORDER BY id");
        self.select_incidents(&sql, &[])
    }

    /// The queries and the guidance filed with an incident.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn filing(&self, id: IncidentId) -> Result<Option<FiledGuidance>, StoreError> {
        self.with(|connection| {
            let row: Option<(String, Option<String>)> = connection
                .prepare_cached("SELECT queries, resolution FROM filings WHERE incident = ?")?
                .query_row([id.0.cast_signed()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((queries, resolution)) = row else { return Ok(None) };
            let resolution = resolution.map(|text| from_json("filings", &text)).transpose()?;
            Ok(Some((from_json("filings", &queries)?, resolution)))
        })
    }

    /// At most `limit` lines of an incident, oldest first, as far as they are still kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn members(
        &self,
        id: IncidentId,
        limit: usize,
    ) -> Result<Vec<(EventId, LogRecord, Option<Verdict>)>, StoreError> {
        self.with(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let sql = "SELECT m.event, v.body FROM members m \
                 LEFT JOIN verdicts v ON v.event = m.event WHERE m.incident = ? ORDER BY m.event";
            let mut statement = snapshot.prepare_cached(sql)?;
            let mut rows = statement.query([id.0.cast_signed()])?;
            let mut members = Vec::new();
            while let Some(row) = rows.next()?
                && members.len() < limit
            {
                let event = EventId(row.get::<_, i64>(0)?.cast_unsigned());
                let verdict: Option<String> = row.get(1)?;
                let verdict = verdict.map(|text| from_json("verdicts", &text)).transpose()?;
                if let Some(record) = self.event_of(&snapshot, event)? {
                    members.push((event, record, verdict));
                }
            }
            Ok(members)
        })
    }

    /// What triage said of a line.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn verdict(&self, event: EventId) -> Result<Option<Verdict>, StoreError> {
        self.with(|connection| {
            let body: Option<String> = connection
                .prepare_cached("SELECT body FROM verdicts WHERE event = ?")?
                .query_row([event.0.cast_signed()], |row| row.get(0))
                .optional()?;
            body.map(|text| from_json("verdicts", &text)).transpose()
        })
    }

    fn select_incidents(
        &self,
        sql: &str,
        values: &[&dyn ToSql],
    ) -> Result<Vec<Incident>, StoreError> {
        self.with(|connection| select_incidents(connection, sql, values))
    }
}

pub(crate) fn select_incidents(
    connection: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
) -> Result<Vec<Incident>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut incidents = Vec::new();
    while let Some(row) = rows.next()? {
        incidents.push(read_incident(row)?);
    }
    Ok(incidents)
}

/// Reads a row of [`INCIDENT_COLUMNS`]: status and outcome stand in their columns, the rest in the
/// body.
fn read_incident(row: &Row<'_>) -> Result<Incident, StoreError> {
    let mut incident: Incident = from_json("incidents", &row.get::<_, String>(0)?)?;
    let status: String = row.get(1)?;
    incident.status = status.parse().unwrap_or_default();
    let outcome: Option<String> = row.get(2)?;
    incident.outcome = outcome.map(|text| from_json("incidents", &text)).transpose()?;
    Ok(incident)
}

#[cfg(test)]
mod tests;
