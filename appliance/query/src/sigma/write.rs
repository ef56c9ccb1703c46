//! From the lowered query to the rule.

use std::fmt::Write as _;

use time::Duration;
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Query, Value};
use vedette_kb::dialects::Source;

use crate::shape::is_everything;

/// The name by which a correlation knows the rule.
pub(super) const RULE: &str = "vedette_evidence";

/// The text of a rule, and of a correlation where something is counted.
pub(super) fn write(query: &Query, source: &Source) -> String {
    let mut rule = String::from("title: Evidence search\n");
    if query.aggregation.is_some() {
        let _ = writeln!(rule, "name: {RULE}");
    }
    rule.push_str(
        "status: experimental\ndescription: Written by Vedette from an incident or a question.\n",
    );
    rule.push_str("logsource:\n");
    if source.labels.is_empty() {
        // A deployment's own source: its name is a category, or a product and a category.
        let (product, category) = source.name.split_once('/').unwrap_or(("", &source.name));
        let _ = writeln!(rule, "  category: {}", scalar(category));
        if !product.is_empty() {
            let _ = writeln!(rule, "  product: {}", scalar(product));
        }
    }
    for (key, label) in &source.labels {
        let _ = writeln!(rule, "  {key}: {}", scalar(label));
    }
    rule.push_str("detection:\n");
    let mut selections = Selections::default();
    let condition = selections.condition(&query.filter, false);
    rule.push_str(&selections.text);
    let _ = writeln!(rule, "  condition: {condition}");
    rule.push_str("level: medium\n");
    if let Some(counting) = &query.aggregation {
        correlation(&mut rule, counting);
    }
    rule
}

fn correlation(rule: &mut String, counting: &Aggregation) {
    let kind = if counting.distinct.is_some() { "value_count" } else { "event_count" };
    rule.push_str("---\ntitle: Evidence search, counted\nstatus: experimental\ncorrelation:\n");
    let _ = writeln!(rule, "  type: {kind}\n  rules:\n    - {RULE}");
    if !counting.by.is_empty() {
        rule.push_str("  group-by:\n");
        for field in &counting.by {
            let _ = writeln!(rule, "    - {}", scalar(&field.0));
        }
    }
    let _ = writeln!(rule, "  timespan: {}", span(counting.window));
    let _ = writeln!(rule, "  condition:\n    gte: {}", counting.at_least);
    if let Some(field) = &counting.distinct {
        let _ = writeln!(rule, "    field: {}", scalar(&field.0));
    }
    rule.push_str("level: medium\n");
}

/// The selections of a rule as they are numbered.
#[derive(Default)]
struct Selections {
    text: String,
    count: usize,
}

impl Selections {
    /// The condition over selections that says a predicate.
    fn condition(&mut self, predicate: &Predicate, inner: bool) -> String {
        if let Some(item) = Item::of(predicate) {
            return self.selection(&[item]);
        }
        match predicate {
            everything if is_everything(everything) => self.keyword(),
            Predicate::And(parts) => {
                let said = self.all(parts);
                wrapped(&said, " and ", inner)
            }
            Predicate::Or(parts) => {
                let said: Vec<String> =
                    parts.iter().map(|part| self.condition(part, true)).collect();
                wrapped(&said, " or ", inner)
            }
            Predicate::Not(operand) => format!("not {}", self.condition(operand, true)),
            // Every comparison is an item of a selection.
            Predicate::Compare { .. } | Predicate::Exists(_) => self.keyword(),
        }
    }

    /// Neighbours on different fields share a selection, which means all of them.
    fn all(&mut self, parts: &[Predicate]) -> Vec<String> {
        let mut said = Vec::new();
        let mut run: Vec<Item<'_>> = Vec::new();
        for part in parts {
            match Item::of(part) {
                Some(item) if run.iter().all(|other| item.joins(other)) => run.push(item),
                item => {
                    if !run.is_empty() {
                        said.push(self.selection(&std::mem::take(&mut run)));
                    }
                    match item {
                        Some(item) => run.push(item),
                        None => said.push(self.condition(part, true)),
                    }
                }
            }
        }
        if !run.is_empty() {
            said.push(self.selection(&run));
        }
        said
    }

