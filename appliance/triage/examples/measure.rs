//! Figures over the shared data: single lines by each decider, injected lines against their neutral
//! twins, false alarms of the flags, and attack sessions against "group by source address within
//! an hour" (`NO_SCREEN=1` leaves the screen out of those), single failures said again and again, and
//! the time a line takes. Usage: `measure [lines|twins|flags|sessions|repeats|speed] [-v]`; data in
//! `VEDETTE_SHARED` or `../shared`.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::path::PathBuf;

use serde_json::Value;
use time::{Duration, OffsetDateTime};
use vedette_event::{Decider, EntityKind, EventId, LogRecord, Peer, Screen, Transport, Verdict};
use vedette_syslog::{Received, decode};
use vedette_triage::screen::LinearScreen;
use vedette_triage::{Action, Deciders, Engine, Judge, NoIntel, Policy};

/// The sources of labelled lines.
const SOURCES: [&str; 5] = ["crowdsec", "fail2ban", "ossec", "sigma", "wazuh"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let verbose = arguments.iter().any(|argument| argument == "-v");
    let only = arguments.iter().find(|argument| *argument != "-v").cloned();
    let Some(data) = shared_data() else {
        println!("not applicable: shared data is absent");
        return;
    };
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if wanted("lines") {
        lines(&data, verbose);
    }
    if wanted("twins") {
        twins(&data, verbose);
    }
    if wanted("flags") {
        flags(&data, verbose);
    }
    if wanted("sessions") {
        sessions(&data, verbose);
    }
    if wanted("repeats") {
        repeats(&data, verbose);
    }
    if wanted("speed") {
        speed(&data);
    }
}

/// Each line that a blocking tool counts as a failed attempt, six times within two minutes: one
/// incident from the expected address?
fn repeats(data: &std::path::Path, verbose: bool) {
    let mut rows = rows(data, "logs/fail2ban.jsonl");
    rows.retain(|row| row["label_malicious"] == true && row["expected"]["source_host"].is_string());
    let mut right = 0;
    for row in &rows {
        let host = canonical(text(&row["expected"], "source_host"));
        let outcome = replay_at((0..6).map(|turn| record(text(row, "raw"), turn * 20)));
        let good = outcome.incidents.len() == 1 && outcome.incidents.values().all(|it| *it == host);
        right += u32::from(good);
        if verbose && !good {
            println!(
                "  {} {host} {:?}: {}",
                text(row, "group"),
                outcome.incidents,
                text(row, "raw")
            );
        }
    }
    println!("repeats: one incident with the expected address {right}/{}", rows.len());
}

/// Time of one line through the whole engine.
fn speed(data: &std::path::Path) {
    let records: Vec<LogRecord> = SOURCES
        .iter()
        .flat_map(|source| rows(data, &format!("logs/{source}.jsonl")))
        .enumerate()
        .map(|(number, row)| record(text(&row, "raw"), i64::try_from(number).unwrap_or(0)))
        .collect();
    let screen = LinearScreen::embedded().expect("the screen is embedded");
    let mut engine = Engine::new(Policy::default(), Box::new(screen), Box::new(NoIntel));
    let screen = LinearScreen::embedded().expect("the screen is embedded");
    let texts: Vec<String> =
        records.iter().map(|record| vedette_triage::neutralise(&record.message).text).collect();
    let time = |name: &str, work: &mut dyn FnMut(usize)| {
        let started = std::time::Instant::now();
        (0..records.len()).for_each(&mut *work);
        println!(
            "  {name:12} {:6.1} µs a line",
            started.elapsed().as_secs_f64() * 1e6 / records.len().max(1) as f64
        );
    };
    let raw: Vec<_> = records.iter().map(|record| String::from_utf8_lossy(&record.raw)).collect();
    for part in ["first pass", "second pass"] {
        println!("{part}");
        time("clean", &mut |at| drop(black_box(vedette_triage::clean(&raw[at]))));
        time("neutralise", &mut |at| drop(black_box(vedette_triage::neutralise(&raw[at]))));
        time("flags", &mut |at| drop(black_box(vedette_triage::flags(&raw[at], &texts[at]))));
        time("facts", &mut |at| {
            drop(black_box(vedette_triage::Facts::of(&records[at], &texts[at])))
        });
        time("rules", &mut |at| drop(black_box(vedette_triage::rules::hits(&texts[at]))));
        time("mask", &mut |at| drop(black_box(vedette_triage::mask(&texts[at]))));
        time("screen", &mut |at| drop(black_box(screen.assess(&texts[at]))));
        time("whole", &mut |at| drop(engine.handle_record(EventId(at as u64), &records[at])));
    }
}

