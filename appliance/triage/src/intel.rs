//! What is known about an entity from outside: a named reason with its points.

use time::OffsetDateTime;
use vedette_event::{Entity, EntityKind, RiskReason};
use vedette_kb::Pack;
use vedette_kb::intel::Confidence;

/// Finds what is known about an entity.
pub trait Intel: Send {
    /// What is known, if anything.
    fn lookup(&self, entity: &Entity, now: OffsetDateTime) -> Option<RiskReason>;
}

/// No intelligence at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoIntel;

impl Intel for NoIntel {
    fn lookup(&self, _: &Entity, _: OffsetDateTime) -> Option<RiskReason> {
        None
    }
}

impl Intel for &'static Pack {
    fn lookup(&self, entity: &Entity, now: OffsetDateTime) -> Option<RiskReason> {
        let value = entity.value.as_str();
        let found = match entity.kind {
            EntityKind::SourceIp | EntityKind::DestinationIp => {
                self.address(value.parse().ok()?)?
            }
            EntityKind::Domain => self.domain(value)?,
            EntityKind::Hash => self.hash(value)?,
            _ => return None,
        };
        let points = match found.confidence {
            Confidence::Low => 5,
            Confidence::Medium => 10,
            Confidence::High => 15,
        };
        let days = self.age(now).whole_days();
        let reason =
            format!("{value} is known: {} ({}; pack is {days} days old)", found.what, found.source);
        Some(RiskReason { reason, points })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_pack_knows_becomes_a_reason() {
        let pack = vedette_kb::Kb::embedded().intel();
        let indicator = pack
            .indicators()
            .iter()
            .find_map(|indicator| match indicator.value {
                vedette_kb::intel::Key::Address(address) => Some(address),
                _ => None,
            })
            .expect("the pack names an address");
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let entity = |value: String| Entity { kind: EntityKind::SourceIp, value };
        let reason = pack.lookup(&entity(indicator.to_string()), now).unwrap();
        assert!(reason.points > 0 && reason.reason.contains(&indicator.to_string()));
        assert_eq!(pack.lookup(&entity("127.0.0.1".to_owned()), now), None);
    }
}
