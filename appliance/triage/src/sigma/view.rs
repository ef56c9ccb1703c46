//! A record as rules see it: a field by the name that a rule has for it.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use serde_json::Value as Json;
use vedette_event::LogRecord;
use vedette_kb::dialects::{FieldKind, dialect};

use crate::clean::{capped, clean};

/// Longest text that is searched for words and pairs, in bytes, as for the other rules.
const TEXT_CAP: usize = 8 * 1024;

/// Values read of one object; the widest cloud events stay below it.
const LEAVES_CAP: usize = 512;

/// A field of the rules and where a record may hold it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    /// As the rules write it.
    pub(super) name: String,
    /// The same as our decoders keep it from Windows events.
    data: String,
    /// ECS fields that hold the same, and whether only the last part of a path.
    ecs: Vec<(String, bool)>,
}

/// Sigma's names that the tables of dialects leave out, since no question needs them.
const OTHERS: [(&str, &str); 13] = [
    ("cs-uri-query", "url.query"),
    ("cs-uri-query", "url.original"),
    ("c-uri-query", "url.query"),
    ("cs-referer", "http.request.referrer"),
    ("c-useragent", "user_agent.original"),
    ("EventID", "event.code"),
    ("Channel", "winlog.channel"),
    ("Provider_Name", "event.provider"),
    ("Computer", "host.name"),
    ("NewProcessName", "process.executable"),
    ("ParentProcessName", "process.parent.executable"),
    ("ParentImage", "process.parent.executable"),
    ("Message", "message"),
];

impl Field {
    /// A field by the name that a rule has for it.
    pub(super) fn named(name: &str) -> Self {
        let mut ecs: Vec<(String, bool)> = OTHERS
            .iter()
            .filter(|(known, _)| *known == name)
            .map(|(_, ecs)| ((*ecs).to_owned(), false))
            .collect();
        let sources = dialect("sigma").map(|sigma| sigma.sources.as_slice()).unwrap_or_default();
        let fields = sources.iter().flat_map(|source| &source.fields);
        // Whole values before parts of them, and none that only stand somewhere in a longer text.
        let same = fields.filter(|field| field.name == name && field.kind != FieldKind::Wide);
        for part in [false, true] {
            for field in same.clone().filter(|field| (field.kind == FieldKind::Name) == part) {
                if ecs.iter().all(|(known, _)| *known != field.ecs) {
                    ecs.push((field.ecs.clone(), part));
                }
            }
        }
        Self { name: name.to_owned(), data: format!("winlog.event_data.{name}"), ecs }
    }
}

/// A value as rules read it: what shows of it, so that nobody hides from a rule, or trips one, by
/// characters that do not.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) folded: String,
    /// As it came, in lower case, where some of it does not show.
    came: Option<String>,
}

impl Value {
    /// As it came, in lower case.
    pub(super) fn as_it_came(&self) -> &str {
        self.came.as_deref().unwrap_or(&self.folded)
    }
}

impl From<&str> for Value {
    fn from(came: &str) -> Self {
        let came = capped(came, TEXT_CAP);
        let text = clean(came).text;
        let hides = text != came;
        Self { folded: text.to_lowercase(), text, came: hides.then(|| came.to_lowercase()) }
    }
}

/// A record, its values looked up once each.
pub(super) struct View<'a> {
    record: &'a LogRecord,
    fields: &'a [Field],
    found: RefCell<Vec<Option<Rc<[Value]>>>>,
    leaves: OnceCell<Vec<(String, String)>>,
    message: OnceCell<Value>,
}

impl<'a> View<'a> {
    /// A record before rules with these fields.
    pub(super) fn of(record: &'a LogRecord, fields: &'a [Field]) -> Self {
        Self {
            record,
            fields,
            found: RefCell::new(vec![None; fields.len()]),
            leaves: OnceCell::new(),
            message: OnceCell::new(),
        }
    }

    /// The whole message.
    pub(super) fn message(&self) -> &Value {
        self.message.get_or_init(|| Value::from(self.record.message.as_str()))
    }

