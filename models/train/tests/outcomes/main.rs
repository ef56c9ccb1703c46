//! How often the predicted outcome is the true one, with and without evidence, over incidents told from
//! stories.
//!
//! `cargo test -p vedette-train --test outcomes -- --nocapture` prints the table.

mod hostile;

use vedette_event::{Incident, PastIncident, ResolutionCode, Retriever};
use vedette_kb::{Imported, Kb};
use vedette_resolve::Resolver;
use vedette_train::outcomes::stories::{self, StorySet};
use vedette_train::outcomes::tell::{Case, cases};
use vedette_train::outcomes::{Bayes, SEED};

/// Incidents of each story, with other values, repeats and stamps.
const VARIANTS: usize = 4;

/// Sets that nothing was learnt from and nothing was chosen by, with the share that must be right: what
/// was measured, less a little.
const FLOORS: [(&str, f64); 4] =
    [("blind", 0.87), ("unseen", 0.86), ("unseen-too", 0.85), ("unseen-three", 0.85)];

struct NoPast;

impl Retriever for NoPast {
    fn similar(&self, _: &Incident, _: usize) -> Vec<PastIncident> {
        Vec::new()
    }
}

fn without_evidence(incident: &Incident) -> Incident {
    Incident { evidence: Vec::new(), ..incident.clone() }
}

fn share(cases: &[Case], predict: impl Fn(&Incident) -> ResolutionCode) -> f64 {
    let right = cases.iter().filter(|case| predict(&case.incident) == case.code).count();
    right as f64 / cases.len() as f64
}

fn majority<'a>(sets: impl Iterator<Item = &'a StorySet>) -> ResolutionCode {
    let codes: Vec<_> = sets.flat_map(|set| &set.stories).map(|story| story.code).collect();
    let count = |code: &ResolutionCode| codes.iter().filter(|one| *one == code).count();
    *ResolutionCode::ALL.iter().max_by_key(|code| count(code)).expect("there are codes")
}

#[test]
fn evidence_tells_how_an_incident_ends() {
    let sets = stories::read(&stories::folder()).unwrap();
    let sets: Vec<StorySet> = sets.into_iter().map(|(_, set)| set).collect();
    let learnt: Vec<&StorySet> = sets.iter().filter(|set| !set.is_held()).collect();
    let resolver = Resolver::new(Kb::embedded(), &Imported::default());
    let ours = |incident: &Incident| resolver.resolve(incident, &NoPast).resolution_code;
    let bare = |incident: &Incident| ours(&without_evidence(incident));
    let usual = majority(learnt.iter().copied());
    let bayes = Bayes::train(&learnt);
    println!(
        "| set | learnt from | n | majority | naive Bayes | without evidence | with evidence |"
    );
    println!("|---|---|---|---|---|---|---|");
    for set in &sets {
        let told = cases(&set.stories, VARIANTS, SEED);
        let (without, with) = (share(&told, bare), share(&told, ours));
        println!(
            "| {} | {} | {} | {:.3} | {:.3} | {without:.3} | {with:.3} |",
            set.name,
            if set.is_held() { "no" } else { "yes" },
            told.len(),
            share(&told, |_| usual),
            share(&told, |incident| bayes.outcome(incident)),
        );
        if let Some((_, floor)) = FLOORS.iter().find(|(name, _)| *name == set.name) {
            assert!(with >= *floor && with >= without + 0.10, "{}: {with}", set.name);
            print_codes(&told, ours);
        }
    }
    assert!(FLOORS.iter().all(|(name, _)| sets.iter().any(|set| set.name == *name)));
}

/// What became of the cases of each code.
fn print_codes(told: &[Case], predict: impl Fn(&Incident) -> ResolutionCode) {
    for code in ResolutionCode::ALL {
        let of: Vec<_> = told.iter().filter(|case| case.code == *code).collect();
        let given = |other: &ResolutionCode| {
            of.iter().filter(|case| predict(&case.incident) == *other).count()
        };
        let all: Vec<String> = ResolutionCode::ALL
            .iter()
            .map(|other| (other, given(other)))
            .filter(|(_, count)| *count > 0)
            .map(|(other, count)| format!("{count} {other}"))
            .collect();
        if !of.is_empty() {
            println!("{code}, {} cases: {}", of.len(), all.join(", "));
        }
    }
}
