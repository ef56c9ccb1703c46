//! `vedette audit`, `vedette backup`, `vedette restore`: the store as a whole.

use std::fs::File;
use std::io::{Write as _, stdout};

use anyhow::Context as _;
use vedette_store::{Reader, restore};

use crate::cli::{Audit, BackupArguments};
use crate::exit::{Failure, Outcome};
use crate::state::Home;

pub(crate) fn run(command: Audit) -> Outcome {
    let Audit::Verify(configured) = command;
    let home = Home::open(&configured)?;
    let report = Reader::open(home.state.folder())?.verify_audit()?;
    match report.broken_at {
        None => {
            writeln!(stdout(), "{} entries, none changed or missing", report.intact)?;
            Ok(())
        }
        Some(entry) => {
            eprintln!(
                "vedette: the audit trail is broken at entry {entry}: it or an earlier one was changed"
            );
            Err(Failure::Told)
        }
    }
}

pub(crate) fn back_up(arguments: &BackupArguments) -> Outcome {
    let home = Home::open(&arguments.configured)?;
    Reader::open(home.state.folder())?.backup(&arguments.file)?;
    writeln!(stdout(), "the store is copied to {}", arguments.file.display())?;
    Ok(())
}

pub(crate) fn put_back(arguments: &BackupArguments) -> Outcome {
    let home = Home::open(&arguments.configured)?;
    let file = arguments.file.display();
    File::open(&arguments.file).with_context(|| format!("cannot open {file}"))?;
    home.state.create()?;
    restore(home.state.folder(), &arguments.file)?;
    writeln!(stdout(), "the store is restored from {}", arguments.file.display())?;
    Ok(())
}
