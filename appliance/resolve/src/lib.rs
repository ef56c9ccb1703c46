//! Resolution guidance retrieved from the knowledge base, with sources.
//!
//! [`Resolver::resolve`] ranks our own and the customer's runbooks for an incident, says how it will
//! most likely end, and gives the steps to take in order, each with the paragraph it comes from. The
//! index is in memory. Text of incidents and of imported runbooks is data: it is searched and quoted,
//! never obeyed.
//!
//! The crate does no I/O and must not know the clock, sockets or SQL; past incidents come through
//! [`vedette_event::Retriever`]. Start reading at [`Resolver`].

mod bm25;
mod clues;
mod document;
mod fill;
mod learnt;
mod meaning;
mod outcome;
mod rank;
#[cfg(test)]
mod retrieval_tests;
mod signs;
mod steps;
#[cfg(test)]
mod tests;
mod weigh;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use vedette_event::{Embedder, Incident, RankedRunbook, Resolution, Retriever};
use vedette_kb::{Imported, Kb};

use clues::Clues;
use document::Document;
pub use learnt::{OUTCOME_FEATURES, OUTCOMES, OutcomeModel, outcome_features};
use meaning::Meanings;
use rank::{Index, Question};
pub use weigh::weigh;

/// Runbooks in an answer; more than a person reads.
const MOST_RUNBOOKS: usize = 5;
/// Past incidents that are asked for: enough for a majority.
const MOST_PAST: usize = 5;

/// Finds guidance. Made once; imports need a new one.
pub struct Resolver {
    kb: &'static Kb,
    clues: Clues,
    index: Index,
    embedder: Option<Arc<dyn Embedder>>,
    meanings: OnceLock<Meanings>,
}

impl Resolver {
    /// Indexes our own runbooks and the customer's.
    pub fn new(kb: &'static Kb, imported: &Imported) -> Self {
        let own = kb.runbooks().iter().map(Document::from_runbook);
        let theirs = imported.runbooks().iter().map(Document::from_imported);
        let index = Index::new(own.chain(theirs).collect());
        let meanings = OnceLock::new();
        Self { kb, clues: Clues::new(kb), index, embedder: None, meanings }
    }

    /// The same, asking a sentence model besides once [`Self::learn`] was called. Where it gives no
    /// answer the words decide alone.
    #[must_use]
    pub fn with_embedder(self, embedder: Arc<dyn Embedder>) -> Self {
        Self { embedder: Some(embedder), ..self }
    }

    /// What [`Self::learn`] wants vectors of, in order: the same for the same knowledge.
    pub fn phrases(&self) -> Vec<&'static str> {
        meaning::phrases(self.kb).into_iter().map(|(_, phrase)| phrase).collect()
    }

    /// Takes the sentence model's vectors of [`Self::phrases`]; false where they are none of them.
    pub fn learn(&self, vectors: Vec<Vec<f32>>) -> bool {
        let learnt = Meanings::new(self.kb, vectors);
        learnt.is_some_and(|learnt| self.meanings.set(learnt).is_ok())
    }

    /// Every runbook with any fit, best first; [`Self::resolve`] gives the first few.
    pub fn rank(&self, incident: &Incident) -> Vec<RankedRunbook> {
        self.index.rank(&self.question(incident)).iter().map(|ranked| ranked.shown()).collect()
    }

    /// What to do about an incident; its class or its techniques are enough.
    pub fn resolve(&self, incident: &Incident, past: &dyn Retriever) -> Resolution {
        let past = past.similar(incident, MOST_PAST);
        let mut ranking = self.index.rank(&self.question(incident));
        ranking.truncate(MOST_RUNBOOKS);
        Resolution {
            runbooks: ranking.iter().map(|ranked| ranked.shown()).collect(),
            resolution_code: outcome::resolution_code(incident, &past),
            steps: steps::steps(&ranking, incident, &past),
        }
    }

    fn question(&self, incident: &Incident) -> Question {
        let alike = |text: &str| self.alike(text).unwrap_or_default();
        Question::from_incident(self.kb, &self.clues, alike, incident)
    }

    fn alike(&self, text: &str) -> Option<HashMap<&'static str, f32>> {
        let meanings = self.meanings.get()?;
        let text = text.trim();
        let asked = (!text.is_empty()).then_some(text)?;
        let vectors = self.embedder.as_ref()?.embed(&[asked])?;
        Some(meanings.alike(vectors.first()?))
    }
}
