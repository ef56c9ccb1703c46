//! "More than 10 by source in 5 minutes": what is counted, by what, how often, how soon.

use ::time::Duration;
use vedette_event::query::{Aggregation, FieldName};
use vedette_kb::dialects::Activity;

use super::activity::counting;
use super::time_words::unit;
use super::words::Words;

/// The window of a count that names none.
const USUAL_WINDOW: Duration = Duration::minutes(10);

/// What the question counts: its own numbers first, the activity's usual ones where it names none.
pub(super) fn find(words: &Words<'_>, activity: Option<&Activity>) -> Option<Aggregation> {
    let usual = activity.and_then(counting);
    let Some(at_least) = threshold(words) else { return usual };
    let by = groups(words);
    let distinct = distinct(words);
    let (usual_by, usual_distinct, usual_window) = match usual {
        Some(usual) => (usual.by, usual.distinct, usual.window),
        None => (vec![FieldName("source.ip".to_owned())], None, USUAL_WINDOW),
    };
    Some(Aggregation {
        by: if by.is_empty() { usual_by } else { by },
        distinct: distinct.or(usual_distinct),
        at_least,
        window: window(words).unwrap_or(usual_window),
    })
}

/// "more than 10", "over 10", "at least 10", "10 or more", "exceeds 10", "> 10".
fn threshold(words: &Words<'_>) -> Option<u64> {
    (0..words.len()).find_map(|at| {
        let number: u64 = words.lower(at).trim_end_matches('+').parse().ok()?;
        let measures = unit(words.lower(at + 1)).is_some() || is_measure(words.lower(at + 1));
        if measures {
            return None;
        }
        let before = at.checked_sub(2).map_or("", |two| words.lower(two));
        let above = match (before, words.before(at)) {
            ("more" | "greater" | "higher", "than")
            | (_, "over" | "above" | "exceeding" | "exceeds" | ">") => 1,
            ("at", "least") | (_, ">=" | "minimum") => 0,
            _ if words.lower(at).ends_with('+') => 0,
            _ if matches!(
                (words.lower(at + 1), words.lower(at + 2)),
                ("or", "more") | ("times", _)
            ) =>
            {
                0
            }
            _ => return None,
        };
        Some(number.saturating_add(above)).filter(|number| *number > 0)
    })
}

fn is_measure(word: &str) -> bool {
    matches!(word, "bytes" | "kb" | "mb" | "gb" | "megabytes" | "gigabytes" | "percent" | "%")
}

/// "by source", "per user", "from the same address", "from a single host".
fn groups(words: &Words<'_>) -> Vec<FieldName> {
    let mut groups: Vec<FieldName> = Vec::new();
    for at in 0..words.len() {
        let leads = matches!(
            words.lower(at),
            "by" | "per" | "each" | "same" | "single" | "one" | "grouped"
        );
        if !leads {
            continue;
        }
        let group = field(words.lower(at + 1), words.lower(at + 2));
        groups.extend(group.filter(|field| !groups.contains(field)));
        // "by source and user"
        let second =
            matches!(words.lower(at + 2), "and" | ",").then(|| field(words.lower(at + 3), ""));
        groups.extend(second.flatten().filter(|field| !groups.contains(field)));
    }
    groups
}

/// "different users", "distinct ports", "unique hosts".
fn distinct(words: &Words<'_>) -> Option<FieldName> {
    (0..words.len())
        .filter(|at| matches!(words.lower(*at), "different" | "distinct" | "unique"))
        .find_map(|at| field(words.lower(at + 1), words.lower(at + 2)))
}

fn field(word: &str, next: &str) -> Option<FieldName> {
    let singular = |word: &str| word.strip_suffix('s').unwrap_or(word).to_owned();
    let name = match (singular(word).as_str(), singular(next).as_str()) {
        ("source", "port") => "source.port",
        ("destination" | "target", "port") | ("port", _) => "destination.port",
        (
            "source" | "src" | "ip" | "address" | "addresse" | "attacker" | "client" | "sourceip",
            _,
        ) => "source.ip",
        ("destination" | "dest" | "target" | "dst", _) => "destination.ip",
        ("user" | "account" | "username", _) => "user.name",
        ("host" | "hostname" | "machine" | "computer" | "server" | "endpoint" | "device", _) => {
            "host.name"
        }
        ("domain", _) => "dns.question.name",
        ("url" | "uri" | "path", _) => "url.original",
        ("process" | "processe" | "program", _) => "process.name",
        _ => return None,
    };
    Some(FieldName(name.to_owned()))
}

/// "in 5 minutes", "within an hour", "a 10 minute window", "5-minute", "per minute". A stretch that
/// "last" or "past" leads is the question's window, not the count's.
fn window(words: &Words<'_>) -> Option<Duration> {
    (0..words.len()).find_map(|at| {
        let (led, word) = (words.before(at), words.lower(at));
        if matches!(led, "last" | "past" | "previous") {
            return None;
        }
        let number = match word {
            "a" | "an" | "one" => 1,
            other => other.parse::<i64>().ok().unwrap_or(0),
        };
        if let Some(length) = unit(words.lower(at + 1)).filter(|_| number > 0) {
            let spoken = matches!(led, "in" | "within" | "over" | "per" | "every" | "a" | "during");
            let window = matches!(words.lower(at + 2), "window" | "period" | "timeframe" | "span");
            return (spoken || window)
                .then(|| length.saturating_mul(i32::try_from(number).unwrap_or(1)));
        }
        if let Some((number, name)) = word.split_once('-') {
            return unit(name)?.checked_mul(number.parse().ok()?);
        }
        unit(word).filter(|_| matches!(led, "per"))
    })
}
