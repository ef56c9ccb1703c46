//! The outbox: tickets on their way to a service desk. A row is made in the transaction that files
//! the incident and is unique by connector and correlation id, so no ticket is opened twice.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, Transaction, params};
use time::OffsetDateTime;
use vedette_event::{IncidentId, TicketDraft, TicketState};

use crate::events::{from_json, to_json};
use crate::incidents::OutboxEntry;
use crate::instant::{from_micros, to_micros};
use crate::{Reader, StoreError, Writer};

/// A ticket whose next attempt is due.
#[derive(Clone, Debug, PartialEq)]
pub struct DueTicket {
    /// Its row.
    pub id: i64,
    /// Name of the connector that shall deliver it.
    pub connector: String,
    /// Attempts made so far.
    pub attempts: u32,
    /// What to tell.
    pub draft: TicketDraft,
}

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The ticket is open in the service desk.
    Delivered {
        /// Its number there.
        external_id: String,
        /// Its page there.
        url: Option<String>,
    },
    /// Not now; try again.
    Retry {
        /// When.
        at: OffsetDateTime,
        /// What went wrong, for a person.
        error: String,
    },
    /// Given up.
    Failed {
        /// What went wrong, for a person.
        error: String,
    },
}

/// Where a ticket of an incident stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketRow {
    /// Name of its connector.
    pub connector: String,
    /// Pending, delivered or failed.
    pub state: TicketState,
    /// Attempts made so far.
    pub attempts: u32,
    /// Its number in the service desk.
    pub external_id: Option<String>,
    /// Its page in the service desk.
    pub url: Option<String>,
    /// What went wrong last.
    pub error: Option<String>,
    /// When it is tried next; absent when it is delivered or given up.
    pub next_attempt: Option<OffsetDateTime>,
}

/// Puts a ticket into the outbox, due at once, unless it is there already.
pub(crate) fn insert_ticket(
    transaction: &Transaction<'_>,
    incident: IncidentId,
    entry: &OutboxEntry,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO outbox \
         (connector, correlation_id, incident, draft, state, attempts, next_attempt) \
         VALUES (?, ?, ?, ?, ?, 0, ?) ON CONFLICT (connector, correlation_id) DO NOTHING";
    transaction.prepare_cached(sql)?.execute(params![
        entry.connector,
        entry.draft.correlation_id,
        incident.0.cast_signed(),
        to_json(&entry.draft),
        TicketState::Pending.as_str(),
        to_micros(now),
    ])?;
    Ok(())
}

impl Writer {
    /// Notes how an attempt went. A ticket that is no longer pending stays as it is.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn record_attempt(
        &self,
        id: i64,
        attempt: Attempt,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let (state, next, external_id, url, error) = match attempt {
            Attempt::Delivered { external_id, url } => {
                (TicketState::Delivered, None, Some(external_id), url, None)
            }
            // Never in the past: a dispatcher with a wrong sum must not spin.
            Attempt::Retry { at, error } => {
                (TicketState::Pending, Some(to_micros(at.max(now))), None, None, Some(error))
            }
            Attempt::Failed { error } => (TicketState::Failed, None, None, None, Some(error)),
        };
        self.change(move |transaction| {
            let sql = "UPDATE outbox SET state = ?2, attempts = attempts + 1, next_attempt = ?3, \
                 external_id = ?4, url = ?5, error = ?6 WHERE id = ?1 AND state = 'pending'";
            let values = params![id, state.as_str(), next, external_id, url, error];
            transaction.prepare_cached(sql)?.execute(values)?;
            Ok(())
        })
    }
}

/// No wait is so long: what is due later than this was scheduled before the clock was set back.
const FARTHEST: time::Duration = time::Duration::days(1);

impl Reader {
    /// At most `limit` tickets due by `now`, longest due first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn due_tickets(
        &self,
        now: OffsetDateTime,
        limit: usize,
    ) -> Result<Vec<DueTicket>, StoreError> {
        self.with(|connection| {
            let sql = "SELECT id, connector, attempts, draft FROM outbox \
                 WHERE state = 'pending' AND (next_attempt <= ?1 OR next_attempt > ?2) \
                 ORDER BY next_attempt, id LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            let farthest = now.checked_add(FARTHEST).map_or(i64::MAX, to_micros);
            let mut rows = statement.query(params![to_micros(now), farthest, limit as i64])?;
            let mut tickets = Vec::new();
            while let Some(row) = rows.next()? {
                tickets.push(DueTicket {
                    id: row.get(0)?,
                    connector: row.get(1)?,
                    attempts: row.get(2)?,
                    draft: from_json("outbox", &row.get::<_, String>(3)?)?,
                });
            }
            Ok(tickets)
        })
    }

    /// When the next attempt of any ticket is due; `None` when all are delivered or given up.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn next_due(&self) -> Result<Option<OffsetDateTime>, StoreError> {
        self.with(|connection| {
            let sql = "SELECT next_attempt FROM outbox WHERE state = 'pending' \
                 ORDER BY next_attempt LIMIT 1";
            let next: Option<i64> =
                connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
            Ok(next.map(from_micros))
        })
    }

    /// The tickets of an incident.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn tickets_of(&self, incident: IncidentId) -> Result<Vec<TicketRow>, StoreError> {
        self.with(|connection| {
            let sql = "SELECT connector, state, attempts, external_id, url, error, next_attempt \
                 FROM outbox WHERE incident = ? ORDER BY id";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([incident.0.cast_signed()], read_ticket)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How many tickets there are in each state.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn ticket_counts(&self) -> Result<BTreeMap<TicketState, u64>, StoreError> {
        self.with(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT state, count(*) FROM outbox GROUP BY state")?;
            let rows = statement.query_map([], |row| {
                Ok((read_state(&row.get::<_, String>(0)?), row.get::<_, i64>(1)?))
            })?;
            let mut counts: BTreeMap<_, _> =
                TicketState::ALL.iter().map(|state| (*state, 0)).collect();
            for row in rows {
                let (state, count) = row?;
                *counts.entry(state).or_default() += count.cast_unsigned();
            }
            Ok(counts)
        })
    }
}

