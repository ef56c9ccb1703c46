//! A deployment's own field names, as `--schema` gives them.

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;
use vedette_event::query::Language;
use vedette_kb::dialects::{Dialect, DialectField, EventRow, FieldKind, Source as Known};

/// A schema file that cannot be used.
#[derive(Debug, Error)]
pub enum SchemaError {
    /// It is not the JSON that is expected.
    #[error(
        "the schema is not readable; write {{\"language\", \"sources\": [{{\"name\", \"role\", \"fields\": {{\"platform field\": {{\"type\", \"ecs\"}}}}}}]}}"
    )]
    Json(#[from] serde_json::Error),
    /// It names no field.
    #[error("the schema lists no field; give at least one source with fields")]
    Empty,
    /// It is for another language.
    #[error("the schema is for {schema}, the query for {wanted}; give the schema of {wanted}")]
    Language {
        /// The schema's.
        schema: Language,
        /// The query's.
        wanted: Language,
    },
}

#[derive(Clone, Debug, Deserialize)]
struct SchemaField {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    ecs: Option<String>,
}

/// A table or event store with its fields.
#[derive(Clone, Debug, Deserialize)]
struct Source {
    name: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    fields: BTreeMap<String, SchemaField>,
}

impl Source {
    /// Its fields that stand for an ECS field.
    fn mapped(&self) -> impl Iterator<Item = DialectField> {
        self.fields.iter().filter_map(|(name, field)| {
            let ecs = field.ecs.clone()?;
            Some(DialectField { name: name.clone(), kind: kind(&field.kind), ecs })
        })
    }

    fn known(&self, dialect: &Dialect) -> Known {
        let same = dialect.source(&self.name);
        let usual = same.or(dialect.sources.first()).cloned().unwrap_or_default();
        let mut events = same.map(|same| same.events.clone()).unwrap_or_default();
        if let Some(category) = category(&self.role) {
            let when = BTreeMap::from([("event.category".to_owned(), category.to_owned())]);
            if events.iter().all(|row| row.when != when) {
                events.push(EventRow { when, all: Vec::new(), any: Vec::new() });
            }
        }
        Known {
            name: self.name.clone(),
            time: self.time().map_or(usual.time, str::to_owned),
            modules: Vec::new(),
            labels: same.map(|same| same.labels.clone()).unwrap_or_default(),
            fields: self.mapped().collect(),
            events,
        }
    }

    /// The field that holds the time of a line.
    fn time(&self) -> Option<&str> {
        const NAMES: [&str; 3] = ["TimeGenerated", "Timestamp", "@timestamp"];
        let mapped = |(name, field): (&'_ String, &'_ SchemaField)| {
            (field.ecs.as_deref() == Some("@timestamp")).then(|| name.clone())
        };
        let by_ecs = self.fields.iter().find_map(mapped);
        let by_ecs = by_ecs.and_then(|name| self.fields.get_key_value(&name));
        let by_name = || NAMES.iter().find_map(|name| self.fields.get_key_value(*name));
        by_ecs.or_else(by_name).map(|(name, _)| name.as_str())
    }
}

/// The ECS category that a role names.
fn category(role: &str) -> Option<&'static str> {
    const ROLES: [(&str, &str); 16] = [
        ("auth", "authentication"),
        ("logon", "authentication"),
        ("signin", "authentication"),
        ("process", "process"),
        ("network", "network"),
        ("firewall", "network"),
        ("dns", "network"),
        ("file", "file"),
        ("registry", "registry"),
        ("web", "web"),
        ("proxy", "web"),
        ("mail", "email"),
        ("malware", "malware"),
        ("ids", "intrusion_detection"),
        ("iam", "iam"),
        ("image", "library"),
    ];
    let role = role.to_ascii_lowercase();
    ROLES.iter().find(|(known, _)| role.contains(known)).map(|(_, category)| *category)
}

/// The fields of a deployment: a query for it uses these and no others.
#[derive(Clone, Debug, Deserialize)]
pub struct Schema {
    language: Language,
    sources: Vec<Source>,
}

impl Schema {
    /// Reads a schema file.
    ///
    /// # Errors
    /// When the text is not a schema or lists no field.
    pub fn parse(json: &str) -> Result<Self, SchemaError> {
        let schema: Self = serde_json::from_str(json)?;
        if schema.sources.iter().all(|source| source.fields.is_empty()) {
            return Err(SchemaError::Empty);
        }
        Ok(schema)
    }

    /// The language it is for.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Whether it is for this language.
    ///
    /// # Errors
    /// When it is not.
    pub fn expect_language(&self, wanted: Language) -> Result<(), SchemaError> {
        if self.language == wanted {
            Ok(())
        } else {
            Err(SchemaError::Language { schema: self.language, wanted })
        }
    }

    /// Its sources as lowering takes them, each with what the dialect knows of a source of its name.
    pub(crate) fn sources_of(&self, dialect: &Dialect) -> Vec<Known> {
        self.sources.iter().map(|source| source.known(dialect)).collect()
    }

    /// All its sources as one, under the name of the first.
    pub(crate) fn one_source(&self, dialect: &Dialect) -> Known {
        let usual = dialect.sources.first().cloned().unwrap_or_default();
        let mut fields: Vec<DialectField> = Vec::new();
        for field in self.sources.iter().flat_map(Source::mapped) {
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        let name = self.sources.first().map(|source| source.name.clone()).unwrap_or_default();
        Known { name, fields, ..usual }
    }

    /// The kind of a platform field, in any case, or `None` where the schema lacks it.
    pub(crate) fn kind_of(&self, name: &str) -> Option<FieldKind> {
        self.sources
            .iter()
            .flat_map(|source| &source.fields)
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, field)| kind(&field.kind))
    }

    /// The kind of a field of the source of this name; `None` where the source or the field is missing.
    pub(crate) fn kind_in(&self, source: &str, field: &str) -> Option<FieldKind> {
        let source = self.sources.iter().find(|known| known.name == source)?;
        source.fields.get(field).map(|field| kind(&field.kind))
    }

    /// The names of its sources.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(|source| source.name.as_str())
    }
}

fn kind(name: &str) -> FieldKind {
    match name.to_ascii_lowercase().as_str() {
        "number" | "int" | "integer" | "long" | "float" | "double" | "short" | "int32"
        | "int64" | "uint32" | "uint64" | "real" | "numeric" => FieldKind::Number,
        "datetime" | "date" | "timestamp" | "timespan" | "bool" | "boolean" | "dynamic"
        | "object" | "guid" => FieldKind::Other,
        "ip" | "address" | "host" | "inet" => FieldKind::Address,
        _ => FieldKind::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_says_what_is_wrong_with_it() {
        let good = r#"{"language":"aql","sources":[{"name":"events","role":"auth","fields":
            {"client ip":{"type":"ip","ecs":"source.ip"},"n":{"type":"long"}}}]}"#;
        let schema = Schema::parse(good).unwrap();
        let aql = vedette_kb::dialects::dialect("aql").unwrap();
        let source = schema.one_source(aql);
        assert_eq!(source.fields_for("source.ip").next().unwrap().name, "client ip");
        assert_eq!(schema.kind_of("N"), Some(FieldKind::Number));
        assert!(schema.expect_language(Language::YaraL).is_err());
        for bad in ["", "[]", "{}", r#"{"language":"aql","sources":[]}"#] {
            assert!(Schema::parse(bad).is_err(), "{bad}");
        }
    }
}
