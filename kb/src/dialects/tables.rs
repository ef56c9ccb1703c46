//! A dialect's own tables: its sources, fields, columns and functions.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use serde::Deserialize;

use super::{lines, read_toml, rows};

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
    /// A structure, a time, true or false: shown, never compared by us.
    Other,
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
    /// Predicates that must all hold; none where every line of the source is of this kind.
    #[serde(default)]
    pub all: Vec<Term>,
    /// Predicates of which one must hold.
    #[serde(default)]
    pub any: Vec<Term>,
}

/// A table, data set or log source: one place that a query can look in.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Its name; empty where the platform keeps everything in one place.
    pub name: String,
    /// The field that holds the time of a line, where a query must name it.
    pub time: String,
    /// The ECS modules whose lines it holds, where it holds no others.
    pub modules: Vec<String>,
    /// What the platform calls it in parts, such as the product and service of a Sigma log source.
    pub labels: BTreeMap<String, String>,
    /// Its fields, the preferred one of several first.
    pub fields: Vec<DialectField>,
    /// What event facets become.
    pub events: Vec<EventRow>,
}

impl Source {
    /// The platform fields that hold an ECS field, the preferred one first.
    pub fn fields_for<'a>(&'a self, ecs: &'a str) -> impl Iterator<Item = &'a DialectField> {
        self.fields.iter().filter(move |field| field.ecs == ecs)
    }
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
    /// Where it can look, the usual place first.
    pub sources: Vec<Source>,
    functions: HashSet<&'static str>,
    columns: HashMap<&'static str, HashMap<&'static str, FieldKind>>,
}

impl Dialect {
    /// Whether it has a function of this name, in the spelling of its list.
    pub fn has_function(&self, name: &str) -> bool {
        self.functions.contains(name)
    }

    /// Whether it has a table of this name.
    pub fn has_table(&self, table: &str) -> bool {
        self.columns.contains_key(table)
    }

    /// The kind of a table's column, of any table's where none is named; `None` where there is none.
    pub fn column(&self, table: Option<&str>, column: &str) -> Option<FieldKind> {
        match table {
            Some(table) => self.columns.get(table)?.get(column).copied(),
            None => self.columns.values().find_map(|columns| columns.get(column).copied()),
        }
    }

    /// The source of this name.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }
}

/// The files of a dialect's folder.
struct Files {
    dialect: &'static str,
    fields: &'static str,
    columns: &'static str,
    functions: &'static str,
}

const FILES: [Files; 11] = [
    Files {
        dialect: include_str!("../../dialects/local/dialect.toml"),
        fields: "",
        columns: "",
        functions: "",
    },
    Files {
        dialect: include_str!("../../dialects/yara-l/dialect.toml"),
        fields: include_str!("../../dialects/yara-l/fields.tsv"),
        columns: "",
        functions: include_str!("../../dialects/yara-l/functions.txt"),
    },
    Files {
        dialect: include_str!("../../dialects/aql/dialect.toml"),
        fields: include_str!("../../dialects/aql/fields.tsv"),
        columns: "",
        functions: include_str!("../../dialects/aql/functions.txt"),
    },
    Files {
        dialect: include_str!("../../dialects/kql/dialect.toml"),
        fields: include_str!("../../dialects/kql/fields.tsv"),
        columns: include_str!("../../dialects/kql/columns.tsv"),
        functions: include_str!("../../dialects/kql/functions.txt"),
    },
    Files {
        dialect: include_str!("../../dialects/spl/dialect.toml"),
        fields: include_str!("../../dialects/spl/fields.tsv"),
        columns: include_str!("../../dialects/spl/columns.tsv"),
        functions: include_str!("../../dialects/spl/functions.txt"),
    },
    Files {
        dialect: include_str!("../../dialects/esql/dialect.toml"),
        fields: include_str!("../../dialects/ecs/fields.tsv"),
        columns: include_str!("../../dialects/ecs/columns.tsv"),
        functions: include_str!("../../dialects/esql/functions.txt"),
    },
    Files {
        dialect: include_str!("../../dialects/eql/dialect.toml"),
        fields: include_str!("../../dialects/ecs/fields.tsv"),
        columns: include_str!("../../dialects/ecs/columns.tsv"),
        functions: include_str!("../../dialects/eql/functions.txt"),
    },
    Files {
        dialect: include_str!("../../dialects/lucene/dialect.toml"),
        fields: include_str!("../../dialects/ecs/fields.tsv"),
        columns: include_str!("../../dialects/ecs/columns.tsv"),
        functions: "",
    },
    Files {
        dialect: include_str!("../../dialects/kuery/dialect.toml"),
        fields: include_str!("../../dialects/ecs/fields.tsv"),
        columns: include_str!("../../dialects/ecs/columns.tsv"),
        functions: "",
    },
    Files {
        dialect: include_str!("../../dialects/sigma/dialect.toml"),
        fields: include_str!("../../dialects/sigma/fields.tsv"),
        columns: "",
        functions: "",
    },
    Files {
        dialect: include_str!("../../dialects/logscale/dialect.toml"),
        fields: include_str!("../../dialects/ecs/fields.tsv"),
        columns: include_str!("../../dialects/ecs/columns.tsv"),
        functions: include_str!("../../dialects/logscale/functions.txt"),
    },
];

