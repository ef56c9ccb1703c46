//! `vedette demo`: a day of a small company, squeezed into a minute, against a fresh appliance.
//!
//! Everything is the real thing: the appliance of `serve`, sockets, the model's process, tickets to a
//! receiver that checks their signatures. Only the clock runs faster.

mod desk;
mod progress;
mod replay;
mod run_file;

use std::fs;
use std::io::{self, Write, stdout};
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine as _;
use time::OffsetDateTime;
use vedette_event::ModelStatus;
use vedette_scenario::{Day, Options};
use vedette_settings::Settings;
use vedette_ticket::{Config, Webhook};

use crate::cli::DemoArguments;
use crate::clock::Clock;
use crate::commands::model;
use crate::exit::Outcome;
use crate::model::pull::Pull;
use crate::runtime::{Appliance, Inherited, Start};
use crate::state::{Home, State};

use desk::Desk;
use progress::Progress;
use run_file::RunFile;

/// Seconds of a day.
const DAY: f64 = 86_400.0;
/// How long the clock runs fast after the last line: until quiet incidents have settled.
const AFTERWARDS: time::Duration = time::Duration::minutes(20);
/// Longest wait, after the last line, for triage and tickets: minutes on a slow machine.
const SETTLE: Duration = Duration::from_secs(300);

pub(crate) fn run(arguments: &DemoArguments) -> Outcome {
    let mut home = Home::open(&arguments.configured)?;
    home.state = home.state.below("demo");
    home.state.create()?;
    fetch_model(&home);
    let run_file = RunFile::begin(&home.state, arguments)?;
    let options =
        Options { attacks: !arguments.quiet_day, date: Some(run_file.date), ..Options::default() };
    let day = Day::generate(arguments.seed, options);
    let desk = Desk::open()?;
    let login = random_text()?;
    let settings = settings(home.settings, &home.state, &desk)?;
    let pending = run_file.pending(&day)?;
    let begin = pending.first().map_or(day_end(&day), |event| event.at);
    let pace = DAY / arguments.seconds.max(1) as f64;
    let clock = Clock::faster(begin, pace, day_end(&day) + AFTERWARDS);
    let appliance = Appliance::start(Start {
        settings,
        state: home.state.clone(),
        clock,
        inherited: Inherited::default(),
        one_time_login: Some(login.clone()),
        triage: true,
    })?;
    introduce(&day, pending.len(), &appliance)?;
    let mut progress = Progress::new(appliance.reader());
    replay::run(&day, &pending, appliance.addresses(), clock, &mut |now| {
        progress.show(now, &desk)
    })?;
    progress.settle(&appliance, (clock, day_end(&day) + AFTERWARDS), &desk, SETTLE)?;
    run_file.finish()?;
    let address = appliance.console().map(|address| format!("https://{address}"));
    let address = address.unwrap_or_default();
    let mut out = stdout();
    writeln!(out, "{}", model_line(&appliance.status().model))?;
    writeln!(out, "{}, console at {address}", progress.summary(&desk)?)?;
    if arguments.once {
        appliance.stop()?;
        return Ok(());
    }
    writeln!(out, "log in once with {address}/login/once?code={login}")?;
    writeln!(
        out,
        "the certificate is the box's own: your browser will ask. Ctrl-C ends the demonstration."
    )?;
    wait_for_interrupt()?;
    appliance.stop()?;
    Ok(())
}

/// The model is pulled when it is missing; the appliance works without it.
fn fetch_model(home: &Home) {
    if !home.settings.model.enabled || home.bundles().find().is_ok() {
        return;
    }
    if let Err(error) = model::pull(home, Pull::default()) {
        let why = match error {
            crate::exit::Failure::Other(error) | crate::exit::Failure::Configuration(error) => {
                format!("{error:#}")
            }
            crate::exit::Failure::Told => String::new(),
        };
        eprintln!("vedette: no language model, so screen and rules answer: {why}");
    }
}

/// The configured appliance, with its tickets going to the demonstration's own desk.
fn settings(mut settings: Settings, state: &State, desk: &Desk) -> Result<Settings> {
    let secret_file = state.folder().join("webhook.secret");
    fs::write(&secret_file, desk.secret())
        .with_context(|| format!("cannot write {}", secret_file.display()))?;
    settings.tickets =
        vec![Config::Webhook(Webhook { name: None, url: desk.url(), secret_file, ca_file: None })];
    settings.device.tenant.get_or_insert_with(|| "Demonstration".to_owned());
    Ok(settings)
}

fn introduce(day: &Day, lines: usize, appliance: &Appliance) -> io::Result<()> {
    let addresses: Vec<String> = appliance
        .addresses()
        .iter()
        .map(|(transport, address)| format!("{} {address}", transport.as_str()))
        .collect();
    writeln!(
        stdout(),
        "{} of {}: {lines} lines from {} machines, sent to {}",
        day.date,
        day.domain,
        day.senders.len(),
        addresses.join(" and "),
    )
}

fn model_line(model: &ModelStatus) -> String {
    match (&model.bundle, &model.detail) {
        (Some(bundle), _) => format!("{} questions answered by {bundle}", model.answered),
        (None, Some(detail)) => format!("the language model is {}: {detail}", model.state),
        (None, None) => format!("the language model is {}", model.state),
    }
}

fn day_end(day: &Day) -> OffsetDateTime {
    day.events.last().map_or(OffsetDateTime::UNIX_EPOCH, |event| event.at)
}

fn random_text() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

fn wait_for_interrupt() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tokio::signal::ctrl_c()).context("cannot wait for Ctrl-C")
}
