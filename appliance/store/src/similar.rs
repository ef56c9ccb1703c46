//! Closed incidents like a new one.

use std::collections::BTreeSet;

use vedette_event::{Incident, IncidentStatus, PastIncident, Retriever};

use crate::{IncidentFilter, IncidentOrder, Reader};

/// Closed incidents looked through, newest first: older experience counts less, and the work stays
/// within milliseconds.
const LOOKED_THROUGH: usize = 500;

/// Weights of what two incidents share. The class alone says least; techniques and the very same
/// addresses or accounts say more.
const CLASS: f64 = 1.0;
const TECHNIQUES: f64 = 2.0;
const ENTITIES: f64 = 2.0;
const TITLE: f64 = 0.5;

impl Retriever for Reader {
    fn similar(&self, incident: &Incident, limit: usize) -> Vec<PastIncident> {
        let filter = IncidentFilter {
            status: Some(IncidentStatus::Closed),
            limit: LOOKED_THROUGH,
            offset: 0,
            order: IncidentOrder::Newest,
        };
        let closed = match self.incidents(filter) {
            Ok(closed) => closed,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "closed incidents cannot be read");
                return Vec::new();
            }
        };
        let mut scored: Vec<_> = closed
            .into_iter()
            .filter(|past| past.id != incident.id)
            .map(|past| (likeness(incident, &past), past))
            .filter(|(score, _)| *score > 0.0)
            .collect();
        // Stable: among equals the newest stays first.
        scored.sort_by(|(left, _), (right, _)| right.total_cmp(left));
        scored.into_iter().take(limit).filter_map(|(_, past)| past_incident(past)).collect()
    }
}

fn past_incident(incident: Incident) -> Option<PastIncident> {
    let outcome = incident.outcome?;
    Some(PastIncident {
        id: incident.id,
        title: incident.title,
        threat_class: incident.threat_class,
        techniques: incident.techniques,
        code: outcome.code,
        note: outcome.note,
    })
}

fn likeness(one: &Incident, other: &Incident) -> f64 {
    let class = one.threat_class.is_some() && one.threat_class == other.threat_class;
    let techniques = |incident: &Incident| -> BTreeSet<_> {
        incident.techniques.iter().flat_map(|technique| [*technique, technique.parent()]).collect()
    };
    let entities =
        |incident: &Incident| -> BTreeSet<_> { incident.entities.iter().cloned().collect() };
    let words = |incident: &Incident| -> BTreeSet<_> {
        incident.title.to_lowercase().split_whitespace().map(str::to_owned).collect()
    };
    CLASS * f64::from(u8::from(class))
        + TECHNIQUES * overlap(&techniques(one), &techniques(other))
        + ENTITIES * overlap(&entities(one), &entities(other))
        + TITLE * overlap(&words(one), &words(other))
}

/// Shared elements by all elements, 0 to 1.
fn overlap<T: Ord>(one: &BTreeSet<T>, other: &BTreeSet<T>) -> f64 {
    let all = one.union(other).count();
    if all == 0 { 0.0 } else { one.intersection(other).count() as f64 / all as f64 }
}
