//! Prints how much of the shared labelled lines is read right, and how long a line takes beside a peer
//! that reads headers only: `cargo run -p vedette-syslog --example coverage [misses | dump | pace]`.
//! `dump` prints every record instead, to compare two builds; `pace` only the times. The data is read in
//! place, found through `VEDETTE_SHARED`.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::Value;
use syslog_loose::{Variant, parse_message};
use time::{Date, Duration, Month, OffsetDateTime, Time};
use vedette_event::{LogRecord, Peer, Transport};
use vedette_syslog::{Received, decode, entities};

/// Lines of a kind, and how many of them were read right.
type Table = BTreeMap<String, (usize, usize)>;

struct Report {
    table: Table,
    show_misses: bool,
}

impl Report {
    fn count(&mut self, what: &str, right: bool, miss: impl FnOnce() -> String) {
        let row = self.table.entry(what.to_owned()).or_default();
        row.0 += 1;
        row.1 += usize::from(right);
        if !right && self.show_misses {
            println!("MISS {what}: {}", miss());
        }
    }
}

fn main() {
    let shared = std::env::var_os("VEDETTE_SHARED").map(PathBuf::from);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let logs = shared.unwrap_or(root).join("data/logs");
    if !logs.is_dir() {
        println!("not applicable: shared data is absent");
        return;
    }
    let asked = |word: &str| std::env::args().any(|argument| argument == word);
    let mut report = Report { table: Table::new(), show_misses: asked("misses") };
    let mut paces = Vec::new();
    for name in SETS {
        let text = std::fs::read_to_string(logs.join(format!("{name}.jsonl"))).unwrap_or_default();
        let rows: Vec<Value> =
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if asked("dump") {
            rows.iter().flat_map(|row| decode_row(row, name)).for_each(print_record);
            continue;
        }
        rows.iter().for_each(|row| measure(name, row, &mut report));
        paces.push(Pace::of(name, &rows));
    }
    if !asked("pace") {
        for (what, (lines, right)) in &report.table {
            println!("{what:<44} {right:>5} of {lines:>5}  {:.3}", *right as f64 / *lines as f64);
        }
    }
    Pace::print(&paces);
}

const SETS: [&str; 8] =
    ["fail2ban", "crowdsec", "wazuh", "ossec", "sc4s", "sigma", "panther", "crowdsec_sessions"];

fn measure(name: &str, row: &Value, report: &mut Report) {
    let records = decode_row(row, name);
    match name {
        "crowdsec_sessions" => sessions(row, &records, report),
        _ => records.iter().for_each(|record| one_line(name, row, record, report)),
    }
}

/// What reading one set of lines costs.
struct Pace {
    name: &'static str,
    lines: usize,
    bytes: usize,
    /// Processor time a line, in microseconds: decoding, and the peer's reading of the header.
    spent: [f64; 2],
}

impl Pace {
    /// Passes over a set: enough for the kernel's count to tell tenths of a microsecond.
    const PASSES: usize = 20;

    /// The expressions are compiled already, by the first pass that `measure` made.
    fn of(name: &'static str, rows: &[Value]) -> Self {
        let raws: Vec<&str> = rows.iter().flat_map(raws).collect();
        let timed = |work: &dyn Fn(&str)| {
            let start = processor_time();
            (0..Self::PASSES).for_each(|_| raws.iter().for_each(|raw| work(raw)));
            (processor_time() - start) * 1e6 / (Self::PASSES * raws.len().max(1)) as f64
        };
        let ours = timed(&|raw| drop(black_box(read(raw, name))));
        let peers = timed(&|raw| drop(black_box(parse_message(raw, Variant::Either))));
        let bytes = raws.iter().map(|raw| raw.len()).sum();
        Self { name, lines: raws.len(), bytes, spent: [ours, peers] }
    }

    fn print(paces: &[Self]) {
        let lines: usize = paces.iter().map(|pace| pace.lines).sum();
        let mean = |which: usize| {
            let sum: f64 = paces.iter().map(|pace| pace.spent[which] * pace.lines as f64).sum();
            sum / lines.max(1) as f64
        };
        let all = Self {
            name: "all",
            lines,
            bytes: paces.iter().map(|pace| pace.bytes).sum(),
            spent: [mean(0), mean(1)],
        };
        println!(
            "{:<20}{:>7}{:>8}{:>9}{:>14}{:>7}",
            "", "lines", "bytes", "µs/line", "syslog_loose", "ratio"
        );
        for pace in paces.iter().chain([&all]) {
            let [ours, peers] = pace.spent;
            println!(
                "{:<20}{:>7}{:>8}{ours:>9.2}{peers:>14.2}{:>7.1}",
                pace.name,
                pace.lines,
                pace.bytes / pace.lines.max(1),
                ours / peers
            );
        }
    }
}

