//! From judged lines to alerts: feeds the counters and the baselines and says what is worth an
//! incident.

use std::borrow::Cow;

use vedette_event::{
    EventId, EvidenceLine, LogRecord, Severity, Span, TechniqueId, ThreatClass, Verdict,
    VerdictLabel,
};

use crate::alert::{Alert, Subject};
use crate::baseline::{Beacons, Transfers};
use crate::behaviour::{By, COUNTERS, Counted, Counter, Distinct, Observation, Windows};
use crate::clean::capped;
use crate::ensemble::{Judge, Reading, fnv};
use crate::facts::Facts;
use crate::machines::Machines;
use crate::policy::Policy;
use crate::rules::{Hit, Signal, Strength};
use crate::sigma::{Completed, Counts, Sigma};
use crate::voices::LEAST_LIKELY;

/// Name of the rule that means that the attacker got in.
pub(crate) const BREAK_IN: &str = "login succeeded after many failures";

/// Longest raw text kept as evidence, in bytes; the whole line is in the store.
pub const EVIDENCE_BYTES: usize = 2048;

/// Failed logins before a success that make it a break-in: as many as make password guessing.
const FAILURES_BEFORE_SUCCESS: usize = 5;

/// Score from which the screen alone counts a line as surely bad.
const SCREEN_SURE: f32 = 0.97;

/// "Special privileges assigned to new logon" (Windows security event).
const SPECIAL_PRIVILEGES: &str = "4672";

/// A line with all that was found out about it.
pub(crate) struct Judged<'a> {
    pub(crate) event: EventId,
    pub(crate) record: &'a LogRecord,
    pub(crate) reading: &'a Reading,
    pub(crate) verdict: &'a Verdict,
}

/// Memory over many lines.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    windows: Windows,
    transfers: Transfers,
    beacons: Beacons,
    machines: Machines,
    /// What the correlations of the customer's rules have counted.
    counts: Counts,
}

impl Watch {
    /// Rows in all tables.
    pub(crate) fn len(&self) -> usize {
        self.windows.len()
            + self.transfers.len()
            + self.beacons.len()
            + self.machines.len()
            + self.counts.len()
    }

    /// Takes note of a line; returns the alerts it completes, the gravest first.
    pub(crate) fn observe(&mut self, line: &Judged<'_>, judge: &Judge) -> Vec<Alert> {
        let policy = judge.policy();
        self.machines(line);
        let mut alerts = Vec::new();
        if policy.deciders.rules {
            alerts.extend(self.break_in(line));
            alerts.extend(alone(line));
            alerts.extend(self.correlated(line, judge.sigma()));
        }
        for (row, counter) in COUNTERS.iter().enumerate() {
            if policy.deciders.rules || counter.counted == Counted::ScreenSure {
                alerts.extend(self.counted(row, counter, line, policy));
            }
        }
        if policy.deciders.rules {
            alerts.extend(self.traffic(line, policy));
        }
        let allowed = line.reading.facts.source.is_some_and(|source| policy.is_scanner(source));
        alerts.retain(|alert| !allowed || alert.compromise);
        for alert in &mut alerts {
            let by_user = alert.subject.by_user;
            alert.subject = Subject { by_user, ..self.subject(line, policy) };
        }
        alerts
    }

    /// Takes note of what a line says of the machines.
    fn machines(&mut self, line: &Judged<'_>) {
        let (facts, at) = (&line.reading.facts, line.record.received_at);
        self.machines.sent(line.record, facts);
        self.machines.leased(line.record);
        if has_signal(line, Signal::RemoteLogon) {
            self.machines.logon(facts, at);
        } else if line.record.fields.get("event.code") == Some(SPECIAL_PRIVILEGES) {
            self.machines.high_rights(facts, at);
        }
    }

    /// Who and what a line is about, with what is known of the machine.
    pub(crate) fn subject(&self, line: &Judged<'_>, policy: &Policy) -> Subject {
        let facts = &line.reading.facts;
        let mut subject = subject(facts);
        if subject.source.is_none() {
            subject.source = self.machines.blamed(facts.host.as_ref(), line.record.received_at);
        }
        if subject.source.is_none() {
            subject.home = self.machines.home(line.record, facts);
        }
        subject.outside = facts.destination.filter(|to| !policy.is_internal(*to));
        subject
    }

