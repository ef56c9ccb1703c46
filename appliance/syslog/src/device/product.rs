//! Products as data: how to know a line, what its keys mean, and the forms of its text. One search
//! over the line finds the marks of all products at once.

use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind};
use vedette_event::Fields;

use super::Line;
use super::pattern::{Pattern, Patterns};
use super::products::TABLES;
use crate::fields;

/// Text searched for marks: what names a product stands in front.
const MAX_MARK_BYTES: usize = 2048;

/// Columns read of one line; the longest known format has 117.
const MAX_COLUMNS: usize = 128;

/// Marks in all tables: the width of the set that holds those found.
const MAX_MARKS: usize = 384;

/// What is known of one product's lines.
pub(crate) struct Product {
    dataset: &'static str,
    vendor: &'static str,
    apps: &'static [&'static str],
    marks: &'static [&'static str],
    keys: Keys,
    columns: Option<Columns>,
    patterns: &'static [Pattern],
    strict: bool,
}

/// Names a product gives to values, and the field each means; the empty field means none.
pub(crate) type Keys = &'static [(&'static str, &'static str)];

/// Text cut at a delimiter, quotes heeded.
#[derive(Clone, Copy)]
pub(crate) struct Columns {
    pub(crate) delimiter: u8,
    /// The column that tells this form from the product's others, and its text.
    pub(crate) told_by: (usize, &'static str),
    /// The field of each column named.
    pub(crate) fields: &'static [(usize, &'static str)],
    /// `event.category`.
    pub(crate) category: &'static str,
}

impl Product {
    /// A product, named as its dataset and by its maker (empty: a program, not a device).
    pub(crate) const fn of(dataset: &'static str, vendor: &'static str) -> Self {
        Self {
            dataset,
            vendor,
            apps: &[],
            marks: &[],
            keys: &[],
            columns: None,
            patterns: &[],
            strict: false,
        }
    }

    /// Known by the program in the header: a name, or a beginning with an asterisk behind it.
    pub(crate) const fn apps(mut self, apps: &'static [&'static str]) -> Self {
        self.apps = apps;
        self
    }

    /// Known by texts that must all occur.
    pub(crate) const fn marks(mut self, marks: &'static [&'static str]) -> Self {
        self.marks = marks;
        self
    }

    pub(crate) const fn keys(mut self, keys: Keys) -> Self {
        self.keys = keys;
        self
    }

    pub(crate) const fn columns(mut self, columns: Columns) -> Self {
        self.columns = Some(columns);
        self
    }

    /// Forms of the text. Daemons say much that has none: a line without one is theirs all the same.
    pub(crate) const fn patterns(mut self, patterns: &'static [Pattern]) -> Self {
        self.patterns = patterns;
        self
    }

    /// A line is this product's only where a pattern fits: its marks alone prove nothing.
    pub(crate) const fn only(mut self, patterns: &'static [Pattern]) -> Self {
        self.strict = true;
        self.patterns(patterns)
    }
}

/// A product that knew the line.
pub(crate) struct Known {
    pub(crate) dataset: &'static str,
    pub(crate) keys: Keys,
}

struct Table {
    search: AhoCorasick,
    /// For each mark of the search, the entries that want it are those with its bit.
    entries: Vec<Entry>,
}

struct Entry {
    product: &'static Product,
    marks: Marks,
    patterns: OnceLock<Patterns>,
}

/// A set of marks.
#[derive(Clone, Copy, Default, PartialEq)]
struct Marks([u128; MAX_MARKS / 128]);

impl Marks {
    fn insert(&mut self, mark: usize) {
        self.0[mark / 128] |= 1 << (mark % 128);
    }

    fn contains(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(all, part)| all & part == part)
    }
}

static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

impl Table {
    fn new() -> Self {
        let mut texts: Vec<&'static str> = Vec::new();
        let mut entries = Vec::new();
        for product in TABLES.iter().copied().flatten() {
            let mut marks = Marks::default();
            for text in product.marks {
                let known = texts.iter().position(|other| other == text);
                marks.insert(known.unwrap_or_else(|| {
                    texts.push(*text);
                    texts.len() - 1
                }));
            }
            entries.push(Entry { product, marks, patterns: OnceLock::new() });
        }
        let search = AhoCorasickBuilder::new().kind(Some(AhoCorasickKind::DFA)).build(&texts);
        Self { search: search.expect("the marks are constant"), entries }
    }