/// Every dialect.
pub fn dialects() -> &'static [Dialect] {
    static ALL: OnceLock<Vec<Dialect>> = OnceLock::new();
    ALL.get_or_init(|| FILES.iter().map(read_dialect).collect())
}

/// The dialect of this name, or `None` where the knowledge base has none.
pub fn dialect(name: &str) -> Option<&'static Dialect> {
    dialects().iter().find(|dialect| dialect.name == name)
}

fn read_dialect(files: &Files) -> Dialect {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct SourceFile {
        name: String,
        #[serde(default)]
        time: String,
        #[serde(default)]
        modules: Vec<String>,
        #[serde(default)]
        labels: BTreeMap<String, String>,
        #[serde(default)]
        event: Vec<EventRow>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        name: String,
        title: String,
        source: String,
        #[serde(default)]
        event: Vec<EventRow>,
        #[serde(default)]
        table: Vec<SourceFile>,
    }
    let File { name, title, source, event, table } = read_toml(files.dialect);
    let mut fields =
        if files.fields.is_empty() { local_fields() } else { read_fields(files.fields) };
    // Sources without fields of their own share those that stand before the first heading.
    let mut fields_of = |source: &str| {
        fields.remove(source).or_else(|| fields.get("").cloned()).unwrap_or_default()
    };
    let mut sources: Vec<Source> = table
        .into_iter()
        .map(|SourceFile { name, time, modules, labels, event }| {
            let fields = fields_of(&name);
            Source { name, time, modules, labels, fields, events: event }
        })
        .collect();
    if sources.is_empty() {
        sources.push(Source { fields: fields_of(""), events: event, ..Source::default() });
    }
    let functions = lines(files.functions).collect();
    Dialect { name, title, source, sources, functions, columns: read_columns(files.columns) }
}

/// The fields of each source; a line `[source]` opens the next one's, and `[source : other]` begins
/// it with the fields of another.
fn read_fields(text: &'static str) -> HashMap<String, Vec<DialectField>> {
    let mut fields: HashMap<String, Vec<DialectField>> = HashMap::new();
    let mut source = "";
    for [name, kind, ecs] in rows(text) {
        if let Some(heading) = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            let (own, other) = heading.split_once(" : ").unwrap_or((heading, ""));
            let inherited = fields.get(other).cloned().unwrap_or_default();
            fields.insert(own.to_owned(), inherited);
            source = own;
            continue;
        }
        let field =
            DialectField { name: name.to_owned(), kind: read_kind(kind), ecs: ecs.to_owned() };
        fields.entry(source.to_owned()).or_default().push(field);
    }
    fields
}

/// In the local dialect every field is its own ECS field and holds what its name says.
fn local_fields() -> HashMap<String, Vec<DialectField>> {
    let fields = rows(include_str!("../../dialects/local/fields.tsv")).map(|[name, kind, _]| {
        let kind = match read_kind(kind) {
            FieldKind::Name => FieldKind::Text,
            kind => kind,
        };
        DialectField { name: name.to_owned(), kind, ecs: name.to_owned() }
    });
    HashMap::from([(String::new(), fields.collect())])
}

/// Tables and their columns: a line is a table, a tab, and `column` or `column:type` by spaces.
fn read_columns(text: &'static str) -> HashMap<&'static str, HashMap<&'static str, FieldKind>> {
    let column = |column: &'static str| {
        let (name, kind) = column.split_once(':').unwrap_or((column, ""));
        (name, read_kind(kind))
    };
    lines(text)
        .filter_map(|line| line.split_once('\t'))
        .map(|(table, columns)| (table, columns.split(' ').map(column).collect()))
        .collect()
}

pub(super) fn read_kind(text: &str) -> FieldKind {
    match text {
        "name" => FieldKind::Name,
        "wide" | "match_only_text" => FieldKind::Wide,
        "number" | "int" | "long" | "integer" | "short" | "real" | "float" | "double"
        | "scaled_float" => FieldKind::Number,
        "address" | "ip" => FieldKind::Address,
        "datetime" | "date" | "timespan" | "bool" | "boolean" | "dynamic" | "object" | "nested"
        | "flattened" | "geo_point" | "guid" => FieldKind::Other,
        _ => FieldKind::Text,
    }
}
