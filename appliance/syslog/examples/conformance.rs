//! Prints how much of real devices' lines is read, and how much of what others read out of them is
//! read alike: `cargo run -p vedette-syslog --example conformance -- DATA [products] [misses]`. `DATA`
//! is the folder of the shared lines; `products` adds a row a product, `misses` every difference.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;
use time::{Duration, OffsetDateTime, UtcOffset};
use vedette_event::{LogRecord, Peer, Transport};
use vedette_syslog::{Received, decode, entities};

/// Names that the source of the expectations gives to fields, by the field they mean. What is not
/// here has no field of its own: parts of a time, ids of a session, counters.
const MEANINGS: &[(&str, &str)] = &[
    (
        "source.ip",
        "source_ip remote_addr client_ip src_ip clientip remote_ip sourcehost client \
         dovecot_remote_ip sympa_client_ip sshd_client_ip cas_client_ip first_ip",
    ),
    ("source.port", "source_port remote_port client_port src_port sport"),
    ("destination.ip", "dest_ip dst_ip destination_ip server_ip dovecot_local_ip"),
    ("destination.port", "dest_port dst_port destination_port server_port target_port"),
    (
        "user.name",
        "user username remote_user auth login dovecot_user sympa_user sshesame_user \
         sshd_invalid_user pgsql_target_user cas_invalid_user",
    ),
    ("url.original", "request http_request http_path targeturi"),
    ("url.domain", "target_fqdn targethost target_server http_host"),
    ("http.request.method", "verb http_method http_verb request_type"),
    (
        "http.response.status_code",
        "status http_status http_status_code response elb_status_code http_code",
    ),
    ("http.response.bytes", "body_bytes_sent size bytes bytes_sent bytes_read"),
    ("http.version", "http_version"),
    ("http.request.referrer", "http_referer referer referrer"),
    ("user_agent.original", "http_user_agent user_agent agent"),
    ("network.transport", "proto ip_proto"),
    ("rule.id", "ruleid rule_id suricata_alert_signature_id"),
    ("rule.name", "rulemessage suricata_alert_signature threat_id"),
    ("event.reason", "reason fail_reason"),
    ("app", "program"),
    ("proc_id", "pid"),
];

/// Products whose expected name differs from their vendor's.
const VENDORS: &[(&str, &str)] = &[
    ("fgt", "fortinet"),
    ("fwb", "fortinet"),
    ("fml", "fortinet"),
    ("ubnt", "ubiquiti"),
    ("cp", "checkpoint"),
    ("pps", "proofpoint"),
    ("hx", "fireeye"),
    ("fe", "fireeye"),
    ("zscalernss", "zscaler"),
    ("pfsense", "pf"),
    ("websense", "forcepoint"),
    ("netscreen", "juniper"),
    ("dell", "dell"),
    ("pulse", "pulse"),
    ("syslog", "cylance"),
    ("nix", "vmware"),
];

/// A row of the report.
#[derive(Default)]
struct Row {
    lines: usize,
    time: usize,
    host: usize,
    app: usize,
    known: usize,
    entity: usize,
    expected: usize,
    right: usize,
}

impl Row {
    fn count(&mut self, record: &LogRecord, expected: usize, right: usize) {
        self.lines += 1;
        self.time += usize::from(record.timestamp.is_some());
        self.host += usize::from(record.host.is_some());
        self.app += usize::from(record.app.is_some());
        self.known += usize::from(record.dataset.is_some());
        self.entity += usize::from(!entities(record).is_empty());
        self.expected += expected;
        self.right += right;
    }

    fn print(&self, name: &str) {
        let share = |part: usize| 100.0 * part as f64 / self.lines.max(1) as f64;
        let [time, host, app] = [self.time, self.host, self.app].map(share);
        let [known, entity] = [self.known, self.entity].map(share);
        let right = 100.0 * self.right as f64 / self.expected.max(1) as f64;
        println!(
            "{name:<34} {:>6} {time:>6.1} {host:>6.1} {app:>6.1} {known:>8.1} {entity:>7.1} {right:>7.1} of {}",
            self.lines, self.expected
        );
    }
}

