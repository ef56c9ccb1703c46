//! `vedette status`.

use std::io::{self, Write as _, stdout};

use anyhow::bail;
use vedette_event::{SpoolStatus, Status};
use vedette_store::Reader;

use crate::cli::StatusArguments;
use crate::exit::{Failure, Outcome};
use crate::runtime::control::{self, Answer, Request};
use crate::runtime::{hardware, stored};
use crate::state::Home;

pub(crate) fn run(arguments: &StatusArguments) -> Outcome {
    let Home { settings, state } = Home::open(&arguments.configured)?;
    let status = match control::ask(&state, &Request::Status)? {
        Some(Answer::Status { status }) => *status,
        Some(other) => return unexpected(&other),
        None => {
            let reader = Reader::open(state.folder())?;
            stored(&reader, &settings.retention, hardware(&state))
        }
    };
    if arguments.json {
        writeln!(stdout(), "{}", serde_json::to_string_pretty(&status)?)?;
    } else {
        print(&status)?;
    }
    Ok(())
}

fn unexpected(answer: &Answer) -> Outcome {
    let fail = || -> anyhow::Result<()> { bail!("the appliance answered {answer:?}") };
    fail().map_err(Failure::Other)
}

fn print(status: &Status) -> io::Result<()> {
    let running = if status.running { "running" } else { "not running" };
    let health = if status.healthy { "healthy" } else { "needs attention" };
    writeln!(stdout(), "vedette {}: {running}, {health}", status.version)?;
    for reason in &status.reasons {
        writeln!(stdout(), "  ! {reason}")?;
    }
    for address in &status.ingest.listening {
        writeln!(stdout(), "  listening on {address}")?;
    }
    let detail = status.model.detail.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
    writeln!(
        stdout(),
        "  model {}{detail}, {} questions answered",
        status.model.state,
        status.model.answered
    )?;
    writeln!(
        stdout(),
        "  received {}, stored {}, {} in the store, {} not yet judged",
        status.ingest.received,
        status.ingest.stored,
        status.store.events,
        status.store.waiting
    )?;
    let spool = &status.ingest.spool;
    if spool.written + spool.found > 0 {
        let SpoolStatus { waiting, written, found } = spool;
        writeln!(
            stdout(),
            "  spool: {waiting} wait, {written} had to since the start, {found} found then"
        )?;
    }
    for (reason, count) in &status.ingest.dropped {
        writeln!(stdout(), "  dropped {count}: {reason}")?;
    }
    writeln!(stdout(), "  open incidents {}", status.open_incidents)?;
    for (state, count) in &status.tickets {
        writeln!(stdout(), "  tickets {state}: {count}")?;
    }
    for check in &status.hardware {
        writeln!(stdout(), "  {} {}: {}", check.name, check.state, check.detail)?;
    }
    Ok(())
}
