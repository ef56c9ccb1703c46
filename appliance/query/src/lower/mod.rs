//! From ECS to a platform's own fields: what the dialect cannot say is left out and told.

mod comparison;
mod events;

use std::borrow::Cow;
use std::collections::BTreeMap;

use thiserror::Error;
use time::Duration;
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Query, Value};
use vedette_kb::dialects::{DialectField, FieldKind, Source, dialect};

use crate::schema::Schema;
use crate::shape::{MAX_DEPTH, MAX_LIMIT, all, any, is_everything, simplify};

/// ECS fields that classify an event; a platform says the same in its own way.
const FACETS: [&str; 8] = [
    "event.category",
    "event.type",
    "event.outcome",
    "event.action",
    "host.os.type",
    "network.direction",
    "network.transport",
    "network.protocol",
];

pub(crate) use comparison::{folded, is_network, presence};

/// A comparison on a platform's field.
pub(crate) struct Mapped {
    /// The comparison.
    pub(crate) predicate: Predicate,
    /// What it only comes near to.
    pub(crate) approximates: Option<&'static str>,
}

impl Mapped {
    /// One that says exactly what was asked.
    pub(crate) fn exact(predicate: Predicate) -> Self {
        Self { predicate, approximates: None }
    }
}

/// What lowering needs to know of a dialect beside its tables.
pub(crate) trait Platform {
    /// Its name in the knowledge base.
    fn name(&self) -> &'static str;
    /// Why a text may not stand in it as a literal, if it may not.
    fn refuses(&self, value: &str) -> Option<&'static str>;
    /// The last word on a comparison whose field and value fit.
    fn settle(&self, field: &str, operator: Operator, value: Value) -> Mapped;
    /// Whether a field that its table lacks may be used as it is.
    fn takes_any_field(&self) -> bool {
        false
    }
    /// The counting window that it can say nearest to this one.
    fn window(&self, window: Duration) -> Duration;
    /// How "every line" is said, if it can be.
    fn everything(&self) -> Option<Predicate>;
    /// The field that stands for every field of a line, where there is such a thing: what a source has
    /// no field for is looked for in it.
    fn anywhere(&self) -> Option<&'static str> {
        None
    }
    /// Whether a query looks in one of several sources, so that the best must be chosen.
    fn chooses_source(&self) -> bool {
        false
    }
}

/// A query that a dialect cannot say.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not supported: {why}")]
pub(crate) struct NotSupported {
    /// Why.
    pub(crate) why: String,
}

/// A query on platform fields, where it looks, and what was lost on the way.
#[derive(Debug)]
pub(crate) struct Lowered {
    /// The query.
    pub(crate) query: Query,
    /// What the reader should know.
    pub(crate) notes: Vec<String>,
    /// The source it looks in.
    pub(crate) source: Cow<'static, Source>,
}

/// What leaving something out costs a source against the others: the kind of event most, the product
/// next, since lines of another kind or product would be another question.
const LOST_CATEGORY: usize = 8;
const LOST_PRODUCT: usize = 4;
const LOST_PART: usize = 2;
/// Lines that were allowed, or of another protocol, where those denied were asked for: worse than two
/// values that are looked for anywhere in the right lines.
const LOST_KIND: usize = 2 * LOST_PART + 1;
/// A source of one product alone answers a question that names none worse than a general one.
const UNASKED_PRODUCT: usize = 3;

