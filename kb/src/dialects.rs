//! What the query languages of SIEMs call things: fields, functions, enumerations, and what the
//! activities that people ask about look like in a log. Facts only; the grammars are code elsewhere.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use serde::Deserialize;

/// How a platform stores what a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text.
    Text,
    /// Text that may hold a whole path where the ECS field holds only the last part.
    Name,
    /// Free text without a field of its own, such as a raw payload.
    Wide,
    /// A whole number.
    Number,
    /// An IP address.
    Address,
}

/// A platform field and the ECS field it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialectField {
    /// The platform's name.
    pub name: String,
    /// How it is stored.
    pub kind: FieldKind,
    /// The ECS name.
    pub ecs: String,
}

/// A predicate on a platform field: name, operator, value.
pub type Term = (String, String, String);

/// What a set of ECS event facets means on a platform.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRow {
    /// ECS facets and their values, all of which must stand.
    pub when: BTreeMap<String, String>,
    /// Predicates that must all hold.
    #[serde(default)]
    pub all: Vec<Term>,
    /// Predicates of which one must hold.
    #[serde(default)]
    pub any: Vec<Term>,
}

/// One query language: how it names what ECS names.
#[derive(Clone, Debug)]
pub struct Dialect {
    /// Its name on the command line.
    pub name: String,
    /// Its name in full.
    pub title: String,
    /// Where the facts come from.
    pub source: String,
    /// Its fields, the preferred one of several first.
    pub fields: Vec<DialectField>,
    /// What event facets become.
    pub events: Vec<EventRow>,
}

impl Dialect {
    /// The platform fields that hold an ECS field, the preferred one first.
    pub fn fields_for<'a>(&'a self, ecs: &'a str) -> impl Iterator<Item = &'a DialectField> {
        self.fields.iter().filter(move |field| field.ecs == ecs)
    }
}

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

/// What a UDM path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UdmType {
    /// Text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// One of these.
    Enumeration(&'static [String]),
    /// A message or a map with fields of its own.
    Message,
    /// Time, bytes and whatever else.
    Other,
}

/// The dialect of this name, or `None` where the knowledge base has none.
pub fn dialect(name: &str) -> Option<&'static Dialect> {
    static ALL: OnceLock<[Dialect; 3]> = OnceLock::new();
    ALL.get_or_init(|| {
        [
            read_dialect(include_str!("../dialects/local/dialect.toml"), read_local_fields()),
            read_dialect(
                include_str!("../dialects/yara-l/dialect.toml"),
                read_fields(include_str!("../dialects/yara-l/fields.tsv")),
            ),
            read_dialect(
                include_str!("../dialects/aql/dialect.toml"),
                read_fields(include_str!("../dialects/aql/fields.tsv")),
            ),
        ]
    })
    .iter()
    .find(|dialect| dialect.name == name)
}

/// Every activity.
pub fn activities() -> &'static [Activity] {
    #[derive(Deserialize)]
    struct File {
        activity: Vec<Activity>,
    }
    static ALL: OnceLock<Vec<Activity>> = OnceLock::new();
    ALL.get_or_init(|| read_toml::<File>(include_str!("../dialects/activities.toml")).activity)
}

/// Every product.
pub fn products() -> &'static [Product] {
    #[derive(Deserialize)]
    struct File {
        product: Vec<Product>,
    }
    static ALL: OnceLock<Vec<Product>> = OnceLock::new();
    ALL.get_or_init(|| read_toml::<File>(include_str!("../dialects/products.toml")).product)
}

/// The program a bare word names (`certutil` gives `certutil.exe`), where it is a known one.
pub fn program(word: &str) -> Option<&'static str> {
    static ALL: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    ALL.get_or_init(|| {
        lines(include_str!("../dialects/programs.txt"))
            .map(|name| (name.strip_suffix(".exe").unwrap_or(name), name))
            .collect()
    })
    .get(word)
    .copied()
}

/// What an ECS field tells, in words for a person.
pub fn meaning(ecs: &str) -> Option<&'static str> {
    static ALL: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    ALL.get_or_init(|| {
        rows(include_str!("../dialects/local/fields.tsv"))
            .map(|[field, _, meaning]| (field, meaning))
            .collect()
    })
    .get(ecs)
    .copied()
}

/// Whether YARA-L has a function of this name.
pub fn is_yara_l_function(name: &str) -> bool {
    static ALL: OnceLock<HashSet<&'static str>> = OnceLock::new();
    ALL.get_or_init(|| lines(include_str!("../dialects/yara-l/functions.txt")).collect())
        .contains(name)
}

/// Whether AQL has a function of this name, in any case.
pub fn is_aql_function(name: &str) -> bool {
    static ALL: OnceLock<HashSet<&'static str>> = OnceLock::new();
    ALL.get_or_init(|| lines(include_str!("../dialects/aql/functions.txt")).collect())
        .contains(name.to_ascii_uppercase().as_str())
}

