//! A deployment's own field names, as `--schema` gives them.

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;
use vedette_event::query::Language;
use vedette_kb::dialects::{DialectField, FieldKind};

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
    #[expect(dead_code, reason = "part of the file's contract, for the reader of the file")]
    role: String,
    #[serde(default)]
    fields: BTreeMap<String, SchemaField>,
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

    /// The platform fields that hold an ECS field.
    pub(crate) fn fields_for(&self, ecs: &str) -> Vec<DialectField> {
        let mut fields: Vec<DialectField> = Vec::new();
        for (name, field) in self.sources.iter().flat_map(|source| &source.fields) {
            let fits = field.ecs.as_deref() == Some(ecs) && fields.iter().all(|f| f.name != *name);
            if fits {
                let kind = kind(&field.kind);
                fields.push(DialectField { name: name.clone(), kind, ecs: ecs.to_owned() });
            }
        }
        fields
    }

    /// The kind of a platform field, in any case, or `None` where the schema lacks it.
    pub(crate) fn kind_of(&self, name: &str) -> Option<FieldKind> {
        self.sources
            .iter()
            .flat_map(|source| &source.fields)
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, field)| kind(&field.kind))
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
        assert_eq!(schema.fields_for("source.ip")[0].name, "client ip");
        assert_eq!(schema.kind_of("N"), Some(FieldKind::Number));
        assert!(schema.expect_language(Language::YaraL).is_err());
        for bad in ["", "[]", "{}", r#"{"language":"aql","sources":[]}"#] {
            assert!(Schema::parse(bad).is_err(), "{bad}");
        }
    }
}
