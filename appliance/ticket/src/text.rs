//! A draft as text for a person: plain, inert, bounded.

use std::fmt::Write as _;

use vedette_event::TicketDraft;
use vedette_event::query::Language;

/// Evidence lines shown in a ticket; the console has the rest.
const MAX_LINES: usize = 20;
/// Longest shown piece of log text, in characters.
const MAX_LINE_CHARACTERS: usize = 500;
/// Longest subject: ServiceNow's `short_description` holds 160 characters.
const MAX_SUBJECT_CHARACTERS: usize = 160;

/// Log text made inert: control and bidirectional characters shown as escapes, length capped. What
/// a desk makes of quotes or angle brackets is its renderer's matter: the text is sent as plain.
pub(crate) fn inert(text: &str, limit: usize) -> String {
    let mut shown = String::new();
    let mut characters = text.chars();
    for character in characters.by_ref().take(limit) {
        let hidden = character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if hidden {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// One line: the correlation id first, so that the desk can be searched for it.
pub(crate) fn subject(draft: &TicketDraft) -> String {
    let head = format!("[{}] ", draft.correlation_id);
    let room = MAX_SUBJECT_CHARACTERS.saturating_sub(head.chars().count() + 1);
    head + &inert(&draft.incident.title, room)
}

/// Everything a person without the console needs, as plain text.
pub(crate) fn body(draft: &TicketDraft) -> String {
    let mut text = String::new();
    summary(draft, &mut text);
    reasons(draft, &mut text);
    steps(draft, &mut text);
    evidence(draft, &mut text);
    queries(draft, &mut text);
    text
}

fn summary(draft: &TicketDraft, text: &mut String) {
    let incident = &draft.incident;
    let _ = writeln!(text, "{}\n", inert(&incident.title, MAX_LINE_CHARACTERS));
    let severity = incident.severity.map_or("unknown", |severity| severity.as_str());
    let _ = writeln!(text, "Incident:   {}", incident.id);
    let _ = writeln!(text, "Severity:   {severity}");
    let _ = writeln!(text, "Risk:       {} of 100", incident.risk);
    if let Some(class) = incident.threat_class {
        let _ = writeln!(text, "Class:      {class}");
    }
    if !incident.techniques.is_empty() {
        let ids: Vec<String> = incident.techniques.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "Techniques: {}", ids.join(", "));
    }
    if let (Some(first), Some(last)) = (incident.first_seen, incident.last_seen) {
        let _ = writeln!(text, "Seen:       {first} to {last}");
    }
    for (name, value) in
        [("Device", &incident.device_id), ("Customer", &incident.tenant), ("Site", &incident.site)]
    {
        if let Some(value) = value {
            let _ =
                writeln!(text, "{:<11} {}", format!("{name}:"), inert(value, MAX_LINE_CHARACTERS));
        }
    }
    for entity in incident.entities.iter().take(MAX_LINES) {
        let _ = writeln!(text, "- {}: {}", entity.kind, inert(&entity.value, MAX_LINE_CHARACTERS));
    }
    if incident.needs_human {
        let _ = writeln!(text, "\nVedette is not sure about this one: a person should look.");
    }
    if let Some(url) = &draft.console_url {
        let _ = writeln!(text, "\n{url}");
    }
}

fn reasons(draft: &TicketDraft, text: &mut String) {
    let _ = writeln!(text, "\nWhy the risk is {}", draft.incident.risk);
    for reason in &draft.incident.risk_reasons {
        let _ =
            writeln!(text, "{:+4} {}", reason.points, inert(&reason.reason, MAX_LINE_CHARACTERS));
    }
}

fn steps(draft: &TicketDraft, text: &mut String) {
    let Some(resolution) = &draft.resolution else { return };
    let _ = writeln!(text, "\nWhat to do");
    for (number, step) in resolution.steps.iter().enumerate() {
        let what = inert(&step.text, MAX_LINE_CHARACTERS);
        let _ = writeln!(text, "{}. {what} [{}]", number + 1, step.source);
    }
}

fn evidence(draft: &TicketDraft, text: &mut String) {
    let lines = &draft.incident.evidence;
    let _ = writeln!(text, "\nEvidence ({} lines in all)", draft.incident.members);
    for line in lines.iter().take(MAX_LINES) {
        let event = line.event_id.map(|id| format!("event {id}: ")).unwrap_or_default();
        let _ = writeln!(text, "{event}{}", inert(&line.raw, MAX_LINE_CHARACTERS));
    }
}

/// The query of the box itself; eleven of them would bury the rest of the ticket.
fn queries(draft: &TicketDraft, text: &mut String) {
    let (own, others): (Vec<_>, Vec<_>) = draft
        .queries
        .iter()
        .filter_map(|rendered| Some((rendered.language, rendered.query.as_ref()?)))
        .partition(|(language, _)| *language == Language::Local);
    for (language, query) in own {
        let _ = writeln!(text, "\nQuery ({language})\n{query}");
    }
    if !others.is_empty() {
        let names: Vec<String> = others.iter().map(|(name, _)| name.to_string()).collect();
        let _ = writeln!(text, "\nThe console has this query for {}.", names.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_text_is_inert_and_bounded() {
        for (text, limit, expected) in [
            ("plain <b>text</b>", 99, "plain <b>text</b>"),
            ("a\x1b[31mb\nc\0", 99, "a\\u{1b}[31mb\\u{a}c\\u{0}"),
            ("x\u{202e}y", 99, "x\\u{202e}y"),
            ("éééé", 2, "éé…"),
        ] {
            assert_eq!(inert(text, limit), expected);
        }
    }
}
