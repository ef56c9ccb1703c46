//! The fields of an event that the table asks for, read in one pass over its JSON.
//!
//! Whoever sends a line chooses its shape, so everything is bounded, and what was read before a line
//! breaks off counts.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// How deep fields lie at most: the deepest that services write lie nine deep, four more where a
/// forwarder wraps them.
const DEPTH: usize = 16;

/// Elements of a list that are read: a batch of records in one line is a few.
const ELEMENTS: usize = 32;

/// Values that are looked at: the largest audit events have some three hundred.
const VALUES: usize = 2048;

/// Values that are kept; the table asks for a few of each event.
const KEPT: usize = 128;

/// Longest value kept, in bytes: a policy or a command line that decides does so in this much.
const VALUE_BYTES: usize = 4096;

/// Longest path, in bytes: longer ones are nobody's field.
const PATH_BYTES: usize = 512;

/// Fields that hold an event of their own as text: what a container printed, what an agent took over,
/// and the parameters of a call.
const NESTED: [&str; 6] =
    ["log", "original", "auditdata", "rawevent", "requestparameters", "responseelements"];

/// Events inside an event's text.
const NESTINGS: usize = 2;

/// A field that the table asks for.
pub(super) type Field = u16;

/// The one form in which names and actions are compared: letters and digits, in lower case.
pub(super) fn normal(text: &str) -> String {
    letters(text).collect()
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    let known = text.bytes().filter(u8::is_ascii_alphanumeric);
    known.map(|byte| char::from(byte.to_ascii_lowercase()))
}

/// The same of an action: dots inside stay, for names are alike that only they part.
pub(super) fn normal_action(text: &str) -> String {
    dotted(text).trim_matches('.').to_owned()
}

/// A part of an action's name in normal form.
pub(super) fn dotted(text: &str) -> String {
    let known = text.bytes().filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'.');
    known.map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

/// Whether a value's normal form is this.
pub(super) fn is(value: &str, normal: &str) -> bool {
    letters(value).eq(normal.chars())
}

/// A path in normal form: dots stay.
pub(super) fn normal_path(path: &str) -> String {
    let mut out = String::new();
    push_segment(path, &mut out);
    out
}

/// Adds a name to a path.
fn push_segment(name: &str, path: &mut String) {
    if !path.is_empty() {
        path.push('.');
    }
    for byte in name.bytes().take(PATH_BYTES.saturating_sub(path.len())) {
        match byte {
            b'.' if !path.is_empty() && !path.ends_with('.') => path.push('.'),
            _ if byte.is_ascii_alphanumeric() => path.push(char::from(byte.to_ascii_lowercase())),
            _ => {}
        }
    }
}

/// Which fields are asked for, by the last name of their paths.
#[derive(Default)]
pub(super) struct Wanted {
    by_last: HashMap<String, Vec<(String, Field)>>,
}

impl Wanted {
    /// Asks for what lies at a path, counted from its end.
    pub(super) fn add(&mut self, path: &str, field: Field) {
        let path = normal_path(path);
        let last = last_name(&path).to_owned();
        self.by_last.entry(last).or_default().push((path, field));
    }

    fn at<'w>(&'w self, path: &'w str) -> impl Iterator<Item = Field> + 'w {
        let ends_in = |wanted: &str| {
            path.strip_suffix(wanted).is_some_and(|front| front.is_empty() || front.ends_with('.'))
        };
        let known = self.by_last.get(last_name(path)).into_iter().flatten();
        known.filter(move |(wanted, _)| ends_in(wanted)).map(|(_, field)| *field)
    }
}

fn last_name(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// A value that was asked for.
pub(super) struct Leaf {
    pub(super) field: Field,
    /// How deep it lies.
    depth: usize,
    /// What it says; nothing where it is an object or a list.
    pub(super) value: String,
}

/// What an event says of what was asked for.
pub(super) struct Leaves {
    leaves: Vec<Leaf>,
}

impl Leaves {
    /// Reads the object that opens at the start of a text.
    pub(super) fn of(text: &str, wanted: &Wanted) -> Self {
        let mut reader = Reader {
            wanted,
            path: String::new(),
            depth: 0,
            values: 0,
            nestings: 0,
            leaves: Vec::new(),
        };
        reader.read(text);
        Self { leaves: reader.leaves }
    }

    /// What is said at a field.
    pub(super) fn values(&self, field: Field) -> impl Iterator<Item = &str> {
        self.leaves.iter().filter(move |leaf| leaf.field == field).map(|leaf| leaf.value.as_str())
    }

    /// What is said at a field where it lies least deep: what somebody nests further down comes second.
    pub(super) fn shallowest(&self, field: Field) -> Option<&str> {
        let said = self.leaves.iter().filter(|leaf| leaf.field == field && !leaf.value.is_empty());
        said.min_by_key(|leaf| leaf.depth).map(|leaf| leaf.value.as_str())
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }
}

struct Reader<'w> {
    wanted: &'w Wanted,
    path: String,
    depth: usize,
    values: usize,
    nestings: usize,
    leaves: Vec<Leaf>,
}

