//! What goes out with an incident: evidence from the store, queries, guidance, tickets.

use std::sync::Arc;

use time::OffsetDateTime;
use vedette_event::query::{Language, Query, RenderedQuery};
use vedette_event::{EvidenceLine, EvidenceSource as _, Incident, TicketDraft};
use vedette_resolve::Resolver;
use vedette_settings::{Device, Settings};
use vedette_store::{Filing, OutboxEntry};
use vedette_triage::Engine;

use super::status::Sources;
use crate::knowledge;
use crate::model::embed;
use crate::state::State;

/// Lines of evidence that an incident keeps: a ticket is read by a person.
const MAX_EVIDENCE: usize = 40;

/// Completes an incident for the outside.
pub(super) struct Filer {
    resolver: Arc<Resolver>,
    device: Device,
    shared: Arc<Sources>,
    connectors: Vec<String>,
}

impl Filer {
    pub(super) fn new(
        settings: &Settings,
        state: &State,
        shared: &Arc<Sources>,
        connectors: Vec<String>,
    ) -> Self {
        let resolver = knowledge::resolver_of_readable(state);
        let resolver = embed::being_taught(resolver, embed::sentences(settings, state));
        Self { resolver, device: settings.device.clone(), shared: shared.clone(), connectors }
    }

    /// Says on which box it happened.
    pub(super) fn sign(&self, incident: &mut Incident) {
        incident.device_id = Some(self.shared.device_id.clone());
        incident.tenant.clone_from(&self.device.tenant);
        incident.site.clone_from(&self.device.site);
    }

    /// The incident with the evidence that its local query finds, weighed by it, and all that is filed
    /// with it.
    pub(super) fn file(
        &self,
        mut incident: Incident,
        engine: &mut Engine,
        now: OffsetDateTime,
    ) -> (Incident, Filing) {
        self.sign(&mut incident);
        let query = vedette_query::from_incident(&incident, now);
        // Lines are evidence one by one, however few: counting is for looking elsewhere.
        let lines = Query { aggregation: None, ..query.clone() };
        match self.shared.reader.evidence(&lines) {
            Ok(lines) => {
                let found = vedette_resolve::weigh(&incident, &lines);
                if let Some((risk, reasons)) = engine.weigh(incident.id, found) {
                    (incident.risk, incident.risk_reasons) = (risk, reasons);
                }
                add_evidence(&mut incident, lines);
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, incident = %incident.id, "no evidence from the store");
            }
        }
        let queries: Vec<RenderedQuery> = Language::ALL
            .iter()
            .map(|&language| vedette_query::render(&query, language, None, now))
            .collect();
        let resolution = Some(self.resolver.resolve(&incident, &self.shared.reader));
        let draft = TicketDraft {
            correlation_id: format!("vedette-{}-{}", self.shared.device_id, incident.id),
            incident: incident.clone(),
            queries: queries.clone(),
            resolution: resolution.clone(),
            console_url: self
                .shared
                .console
                .map(|address| format!("https://{address}/incidents/{}", incident.id)),
        };
        let entry =
            |connector: &String| OutboxEntry { connector: connector.clone(), draft: draft.clone() };
        let tickets = self.connectors.iter().map(entry).collect();
        let filing = Filing { incident: incident.id, queries, resolution, tickets };
        (incident, filing)
    }
}

/// Adds lines that are not there yet, up to the cap.
fn add_evidence(incident: &mut Incident, lines: Vec<EvidenceLine>) {
    for line in lines {
        if incident.evidence.len() >= MAX_EVIDENCE {
            return;
        }
        let known = incident.evidence.iter().any(|known| known.event_id == line.event_id);
        if !known {
            incident.evidence.push(line);
        }
    }
}
