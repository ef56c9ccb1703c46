//! What kind of event is asked for, in the platform's own terms.

use std::collections::BTreeMap;

use vedette_event::query::{FieldName, Operator, Predicate, Value};
use vedette_kb::dialects::{EventRow, FieldKind, Term, dialect};

use super::{Lowering, Platform};
use crate::shape::{all, any};

impl<P: Platform + ?Sized> Lowering<'_, P> {
    /// The rows that say the facets, the most telling first; what no row says goes to the field
    /// table, else is left out.
    pub(super) fn facets(&mut self, mut facets: BTreeMap<&str, &str>) -> Vec<Predicate> {
        let mut said = Vec::new();
        while let Some(row) = self.best_row(&facets).cloned() {
            facets.retain(|field, _| !row.when.contains_key(*field));
            let terms = |terms: &[Term]| terms.iter().filter_map(|term| self.term(term)).collect();
            said.push(all(terms(&row.all)));
            if !row.any.is_empty() {
                said.push(any(terms(&row.any)));
            }
        }
        for (field, value) in facets {
            let field = FieldName(field.to_owned());
            said.extend(self.comparison(&field, Operator::Equal, &Value::Text(value.to_owned())));
        }
        said
    }

    /// A term of an event row, in the platform's shape.
    fn term(&self, (field, operator, value): &Term) -> Option<Predicate> {
        let operator = operator.parse().ok()?;
        let kind = dialect(self.platform.name())?.column(self.table(), field);
        let own = self.source.fields.iter().find(|own| own.name == *field).map(|own| own.kind);
        let value = match (kind.or(own), value.parse()) {
            (Some(FieldKind::Number), Ok(number)) => Value::Number(number),
            _ => Value::Text(value.clone()),
        };
        Some(self.platform.settle(field, operator, value).predicate)
    }

    /// The table that the source is, where the platform has several.
    fn table(&self) -> Option<&str> {
        let tables = self.platform.chooses_source() && !self.source.name.is_empty();
        tables.then_some(self.source.name.as_str())
    }

    fn best_row(&self, facets: &BTreeMap<&str, &str>) -> Option<&EventRow> {
        self.source
            .events
            .iter()
            .filter(|row| row.when.iter().all(|(f, v)| facets.get(f.as_str()) == Some(&v.as_str())))
            .filter(|row| row.all.iter().chain(&row.any).all(|term| self.allowed(&term.0)))
            .max_by_key(|row| row.when.len())
    }

    /// Whether the deployment has the platform field of an event row.
    fn allowed(&self, field: &str) -> bool {
        self.schema.is_none_or(|schema| {
            let inner = field.split_once('(').map_or(field, |(_, rest)| rest.trim_end_matches(')'));
            schema.kind_of(inner).is_some()
        })
    }
}