    /// What the record holds in a field, by the field's place.
    pub(super) fn values(&self, place: usize) -> Rc<[Value]> {
        if let Some(known) = &self.found.borrow()[place] {
            return Rc::clone(known);
        }
        let values: Rc<[Value]> = self.look_up(&self.fields[place]).into();
        self.found.borrow_mut()[place] = Some(Rc::clone(&values));
        values
    }

    /// What the record holds in a field that another one is compared with.
    pub(super) fn named(&self, name: &str) -> Vec<Value> {
        self.look_up(&Field::named(name))
    }

    fn look_up(&self, field: &Field) -> Vec<Value> {
        let fields = &self.record.fields;
        let own = fields.get(&field.name).or_else(|| fields.get(&field.data));
        if let Some(value) = own {
            return vec![Value::from(value)];
        }
        let leaves: Vec<Value> = self
            .leaves()
            .iter()
            .filter(|(path, _)| is_path_of(path, &field.name))
            .map(|(_, value)| Value::from(value.as_str()))
            .collect();
        if !leaves.is_empty() {
            return leaves;
        }
        if field.name.eq_ignore_ascii_case("message") {
            return vec![Value::from(self.record.message.as_str())];
        }
        let mapped = field.ecs.iter().filter_map(|(ecs, part)| {
            let value = fields.get(ecs)?;
            // Rules ask for the end of a path, which a bare name is when a separator stands before it.
            Some(if *part {
                Value::from(format!("\\{value}").as_str())
            } else {
                Value::from(value)
            })
        });
        let mapped: Vec<Value> = mapped.collect();
        if mapped.is_empty() {
            return pair(&self.record.message, &field.name).into_iter().collect();
        }
        mapped
    }

    /// The values of the object in the line, by the path of their keys.
    fn leaves(&self) -> &[(String, String)] {
        self.leaves.get_or_init(|| {
            let mut leaves = Vec::new();
            let message = self.record.message.as_str();
            let object = message.find('{').map(|at| &message[at..]);
            let mut read = object.map(serde_json::Deserializer::from_str);
            if let Some(object) = read.as_mut()
                && let Ok(object) = <Json as serde::Deserialize>::deserialize(object)
            {
                flatten("", &object, &mut leaves);
            }
            leaves
        })
    }
}

fn flatten(path: &str, value: &Json, leaves: &mut Vec<(String, String)>) {
    if leaves.len() >= LEAVES_CAP {
        return;
    }
    match value {
        Json::Object(members) => {
            for (key, value) in members {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&inner, value, leaves);
            }
        }
        Json::Array(entries) => entries.iter().for_each(|entry| flatten(path, entry, leaves)),
        Json::String(text) => leaves.push((path.to_owned(), text.clone())),
        Json::Null => {}
        other => leaves.push((path.to_owned(), other.to_string())),
    }
}

/// Whether a path ends with the name that a rule has for it.
fn is_path_of(path: &str, name: &str) -> bool {
    let tail = path.len().checked_sub(name.len()).and_then(|at| path.get(at..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(name))
        && (path.len() == name.len() || path.as_bytes()[path.len() - name.len() - 1] == b'.')
}

/// The value behind `name=` in a line of pairs.
fn pair(message: &str, name: &str) -> Option<Value> {
    let message = capped(message, TEXT_CAP);
    let mut from = 0;
    while let Some(at) = message[from..].find(name).map(|at| from + at) {
        let (before, behind) = (&message[..at], &message[at + name.len()..]);
        let begins =
            before.chars().next_back().is_none_or(|c| !(c.is_alphanumeric() || "._-".contains(c)));
        if let (true, Some(value)) = (begins, behind.strip_prefix('=')) {
            let quoted = value.strip_prefix('"').and_then(|value| value.split('"').next());
            let bare = || value.split([' ', '\t', ',', ';']).next();
            return quoted.or_else(bare).filter(|value| !value.is_empty()).map(Value::from);
        }
        from = at + name.len();
    }
    None
}