    /// A login that succeeds after many failed.
    fn break_in(&self, line: &Judged<'_>) -> Option<Alert> {
        let facts = &line.reading.facts;
        if !has_signal(line, Signal::AuthSuccess) {
            return None;
        }
        let at = line.record.received_at;
        let source = facts.source.map(|source| source.to_string());
        let stood = |name: &str, key: &Option<String>| {
            key.as_ref().map_or(0, |key| self.windows.standing(name, key, at))
        };
        let failures = stood("password guessing", &source)
            .max(stood("slow password guessing", &source))
            .max(stood("web login guessing", &source))
            .max(stood("one account attacked from many addresses", &facts.user));
        if failures < FAILURES_BEFORE_SUCCESS {
            return None;
        }
        Some(Alert {
            compromise: true,
            severity: Severity::Critical,
            techniques: techniques(&["T1110", "T1078"]),
            ..alert(line, BREAK_IN, ThreatClass::BruteForce)
        })
    }

    /// What the customer's correlations make of a line.
    fn correlated(&mut self, line: &Judged<'_>, sigma: &Sigma) -> Vec<Alert> {
        let seen = (line.event, line.record);
        let completed = sigma.count(&mut self.counts, seen, &line.reading.sigma);
        let alert = |Completed { hit, earlier }: Completed| Alert {
            techniques: hit.techniques.iter().map(|technique| technique.id).collect(),
            severity: hit.severity,
            opens: hit.strength >= Strength::Likely,
            earlier,
            ..alert(line, hit.name, hit.class)
        };
        completed.into_iter().map(alert).collect()
    }

    fn counted(
        &mut self,
        row: usize,
        counter: &Counter,
        line: &Judged<'_>,
        policy: &Policy,
    ) -> Option<Alert> {
        if !counts(counter.counted, line) {
            return None;
        }
        let facts = &line.reading.facts;
        if counter.internal_only && !facts.source.is_some_and(|ip| policy.is_internal(ip)) {
            return None;
        }
        let key = key(counter.by, facts)?;
        let distinct = distinct(counter.distinct, line)?;
        let seen = Observation { event: line.event, at: line.record.received_at, distinct };
        let earlier = self.windows.count(row, &key, seen)?;
        let mut fired = Alert {
            techniques: techniques(counter.techniques),
            severity: counter.severity,
            earlier,
            ..alert(line, counter.name, counter.class)
        };
        // A count of unlike suspicious lines is of the kind of its last one.
        if matches!(counter.counted, Counted::Suspicious | Counted::ScreenSure) {
            fired.class = line.verdict.threat_class;
            let spoken_for = line.verdict.techniques.iter().filter(|it| it.score >= LEAST_LIKELY);
            fired.techniques = spoken_for.map(|it| it.id).take(2).collect();
        }
        fired.subject.by_user = counter.by == By::User;
        Some(fired)
    }

    /// Unusual transfers and regular calls to the outside.
    fn traffic(&mut self, line: &Judged<'_>, policy: &Policy) -> Option<Alert> {
        let facts = &line.reading.facts;
        let (from, to) = (facts.source?, facts.destination?);
        if !policy.is_internal(from) || policy.is_internal(to) || policy.is_backup(to) {
            return None;
        }
        let at = line.record.received_at;
        if self.transfers.add(from, facts.bytes_out, at, policy.outbound_bytes) {
            return Some(Alert {
                techniques: techniques(&["T1048"]),
                severity: Severity::High,
                ..alert(line, "unusually much data sent out", ThreatClass::Exfiltration)
            });
        }
        let even = self.beacons.call(from, to, facts.port.unwrap_or(0), at);
        (even && !matches!(facts.port, Some(53 | 123 | 853))).then(|| Alert {
            techniques: techniques(&["T1071"]),
            severity: Severity::Medium,
            opens: false,
            ..alert(line, "regular calls to one outside address", ThreatClass::CommandAndControl)
        })
    }
}

/// The alert of a line that is enough by itself.
fn alone(line: &Judged<'_>) -> Option<Alert> {
    let hit = line.reading.hits.first().filter(|hit| hit.strength >= Strength::Likely);
    let hit = hit.filter(|_| line.verdict.verdict.is_flagged())?;
    Some(Alert {
        techniques: hit.techniques.iter().map(|technique| technique.id).collect(),
        severity: hit.severity,
        confidence: line.verdict.score,
        opens: opens_alone(hit, line.verdict),
        ..alert(line, hit.name.clone(), hit.class)
    })
}

fn opens_alone(hit: &Hit, verdict: &Verdict) -> bool {
    hit.strength >= Strength::Strong && verdict.verdict == VerdictLabel::Malicious
}

