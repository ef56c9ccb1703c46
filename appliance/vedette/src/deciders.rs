//! The engine of triage with what it decides with: the screen's weights and the indicators.

use anyhow::Result;
use vedette_kb::Kb;
use vedette_triage::screen::LinearScreen;
use vedette_triage::{Engine, Judge, Policy, Sigma};

/// An engine with nothing in its memory.
pub(crate) fn engine(policy: &Policy, sigma: Sigma) -> Result<Engine> {
    let screen = Box::new(LinearScreen::embedded()?);
    let engine = Engine::new(policy.clone(), screen, Box::new(Kb::embedded().intel()));
    Ok(engine.with_rules(sigma))
}

/// The judge alone, for lines without context; by itself it knows no rules of a customer.
pub(crate) fn judge(policy: &Policy) -> Result<Judge> {
    Ok(Judge::new(policy.clone(), Box::new(LinearScreen::embedded()?)))
}
