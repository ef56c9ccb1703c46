//! A checker that accepts everything proves nothing: of a thousand spoilt texts a dialect, it must
//! refuse nearly all.

use time::OffsetDateTime;
use time::macros::datetime;
use vedette_event::query::Language;
use vedette_query::{check, from_intent, render};

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
const MUTANTS: usize = 1000;

/// Questions whose texts have brackets, text, numbers, fields and, where a dialect has them, functions.
const QUESTIONS: [&str; 6] = [
    "failed logins from 10.0.0.0/8 by user \"alice\" or user \"bob\" on port 22 in the last 2 days",
    "more than 20 failed logins per source ip within 10 minutes from 203.0.113.9 or 203.0.113.10",
    "process creation of \"powershell.exe\" or \"cmd.exe\" with \"-enc \\\"x\\\"\" and not user \"svc\" on port 443",
    "denied connections from 203.0.113.7 to port 3389 or port 22, at least 5 in 5 minutes",
    "file creation of \"evil (1).docx\" or \"evil.hta\" by user \"carol\" from 203.0.113.7 to port 445",
    "web requests to \"/etc/passwd\" or \"../\" from 198.51.100.0/24 with status 404 or status 500",
];

/// What is done to a text; `None` where the text has no place for it.
type Spoil = fn(&str, usize) -> Option<String>;

fn nth(text: &str, marks: &[char], turn: usize) -> Option<(usize, char)> {
    let found: Vec<(usize, char)> = outside_quotes(text, marks);
    (!found.is_empty()).then(|| found[turn % found.len()])
}

/// Where these characters stand outside texts in quotes.
fn outside_quotes(text: &str, marks: &[char]) -> Vec<(usize, char)> {
    let (mut found, mut quote, mut escaped) = (Vec::new(), None, false);
    for (at, character) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if character == '"' || character == '\'' => quote = Some(character),
            None if character == '\\' => escaped = true,
            None if escaped => escaped = false,
            None if marks.contains(&character) => found.push((at, character)),
            None => {}
        }
    }
    found
}

fn dropped_bracket(text: &str, turn: usize) -> Option<String> {
    let (at, _) = nth(text, &['(', ')', '[', ']', '{', '}'], turn)?;
    Some(format!("{}{}", &text[..at], &text[at + 1..]))
}

/// Every place where a name of the platform stands.
fn names<'a>(text: &'a str, known: &[&str]) -> Vec<(usize, &'a str)> {
    let mut found = Vec::new();
    for name in known {
        for (at, _) in text.match_indices(name) {
            let before = text[..at].chars().next_back().is_none_or(|c| !is_name(c));
            let after = text[at + name.len()..].chars().next().is_none_or(|c| !is_name(c));
            let bare = outside_quotes(&text[..=at], &[text[at..].chars().next().unwrap_or(' ')])
                .last()
                .is_some_and(|(last, _)| *last == at);
            if before && after && bare {
                found.push((at, &text[at..at + name.len()]));
            }
        }
    }
    found
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || "._@#-".contains(character)
}

const FIELDS: [&str; 34] = [
    "source.ip",
    "destination.port",
    "user.name",
    "process.name",
    "process.command_line",
    "url.original",
    "http.response.status_code",
    "event.category",
    "file.path",
    "principal.ip",
    "IpAddress",
    "TargetUserName",
    "EventID",
    "ActionType",
    "RemotePort",
    "FileName",
    "FolderPath",
    "AccountName",
    "DestinationPort",
    "SourceIP",
    "RequestURL",
    "sourceip",
    "destinationPort",
    "userName",
    "src",
    "dest_port",
    "user",
    "process",
    "Image",
    "CommandLine",
    "src_ip",
    "dst_port",
    "cs-uri",
    "sc-status",
];

fn unknown_field(text: &str, turn: usize) -> Option<String> {
    let found = names(text, &FIELDS);
    let (at, name) = *found.get(turn % found.len().max(1))?;
    Some(format!("{}{name}zz{}", &text[..at], &text[at + name.len()..]))
}

