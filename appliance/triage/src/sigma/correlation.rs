//! Rules over several matches: so many within a time, of so many different values, or one of each.

use std::collections::{HashMap, VecDeque};

use time::{Duration, OffsetDateTime};
use vedette_event::EventId;

use super::Refusal;
use super::rule::{About, place};
use super::view::{Field, View};
use super::yaml::Node;
use crate::ensemble::fnv;

/// Groups counted at once over all rules; a busy network names some thousands of accounts and addresses
/// in a day.
const GROUPS_CAP: usize = 16_384;

/// Matches kept of one group: the highest threshold that can be asked for.
pub(super) const THRESHOLD_CAP: usize = 1_024;

/// Longest time counted over: lines further back are not read again after a restart either.
const SPAN_CAP: Duration = Duration::days(1);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Events,
    Values,
    OneOfEach,
    InOrder,
}

/// A rule over matches of others.
#[derive(Debug)]
pub(super) struct Correlation {
    pub(super) about: About,
    kind: Kind,
    /// What it calls the rules it counts, and their places once they are known.
    names: Vec<String>,
    pub(super) rules: Vec<usize>,
    /// Fields, by place.
    by: Vec<usize>,
    field: Option<usize>,
    span: Duration,
    at_least: usize,
    /// Whether the rules it counts speak for themselves too.
    pub(super) generate: bool,
}

impl Correlation {
    /// Reads a correlation.
    pub(super) fn of(document: &Node, fields: &mut Vec<Field>) -> Result<Self, Refusal> {
        let node = document.get("correlation").ok_or(Refusal::Shape("no correlation"))?;
        let text = |key: &str| node.get(key).and_then(Node::text);
        let kind = match text("type").unwrap_or_default() {
            "event_count" => Kind::Events,
            "value_count" => Kind::Values,
            "temporal" => Kind::OneOfEach,
            "temporal_ordered" => Kind::InOrder,
            other => return Err(Refusal::Correlation(format!("type {other}"))),
        };
        if node.get("aliases").is_some() {
            return Err(Refusal::Correlation("aliases".to_owned()));
        }
        let list = |key: &str| -> Vec<String> {
            let entries = node.get(key).map(Node::entries).unwrap_or_default();
            entries.iter().filter_map(Node::text).map(str::to_owned).collect()
        };
        let names = list("rules");
        let condition = node.get("condition");
        let counts = matches!(kind, Kind::Events | Kind::Values);
        let at_least = if counts { threshold(condition)? } else { names.len() };
        let field = condition.and_then(|it| it.get("field")).and_then(Node::text);
        if names.is_empty() || (kind == Kind::Values) != field.is_some() {
            return Err(Refusal::Shape("a correlation that is not whole"));
        }
        let flag = |key: &str| document.get(key).or_else(|| node.get(key)).and_then(Node::text);
        Ok(Self {
            about: About::of(document, None)?,
            kind,
            names,
            rules: Vec::new(),
            by: list("group-by").iter().map(|name| place(name, fields)).collect(),
            field: field.map(|name| place(name, fields)),
            span: text("timespan")
                .and_then(span)
                .ok_or(Refusal::Shape("a timespan in s, m, h or d up to a day"))?,
            at_least,
            generate: flag("generate") == Some("true"),
        })
    }

    /// Finds the rules that it counts by what they are called.
    pub(super) fn find_rules<'a>(
        &mut self,
        about: impl Iterator<Item = &'a About> + Clone,
    ) -> Result<(), Refusal> {
        for name in &self.names {
            let place = about.clone().position(|rule| rule.called.contains(name));
            self.rules.push(place.ok_or_else(|| Refusal::UnknownRule(name.clone()))?);
        }
        Ok(())
    }

    /// The group a match falls into, and what tells it from others of the group.
    fn group(&self, view: &View<'_>, rule: usize, event: EventId) -> Option<(u64, u64)> {
        let mut key = String::new();
        for field in &self.by {
            key.push_str(&view.values(*field).first()?.folded);
            key.push('\u{1f}');
        }
        let own = match (self.kind, self.field) {
            (Kind::Values, Some(field)) => fnv(&view.values(field).first()?.folded),
            (Kind::OneOfEach | Kind::InOrder, _) => {
                self.rules.iter().position(|known| *known == rule)? as u64
            }
            _ => event.0,
        };
        Some((fnv(&key), own))
    }
}

/// How many there must be; only "at least" can be told while lines come in.
fn threshold(condition: Option<&Node>) -> Result<usize, Refusal> {
    let number = |key: &str| -> Option<usize> { condition?.get(key)?.text()?.parse().ok() };
    let wanted = number("gte").or_else(|| number("gt").map(|it| it + 1)).or_else(|| number("eq"));
    match wanted {
        Some(wanted) if (1..=THRESHOLD_CAP).contains(&wanted) => Ok(wanted),
        _ => {
            Err(Refusal::Correlation("a condition other than gte, gt or eq up to 1024".to_owned()))
        }
    }
}

/// `90s`, `5m`, `24h`, `1d`.
fn span(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let span = Duration::seconds(digits.parse::<i64>().ok()?.checked_mul(seconds)?);
    (span > Duration::ZERO && span <= SPAN_CAP).then_some(span)
}

/// A match: when, which line, and what tells it from others.
type Match = (OffsetDateTime, EventId, u64);

/// Matches that wait for more of their kind.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    groups: HashMap<(usize, u64), VecDeque<Match>>,
}

impl Counts {
    /// Groups held.
    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }

    /// Notes a match of a rule; the earlier lines when the correlation is complete with it. Then it
    /// begins anew.
    pub(super) fn note(
        &mut self,
        (place, correlation): (usize, &Correlation),
        view: &View<'_>,
        rule: usize,
        (event, at): (EventId, OffsetDateTime),
    ) -> Option<Vec<EventId>> {
        let (group, own) = correlation.group(view, rule, event)?;
        self.trim(at);
        let seen = self.groups.entry((place, group)).or_default();
        seen.retain(|(then, _, known)| {
            (at - *then).abs() <= correlation.span
                && !(correlation.kind != Kind::Events && *known == own)
        });
        if seen.len() >= THRESHOLD_CAP {
            seen.pop_front();
        }
        seen.push_back((at, event, own));
        let complete = match correlation.kind {
            Kind::InOrder => {
                let order = seen.iter().map(|(.., own)| *own);
                order.eq(0..correlation.at_least as u64)
            }
            _ => seen.len() >= correlation.at_least,
        };
        if !complete {
            return None;
        }
        let matches = self.groups.remove(&(place, group)).unwrap_or_default();
        Some(matches.into_iter().map(|(_, event, _)| event).filter(|it| *it != event).collect())
    }

    /// Makes room when the table is full: groups whose last match is over an hour old, else all.
    fn trim(&mut self, now: OffsetDateTime) {
        if self.groups.len() < GROUPS_CAP {
            return;
        }
        self.groups.retain(|_, seen| {
            seen.back().is_some_and(|(at, ..)| (now - *at).abs() <= Duration::HOUR)
        });
        if self.groups.len() >= GROUPS_CAP {
            self.groups.clear();
        }
    }
}