fn shared_data() -> Option<PathBuf> {
    let root = std::env::var_os("VEDETTE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let data = root.join("data");
    data.is_dir().then_some(data)
}

fn rows(data: &std::path::Path, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(data.join(name)).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn record(raw: &str, second: i64) -> LogRecord {
    let at = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000) + Duration::seconds(second);
    decode(
        raw.as_bytes().to_vec(),
        Received { received_at: at, peer: Peer::Local, transport: Transport::File },
    )
}

fn judge() -> Judge {
    Judge::new(
        Policy::default(),
        Box::new(LinearScreen::embedded().expect("the screen is embedded")),
    )
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Our class for a class of the data, and whether another counts as right too.
fn class_matches(theirs: &str, ours: &str) -> bool {
    match theirs {
        "VULNERABILITY EXPLOIT" => ours == "exploitation" || ours == "web_attack",
        "SQL INJECTION"
        | "CROSS SITE SCRIPTING"
        | "COMMAND INJECTION"
        | "PATH TRAVERSAL"
        | "LOCAL FILE INCLUSION" => ours == "web_attack",
        "BRUTE FORCE" | "CREDENTIAL STUFFING" => ours == "brute_force",
        "DDOS" => ours == "denial_of_service",
        "DATA EXFILTRATION" => ours == "exfiltration",
        "SPAM" | "PHISHING" => ours == "phishing",
        "NO THREAT" => ours == "benign",
        other => other.to_lowercase().replace(' ', "_") == ours,
    }
}

#[derive(Default)]
struct Tally {
    hit: u32,
    missed: u32,
    false_alarm: u32,
    quiet: u32,
    class_right: u32,
    class_all: u32,
}

fn lines(data: &std::path::Path, verbose: bool) {
    let judge = judge();
    for who in [Decider::Rules, Decider::Screen, Decider::Ensemble] {
        for split in ["train", "dev"] {
            let mut total = Tally::default();
            for source in SOURCES {
                for row in rows(data, &format!("logs/{source}.jsonl")) {
                    if text(&row, "split") == split {
                        tally(&judge, &row, who, &mut total, verbose && who == Decider::Rules);
                    }
                }
            }
            println!(
                "{who:9} {split:5} recall {:.3} ({}/{})  false alarms {:.3} ({}/{})  class {:.3} of {}",
                f64::from(total.hit) / f64::from(total.hit + total.missed).max(1.0),
                total.hit,
                total.hit + total.missed,
                f64::from(total.false_alarm) / f64::from(total.false_alarm + total.quiet).max(1.0),
                total.false_alarm,
                total.false_alarm + total.quiet,
                f64::from(total.class_right) / f64::from(total.class_all).max(1.0),
                total.class_all,
            );
        }
    }
}

fn tally(judge: &Judge, row: &Value, who: Decider, total: &mut Tally, verbose: bool) {
    let Some(malicious) = row.get("label_malicious").and_then(Value::as_bool) else { return };
    let verdict = judge.classify(&record(text(row, "raw"), 0), who, None);
    let flagged = verdict.verdict.is_flagged();
    match (malicious, flagged) {
        (true, true) => total.hit += 1,
        (true, false) => total.missed += 1,
        (false, true) => total.false_alarm += 1,
        (false, false) => total.quiet += 1,
    }
    let theirs = text(row, "threat_class");
    let right = theirs.is_empty() || class_matches(theirs, verdict.threat_class.as_str());
    if !theirs.is_empty() {
        total.class_all += 1;
        total.class_right += u32::from(right);
    }
    if verbose && (malicious != flagged || !right) {
        let raw: String = text(row, "raw").chars().take(230).collect();
        println!(
            "  {} {malicious} {theirs} -> {} {:.2}: {raw:?}",
            text(row, "source"),
            verdict.threat_class,
            verdict.score
        );
    }
}

fn twins(data: &std::path::Path, verbose: bool) {
    let judge = judge();
    let neutral: BTreeMap<String, Verdict> = rows(data, "injection/carrier_twins.jsonl")
        .iter()
        .map(|row| {
            (
                text(row, "id").to_owned(),
                judge.classify(&record(text(row, "raw"), 0), Decider::Ensemble, None),
            )
        })
        .collect();
    let (mut same, mut all, mut flagged, mut attacks, mut wrongly, mut lookalikes) =
        (0, 0, 0, 0, 0, 0);
    for row in rows(data, "injection/prompt_injection_dev.jsonl") {
        let Some(twin) = neutral.get(text(&row, "twin")) else { continue };
        let verdict = judge.classify(&record(text(&row, "raw"), 0), Decider::Ensemble, None);
        let told = verdict.flags.contains(&vedette_event::Flag::PromptInjection);
        let attack = text(&row, "injection_label") == "malicious";
        attacks += u32::from(attack);
        flagged += u32::from(attack && told);
        lookalikes += u32::from(!attack);
        wrongly += u32::from(!attack && told);
        let first = |verdict: &Verdict| verdict.techniques.first().map(|technique| technique.id);
        let agrees = verdict.verdict == twin.verdict
            && verdict.threat_class == twin.threat_class
            && verdict.severity == twin.severity
            && first(&verdict) == first(twin);
        all += 1;
        same += u32::from(agrees);
        if verbose && (!agrees || told != attack) {
            println!(
                "  agrees {agrees} told {told} attack {attack} {} {:.2} ({:.2}): {}",
                verdict.verdict,
                verdict.score,
                twin.score,
                text(&row, "raw")
            );
        }
    }
    println!(
        "twins: same verdict, class, severity and technique {same}/{all}; told {flagged}/{attacks} injections, {wrongly}/{lookalikes} look-alikes"
    );
}

fn flags(data: &std::path::Path, verbose: bool) {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let mut all = 0;
    for source in ["crowdsec", "fail2ban", "ossec", "panther", "sc4s", "sigma", "wazuh"] {
        for row in rows(data, &format!("logs/{source}.jsonl")) {
            all += 1;
            let raw = text(&row, "raw");
            for flag in vedette_triage::flags(raw, &vedette_triage::clean(raw).text) {
                *counts.entry(flag.to_string()).or_default() += 1;
                if verbose && flag == vedette_event::Flag::PromptInjection {
                    println!("  {source}: {raw}");
                }
            }
        }
    }
    println!("flags on {all} ordinary lines: {counts:?}");
}

fn sessions(data: &std::path::Path, verbose: bool) {
    let (mut exact, mut naive, mut all) = (0, 0, 0);
    let (mut single, mut single_exact) = (0, 0);
    for row in rows(data, "logs/crowdsec_sessions.jsonl") {
        let raw: Vec<&str> =
            row["raw_lines"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let attackers: BTreeSet<String> = row["attacker_ips"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(canonical)
            .collect();
        let outcome = replay(&raw);
        let right = outcome.incidents.len() == 1
            && outcome.incidents.values().all(|source| attackers.contains(source));
        let by_address = outcome.groups.len() == 1
            && outcome.groups.iter().all(|(source, _)| attackers.contains(source));
        all += 1;
        exact += u32::from(right);
        naive += u32::from(by_address);
        single += u32::from(attackers.len() == 1);
        single_exact += u32::from(attackers.len() == 1 && right);
        if verbose && !right {
            println!(
                "  {} {} lines, attackers {attackers:?}, incidents {:?}",
                text(&row, "group"),
                raw.len(),
                outcome.incidents
            );
            println!(
                "      {:?}",
                raw.first().map(|line| line.chars().take(200).collect::<String>())
            );
        }
    }
    println!(
        "sessions: one incident with an attacker's address {exact}/{all} (one attacker: {single_exact}/{single}); by source address within an hour {naive}/{all}"
    );
}

struct Replay {
    incidents: BTreeMap<String, String>,
    groups: BTreeSet<(String, i64)>,
}

fn replay(raw: &[&str]) -> Replay {
    replay_at(raw.iter().enumerate().map(|(number, line)| {
        let mut record = record(line, i64::try_from(number).unwrap_or(i64::MAX));
        // A replay without times of receipt goes by what the lines say.
        record.received_at = record.occurred_at();
        record
    }))
}

fn replay_at(records: impl Iterator<Item = LogRecord>) -> Replay {
    let screen = LinearScreen::embedded().expect("the screen is embedded");
    let deciders =
        Deciders { screen: std::env::var_os("NO_SCREEN").is_none(), ..Deciders::default() };
    let policy = Policy { deciders, ..Policy::default() };
    let mut engine = Engine::new(policy, Box::new(screen), Box::new(NoIntel));
    let mut outcome = Replay { incidents: BTreeMap::new(), groups: BTreeSet::new() };
    for (number, record) in records.enumerate() {
        let reading = vedette_triage::Reading::of(&record);
        if let Some(source) = reading.facts.source {
            outcome.groups.insert((source.to_string(), record.received_at.unix_timestamp() / 3600));
        }
        for action in engine.handle_record(EventId(number as u64), &record) {
            if let Action::Incident(incident) = action {
                let source = incident
                    .entities
                    .iter()
                    .find(|entity| entity.kind == EntityKind::SourceIp)
                    .or(incident.entities.first());
                let value = source.map_or(String::new(), |source| canonical(&source.value));
                outcome.incidents.insert(incident.id.to_string(), value);
            }
        }
    }
    outcome
}

fn canonical(address: &str) -> String {
    address
        .parse::<std::net::IpAddr>()
        .map_or_else(|_| address.to_owned(), |ip| ip.to_canonical().to_string())
}