fn counts(counted: Counted, line: &Judged<'_>) -> bool {
    let status = line.reading.facts.status;
    match counted {
        Counted::Signal(signal) => has_signal(line, signal),
        Counted::WebError => status.is_some_and(|status| (400..500).contains(&status)),
        Counted::LoginPost => line.reading.facts.login_post,
        Counted::WebRequest => status.is_some() && line.reading.facts.object.is_some(),
        Counted::Suspicious => {
            let strongest = line.reading.hits.first().map(|hit| hit.strength);
            strongest == Some(Strength::Likely) && line.verdict.verdict.is_flagged()
        }
        Counted::ScreenSure => {
            let telling = line.reading.hits.iter().any(|hit| hit.strength != Strength::Weak);
            !telling && line.verdict.score >= SCREEN_SURE
        }
    }
}

fn has_signal(line: &Judged<'_>, signal: Signal) -> bool {
    let success = line.reading.hits.iter().any(|hit| hit.signal == Signal::AuthSuccess);
    let failure = line.reading.hits.iter().any(|hit| hit.signal == Signal::AuthFailure);
    match signal {
        // A line that speaks of both ("authentication failure … success=no") tells of a failure.
        Signal::AuthSuccess => success && !failure,
        _ => line.reading.hits.iter().any(|hit| hit.signal == signal),
    }
}

fn key(by: By, facts: &Facts) -> Option<String> {
    match by {
        By::Source => facts.source.map(|source| source.to_string()),
        By::User => facts.user.clone(),
        By::Host => facts.host.clone(),
    }
}

fn distinct(what: Distinct, line: &Judged<'_>) -> Option<u64> {
    let facts = &line.reading.facts;
    match what {
        Distinct::Nothing => Some(attempt(line)),
        Distinct::Port => facts.port.map(u64::from),
        Distinct::Destination => facts.destination.map(|to| fnv(&to.to_string())),
        Distinct::User => facts.user.as_deref().map(fnv),
        Distinct::Source => facts.source.map(|from| fnv(&from.to_string())),
        // What no decoder named is told apart by the words of the line.
        Distinct::Object => Some(fnv(facts.object.as_deref().unwrap_or(&line.record.message))),
        Distinct::Host => facts.host.as_deref().map(fnv),
    }
}

/// Programs that write several lines (their own and PAM's) about one attempt.
const TALKATIVE: [&str; 5] = ["sshd", "sshd-session", "login", "su", "sudo"];

/// What tells one attempt from the next: the line, but for programs that write several about one,
/// whose lines of one process within one second count once.
fn attempt(line: &Judged<'_>) -> u64 {
    let record = line.record;
    let app = record.app.as_deref().unwrap_or_default();
    match &record.proc_id {
        Some(process) if TALKATIVE.contains(&app) => {
            fnv(&format!("{process}@{}", record.received_at.unix_timestamp()))
        }
        _ => line.event.0,
    }
}

pub(crate) fn techniques(ids: &[&str]) -> Vec<TechniqueId> {
    ids.iter().filter_map(|id| id.parse().ok()).collect()
}

/// An alert about a line, to be completed.
fn alert(line: &Judged<'_>, rule: impl Into<Cow<'static, str>>, class: ThreatClass) -> Alert {
    let facts = &line.reading.facts;
    Alert {
        event: line.event,
        at: line.record.received_at,
        rule: rule.into(),
        class,
        techniques: Vec::new(),
        severity: Severity::Medium,
        confidence: line.verdict.score.max(0.9),
        opens: true,
        compromise: false,
        subject: subject(facts),
        earlier: Vec::new(),
        evidence: evidence(line),
        undecided: line.verdict.abstained,
        precedent: line.reading.precedent.clone(),
    }
}

fn subject(facts: &Facts) -> Subject {
    Subject {
        source: facts.source,
        destination: facts.destination,
        user: facts.user.clone(),
        host: facts.host.clone(),
        home: None,
        outside: None,
        by_user: false,
    }
}

/// The line as evidence, with the place that tells.
pub(crate) fn evidence(line: &Judged<'_>) -> EvidenceLine {
    let text = String::from_utf8_lossy(&line.record.raw);
    let raw = capped(&text, EVIDENCE_BYTES).to_owned();
    let span = line.verdict.evidence.first().copied().unwrap_or(Span { start: 0, end: raw.len() });
    EvidenceLine {
        event_id: Some(line.event),
        start: span.start.min(raw.len()),
        end: span.end.min(raw.len()),
        raw,
    }
}