#[derive(Default)]
struct Report {
    sources: BTreeMap<String, Row>,
    products: BTreeMap<String, Row>,
    fields: BTreeMap<String, [usize; 2]>,
    show_misses: bool,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(logs) = arguments.first().map(Path::new).filter(|path| path.is_dir()) else {
        println!("not applicable: shared data is absent; name its folder as the first argument");
        return;
    };
    let asked = |word: &str| arguments.iter().skip(1).any(|argument| argument == word);
    let mut report = Report { show_misses: asked("misses"), ..Report::default() };
    for name in ["crowdsec", "sc4s", "fail2ban", "wazuh", "ossec", "sigma", "panther"] {
        let text = std::fs::read_to_string(logs.join(format!("{name}.jsonl"))).unwrap_or_default();
        let rows: Vec<Value> =
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        rows.iter().for_each(|row| measure(name, row, &mut report));
    }
    println!(
        "{:<34} {:>6} {:>6} {:>6} {:>6} {:>8} {:>7} {:>7}",
        "", "lines", "time%", "host%", "app%", "decoder%", "entity%", "right%"
    );
    if asked("products") {
        report.products.iter().for_each(|(name, row)| row.print(name));
    }
    report.sources.iter().for_each(|(name, row)| row.print(name));
    for (name, [expected, right]) in &report.fields {
        println!("{name:<44} {right:>5} of {expected:>5}");
    }
}

fn read(row: &Value, name: &str) -> LogRecord {
    // The fail2ban lines without a year were dated from August 2005; the others from late 2026.
    let received_at = match name {
        "fail2ban" => datetime!(2005-08-14 12:00 UTC),
        _ => datetime!(2026-11-14 12:00 UTC),
    };
    let raw = row["raw"].as_str().unwrap_or_default().as_bytes().to_vec();
    let peer = Peer::Network(SocketAddr::from(([192, 0, 2, 1], 514)));
    decode(raw, Received { received_at, peer, transport: Transport::Udp })
}

fn measure(name: &str, row: &Value, report: &mut Report) {
    let record = read(row, name);
    let checks = expectations(name, row);
    let mut right = 0;
    for (field, expected) in &checks {
        let found = found(&record, field);
        let alike = found.as_deref().is_some_and(|found| alike(field, expected, found));
        right += usize::from(alike);
        let tally = report.fields.entry(format!("{name} {field}")).or_default();
        tally[0] += 1;
        tally[1] += usize::from(alike);
        if !alike && report.show_misses {
            let dataset = record.dataset.as_deref().unwrap_or("none");
            println!("MISS {field} {expected:?} {found:?} {dataset} {}", line(&record));
        }
    }
    if record.dataset.is_none() && report.show_misses {
        println!("NONE {name} {} {}", product(name, row), line(&record));
    }
    for (table, key) in [
        (&mut report.sources, name.to_owned()),
        (&mut report.products, format!("{name} {}", product(name, row))),
    ] {
        table.entry(key).or_default().count(&record, checks.len(), right);
    }
}

fn line(record: &LogRecord) -> String {
    String::from_utf8_lossy(&record.raw).chars().take(400).collect()
}

/// What made the line, as far as the data says.
fn product(name: &str, row: &Value) -> String {
    let parsers = row["expected"]["parsers"].as_array();
    let parser = parsers.and_then(|parsers| parsers.last()?.as_str());
    let group = row["group"].as_str().unwrap_or_default();
    let text = match name {
        "sc4s" => row["expected"]["sourcetype"].as_str().unwrap_or_default(),
        "crowdsec" => parser.unwrap_or(group),
        _ => group,
    };
    let text = text.rsplit(['/']).next().unwrap_or(text);
    text.trim_start_matches("crowdsec:").trim_start_matches("fail2ban:").to_owned()
}