/// Lowers a query to a platform: to the source that can say most of it, of equal ones the first.
pub(crate) fn lower(
    query: &Query,
    platform: &(impl Platform + ?Sized),
    schema: Option<&Schema>,
) -> Result<Lowered, NotSupported> {
    let known = dialect(platform.name())
        .ok_or_else(|| NotSupported { why: format!("{} has no tables", platform.name()) })?;
    let sources: Vec<Cow<'static, Source>> = match schema {
        Some(schema) if platform.chooses_source() => {
            schema.sources_of(known).into_iter().map(Cow::Owned).collect()
        }
        Some(schema) => vec![Cow::Owned(schema.one_source(known))],
        None => known.sources.iter().map(Cow::Borrowed).collect(),
    };
    let given = simplify(query.filter.clone());
    let mut best: Option<(usize, Lowered)> = None;
    let mut refusal = None;
    for source in sources {
        match lower_to(query, &given, (platform, source, schema)) {
            Ok((lost, lowered)) if best.as_ref().is_none_or(|(least, _)| lost < *least) => {
                best = Some((lost, lowered));
            }
            Ok(_) => {}
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    let nowhere = || NotSupported { why: "there is no source to look in".to_owned() };
    best.map(|(_, lowered)| lowered).ok_or_else(|| refusal.unwrap_or_else(nowhere))
}

/// Lowers a query to one source; how much was lost, and the query.
fn lower_to<P: Platform + ?Sized>(
    query: &Query,
    given: &Predicate,
    (platform, source, schema): (&P, Cow<'static, Source>, Option<&Schema>),
) -> Result<(usize, Lowered), NotSupported> {
    let mut lowering =
        Lowering { platform, source: &source, schema, notes: Vec::new(), lost: 0, product: false };
    let filter =
        if is_everything(given) { platform.everything() } else { lowering.predicate(given, 0) };
    let Some(filter) = filter.map(simplify) else {
        let mut why = "nothing that was asked can be said in this dialect".to_owned();
        for note in &lowering.notes {
            why.push_str("; ");
            why.push_str(note);
        }
        return Err(NotSupported { why });
    };
    let filter =
        if is_everything(&filter) { platform.everything().unwrap_or(filter) } else { filter };
    let aggregation = query.aggregation.as_ref().and_then(|counting| lowering.counting(counting));
    let projection = lowering.shown_fields(&query.projection);
    let limit = query.limit.clamp(1, MAX_LIMIT);
    if limit != query.limit {
        lowering.note(format!("limited to {limit} rows"));
    }
    let unasked = !source.modules.is_empty() && !lowering.product;
    let lost = lowering.lost + if unasked { UNASKED_PRODUCT } else { 0 };
    let notes = lowering.notes;
    let query = Query { filter, aggregation, projection, time: query.time, limit };
    Ok((lost, Lowered { query, notes, source }))
}

struct Lowering<'a, P: ?Sized> {
    platform: &'a P,
    source: &'a Source,
    schema: Option<&'a Schema>,
    notes: Vec<String>,
    /// How much could not be said.
    lost: usize,
    /// Whether the question names the product whose lines the source holds.
    product: bool,
}

impl<P: Platform + ?Sized> Lowering<'_, P> {
    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The predicate on platform fields; `None` where nothing of it can be said.
    fn predicate(&mut self, predicate: &Predicate, depth: usize) -> Option<Predicate> {
        if depth > MAX_DEPTH {
            self.note("left out: a part that nests too deeply".to_owned());
            return None;
        }
        match predicate {
            Predicate::And(parts) => self.both(parts, depth),
            Predicate::Or(parts) => {
                let mut said: Vec<Predicate> =
                    parts.iter().filter_map(|part| self.predicate(part, depth + 1)).collect();
                self.drop_covered(&mut said);
                (!said.is_empty()).then(|| any(said))
            }
            Predicate::Not(inner) => self.negated(inner, depth),
            Predicate::Exists(field) => self.exists(field),
            Predicate::Compare { .. } => self.both(std::slice::from_ref(predicate), depth),
        }
    }

    /// Among alternatives, a value that a field of its own is compared with need not be looked for
    /// anywhere too.
    fn drop_covered(&self, said: &mut Vec<Predicate>) {
        let Some(anywhere) = self.platform.anywhere() else { return };
        let mut placed: Vec<Value> = Vec::new();
        said.iter().for_each(|part| placed.extend(values_elsewhere(part, anywhere)));
        said.retain(|part| match part {
            Predicate::Compare { field, value, .. } => {
                field.0 != anywhere || !placed.contains(value)
            }
            _ => true,
        });
    }

    /// A negation of what could only be said in part would leave out too much: it is dropped whole.
    fn negated(&mut self, inner: &Predicate, depth: usize) -> Option<Predicate> {
        if is_everything(inner) {
            let everything = self.platform.everything()?;
            return Some(Predicate::Not(Box::new(everything)));
        }
        let before = self.notes.len();
        let said = self.predicate(inner, depth + 1)?;
        if is_everything(&simplify(said.clone())) {
            self.lost += LOST_CATEGORY;
            self.note("left out: an exception that would leave nothing here".to_owned());
            return None;
        }
        if self.notes.len() > before {
            self.note("left out: an exception that this dialect can say only in part".to_owned());
            return None;
        }
        Some(Predicate::Not(Box::new(said)))
    }

    fn both(&mut self, parts: &[Predicate], depth: usize) -> Option<Predicate> {
        let mut said = Vec::new();
        let mut facets = BTreeMap::new();
        for part in parts {
            match part {
                Predicate::Compare {
                    field,
                    operator: Operator::Equal,
                    value: Value::Text(value),
                } if FACETS.contains(&field.0.as_str()) && !self.source.events.is_empty() => {
                    facets.insert(field.0.as_str(), value.as_str());
                }
                Predicate::Compare { field, operator, value } => {
                    said.extend(self.comparison(field, *operator, value));
                }
                other => said.extend(self.predicate(other, depth + 1)),
            }
        }
        let mut events = self.facets(facets);
        events.append(&mut said);
        // A part that every line of the source satisfies was said all the same.
        (!events.is_empty()).then(|| all(events))
    }

    fn fields_for(&self, ecs: &str) -> Vec<DialectField> {
        match self.schema {
            None if self.platform.takes_any_field() => {
                let kind = self.source.fields_for(ecs).next().map_or(FieldKind::Text, |f| f.kind);
                vec![DialectField { name: ecs.to_owned(), kind, ecs: ecs.to_owned() }]
            }
            _ => self.source.fields_for(ecs).cloned().collect(),
        }
    }

    fn exists(&mut self, field: &FieldName) -> Option<Predicate> {
        let fields = self.fields_for(&field.0);
        if fields.is_empty() {
            self.no_field(&field.0, "any value");
            return None;
        }
        let there = fields.into_iter().map(|field| Predicate::Exists(FieldName(field.name)));
        Some(any(there.collect()))
    }

    fn counting(&mut self, counting: &Aggregation) -> Option<Aggregation> {
        let mut by: Vec<FieldName> =
            counting.by.iter().filter_map(|field| self.group_field(field)).collect();
        if by.is_empty() && !self.platform.takes_any_field() {
            by.extend(self.group_field(&FieldName("source.ip".to_owned())));
            self.note("approximated: counted per source address".to_owned());
        }
        if by.is_empty() && !self.platform.takes_any_field() {
            self.note("left out: counting (no field to count by)".to_owned());
            return None;
        }
        let distinct = counting.distinct.as_ref().and_then(|field| self.group_field(field));
        let window = self.platform.window(counting.window);
        if window != counting.window {
            let said = crate::local::span(window);
            self.note(format!("approximated: counted within {said}, the nearest window it has"));
        }
        Some(Aggregation { by, distinct, window, ..counting.clone() })
    }

    fn group_field(&mut self, field: &FieldName) -> Option<FieldName> {
        let found = self.fields_for(&field.0).into_iter().next();
        if found.is_none() {
            self.no_field(&field.0, "as a group");
        }
        found.map(|field| FieldName(field.name))
    }

    fn shown_fields(&mut self, fields: &[FieldName]) -> Vec<FieldName> {
        let mut shown: Vec<FieldName> = Vec::new();
        for field in fields {
            match self.group_field(field) {
                Some(field) if !shown.contains(&field) => shown.push(field),
                _ => {}
            }
        }
        shown
    }
}

/// The values that a predicate compares other fields with.
fn values_elsewhere(predicate: &Predicate, anywhere: &str) -> Vec<Value> {
    match predicate {
        Predicate::And(parts) | Predicate::Or(parts) => {
            parts.iter().flat_map(|part| values_elsewhere(part, anywhere)).collect()
        }
        Predicate::Compare { field, value, .. } if field.0 != anywhere => {
            vec![Value::Text(value.to_string())]
        }
        _ => Vec::new(),
    }
}
