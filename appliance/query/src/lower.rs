//! From ECS to a platform's own fields: what the dialect cannot say is left out and told.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use thiserror::Error;
use time::Duration;
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Query, Value};
use vedette_kb::dialects::{DialectField, EventRow, FieldKind, Source, Term, dialect, products};

use crate::schema::Schema;
use crate::shape::{MAX_DEPTH, MAX_LIMIT, all, any, compare, is_everything, simplify};
use crate::text::shown;

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

    /// The rows that say the facets, the most telling first; what no row says goes to the field
    /// table, else is left out.
    fn facets(&mut self, mut facets: BTreeMap<&str, &str>) -> Vec<Predicate> {
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
        Some(match kind {
            Some(_) => self.platform.settle(field, operator, value).predicate,
            None => compare(field, operator, value),
        })
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

    fn no_field(&mut self, ecs: &str, value: &str) {
        self.lost += match ecs {
            "event.category" => LOST_CATEGORY,
            "event.module" => LOST_PRODUCT,
            "event.type" | "event.outcome" => LOST_PART + 1,
            "host.os.type" => 1,
            _ => LOST_PART,
        };
        self.note(format!("left out: {ecs} {value} (no field for it in this dialect)"));
    }

    fn comparison(
        &mut self,
        field: &FieldName,
        operator: Operator,
        value: &Value,
    ) -> Option<Predicate> {
        if self.holds_product(field, operator, value) {
            return Some(Predicate::And(Vec::new()));
        }
        let value = self.product(field, value);
        let as_text = value.to_string();
        if let Some(why) = self.platform.refuses(&as_text) {
            self.note(format!("refused: {} for {} ({why})", shown(&as_text), field.0));
            return None;
        }
        let fields = self.fields_for(&field.0);
        if fields.is_empty() {
            return self.without_field(field, operator, &as_text);
        }
        let said: Vec<Predicate> =
            fields.iter().filter_map(|field| self.on_field(field, operator, &value)).collect();
        match (said.is_empty(), operator) {
            (true, _) => None,
            // Different from a value means different in every field that may hold it.
            (false, Operator::NotEqual) => Some(all(said)),
            (false, _) => Some(any(said)),
        }
    }

    /// A comparison that the source has no field for: looked for anywhere where that makes sense.
    fn without_field(
        &mut self,
        field: &FieldName,
        operator: Operator,
        value: &str,
    ) -> Option<Predicate> {
        use Operator::{Contains, EndsWith, Equal, StartsWith};
        let tells = !["event.", "network.", "host.os."].iter().any(|of| field.0.starts_with(of));
        let part = matches!(operator, Equal | Contains | StartsWith | EndsWith);
        match self.platform.anywhere().filter(|_| tells && part && !value.is_empty()) {
            Some(anywhere) => {
                self.lost += LOST_PART;
                self.note(format!(
                    "approximated: {} {operator} {} (no field for it here: looked for in all)",
                    field.0,
                    shown(value)
                ));
                Some(compare(anywhere, Contains, Value::Text(value.to_owned())))
            }
            None => {
                self.no_field(&field.0, &format!("{operator} {}", shown(value)));
                None
            }
        }
    }

    /// Whether every line of the source comes from the product that is asked for.
    fn holds_product(&mut self, field: &FieldName, operator: Operator, value: &Value) -> bool {
        let asks = field.0 == "event.module"
            && matches!(operator, Operator::Equal | Operator::Contains)
            && matches!(value, Value::Text(module) if self.source.modules.contains(module));
        self.product |= asks;
        asks
    }

    /// The name this platform has for a product.
    fn product(&self, field: &FieldName, value: &Value) -> Value {
        let named = products().iter().find(|product| {
            field.0 == "event.module" && Value::Text(product.module.clone()) == *value
        });
        match (named, self.platform.name()) {
            (Some(product), "yara-l") => Value::Text(product.udm.clone()),
            (Some(product), "aql") => Value::Text(product.qradar.clone()),
            _ => value.clone(),
        }
    }

    fn on_field(
        &mut self,
        field: &DialectField,
        operator: Operator,
        value: &Value,
    ) -> Option<Predicate> {
        if self.platform.takes_any_field() {
            return Some(self.settled(&field.name, operator, value.clone()));
        }
        match (field.kind, fit(field.kind, operator, value)) {
            (_, None) => {
                let value = shown(&value.to_string());
                self.lost += LOST_PART;
                self.note(format!("refused: {} {operator} {value} ({:?})", field.ecs, field.kind));
                None
            }
            (FieldKind::Name, Some(Value::Text(name))) => {
                Some(self.last_part(field, operator, name))
            }
            (FieldKind::Wide, Some(Value::Text(text))) => {
                Some(self.somewhere(field, operator, &text))
            }
            (_, Some(value)) => Some(self.settled(&field.name, operator, value)),
        }
    }

    fn settled(&mut self, field: &str, operator: Operator, value: Value) -> Predicate {
        let shown_value = shown(&value.to_string());
        let mapped = self.platform.settle(field, operator, value);
        if let Some(near) = mapped.approximates {
            self.note(format!("approximated: {field} {operator} {shown_value} ({near})"));
        }
        mapped.predicate
    }

    /// A value looked for in free text, which holds more than the value.
    fn somewhere(&mut self, field: &DialectField, operator: Operator, part: &str) -> Predicate {
        let value = Value::Text(part.to_owned());
        let whole = matches!(operator, Operator::Equal | Operator::NotEqual);
        if !whole || part.is_empty() {
            return self.settled(&field.name, operator, value);
        }
        let why = "looked for anywhere in the text";
        self.note(format!("approximated: {} {operator} {} ({why})", field.ecs, shown(part)));
        let there = self.settled(&field.name, Operator::Contains, value);
        match operator {
            Operator::NotEqual => Predicate::Not(Box::new(there)),
            _ => there,
        }
    }

    /// A name compared with the last part of what may be a whole path.
    fn last_part(&mut self, field: &DialectField, operator: Operator, name: String) -> Predicate {
        let separator = if is_windows_name(&name) { '\\' } else { '/' };
        let behind = Value::Text(format!("{separator}{name}"));
        let whole = Value::Text(name);
        match operator {
            Operator::Equal => any(vec![
                self.settled(&field.name, Operator::Equal, whole),
                self.settled(&field.name, Operator::EndsWith, behind),
            ]),
            Operator::NotEqual => Predicate::Not(Box::new(any(vec![
                self.settled(&field.name, Operator::Equal, whole),
                self.settled(&field.name, Operator::EndsWith, behind),
            ]))),
            Operator::StartsWith => any(vec![
                self.settled(&field.name, Operator::StartsWith, whole),
                self.settled(&field.name, Operator::Contains, behind),
            ]),
            other => self.settled(&field.name, other, whole),
        }
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

/// The value as the kind of field takes it, or `None` where the comparison makes no sense there.
fn fit(kind: FieldKind, operator: Operator, value: &Value) -> Option<Value> {
    use Operator::{Contains, EndsWith, Equal, InNetwork, NotEqual, StartsWith};
    let as_text = value.to_string();
    let ordered = !matches!(operator, Contains | StartsWith | EndsWith | InNetwork);
    match kind {
        FieldKind::Number => as_text.parse().ok().filter(|_| ordered).map(Value::Number),
        FieldKind::Address => match operator {
            Equal | NotEqual if as_text.parse::<IpAddr>().is_ok() => Some(Value::Text(as_text)),
            InNetwork if is_network(&as_text) => Some(Value::Text(as_text)),
            _ => None,
        },
        FieldKind::Other => None,
        FieldKind::Text | FieldKind::Name | FieldKind::Wide => {
            let partial = matches!(operator, Contains | StartsWith | EndsWith);
            let whole = matches!(operator, Equal | NotEqual);
            ((partial && !as_text.is_empty()) || whole).then_some(Value::Text(as_text))
        }
    }
}

/// Whether a text is an address, a slash and a prefix length that fits it.
pub(crate) fn is_network(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let longest = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.bytes().all(|byte| byte.is_ascii_digit())
        && length.parse::<u8>().is_ok_and(|length| length <= longest)
}

fn is_windows_name(name: &str) -> bool {
    const ENDINGS: [&str; 14] = [
        "exe", "dll", "sys", "com", "scr", "cpl", "bat", "cmd", "ps1", "vbs", "hta", "msi", "lnk",
        "wsf",
    ];
    name.rsplit_once('.')
        .is_some_and(|(_, ending)| ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending)))
}

/// The comparison that every platform but the local one makes of an empty text.
pub(crate) fn presence(field: &str, operator: Operator) -> Predicate {
    let there = Predicate::Exists(FieldName(field.to_owned()));
    match operator {
        Operator::Equal => Predicate::Not(Box::new(there)),
        _ => there,
    }
}

/// A comparison whose text is folded to lower case, for platforms that compare it with a folded field.
pub(crate) fn folded(field: &str, operator: Operator, value: &str) -> Predicate {
    compare(field, operator, Value::Text(value.to_lowercase()))
}