/// Field and value for each expectation that has a meaning here, each once.
fn expectations(name: &str, row: &Value) -> Vec<(&'static str, String)> {
    let expected = &row["expected"];
    let mut checks: BTreeMap<&'static str, String> = BTreeMap::new();
    if name == "sc4s" {
        let vendor = expected["sourcetype"].as_str().unwrap_or_default();
        let vendor = vendor.split([':', '_', '-']).next().unwrap_or_default();
        let known = VENDORS.iter().find(|(from, _)| *from == vendor);
        let vendor = known.map_or(vendor, |(_, to)| to);
        if !matches!(vendor, "sc4s" | "syslogng" | "cef") {
            checks.insert("vendor", vendor.to_owned());
        }
    }
    for part in ["fields", "meta"] {
        for (key, value) in expected[part].as_object().into_iter().flatten() {
            let meaning =
                MEANINGS.iter().find(|(_, keys)| keys.split_whitespace().any(|k| k == key));
            if let (Some((field, _)), Some(value)) = (meaning, value.as_str())
                && !matches!(value.trim(), "" | "-" | "--" | "undefined" | "null" | "None")
            {
                checks.entry(field).or_insert_with(|| value.trim().to_owned());
            }
        }
    }
    for (key, field) in [("source_host", "source.ip"), ("time", "time"), ("timestamp", "time")] {
        // Some are only a part of the time, or carry no year.
        let whole = |value: &&str| key == "source_host" || value.starts_with("20");
        let value = expected[key].as_str().filter(whole);
        if let Some(value) = value.filter(|_| field != "time" || name != "sc4s") {
            let field = if field == "source.ip" && value.parse::<IpAddr>().is_err() {
                "source.domain"
            } else {
                field
            };
            checks.entry(field).or_insert_with(|| value.to_owned());
        }
    }
    checks.into_iter().collect()
}

fn found(record: &LogRecord, field: &str) -> Option<String> {
    match field {
        "time" => record.timestamp.and_then(|time| time.format(&Rfc3339).ok()),
        "app" => record.app.clone().or_else(|| record.fields.get("process.name").map(Into::into)),
        "proc_id" => {
            record.proc_id.clone().or_else(|| record.fields.get("process.pid").map(Into::into))
        }
        "vendor" => {
            let vendor = record.fields.get("observer.vendor").unwrap_or_default();
            Some(format!("{} {vendor}", record.dataset.as_deref().unwrap_or_default()))
        }
        _ => record.fields.get(field).map(str::to_owned),
    }
}

fn alike(field: &str, expected: &str, found: &str) -> bool {
    let plain = |text: &str| {
        text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
    };
    match field {
        "time" => same_time(expected, found),
        "vendor" => plain(found).contains(&plain(expected)),
        "source.ip" | "destination.ip" => {
            let parse = |text: &str| text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
            parse(expected).is_some_and(|ip| parse(found) == Some(ip))
        }
        "url.original" => {
            let path = |text: &str| text.split('?').next().unwrap_or_default().to_owned();
            path(found).ends_with(path(expected).as_str())
        }
        "url.domain" => expected.split(':').next() == found.split(':').next(),
        "rule.name" | "event.reason" | "user_agent.original" => {
            let (expected, found) = (plain(expected), plain(found));
            expected.starts_with(&found) || found.starts_with(&expected)
        }
        _ => expected.eq_ignore_ascii_case(found),
    }
}

/// Equal to the second. Expected times without a zone were written in Central Europe; those without a
/// year count by the rest.
fn same_time(expected: &str, found: &str) -> bool {
    let Ok(found) = OffsetDateTime::parse(found, &Rfc3339) else { return false };
    let shown = |time: OffsetDateTime| {
        let (hour, minute, second) = time.to_hms();
        format!("{}T{hour:02}:{minute:02}:{second:02}", time.date())
    };
    if let Ok(expected) = OffsetDateTime::parse(expected, &Rfc3339) {
        let apart = (expected - found).abs();
        return apart < Duration::SECOND
            || shown(expected)[5..] == shown(found.to_offset(UtcOffset::UTC))[5..];
    }
    let expected = expected.get(..19).unwrap_or_default().replace(['/', ' '], "-");
    let expected: Vec<char> = expected.chars().map(|c| if c == 'T' { '-' } else { c }).collect();
    let utc = found.to_offset(UtcOffset::UTC);
    let read =
        [shown(found), shown(utc), shown(utc + Duration::HOUR), shown(utc + Duration::hours(2))];
    read.iter().any(|read| read.replace('T', "-").chars().eq(expected.iter().copied()))
}
