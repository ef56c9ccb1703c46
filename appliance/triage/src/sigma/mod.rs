//! A customer's Sigma rules (specification 2): read from text, matched against decoded records, counted
//! by correlations.
//!
//! A rule's match is a hit like those of the built-in rules: its level says how much it proves, its tags
//! name techniques and class. What cannot be said with the same meaning here is refused with a reason,
//! never loosened.

mod condition;
mod correlation;
mod rule;
mod source;
mod value;
mod view;
mod yaml;

use std::borrow::Cow;

use thiserror::Error;
use vedette_event::{EventId, LogRecord};

use crate::rules::{Hit, Signal};
use correlation::Correlation;
pub(crate) use correlation::Counts;
use rule::{About, Rule};
use source::LogSource;
use view::{Field, View};
use yaml::Node;

/// Rules that are loaded: the public collection has a little over three thousand.
pub const SIGMA_RULES_CAP: usize = 5_000;

/// Longest text of one file, in bytes; the longest public rule has 60 KiB.
pub const SIGMA_FILE_CAP: usize = 256 * 1024;

/// Hits of one line.
const HITS_CAP: usize = 16;

/// Why a rule was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The text is no YAML.
    #[error("no YAML: {0}")]
    Yaml(String),
    /// It is larger or nests deeper than rules do.
    #[error("too large or nested too deeply; split the rule")]
    TooLarge,
    /// There are too many rules.
    #[error("more than {SIGMA_RULES_CAP} rules; remove those for systems that are not here")]
    TooMany,
    /// It uses YAML's aliases.
    #[error("anchors and aliases of YAML are not read; write the values out")]
    Alias,
    /// Something is missing or of another kind.
    #[error("{0}")]
    Shape(&'static str),
    /// A modifier that is unknown or needs what is not here.
    #[error("the modifier {0} is not known here")]
    Modifier(String),
    /// A value that does not fit its modifier.
    #[error("the value {0} does not fit")]
    Value(String),
    /// A regular expression that takes more than linear time, or is none.
    #[error("the expression {0} is not a linear one: no look-around, no back-references")]
    Expression(String),
    /// The condition cannot be read here.
    #[error("the condition cannot be read at {0}")]
    Condition(String),
    /// It counts in its condition, as version 1 did.
    #[error("counting in the condition is version 1; write a correlation")]
    Counting,
    /// The correlation asks for what is not counted here.
    #[error("the correlation's {0} cannot be told here")]
    Correlation(String),
    /// The correlation counts a rule that is not there.
    #[error("the correlation names {0}, which no rule is called")]
    UnknownRule(String),
    /// Its author retired it.
    #[error("its status is {0}")]
    Retired(String),
}

/// A refusal and the file it is about.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}: {why}")]
pub struct Refused {
    /// The file.
    pub file: String,
    /// Why.
    pub why: Refusal,
}

/// Rules, and their correlations.
#[derive(Debug, Default)]
pub struct Sigma {
    fields: Vec<Field>,
    sources: Vec<LogSource>,
    /// Each with the place of its source and whether it speaks for itself.
    rules: Vec<(Rule, usize, bool)>,
    correlations: Vec<Correlation>,
}

/// A correlation that a line completed.
pub(crate) struct Completed {
    pub(crate) hit: Hit,
    /// Lines that led to it.
    pub(crate) earlier: Vec<EventId>,
}

impl Sigma {
    /// Reads rules from files, given as name and text; what cannot be used is told and left out.
    pub fn read(files: impl IntoIterator<Item = (String, String)>) -> (Self, Vec<Refused>) {
        let (mut sigma, mut refused) = (Self::default(), Vec::new());
        let mut correlations = Vec::new();
        for (file, text) in files {
            let documents = if text.len() > SIGMA_FILE_CAP {
                Err(Refusal::TooLarge)
            } else {
                yaml::documents(&text)
            };
            let taken = documents.and_then(|documents| {
                documents.iter().filter(|document| !document.is_null()).try_for_each(|document| {
                    let taken = sigma.take(document)?;
                    correlations.extend(taken.map(|correlation| (file.clone(), correlation)));
                    Ok(())
                })
            });
            refused.extend(taken.err().map(|why| Refused { file, why }));
        }
        for (file, mut correlation) in correlations {
            match correlation.find_rules(sigma.rules.iter().map(|(rule, ..)| &rule.about)) {
                Ok(()) => sigma.correlate(correlation),
                Err(why) => refused.push(Refused { file, why }),
            }
        }
        (sigma, refused)
    }

