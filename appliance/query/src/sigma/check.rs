//! Whether a rule is whole and stands on a log source, fields and modifiers that exist.

use std::net::IpAddr;

use vedette_kb::dialects::{FieldKind, Source, dialect};

use super::grammar::{Rule, Text};
use super::yaml::Node;
use crate::check::CheckError;
use crate::lower::is_network;
use crate::schema::Schema;
use crate::syntax::Expr;

/// The value modifiers of the Sigma specification 2.
const MODIFIERS: [&str; 28] = [
    "all",
    "base64",
    "base64offset",
    "cased",
    "cidr",
    "contains",
    "day",
    "endswith",
    "exists",
    "expand",
    "fieldref",
    "gt",
    "gte",
    "hour",
    "i",
    "lt",
    "lte",
    "m",
    "minute",
    "month",
    "neq",
    "re",
    "s",
    "startswith",
    "utf16",
    "utf16be",
    "utf16le",
    "wide",
];

/// Checks a rule and its correlation; `fields` says whether the field list counts.
pub(super) fn check(text: &Text, schema: Option<&Schema>, fields: bool) -> Result<(), CheckError> {
    text.rules.iter().try_for_each(|rule| of_rule(rule, schema, fields))?;
    let Some(correlation) = &text.correlation else { return Ok(()) };
    let names: Vec<&str> = text.rules.iter().filter_map(|rule| rule.name.as_deref()).collect();
    if let Some(other) = correlation.rules.iter().find(|rule| !names.contains(&rule.as_str())) {
        let what = format!("the correlation names {other}, which no rule is called");
        return Err(CheckError::Shape(what));
    }
    let kinds = ["event_count", "value_count", "temporal", "temporal_ordered"];
    if !kinds.contains(&correlation.kind.as_str()) {
        return Err(CheckError::UnknownFunction(correlation.kind.clone()));
    }
    if (correlation.kind == "value_count") != correlation.field.is_some() {
        return Err(CheckError::Shape("value_count needs a field, others none".to_owned()));
    }
    let rule = text.rules.first();
    let mut named = correlation.by.iter().chain(&correlation.field);
    match (rule, fields) {
        (Some(rule), true) => named.try_for_each(|name| kind(rule, schema, name).map(|_| ())),
        _ => Ok(()),
    }
}

fn of_rule(rule: &Rule, schema: Option<&Schema>, fields: bool) -> Result<(), CheckError> {
    let labels = ["category", "product", "service"];
    if rule.source.is_empty() || rule.source.iter().any(|(key, _)| !labels.contains(&key.as_str()))
    {
        let what = "a logsource has a category, product or service".to_owned();
        return Err(CheckError::Shape(what));
    }
    if fields && schema.is_none() && source(rule).is_none() {
        return Err(CheckError::UnknownField(format!("the logsource {:?}", rule.source)));
    }
    selections(rule, &rule.condition)?;
    for (_, node) in &rule.selections {
        let Node::Map(items) = node else { continue };
        for (key, values) in items {
            item(rule, schema, (key, values), fields)?;
        }
    }
    Ok(())
}

/// The log source of the knowledge base that a rule names.
fn source(rule: &Rule) -> Option<&'static Source> {
    let same = |source: &&Source| {
        source.labels.len() == rule.source.len()
            && rule.source.iter().all(|(key, label)| source.labels.get(key) == Some(label))
    };
    dialect("sigma")?.sources.iter().find(same)
}

/// Every name of a condition is a selection's.
fn selections(rule: &Rule, condition: &Expr) -> Result<(), CheckError> {
    match condition {
        Expr::And(parts) | Expr::Or(parts) => {
            parts.iter().try_for_each(|part| selections(rule, part))
        }
        Expr::Prefix { operand, .. } => selections(rule, operand),
        Expr::Binary { operator: "of", right, .. } => match right.as_ref() {
            Expr::Name(pattern) if pattern == "them" || pattern.contains('*') => Ok(()),
            other => selections(rule, other),
        },
        Expr::Name(name) if rule.selections.iter().any(|(known, _)| known == name) => Ok(()),
        Expr::Name(name) => {
            Err(CheckError::Shape(format!("the condition names {name}, which is no selection")))
        }
        _ => Err(CheckError::Shape("a condition joins selections".to_owned())),
    }
}

fn kind(rule: &Rule, schema: Option<&Schema>, name: &str) -> Result<FieldKind, CheckError> {
    let listed = match schema {
        Some(schema) => schema.kind_of(name),
        None => source(rule).and_then(|source| {
            let field = source.fields.iter().find(|field| field.name == name);
            let terms = || source.events.iter().flat_map(|row| row.all.iter().chain(&row.any));
            let term = || terms().any(|(field, ..)| field == name).then_some(FieldKind::Other);
            field.map(|field| field.kind).or_else(term)
        }),
    };
    listed.ok_or_else(|| CheckError::UnknownField(name.to_owned()))
}

fn item(
    rule: &Rule,
    schema: Option<&Schema>,
    (key, values): (&str, &Node),
    fields: bool,
) -> Result<(), CheckError> {
    let mut parts = key.split('|');
    let name = parts.next().unwrap_or_default();
    let modifiers: Vec<&str> = parts.collect();
    if let Some(other) = modifiers.iter().find(|modifier| !MODIFIERS.contains(modifier)) {
        return Err(CheckError::UnknownFunction((*other).to_owned()));
    }
    let kind = if fields { kind(rule, schema, name)? } else { FieldKind::Other };
    let values = match values {
        Node::List(values) => values.as_slice(),
        one => std::slice::from_ref(one),
    };
    if values.iter().all(|value| fits(kind, &modifiers, value)) {
        Ok(())
    } else {
        Err(CheckError::Type { field: name.to_owned() })
    }
}

fn fits(kind: FieldKind, modifiers: &[&str], value: &Node) -> bool {
    let Node::Scalar { text, .. } = value else { return false };
    let is_number = text.parse::<f64>().is_ok();
    match modifiers {
        ["exists"] => matches!(text.as_str(), "true" | "false"),
        ["cidr"] => is_network(text),
        ["lt" | "lte" | "gt" | "gte"] => is_number,
        [] if kind == FieldKind::Number => is_number,
        [] if kind == FieldKind::Address => text.parse::<IpAddr>().is_ok(),
        ["contains" | "startswith" | "endswith"] => {
            !matches!(kind, FieldKind::Number | FieldKind::Address)
        }
        _ => true,
    }
}
