//! Windows events in whatever coat the forwarder gives them: JSON (Winlogbeat, NXLog, Wazuh, nested
//! `Event.System`), XML, and text with tabs (Snare) or labels.

use std::sync::LazyLock;

use regex::Regex;
use vedette_event::Fields;

use super::pattern::ascii;
use super::{Decoder, Line, SURELY, pairs};
use crate::fields::{self, NormalKey, Offers};

pub(super) const WINDOWS: Decoder = Decoder {
    dataset: "windows",
    app: |app| app.starts_with("Microsoft-Windows-"),
    marks: &[
        &["\"EventID\""],
        &["\"EventId\""],
        &["\"eventdata\""],
        &["\"winlog\""],
        &["MSWinEventLog"],
        &["Microsoft-Windows-"],
        &["WinEvtLog: "],
        &["<EventID"],
        &["\"EventData\""],
    ],
    sniff: SURELY,
    parse,
};

/// Event data kept under its own name besides the mapped fields: rules for Windows ask for it.
const MAX_EVENT_DATA: usize = 96;

static XML_DATA: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&ascii(r#"<Data Name=["']([^"']{1,64})["'][^>]*>([^<]*)<|<(EventID|Computer|Channel)[^>]*>([^<]*)<|(SystemTime)=["']([^"']*)["']|<Provider (Name)=["']([^"']*)["']"#)).expect("the pattern is constant")
});

static LABELS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&ascii(r"(Account Name|Source Network Address|Client Address|Source Address|Source Port|Workstation Name|Source Workstation|Logon Account|New Process Name|Creator Process Name|Process Command Line|Logon Type|Service Name|Task Name|Caller Computer Name|User Name|Target Account Name|Failure Reason|Object Name|Share Name):(?:\s|#011)*([^\s#][^\t\n#]*?)(?:#01[1235]|\t|\s{2,}|\n|$)")).expect("the pattern is constant")
});

static CODE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&ascii(r"(?:AUDIT_[A-Z]+|INFORMATION|WARNING|ERROR)\((\d{1,5})\)|Microsoft-Windows-[A-Za-z-]+(?:#011|\t|\[)(\d{1,5})|EventI[Dd][:=] ?(\d{1,5})")).expect("the pattern is constant")
});

fn parse(line: &Line<'_>, fields: &mut Fields) -> bool {
    let mut data = Data::default();
    if let Some(value) = line.json() {
        pairs::walk(value, &mut |path, text| data.take(path, text));
    } else if line.has("<EventID") || line.has("<Data ") {
        xml(line.message, &mut data);
    } else {
        text(line.message, &mut data);
    }
    data.finish(fields)
}

#[derive(Default)]
struct Data {
    offers: Offers,
    own: Vec<(String, String)>,
    target_user: Option<String>,
    subject_user: Option<String>,
}

impl Data {
    fn take(&mut self, path: &str, value: &str) {
        let name = path.rsplit('.').next().unwrap_or(path);
        let parent = path.rsplit('.').nth(1).unwrap_or_default();
        let key = NormalKey::of(name);
        match key.as_str() {
            "targetusername" => self.target_user = named(value),
            "subjectusername" => self.subject_user = named(value),
            "hashes" | "hash" => self.hashes(value),
            "name" if parent == "Provider" => self.offers.offer("event.provider", value),
            "user" if value.contains('\\') => {
                self.offers.offer("user.name", value.rsplit('\\').next().unwrap_or(value));
            }
            // `Computer`, `Channel` and the like of the event's System part and the data alike.
            _ => self.offers.offer(name, value),
        }
        if NormalKey::of(parent).as_str() == "eventdata" && self.own.len() < MAX_EVENT_DATA {
            self.own.push((format!("winlog.event_data.{}", capitalised(name)), value.to_owned()));
        }
    }

    /// Sysmon writes `SHA1=…,MD5=…,SHA256=…`.
    fn hashes(&mut self, value: &str) {
        for part in value.split(',') {
            if let Some((kind, digits)) = part.split_once('=') {
                self.offers.offer(kind.trim(), digits);
            }
        }
    }

    fn finish(self, fields: &mut Fields) -> bool {
        let user = self.target_user.or_else(|| self.subject_user.clone());
        fields.set("user.name", user.unwrap_or_default());
        fields.set("user.effective.name", self.subject_user.unwrap_or_default());
        self.offers.fill(fields);
        for (name, value) in self.own {
            fields.set(name, fields::bounded(&value));
        }
        let code = fields.get("event.code").unwrap_or_default().to_owned();
        let sysmon = fields.get("event.provider").is_some_and(|name| name.contains("Sysmon"))
            || fields.get("winlog.channel").is_some_and(|name| name.contains("Sysmon"));
        let table = if sysmon { SYSMON } else { SECURITY };
        if let Some((_, [category, action, outcome])) =
            table.iter().find(|(known, _)| *known == code)
        {
            fields.set("event.category", *category);
            fields.set("event.action", *action);
            fields.set("event.outcome", *outcome);
        }
        !code.is_empty() || fields.len() > 2
    }
}

fn named(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty() && value != "-").then(|| value.to_owned())
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

fn xml(text: &str, data: &mut Data) {
    for found in XML_DATA.captures_iter(text).take(pairs::MAX_PAIRS) {
        let mut groups = found.iter().skip(1).flatten().map(|group| group.as_str());
        if let (Some(name), Some(value)) = (groups.next(), groups.next()) {
            let path = match (name, found.get(1).is_some()) {
                (name, true) => format!("EventData.{name}"),
                ("Name", false) => "Provider.Name".to_owned(),
                (name, false) => name.to_owned(),
            };
            data.take(&path, &unescape(value));
        }
    }
}

