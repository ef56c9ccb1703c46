//! Whether the texts mean what was asked: events that match a question and events that miss it by one
//! thing, judged by the question's own tree on ECS fields and, independently, by the tree read back
//! from each dialect's text on that platform's fields.

use std::collections::BTreeMap;
use std::net::IpAddr;

use time::OffsetDateTime;
use vedette_event::query::{Language, Operator, Predicate, Query, Value};
use vedette_kb::dialects::{Dialect, Source, dialect};
use vedette_query::{from_intent, read_back, render};

use crate::scores::as_f64;

/// A line: what each field holds.
type Event = BTreeMap<String, String>;

const SUBJECTS: [&str; 8] = [
    "failed logins",
    "successful logons",
    "process creation events",
    "firewall denies",
    "dns queries",
    "file creation events",
    "registry modifications",
    "web requests",
];

const CONDITIONS: [&str; 30] = [
    "where user is \"alice\"",
    "where user is \"o'brien\"",
    "where user is not \"svc_backup\"",
    "where host is \"web-01\"",
    "where host is \"web-01\" and user is \"alice\"",
    "where host is \"web-01\" or user is \"alice\"",
    "where host is not \"dc1\" and user is \"bob\"",
    "from 203.0.113.9",
    "from 203.0.113.9 and user is \"bob\"",
    "from 10.0.0.0/8",
    "except from 10.0.0.0/8",
    "where process name is \"powershell.exe\"",
    "where process name is \"rundll32.exe\" and user is \"alice\"",
    "where command line contains \"-enc\"",
    "where command line contains \"one\" and \"two\"",
    "where command line contains \"one\" or \"two\"",
    "where command line does not contain \"backup\"",
    "where command line contains \"c:\\temp\\x\"",
    "where file path ends with \".docm\"",
    "where file path contains \"/etc/\"",
    "where file name is \"evil.exe\"",
    "where file path does not contain \"\\windows\\\"",
    "where url contains \"/wp-login.php\"",
    "where url contains \"union select\" or user agent contains \"sqlmap\"",
    "where registry key contains \"currentversion\\run\"",
    "where destination port is 443",
    "where destination port is not 53",
    "where destination port is 3389 or destination port is 22",
    "where dns query is \"evil.example\"",
    "where dns query ends with \".example\"",
];

/// How often each dialect's text was right, of how many questions it could ask.
pub(crate) fn report(now: OffsetDateTime) {
    println!("meaning: {} questions a dialect", SUBJECTS.len() * CONDITIONS.len());
    for &language in Language::ALL {
        let (mut asked, mut whole, mut right, mut right_whole) = (0, 0, 0, 0);
        for subject in SUBJECTS {
            for condition in CONDITIONS {
                let query = from_intent(&format!("{subject} {condition}"), now);
                let Some((is_right, is_whole)) = judge(&query, language, now) else { continue };
                if !is_right && std::env::var_os("SHOW").is_some() {
                    println!(
                        "    {subject} {condition}\n{}",
                        render(&query, language, None, now).query.unwrap_or_default()
                    );
                }
                asked += 1;
                right += usize::from(is_right);
                whole += usize::from(is_whole);
                right_whole += usize::from(is_right && is_whole);
            }
        }
        println!(
            "  {language}: {asked} asked, {:.1} % right; {whole} said in full, {:.1} % of them right",
            100.0 * as_f64(right) / as_f64(asked.max(1)),
            100.0 * as_f64(right_whole) / as_f64(whole.max(1)),
        );
    }
}

/// Whether the text finds the matching events and no near miss, and whether it says all that was asked.
fn judge(query: &Query, language: Language, now: OffsetDateTime) -> Option<(bool, bool)> {
    let rendered = render(query, language, None, now);
    let text = rendered.query?;
    let meaning = read_back(&text, language, query)?;
    let whole = rendered.notes.iter().all(|note| {
        !(note.starts_with("left out")
            || note.starts_with("approximated")
            || note.starts_with("refused"))
    });
    let known = dialect(language.as_str())?;
    let source = source(known, &text)?;
    let mut asked = Event::new();
    satisfy(&query.filter, 0, &mut asked);
    let events = events(&query.filter);
    let right = events.iter().all(|event| {
        let platform = on_platform(event, source, language);
        let found = is_there(event, &asked, source) && holds(&meaning.filter, &platform);
        found == holds(&query.filter, event)
    });
    Some((right, whole))
}

