//! `vedette kb`: list, check, import.

use std::fs;
use std::io::{Write as _, stdout};

use anyhow::Context;
use vedette_kb::{Imported, Kb};

use crate::cli::Knowledge;
use crate::exit::{Failure, Outcome};
use crate::knowledge;
use crate::state::Home;

pub(crate) fn run(command: Knowledge) -> Outcome {
    match command {
        Knowledge::Import { file, configured } => {
            let home = Home::open(&configured)?;
            let text = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let newer = Imported::parse(&text)
                .with_context(|| format!("cannot import {}", file.display()))?;
            let read = newer.runbooks().len();
            let mut all = knowledge::imported(&home.state)?;
            all.merge(newer).with_context(|| format!("cannot import {}", file.display()))?;
            knowledge::keep(&home.state, &all)?;
            writeln!(
                stdout(),
                "{read} runbooks read, {} in all; `serve` uses them from its next start",
                all.runbooks().len()
            )?;
        }
        Knowledge::List(configured) => {
            let home = Home::open(&configured)?;
            for runbook in Kb::embedded().runbooks() {
                writeln!(stdout(), "{}\t{}", runbook.id, runbook.title)?;
            }
            for runbook in knowledge::imported(&home.state)?.runbooks() {
                writeln!(stdout(), "{}\t{}\timported", runbook.id, runbook.title)?;
            }
        }
        Knowledge::Lint(configured) => {
            let home = Home::open(&configured)?;
            let findings = Kb::embedded().lint(&knowledge::imported(&home.state)?);
            for finding in &findings {
                writeln!(stdout(), "{finding}")?;
            }
            if !findings.is_empty() {
                return Err(Failure::Told);
            }
            writeln!(stdout(), "the knowledge base is in order")?;
        }
    }
    Ok(())
}
