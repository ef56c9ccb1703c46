//! Sends mutated lines through framing and every decoder, and prints what came of it:
//! `cargo run -p vedette-syslog --example mutate -- [COUNT [SEED]]`. Ends with 1 where one panicked or
//! took out of all proportion.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use rustix::time::{ClockId, clock_gettime};
use time::macros::datetime;
use vedette_event::{LogRecord, Peer, Transport};
use vedette_syslog::{Received, decode, entities};

#[path = "../tests/lines/mod.rs"]
mod lines;

use lines::{Mutator, send};

/// Inputs where none are asked for.
const COUNT: u64 = 1_000_000;

/// How many times the mean time for as many bytes a line may take. Expressions take time in proportion
/// to the line's length and their own, and the tables hold some that are thirty times the mean.
const MOST: f64 = 100.0;

/// Lines kept, and timed anew at the end.
const SLOWEST: usize = 40;

/// Bytes added to a line's length before times are compared: what each line takes however short.
const BASE_BYTES: usize = 200;

/// A line that took long.
struct Slow {
    bytes: Vec<u8>,
    seconds: f64,
}

impl Slow {
    /// Keeps the least of several times: what only the machine had slowed falls back.
    fn time_again(&mut self) {
        let again = (0..5).map(|_| timed(&self.bytes).1);
        self.seconds = again.fold(self.seconds, f64::min);
    }

    /// Seconds for each byte.
    fn rate(&self) -> f64 {
        self.seconds / (self.bytes.len() + BASE_BYTES) as f64
    }
}

#[derive(Default)]
struct Tally {
    inputs: u64,
    frames: u64,
    truncated: u64,
    cut: u64,
    bytes: usize,
    panics: u64,
    seconds: f64,
    datasets: BTreeMap<String, u64>,
    slowest: Vec<Slow>,
}

impl Tally {
    fn take(&mut self, bytes: Vec<u8>) {
        self.frames += 1;
        self.bytes += bytes.len() + BASE_BYTES;
        let Ok((record, seconds)) = catch_unwind(AssertUnwindSafe(|| timed(&bytes))) else {
            self.panics += 1;
            println!("PANIC {:?}", String::from_utf8_lossy(&bytes));
            return;
        };
        self.seconds += seconds;
        let dataset = record.dataset.as_deref().unwrap_or("none").to_owned();
        *self.datasets.entry(dataset).or_default() += 1;
        let mut slow = Slow { bytes, seconds };
        let least = self.slowest.get(SLOWEST - 1).map_or(0.0, Slow::rate);
        if slow.rate() > least {
            slow.time_again();
        }
        if slow.rate() > least {
            self.slowest.push(slow);
            self.slowest.sort_by(|one, other| other.rate().total_cmp(&one.rate()));
            self.slowest.truncate(SLOWEST);
        }
    }

    /// The slowest line, by its fastest of several tries, and its rate against the mean.
    fn slowest(&mut self) -> Option<(&Slow, f64)> {
        self.slowest.iter_mut().for_each(Slow::time_again);
        let mean = self.seconds / self.bytes as f64;
        let slowest = self.slowest.iter().max_by(|a, b| a.rate().total_cmp(&b.rate()))?;
        Some((slowest, slowest.rate() / mean))
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().ok());
    let count = arguments.next().flatten().unwrap_or(COUNT);
    let mut mutator = Mutator::new(arguments.next().flatten().unwrap_or_default());
    let mut tally = Tally::default();
    for _ in 0..count {
        let input = mutator.input();
        tally.inputs += 1;
        let outcome = send(&input, &mut mutator);
        tally.cut += outcome.cut;
        for frame in outcome.frames {
            tally.truncated += u64::from(frame.truncated);
            tally.take(frame.bytes);
        }
    }
    let Tally { inputs, frames, truncated, cut, .. } = tally;
    println!("inputs {inputs}, frames {frames}, truncated {truncated}, bytes cut off {cut}");
    println!("decoders that knew one: {}", tally.datasets.len() - 1);
    for (dataset, lines) in &tally.datasets {
        println!("  {dataset:<24}{lines:>9}");
    }
    let mean = tally.seconds * 1e6 / tally.frames.max(1) as f64;
    println!("mean {mean:.1} µs a line; panics {}", tally.panics);
    let panics = tally.panics;
    let Some((slowest, times)) = tally.slowest() else { return ExitCode::FAILURE };
    let text = String::from_utf8_lossy(&slowest.bytes[..slowest.bytes.len().min(300)]).into_owned();
    println!(
        "slowest for its length: {times:.1} times the mean, {} bytes: {text:?}",
        slowest.bytes.len()
    );
    if panics == 0 && times <= MOST { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Decodes a line; the seconds of processor time it took.
fn timed(bytes: &[u8]) -> (LogRecord, f64) {
    let received = Received {
        received_at: datetime!(2026-08-15 12:00 UTC),
        peer: Peer::Local,
        transport: Transport::Tcp,
    };
    let raw = bytes.to_vec();
    let start = processor_time();
    let record = decode(raw, received);
    black_box(entities(&record));
    (record, processor_time() - start)
}

fn processor_time() -> f64 {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}
