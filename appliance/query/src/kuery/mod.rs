//! The Kibana Query Language, on the Elastic Common Schema.

mod write;

use time::Duration;
use vedette_event::query::{FieldName, Operator, Predicate, Query, Value};
use vedette_kb::dialects::{FieldKind, Source, dialect};

use crate::check::CheckError;
use crate::dialect::{Dialect, Meaning, limit_beside, without_counting, without_projection};
use crate::lower::{Mapped, Platform};
use crate::lucene::settle;
use crate::schema::Schema;
use crate::shape::{all, simplify, text};
use crate::terms::{self, Rules};
use crate::text::refuse_plain;

/// Kibana's language as the target of lowering.
pub(crate) struct Kuery;

const RULES: Rules = Rules {
    any_case: true,
    signs: false,
    patterns: false,
    nested: true,
    special: "\\():<>\"*{}",
    escapable: "\\():<>\"*{}",
    wildcards: "*",
};

impl Platform for Kuery {
    fn name(&self) -> &'static str {
        "kuery"
    }

    fn refuses(&self, value: &str) -> Option<&'static str> {
        refuse_plain(value)
    }

    /// Blanks between wildcards are read only where nothing else needs an escape; other texts are
    /// looked for word by word.
    fn settle(&self, field: &str, operator: Operator, value: Value) -> Mapped {
        use Operator::{Contains, EndsWith, StartsWith};
        let wide =
            dialect("kuery").and_then(|known| known.column(None, field)) == Some(FieldKind::Wide);
        match (operator, &value) {
            (Contains | StartsWith | EndsWith, Value::Text(part))
                if !wide && !is_plain(part, operator) =>
            {
                Mapped {
                    predicate: by_words(field, operator, part),
                    approximates: Some("each word of it, as blanks cannot stand beside escapes"),
                }
            }
            _ => settle("kuery", field, operator, value),
        }
    }

    fn window(&self, window: Duration) -> Duration {
        window
    }

    fn everything(&self) -> Option<Predicate> {
        Some(Predicate::And(Vec::new()))
    }
}

/// Whether a part of a text can stand between wildcards as it is.
fn is_plain(part: &str, operator: Operator) -> bool {
    if !part.contains(char::is_whitespace) {
        return !is_keyword(part);
    }
    let special = |c: char| "\\():<>\"*{}'".contains(c) || (c.is_whitespace() && c != ' ');
    let edge = match operator {
        Operator::StartsWith => part.starts_with(' '),
        Operator::EndsWith => part.ends_with(' '),
        _ => false,
    };
    // Kibana takes `not ` for the operator even at the end of a longer word.
    let hides_not = part.to_ascii_lowercase().contains("not ");
    let blank_only = part.trim().is_empty();
    !edge
        && !blank_only
        && !hides_not
        && !part.contains(special)
        && !part.split(' ').any(is_keyword)
}

fn is_keyword(word: &str) -> bool {
    ["and", "or", "not"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

/// All words of a part, the first or last of them where the part was asked for there.
fn by_words(field: &str, operator: Operator, part: &str) -> Predicate {
    let words: Vec<&str> = part.split_whitespace().filter(|word| !is_keyword(word)).collect();
    let ends_so = part.ends_with(|last: char| !last.is_whitespace());
    let begins_so = part.starts_with(|first: char| !first.is_whitespace());
    let last = words.len().saturating_sub(1);
    let at = |(index, word): (usize, &&str)| {
        let whole = words.len() == part.split_whitespace().count();
        let operator = match operator {
            Operator::StartsWith if index == 0 && begins_so && whole => Operator::StartsWith,
            Operator::EndsWith if index == last && ends_so && whole => Operator::EndsWith,
            _ => Operator::Contains,
        };
        text(field, operator, word)
    };
    let parts: Vec<Predicate> = words.iter().enumerate().map(at).collect();
    if parts.is_empty() { Predicate::Exists(FieldName(field.to_owned())) } else { all(parts) }
}

impl Dialect for Kuery {
    fn adapt(&self, query: Query, notes: &mut Vec<String>) -> Query {
        limit_beside(without_projection(without_counting(query, notes), notes), notes)
    }

    fn write(&self, query: &Query, _source: &Source) -> String {
        write::write(&query.filter)
    }

    fn read(&self, text: &str) -> Option<Meaning> {
        let node = terms::parse(text, &RULES).ok()?;
        let filter = terms::read(&node, dialect("kuery")?)?;
        Some(Meaning::of_filter(simplify(filter)))
    }

    fn check(&self, text: &str, schema: Option<&Schema>, fields: bool) -> Result<(), CheckError> {
        let node = terms::parse(text, &RULES)?;
        match dialect("kuery") {
            Some(known) if fields => terms::check(&node, known, schema),
            _ => Ok(()),
        }
    }

    fn carries_time(&self) -> bool {
        false
    }
}
