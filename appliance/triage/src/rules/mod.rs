//! What one line says by itself: a table of patterns over the neutral text. Each group of patterns shares a class, techniques, a severity and how
//! much a hit proves. Known harmless lines are rules too and pull the other way.

mod auth;
mod benign;
mod linux;
mod mail;
mod malware;
mod network;
mod web;
mod windows;

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};
use vedette_event::{ScoredTechnique, Severity, TechniqueId, ThreatClass};

use crate::clean::capped;
use crate::flags::PATTERN_BYTES;

/// Longest text the rules read, in bytes: what tells stands in the first part of any line.
const RULE_TEXT_CAP: usize = 8 * 1024;

/// How much a hit proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Known harmless.
    Harmless,
    /// Routine alone, counts when it repeats.
    Trace,
    /// Suspicious alone, opens an incident only when it repeats.
    Weak,
    /// Worth a look alone, opens an incident when it comes with others.
    Likely,
    /// An attack; opens an incident.
    Strong,
    /// An attack that succeeded or cannot be mistaken; opens an incident.
    Proof,
}

impl Strength {
    /// P(malicious) under a prior of 0.5 that a hit alone stands for.
    pub fn probability(self) -> f32 {
        match self {
            Self::Harmless => 0.04,
            Self::Trace => 0.30,
            Self::Weak => 0.70,
            Self::Likely => 0.86,
            Self::Strong => 0.95,
            Self::Proof => 0.985,
        }
    }
}

/// What the counters over many lines count a hit as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Nothing.
    None,
    /// A login that failed.
    AuthFailure,
    /// A login that succeeded.
    AuthSuccess,
    /// A connection that a firewall refused.
    Denied,
    /// A mail that was refused.
    MailRefused,
    /// A name server that refused to answer.
    DnsRefused,
    /// A query for a name that looks generated.
    DnsOdd,
    /// A file renamed, deleted or overwritten.
    FileChange,
    /// A logon over the network to another machine.
    RemoteLogon,
    /// A payment refused.
    PaymentRefused,
    /// A malformed request, a broken key exchange, a probe of a protocol.
    Probe,
}

/// Patterns that mean the same kind of thing.
pub(crate) struct Group {
    class: ThreatClass,
    techniques: &'static [&'static str],
    severity: Severity,
    strength: Strength,
    signal: Signal,
    /// Plain name and pattern (case does not matter) of each rule.
    rules: &'static [(&'static str, &'static str)],
}

/// A rule that matched.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Its name, in plain words.
    pub name: &'static str,
    /// Its class.
    pub class: ThreatClass,
    /// Its techniques.
    pub techniques: Vec<ScoredTechnique>,
    /// How bad.
    pub severity: Severity,
    /// How much it proves.
    pub strength: Strength,
    /// What it counts as.
    pub signal: Signal,
    /// Where it matched in the neutral text.
    pub range: Range<usize>,
}

/// Each pattern is searched by itself: the engine finds the literals it must begin with first, which
/// is far quicker here than one automaton for all, whose states explode over unlike lines.
static RULES: LazyLock<Vec<(&'static Group, &'static str, Regex)>> = LazyLock::new(|| {
    [
        auth::GROUPS,
        web::GROUPS,
        network::GROUPS,
        windows::GROUPS,
        linux::GROUPS,
        malware::GROUPS,
        mail::GROUPS,
        benign::GROUPS,
    ]
    .into_iter()
    .flatten()
    .flat_map(|group| group.rules.iter().map(move |(name, text)| (group, *name, compiled(text))))
    .collect()
});

fn compiled(pattern: &str) -> Regex {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .unicode(false)
        .size_limit(PATTERN_BYTES)
        .dfa_size_limit(PATTERN_BYTES)
        .build()
        .expect("the patterns are constants that the tests compile")
}

/// The rules that match a neutral text, the strongest first, ties in table order.
pub fn hits(text: &str) -> Vec<Hit> {
    let text = capped(text, RULE_TEXT_CAP).as_bytes();
    let mut hits: Vec<Hit> = RULES
        .iter()
        .filter_map(|(group, name, pattern)| Some(hit(group, name, pattern.find(text)?.range())))
        .collect();
    hits.sort_by_key(|hit| (std::cmp::Reverse(hit.strength), std::cmp::Reverse(hit.severity)));
    hits
}

fn hit(group: &Group, name: &'static str, range: Range<usize>) -> Hit {
    Hit {
        name,
        class: group.class,
        techniques: scored(group.techniques, group.strength.probability()),
        severity: group.severity,
        strength: group.strength,
        signal: group.signal,
        range,
    }
}

/// Techniques of a table row with one score.
pub(crate) fn scored(ids: &[&str], score: f32) -> Vec<ScoredTechnique> {
    ids.iter()
        .filter_map(|id| id.parse::<TechniqueId>().ok())
        .map(|id| ScoredTechnique { id, score })
        .collect()
}

#[cfg(test)]
mod tests;
