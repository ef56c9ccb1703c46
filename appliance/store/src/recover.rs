//! Making whole what a crash, a bad disk or a person left of a store, when it is opened: what is still
//! there is found and kept, what is not is told.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};
use time::OffsetDateTime;
use vedette_event::EventId;

use crate::block::Builder;
use crate::catalog::{
    Entry, add_block, all_blocks, cut_journal, increments, last_event, remove_block, set_last_event,
};
use crate::events::set_mark;
use crate::incidents::{INCIDENT_FLOOR, WATERMARK};
use crate::schema::{database_path, open_writer};
use crate::segment::{Segments, is_readable};
use crate::{Recovered, StoreError};

/// Databases put aside that are kept for a closer look; older ones go.
const KEPT_ASIDE: usize = 2;

/// Tables whose rows are carried over from a damaged database, in an order in which no row comes
/// before one it refers to.
const TABLES: [&str; 12] = [
    "marks",
    "settings",
    "accounts",
    "sessions",
    "sources",
    "incidents",
    "members",
    "filings",
    "outbox",
    "verdicts",
    "audit",
    "journal",
];

/// Opens the database of a state folder; a damaged one is put aside, and what can be read of it is
/// carried over into a new one.
pub(crate) fn open_database(
    state_dir: &Path,
    recovered: &mut Recovered,
) -> Result<Connection, StoreError> {
    let path = database_path(state_dir);
    match open_checked(&path) {
        Err(StoreError::Database(error)) if is_damage(&error) => {}
        other => return other,
    }
    let aside = put_aside(&path)?;
    let connection = open_writer(&path)?;
    for table in TABLES {
        recovered.rows += salvage(&connection, &aside, table).unwrap_or_default();
    }
    tracing::error!(
        aside = %aside.display(), rows = recovered.rows,
        "the database of the store was damaged: what could be read was carried over"
    );
    recovered.database_aside = Some(aside);
    Ok(connection)
}

/// A damaged page is found now and not when it is first needed.
fn open_checked(path: &Path) -> Result<Connection, StoreError> {
    let connection = open_writer(path)?;
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" {
        return Ok(connection);
    }
    tracing::error!(verdict, "the database of the store is damaged");
    Err(StoreError::Database(rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error { code: ErrorCode::DatabaseCorrupt, extended_code: 0 },
        Some(verdict),
    )))
}

fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Renames the database and its write-ahead log, and removes the oldest that were put aside before.
fn put_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::File { action: "put aside", path, source }
    };
    let named = |stamp: &str, suffix: &str| -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("{stamp}{suffix}"));
        name.into()
    };
    let stamp = format!(".damaged-{}", OffsetDateTime::now_utc().unix_timestamp());
    for suffix in ["", "-wal", "-shm"] {
        let from = named("", suffix);
        if from.exists() {
            fs::rename(&from, named(&stamp, suffix)).map_err(failed(&from))?;
        }
    }
    let folder = path.parent().unwrap_or(path);
    let mut aside: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(failed(folder))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().contains(".damaged-"))
        .filter(|path| !path.to_string_lossy().ends_with("-wal"))
        .filter(|path| !path.to_string_lossy().ends_with("-shm"))
        .collect();
    aside.sort();
    for old in aside.iter().rev().skip(KEPT_ASIDE) {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = old.as_os_str().to_owned();
            name.push(suffix);
            // One that stays takes room and does no harm.
            let _ = fs::remove_file(name);
        }
    }
    Ok(named(&stamp, ""))
}

/// Copies the rows of a table from both ends as far as they can be read.
fn salvage(connection: &Connection, from: &Path, table: &str) -> Result<u64, StoreError> {
    let damaged = Connection::open(from)?;
    let columns: Vec<String> = {
        let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?)")?;
        let names = statement.query_map([table], |row| row.get(0))?;
        names.collect::<Result<_, _>>()?
    };
    let list = columns.join(", ");
    let places = vec!["?"; columns.len()].join(", ");
    let insert = format!("INSERT OR IGNORE INTO {table} ({list}) VALUES ({places})");
    let key = &columns[0];
    let mut copied = 0;
    for order in ["ASC", "DESC"] {
        let select = format!("SELECT {list} FROM {table} ORDER BY {key} {order}");
        let Ok(mut statement) = damaged.prepare(&select) else { continue };
        let Ok(mut rows) = statement.query([]) else { continue };
        // An error ends this direction: what lies behind it is tried from the other end.
        while let Ok(Some(row)) = rows.next() {
            let values: Result<Vec<rusqlite::types::Value>, _> =
                (0..columns.len()).map(|column| row.get(column)).collect();
            let Ok(values) = values else { continue };
            copied += connection.execute(&insert, rusqlite::params_from_iter(values))? as u64;
        }
    }
    Ok(copied)
}

