//! A deployment's own schema renames fields and takes fields away, in every dialect.

use time::OffsetDateTime;
use time::macros::datetime;
use vedette_event::query::Language;
use vedette_query::{Schema, check, from_intent, render};

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

/// A language, the name of its source, and what the fields for the time, the address and the account
/// are called there.
const SCHEMAS: [(Language, &str, [&str; 3]); 10] = [
    (Language::YaraL, "udm", ["metadata.event_timestamp", "src.ip", "src.user.userid"]),
    (Language::Aql, "events", ["starttime", "client address", "login"]),
    (Language::Kql, "AcmeLogon_CL", ["Timestamp", "ClientAddress_s", "Login_s"]),
    (Language::Spl, "acme_auth", ["_time", "client_address", "login"]),
    (Language::Esql, "acme-auth-*", ["event_time", "acme.client", "acme.login"]),
    (Language::Eql, "acme-auth-*", ["@timestamp", "acme.client", "acme.login"]),
    (Language::Lucene, "acme-auth-*", ["@timestamp", "acme.client", "acme.login"]),
    (Language::Kuery, "acme-auth-*", ["@timestamp", "acme.client", "acme.login"]),
    (Language::Sigma, "acme/logon", ["time", "ClientAddress", "Login"]),
    (Language::LogScale, "acme", ["@timestamp", "acme.client", "acme.login"]),
];

fn schema(
    language: Language,
    source: &str,
    [time, address, login]: [&str; 3],
    whole: bool,
) -> Schema {
    let login = if whole {
        format!(",\"{login}\":{{\"type\":\"string\",\"ecs\":\"user.name\"}}")
    } else {
        String::new()
    };
    let text = format!(
        "{{\"language\":\"{language}\",\"sources\":[{{\"name\":\"{source}\",\"role\":\"auth\",\"fields\":{{\
         \"{time}\":{{\"type\":\"datetime\",\"ecs\":\"@timestamp\"}},\
         \"{address}\":{{\"type\":\"ip\",\"ecs\":\"source.ip\"}}{login}}}}}]}}"
    );
    Schema::parse(&text).expect("the schema is well formed")
}

#[test]
fn fields_are_renamed_and_none_is_used_that_the_schema_lacks() {
    let query = from_intent("from 203.0.113.9 where user is \"alice\" in the last 3 hours", NOW);
    for (language, source, names) in SCHEMAS {
        let whole = schema(language, source, names, true);
        let rendered = render(&query, language, Some(&whole), NOW);
        let text = rendered.query.clone().unwrap_or_default();
        assert!(rendered.valid, "{language}: {rendered:?}");
        assert!(text.contains(names[1]) && text.contains(names[2]), "{language}: {text}");
        let part = schema(language, source, names, false);
        assert!(
            check(language, &text, Some(&part)).is_err(),
            "{language}: a field is gone\n{text}"
        );
        let rendered = render(&query, language, Some(&part), NOW);
        let text = rendered.query.clone().unwrap_or_default();
        assert!(rendered.valid, "{language}: {rendered:?}");
        assert!(text.contains(names[1]) && !text.contains(names[2]), "{language}: {text}");
        let told = rendered.notes.iter().any(|note| note.contains("user.name"));
        assert!(told, "{language}: {:?}", rendered.notes);
    }
}

#[test]
fn a_schema_of_defender_moves_the_time() {
    let text = r#"{"language":"kql","sources":[{"name":"DeviceProcessEvents","role":"process","fields":{
        "Timestamp":{"type":"datetime"},"ActionType":{"type":"string","ecs":"event.action"},
        "FileName":{"type":"string","ecs":"process.name"},
        "ProcessCommandLine":{"type":"string","ecs":"process.command_line"}}}]}"#;
    let schema = Schema::parse(text).expect("the schema is well formed");
    let query = from_intent("process creation of certutil.exe in the last 2 hours", NOW);
    let rendered = render(&query, Language::Kql, Some(&schema), NOW);
    let text = rendered.query.clone().unwrap_or_default();
    assert!(rendered.valid, "{rendered:?}");
    assert!(text.contains("| where Timestamp > ago(2h)"), "{text}");
    assert!(text.contains("ActionType =~ \"ProcessCreated\""), "{text}");
}

#[test]
fn a_question_of_which_nothing_is_left_is_refused() {
    let query = from_intent("where user is \"alice\"", NOW);
    for (language, source, names) in SCHEMAS {
        let part = schema(language, source, names, false);
        let rendered = render(&query, language, Some(&part), NOW);
        // Where every field can be looked in at once, the value is.
        let anywhere = matches!(language, Language::Kql | Language::Sigma);
        assert_eq!(rendered.query.is_some(), anywhere, "{language}: {rendered:?}");
        let told = rendered
            .notes
            .iter()
            .any(|note| note.starts_with("not supported: ") || note.contains("looked for in all"));
        assert!(told, "{language}: {:?}", rendered.notes);
    }
}
