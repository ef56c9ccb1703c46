//! The kind of event that was asked for stands in the text, also where a platform has no field for it.

use time::macros::datetime;
use vedette_event::query::Language;
use vedette_query::{from_intent, render};

#[test]
fn the_kind_of_event_is_kept() {
    let now = datetime!(2026-11-21 12:00 UTC);
    for (language, intent, parts) in [
        (
            Language::Spl,
            "process creation events where user is \"alice\"",
            ["EventCode", "4688", "user=\"alice\""].as_slice(),
        ),
        (Language::Spl, "process creation events except from 10.0.0.0/8", &["4688", "NOT (src="]),
        (
            Language::Sigma,
            "firewall denies where host is \"web-01\" and user is \"alice\"",
            &["category: firewall", "'deny'", "'web-01'", "'alice'"],
        ),
        (
            Language::Sigma,
            "dns queries from 203.0.113.9 and user is \"bob\"",
            &["category: dns", "'203.0.113.9'"],
        ),
        (
            Language::Esql,
            "registry modifications of the key 'SECURITY\\Policy\\Secrets'",
            &["registry.path"],
        ),
    ] {
        let rendered = render(&from_intent(intent, now), language, None, now);
        let text = rendered.query.unwrap_or_default();
        assert!(rendered.valid, "{intent}: {:?}", rendered.notes);
        for part in parts {
            assert!(text.contains(part), "{intent}: {part} not in\n{text}");
        }
    }
}
