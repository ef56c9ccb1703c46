use proptest::prelude::*;
use time::{Duration, OffsetDateTime};
use vedette_event::{EventId, LogRecord, Peer, Severity, ThreatClass, Transport};
use vedette_syslog::{Received, decode};

use super::*;
use crate::rules::Strength;

fn record(raw: &str, second: i64) -> LogRecord {
    let received_at = OffsetDateTime::UNIX_EPOCH + Duration::seconds(1_786_699_267 + second);
    decode(
        raw.as_bytes().to_vec(),
        Received { received_at, peer: Peer::Local, transport: Transport::File },
    )
}

fn read(text: &str) -> (Sigma, Vec<Refused>) {
    Sigma::read([("rule.yml".to_owned(), text.to_owned())])
}

/// A rule of these lines behind its title.
fn rule(title: &str, rest: &str) -> String {
    format!("title: {title}\n{rest}\n")
}

const SYSMON: &str = r#"<14>1 2026-08-14T09:00:00Z pc1 sysmon - - - {"Event":{"System":{"Provider":{"Name":"Microsoft-Windows-Sysmon"},"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"pc1"},"EventData":{"Image":"C:\\Tools\\grab.exe","CommandLine":"grab.exe /Dump all","User":"CORP\\ann","Hashes":"MD5=AA,IMPHASH=BB","ParentImage":"C:\\Office\\writer.exe"}}}"#;
const LOGON: &str = r#"<14>1 2026-08-14T09:00:00Z dc1 sec - - - {"EventID":4625,"Channel":"Security","TargetUserName":"ann","IpAddress":"10.0.0.7","Computer":"dc1"}"#;
const ACCESS: &str = r#"<30>Aug 14 09:00:00 web1 nginx: 203.0.113.9 - - [14/Aug/2026:09:00:00 +0000] "GET /probe.php?x=1 HTTP/1.1" 404 12 "-" "scan/1.0""#;
const PAIRS: &str = "<134>Aug 14 09:00:00 gw1 fw: action=deny src=198.51.100.7 dst=10.0.0.2 dpt=445 proto=tcp rulename=edge";
const SSHD: &str =
    "<38>Aug 14 09:00:00 h1 sshd[71]: Accepted publickey for ops from 203.0.113.9 port 4711 ssh2";
const CLOUD: &str = r#"<14>1 2026-08-14T09:00:00Z c1 trail - - - {"eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","awsRegion":"eu-west-1","userIdentity":{"userName":"ann"},"sourceIPAddress":"203.0.113.9"}"#;

const WINDOWS_PROCESS: &str = "logsource: {product: windows, category: process_creation}\nlevel: High\ntags: [attack.credential-access, attack.t1003.001]";

