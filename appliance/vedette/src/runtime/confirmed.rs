//! What people said when they closed incidents, for triage to judge the next lines by.

use std::time::{Duration, Instant};

use time::OffsetDateTime;
use vedette_event::{
    EvidenceLine, Incident, IncidentId, IncidentStatus, LogRecord, Peer, ResolutionCode, Transport,
};
use vedette_store::{IncidentFilter, IncidentOrder, Reader, StoreError};
use vedette_syslog::{Received, decode};
use vedette_triage::{EVIDENCE_BYTES, Ending, Engine};

/// Closed incidents that are learnt from, the last seen ones.
const INCIDENTS: usize = 500;

/// Lines of evidence of each: an incident is mostly the same few lines over and over.
const LINES: usize = 8;

/// Evidence shorter than this is the whole line: what is cut ends at most three bytes, a character, before
/// the cap.
const WHOLE_BYTES: usize = EVIDENCE_BYTES - 3;

/// How often to look whether somebody closed an incident: soon enough for a person, and next to no work.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How far the audit log, which tells of every closing, has been read.
#[derive(Default)]
pub(super) struct Closings {
    seen: u64,
    looked: Option<Instant>,
}

impl Closings {
    /// Teaches the engine anew when somebody closed an incident since the last look.
    pub(super) fn heed(&mut self, reader: &Reader, engine: &mut Engine) {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return;
        }
        self.looked = Some(Instant::now());
        if let Err(error) = self.teach(reader, engine) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "closed incidents cannot be read: triage does not learn from them"
            );
        }
    }

    fn teach(&mut self, reader: &Reader, engine: &mut Engine) -> Result<(), StoreError> {
        let (last, closed) = reader.audited_since(self.seen, "incident.close")?;
        if closed > 0 {
            let lines = lines(reader)?;
            engine.confirm(lines.iter().map(|(id, ending, line)| (*id, *ending, line)));
            tracing::info!(lines = lines.len(), "learnt from closed incidents");
        }
        self.seen = last;
        Ok(())
    }
}

/// Lines of incidents that people closed with a clear ending.
fn lines(reader: &Reader) -> Result<Vec<(IncidentId, Ending, LogRecord)>, StoreError> {
    let closed = reader.incidents(IncidentFilter {
        status: Some(IncidentStatus::Closed),
        limit: INCIDENTS,
        offset: 0,
        order: IncidentOrder::Newest,
    })?;
    let mut lines = Vec::new();
    for incident in &closed {
        let Some(ending) = ending(incident) else { continue };
        for line in incident.evidence.iter().take(LINES) {
            lines.push((incident.id, ending, record(reader, line)?));
        }
    }
    Ok(lines)
}

fn ending(incident: &Incident) -> Option<Ending> {
    match incident.outcome.as_ref()?.code {
        ResolutionCode::TruePositiveContained | ResolutionCode::TruePositiveActionNeeded => {
            Some(Ending::Attack)
        }
        ResolutionCode::BenignExpected | ResolutionCode::BenignMisconfiguration => {
            Some(Ending::Harmless)
        }
        ResolutionCode::Duplicate | ResolutionCode::NeedsHuman => None,
    }
}

/// The line, decoded again from the evidence; where that was cut, as it was stored, unless deleted by age.
fn record(reader: &Reader, line: &EvidenceLine) -> Result<LogRecord, StoreError> {
    let cut = line.event_id.filter(|_| line.raw.len() >= WHOLE_BYTES);
    let stored = cut.map(|id| reader.event(id)).transpose()?.flatten();
    Ok(stored.unwrap_or_else(|| {
        let received_at = OffsetDateTime::UNIX_EPOCH;
        let received = Received { received_at, peer: Peer::Local, transport: Transport::File };
        decode(line.raw.clone().into_bytes(), received)
    }))
}
