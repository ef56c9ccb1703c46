//! What the query languages of SIEMs call things: fields, functions, enumerations, and what the
//! activities that people ask about look like in a log. Facts only; the grammars are code elsewhere.

mod tables;
mod udm;

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::Deserialize;

pub use tables::{Dialect, DialectField, EventRow, FieldKind, Source, Term, dialect, dialects};
pub use udm::{UdmType, udm_type};

/// Numbers that make an activity: at least so many within so many minutes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ActivityCount {
    /// ECS field to group by.
    pub by: String,
    /// ECS field whose distinct values count; lines where absent.
    pub distinct: Option<String>,
    /// Threshold.
    pub at_least: u64,
    /// Window in minutes.
    pub minutes: u32,
}

/// Something people ask about and what shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// Its name.
    pub name: String,
    /// Lower-case phrases that name it.
    pub phrases: Vec<String>,
    /// A line in the local query language.
    #[serde(rename = "where")]
    pub filter: String,
    /// ATT&CK Enterprise ids whose evidence it is.
    #[serde(default)]
    pub techniques: Vec<String>,
    /// Threat classes whose evidence it is.
    #[serde(default)]
    pub classes: Vec<String>,
    /// The numbers, where it is a matter of numbers.
    pub count: Option<ActivityCount>,
}

/// A product people name in a question.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Lower-case phrases that name it.
    pub phrases: Vec<String>,
    /// Its name in ECS `event.module`.
    pub module: String,
    /// Its name in UDM `metadata.product_name`.
    pub udm: String,
    /// A part of its QRadar log source type name.
    pub qradar: String,
}

/// Every activity.
pub fn activities() -> &'static [Activity] {
    #[derive(Deserialize)]
    struct File {
        activity: Vec<Activity>,
    }
    static ALL: OnceLock<Vec<Activity>> = OnceLock::new();
    ALL.get_or_init(|| read_toml::<File>(include_str!("../../dialects/activities.toml")).activity)
}

/// Every product.
pub fn products() -> &'static [Product] {
    #[derive(Deserialize)]
    struct File {
        product: Vec<Product>,
    }
    static ALL: OnceLock<Vec<Product>> = OnceLock::new();
    ALL.get_or_init(|| read_toml::<File>(include_str!("../../dialects/products.toml")).product)
}

/// The program a bare word names (`certutil` gives `certutil.exe`), where it is a known one.
pub fn program(word: &str) -> Option<&'static str> {
    static ALL: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    ALL.get_or_init(|| {
        lines(include_str!("../../dialects/programs.txt"))
            .map(|name| (name.strip_suffix(".exe").unwrap_or(name), name))
            .collect()
    })
    .get(word)
    .copied()
}

/// What people call a field in a question, in lower case, and the ECS field it is.
pub fn labels() -> &'static HashMap<&'static str, &'static str> {
    static ALL: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    ALL.get_or_init(|| {
        rows(include_str!("../../dialects/labels.tsv")).map(|[name, ecs, _]| (name, ecs)).collect()
    })
}

/// What an ECS field tells, in words for a person.
pub fn meaning(ecs: &str) -> Option<&'static str> {
    static ALL: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    ALL.get_or_init(|| {
        rows(include_str!("../../dialects/local/fields.tsv"))
            .map(|[field, _, meaning]| (field, meaning))
            .collect()
    })
    .get(ecs)
    .copied()
}

/// Whether YARA-L has a function of this name.
pub fn is_yara_l_function(name: &str) -> bool {
    dialect("yara-l").is_some_and(|dialect| dialect.has_function(name))
}

/// Whether AQL has a function of this name, in any case.
pub fn is_aql_function(name: &str) -> bool {
    dialect("aql").is_some_and(|dialect| dialect.has_function(&name.to_ascii_uppercase()))
}