fn unknown_function(text: &str, turn: usize) -> Option<String> {
    const CALLS: [&str; 22] = [
        "ipv4_is_in_range",
        "isnotempty",
        "count",
        "ago",
        "bin",
        "CIDR_MATCH",
        "TO_LOWER",
        "COUNT",
        "BUCKET",
        "NOW",
        "cidrMatch",
        "net.ip_in_range_cidr",
        "strings.contains",
        "strings.to_lower",
        "INCIDR",
        "SUM",
        "LONG",
        "UTF8",
        "QIDNAME",
        "bucket",
        "cidr",
        "head",
    ];
    let called = |(at, name): &(usize, &str)| text[at + name.len()..].starts_with('(');
    let found: Vec<(usize, &str)> = names(text, &CALLS).into_iter().filter(called).collect();
    if let Some((at, name)) = found.get(turn % found.len().max(1)) {
        return Some(format!("{}{name}zz{}", &text[..*at], &text[at + name.len()..]));
    }
    // Sigma has modifiers where others have functions.
    let (at, _) = *text.match_indices("|contains").collect::<Vec<_>>().first()?;
    Some(format!("{}|containz{}", &text[..at], &text[at + "|contains".len()..]))
}

/// Quotes without an end.
fn bad_quote(text: &str, turn: usize) -> Option<String> {
    let quotes: Vec<usize> = text.match_indices(['"', '\'']).map(|(at, _)| at).collect();
    let at = *quotes.get(turn % quotes.len().max(1))?;
    (!quotes.is_empty()).then(|| format!("{}{}", &text[..at], &text[at + 1..]))
}

/// A number's field compared with text.
fn wrong_type(text: &str, turn: usize) -> Option<String> {
    const NUMBERS: [&str; 10] = [
        "destination.port",
        "http.response.status_code",
        "RemotePort",
        "DestinationPort",
        "destinationPort",
        "dest_port",
        "target.port",
        "dst_port",
        "sc-status",
        "EventID",
    ];
    let found = names(text, &NUMBERS);
    let (at, name) = *found.get(turn % found.len().max(1))?;
    let rest = &text[at + name.len()..];
    let digits = rest.find(|c: char| c.is_ascii_digit()).filter(|digit| *digit < 6)?;
    let length = rest[digits..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - digits);
    let (head, tail) = (&text[..at + name.len() + digits], &rest[digits + length..]);
    let quote = if text.contains("sourceip") { '\'' } else { '"' };
    (!head.ends_with(['"', '\''])).then(|| format!("{head}{quote}abc{quote}{tail}"))
}

const SPOILS: [(&str, Spoil); 5] = [
    ("dropped bracket", dropped_bracket),
    ("unknown field", unknown_field),
    ("unknown function", unknown_function),
    ("wrong type", wrong_type),
    ("bad quote", bad_quote),
];

#[track_caller]
fn judge(language: Language) {
    let texts: Vec<String> = QUESTIONS
        .iter()
        .map(|question| {
            let rendered = render(&from_intent(question, NOW), language, None, NOW);
            assert!(rendered.valid, "{language}: {rendered:?}");
            rendered.query.unwrap_or_default()
        })
        .collect();
    let (mut refused, mut made) = (0, 0);
    let mut accepted: Vec<String> = Vec::new();
    for turn in 0..MUTANTS {
        let text = &texts[turn % texts.len()];
        let (kind, spoil) = SPOILS[(turn / texts.len()) % SPOILS.len()];
        let Some(mutant) = spoil(text, turn).filter(|mutant| mutant != text) else { continue };
        made += 1;
        match check(language, &mutant, None) {
            Err(_) => refused += 1,
            Ok(()) => accepted.push(format!("{kind}:\n{mutant}")),
        }
    }
    assert!(made >= MUTANTS / 3, "{language}: only {made} mutants");
    accepted.sort_unstable();
    accepted.dedup();
    let enough = refused * 100 >= made * 98;
    assert!(enough, "{language}: {refused} of {made} refused; accepted:\n{}", accepted.join("\n"));
}

#[test]
fn spoilt_texts_are_refused() {
    for language in Language::ALL.iter().filter(|language| **language != Language::Local) {
        judge(*language);
    }
}
