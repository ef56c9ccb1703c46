//! What one line says by itself: a table of patterns over the neutral text. Each group of patterns shares a class, techniques, a severity and how
//! much a hit proves. Known harmless lines are rules too and pull the other way.

mod auth;
mod benign;
mod events;
mod linux;
mod mail;
mod malware;
mod network;
mod web;
mod windows;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};
use vedette_event::{ScoredTechnique, Severity, TechniqueId, ThreatClass};

use crate::clean::capped;
use crate::patterns::{Filter, PATTERN_BYTES, alternatives};

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
    /// A request made to miss every cache.
    CacheBypass,
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
    pub name: Cow<'static, str>,
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

/// The table, cut at the outermost alternatives of its patterns: an alternative is only searched when
/// a literal that it needs is in the text. One automaton for all would be slower: its states explode
/// over unlike lines.
struct Table {
    rows: Vec<Rule>,
    /// Row and pattern of each alternative.
    parts: Vec<(usize, Regex)>,
    filter: Filter,
}

/// A row of the table.
struct Rule {
    group: &'static Group,
    name: &'static str,
    techniques: Vec<ScoredTechnique>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let groups = [
        auth::GROUPS,
        web::GROUPS,
        network::GROUPS,
        windows::GROUPS,
        linux::GROUPS,
        malware::GROUPS,
        mail::GROUPS,
        benign::GROUPS,
    ];
    let (mut rows, mut texts) = (Vec::new(), Vec::new());
    for group in groups.into_iter().flatten() {
        let techniques = scored(group.techniques, group.strength.probability());
        for (name, pattern) in group.rules {
            texts.extend(alternatives(pattern).into_iter().map(|part| (rows.len(), part)));
            rows.push(Rule { group, name, techniques: techniques.clone() });
        }
    }
    let filter = Filter::new(texts.iter().map(|(_, text)| *text));
    let parts = texts.into_iter().map(|(row, text)| (row, compiled(text))).collect();
    Table { rows, parts, filter }
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

impl Table {
    /// The first match of each row that matches, in table order.
    fn matches(&self, text: &[u8]) -> Vec<(usize, Range<usize>)> {
        let mut found: Vec<(usize, Range<usize>)> = Vec::new();
        for part in self.filter.candidates(text) {
            let (row, pattern) = &self.parts[part];
            let Some(range) = pattern.find(text).map(|it| it.range()) else { continue };
            match found.last_mut() {
                Some((last, known)) if last == row => {
                    if range.start < known.start {
                        *known = range;
                    }
                }
                _ => found.push((*row, range)),
            }
        }
        found
    }
}

/// The rules that match a neutral text, the strongest first, ties in table order. Where the table of
/// actions knows an event, it comes first, and of an audit log's event it says all: there only what cannot be
/// mistaken counts besides.
pub fn hits(text: &str) -> Vec<Hit> {
    let said = events::said(text).unwrap_or_default();
    let text = capped(text, RULE_TEXT_CAP).as_bytes();
    let table = &*TABLE;
    let matched = table.matches(text).into_iter();
    let read = matched.map(|(row, range)| hit(&table.rows[row], range));
    let counts = |hit: &Hit| !said.alone || hit.strength == Strength::Proof;
    let mut hits: Vec<Hit> = said.hit.clone().into_iter().chain(read.filter(counts)).collect();
    rank(&mut hits);
    hits
}

/// The strongest first, ties as they stand.
pub(crate) fn rank(hits: &mut [Hit]) {
    hits.sort_by_key(|hit| (std::cmp::Reverse(hit.strength), std::cmp::Reverse(hit.severity)));
}

/// The class of the rule with this name, if there is one.
pub(crate) fn class_of(name: &str) -> Option<ThreatClass> {
    let known = TABLE.rows.iter().find(|known| known.name == name);
    known.map(|known| known.group.class).or_else(|| events::class_of(name))
}

fn hit(rule: &Rule, range: Range<usize>) -> Hit {
    let group = rule.group;
    Hit {
        name: Cow::Borrowed(rule.name),
        class: group.class,
        techniques: rule.techniques.clone(),
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
