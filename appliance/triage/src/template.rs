//! The table of templates seen: how often, since when. What is rare or new is worth a question.

use std::collections::HashMap;

use time::OffsetDateTime;

/// Most templates kept: a small network writes one or two thousand; beyond that the table only
/// remembers noise. 8192 rows of at most 2 KiB stay under 16 MiB.
pub const TEMPLATES_CAP: usize = 8192;

/// What is known of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its number, ascending in order of first appearance, never reused.
    pub id: u64,
    /// How many lines had it.
    pub count: u64,
    /// Time of the first.
    pub first: OffsetDateTime,
    /// Time of the last.
    pub last: OffsetDateTime,
}

/// Templates with their counts; the least recently seen goes when the table is full.
#[derive(Debug, Default)]
pub struct Templates {
    rows: HashMap<String, Seen>,
    next: u64,
}

impl Templates {
    /// Counts a line with this template and returns what is known now.
    pub fn observe(&mut self, template: &str, at: OffsetDateTime) -> Seen {
        if let Some(seen) = self.rows.get_mut(template) {
            seen.count += 1;
            seen.last = seen.last.max(at);
            return *seen;
        }
        if self.rows.len() >= TEMPLATES_CAP {
            self.evict();
        }
        let seen = Seen { id: self.next, count: 1, first: at, last: at };
        self.next += 1;
        self.rows.insert(template.to_owned(), seen);
        seen
    }

    /// How many templates are in the table.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Drops the older half, so that eviction costs little per line.
    fn evict(&mut self) {
        let mut times: Vec<_> = self.rows.values().map(|seen| (seen.last, seen.id)).collect();
        let middle = times.len() / 2;
        let (_, limit, _) = times.select_nth_unstable(middle);
        let limit = *limit;
        self.rows.retain(|_, seen| (seen.last, seen.id) > limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_counts_and_stays_bounded() {
        let mut table = Templates::default();
        let at = OffsetDateTime::UNIX_EPOCH;
        let first = table.observe("a <*>", at);
        let again = table.observe("a <*>", at + time::Duration::SECOND);
        assert_eq!((first.id, again.id, again.count), (0, 0, 2));
        for number in 0..3 * TEMPLATES_CAP {
            table.observe(&format!("t{number}"), at);
            assert!(table.len() <= TEMPLATES_CAP);
        }
    }
}