/// Whether the source holds lines of an event's kind: a kind that every line of it is, is told by the
/// source alone.
fn is_there(event: &Event, asked: &Event, source: &Source) -> bool {
    let all_are = source.events.iter().filter(|row| row.all.is_empty() && row.any.is_empty());
    let mut of_kind = all_are.filter(|row| row.when.iter().all(|(f, v)| asked.get(f) == Some(v)));
    of_kind.all(|row| row.when.iter().all(|(field, value)| event.get(field) == Some(value)))
}

/// The source a text looks in.
fn source<'a>(known: &'a Dialect, text: &str) -> Option<&'a Source> {
    let labelled = |source: &&Source| {
        !source.labels.is_empty()
            && source
                .labels
                .iter()
                .all(|(key, label)| text.contains(&format!("  {key}: {label}\n")))
    };
    let named = |source: &&Source| !source.name.is_empty() && text.starts_with(&source.name);
    known
        .sources
        .iter()
        .find(labelled)
        .or_else(|| known.sources.iter().find(named))
        .or(known.sources.first())
}

/// Lines that match a predicate, and lines that differ from one of them in a single field.
fn events(filter: &Predicate) -> Vec<Event> {
    let mut events = Vec::new();
    for choice in 0..3 {
        let mut event = Event::new();
        satisfy(filter, choice, &mut event);
        let fields: Vec<String> = event.keys().cloned().collect();
        for field in fields {
            let mut miss = event.clone();
            let other = another(miss.get(&field).map(String::as_str).unwrap_or_default());
            miss.insert(field, other.to_owned());
            events.push(miss);
        }
        events.push(event);
    }
    events
}

/// What a line that misses by one field holds there: of a fixed list another word, else another value.
fn another(value: &str) -> &'static str {
    match value {
        "success" => "failure",
        "failure" => "success",
        "start" => "end",
        "creation" => "deletion",
        "change" => "deletion",
        "denied" => "allowed",
        address if address.parse::<IpAddr>().is_ok() => "192.0.2.250",
        number if number.parse::<i64>().is_ok() => "60999",
        _ => "zzz",
    }
}

/// Fills an event so that a predicate holds, of alternatives the `choice`th.
fn satisfy(predicate: &Predicate, choice: usize, event: &mut Event) {
    match predicate {
        Predicate::And(parts) => parts.iter().for_each(|part| satisfy(part, choice, event)),
        Predicate::Or(parts) => {
            if let Some(part) = parts.get(choice % parts.len().max(1)) {
                satisfy(part, choice, event);
            }
        }
        // What is excluded stays away, but the field is there to be looked at.
        Predicate::Not(inner) => exclude(inner, event),
        Predicate::Exists(field) => {
            event.entry(field.0.clone()).or_insert_with(|| "x".to_owned());
        }
        Predicate::Compare { field, operator, value } => {
            let value = value.to_string();
            let held = event.get(&field.0).cloned().unwrap_or_default();
            let value = match operator {
                Operator::Contains if !held.is_empty() => format!("{held} {value} y"),
                Operator::Contains => format!("x {value} y"),
                Operator::StartsWith => format!("{value} y"),
                Operator::EndsWith => format!("x{value}"),
                Operator::InNetwork => {
                    value.split('/').next().unwrap_or_default().replace(".0.0.0", ".1.2.3")
                }
                Operator::Greater => (value.parse().unwrap_or(0) + 1_i64).to_string(),
                _ => value,
            };
            event.insert(field.0.clone(), value);
        }
    }
}

fn exclude(predicate: &Predicate, event: &mut Event) {
    match predicate {
        Predicate::And(parts) | Predicate::Or(parts) => {
            parts.iter().for_each(|part| exclude(part, event));
        }
        Predicate::Not(inner) => exclude(inner, event),
        Predicate::Exists(_) => {}
        Predicate::Compare { field, value, .. } => {
            let other = match value {
                Value::Number(_) => "60998",
                Value::Text(text)
                    if text.contains('/')
                        && text.split('/').next().is_some_and(|a| a.parse::<IpAddr>().is_ok()) =>
                {
                    "192.0.2.251"
                }
                Value::Text(_) => "nobody",
            };
            event.entry(field.0.clone()).or_insert_with(|| other.to_owned());
        }
    }
}

