//! `vedette-worker`: the process in which the language model runs.

mod bench;
mod command;

use std::process::ExitCode;

use clap::Parser;
use vedette_engine::EngineError;
use vedette_engine::worker::keep_large_memory_apart;
use vedette_event::worker::{EXIT_DAMAGED, EXIT_UNREADABLE};

fn main() -> ExitCode {
    let arguments = command::Arguments::parse();
    keep_large_memory_apart();
    match command::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("vedette-worker: {why:#}");
            ExitCode::from(exit_code(&why))
        }
    }
}

/// What the parent may conclude from the exit.
fn exit_code(why: &anyhow::Error) -> u8 {
    match why.downcast_ref() {
        Some(EngineError::Read { .. }) => EXIT_UNREADABLE,
        Some(EngineError::Hash { .. } | EngineError::Corrupt(_) | EngineError::Unsupported(_)) => {
            EXIT_DAMAGED
        }
        _ => 1,
    }
}
