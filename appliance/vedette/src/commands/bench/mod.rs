//! `vedette bench`: what the box takes, on this machine.

mod appliance;
mod corpus;
mod ingest;
mod pace;
mod process;
mod report;
mod send;
mod triage;

use crate::cli::Bench;
use crate::exit::Outcome;

pub(crate) use send::{Target, Way};

pub(crate) fn run(command: Bench) -> Outcome {
    match command {
        Bench::Ingest(arguments) => ingest::run(&arguments),
        Bench::Triage(arguments) => triage::run(&arguments),
        Bench::Send(arguments) => send::run(&arguments),
    }
}