/// The line as the platform would hold it: each ECS field under the platform's name for it, what kind of
/// event it is in the platform's own terms.
fn on_platform(event: &Event, source: &Source, language: Language) -> Event {
    let mut platform = Event::new();
    for (ecs, value) in event {
        let mut fields = source.fields_for(ecs).peekable();
        // Of several fields for the same thing, a real line fills the first.
        if let Some(field) = fields.next() {
            let known = platform.entry(field.name.clone()).or_insert_with(|| value.clone());
            if known != value && known.len() < value.len() {
                known.clone_from(value);
            }
        }
        // What the platform has no field for stands somewhere in the line.
        if language == Language::Local || source.fields_for(ecs).next().is_none() {
            platform.insert(ecs.clone(), value.clone());
        }
    }
    let mut rows: Vec<_> = source
        .events
        .iter()
        .filter(|row| row.when.iter().all(|(field, value)| event.get(field) == Some(value)))
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.when.len()));
    let mut said: Vec<&String> = Vec::new();
    for row in rows {
        if row.when.keys().any(|field| said.contains(&field)) {
            continue;
        }
        said.extend(row.when.keys());
        for (field, operator, value) in row.all.iter().chain(row.any.first()) {
            let value = match operator.as_str() {
                "!=" if value.is_empty() => "x".to_owned(),
                "!=" => format!("{value}1"),
                _ => value.clone(),
            };
            let held = platform.entry(field.clone()).or_default();
            // A field that may hold several values, such as a tag, holds them side by side.
            *held = if held.is_empty() { value } else { format!("{held}\u{1f}{value}") };
        }
    }
    platform
}

/// Whether a predicate holds of a line; text compares without regard to case.
fn holds(predicate: &Predicate, event: &Event) -> bool {
    match predicate {
        Predicate::And(parts) => parts.iter().all(|part| holds(part, event)),
        Predicate::Or(parts) => parts.iter().any(|part| holds(part, event)),
        Predicate::Not(inner) => !holds(inner, event),
        Predicate::Exists(field) => event.get(&field.0).is_some_and(|held| !held.is_empty()),
        Predicate::Compare { field, operator, value } => {
            let whole = event.values().map(String::as_str).collect::<Vec<_>>().join("\u{1f}");
            let held = event.get(&field.0).map(String::as_str).unwrap_or_default();
            let held = if field.0 == "*" { whole.as_str() } else { held };
            held.split('\u{1f}').any(|held| compares(held, *operator, &value.to_string()))
        }
    }
}

fn compares(held: &str, operator: Operator, value: &str) -> bool {
    let (held, value) = (held.to_lowercase(), value.to_lowercase());
    let number = |text: &str| text.parse::<i64>().ok();
    let ordered = |wanted: fn(&i64, &i64) -> bool| {
        number(&held).zip(number(&value)).is_some_and(|(held, value)| wanted(&held, &value))
    };
    match operator {
        Operator::Equal => held == value,
        Operator::NotEqual => held != value,
        Operator::Contains => held.contains(&value),
        Operator::StartsWith => held.starts_with(&value),
        Operator::EndsWith => held.ends_with(&value),
        Operator::Less => ordered(i64::lt),
        Operator::LessEqual => ordered(i64::le),
        Operator::Greater => ordered(i64::gt),
        Operator::GreaterEqual => ordered(i64::ge),
        Operator::InNetwork => in_network(&held, &value),
    }
}

fn in_network(address: &str, network: &str) -> bool {
    let Some((of, length)) = network.split_once('/') else { return false };
    let bits: u32 = length.parse().unwrap_or(0);
    match (address.parse(), of.parse()) {
        (Ok(IpAddr::V4(a)), Ok(IpAddr::V4(b))) => {
            let shift = 32_u32.saturating_sub(bits);
            u32::from(a).checked_shr(shift) == u32::from(b).checked_shr(shift)
        }
        (Ok(IpAddr::V6(a)), Ok(IpAddr::V6(b))) => {
            let shift = 128_u32.saturating_sub(bits);
            u128::from(a).checked_shr(shift) == u128::from(b).checked_shr(shift)
        }
        _ => false,
    }
}
