//! From the lowered query to the rule.

use std::fmt::Write as _;
use std::net::IpAddr;

use time::Duration;
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Query, Value};
use vedette_kb::dialects::{UdmType, udm_type};

/// The rule of a lowered query.
pub(super) fn write(query: &Query) -> String {
    let mut rule = format!("rule {} {{\n", rule_name(&query.filter));
    rule.push_str("  meta:\n    author = \"Vedette\"\n");
    rule.push_str("    description = \"Evidence search\"\n\n  events:\n");
    match &query.filter {
        Predicate::And(parts) => parts.iter().for_each(|part| statement(&mut rule, part)),
        other => statement(&mut rule, other),
    }
    if let Some(counting) = &query.aggregation {
        matching(&mut rule, counting);
    }
    outcome(&mut rule, query);
    condition(&mut rule, query.aggregation.as_ref());
    rule.push_str("}\n");
    rule
}

/// A name that says what kind of event it looks for; letters, digits and underscores only.
fn rule_name(filter: &Predicate) -> String {
    let parts = match filter {
        Predicate::And(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    let event_type = parts.iter().find_map(|part| match part {
        Predicate::Compare { field, operator: Operator::Equal, value: Value::Text(value) }
            if field.0 == "metadata.event_type" =>
        {
            Some(value.to_ascii_lowercase())
        }
        _ => None,
    });
    format!("vedette_{}", event_type.as_deref().unwrap_or("events"))
}

fn statement(rule: &mut String, predicate: &Predicate) {
    rule.push_str("    ");
    expression(rule, predicate);
    rule.push('\n');
}

fn expression(rule: &mut String, predicate: &Predicate) {
    match predicate {
        Predicate::And(parts) => joined(rule, parts, " and "),
        Predicate::Or(parts) => joined(rule, parts, " or "),
        Predicate::Not(inner) => {
            rule.push_str("not ");
            expression(rule, inner);
        }
        Predicate::Exists(field) => {
            let nothing = if is_number(field) { "0" } else { "\"\"" };
            let _ = write!(rule, "$e1.{} != {nothing}", field.0);
        }
        Predicate::Compare { field, operator, value } => comparison(rule, field, *operator, value),
    }
}

fn joined(rule: &mut String, parts: &[Predicate], joint: &str) {
    rule.push('(');
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            rule.push_str(joint);
        }
        expression(rule, part);
    }
    rule.push(')');
}

fn comparison(rule: &mut String, field: &FieldName, operator: Operator, value: &Value) {
    let function = match operator {
        Operator::Contains => "strings.contains",
        Operator::StartsWith => "strings.starts_with",
        Operator::EndsWith => "strings.ends_with",
        Operator::InNetwork => {
            let _ = write!(rule, "net.ip_in_range_cidr($e1.{}, {})", field.0, literal(value));
            return;
        }
        _ => {
            let _ = write!(rule, "$e1.{} {operator} {}", field.0, literal(value));
            if matches!(value, Value::Text(text) if text.parse::<IpAddr>().is_err())
                && !is_enumeration(field)
            {
                rule.push_str(" nocase");
            }
            return;
        }
    };
    let _ = write!(rule, "{function}(strings.to_lower($e1.{}), {})", field.0, literal(value));
}

/// A text in double quotes; nothing but the quote and the backslash needs an escape, since control
/// characters are refused before.
fn literal(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
    }
}

pub(super) fn is_enumeration(field: &FieldName) -> bool {
    matches!(udm_type(&field.0), Some(UdmType::Enumeration(_)))
}

fn is_number(field: &FieldName) -> bool {
    matches!(udm_type(&field.0), Some(UdmType::Number))
}

/// The match variable that stands for a field: its path with underscores.
pub(super) fn variable(field: &FieldName) -> String {
    field.0.replace('.', "_")
}

fn matching(rule: &mut String, counting: &Aggregation) {
    for field in &counting.by {
        let _ = writeln!(rule, "    $e1.{} = ${}", field.0, variable(field));
    }
    let variables: Vec<String> =
        counting.by.iter().map(|field| format!("${}", variable(field))).collect();
    let over = span(counting.window);
    let _ = writeln!(rule, "\n  match:\n    {} over {over}", variables.join(", "));
}

/// The longest match window that YARA-L takes, and the shortest.
const LONGEST_MATCH: Duration = Duration::hours(48);
const SHORTEST_MATCH: Duration = Duration::minutes(1);

/// A window as YARA-L takes it: whole minutes.
pub(super) fn match_window(window: Duration) -> Duration {
    let whole = Duration::minutes(window.whole_minutes());
    whole.clamp(SHORTEST_MATCH, LONGEST_MATCH)
}

fn span(window: Duration) -> String {
    let minutes = match_window(window).whole_minutes();
    if minutes % 60 == 0 { format!("{}h", minutes / 60) } else { format!("{minutes}m") }
}

fn outcome(rule: &mut String, query: &Query) {
    let distinct = query.aggregation.as_ref().and_then(|counting| counting.distinct.as_ref());
    if distinct.is_none() && query.projection.is_empty() {
        return;
    }
    rule.push_str("\n  outcome:\n");
    if let Some(field) = distinct {
        let _ = writeln!(rule, "    $distinct_count = count_distinct($e1.{})", field.0);
    }
    for field in &query.projection {
        let gathered = if query.aggregation.is_some() {
            format!("array_distinct($e1.{})", field.0)
        } else {
            format!("$e1.{}", field.0)
        };
        let _ = writeln!(rule, "    $show_{} = {gathered}", variable(field));
    }
}

fn condition(rule: &mut String, counting: Option<&Aggregation>) {
    rule.push_str("\n  condition:\n    ");
    let _ = match counting {
        None => writeln!(rule, "$e1"),
        Some(Aggregation { distinct: Some(_), at_least, .. }) => {
            writeln!(rule, "$e1 and $distinct_count >= {at_least}")
        }
        Some(Aggregation { at_least, .. }) => writeln!(rule, "#e1 >= {at_least}"),
    };
}
