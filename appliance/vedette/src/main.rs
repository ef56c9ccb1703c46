//! Vedette: a security operations centre in a small box.
//!
//! The binary wires the crates of the house: [`cli`] says what can be asked, `commands` answers what
//! ends by itself, `runtime` is the appliance that stays up, `demo` replays a day against it. Start
//! reading at [`run`].

mod cli;
mod clock;
mod commands;
mod deciders;
mod demo;
mod exit;
mod knowledge;
mod model;
mod runtime;
mod sigma_rules;
mod state;

use std::process::ExitCode;

use clap::Parser as _;
use vedette_telemetry::{LogFormat, init_logging};

use cli::{Cli, Command};
use exit::Outcome;

fn main() -> ExitCode {
    exit::report(run(Cli::parse().command))
}

fn run(command: Command) -> Outcome {
    // Under systemd the journal stamps and stores lines; JSON keeps their fields apart.
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let format = if journal { LogFormat::Json } else { LogFormat::Text };
    // Only the appliance tells what it does; commands print results, and what went wrong.
    init_logging(format, if matches!(command, Command::Serve(_)) { "info" } else { "warn" });
    match command {
        Command::Serve(configured) => commands::serve::run(&configured),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Triage(arguments) => commands::triage::run(&arguments),
        Command::Query(arguments) => commands::query::run(&arguments),
        Command::Resolve(arguments) => commands::resolve::run(&arguments),
        Command::Incidents(command) => commands::incidents::run(command),
        Command::Events(command) => commands::events::run(command),
        Command::Kb(command) => commands::kb::run(command),
        Command::Model(command) => commands::model::run(command),
        Command::Status(arguments) => commands::status::run(&arguments),
        Command::Config(command) => commands::config::run(command),
        Command::Backup(arguments) => commands::audit::back_up(&arguments),
        Command::Restore(arguments) => commands::audit::put_back(&arguments),
        Command::Audit(command) => commands::audit::run(command),
        Command::Bench(command) => commands::bench::run(command),
    }
}
