//! The Lucene query string of Elasticsearch and OpenSearch, on the Elastic Common Schema.

mod write;

use time::Duration;
use vedette_event::query::{Operator, Predicate, Query, Value};
use vedette_kb::dialects::{FieldKind, Source, dialect};

use crate::check::CheckError;
use crate::dialect::{Dialect, Meaning, limit_beside, without_counting, without_projection};
use crate::lower::{Mapped, Platform, presence};
use crate::schema::Schema;
use crate::shape::{compare, simplify};
use crate::terms::{self, Rules};
use crate::text::refuse_plain;

/// Lucene as the target of lowering.
pub(crate) struct Lucene;

const RULES: Rules = Rules {
    any_case: false,
    signs: true,
    patterns: true,
    nested: false,
    special: " ()[]{}\"^~:/!",
    escapable: "",
    wildcards: "*?",
};

impl Platform for Lucene {
    fn name(&self) -> &'static str {
        "lucene"
    }

    fn refuses(&self, value: &str) -> Option<&'static str> {
        refuse_plain(value)
    }

    fn settle(&self, field: &str, operator: Operator, value: Value) -> Mapped {
        settle("lucene", field, operator, value)
    }

    fn window(&self, window: Duration) -> Duration {
        window
    }

    fn everything(&self) -> Option<Predicate> {
        Some(Predicate::And(Vec::new()))
    }
}

/// The last word on a comparison in terms: difference is a negation, emptiness is absence, and in
/// free text a phrase is looked for.
pub(crate) fn settle(language: &str, field: &str, operator: Operator, value: Value) -> Mapped {
    use Operator::{Contains, EndsWith, Equal, NotEqual, StartsWith};
    let known = dialect(language).and_then(|dialect| dialect.column(None, field));
    match (operator, &value) {
        (Equal | NotEqual, Value::Text(text)) if text.is_empty() => {
            Mapped::exact(presence(field, operator))
        }
        (NotEqual, _) => {
            let same = settle(language, field, Equal, value);
            Mapped { predicate: Predicate::Not(Box::new(same.predicate)), ..same }
        }
        (Equal | StartsWith | EndsWith, Value::Text(_)) if known == Some(FieldKind::Wide) => {
            Mapped {
                predicate: compare(field, Contains, value),
                approximates: Some("as a phrase anywhere in the text"),
            }
        }
        _ => Mapped::exact(compare(field, operator, value)),
    }
}

impl Dialect for Lucene {
    fn adapt(&self, query: Query, notes: &mut Vec<String>) -> Query {
        limit_beside(without_projection(without_counting(query, notes), notes), notes)
    }

    fn write(&self, query: &Query, _source: &Source) -> String {
        write::write(&query.filter)
    }

    fn read(&self, text: &str) -> Option<Meaning> {
        let node = terms::parse(text, &RULES).ok()?;
        let filter = terms::read(&node, dialect("lucene")?)?;
        Some(Meaning::of_filter(simplify(filter)))
    }

    fn check(&self, text: &str, schema: Option<&Schema>, fields: bool) -> Result<(), CheckError> {
        let node = terms::parse(text, &RULES)?;
        match dialect("lucene") {
            Some(known) if fields => terms::check(&node, known, schema),
            _ => Ok(()),
        }
    }

    fn carries_time(&self) -> bool {
        false
    }
}