fn unescape(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    text.replace("&apos;", "'").replace("&amp;", "&")
}

/// Columns of a Snare line behind `MSWinEventLog`: criticality, log, counter, time, event id, source,
/// user, …, computer in the tenth.
fn text(message: &str, data: &mut Data) {
    let tabbed = message.replace("#011", "\t");
    if let Some(start) = tabbed.find("MSWinEventLog") {
        let columns: Vec<&str> = tabbed[start..].split('\t').take(32).collect();
        let column = |index: usize| columns.get(index).copied().unwrap_or_default();
        for (index, name) in [
            (2, "Channel"),
            (4, "timestamp"),
            (5, "EventID"),
            (6, "ProviderName"),
            (10, "Computer"),
        ] {
            data.take(name, column(index));
        }
    } else if let Some(found) = CODE.captures(message) {
        let code = found.iter().skip(1).flatten().next();
        data.take("EventID", code.map_or("", |code| code.as_str()));
    }
    for found in LABELS.captures_iter(message).take(pairs::MAX_PAIRS) {
        match &found[1] {
            // The subject's account comes first, the one it is about last.
            "Account Name" | "Logon Account" | "User Name" | "Target Account Name" => {
                data.target_user = named(&found[2]).or(data.target_user.take());
            }
            "Creator Process Name" => data.take("ParentProcessName", &found[2]),
            "Client Address" => data.take("SourceAddress", &found[2]),
            label => data.take(&label.replace(' ', ""), &found[2]),
        }
    }
}

type Meaning = (&'static str, [&'static str; 3]);

/// Event id of the Security, System and PowerShell logs (Microsoft's audit event reference), and its
/// category, action and outcome.
const SECURITY: &[Meaning] = &[
    ("4624", ["authentication", "logged-in", "success"]),
    ("4625", ["authentication", "logon-failed", "failure"]),
    ("4634", ["authentication", "logged-out", ""]),
    ("4647", ["authentication", "logged-out", ""]),
    ("4648", ["authentication", "logged-in-explicit", "success"]),
    ("4672", ["iam", "logged-in-special", "success"]),
    ("4688", ["process", "created-process", "success"]),
    ("4689", ["process", "exited-process", ""]),
    ("4697", ["configuration", "service-installed", "success"]),
    ("7045", ["configuration", "service-installed", "success"]),
    ("4698", ["configuration", "scheduled-task-created", "success"]),
    ("4702", ["configuration", "scheduled-task-updated", "success"]),
    ("4719", ["configuration", "changed-audit-config", "success"]),
    ("4720", ["iam", "added-user-account", "success"]),
    ("4722", ["iam", "enabled-user-account", "success"]),
    ("4723", ["iam", "changed-password", ""]),
    ("4724", ["iam", "reset-password", ""]),
    ("4725", ["iam", "disabled-user-account", "success"]),
    ("4726", ["iam", "deleted-user-account", "success"]),
    ("4728", ["iam", "added-member-to-group", "success"]),
    ("4732", ["iam", "added-member-to-group", "success"]),
    ("4756", ["iam", "added-member-to-group", "success"]),
    ("4738", ["iam", "modified-user-account", "success"]),
    ("4740", ["iam", "locked-out-user-account", "failure"]),
    ("4768", ["authentication", "kerberos-authentication-ticket-requested", ""]),
    ("4769", ["authentication", "kerberos-service-ticket-requested", ""]),
    ("4771", ["authentication", "kerberos-preauth-failed", "failure"]),
    ("4776", ["authentication", "credential-validated", ""]),
    ("1102", ["iam", "audit-log-cleared", "success"]),
    ("104", ["configuration", "log-cleared", "success"]),
    ("5140", ["file", "network-share-object-accessed", ""]),
    ("5145", ["file", "network-share-object-access-checked", ""]),
    ("5156", ["network", "windows-firewall-connection", "success"]),
    ("5157", ["network", "windows-firewall-packet-block", "failure"]),
    ("4103", ["process", "powershell-pipeline", ""]),
    ("4104", ["process", "powershell-script-block", ""]),
];

/// Event ids of Sysmon's operational log.
const SYSMON: &[Meaning] = &[
    ("1", ["process", "process-created", "success"]),
    ("2", ["file", "file-creation-time-changed", ""]),
    ("3", ["network", "network-connection", ""]),
    ("5", ["process", "process-terminated", ""]),
    ("6", ["driver", "driver-loaded", ""]),
    ("7", ["process", "image-loaded", ""]),
    ("8", ["process", "remote-thread-created", ""]),
    ("10", ["process", "process-accessed", ""]),
    ("11", ["file", "file-created", ""]),
    ("12", ["registry", "registry-object-changed", ""]),
    ("13", ["registry", "registry-value-set", ""]),
    ("14", ["registry", "registry-renamed", ""]),
    ("15", ["file", "file-stream-created", ""]),
    ("17", ["file", "pipe-created", ""]),
    ("18", ["file", "pipe-connected", ""]),
    ("19", ["process", "wmi-filter", ""]),
    ("20", ["process", "wmi-consumer", ""]),
    ("21", ["process", "wmi-binding", ""]),
    ("22", ["network", "dns-query", ""]),
    ("23", ["file", "file-deleted", ""]),
    ("25", ["process", "process-tampering", ""]),
    ("26", ["file", "file-deleted", ""]),
];