/// The kind of an Ariel event property, in any case, or `None` where there is none of this name.
pub fn ariel_property(name: &str) -> Option<FieldKind> {
    static ALL: OnceLock<HashMap<String, FieldKind>> = OnceLock::new();
    ALL.get_or_init(|| {
        rows(include_str!("../../dialects/aql/ariel.tsv"))
            .map(|[name, kind, _]| (name.to_ascii_lowercase(), tables::read_kind(kind)))
            .collect()
    })
    .get(&name.to_ascii_lowercase())
    .copied()
}

fn read_toml<T: serde::de::DeserializeOwned>(text: &str) -> T {
    toml::from_str(text).expect("the file is compiled in and the tests read it")
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn rows(text: &'static str) -> impl Iterator<Item = [&'static str; 3]> {
    lines(text).map(|line| {
        let mut cells = line.split('\t');
        std::array::from_fn(|_| cells.next().unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_mapped_field_exists_on_its_platform() {
        for dialect in dialects() {
            let name = &dialect.name;
            assert!(!dialect.source.is_empty() && !dialect.title.is_empty(), "{name}");
            for source in &dialect.sources {
                assert!(!source.fields.is_empty(), "{name}: {} has no field", source.name);
                for field in &source.fields {
                    assert!(meaning(&field.ecs).is_some(), "{name}: {} has no meaning", field.ecs);
                }
            }
        }
        let terms = |source: &Source| -> Vec<String> {
            let terms = source.events.iter().flat_map(|row| row.all.iter().chain(&row.any));
            terms.map(|(field, ..)| field.clone()).collect()
        };
        for name in ["kql", "spl", "esql", "eql", "lucene", "kuery"] {
            let dialect = dialect(name).unwrap();
            for source in &dialect.sources {
                let table = (name == "kql").then_some(source.name.as_str());
                let fields = source.fields.iter().map(|field| field.name.clone());
                for field in fields.chain(terms(source)) {
                    let known = dialect.column(table, &field).is_some();
                    assert!(known, "{name}: {}.{field}", source.name);
                }
            }
        }
        for field in &dialect("yara-l").unwrap().sources[0].fields {
            assert!(udm_type(&field.name).is_some(), "{}", field.name);
        }
        for field in &dialect("aql").unwrap().sources[0].fields {
            let known = match field.name.split_once('(') {
                Some((function, argument)) => {
                    is_aql_function(function)
                        && ariel_property(argument.trim_end_matches(')')).is_some()
                }
                None => ariel_property(&field.name).is_some(),
            };
            assert!(known, "{}", field.name);
        }
    }

    #[test]
    fn every_enumerated_value_is_one_of_its_list() {
        for row in &dialect("yara-l").unwrap().sources[0].events {
            for (field, _, value) in row.all.iter().chain(&row.any) {
                let Some(UdmType::Enumeration(values)) = udm_type(field) else {
                    panic!("{field} is no enumeration");
                };
                assert!(values.contains(value), "{field} = {value}");
            }
        }
    }

    #[test]
    fn udm_paths_resolve() {
        for (path, expected) in [
            ("target.process.file.full_path", Some(UdmType::Text)),
            ("principal.port", Some(UdmType::Number)),
            ("target.process.parent_process.pid", Some(UdmType::Text)),
            ("network.dns.response", Some(UdmType::Bool)),
            ("principal.process", Some(UdmType::Message)),
            ("principal.proces", None),
            ("", None),
        ] {
            assert_eq!(udm_type(path), expected, "{path}");
        }
    }

    #[test]
    fn the_tables_are_well_formed() {
        let names: HashSet<&str> = activities().iter().map(|a| a.name.as_str()).collect();
        assert_eq!(names.len(), activities().len());
        for activity in activities() {
            for phrase in &activity.phrases {
                assert_eq!(*phrase, phrase.to_lowercase(), "{}", activity.name);
            }
        }
        for (label, ecs) in labels() {
            assert!(meaning(ecs).is_some() && *label == label.to_lowercase(), "{label}");
        }
        assert!(!products().is_empty());
        assert_eq!(program("certutil"), Some("certutil.exe"));
        assert_eq!(program("curl"), Some("curl"));
        assert_eq!(program("the"), None);
    }
}
