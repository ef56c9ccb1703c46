//! Puts an incident's entities where a step of ours leaves a place open.

use vedette_event::{EntityKind, Incident};
use vedette_kb::runbook::PLACEHOLDERS;

/// A longer value is no name that somebody types.
const MOST_VALUE_BYTES: usize = 128;

/// The step with the incident's values. Steps are pasted into shells and queries, and values come from
/// whoever wrote the log line: one that is more than a plain name leaves the place open.
pub(crate) fn fill(step: &str, incident: &Incident) -> String {
    let mut text = step.to_owned();
    for (place, open) in PLACEHOLDERS {
        if text.contains(place) {
            text = text.replace(place, value_for(place, incident).unwrap_or(open));
        }
    }
    text
}

fn value_for<'a>(place: &str, incident: &'a Incident) -> Option<&'a str> {
    let kind = match place {
        "{source_ip}" => EntityKind::SourceIp,
        "{destination_ip}" => EntityKind::DestinationIp,
        "{user}" => EntityKind::User,
        "{host}" => EntityKind::Host,
        "{domain}" => EntityKind::Domain,
        "{process}" => EntityKind::Process,
        _ => return None,
    };
    let entities = incident.entities.iter().filter(|entity| entity.kind == kind);
    entities.map(|entity| entity.value.as_str()).find(|value| is_plain(value))
}

/// No space, quote, backslash, variable, option or separator.
fn is_plain(value: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@:".contains(&byte);
    !value.is_empty()
        && value.len() <= MOST_VALUE_BYTES
        && !value.starts_with('-')
        && value.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use vedette_event::Entity;

    use super::*;

    #[test]
    fn plain_values_are_filled_in_and_others_left_open() {
        let step = "Query: `user.name = \"{user}\" since 1d`. Block {source_ip}; not {other}.";
        for (user, expected) in [
            ("anna.meier@example.org", "anna.meier@example.org"),
            ("x\" or \"\" = \"", "NAME"),
            ("$(reboot)", "NAME"),
            ("-rf", "NAME"),
            ("a b", "NAME"),
            ("CORP\\anna", "NAME"),
            ("\u{202e}anna", "NAME"),
            ("{source_ip}", "NAME"),
            ("", "NAME"),
            (&"a".repeat(129), "NAME"),
        ] {
            let user = Entity { kind: EntityKind::User, value: user.to_owned() };
            let address = Entity { kind: EntityKind::SourceIp, value: "2001:db8::7".to_owned() };
            let incident = Incident { entities: vec![user, address], ..Incident::default() };
            let filled = format!(
                "Query: `user.name = \"{expected}\" since 1d`. Block 2001:db8::7; not {{other}}."
            );
            assert_eq!(fill(step, &incident), filled);
        }
    }

    #[test]
    fn every_place_of_our_runbooks_is_known() {
        for (place, open) in PLACEHOLDERS {
            let kinds =
                EntityKind::ALL.iter().map(|kind| Entity { kind: *kind, value: "v".into() });
            let incident = Incident { entities: kinds.collect(), ..Incident::default() };
            assert_eq!(fill(place, &incident), "v");
            assert_eq!(fill(place, &Incident::default()), open);
        }
    }
}