impl Reader<'_> {
    fn read(&mut self, text: &str) {
        let mut parser = serde_json::Deserializer::from_str(text);
        // Where the text breaks off, what came before has been read.
        let _ = Value { reader: self, keep: false }.deserialize(&mut parser);
    }

    /// Keeps a value if it is asked for; an empty one says nothing.
    fn keep(&mut self, value: &str) {
        self.values += 1;
        if value.is_empty() || self.leaves.len() >= KEPT {
            return;
        }
        let nested = self.nestings < NESTINGS
            && value.starts_with('{')
            && NESTED.contains(&last_name(&self.path));
        if nested {
            self.nestings += 1;
            self.read(value);
        }
        self.push(value);
    }

    fn push(&mut self, value: &str) {
        let end = value.floor_char_boundary(VALUE_BYTES);
        for field in self.wanted.at(&self.path) {
            self.leaves.push(Leaf { field, depth: self.depth, value: value[..end].to_owned() });
        }
    }

    fn is_full(&self) -> bool {
        self.depth >= DEPTH || self.values >= VALUES || self.leaves.len() >= KEPT
    }
}

/// A value; what it says is given back where it is to be kept, for lists of names and values.
struct Value<'r, 'w> {
    reader: &'r mut Reader<'w>,
    keep: bool,
}

type Said<'t> = Option<Cow<'t, str>>;

impl<'t> DeserializeSeed<'t> for Value<'_, '_> {
    type Value = Said<'t>;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Said<'t>, D::Error> {
        if self.reader.is_full() {
            return deserializer.deserialize_ignored_any(IgnoredAny).map(|_| None);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for Value<'_, '_> {
    type Value = Said<'t>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Said<'t>, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Said<'t>, E> {
        self.visit_string(flag.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Said<'t>, E> {
        self.visit_string(number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Said<'t>, E> {
        self.visit_string(number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Said<'t>, E> {
        self.visit_string(number.to_string())
    }

    fn visit_borrowed_str<E: Error>(self, text: &'t str) -> Result<Said<'t>, E> {
        self.reader.keep(text);
        Ok(self.keep.then_some(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Said<'t>, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Said<'t>, E> {
        self.reader.keep(&text);
        Ok(self.keep.then_some(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut list: A) -> Result<Said<'t>, A::Error> {
        self.reader.push("");
        self.reader.depth += 1;
        let mut element = 0;
        while element < ELEMENTS
            && list.next_element_seed(Value { reader: &mut *self.reader, keep: false })?.is_some()
        {
            element += 1;
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.reader.depth -= 1;
        Ok(None)
    }

    fn visit_map<A: MapAccess<'t>>(self, mut members: A) -> Result<Said<'t>, A::Error> {
        let reader = self.reader;
        reader.push("");
        reader.depth += 1;
        let end = reader.path.len();
        let (mut name, mut value) = (None, None);
        while let Some(role) = members.next_key_seed(Name { path: &mut reader.path })? {
            let keep = role != Role::Other;
            let said = members.next_value_seed(Value { reader: &mut *reader, keep })?;
            match role {
                Role::Name => name = name.or(said),
                Role::Value => value = value.or(said),
                Role::Other => {}
            }
            reader.path.truncate(end);
        }
        if let (Some(name), Some(value)) = (name, value) {
            push_segment(&name, &mut reader.path);
            reader.keep(&value);
            reader.path.truncate(end);
        }
        reader.depth -= 1;
        Ok(None)
    }
}

/// What a member is in an object that is an entry of a list of names and values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Name,
    Value,
    Other,
}

/// A member's name, added to the path.
struct Name<'p> {
    path: &'p mut String,
}

impl<'t> DeserializeSeed<'t> for Name<'_> {
    type Value = Role;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Role, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Role;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Role, E> {
        push_segment(name, self.path);
        Ok(match last_name(self.path) {
            "name" | "key" | "displayname" => Role::Name,
            "value" | "newvalue" | "valuestring" | "boolvalue" | "intvalue" => Role::Value,
            _ => Role::Other,
        })
    }
}