    /// Takes a rule, or gives back a correlation, whose rules may come later.
    fn take(&mut self, document: &Node) -> Result<Option<Correlation>, Refusal> {
        if document.get("correlation").is_some() {
            return Correlation::of(document, &mut self.fields).map(Some);
        }
        if document.get("filter").is_some() {
            return Err(Refusal::Shape("filters are not read"));
        }
        if self.rules.len() >= SIGMA_RULES_CAP {
            return Err(Refusal::TooMany);
        }
        let rule = Rule::of(document, &mut self.fields)?;
        let source = self.sources.iter().position(|known| *known == rule.source);
        let source = source.unwrap_or_else(|| {
            self.sources.push(rule.source.clone());
            self.sources.len() - 1
        });
        self.rules.push((rule, source, true));
        Ok(None)
    }

    fn correlate(&mut self, correlation: Correlation) {
        for rule in &correlation.rules {
            self.rules[*rule].2 &= correlation.generate;
        }
        self.correlations.push(correlation);
    }

    /// How many rules there are, correlations among them.
    pub fn len(&self) -> usize {
        self.rules.len() + self.correlations.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The titles of all, in the order in which they were read.
    pub fn titles(&self) -> impl Iterator<Item = &str> {
        let rules = self.rules.iter().map(|(rule, ..)| &rule.about);
        let correlations = self.correlations.iter().map(|correlation| &correlation.about);
        rules.chain(correlations).map(|about| about.title.as_str())
    }

    /// The places of the rules that a record matches.
    pub(crate) fn matching(&self, record: &LogRecord) -> Vec<usize> {
        if self.rules.is_empty() {
            return Vec::new();
        }
        let view = View::of(record, &self.fields);
        let held: Vec<bool> = self.sources.iter().map(|source| source.holds(record)).collect();
        let rules = self.rules.iter().enumerate();
        let of_source = rules.filter(|(_, (_, source, _))| held[*source]);
        of_source.filter(|(_, (rule, ..))| rule.matches(&view)).map(|(place, _)| place).collect()
    }

    /// The hits that rules which match make by themselves.
    pub(crate) fn hits(&self, matching: &[usize]) -> Vec<Hit> {
        let speaking = matching.iter().map(|place| &self.rules[*place]).filter(|it| it.2);
        speaking.take(HITS_CAP).map(|(rule, ..)| hit(&rule.about)).collect()
    }

    /// The correlations that a line completes with the rules that match it.
    pub(crate) fn count(
        &self,
        counts: &mut Counts,
        (event, record): (EventId, &LogRecord),
        matching: &[usize],
    ) -> Vec<Completed> {
        if self.correlations.is_empty() || matching.is_empty() {
            return Vec::new();
        }
        let view = View::of(record, &self.fields);
        let seen = (event, record.received_at);
        let mut completed = Vec::new();
        for (place, correlation) in self.correlations.iter().enumerate() {
            for rule in matching.iter().filter(|rule| correlation.rules.contains(rule)) {
                let earlier = counts.note((place, correlation), &view, *rule, seen);
                let hit = || hit(&correlation.about);
                completed.extend(earlier.map(|earlier| Completed { hit: hit(), earlier }));
            }
        }
        completed
    }
}

fn hit(about: &About) -> Hit {
    Hit {
        name: Cow::Owned(about.title.clone()),
        class: about.class,
        techniques: about.techniques.clone(),
        severity: about.severity,
        strength: about.strength,
        signal: Signal::None,
        // What a rule says is about fields, not about a place in the text.
        range: 0..0,
    }
}

#[cfg(test)]
mod tests;
