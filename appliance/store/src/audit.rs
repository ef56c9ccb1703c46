//! Who did what: an append-only table in which every entry seals those before it.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::instant::{from_micros, to_micros};
use crate::{Reader, StoreError, Writer};

/// The hash before the first entry.
const GENESIS: [u8; 32] = [0; 32];

/// One thing that somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// Its number, from 1 without gaps.
    pub id: u64,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Who: an account, or the part of the box that acted by itself.
    pub actor: String,
    /// What kind of thing, such as `incident.close`.
    pub action: String,
    /// What exactly.
    pub detail: String,
}

/// What the check of the audit log found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Entries that are as they were written.
    pub intact: u64,
    /// The first that is not, or that is missing.
    pub broken_at: Option<u64>,
    /// Hash of the last intact entry, hexadecimal: kept elsewhere, it proves later that nothing was
    /// cut off the end.
    pub head: String,
}

impl Writer {
    /// Adds an entry to the audit log.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn audit(&self, actor: &str, action: &str, detail: &str) -> Result<(), StoreError> {
        let (actor, action, detail) = (actor.to_owned(), action.to_owned(), detail.to_owned());
        self.change(move |transaction| append(transaction, &actor, &action, &detail))
    }
}

impl Reader {
    /// Checks the chain of the audit log from the first entry to the last.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn verify_audit(&self) -> Result<AuditReport, StoreError> {
        self.with(|connection| verify(connection))
    }

    /// The number of the last entry, and how many after `seen` are of a kind; what is new is read only.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn audited_since(&self, seen: u64, action: &str) -> Result<(u64, u64), StoreError> {
        self.with(|connection| {
            let sql = "SELECT coalesce(max(id), ?1), count(*) FILTER (WHERE action = ?2) \
                 FROM audit WHERE id > ?1";
            let (last, count): (i64, i64) = connection
                .prepare_cached(sql)?
                .query_row(params![seen.cast_signed(), action], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            Ok((last.cast_unsigned(), count.cast_unsigned()))
        })
    }

    /// The last entries, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn audit_entries(&self, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.with(|connection| {
            let sql = "SELECT id, at, actor, action, detail FROM audit ORDER BY id DESC LIMIT ?";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([limit as i64], read_entry)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Adds an entry in the transaction of what it tells of.
pub(crate) fn append(
    transaction: &Transaction<'_>,
    actor: &str,
    action: &str,
    detail: &str,
) -> Result<(), StoreError> {
    let last: Option<(i64, [u8; 32])> = transaction
        .prepare_cached("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (last, previous) = last.unwrap_or((0, GENESIS));
    // As it will be read back: to the microsecond.
    let at = from_micros(to_micros(OffsetDateTime::now_utc()));
    let entry = AuditEntry {
        id: last.cast_unsigned() + 1,
        at,
        actor: actor.to_owned(),
        action: action.to_owned(),
        detail: detail.to_owned(),
    };
    let sql = "INSERT INTO audit (id, at, actor, action, detail, hash) VALUES (?, ?, ?, ?, ?, ?)";
    let hash = seal(&previous, &entry);
    let id = entry.id.cast_signed();
    let values = params![id, to_micros(at), actor, action, detail, hash];
    transaction.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// SHA-256 over the hash before, the number, the time and each text with its length in front, so
/// that no two entries read alike.
fn seal(previous: &[u8; 32], entry: &AuditEntry) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(entry.id.to_be_bytes());
    hash.update(to_micros(entry.at).to_be_bytes());
    for text in [&entry.actor, &entry.action, &entry.detail] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().into()
}

fn verify(connection: &Connection) -> Result<AuditReport, StoreError> {
    let sql = "SELECT id, at, actor, action, detail, hash FROM audit ORDER BY id";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let (mut previous, mut intact, mut broken_at) = (GENESIS, 0, None);
    while let Some(row) = rows.next()? {
        let hash = row.get_ref(5)?.as_bytes().map_err(rusqlite::Error::from)?;
        let entry = read_entry(row)?;
        if entry.id != intact + 1 || seal(&previous, &entry) != hash {
            broken_at = Some(intact + 1);
            break;
        }
        previous = seal(&previous, &entry);
        intact += 1;
    }
    let head = previous.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(AuditReport { intact, broken_at, head })
}

fn read_entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        id: row.get::<_, i64>(0)?.cast_unsigned(),
        at: from_micros(row.get(1)?),
        actor: row.get(2)?,
        action: row.get(3)?,
        detail: row.get(4)?,
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::open;

    #[test]
    fn tampering_is_found_where_it_begins() {
        for (tampering, intact, broken_at) in [
            ("SELECT 1", 5, None),
            ("UPDATE audit SET detail = 'nothing' WHERE id = 3", 2, Some(3)),
            ("UPDATE audit SET at = at + 1 WHERE id = 1", 0, Some(1)),
            ("UPDATE audit SET actor = 'ad', action = 'alogin' WHERE id = 2", 1, Some(2)),
            ("DELETE FROM audit WHERE id = 4", 3, Some(4)),
            ("DELETE FROM audit WHERE id = 1; UPDATE audit SET id = id - 1", 0, Some(1)),
            // What is cut off the end shows only against a head kept elsewhere.
            ("DELETE FROM audit WHERE id = 5", 4, None),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let (store, _) = open(folder.path());
            for number in 0..5 {
                store.writer().audit("ada", "login", &format!("from desk {number}")).unwrap();
            }
            let head = store.reader().verify_audit().unwrap().head;
            let sql = format!("DROP TRIGGER audit_keeps; DROP TRIGGER audit_stays; {tampering}");
            store
                .writer()
                .with_connection(move |connection| Ok(connection.execute_batch(&sql)?))
                .unwrap();
            let report = store.reader().verify_audit().unwrap();
            assert_eq!((report.intact, report.broken_at), (intact, broken_at), "{tampering}");
            assert_eq!(report.head == head, intact == 5, "{tampering}");
        }
    }

    #[test]
    fn the_table_itself_refuses_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = open(folder.path());
        store.writer().audit("ada", "login", "").unwrap();
        for sql in ["UPDATE audit SET actor = 'bob'", "DELETE FROM audit"] {
            let refused = store
                .writer()
                .with_connection(move |connection| Ok(connection.execute_batch(sql)?));
            assert!(refused.is_err(), "{sql}");
        }
    }
}
