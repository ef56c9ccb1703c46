//! `vedette kb`: list, check, import.

use std::fs;
use std::io::{Write as _, stdout};

use anyhow::Context;
use vedette_kb::{Imported, Kb};

use crate::cli::Knowledge;
use crate::exit::{Failure, Outcome};
use crate::knowledge;
use crate::sigma_rules;
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
        Knowledge::ImportAttack { file, configured } => {
            let home = Home::open(&configured)?;
            let (facts, hash) = knowledge::import_attack(&home.state, &file)?;
            for unknown in &facts.unknown {
                eprintln!("vedette: left out: {unknown}");
            }
            writeln!(
                stdout(),
                "ATT&CK Enterprise {}: {} techniques, sha256 {hash}; `serve` uses them from its next start",
                facts.version,
                facts.techniques
            )?;
        }
        Knowledge::List(configured) => {
            let home = Home::open(&configured)?;
            writeln!(stdout(), "{}", attack())?;
            for runbook in Kb::embedded().runbooks() {
                writeln!(stdout(), "{}\t{}", runbook.id, runbook.title)?;
            }
            for runbook in knowledge::imported(&home.state)?.runbooks() {
                writeln!(stdout(), "{}\t{}\timported", runbook.id, runbook.title)?;
            }
            for title in sigma_rules::of_told(&home.settings, &home.state).titles() {
                writeln!(stdout(), "sigma\t{title}\timported")?;
            }
        }
        Knowledge::Lint(configured) => {
            let home = Home::open(&configured)?;
            lint(&home)?;
        }
    }
    Ok(())
}

/// Every defect of the knowledge base and of what was added to it.
fn lint(home: &Home) -> Outcome {
    writeln!(stdout(), "{}", attack())?;
    let findings = Kb::embedded().lint(&knowledge::imported(&home.state)?);
    for finding in &findings {
        writeln!(stdout(), "{finding}")?;
    }
    let (sigma, refused, troubles) = sigma_rules::read(&home.settings, &home.state);
    for trouble in &troubles {
        writeln!(stdout(), "sigma: {trouble}")?;
    }
    for refused in &refused {
        writeln!(stdout(), "sigma/{refused}")?;
    }
    if !sigma.is_empty() || !refused.is_empty() {
        let (taken, left) = (sigma.len(), refused.len());
        writeln!(stdout(), "{taken} Sigma rules are in use, {left} files have rules that are not")?;
    }
    if !findings.is_empty() || !refused.is_empty() || !troubles.is_empty() {
        return Err(Failure::Told);
    }
    writeln!(stdout(), "the knowledge base is in order")?;
    Ok(())
}

/// Which ATT&CK the facts are of.
fn attack() -> String {
    let attack = Kb::embedded().attack();
    let origin = match attack.sha256() {
        Some(hash) => format!("sha256 {hash}\timported"),
        None => "built in".to_owned(),
    };
    format!(
        "attack\tATT&CK Enterprise {}, {} techniques\t{origin}",
        attack.version(),
        attack.techniques().len()
    )
}
