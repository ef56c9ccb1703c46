//! What keeping and finding log lines costs, on lines of one's own:
//! `cargo run -p vedette-store --example lines -- FILE LINES`. FILE holds lines, or JSON lines with a
//! key `raw`; they are taken again from the start until there are LINES.
//!
//! Prints microseconds of CPU a line for decoding and for storing, beside zstd alone on the same bytes
//! in the same run; bytes on disk in proportion to the raw text; and for each of some searches when
//! its answer was there.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use time::OffsetDateTime;
use vedette_event::{LogRecord, Peer, Transport};
use vedette_store::{Options, Reader, Store};
use vedette_syslog::{Received, decode};
use vedette_telemetry::Registry;

/// Searches, from what every line answers to what none does.
const SEARCHES: [&str; 7] = [
    "* since 30d limit 100",
    "\"failed password\" since 30d limit 100",
    "source.ip exists since 30d limit 100",
    "source.ip = 203.0.113.250 since 30d",
    "message contains \"qwertyuiop\" since 30d",
    "message contains \"10.255.3.1\" since 30d",
    "log.syslog.severity.code > 99 since 30d",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(count)) = (arguments.next(), arguments.next()) else {
        return Err("usage: lines FILE LINES".into());
    };
    let count: usize = count.parse()?;
    let lines = read(Path::new(&file))?;
    let bytes: usize = lines.iter().cycle().take(count).map(Vec::len).sum();
    println!("{} lines, taken for {count}, {} bytes each", lines.len(), bytes / count);

    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path(), Options::default(), &Registry::default())?;
    fill(&store, &lines, count)?;
    zstd_alone(&lines, count)?;
    let kept = size(&folder.path().join("segments"))?;
    println!("segments: {:.3} of the raw text", kept as f64 / bytes as f64);
    println!("all files: {:.3}", size(folder.path())? as f64 / bytes as f64);
    search(&store.reader())
}

fn read(file: &Path) -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error>> {
    let text = fs::read(file)?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut found = Vec::new();
    for line in lines {
        match serde_json::from_slice::<serde_json::Value>(line).ok().as_ref().and_then(raw) {
            Some(raw) => found.extend(raw.lines().map(|line| line.as_bytes().to_vec())),
            None => found.push(line.to_vec()),
        }
    }
    Ok(found)
}

fn raw(row: &serde_json::Value) -> Option<&str> {
    row.get("raw")?.as_str()
}

fn fill(store: &Store, lines: &[Vec<u8>], count: usize) -> Result<(), Box<dyn std::error::Error>> {
    let each = |duration: Duration, count| duration.as_secs_f64() * 1e6 / count as f64;
    let clock = thread_cpu();
    let records: Vec<LogRecord> = lines.iter().enumerate().map(record).collect();
    println!("decode  {:6.2} us of CPU a line", each(thread_cpu() - clock, lines.len()));

    let writer = store.writer();
    let (started, clock, mut copying) = (Instant::now(), cpu(), Duration::ZERO);
    let mut left = count;
    let mut source = records.iter().cycle();
    while left > 0 {
        let batch = left.min(BATCH);
        left -= batch;
        let began = thread_cpu();
        let received_at = OffsetDateTime::now_utc();
        let copy = |record: &LogRecord| LogRecord { received_at, ..record.clone() };
        let copies: Vec<LogRecord> = source.by_ref().take(batch).map(copy).collect();
        copying += thread_cpu() - began;
        for record in copies {
            writer.append(record)?;
        }
    }
    writer.flush()?;
    println!("store   {:6.2} us of CPU a line", each(cpu() - clock - copying, count));
    println!("        {:6.2} s in all", started.elapsed().as_secs_f64());
    Ok(())
}

/// Lines handed over at once.
const BATCH: usize = 1000;

fn record((number, line): (usize, &Vec<u8>)) -> LogRecord {
    let peer = Peer::Network(([192, 0, 2, (number % 50) as u8], 514).into());
    let received_at = OffsetDateTime::now_utc();
    decode(line.clone(), Received { received_at, peer, transport: Transport::Udp })
}

/// The physical limit beside it: compressing the same bytes, a megabyte at a time.
fn zstd_alone(lines: &[Vec<u8>], count: usize) -> Result<(), Box<dyn std::error::Error>> {
    let all: Vec<u8> = lines.iter().cycle().take(count.min(200_000)).flatten().copied().collect();
    let (clock, mut kept) = (cpu(), 0);
    for part in all.chunks(1 << 20) {
        kept += zstd::bulk::compress(part, 3)?.len();
    }
    let micros = (cpu() - clock).as_secs_f64() * 1e6 / count.min(200_000) as f64;
    println!(
        "zstd    {micros:6.2} us a line, {:.3} of the raw text",
        kept as f64 / all.len() as f64
    );
    Ok(())
}

fn search(reader: &Reader) -> Result<(), Box<dyn std::error::Error>> {
    let now = OffsetDateTime::now_utc();
    for text in SEARCHES {
        let query = vedette_query::parse_local(text, now)?;
        let (started, mut first) = (Instant::now(), None);
        let answer = reader.search_while(&query, now, |progress| {
            if progress.found > 0 && first.is_none() {
                first = Some(started.elapsed());
            }
            true
        })?;
        let all = started.elapsed().as_millis();
        let first = first.map_or("-".to_owned(), |first| first.as_millis().to_string());
        println!(
            "{:>6} rows, first after {first:>5} ms, all after {all:>6} ms: {text}",
            answer.rows.len()
        );
    }
    Ok(())
}

/// CPU time of this process.
fn cpu() -> Duration {
    duration(ClockId::ProcessCPUTime)
}

/// CPU time of this thread.
fn thread_cpu() -> Duration {
    duration(ClockId::ThreadCPUTime)
}

fn duration(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}

fn size(path: &Path) -> std::io::Result<u64> {
    let mut total = 0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.metadata()?;
        total += if kind.is_dir() { size(&entry.path())? } else { kind.len() };
    }
    Ok(total)
}