fn read_ticket(row: &Row<'_>) -> rusqlite::Result<TicketRow> {
    Ok(TicketRow {
        connector: row.get(0)?,
        state: read_state(&row.get::<_, String>(1)?),
        attempts: row.get(2)?,
        external_id: row.get(3)?,
        url: row.get(4)?,
        error: row.get(5)?,
        next_attempt: row.get::<_, Option<i64>>(6)?.map(from_micros),
    })
}

/// The state of this name; one this program does not know needs a person, as `failed` does.
fn read_state(name: &str) -> TicketState {
    name.parse().unwrap_or(TicketState::Failed)
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use vedette_event::Incident;

    use super::*;
    use crate::testing::open;
    use crate::{Filing, Store, TriageCommit};

    fn file(store: &Store, connector: &str) {
        let draft = TicketDraft {
            correlation_id: "vedette-box-INC-1".to_owned(),
            incident: Incident { id: IncidentId(1), ..Incident::default() },
            queries: Vec::new(),
            resolution: None,
            console_url: None,
        };
        let tickets = vec![OutboxEntry { connector: connector.to_owned(), draft }];
        let filing =
            Filing { incident: IncidentId(1), queries: Vec::new(), resolution: None, tickets };
        let commit = TriageCommit { filings: vec![filing], ..TriageCommit::default() };
        store.writer().commit_triage(commit).unwrap();
    }

    #[test]
    fn a_ticket_is_opened_once_across_retries_and_restarts() {
        let folder = tempfile::tempdir().unwrap();
        // Filing dates the ticket by the wall clock: every time of the test lies after it.
        let now = OffsetDateTime::now_utc() + Duration::hours(1);
        let (store, _) = open(folder.path());
        file(&store, "desk");
        file(&store, "desk");
        file(&store, "hook");
        let due = store.reader().due_tickets(now, 10).unwrap();
        let connectors: Vec<_> = due.iter().map(|ticket| ticket.connector.as_str()).collect();
        assert_eq!(connectors, ["desk", "hook"]);
        assert_eq!(store.reader().due_tickets(now, 1).unwrap().len(), 1);
        let delivered = Attempt::Delivered {
            external_id: "T-1".to_owned(),
            url: Some("https://desk/1".to_owned()),
        };
        store.writer().record_attempt(due[0].id, delivered, now).unwrap();
        let retry = now + Duration::minutes(5);
        let later = Attempt::Retry { at: retry, error: "busy".to_owned() };
        store.writer().record_attempt(due[1].id, later, now).unwrap();
        drop(store);

        let (store, _) = open(folder.path());
        file(&store, "desk");
        file(&store, "hook");
        let reader = store.reader();
        assert_eq!(reader.due_tickets(now, 10).unwrap(), []);
        let set_back = now - Duration::days(3650);
        assert_eq!(
            reader.due_tickets(set_back, 10).unwrap().len(),
            1,
            "a clock set back delays none"
        );
        assert_eq!(reader.next_due().unwrap().unwrap().unix_timestamp(), retry.unix_timestamp());
        let again = reader.due_tickets(retry, 10).unwrap();
        assert_eq!(again.iter().map(|ticket| ticket.attempts).collect::<Vec<_>>(), [1]);
        let failed = || Attempt::Failed { error: "refused".to_owned() };
        store.writer().record_attempt(again[0].id, failed(), retry).unwrap();
        store.writer().record_attempt(due[0].id, failed(), retry).unwrap();

        let tickets = reader.tickets_of(IncidentId(1)).unwrap();
        let states: Vec<_> = tickets.iter().map(|row| (row.state, row.attempts)).collect();
        assert_eq!(states, [(TicketState::Delivered, 1), (TicketState::Failed, 2)]);
        assert_eq!(tickets[0].external_id.as_deref(), Some("T-1"));
        assert_eq!(tickets[0].url.as_deref(), Some("https://desk/1"));
        assert_eq!(tickets[1].error.as_deref(), Some("refused"));
        assert_eq!(reader.next_due().unwrap(), None);
        let counts = reader.ticket_counts().unwrap();
        assert_eq!(counts.into_values().collect::<Vec<_>>(), [0, 1, 1]);
    }
}
