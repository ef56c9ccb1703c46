//! `vedette bench ingest`: what becomes of lines that come at a fixed rate.

use std::io::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use vedette_event::Status;
use vedette_store::Reader;

use super::appliance::Appliance;
use super::corpus::Corpus;
use super::process::{Cpu, bytes_in, peak_memory};
use super::report::Report;
use super::send::{Sender, Target, Way};
use crate::cli::IngestBench;
use crate::exit::Outcome;

/// Between two looks at the counters; each look costs the appliance a little.
const LOOK: Duration = Duration::from_millis(250);
/// How long the counters may stand still before what is missing is given up.
const STANDSTILL: Duration = Duration::from_secs(5);
/// How long judging everything may take: it falls behind at rates that storing keeps up with.
const JUDGING_TIME: Duration = Duration::from_secs(600);

pub(crate) fn run(arguments: &IngestBench) -> Outcome {
    let report = measure(arguments)?;
    write!(std::io::stdout(), "{report}")?;
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&report.to_json()?)?;
        std::fs::write(path, text + "\n")
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn measure(arguments: &IngestBench) -> Result<Report> {
    let IngestBench { transport: way, load, triage, state, .. } = arguments;
    let lines = usize::try_from(load.lines()).unwrap_or(usize::MAX);
    let corpus = Corpus::draw(lines, load.size);
    let mut appliance = Appliance::start(*way, triage.is_on(), state.as_deref())?;
    let to = Target { way: *way, address: appliance.address(*way)? };
    let trust = (*way == Way::Tls).then(|| appliance.certificate());
    let process = appliance.process();
    let folder = appliance.state().folder().to_owned();
    let (disk, cpu, threads) = (bytes_in(&folder), Cpu::of(process)?, Cpu::by_thread(process));

    let started = Instant::now();
    let sender = Sender { corpus: &corpus, load, numbered: false };
    let sent = sender.send(to, trust.as_deref())?;
    let status = wait_until_stored(&appliance, sent.lines)?;
    let seconds_to_stored = started.elapsed().as_secs_f64();
    let mut seconds_to_judged = None;
    if triage.is_on() {
        wait_until_judged(&appliance)?;
        seconds_to_judged = Some(started.elapsed().as_secs_f64());
    }

    let cpu = Cpu::of(process)? - cpu;
    let mut by_thread = Cpu::by_thread(process);
    by_thread.iter_mut().for_each(|(name, seconds)| *seconds -= threads.get(name).unwrap_or(&0.0));
    let peak_memory_bytes = peak_memory(process)?;
    appliance.stop()?;
    let in_store = Reader::open(&folder)?.counts()?.events_ever;
    Ok(Report {
        transport: way.as_str(),
        triage: triage.is_on(),
        size: load.size,
        wanted_rate: load.rate,
        sent,
        received: status.ingest.received,
        stored: status.ingest.stored,
        dropped: status.ingest.dropped,
        in_store,
        seconds_to_stored,
        seconds_to_judged,
        cpu,
        threads: by_thread,
        peak_memory_bytes,
        disk_bytes: bytes_in(&folder).saturating_sub(disk),
    })
}

/// Waits until every line sent is accounted for, or nothing changes any more.
fn wait_until_stored(appliance: &Appliance, sent: u64) -> Result<Status> {
    let told = |status: &Status| status.ingest.stored + status.ingest.dropped.values().sum::<u64>();
    let mut last = (0, Instant::now());
    loop {
        let status = appliance.status()?;
        let now = told(&status);
        if now != last.0 {
            last = (now, Instant::now());
        }
        if now >= sent || last.1.elapsed() > STANDSTILL {
            return Ok(status);
        }
        sleep(LOOK);
    }
}

fn wait_until_judged(appliance: &Appliance) -> Result<()> {
    let deadline = Instant::now() + JUDGING_TIME;
    while appliance.status()?.store.waiting > 0 && Instant::now() < deadline {
        sleep(LOOK);
    }
    Ok(())
}
