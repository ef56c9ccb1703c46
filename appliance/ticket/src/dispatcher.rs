use std::time::Duration;

use time::OffsetDateTime;
use tracing::{info, warn};
use vedette_event::{TicketDraft, TicketState};
use vedette_store::{Attempt, DueTicket, Reader, StoreError, Writer};
use vedette_telemetry::{Counter, Metric, Registry};

use crate::connector::{Connector, Failure, TicketError, connectors};
use crate::{Config, Receipt};

/// Tickets taken from the outbox in one round: bounds the memory for drafts and the time until a
/// stop is noticed.
const ROUND: usize = 16;
/// Attempts before a ticket is given up: with the waits below, about sixty hours.
const MAX_ATTEMPTS: u32 = 30;
/// Wait after the first failure; doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// Longest wait between attempts: a desk that is back is noticed within it.
const LONGEST_WAIT: Duration = Duration::from_secs(3 * 3600);

/// Takes drafts that are due from the outbox and brings them to their service desks.
pub struct Dispatcher {
    connectors: Vec<Box<dyn Connector>>,
    reader: Reader,
    writer: Writer,
    delivered: Counter,
    failed: Counter,
    retried: Counter,
}

/// What one round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Drafts that have a receipt now.
    pub delivered: usize,
    /// Drafts that will be tried again.
    pub retried: usize,
    /// Drafts given up.
    pub failed: usize,
}

impl Dispatcher {
    /// Sets up the configured connectors over an outbox.
    ///
    /// # Errors
    /// When a secret, a certificate or an address cannot be used.
    pub fn new(
        configs: &[Config],
        (reader, writer): (Reader, Writer),
        registry: &Registry,
    ) -> Result<Self, TicketError> {
        let counter = |state: TicketState| registry.counter(Metric::Tickets, state.as_str());
        Ok(Self {
            connectors: connectors(configs)?,
            reader,
            writer,
            delivered: counter(TicketState::Delivered),
            failed: counter(TicketState::Failed),
            retried: registry.counter(Metric::Tickets, "retried"),
        })
    }

    /// Names of the connectors: what a filed incident needs an outbox row for.
    pub fn names(&self) -> Vec<String> {
        self.connectors.iter().map(|connector| connector.name().to_owned()).collect()
    }

    /// Delivers what is due now, at most [`ROUND`] drafts.
    ///
    /// # Errors
    /// When the outbox cannot be read or an attempt cannot be noted.
    pub fn round(&self, now: OffsetDateTime) -> Result<Round, StoreError> {
        let mut round = Round::default();
        for due in self.reader.due_tickets(now, ROUND)? {
            let attempt = match self.deliver(&due.connector, &due.draft, now) {
                Ok(receipt) => {
                    info!(connector = due.connector, ticket = receipt.external_id, incident = %due.draft.incident.id, "ticket opened");
                    round.delivered += 1;
                    self.delivered.add(1);
                    Attempt::Delivered { external_id: receipt.external_id, url: receipt.url }
                }
                Err(failure) => self.failed_attempt(&due, failure, now, &mut round),
            };
            self.writer.record_attempt(due.id, attempt, now)?;
        }
        Ok(round)
    }

    fn deliver(
        &self,
        name: &str,
        draft: &TicketDraft,
        now: OffsetDateTime,
    ) -> Result<Receipt, Failure> {
        match self.connectors.iter().find(|connector| connector.name() == name) {
            Some(connector) => connector.deliver(draft, now),
            // Taken out of the configuration; it may come back.
            None => Err(Failure::Retry {
                error: format!("no connector called `{name}` is configured"),
                after: None,
            }),
        }
    }

    fn failed_attempt(
        &self,
        due: &DueTicket,
        failure: Failure,
        now: OffsetDateTime,
        round: &mut Round,
    ) -> Attempt {
        let error = failure.to_string();
        warn!(connector = due.connector, incident = %due.draft.incident.id, attempt = due.attempts + 1, error, "ticket not taken");
        match failure {
            Failure::Retry { after, .. } if due.attempts + 1 < MAX_ATTEMPTS => {
                round.retried += 1;
                self.retried.add(1);
                Attempt::Retry {
                    at: now + wait(due.attempts).max(after.unwrap_or_default()),
                    error,
                }
            }
            _ => {
                round.failed += 1;
                self.failed.add(1);
                Attempt::Failed { error }
            }
        }
    }
}

/// The wait after so many earlier failures: doubling, bounded.
fn wait(failures: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << failures.min(16)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_span_days() {
        assert_eq!(wait(0), FIRST_WAIT);
        assert_eq!(wait(3), FIRST_WAIT * 8);
        assert_eq!(wait(u32::MAX), LONGEST_WAIT);
        let total: Duration = (0..MAX_ATTEMPTS - 1).map(wait).sum();
        assert!(total > Duration::from_secs(24 * 3600), "{total:?}");
    }
}