/// The kind of an Ariel event property, in any case, or `None` where there is none of this name.
pub fn ariel_property(name: &str) -> Option<FieldKind> {
    static ALL: OnceLock<HashMap<String, FieldKind>> = OnceLock::new();
    ALL.get_or_init(|| {
        rows(include_str!("../dialects/aql/ariel.tsv"))
            .map(|[name, kind, _]| (name.to_ascii_lowercase(), read_kind(kind)))
            .collect()
    })
    .get(&name.to_ascii_lowercase())
    .copied()
}

/// What a UDM path such as `principal.process.file.md5` names, or `None` where it names nothing.
pub fn udm_type(path: &str) -> Option<UdmType> {
    let mut owner = "event";
    let mut kind = owner;
    for part in path.split('.') {
        if matches!(owner, "additional" | "google.protobuf.struct") {
            return Some(UdmType::Other);
        }
        kind = udm_fields().get(&(owner, part)).copied()?;
        owner = kind.trim_start_matches('@').trim_start_matches("enum:");
    }
    let bare = kind.trim_start_matches('@').trim_start_matches("enum:");
    Some(match bare {
        "string" => UdmType::Text,
        "int32" | "int64" | "uint32" | "uint64" | "float" | "double" => UdmType::Number,
        "bool" => UdmType::Bool,
        _ => match udm_enumerations().get(bare) {
            Some(values) => UdmType::Enumeration(values),
            None if udm_owners().contains(bare) => UdmType::Message,
            None => UdmType::Other,
        },
    })
}

fn udm_fields() -> &'static HashMap<(&'static str, &'static str), &'static str> {
    static ALL: OnceLock<HashMap<(&'static str, &'static str), &'static str>> = OnceLock::new();
    ALL.get_or_init(|| {
        rows(include_str!("../dialects/yara-l/udm.tsv"))
            .map(|[owner, field, kind]| ((owner, field), kind))
            .collect()
    })
}

fn udm_owners() -> &'static HashSet<&'static str> {
    static ALL: OnceLock<HashSet<&'static str>> = OnceLock::new();
    ALL.get_or_init(|| udm_fields().keys().map(|(owner, _)| *owner).collect())
}

fn udm_enumerations() -> &'static HashMap<&'static str, Vec<String>> {
    static ALL: OnceLock<HashMap<&'static str, Vec<String>>> = OnceLock::new();
    ALL.get_or_init(|| {
        lines(include_str!("../dialects/yara-l/enums.tsv"))
            .filter_map(|line| line.split_once('\t'))
            .map(|(name, values)| (name, values.split(',').map(str::to_owned).collect()))
            .collect()
    })
}

fn read_dialect(text: &str, fields: Vec<DialectField>) -> Dialect {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        name: String,
        title: String,
        source: String,
        #[serde(default)]
        event: Vec<EventRow>,
    }
    let File { name, title, source, event } = read_toml(text);
    Dialect { name, title, source, fields, events: event }
}

fn read_fields(text: &'static str) -> Vec<DialectField> {
    rows(text)
        .map(|[name, kind, ecs]| DialectField {
            name: name.to_owned(),
            kind: read_kind(kind),
            ecs: ecs.to_owned(),
        })
        .collect()
}

/// In the local dialect every field is its own ECS field and holds what its name says.
fn read_local_fields() -> Vec<DialectField> {
    rows(include_str!("../dialects/local/fields.tsv"))
        .map(|[name, kind, _]| DialectField {
            name: name.to_owned(),
            kind: match read_kind(kind) {
                FieldKind::Name => FieldKind::Text,
                kind => kind,
            },
            ecs: name.to_owned(),
        })
        .collect()
}

fn read_kind(text: &str) -> FieldKind {
    match text {
        "name" => FieldKind::Name,
        "wide" => FieldKind::Wide,
        "number" => FieldKind::Number,
        "address" => FieldKind::Address,
        _ => FieldKind::Text,
    }
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
    use super::*;

    #[test]
    fn every_mapped_field_exists_on_its_platform() {
        for name in ["local", "yara-l", "aql"] {
            let dialect = dialect(name).unwrap();
            assert!(!dialect.fields.is_empty() && !dialect.source.is_empty(), "{name}");
            for field in &dialect.fields {
                assert!(meaning(&field.ecs).is_some(), "{name}: {} has no meaning", field.ecs);
            }
        }
        for field in &dialect("yara-l").unwrap().fields {
            assert!(udm_type(&field.name).is_some(), "{}", field.name);
        }
        for field in &dialect("aql").unwrap().fields {
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
        for row in &dialect("yara-l").unwrap().events {
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
        assert!(!products().is_empty());
        assert_eq!(program("certutil"), Some("certutil.exe"));
        assert_eq!(program("curl"), Some("curl"));
        assert_eq!(program("the"), None);
    }
}
