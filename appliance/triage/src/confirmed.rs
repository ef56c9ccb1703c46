//! What people said of lines like one, when they closed incidents: the nearest confirmed cases.
//!
//! A person confirms "this, by these", not "this kind, by anybody". So a case speaks only for lines that
//! matched the same rules, name the same event and share nearly all words of the template. As an attack it
//! speaks for lines of the same source, or of anybody where the line was suspect by itself: a failed login in a
//! run of many was not. As harmless it speaks for the same template, account, address and machine only, after
//! two incidents, for one may be a slip; a line that a sure rule matches stays what it is, and counters
//! of failures go on counting.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use vedette_event::{IncidentId, LogRecord, RiskReason};

use crate::ensemble::{Reading, fnv};

/// Cases kept, the newest incidents first: what was confirmed longer ago matters less, and a table of so
/// many takes a few MiB.
pub const CASES_CAP: usize = 2048;

/// Cases of one kind that are compared with a line, so that its cost is bounded.
const ALIKE_CAP: usize = 32;

/// Least share of words (Jaccard index) that the template of a line has in common with its case.
const LIKENESS: f32 = 0.9;

/// Incidents that must have ended harmlessly.
const HARMLESS_INCIDENTS: usize = 2;

/// Incidents named as precedents.
const NAMED_CAP: usize = 3;

/// Fields that say which event a line is.
const EVENT: [&str; 4] = ["event.code", "event.action", "event.outcome", "event.type"];

/// How a closed incident turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// Wanted activity, or a fault.
    Harmless,
    /// An attack, stopped or not.
    Attack,
}

/// How incidents of lines like one ended, without contradiction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Precedent {
    /// How.
    pub ending: Ending,
    /// Which incidents, newest first, a few.
    pub incidents: Vec<IncidentId>,
}

impl Ending {
    /// How a sentence about it begins.
    fn said(self) -> &'static str {
        match self {
            Self::Harmless => "lines like it were confirmed as harmless in ",
            Self::Attack => "lines like it were confirmed as an attack in ",
        }
    }
}

impl fmt::Display for Precedent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.ending.said())?;
        for (at, incident) in self.incidents.iter().enumerate() {
            let gap = if at == 0 { "" } else { ", " };
            write!(f, "{gap}{incident}")?;
        }
        Ok(())
    }
}

/// What people said of an incident's alerts, taken together: one attack speaks for the whole, harmlessness
/// only where it was said of every alert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Precedents {
    said: Option<(Ending, String)>,
    unlike: bool,
}

impl Precedents {
    /// Those behind an incident's reasons from before a restart.
    pub(crate) fn of(reasons: &[RiskReason]) -> Self {
        let said = reasons.iter().find_map(|reason| {
            let of = |ending: &Ending| reason.reason.starts_with(ending.said());
            let ending = [Ending::Harmless, Ending::Attack].into_iter().find(of)?;
            Some((ending, reason.reason.clone()))
        });
        Self { unlike: said.is_none(), said }
    }

    /// Takes note of an alert.
    pub(crate) fn add(&mut self, precedent: Option<&Precedent>) {
        let Some(precedent) = precedent else {
            self.unlike = true;
            return;
        };
        if self.said.as_ref().is_none_or(|(ending, _)| *ending < precedent.ending) {
            self.said = Some((precedent.ending, precedent.to_string()));
        }
    }

    /// What they add to the risk.
    pub(crate) fn reason(&self) -> Option<RiskReason> {
        let (ending, reason) = self.said.clone()?;
        let points = match ending {
            Ending::Attack => 10,
            Ending::Harmless if !self.unlike => -20,
            Ending::Harmless => return None,
        };
        Some(RiskReason { reason, points })
    }
}

/// Whose doing a line tells of.
#[derive(Debug, PartialEq, Eq)]
struct Actor {
    source: Option<IpAddr>,
    user: Option<String>,
    host: Option<String>,
}

impl Actor {
    fn of(reading: &Reading) -> Self {
        let facts = &reading.facts;
        Self { source: facts.source, user: facts.user.clone(), host: facts.host.clone() }
    }

    fn is_anybody(&self) -> bool {
        self.source.is_none() && self.user.is_none() && self.host.is_none()
    }
}

#[derive(Debug)]
struct Case {
    incident: IncidentId,
    ending: Ending,
    actor: Actor,
    words: Vec<u64>,
    /// Whether the line was flagged by itself.
    suspect: bool,
}

