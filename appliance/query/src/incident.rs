//! What to look for when an incident is known: its entities, and what its class and techniques leave
//! behind. No text of the incident but its entities' values reaches the query.

use time::{Duration, OffsetDateTime};
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate, Query, TimeRange, Value};
use vedette_event::{Entity, EntityKind, Incident, TechniqueId};
use vedette_kb::dialects::{Activity, activities};

use crate::intent::counting;
use crate::local::parse_filter;
use crate::shape::{DEFAULT_LIMIT, DEFAULT_WINDOW, all, any, compare, is_everything, text};

/// Looked at before the first and after the last line of an incident.
const MARGIN: Duration = Duration::hours(1);

/// Values taken of each kind of entity; an incident with more is searched by its root cause.
const MAX_VALUES: usize = 16;

/// The query for an incident's evidence: its entities, narrowed to what its techniques or its class
/// would show, from an hour before it was first seen to an hour after it was last seen. `now` stands
/// in for times that are missing.
pub fn from_incident(incident: &Incident, now: OffsetDateTime) -> Query {
    let activity = activity(incident);
    let shown = activity.and_then(|activity| parse_filter(&activity.filter).ok());
    Query {
        filter: filter(&incident.entities, shown),
        aggregation: activity.and_then(|activity| aggregation(activity, incident)),
        projection: Vec::new(),
        time: time(incident, now),
        limit: DEFAULT_LIMIT,
    }
}

/// The entities that lines of this kind carry, and what the activity shows: a line of a firewall names
/// no account, one of an authentication no file. Where none of them is known, all entities stand.
fn filter(entities: &[Entity], shown: Option<Predicate>) -> Predicate {
    use EntityKind::{DestinationIp, Domain, File, Hash, Host, Port, Process, SourceIp, Url, User};
    let Some(shown) = shown else { return any_of(entities, EntityKind::ALL) };
    let (places, details): (&[EntityKind], &[EntityKind]) = match category(&shown) {
        Some("authentication") => (&[SourceIp, User], &[]),
        Some("web") => (&[SourceIp, Url], &[]),
        Some("network") => (&[SourceIp, DestinationIp, Domain, Port], &[]),
        Some("email") => (&[User, Domain, Url], &[]),
        _ => (&[Host, User], &[Process, File, Hash]),
    };
    let mut parts: Vec<Predicate> =
        places.iter().filter_map(|kind| one_of(entities, *kind)).collect();
    let mut evidence = vec![shown];
    evidence.extend(details.iter().filter_map(|kind| one_of(entities, *kind)));
    if parts.is_empty() {
        let rest: Vec<EntityKind> =
            EntityKind::ALL.iter().copied().filter(|kind| !details.contains(kind)).collect();
        let known = any_of(entities, &rest);
        parts.extend(Some(known).filter(|known| !is_everything(known)));
    }
    parts.push(any(evidence));
    all(parts)
}

/// The category that a conjunction asks of an event.
pub(crate) fn category(shown: &Predicate) -> Option<&str> {
    facet(shown, "event.category")
}

/// The text that a field must equal where all of a filter holds.
pub(crate) fn facet<'a>(shown: &'a Predicate, name: &str) -> Option<&'a str> {
    let parts = match shown {
        Predicate::And(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    parts.iter().find_map(|part| match part {
        Predicate::Compare { field, value: Value::Text(value), .. } if field.0 == name => {
            Some(value.as_str())
        }
        _ => None,
    })
}

/// The activity of the first technique that has one, else of its parent, else of the class.
fn activity(incident: &Incident) -> Option<&'static Activity> {
    let by_technique = |id: &TechniqueId| {
        let name = id.to_string();
        activities().iter().find(|activity| activity.techniques.contains(&name))
    };
    let parents = || incident.techniques.iter().map(|id| id.parent());
    let class = incident.threat_class.map(|class| class.as_str());
    incident
        .techniques
        .iter()
        .find_map(by_technique)
        .or_else(|| parents().find_map(|parent| by_technique(&parent)))
        .or_else(|| {
            activities()
                .iter()
                .find(|activity| activity.classes.iter().any(|c| Some(c.as_str()) == class))
        })
}

