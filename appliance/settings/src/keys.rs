//! The known keys, read off the schema of [`Settings`](crate::Settings).

use serde_json::Value;

/// Most keys a table may nest; the deepest today is three. Guards against a schema that recurs.
const MAX_DEPTH: usize = 8;

/// A key that can be set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    /// Dotted path; `[]` after a key that is a list of tables (`tickets[].url`).
    pub(crate) path: String,
    /// What it does, in its own words.
    pub(crate) text: String,
    /// What it is when absent.
    pub(crate) default: Option<Value>,
    /// Its kind, in a word or as the list of its values.
    pub(crate) kind: String,
}

/// Every key of the configuration, in schema order.
pub(crate) fn known() -> Vec<Key> {
    let schema = schemars::schema_for!(crate::Settings).to_value();
    let mut keys = Vec::new();
    collect(&schema, &schema, &mut Key::root(), &mut keys, 0);
    keys
}

impl Key {
    fn root() -> Self {
        Self { path: String::new(), text: String::new(), default: None, kind: String::new() }
    }

    fn below(&self, name: &str, list: bool) -> String {
        let dot = if self.path.is_empty() { "" } else { "." };
        format!("{}{dot}{name}{}", self.path, if list { "[]" } else { "" })
    }
}

fn collect(root: &Value, schema: &Value, at: &mut Key, keys: &mut Vec<Key>, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    for table in tables(root, schema) {
        let Some(properties) = table.get("properties").and_then(Value::as_object) else { continue };
        let mut properties: Vec<_> = properties.iter().collect();
        properties.sort_unstable_by_key(|(name, _)| *name);
        for (name, property) in properties {
            let resolved = resolve(root, property);
            let items = resolved.get("items").map(|items| resolve(root, items));
            let list = items.is_some_and(|items| !tables(root, items).is_empty());
            let mut key = Key {
                path: at.below(name, list),
                text: description(property, resolved),
                default: property
                    .get("default")
                    .or_else(|| at.default.as_ref()?.get(name))
                    .cloned(),
                kind: kind(root, property),
            };
            let below = items.filter(|_| list).unwrap_or(resolved);
            if tables(root, below).is_empty() {
                add(keys, key);
            } else {
                collect(root, below, &mut key, keys, depth + 1);
            }
        }
    }
}

/// Adds a key. Variants of a table share keys: the first one's text stands, values add up.
fn add(keys: &mut Vec<Key>, key: Key) {
    match keys.iter_mut().find(|known| known.path == key.path) {
        None => keys.push(key),
        Some(known) if known.kind != key.kind => {
            known.kind = format!("{}, {}", known.kind, key.kind)
        }
        Some(_) => {}
    }
}

/// The object schemas a schema stands for: itself, or each variant of a choice.
fn tables<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let mut found: Vec<&Value> = Vec::new();
    // A variant with a tag has properties of its own beside the reference to its table.
    for schema in [Some(schema), referenced(root, schema)].into_iter().flatten() {
        if schema.get("properties").is_some() {
            found.push(schema);
        }
    }
    let schema = resolve(root, schema);
    for choice in ["oneOf", "anyOf"] {
        for variant in schema.get(choice).and_then(Value::as_array).into_iter().flatten() {
            found.extend(tables(root, variant));
        }
    }
    found
}

fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    referenced(root, schema).unwrap_or(schema)
}

fn referenced<'a>(root: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    let reference = schema.get("$ref")?.as_str()?;
    root.pointer(reference.trim_start_matches('#'))
}

fn description(property: &Value, resolved: &Value) -> String {
    let text = [property, resolved].into_iter().find_map(|s| s.get("description")?.as_str());
    text.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn kind(root: &Value, property: &Value) -> String {
    let schema = resolve(root, property);
    if let Some(value) = schema.get("const").and_then(Value::as_str) {
        return format!("`{value}`");
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values
            .iter()
            .filter_map(Value::as_str)
            .map(|v| format!("`{v}`"))
            .collect::<Vec<_>>()
            .join(", ");
    }
    if let Some(items) = schema.get("items") {
        return format!("list of {}", kind(root, items));
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(variants) = schema.get(choice).and_then(Value::as_array) {
            let mut kinds: Vec<String> =
                variants.iter().map(|v| kind(root, v)).filter(|kind| kind != "null").collect();
            kinds.dedup();
            return kinds.join(", ");
        }
    }
    match schema.get("type") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| *name != "null")
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "value".to_owned(),
    }
}

/// The known key nearest to an unknown one, if it is near enough to be meant.
pub(crate) fn nearest(unknown: &str, keys: &[Key]) -> Option<String> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or(path).to_owned();
    keys.iter()
        .flat_map(|key| prefixes(&key.path))
        .map(|path| (distance(unknown, path).min(1 + distance(&last(unknown), &last(path))), path))
        .min()
        .filter(|(distance, _)| *distance <= 1 + last(unknown).len() / 3)
        .map(|(_, path)| path.replace("[]", ""))
}

/// The key and every table above it.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('.').map(|(at, _)| &path[..at]).chain([path])
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().filter(|c| !matches!(c, '[' | ']')).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