impl Case {
    /// Whether it speaks for a line whose words are much the same.
    fn speaks_for(&self, actor: &Actor, words: &[u64]) -> bool {
        match self.ending {
            Ending::Attack => {
                self.suspect || (actor.source.is_some() && actor.source == self.actor.source)
            }
            Ending::Harmless => self.words == words && self.actor == *actor && !actor.is_anybody(),
        }
    }
}

/// The cases, by what lines they may speak for.
#[derive(Debug, Default)]
pub(crate) struct Confirmed {
    cases: HashMap<u64, Vec<Case>>,
    kept: usize,
}

impl Confirmed {
    /// Takes note of a line of a closed incident, flagged by itself or not, unless there are enough.
    pub(crate) fn learn(
        &mut self,
        (incident, ending): (IncidentId, Ending),
        (record, reading): (&LogRecord, &Reading),
        suspect: bool,
    ) {
        let alike = self.cases.entry(kind(record, reading)).or_default();
        if self.kept >= CASES_CAP || alike.len() >= ALIKE_CAP {
            return;
        }
        let words = words(&reading.template);
        let case = Case { incident, ending, actor: Actor::of(reading), words, suspect };
        let same = |known: &Case| {
            known.incident == incident && known.actor == case.actor && known.words == case.words
        };
        if !alike.iter().any(same) {
            alike.push(case);
            self.kept += 1;
        }
    }

    /// How incidents of such lines ended; none where nobody said, or people said both.
    pub(crate) fn precedent(&self, record: &LogRecord, reading: &Reading) -> Option<Precedent> {
        if self.kept == 0 {
            return None;
        }
        let alike = self.cases.get(&kind(record, reading))?;
        let (actor, words) = (Actor::of(reading), words(&reading.template));
        let mut near = alike
            .iter()
            .filter(|case| likeness(&case.words, &words) >= LIKENESS)
            .filter(|case| case.speaks_for(&actor, &words));
        let mut precedent: Option<Precedent> = None;
        near.try_for_each(|case| {
            let said = precedent
                .get_or_insert_with(|| Precedent { ending: case.ending, incidents: Vec::new() });
            let agreed = said.ending == case.ending;
            if agreed
                && said.incidents.len() < NAMED_CAP
                && !said.incidents.contains(&case.incident)
            {
                said.incidents.push(case.incident);
            }
            agreed.then_some(())
        })?;
        precedent.filter(|said| {
            said.ending == Ending::Attack || said.incidents.len() >= HARMLESS_INCIDENTS
        })
    }
}

/// What a case and the lines that it speaks for have in common exactly: program, event, rules.
fn kind(record: &LogRecord, reading: &Reading) -> u64 {
    let mut text = record.app.clone().unwrap_or_default();
    for field in EVENT {
        text.push('\0');
        text.push_str(record.fields.get(field).unwrap_or_default());
    }
    for hit in &reading.hits {
        text.push('\0');
        text.push_str(&hit.name);
    }
    fnv(&text)
}

