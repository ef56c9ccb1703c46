use vedette_event::{Entity, EntityKind, LogRecord};

/// Entities listed of one record. A real line names a dozen at most; more is a flood that would tie
/// unrelated incidents together.
pub const MAX_ENTITIES: usize = 24;

/// Longest value of an entity, in bytes: a URL's usual limit.
const MAX_VALUE_BYTES: usize = 2048;

/// Which field names what, the telling ones first.
const FIELDS: &[(&str, EntityKind)] = &[
    ("source.ip", EntityKind::SourceIp),
    ("user.name", EntityKind::User),
    ("destination.ip", EntityKind::DestinationIp),
    ("host.name", EntityKind::Host),
    ("process.name", EntityKind::Process),
    ("file.hash.sha256", EntityKind::Hash),
    ("process.hash.sha256", EntityKind::Hash),
    ("file.hash.sha1", EntityKind::Hash),
    ("file.hash.md5", EntityKind::Hash),
    ("file.path", EntityKind::File),
    ("url.original", EntityKind::Url),
    ("dns.question.name", EntityKind::Domain),
    ("url.domain", EntityKind::Domain),
    ("source.domain", EntityKind::Host),
    ("destination.domain", EntityKind::Domain),
    ("user.target.name", EntityKind::User),
    ("user.effective.name", EntityKind::User),
    ("process.parent.name", EntityKind::Process),
    ("destination.port", EntityKind::Port),
];

/// What a record is about: its source address and user first, each once, at most [`MAX_ENTITIES`].
pub fn entities(record: &LogRecord) -> Vec<Entity> {
    let mut found: Vec<Entity> = Vec::new();
    let named = FIELDS.iter().filter_map(|(name, kind)| Some((*kind, record.fields.get(name)?)));
    let header = record.host.as_deref().map(|host| (EntityKind::Host, host));
    for (kind, value) in named.chain(header) {
        let value = normal_form(kind, value);
        if value.is_empty() || value.len() > MAX_VALUE_BYTES || found.len() == MAX_ENTITIES {
            continue;
        }
        if !found.iter().any(|entity| entity.kind == kind && entity.value == value) {
            found.push(Entity { kind, value });
        }
    }
    found
}

/// Names that are written in any case are compared in lower case.
fn normal_form(kind: EntityKind, value: &str) -> String {
    match kind {
        EntityKind::Hash | EntityKind::Domain | EntityKind::Host => {
            value.trim_end_matches('.').to_ascii_lowercase()
        }
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use vedette_event::{Peer, Transport};

    use super::*;
    use crate::{Received, decode};

    #[test]
    fn a_record_names_each_entity_once() {
        let received = Received {
            received_at: datetime!(2026-08-15 12:00 UTC),
            peer: Peer::Local,
            transport: Transport::File,
        };
        let hash = "AB".repeat(32);
        let line = format!(
            r#"{{"src_ip":"::ffff:203.0.113.9","user":"bob","host":{{"name":"PC.Example."}},"sha256":"{hash}"}}"#
        );
        let found = entities(&decode(line.into_bytes(), received));
        let found: Vec<_> =
            found.iter().map(|entity| (entity.kind, entity.value.as_str())).collect();
        assert_eq!(
            found,
            [
                (EntityKind::SourceIp, "203.0.113.9"),
                (EntityKind::User, "bob"),
                (EntityKind::Host, "pc.example"),
                (EntityKind::Hash, hash.to_ascii_lowercase().as_str()),
            ]
        );
    }
}