/// A log source, a detection, a line and whether it matches.
type Row = (&'static str, &'static str, &'static str, bool);

const PROCESS: &str = "product: windows, category: process_creation";
const SECURITY: &str = "product: windows, service: security";
const SSH: &str = "product: linux, service: sshd";

#[rustfmt::skip]
const ROWS: [Row; 25] = [
    (PROCESS, "s: {Image|EndsWith: '\\grab.exe'}\n  condition: s", SYSMON, true),
    (PROCESS, "s: {Image|endswith: '\\other.exe'}\n  condition: s", SYSMON, false),
    (PROCESS, "s: {CommandLine|contains|all: [' -dump ', 'all']}\n  condition: s", SYSMON, false),
    (PROCESS, "s: {CommandLine|contains|windash: ' -dump '}\n  condition: s", SYSMON, true),
    (PROCESS, "s: {Hashes|contains: 'IMPHASH=bb'}\n  condition: s", SYSMON, true),
    (PROCESS, "s: {ParentImage|re: '\\\\writer\\.exe$'}\n  condition: s", SYSMON, true),
    (PROCESS, "s: {User|exists: true}\n  f: {User|endswith: 'ann'}\n  condition: s and not f", SYSMON, false),
    (PROCESS, "s: {OriginalFileName: null}\n  condition: s", SYSMON, true),
    (PROCESS, "s_a: {Image|contains: no}\n  s_b:\n    - User|contains: corp\n    - Image: x\n  condition: 1 of s_*", SYSMON, true),
    (PROCESS, "s: {CommandLine|fieldref: Image}\n  condition: s", SYSMON, false),
    // The kind of log counts, whatever the fields say.
    (PROCESS, "s: {TargetUserName: ann}\n  condition: s", LOGON, false),
    (SECURITY, "s: {EventID: 4625, IpAddress|cidr: 10.0.0.0/8}\n  condition: s", LOGON, true),
    ("product: windows, service: system", "s: {EventID: 4625}\n  condition: s", LOGON, false),
    (SECURITY, "s: {EventID: [4624, 4634]}\n  condition: s", LOGON, false),
    ("category: webserver", "s: {cs-uri-query|contains: '/probe.php', sc-status: 404}\n  condition: s", ACCESS, true),
    ("category: webserver", "s: {cs-method: POST}\n  condition: s", ACCESS, false),
    ("category: firewall", "s: {action: deny, dst_port: 445}\n  condition: s", PAIRS, true),
    ("category: firewall", "s: {rulename: edge}\n  condition: s", PAIRS, true),
    ("category: firewall", "s: {dst_port|gt: 1024}\n  condition: s", PAIRS, false),
    (SSH, "keywords: ['accepted publickey']\n  condition: keywords", SSHD, true),
    (SSH, "keywords:\n    '|all': [accepted, password]\n  condition: keywords", SSHD, false),
    ("product: linux, service: cron", "keywords: [accepted]\n  condition: keywords", SSHD, false),
    ("product: aws, service: cloudtrail", "s: {eventName: CreateAccessKey, userIdentity.userName: ann}\n  condition: s", CLOUD, true),
    ("product: okta", "s: {eventName: CreateAccessKey}\n  condition: s", CLOUD, false),
    ("category: antivirus", "s: {Signature: x}\n  condition: s", SSHD, false),
];

#[test]
fn rules_match_the_lines_they_are_about() {
    for (source, detection, raw, expected) in ROWS {
        let text = rule("it", &format!("logsource: {{{source}}}\ndetection:\n  {detection}"));
        let (sigma, refused) = read(&text);
        assert_eq!(refused, [], "{text}");
        assert_eq!(!sigma.matching(&record(raw, 0)).is_empty(), expected, "{text}\n{raw}");
    }
}

#[test]
fn a_hit_says_what_the_rule_says() {
    let (sigma, _) = read(&rule(
        "Grabber\u{1b}[2J seen",
        &format!("{WINDOWS_PROCESS}\ndetection:\n  s: {{Image|contains: grab}}\n  condition: s"),
    ));
    let hits = sigma.hits(&sigma.matching(&record(SYSMON, 0)));
    let [hit] = hits.as_slice() else { panic!("one hit: {hits:?}") };
    assert!(hit.name.starts_with("Grabber") && !hit.name.contains('\u{1b}'), "{}", hit.name);
    assert_eq!((hit.class, hit.severity), (ThreatClass::PrivilegeEscalation, Severity::High));
    assert_eq!(
        (hit.strength, hit.techniques[0].id.to_string()),
        (Strength::Strong, "T1003.001".to_owned())
    );
}

#[test]
fn what_cannot_be_used_is_told_and_the_rest_is_taken() {
    let good = rule("good", "logsource: {product: linux}\ndetection:\n  k: [x]\n  condition: k");
    let nested = format!("title: deep\nlogsource: {}1{}", "[".repeat(60), "]".repeat(60));
    let with = |detection: &str| {
        rule("bad", &format!("logsource: {{product: linux}}\ndetection:\n{detection}"))
    };
    let bad = [
        "title: [".to_owned(),
        "just words".to_owned(),
        "a: &a [1]\nb: *a".to_owned(),
        nested,
        rule("no source", "detection:\n  k: [x]\n  condition: k"),
        with("  k: [x]"),
        with("  k: [x]\n  condition: other"),
        with("  k: [x]\n  condition: k | count() > 5"),
        with("  k: {a|expand: '%admins%'}\n  condition: k"),
        with("  k: {a|re: '(?=x)'}\n  condition: k"),
        with("  k: {a|cidr: nowhere}\n  condition: k"),
        with("  k: {}\n  j: []\n  condition: k"),
        rule(
            "old",
            "status: deprecated\nlogsource: {product: linux}\ndetection:\n  k: [x]\n  condition: k",
        ),
        rule(
            "counts",
            "correlation: {type: event_count, rules: [nobody], timespan: 5m, condition: {gte: 3}}",
        ),
        rule(
            "sums",
            "correlation: {type: value_sum, rules: [a], timespan: 5m, condition: {gte: 3}}",
        ),
        "x".repeat(SIGMA_FILE_CAP + 1),
        "\u{0}\u{feff}: - [".to_owned(),
    ];
    let files = bad.iter().enumerate().map(|(at, text)| (format!("{at}.yml"), text.clone()));
    let (sigma, refused) = Sigma::read(files.chain([("good.yml".to_owned(), good)]));
    let told: Vec<&str> = refused.iter().map(|refused| refused.file.as_str()).collect();
    for at in 0..bad.len() {
        assert!(told.contains(&format!("{at}.yml").as_str()), "{at}: {refused:?}");
    }
    assert_eq!(sigma.titles().collect::<Vec<_>>(), ["good"]);
}

const GUESSING: &str = "title: Denied\nname: denied\nlogsource: {category: firewall}\ndetection:\n  s: {action: deny}\n  condition: s\n---\n";

fn counted(correlation: &str, lines: &[(String, i64)]) -> Vec<usize> {
    let (sigma, refused) =
        read(&format!("{GUESSING}title: Many\nlevel: high\ncorrelation:\n{correlation}"));
    assert_eq!(refused, []);
    let mut counts = Counts::default();
    let mut fired = Vec::new();
    for (number, (raw, second)) in lines.iter().enumerate() {
        let record = record(raw, *second);
        let matching = sigma.matching(&record);
        assert!(sigma.hits(&matching).is_empty(), "a counted rule does not speak for itself");
        let done = sigma.count(&mut counts, (EventId(number as u64), &record), &matching);
        fired.extend(done.iter().map(|_| number));
    }
    fired
}

#[test]
fn correlations_count_by_group_in_their_time() {
    let deny = |source: &str, port: u16, second: i64| {
        (
            format!(
                "<134>Aug 14 09:00:00 gw1 fw: action=deny src={source} dst=10.0.0.2 dpt={port} proto=tcp"
            ),
            second,
        )
    };
    let events = "  type: event_count\n  rules: [denied]\n  group-by: [src_ip]\n  timespan: 1m\n  condition: {gte: 3}";
    let values = "  type: value_count\n  rules: [denied]\n  group-by: [src_ip]\n  timespan: 1m\n  condition: {field: dst_port, gt: 2}";
    let (a, b) = ("198.51.100.7", "198.51.100.8");
    for (correlation, lines, expected) in [
        (
            events,
            vec![deny(a, 1, 0), deny(b, 1, 1), deny(a, 1, 2), deny(a, 1, 3), deny(a, 1, 4)],
            vec![3],
        ),
        (events, vec![deny(a, 1, 0), deny(a, 1, 70), deny(a, 1, 140)], vec![]),
        (values, vec![deny(a, 1, 0), deny(a, 1, 1), deny(a, 2, 2), deny(a, 3, 3)], vec![3]),
        (values, vec![deny(a, 1, 0), deny(a, 2, 1), deny(b, 3, 2)], vec![]),
    ] {
        assert_eq!(counted(correlation, &lines), expected, "{correlation}");
    }
}

#[test]
fn an_order_is_kept() {
    let text = "title: A\nname: a\nlogsource: {product: linux}\ndetection: {k: [first], condition: k}\n---\n\
                title: B\nname: b\nlogsource: {product: linux}\ndetection: {k: [second], condition: k}\n---\n\
                title: Both\ncorrelation: {type: temporal_ordered, rules: [a, b], timespan: 1h}\n";
    let (sigma, refused) = read(text);
    assert_eq!(refused, []);
    for (words, expected) in [(["first", "second"], true), (["second", "first"], false)] {
        let mut counts = Counts::default();
        let mut fired = false;
        for (number, word) in words.iter().enumerate() {
            let record = record(&format!("<13>Aug 14 09:00:00 h1 app: the {word} thing"), 1);
            let matching = sigma.matching(&record);
            let seen = (EventId(number as u64), &record);
            fired |= !sigma.count(&mut counts, seen, &matching).is_empty();
        }
        assert_eq!(fired, expected, "{words:?}");
    }
}

const LINES: [&str; 6] = [SYSMON, LOGON, ACCESS, PAIRS, SSHD, CLOUD];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever became of a rule's text on the way, it is refused or it judges.
    #[test]
    fn a_damaged_rule_is_refused_or_judges(
        row in 0..ROWS.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<char>(), 0..4u8), 0..8),
    ) {
        let (source, detection, ..) = ROWS[row];
        let mut text = format!("{GUESSING}{}---\ntitle: Many\ncorrelation: {{type: event_count, rules: [denied], timespan: 1m, condition: {{gte: 1}}}}\n",
            rule("it", &format!("logsource: {{{source}}}\ndetection:\n  {detection}")));
        for (index, with, edit) in edits {
            let at = text.floor_char_boundary(index.index(text.len()));
            match edit {
                0 => text.insert(at, with),
                1 => text.truncate(text.ceil_char_boundary(at.max(40))),
                2 => { text.remove(at); }
                _ => text.insert_str(at, ["*", "|", ": ", "- ", "'", "{", "\n  ", "|re"][with as usize % 8]),
            }
        }
        let (sigma, refused) = read(&text);
        prop_assert!(!sigma.is_empty() || !refused.is_empty(), "{text}");
        let mut counts = Counts::default();
        for (number, line) in LINES.iter().enumerate() {
            let record = record(line, 0);
            let matching = sigma.matching(&record);
            prop_assert!(sigma.hits(&matching).len() <= HITS_CAP);
            sigma.count(&mut counts, (EventId(number as u64), &record), &matching);
        }
    }
}