/// Distinct words of a template, hashed, rising; its values are masked.
fn words(template: &str) -> Vec<u64> {
    let words = template.split(|character: char| !character.is_alphanumeric());
    let mut hashes: Vec<u64> = words.filter(|word| !word.is_empty()).map(fnv).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// Shared words by all words; both lists rise.
fn likeness(one: &[u64], other: &[u64]) -> f32 {
    let shared = one.iter().filter(|word| other.binary_search(word).is_ok()).count();
    let all = one.len() + other.len() - shared;
    shared as f32 / all.max(1) as f32
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use vedette_event::{Peer, Transport};
    use vedette_syslog::{Received, decode};

    use super::*;

    fn record(line: &str) -> LogRecord {
        let received_at = OffsetDateTime::UNIX_EPOCH;
        let received = Received { received_at, peer: Peer::Local, transport: Transport::Udp };
        decode(line.as_bytes().to_vec(), received)
    }

    fn failed(user: &str, source: &str, port: u16) -> LogRecord {
        record(&format!(
            "Aug 14 09:21:07 nas sshd[{port}]: Failed password for {user} from {source} port {port} ssh2"
        ))
    }

    fn confirmed(cases: &[(u64, Ending, LogRecord)]) -> Confirmed {
        learnt(cases, false)
    }

    fn learnt(cases: &[(u64, Ending, LogRecord)], suspect: bool) -> Confirmed {
        let mut confirmed = Confirmed::default();
        for (incident, ending, record) in cases {
            let reading = Reading::of(record);
            confirmed.learn((IncidentId(*incident), *ending), (record, &reading), suspect);
        }
        confirmed
    }

    fn said(confirmed: &Confirmed, record: &LogRecord) -> Option<(Ending, Vec<u64>)> {
        let precedent = confirmed.precedent(record, &Reading::of(record))?;
        Some((precedent.ending, precedent.incidents.iter().map(|id| id.0).collect()))
    }

    #[test]
    fn harmlessness_holds_for_the_same_actor_after_two_incidents() {
        use Ending::Harmless;
        let once = failed("backup", "10.0.0.9", 4021);
        let one = confirmed(&[(3, Harmless, once.clone()), (3, Harmless, once.clone())]);
        assert_eq!(said(&one, &once), None, "one incident may be a slip");
        let two = confirmed(&[(9, Harmless, once.clone()), (3, Harmless, once)]);
        for (line, expected) in [
            (failed("backup", "10.0.0.9", 5177), Some((Harmless, vec![9, 3]))),
            (failed("backup", "10.0.0.8", 5177), None),
            (failed("root", "10.0.0.9", 5177), None),
            (
                record(
                    "Aug 14 09:21:07 nas sshd[7]: Accepted password for backup from 10.0.0.9 port 9 ssh2",
                ),
                None,
            ),
            (
                record(
                    "Aug 14 09:21:07 other sshd[7]: Failed password for backup from 10.0.0.9 port 9 ssh2",
                ),
                None,
            ),
        ] {
            assert_eq!(said(&two, &line), expected, "{}", line.message);
        }
    }

    #[test]
    fn an_attack_is_one_by_the_same_source_or_where_the_line_was_suspect() {
        let seen = [(7, Ending::Attack, failed("root", "203.0.113.5", 4021))];
        let back = failed("root", "203.0.113.5", 9021);
        let other = failed("root", "198.51.100.77", 9021);
        let attack = Some((Ending::Attack, vec![7]));
        for (suspect, line, expected) in
            [(false, &back, &attack), (false, &other, &None), (true, &other, &attack)]
        {
            assert_eq!(said(&learnt(&seen, suspect), line), *expected, "{suspect}");
        }
    }

    #[test]
    fn people_who_disagree_say_nothing() {
        let line = failed("backup", "10.0.0.9", 4021);
        let cases = [(3, Ending::Harmless), (4, Ending::Harmless), (5, Ending::Attack)]
            .map(|(id, ending)| (id, ending, line.clone()));
        assert_eq!(said(&confirmed(&cases), &line), None);
    }

    #[test]
    fn one_word_that_turns_an_event_is_not_overlooked() {
        let event = |outcome: &str, code: u16| {
            record(&format!(
                r#"Aug 14 09:21:07 dc {{"EventID":{code},"Channel":"Security","Computer":"dc","TargetUserName":"anna","IpAddress":"10.0.0.9","LogonType":3,"Keywords":"Audit {outcome}","Status":"0x0","WorkstationName":"PC7","ProcessName":"-","LogonProcessName":"NtLmSsp","AuthenticationPackageName":"NTLM"}}"#
            ))
        };
        let cases = [3, 4].map(|id| (id, Ending::Harmless, event("Failure", 4625)));
        let two = confirmed(&cases);
        assert!(said(&two, &event("Failure", 4625)).is_some());
        assert_eq!(said(&two, &event("Success", 4624)), None);
    }

    #[test]
    fn one_alert_unlike_the_others_takes_harmlessness_away() {
        let said = |ending| Precedent { ending, incidents: vec![IncidentId(3)] };
        let (harmless, attack) = (said(Ending::Harmless), said(Ending::Attack));
        for (alerts, points) in [
            (vec![Some(&harmless), Some(&harmless)], Some(-20)),
            (vec![Some(&harmless), None], None),
            (vec![None, Some(&attack)], Some(10)),
            (vec![Some(&harmless), Some(&attack), Some(&harmless)], Some(10)),
            (vec![None], None),
        ] {
            let mut precedents = Precedents::default();
            alerts.iter().for_each(|alert| precedents.add(*alert));
            let reason = precedents.reason();
            assert_eq!(reason.as_ref().map(|reason| reason.points), points, "{alerts:?}");
            if let Some(reason) = reason {
                let again = Precedents::of(std::slice::from_ref(&reason));
                assert_eq!(again.reason(), Some(reason), "a restart changes nothing");
            }
        }
        assert_eq!(Precedents::of(&[]), Precedents { said: None, unlike: true });
    }

    #[test]
    fn tables_are_bounded() {
        let cases: Vec<_> = (0..100)
            .map(|id| (id, Ending::Attack, failed(&format!("user{id}"), "203.0.113.5", 1)))
            .collect();
        let full = confirmed(&cases);
        assert!(full.cases.values().all(|alike| alike.len() <= ALIKE_CAP));
        assert_eq!(full.kept, full.cases.values().map(Vec::len).sum::<usize>());
    }
}
