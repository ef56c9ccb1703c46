//! `vedette bench triage`: how fast lines are judged, part by part, without sockets, disk and model.

use std::hint::black_box;
use std::io::Write as _;

use anyhow::Context as _;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use time::OffsetDateTime;
use vedette_event::{Decider, EventId, LogRecord, Peer, Transport};
use vedette_syslog::{Received, decode};
use vedette_triage::rules::hits;
use vedette_triage::{Policy, Reading, Sigma, neutralise};

use super::corpus::Corpus;
use crate::cli::TriageBench;
use crate::deciders;
use crate::exit::Outcome;

/// One step over all lines, in time of this thread's CPU: the machine may have more to do.
#[derive(Debug, Serialize)]
struct Step {
    name: &'static str,
    lines_per_second: f64,
    us_per_line: f64,
}

pub(crate) fn run(arguments: &TriageBench) -> Outcome {
    let corpus = Corpus::draw(arguments.lines, arguments.size);
    let lines = corpus.lines();
    let mut records = Vec::with_capacity(lines.len());
    let mut steps = vec![timed("decode", lines.len(), || {
        records.extend(lines.iter().map(|line| record(line)));
    })];
    steps.extend(parts(&records)?);
    let mut engine = deciders::engine(&Policy::default(), Sigma::default())?;
    let mut number = 0;
    for name in ["engine, from nothing", "engine, templates seen"] {
        steps.push(timed(name, lines.len(), || {
            for record in &records {
                number += 1;
                black_box(engine.handle_record(EventId(number), record));
            }
        }));
    }
    let mut out = std::io::stdout();
    for Step { name, lines_per_second, us_per_line } in &steps {
        writeln!(
            out,
            "{name:24}{us_per_line:>10.2} µs a line{lines_per_second:>12.0} lines a second"
        )?;
    }
    writeln!(out, "{} lines, {} templates", lines.len(), engine.memory().templates)?;
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&steps)?;
        std::fs::write(path, text + "\n")
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// What the engine does with each line, part by part. Reading a line includes to clean it and to look
/// for rules; what the engine takes beyond reading and screen, its memory over many lines takes.
fn parts(records: &[LogRecord]) -> anyhow::Result<[Step; 4]> {
    let judge = deciders::judge(&Policy::default())?;
    // The first line compiles the patterns.
    records.first().into_iter().for_each(|record| drop(judge.read(record)));
    let each = |name, work: &mut dyn FnMut(&LogRecord)| {
        timed(name, records.len(), || records.iter().for_each(work))
    };
    let clean = each("clean", &mut |record| {
        black_box(neutralise(&String::from_utf8_lossy(&record.raw)));
    });
    let mut readings = Vec::with_capacity(records.len());
    let reading = each("read: clean, rules, rest", &mut |record| {
        readings.push(judge.read(record));
    });
    let readings_of = |name, work: &dyn Fn(&Reading)| {
        timed(name, readings.len(), || readings.iter().for_each(work))
    };
    let rules = readings_of("rules", &|reading| {
        black_box(hits(&reading.neutral.text));
    });
    let screen = readings_of("screen", &|reading| {
        black_box(judge.judge(reading, Decider::Screen, None));
    });
    Ok([clean, rules, reading, screen])
}

fn record(line: &[u8]) -> LogRecord {
    let received_at = OffsetDateTime::UNIX_EPOCH;
    decode(line.to_vec(), Received { received_at, peer: Peer::Local, transport: Transport::File })
}

fn timed(name: &'static str, lines: usize, work: impl FnOnce()) -> Step {
    let before = cpu();
    work();
    let seconds = (cpu() - before).max(f64::MIN_POSITIVE);
    let lines = lines as f64;
    Step { name, lines_per_second: lines / seconds, us_per_line: seconds * 1e6 / lines }
}

/// Seconds of CPU that this thread has used.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
