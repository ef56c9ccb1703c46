//! The engine of triage with what it decides with: the screen's weights and the indicators.

use anyhow::Result;
use vedette_kb::Kb;
use vedette_triage::screen::LinearScreen;
use vedette_triage::{Engine, Judge, Policy};

/// An engine with nothing in its memory.
pub(crate) fn engine(policy: &Policy) -> Result<Engine> {
    let screen = Box::new(LinearScreen::embedded()?);
    Ok(Engine::new(policy.clone(), screen, Box::new(Kb::embedded().intel())))
}

/// The judge alone, for lines without context.
pub(crate) fn judge(policy: &Policy) -> Result<Judge> {
    Ok(Judge::new(policy.clone(), Box::new(LinearScreen::embedded()?)))
}
