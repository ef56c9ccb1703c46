//! From the rule back to the lowered query.

use time::Duration;
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Value};

use super::grammar::{Rule, Text};
use super::yaml::Node;
use crate::dialect::Meaning;
use crate::shape::all;
use crate::syntax::{Expr, predicate};

/// What a text of ours says, or `None` where it says more than our queries can.
pub(super) fn read(text: &Text) -> Option<Meaning> {
    let [rule] = text.rules.as_slice() else { return None };
    let filter = predicate(&rule.condition, &|expr| match expr {
        Expr::Name(name) => selection(rule, name),
        _ => None,
    })?;
    let aggregation = match &text.correlation {
        None => None,
        Some(correlation) => Some(Aggregation {
            by: correlation.by.iter().map(|field| FieldName(field.clone())).collect(),
            distinct: correlation.field.clone().map(FieldName),
            at_least: correlation.at_least,
            window: span(&correlation.timespan)?,
        }),
    };
    Some(Meaning { aggregation, ..Meaning::of_filter(all(vec![filter])) })
}

fn selection(rule: &Rule, name: &str) -> Option<Predicate> {
    let (_, node) = rule.selections.iter().find(|(known, _)| known == name)?;
    match node {
        Node::Map(items) => {
            let items = items.iter().map(|(key, node)| item(key, node)).collect::<Option<_>>()?;
            Some(Predicate::And(items))
        }
        Node::List(entries) => match entries.as_slice() {
            [only] if only.text() == Some("*") => Some(Predicate::And(Vec::new())),
            keywords => {
                let said = |node: &Node| {
                    let value = literal(node)?;
                    let field = FieldName("*".to_owned());
                    Some(Predicate::Compare { field, operator: Operator::Contains, value })
                };
                keywords.iter().map(said).collect::<Option<_>>().map(Predicate::Or)
            }
        },
        Node::Scalar { .. } => None,
    }
}

fn item(key: &str, node: &Node) -> Option<Predicate> {
    let (field, modifier) = key.split_once('|').unwrap_or((key, ""));
    let field = FieldName(field.to_owned());
    let operator = match modifier {
        "" => Operator::Equal,
        "contains" => Operator::Contains,
        "startswith" => Operator::StartsWith,
        "endswith" => Operator::EndsWith,
        "cidr" => Operator::InNetwork,
        "lt" => Operator::Less,
        "lte" => Operator::LessEqual,
        "gt" => Operator::Greater,
        "gte" => Operator::GreaterEqual,
        "exists" => return Some(Predicate::Exists(field)),
        _ => return None,
    };
    let compare = |node: &Node| {
        Some(Predicate::Compare { field: field.clone(), operator, value: literal(node)? })
    };
    match node {
        Node::List(values) => values.iter().map(compare).collect::<Option<_>>().map(Predicate::Or),
        one => compare(one),
    }
}

/// A value without wildcards.
fn literal(node: &Node) -> Option<Value> {
    let Node::Scalar { text, quoted } = node else { return None };
    if !quoted {
        return text.parse().ok().map(Value::Number);
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some('*' | '?' | '\\')) => plain.extend(characters.next()),
            ('*' | '?', _) => return None,
            (other, _) => plain.push(other),
        }
    }
    Some(Value::Text(plain))
}

/// `90s`, `5m`, `24h`, `7d`.
fn span(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    Some(Duration::seconds(digits.parse::<i64>().ok()?.checked_mul(seconds)?))
}
