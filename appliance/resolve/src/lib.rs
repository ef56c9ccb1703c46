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
mod outcome;
mod rank;
#[cfg(test)]
mod retrieval_tests;
mod signs;
mod steps;
#[cfg(test)]
mod tests;
mod weigh;

use vedette_event::{Incident, RankedRunbook, Resolution, Retriever};
use vedette_kb::{Imported, Kb};

use clues::Clues;
use document::Document;
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
}

impl Resolver {
    /// Indexes our own runbooks and the customer's.
    pub fn new(kb: &'static Kb, imported: &Imported) -> Self {
        let own = kb.runbooks().iter().map(Document::from_runbook);
        let theirs = imported.runbooks().iter().map(Document::from_imported);
        Self { kb, clues: Clues::new(kb), index: Index::new(own.chain(theirs).collect()) }
    }

    /// Every runbook with any fit, best first; [`Self::resolve`] gives the first few.
    pub fn rank(&self, incident: &Incident) -> Vec<RankedRunbook> {
        let question = Question::from_incident(self.kb, &self.clues, incident);
        self.index.rank(&question).iter().map(|ranked| ranked.shown()).collect()
    }

    /// What to do about an incident; its class or its techniques are enough.
    pub fn resolve(&self, incident: &Incident, past: &dyn Retriever) -> Resolution {
        let past = past.similar(incident, MOST_PAST);
        let question = Question::from_incident(self.kb, &self.clues, incident);
        let mut ranking = self.index.rank(&question);
        ranking.truncate(MOST_RUNBOOKS);
        Resolution {
            runbooks: ranking.iter().map(|ranked| ranked.shown()).collect(),
            resolution_code: outcome::resolution_code(incident, &past),
            steps: steps::steps(&ranking, incident, &past),
        }
    }
}