    fn named(&mut self) -> String {
        self.count += 1;
        format!("selection_{}", self.count)
    }

    fn keyword(&mut self) -> String {
        let name = self.named();
        let _ = writeln!(self.text, "  {name}:\n    - '*'");
        name
    }

    fn selection(&mut self, items: &[Item<'_>]) -> String {
        let name = self.named();
        let _ = writeln!(self.text, "  {name}:");
        for item in items {
            if item.is_keyword() {
                for value in &item.values {
                    let _ = writeln!(self.text, "    - {}", literal(value));
                }
                continue;
            }
            match item.values.as_slice() {
                [] => {
                    let _ = writeln!(self.text, "    {}: true", item.key);
                }
                [only] => {
                    let _ = writeln!(self.text, "    {}: {}", item.key, literal(only));
                }
                several => {
                    let _ = writeln!(self.text, "    {}:", item.key);
                    for value in several {
                        let _ = writeln!(self.text, "      - {}", literal(value));
                    }
                }
            }
        }
        name
    }
}

fn wrapped(said: &[String], joint: &str, inner: bool) -> String {
    let joined = said.join(joint);
    if inner && said.len() > 1 { format!("({joined})") } else { joined }
}

/// One field of a selection with its values, one of which must hold.
struct Item<'a> {
    key: String,
    values: Vec<&'a Value>,
}

impl<'a> Item<'a> {
    /// Whether it is looked for in the whole line, which stands in a selection of its own.
    fn is_keyword(&self) -> bool {
        self.key == KEYWORD
    }

    /// Whether it can stand in one selection with another.
    fn joins(&self, other: &Self) -> bool {
        self.key != other.key && !self.is_keyword() && !other.is_keyword()
    }

    /// A comparison, or alternatives of one field by one operator.
    fn of(predicate: &'a Predicate) -> Option<Self> {
        match predicate {
            Predicate::Exists(field) => {
                let key = key(field, "|exists");
                Some(Self { key, values: Vec::new() })
            }
            Predicate::Compare { field, operator, value } => {
                let key = key(field, modifier(*operator));
                Some(Self { key, values: vec![value] })
            }
            Predicate::Or(parts) => {
                let items: Vec<Self> = parts.iter().map(Self::of).collect::<Option<_>>()?;
                let (first, rest) = items.split_first()?;
                let plain = items.iter().all(|item| item.values.len() == 1);
                let same = plain && rest.iter().all(|item| item.key == first.key);
                let values = items.iter().flat_map(|item| item.values.clone()).collect();
                same.then(|| Self { key: first.key.clone(), values })
            }
            Predicate::And(_) | Predicate::Not(_) => None,
        }
    }
}

/// The key of values that are looked for in the whole line.
const KEYWORD: &str = "*";

fn key(field: &FieldName, modifier: &str) -> String {
    if field.0 == KEYWORD {
        return KEYWORD.to_owned();
    }
    scalar(&format!("{}{modifier}", field.0))
}

fn modifier(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal | Operator::NotEqual => "",
        Operator::Contains => "|contains",
        Operator::StartsWith => "|startswith",
        Operator::EndsWith => "|endswith",
        Operator::InNetwork => "|cidr",
        Operator::Less => "|lt",
        Operator::LessEqual => "|lte",
        Operator::Greater => "|gt",
        Operator::GreaterEqual => "|gte",
    }
}

/// A value: numbers bare, text in single quotes with its wildcards escaped.
fn literal(value: &Value) -> String {
    let Value::Text(text) = value else { return value.to_string() };
    let mut escaped = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let special = |next: &char| matches!(next, '*' | '?' | '\\');
        // A backslash is itself unless something that it could escape, or the end, follows.
        let escapes = match character {
            '*' | '?' => true,
            '\\' => characters.peek().is_none_or(special),
            _ => false,
        };
        if escapes {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    format!("'{}'", escaped.replace('\'', "''"))
}

/// A key or label, in quotes where it could not stand bare.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.|-".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

/// A span in its largest whole unit.
fn span(span: Duration) -> String {
    let seconds = span.whole_seconds().max(1);
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if seconds % length == 0 {
            return format!("{}{unit}", seconds / length);
        }
    }
    format!("{seconds}s")
}
