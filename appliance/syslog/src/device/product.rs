//! Products as data: how to know a line, what its keys mean, and the forms of its text. The marks in a
//! line and the program in its header choose the few products that are asked.

use std::sync::OnceLock;

use vedette_event::Fields;

use super::marks::{Marks, Set, Texts};
use super::pattern::{Pattern, Patterns};
use super::products::TABLES;
use super::{Line, program};
use crate::fields::{self, Table};

/// Columns read of one line; the longest known format has 117.
const MAX_COLUMNS: usize = 128;

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

pub(super) struct Entry {
    product: &'static Product,
    marks: Marks,
    patterns: OnceLock<Patterns>,
}

/// The tables, and which of their entries a line may be for.
pub(super) struct Products {
    entries: Vec<Entry>,
    /// For each mark, the entries it names: each entry stands at the longest of its marks.
    by_mark: Vec<Set>,
    /// Entries whose marks are all short.
    by_nothing: Set,
    /// Entries without marks, by program.
    by_app: Table<Set>,
    /// The same where only the program's beginning is known.
    by_beginning: Vec<(&'static str, Set)>,
}

impl Products {
    pub(super) fn new(texts: &mut Texts) -> Self {
        let mut products = Self {
            entries: Vec::new(),
            by_mark: vec![Set::default(); Set::WIDTH],
            by_nothing: Set::default(),
            by_app: Table::default(),
            by_beginning: Vec::new(),
        };
        for product in TABLES.iter().copied().flatten() {
            products.add(product, texts);
        }
        let entries = products.entries.len();
        assert!(entries <= Set::WIDTH, "{entries} products: widen the set");
        products
    }

    fn add(&mut self, product: &'static Product, texts: &mut Texts) {
        let number = self.entries.len();
        let marks = texts.marks(product.marks);
        self.entries.push(Entry { product, marks, patterns: OnceLock::new() });
        if let Some(longest) = product.marks.iter().max_by_key(|mark| mark.len()) {
            let number_of_mark = texts.naming(longest);
            let named = number_of_mark.map_or(&mut self.by_nothing, |mark| &mut self.by_mark[mark]);
            return named.insert(number);
        }
        for app in product.apps {
            match app.strip_suffix('*') {
                Some(beginning) => {
                    let mut set = Set::default();
                    set.insert(number);
                    self.by_beginning.push((beginning, set));
                }
                None => self.by_app.entry(app.as_bytes()).or_default().insert(number),
            }
        }
    }

    /// Reads the line by the first product that knows it.
    pub(super) fn decode(&self, line: &Line<'_>, fields: &mut Fields) -> Option<Known> {
        let app = line.app.map(program);
        let mut candidates = self.by_nothing;
        for mark in line.marks.iter() {
            candidates.unite(&self.by_mark[mark]);
        }
        if let Some(app) = app {
            let beginnings = self.by_beginning.iter().filter(|(known, _)| app.starts_with(known));
            beginnings.for_each(|(_, set)| candidates.unite(set));
            self.by_app.get(app.as_bytes()).into_iter().for_each(|set| candidates.unite(set));
        }
        let entry = candidates.iter().map(|number| &self.entries[number]).find(|entry| {
            entry.marks.occur(&line.marks, line.message)
                && entry.is_app(app)
                && entry.read(line, fields)
        })?;
        let product = entry.product;
        fields.set("observer.vendor", product.vendor);
        Some(Known { dataset: product.dataset, keys: product.keys })
    }
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
    use super::*;

    #[test]
    fn the_tables_are_sound() {
        for entry in &Products::new(&mut Texts::default()).entries {
            let product = entry.product;
            assert!(!product.apps.is_empty() || !product.marks.is_empty(), "{}", product.dataset);
            assert!(!product.strict || !product.patterns.is_empty(), "{}", product.dataset);
            // Compiles every expression of the tables.
            let _compiled = entry.patterns.get_or_init(|| Patterns::new(product.patterns));
        }
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
