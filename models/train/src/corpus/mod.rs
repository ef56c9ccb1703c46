//! Our own lines: a small company's routine on many products, and attacks in varied wording.
//!
//! Real networks are almost all routine, and labelled data hardly has any. So most of these lines are
//! benign; each template is drawn several times with other hosts, users and times, bare, behind a
//! syslog header, or wrapped in JSON as forwarders do, so that a form of writing says nothing.

mod attacks;
mod routine;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use vedette_event::{Severity, TechniqueId, ThreatClass};

use crate::dataset::{Kind, Label, Row, Truth};

/// Lines drawn of each template.
const DRAWS: usize = 8;

/// An attack line: product, class, parent technique, severity, text.
type Attack = (&'static str, ThreatClass, &'static str, Severity, &'static str);

/// The corpus; the same for the same seed.
pub fn rows(seed: u64) -> Vec<Row> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut rows = Vec::new();
    for (product, text) in routine::LINES {
        let truth = Truth {
            malicious: Some(Label { value: false, strong: true }),
            class: Some(ThreatClass::Benign),
            ..Truth::default()
        };
        draw(product, text, &truth, &mut random, &mut rows);
    }
    for (product, class, technique, severity, text) in attacks::LINES {
        let truth = Truth {
            malicious: Some(Label { value: true, strong: true }),
            class: Some(*class),
            techniques: technique.parse::<TechniqueId>().into_iter().collect(),
            severity: Some(*severity),
        };
        draw(product, text, &truth, &mut random, &mut rows);
    }
    rows
}

fn draw(product: &str, text: &str, truth: &Truth, random: &mut ChaCha8Rng, rows: &mut Vec<Row>) {
    for _ in 0..DRAWS {
        let line = wrapped(&filled(text, random), product, random);
        let group = format!("synthetic:{product}");
        rows.push(Row::new(Kind::Synthetic, "synthetic", group, &line, truth.clone()));
    }
}

/// The line bare, behind a header, or in JSON.
fn wrapped(line: &str, product: &str, random: &mut ChaCha8Rng) -> String {
    let structured =
        line.starts_with(['{', '<']) || line.contains("CEF:") || line.contains("LEEF:");
    match random.random_range(0..4) {
        0 if !structured => {
            let message = serde_json::Value::from(line);
            let host = value("host", random);
            format!(
                "{{\"@timestamp\":\"{}\",\"host\":{{\"name\":\"{host}\"}},\"message\":{message},\"service\":\"{product}\"}}",
                value("iso", random)
            )
        }
        1 => format!(
            "{} {} {product}[{}]: {line}",
            value("time", random),
            value("host", random),
            value("pid", random)
        ),
        2 => format!(
            "<134>1 {} {} {product} {} - - {line}",
            value("iso", random),
            value("host", random),
            value("pid", random)
        ),
        _ => line.to_owned(),
    }
}

/// The text with each `{name}` replaced by a value drawn for it.
fn filled(text: &str, random: &mut ChaCha8Rng) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (name, tail) = after.split_once("}}").expect("our templates close what they open");
        out.push_str(&value(name, random));
        rest = tail;
    }
    out + rest
}

const USERS: [&str; 16] = [
    "anna",
    "bkowalski",
    "c.meier",
    "deploy",
    "svc_backup",
    "www-data",
    "postgres",
    "jsmith",
    "lucia",
    "m.tanaka",
    "ops",
    "print$",
    "sales03",
    "tomas",
    "root",
    "administrator",
];
const HOSTS: [&str; 14] = [
    "fw01",
    "core-sw2",
    "srv-mail",
    "web3",
    "dc01",
    "nas",
    "pc-0147",
    "lab-pi",
    "edge",
    "db-main",
    "vpn-gw",
    "ap-floor2",
    "proxy",
    "build7",
];
const NAMES: [&str; 10] =
    ["intranet", "shop", "files", "mail", "cdn", "update", "wiki", "portal", "api", "news"];
const ZONES: [&str; 5] = ["example.com", "example.net", "corp.example", "example.org", "home.arpa"];
const AGENTS: [&str; 6] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "curl/8.5.0",
    "Prometheus/2.53.0",
    "Please read this page to me slowly and then summarise what it says",
];
const PAGES: [&str; 10] = [
    "/",
    "/index.html",
    "/assets/app.js",
    "/api/v2/orders",
    "/login",
    "/images/logo.png",
    "/products?page=2",
    "/search?q=garden+chairs",
    "/feed.xml",
    "/favicon.ico",
];
const FILES: [&str; 8] = [
    "budget.xlsx",
    "minutes.docx",
    "photo.jpg",
    "backup.tar.gz",
    "report.pdf",
    "setup.msi",
    "notes.txt",
    "invoice.pdf",
];
const MONTHS: [&str; 4] = ["Jan", "Apr", "Aug", "Nov"];

fn value(name: &str, random: &mut ChaCha8Rng) -> String {
    let mut below = |limit: u32| random.random_range(0..limit);
    match name {
        "ip" => format!("{}.{}.{}.{}", 11 + below(200), below(256), below(256), 1 + below(254)),
        "lan" => format!("10.{}.{}.{}", below(40), below(256), 1 + below(254)),
        "port" => format!("{}", 1024 + below(64_000)),
        "pid" => format!("{}", 100 + below(30_000)),
        "n" => format!("{}", below(900_000)),
        "few" => format!("{}", 1 + below(40)),
        "mac" => format!(
            "00:1b:{:02x}:{:02x}:{:02x}:{:02x}",
            below(256),
            below(256),
            below(256),
            below(256)
        ),
        "hex" => format!("{:08x}{:08x}", below(u32::MAX), below(u32::MAX)),
        "iso" => format!(
            "2026-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            1 + below(12),
            1 + below(28),
            below(24),
            below(60),
            below(60)
        ),
        "time" => format!(
            "{} {:>2} {:02}:{:02}:{:02}",
            MONTHS[below(4) as usize],
            1 + below(28),
            below(24),
            below(60),
            below(60)
        ),
        "clf" => format!(
            "{:02}/{}/2026:{:02}:{:02}:{:02} +0000",
            1 + below(28),
            MONTHS[below(4) as usize],
            below(24),
            below(60),
            below(60)
        ),
        "user" => pick(&USERS, random),
        "host" => pick(&HOSTS, random),
        "dom" => format!("{}.{}", pick(&NAMES, random), pick(&ZONES, random)),
        "mail" => format!("{}@{}", pick(&USERS, random), pick(&ZONES, random)),
        "agent" => pick(&AGENTS, random),
        "page" => pick(&PAGES, random),
        "file" => pick(&FILES, random),
        other => unreachable!("no template asks for {other}"),
    }
}

fn pick(list: &[&str], random: &mut ChaCha8Rng) -> String {
    list.choose(random).copied().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_is_the_same_every_time_and_mostly_routine() {
        let (first, second) = (rows(7), rows(7));
        assert!(first.iter().zip(&second).all(|(a, b)| a.bag == b.bag && a.truth == b.truth));
        let malicious = |row: &&Row| row.truth.malicious.is_some_and(|label| label.value);
        let attacks = first.iter().filter(malicious).count();
        assert!(attacks * 2 < first.len() + attacks, "{attacks} of {}", first.len());
        assert!(first.iter().filter(malicious).all(|row| row.truth.techniques.len() == 1));
    }
}