/// Brings catalog, journal and segments together: enters blocks that nobody entered, forgets blocks
/// that are gone, and cuts what a crash left half written.
pub(crate) fn reconcile(
    connection: &mut Connection,
    segments: &Segments,
    recovered: &mut Recovered,
) -> Result<(), StoreError> {
    let mut files: HashMap<EventId, u64> = segments.list()?.into_iter().collect();
    let mut known_ends: HashMap<EventId, u64> = HashMap::new();
    let mut taken = Taken::default();
    let transaction = connection.transaction()?;
    for entry in all_blocks(&transaction)? {
        let end = entry.place.offset + entry.bytes;
        if files.get(&entry.place.segment).is_some_and(|size| end <= *size) {
            let known = known_ends.entry(entry.place.segment).or_default();
            *known = end.max(*known);
            taken.0.insert(entry.first.0, entry.last().0);
        } else {
            remove_block(&transaction, entry.first)?;
            recovered.lost_lines += u64::from(entry.count);
        }
    }
    if let Some((first, bodies)) = increments(&transaction)? {
        // Without its beginning a journal cannot be read, and behind a gap neither.
        let last = Builder::resume(first, bodies).map_or(EventId(0), |builder| builder.last());
        recovered.lost_lines += cut_journal(&transaction, last)?;
        if last >= first {
            // Lines that were on their way to a segment are still here: the copy there goes.
            taken.0.insert(first.0, last.0);
        }
    }
    let mut found = None;
    let mut names: Vec<EventId> = files.keys().copied().collect();
    names.sort_unstable();
    for segment in names {
        let size = files.remove(&segment).unwrap_or_default();
        let known = known_ends.get(&segment).copied().unwrap_or_default();
        if size > known {
            let last = adopt(&transaction, (segments, segment, known), &mut taken, recovered)?;
            found = found.max(last);
        }
    }
    settle_numbers(&transaction, &taken, found)?;
    transaction.commit()?;
    Ok(())
}

/// Ranges of lines that are somewhere already, by their first lines: the last.
#[derive(Default)]
struct Taken(BTreeMap<u64, u64>);

impl Taken {
    fn overlaps(&self, entry: &Entry) -> bool {
        let before = self.0.range(..=entry.last().0).next_back();
        before.is_some_and(|(_, last)| *last >= entry.first.0)
    }
}

/// Enters the frames behind the known end of a segment, and cuts it behind the last; the last line found.
///
/// Only headers are read, so that a store of many gigabytes opens within seconds. A frame that another
/// follows was flushed before that one was begun; the last one is read whole, for a power cut may have torn
/// it. What is damaged otherwise is found when it is read, at the latest by the sweeper.
fn adopt(
    transaction: &rusqlite::Transaction<'_>,
    (segments, segment, known): (&Segments, EventId, u64),
    taken: &mut Taken,
    recovered: &mut Recovered,
) -> Result<Option<EventId>, StoreError> {
    let mut frames = segments.headers(segment, known)?;
    if let Some((place, header)) = frames.last().copied() {
        let (_, frame) = segments.frame(place)?;
        if !is_readable(&header, &frame) {
            recovered.lost_lines += u64::from(header.count);
            frames.pop();
        }
    }
    let mut found = None;
    let mut end = known;
    for (place, header) in frames {
        let entry = Entry::new(&header, place);
        if !taken.overlaps(&entry) {
            add_block(transaction, &entry)?;
            taken.0.insert(entry.first.0, entry.last().0);
            recovered.found_lines += u64::from(entry.count);
            found = found.max(Some(entry.last()));
            end = place.offset + entry.bytes;
        }
    }
    if end == 0 {
        segments.remove(segment)?;
    } else {
        segments.cut(segment, end)?;
    }
    Ok(found)
}

/// Where the database knows less than the segments and the journal, it is a new one: lines found again
/// keep their numbers and are not judged a second time, and new incidents get numbers that the lost
/// database cannot have used, for each incident needs a line of its own.
fn settle_numbers(
    transaction: &rusqlite::Transaction<'_>,
    taken: &Taken,
    found: Option<EventId>,
) -> Result<(), StoreError> {
    let highest = taken.0.values().copied().max();
    let highest = EventId(highest.unwrap_or_default());
    if highest > last_event(transaction)? {
        set_last_event(transaction, highest)?;
        set_mark(transaction, INCIDENT_FLOOR, highest)?;
        set_mark(transaction, WATERMARK, found.unwrap_or(EventId(0)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
