//! Whether a text stands on fields and functions that exist, and is bounded.

use std::collections::BTreeSet;
use std::net::IpAddr;

use vedette_kb::dialects::{Dialect, FieldKind, dialect};

use super::grammar::Command;
use super::search::{Literal, Search};
use crate::check::CheckError;
use crate::lower::is_network;
use crate::schema::Schema;
use crate::syntax::{Names, expressions};

/// Fields that Splunk gives every line, whatever a schema lists, and the bounds of a search.
const OWN: [&str; 11] = [
    "_raw",
    "_time",
    "earliest",
    "eventtype",
    "host",
    "index",
    "latest",
    "linecount",
    "source",
    "sourcetype",
    "tag",
];

/// Checks names, values and bounds.
pub(super) fn check(commands: &[Command], schema: Option<&Schema>) -> Result<(), CheckError> {
    let Some(known) = dialect("spl") else { return Ok(()) };
    let mut names = SplNames { known, schema, given: BTreeSet::new() };
    for command in commands {
        match command {
            Command::Search(search) => searched(&names, search)?,
            Command::Where(condition) => expressions(&names, condition)?,
            Command::Eval(items) => {
                items.iter().try_for_each(|item| expressions(&names, &item.value))?;
                names.given.extend(items.iter().filter_map(|item| item.alias.clone()));
            }
            Command::Stats { items, by } => {
                items.iter().try_for_each(|item| expressions(&names, &item.value))?;
                by.iter().try_for_each(|field| names.must_know(field))?;
                names.given.extend(items.iter().filter_map(|item| item.alias.clone()));
            }
            Command::Plain { name, rest } if name == "table" => {
                let fields = rest.split([',', ' ']).filter(|field| !field.is_empty());
                let mut fields = fields.filter(|field| !rest.contains('"') && !field.contains('*'));
                fields.try_for_each(|field| names.must_know(field))?;
            }
            Command::Plain { .. } => {}
        }
    }
    bounded(commands)
}

fn bounded(commands: &[Command]) -> Result<(), CheckError> {
    let limits = |command: &Command| {
        matches!(command, Command::Plain { name, rest }
            if name == "head" && rest.parse::<u32>().is_ok())
    };
    if !commands.iter().any(limits) {
        return Err(CheckError::Unbounded("rows: add | head 1000".to_owned()));
    }
    let from = |part: &Search| matches!(part, Search::Compare { field, .. } if field == "earliest");
    let timed = match commands.first() {
        Some(Command::Search(Search::And(parts))) => parts.iter().any(from),
        Some(Command::Search(only)) => from(only),
        _ => false,
    };
    if timed {
        return Ok(());
    }
    Err(CheckError::Unbounded("time: add earliest=-24h latest=now".to_owned()))
}

struct SplNames<'a> {
    known: &'static Dialect,
    schema: Option<&'a Schema>,
    /// Names that earlier commands gave.
    given: BTreeSet<String>,
}

impl SplNames<'_> {
    fn must_know(&self, name: &str) -> Result<(), CheckError> {
        match self.field(name) {
            Some(_) => Ok(()),
            None => Err(CheckError::UnknownField(name.to_owned())),
        }
    }

    /// The kind of a field that the model gives a kind.
    fn kind(&self, name: &str) -> Option<FieldKind> {
        match self.schema {
            Some(schema) => schema.kind_of(name),
            None => {
                let fields = self.known.sources.iter().flat_map(|source| &source.fields);
                fields.into_iter().find(|field| field.name == name).map(|field| field.kind)
            }
        }
    }
}

impl Names for SplNames<'_> {
    const TEXT_OPERATORS: &'static [&'static str] = &[];
    const COMPARISONS: &'static [&'static str] = &[];

    fn field(&self, name: &str) -> Option<FieldKind> {
        if OWN.contains(&name) || self.given.contains(name) {
            return Some(FieldKind::Other);
        }
        match self.schema {
            Some(schema) => schema.kind_of(name),
            None => self.known.column(None, name),
        }
    }

    fn function(&self, name: &str) -> bool {
        self.known.has_function(&name.to_ascii_lowercase())
    }
}

fn searched(names: &SplNames<'_>, search: &Search) -> Result<(), CheckError> {
    match search {
        Search::And(parts) | Search::Or(parts) => {
            parts.iter().try_for_each(|part| searched(names, part))
        }
        Search::Not(inner) => searched(names, inner),
        Search::Compare { field, value, .. } => {
            names.must_know(field)?;
            fits(names, field, std::slice::from_ref(value))
        }
        Search::In { field, values } => {
            names.must_know(field)?;
            fits(names, field, values)
        }
        Search::Phrase(_) | Search::Elsewhere => Ok(()),
    }
}

fn fits(names: &SplNames<'_>, field: &str, values: &[Literal]) -> Result<(), CheckError> {
    let fits = |value: &Literal| match names.kind(field) {
        Some(FieldKind::Number) => value.text == "*" || value.text.parse::<f64>().is_ok(),
        Some(FieldKind::Address) => {
            value.text.contains('*')
                || value.text.parse::<IpAddr>().is_ok()
                || is_network(&value.text)
        }
        _ => true,
    };
    if values.iter().all(fits) { Ok(()) } else { Err(CheckError::Type { field: field.to_owned() }) }
}