/// Seconds on a processor so far, by the kernel's count: the machine may be busy with other work.
fn processor_time() -> f64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}

fn print_record(record: LogRecord) {
    // The raw bytes are the input.
    let record = LogRecord { raw: Vec::new(), ..record };
    println!("{}", serde_json::to_string(&record).unwrap_or_default());
}

fn raws(row: &Value) -> impl Iterator<Item = &str> {
    let one = std::slice::from_ref(&row["raw"]);
    row["raw_lines"].as_array().map_or(one, Vec::as_slice).iter().filter_map(Value::as_str)
}

fn decode_row(row: &Value, name: &str) -> Vec<LogRecord> {
    raws(row).map(|raw| read(raw, name)).collect()
}

fn read(raw: &str, name: &str) -> LogRecord {
    // The fail2ban lines without a year were dated from August 2005; the others from late 2026.
    let (year, month) =
        if name == "fail2ban" { (2005, Month::August) } else { (2026, Month::November) };
    let date = Date::from_calendar_date(year, month, 14).unwrap_or(Date::MIN);
    let received_at =
        date.with_time(Time::from_hms(12, 0, 0).unwrap_or(Time::MIDNIGHT)).assume_utc();
    let peer = Peer::Network(SocketAddr::from(([192, 0, 2, 1], 514)));
    decode(raw.as_bytes().to_vec(), Received { received_at, peer, transport: Transport::Udp })
}

fn one_line(name: &str, row: &Value, record: &LogRecord, report: &mut Report) {
    let expected = &row["expected"];
    let meta = &expected["meta"];
    let raw = || {
        format!(
            "{} => {:?} {:?} {:?}",
            record.message.chars().take(300).collect::<String>(),
            record.fields.get("source.ip"),
            record.fields.get("user.name"),
            record.timestamp
        )
    };
    let source = expected["source_host"].as_str().or_else(|| meta["source_ip"].as_str());
    if let Some(ip) = source.and_then(|ip| ip.parse::<std::net::IpAddr>().ok()) {
        let ip = ip.to_canonical().to_string();
        let right = record.fields.get("source.ip") == Some(ip.as_str());
        report.count(&format!("{name} source.ip"), right, || format!("{ip} {}", raw()));
    }
    let user = ["user", "username", "target_user"]
        .iter()
        .find_map(|key| meta[*key].as_str().or(expected[*key].as_str()));
    if let Some(user) = user.filter(|user| !matches!(*user, "-" | "" | "undefined")) {
        let right = record.fields.get("user.name") == Some(user);
        report.count(&format!("{name} user.name"), right, || format!("{user} {}", raw()));
    }
    let time = expected["time"].as_str().or_else(|| expected["timestamp"].as_str());
    if let Some(time) = time.filter(|time| time.get(4..5) == Some("-") && name != "sc4s") {
        report.count(&format!("{name} time"), same_time(time, record.timestamp), || {
            format!("{time} {}", raw())
        });
    }
    report.count(&format!("{name} has a dataset"), record.dataset.is_some(), raw);
    report.count(&format!("{name} has an entity"), !entities(record).is_empty(), raw);
}

/// Equal to the second; expected times without a zone were written in Central Europe.
fn same_time(expected: &str, read: Option<OffsetDateTime>) -> bool {
    let Some(read) = read else { return false };
    let shown = |time: OffsetDateTime| {
        let (hour, minute, second) = time.to_hms();
        format!("{}T{hour:02}:{minute:02}:{second:02}", time.date())
    };
    let expected = expected.get(..19).unwrap_or_default().replace(' ', "T");
    let utc = read.to_offset(time::UtcOffset::UTC);
    let local = [0, 1, 2].map(|hours| shown(utc + Duration::hours(hours)));
    local.contains(&expected) || shown(read) == expected
}

fn sessions(row: &Value, records: &[LogRecord], report: &mut Report) {
    for ip in row["attacker_ips"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let Ok(ip) = ip.parse::<std::net::IpAddr>() else { continue };
        let ip = ip.to_canonical().to_string();
        let found =
            records.iter().any(|record| record.fields.get("source.ip") == Some(ip.as_str()));
        let raw = || records.first().map(|record| record.message.clone()).unwrap_or_default();
        report
            .count("crowdsec_sessions attacker as source.ip", found, || format!("{ip} {}", raw()));
    }
}