/// Counting by what the incident does not fix already: a brute force from one address is counted per
/// account, one on an account per address. It asks for no more than the incident has, or it would not
/// find that.
fn aggregation(activity: &Activity, incident: &Incident) -> Option<Aggregation> {
    let mut counting = counting(activity)?;
    let has = |kind| incident.entities.iter().any(|entity| entity.kind == kind);
    let user = FieldName("user.name".to_owned());
    if activity.classes.iter().any(|class| class == "brute_force") && !has(EntityKind::User) {
        counting.by.push(user);
        // Guesses spread over accounts: fewer of them fall on each.
        counting.at_least = counting.at_least.div_ceil(2);
    }
    match incident.members {
        // An incident that tells no number, as one written by hand.
        0 => {}
        1 | 2 => return None,
        // Its lines may repeat a value that is counted once, or fall into several groups.
        members => counting.at_least = counting.at_least.min(members.div_ceil(2)),
    }
    Some(counting)
}

/// Lines that name any entity of these kinds; every line where there is none.
fn any_of(entities: &[Entity], kinds: &[EntityKind]) -> Predicate {
    let known: Vec<Predicate> = kinds.iter().filter_map(|kind| one_of(entities, *kind)).collect();
    if known.is_empty() { Predicate::And(known) } else { any(known) }
}

/// Lines that name an entity of this kind.
fn one_of(entities: &[Entity], kind: EntityKind) -> Option<Predicate> {
    let of_kind = entities.iter().filter(|entity| entity.kind == kind && !entity.value.is_empty());
    let values: Vec<Predicate> = of_kind.take(MAX_VALUES).map(predicate).collect();
    (!values.is_empty()).then(|| any(values))
}

fn predicate(entity: &Entity) -> Predicate {
    let value = entity.value.as_str();
    let equal = |field: &str| text(field, Operator::Equal, value);
    match entity.kind {
        EntityKind::SourceIp => equal("source.ip"),
        EntityKind::DestinationIp => equal("destination.ip"),
        EntityKind::User => equal("user.name"),
        EntityKind::Host => equal("host.name"),
        EntityKind::Process => process(value),
        EntityKind::File => file(value),
        EntityKind::Hash => equal(hash_field(value)),
        EntityKind::Url => url(value),
        EntityKind::Domain => domain(value),
        EntityKind::Port => match value.parse() {
            Ok(port) => compare("destination.port", Operator::Equal, Value::Number(port)),
            Err(_) => equal("destination.port"),
        },
    }
}

/// A program by its name, by its path, or as part of a command line.
fn process(value: &str) -> Predicate {
    let field = if value.contains(['/', '\\']) { "process.executable" } else { "process.name" };
    any(vec![
        text(field, Operator::Equal, value),
        text("process.command_line", Operator::Contains, value),
    ])
}

fn file(value: &str) -> Predicate {
    let field = if value.contains(['/', '\\']) { "file.path" } else { "file.name" };
    text(field, Operator::Equal, value)
}

/// A whole URL, or the path of one.
fn url(value: &str) -> Predicate {
    text("url.original", Operator::Contains, value)
}

pub(crate) fn domain(value: &str) -> Predicate {
    any(["dns.question.name", "url.domain", "destination.domain"]
        .map(|field| text(field, Operator::Equal, value))
        .to_vec())
}

/// The field for a hash by its length in hexadecimal digits: MD5 32, SHA-1 40, else SHA-256.
pub(crate) fn hash_field(value: &str) -> &'static str {
    match value.len() {
        32 => "file.hash.md5",
        40 => "file.hash.sha1",
        _ => "file.hash.sha256",
    }
}

fn time(incident: &Incident, now: OffsetDateTime) -> TimeRange {
    let last = incident.last_seen.or(incident.first_seen).unwrap_or(now);
    let first = incident.first_seen.unwrap_or_else(|| last.saturating_sub(DEFAULT_WINDOW));
    TimeRange::Absolute {
        from: first.min(last).saturating_sub(MARGIN),
        to: last.max(first).saturating_add(MARGIN),
    }
}
