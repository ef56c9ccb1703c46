//! Comparisons in so many words: "the command line contains x", "destination port is not 443",
//! `user=alice`.

use std::net::IpAddr;

use vedette_event::query::{Operator, Predicate, Value};
use vedette_kb::dialects::{FieldKind, dialect, labels, meaning, program};

use super::entities::Kind;
use super::found::Term;
use super::words::{Words, is_plain};
use crate::lower::is_network;
use crate::shape::{all, any, compare};

/// The words of the longest label, and values in one list.
const LONGEST_LABEL: usize = 4;
const MAX_LIST: usize = 12;

/// Operators in words, the longer before those they begin with; whether they deny.
const OPERATORS: [(&str, Operator, bool); 56] = {
    use Operator::{Contains, EndsWith, Equal, Greater, GreaterEqual, Less, LessEqual, StartsWith};
    [
        ("is not equal to", Equal, true),
        ("does not equal", Equal, true),
        ("not equal to", Equal, true),
        ("does not contain", Contains, true),
        ("do not contain", Contains, true),
        ("doesn't contain", Contains, true),
        ("does not include", Contains, true),
        ("does not start with", StartsWith, true),
        ("does not begin with", StartsWith, true),
        ("does not end with", EndsWith, true),
        ("not containing", Contains, true),
        ("not starting with", StartsWith, true),
        ("not ending with", EndsWith, true),
        ("is not", Equal, true),
        ("are not", Equal, true),
        ("isn't", Equal, true),
        ("!=", Equal, true),
        ("is greater than or equal to", GreaterEqual, false),
        ("is less than or equal to", LessEqual, false),
        ("is greater than", Greater, false),
        ("is more than", Greater, false),
        ("is less than", Less, false),
        ("is at least", GreaterEqual, false),
        ("is at most", LessEqual, false),
        ("is above", Greater, false),
        ("is below", Less, false),
        ("greater than", Greater, false),
        ("more than", Greater, false),
        ("less than", Less, false),
        ("at least", GreaterEqual, false),
        ("at most", LessEqual, false),
        ("above", Greater, false),
        ("over", Greater, false),
        ("below", Less, false),
        ("exceeds", Greater, false),
        ("exceeding", Greater, false),
        (">=", GreaterEqual, false),
        ("<=", LessEqual, false),
        (">", Greater, false),
        ("<", Less, false),
        ("is equal to", Equal, false),
        ("equals", Equal, false),
        ("equal to", Equal, false),
        ("==", Equal, false),
        ("=", Equal, false),
        ("contains", Contains, false),
        ("contain", Contains, false),
        ("containing", Contains, false),
        ("includes", Contains, false),
        ("matching", Contains, false),
        ("starts with", StartsWith, false),
        ("starting with", StartsWith, false),
        ("begins with", StartsWith, false),
        ("ends with", EndsWith, false),
        ("ending with", EndsWith, false),
        ("is", Equal, false),
    ]
};

/// The comparison whose label stands at a place; `None` where there is none.
pub(super) fn read(words: &Words<'_>, at: usize) -> Option<Term> {
    let (field, behind) = label(words, at)?;
    let (operator, denies, mut next) = match operator(words, behind) {
        Some(found) => found,
        None if words.is_quoted(behind) => (Operator::Equal, false, behind),
        None => return None,
    };
    if matches!(words.lower(next), "the" | "a" | "an" | "either" | "exactly") {
        next += 1;
    }
    let first = value(words, next, field, operator)?;
    let mut values = vec![first];
    let (mut together, mut end) = (false, next + 1);
    while let ("or" | "and", true) = (words.lower(end), values.len() < MAX_LIST) {
        let follows = label(words, end + 1).is_none() || words.is_quoted(end + 1);
        let Some(more) = value(words, end + 1, field, operator).filter(|_| follows) else { break };
        together |= words.lower(end) == "and";
        values.push(more);
        end += 2;
    }
    let partial =
        matches!(operator, Operator::Contains | Operator::StartsWith | Operator::EndsWith);
    let predicate = if together && partial && !denies { all(values) } else { any(values) };
    Some(Term { kind: Kind::Field(field), from: at, to: end, predicate, negated: denies })
}

/// The field whose name stands at a place, and the place behind the name.
fn label(words: &Words<'_>, at: usize) -> Option<(&'static str, usize)> {
    (1..=LONGEST_LABEL).rev().find_map(|length| {
        let inside =
            (at..at + length).all(|at| !words.is_quoted(at) && !words.lower(at).is_empty());
        if !inside {
            return None;
        }
        let name = (at..at + length).map(|at| words.lower(at)).collect::<Vec<_>>().join(" ");
        let found = labels().get(name.as_str()).or_else(|| labels().get(name.strip_suffix('s')?));
        let field = found.copied().or_else(|| own_name(&name))?;
        Some((field, at + length))
    })
}

/// An ECS name stands for itself.
fn own_name(name: &str) -> Option<&'static str> {
    let known = dialect("local")?.sources.first()?;
    let field = known.fields.iter().find(|field| field.name == name)?;
    meaning(name).map(|_| field.name.as_str())
}

fn operator(words: &Words<'_>, at: usize) -> Option<(Operator, bool, usize)> {
    OPERATORS.iter().find_map(|(phrase, operator, denies)| {
        let mut next = at;
        for word in phrase.split(' ') {
            if words.lower(next) != word || words.is_quoted(next) {
                return None;
            }
            next += 1;
        }
        Some((*operator, *denies, next))
    })
}

/// The comparison with the word at a place, where it can be a value of the field.
fn value(words: &Words<'_>, at: usize, field: &str, operator: Operator) -> Option<Predicate> {
    let raw = words.raw(at);
    if raw.is_empty() {
        return None;
    }
    let kind = dialect("local")?.sources.first()?.fields_for(field).next()?.kind;
    let ordered = matches!(
        operator,
        Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual
    );
    match kind {
        FieldKind::Number => {
            raw.parse().ok().map(|number| compare(field, operator, Value::Number(number)))
        }
        FieldKind::Address if is_network(raw) => {
            Some(compare(field, Operator::InNetwork, Value::Text(raw.to_owned())))
        }
        FieldKind::Address => raw
            .parse::<IpAddr>()
            .ok()
            .map(|_| compare(field, Operator::Equal, Value::Text(raw.to_owned()))),
        _ if ordered => None,
        _ => {
            let exact = operator == Operator::Equal;
            let named = words.is_quoted(at) || is_name(raw, words.lower(at));
            let any_word = !exact && !is_plain(words.lower(at));
            let said = named || any_word || is_signed(words, at);
            let value = Value::Text(raw.to_owned());
            said.then(|| compare(field, operator, value))
        }
    }
}

/// Whether a sign stands before the value, which no sentence has by chance.
fn is_signed(words: &Words<'_>, at: usize) -> bool {
    matches!(words.before(at), "=" | "==" | "!=" | "equals")
}

/// Whether a word is a name by its shape, or a known one.
fn is_name(raw: &str, lower: &str) -> bool {
    const KNOWN: [&str; 6] = ["root", "admin", "administrator", "guest", "system", "oracle"];
    raw.contains(|c: char| c.is_ascii_digit() || "._\\/$@:-".contains(c))
        || KNOWN.contains(&lower)
        || program(lower).is_some()
}