    fn marks(&self, text: &str) -> Marks {
        let mut found = Marks::default();
        let text = &text[..text.floor_char_boundary(MAX_MARK_BYTES)];
        for mark in self.search.find_overlapping_iter(text) {
            found.insert(mark.pattern().as_usize());
        }
        found
    }
}

/// Asks the tables; reads the line by the first product that knows it.
pub(super) fn decode(line: &Line<'_>, fields: &mut Fields) -> Option<Known> {
    let found = TABLE.marks(line.message);
    let app = line.app.map(|app| app.rsplit('/').next().unwrap_or(app));
    let entry = TABLE.entries.iter().find(|entry| {
        found.contains(&entry.marks) && entry.is_app(app) && entry.read(line, fields)
    })?;
    let product = entry.product;
    fields.set("observer.vendor", product.vendor);
    Some(Known { dataset: product.dataset, keys: product.keys })
}

impl Entry {
    fn is_app(&self, app: Option<&str>) -> bool {
        let apps = self.product.apps;
        apps.is_empty()
            || app.is_some_and(|app| {
                apps.iter().any(|known| match known.strip_suffix('*') {
                    Some(beginning) => app.starts_with(beginning),
                    None => app == *known,
                })
            })
    }

    /// Reads the line; false where it turns out to be another's.
    fn read(&self, line: &Line<'_>, fields: &mut Fields) -> bool {
        if let Some(columns) = &self.product.columns {
            return columns.read(line.message, fields);
        }
        if self.product.patterns.is_empty() {
            return true;
        }
        let patterns = self.patterns.get_or_init(|| Patterns::new(self.product.patterns));
        patterns.apply(line.words(), fields) || !self.product.strict
    }
}

impl Columns {
    fn read(&self, text: &str, fields: &mut Fields) -> bool {
        let columns = split(text, self.delimiter);
        let column = |index: usize| columns.get(index).copied().unwrap_or_default();
        let (told_by, name) = self.told_by;
        if column(told_by) != name {
            return false;
        }
        for (index, field) in self.fields {
            fields::set_checked(fields, field, column(*index));
        }
        fields.set("event.category", self.category);
        let action = fields.get("event.action").and_then(fields::outcome);
        fields::set_absent(fields, "event.outcome", action.unwrap_or_default());
        true
    }
}

/// Columns between delimiters; a quoted one may hold the delimiter and doubled quotes.
fn split(text: &str, delimiter: u8) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut columns = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            _ if *byte == delimiter && !quoted => {
                columns.push(bare(&text[start..at]));
                start = at + 1;
                if columns.len() == MAX_COLUMNS {
                    return columns;
                }
            }
            _ => {}
        }
    }
    columns.push(bare(&text[start..]));
    columns
}

fn bare(column: &str) -> &str {
    let column = column.trim();
    column.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(column)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_tables_are_sound() {
        let mut marks: BTreeSet<&str> = BTreeSet::new();
        for entry in &TABLE.entries {
            let product = entry.product;
            assert!(!product.apps.is_empty() || !product.marks.is_empty(), "{}", product.dataset);
            assert!(!product.strict || !product.patterns.is_empty(), "{}", product.dataset);
            // Compiles every expression of the tables.
            let _compiled = entry.patterns.get_or_init(|| Patterns::new(product.patterns));
            marks.extend(product.marks);
        }
        assert!(marks.len() <= MAX_MARKS, "{} marks", marks.len());
    }

    #[test]
    fn columns_heed_quotes() {
        for (text, expected) in [
            ("a,b,,c", vec!["a", "b", "", "c"]),
            ("a,\"b,\"\"c\"\"\",d", vec!["a", "b,\"\"c\"\"", "d"]),
            ("\"open,b", vec!["\"open,b"]),
            ("", vec![""]),
        ] {
            assert_eq!(split(text, b','), expected, "{text}");
        }
        assert_eq!(split(&",".repeat(1000), b',').len(), MAX_COLUMNS);
    }
}
