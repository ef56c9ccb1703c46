use std::fs::{self, OpenOptions};
use std::path::Path;

use vedette_event::{EventId, Incident, IncidentId};

use crate::catalog::all_blocks;
use crate::retention::Sweeper;
use crate::testing::{open, record};
use crate::{Recovered, Retention, Store, TriageCommit};

/// Lines in each sealed block.
const BLOCK: u64 = 20;

/// Three blocks in a segment, seven lines in the journal, an incident.
fn filled(folder: &Path) {
    let (store, _) = open(folder);
    let writer = store.writer();
    for number in 1..=3 * BLOCK + 7 {
        writer.append(record(&format!("line {number}"))).unwrap();
        if number % BLOCK == 0 {
            writer.flush().unwrap();
            writer.seal().unwrap();
        }
    }
    let incidents = vec![Incident { id: IncidentId(4), ..Incident::default() }];
    let watermark = EventId(50);
    writer.commit_triage(TriageCommit { watermark, incidents, ..TriageCommit::default() }).unwrap();
    store.close().unwrap();
    // The write-ahead log would mend the database.
    let connection = rusqlite::Connection::open(folder.join("store.db")).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

fn segment(folder: &Path) -> std::path::PathBuf {
    folder.join(format!("segments/{:016}.seg", 1))
}

/// The numbers of the lines that are there, each with the text it had.
fn lines(store: &Store) -> Vec<u64> {
    let events = store.reader().events_after(EventId(0), 1000).unwrap();
    for (id, line) in &events {
        assert_eq!(line.message, format!("line {}", id.0));
    }
    events.iter().map(|(id, _)| id.0).collect()
}

/// A further line gets the next number.
fn goes_on(store: &Store, next: u64) {
    store.writer().append(record(&format!("line {next}"))).unwrap();
    store.writer().flush().unwrap();
    assert_eq!(store.reader().last_event_id().unwrap(), EventId(next));
    assert_eq!(lines(store).last(), Some(&next));
}

fn cut(path: &Path, length: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

#[test]
fn nothing_is_said_where_all_is_well() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let (store, _) = open(folder.path());
    assert_eq!((store.recovered(), store.recovered().sentence()), (&Recovered::default(), None));
    assert_eq!(lines(&store), (1..=67).collect::<Vec<_>>());
    goes_on(&store, 68);
}

#[test]
fn without_its_database_a_store_finds_its_segments() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    fs::remove_file(folder.path().join("store.db")).unwrap();
    let (store, _) = open(folder.path());
    assert_eq!(store.recovered().found_lines, 60);
    assert_eq!(lines(&store), (1..=60).collect::<Vec<_>>());
    let reader = store.reader();
    assert_eq!(reader.watermark().unwrap(), EventId(60), "nothing is judged twice");
    assert!(reader.next_incident_id().unwrap() > IncidentId(4), "no number is given twice");
    goes_on(&store, 61);
}

#[test]
fn a_damaged_database_is_put_aside_and_read_as_far_as_it_can_be() {
    for (name, damage) in [
        (
            "cut in half",
            &(|path: &Path| cut(path, fs::metadata(path).unwrap().len() / 2)) as &dyn Fn(&Path),
        ),
        ("cut in its first page", &|path: &Path| cut(path, 1000)),
        ("overwritten", &|path: &Path| {
            fs::write(path, "not a database, and long enough for a header".repeat(50)).unwrap()
        }),
        ("a page overwritten", &|path: &Path| {
            let mut bytes = fs::read(path).unwrap();
            let middle = bytes.len() / 2 / 4096 * 4096;
            bytes[middle..middle + 4096].fill(0xa5);
            fs::write(path, bytes).unwrap();
        }),
    ] {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        damage(&folder.path().join("store.db"));
        let (store, _) = open(folder.path());
        let recovered = store.recovered().clone();
        assert!(recovered.database_aside.as_ref().is_some_and(|path| path.exists()), "{name}");
        let there = lines(&store);
        assert_eq!(&there[..60], (1..=60).collect::<Vec<_>>(), "{name}: {recovered:?}");
        let next = store.reader().last_event_id().unwrap().0 + 1;
        goes_on(&store, next);
        drop(store);
        let (store, _) = open(folder.path());
        assert_eq!(store.recovered(), &Recovered::default(), "{name}: mended once");
    }
}

#[test]
fn what_is_missing_of_a_segment_is_told_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let size = fs::metadata(segment(folder.path())).unwrap().len();
    cut(&segment(folder.path()), size - 1);
    let (store, _) = open(folder.path());
    assert_eq!(store.recovered().lost_lines, BLOCK);
    assert_eq!(lines(&store), (1..=40).chain(61..=67).collect::<Vec<_>>());
    goes_on(&store, 68);
    drop(store);

    fs::remove_file(segment(folder.path())).unwrap();
    let (store, _) = open(folder.path());
    assert_eq!(store.recovered().lost_lines, 2 * BLOCK);
    assert_eq!(lines(&store), (61..=68).collect::<Vec<_>>());
    store.writer().seal().unwrap();
    goes_on(&store, 69);
}

#[test]
fn frames_without_an_entry_are_found_and_halves_are_cut() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    // As after a power cut: the frame is on the disk, the lines are in the journal still.
    let (store, _) = open(folder.path());
    let journalled = store
        .writer()
        .with_lines(|connection, lines| {
            let kept = crate::catalog::increments(connection)?.unwrap();
            lines.seal(connection)?;
            let transaction = connection.transaction()?;
            crate::catalog::remove_block(&transaction, EventId(61))?;
            for body in &kept.1 {
                crate::catalog::add_increment(&transaction, kept.0, 7, body)?;
            }
            transaction.commit()?;
            Ok(kept.1.len())
        })
        .unwrap();
    assert_eq!(journalled, 1);
    store.close().unwrap();
    let whole = fs::metadata(segment(folder.path())).unwrap().len();
    let (store, _) = open(folder.path());
    assert_eq!(store.recovered(), &Recovered::default());
    assert!(fs::metadata(segment(folder.path())).unwrap().len() < whole);
    assert_eq!(lines(&store), (1..=67).collect::<Vec<_>>());
    store.writer().seal().unwrap();
    goes_on(&store, 68);
}

#[test]
fn every_flipped_byte_of_a_segment_costs_its_block_at_most() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let good = fs::read(segment(folder.path())).unwrap();
    let reader = crate::Reader::open(folder.path()).unwrap();
    for position in (0..good.len()).step_by(97) {
        let mut bad = good.clone();
        bad[position] ^= 0x10;
        fs::write(segment(folder.path()), bad).unwrap();
        let there = reader.events_after(EventId(0), 1000).unwrap();
        assert!(there.len() as u64 >= 67 - BLOCK, "byte {position}: {}", there.len());
        assert!(there.iter().all(|(id, line)| line.message == format!("line {}", id.0)));
    }
}

#[test]
fn a_journal_is_read_up_to_its_first_gap() {
    for (lost_row, kept) in [(0, 0), (2, 4)] {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = open(folder.path());
        for number in 1..=10 {
            store.writer().append(record(&format!("line {number}"))).unwrap();
            if number % 2 == 0 {
                store.writer().flush().unwrap();
            }
        }
        store
            .writer()
            .with_connection(move |connection| {
                let sql = "DELETE FROM journal WHERE first = ?";
                connection.execute(sql, [2 * lost_row + 1])?;
                Ok(())
            })
            .unwrap();
        store.close().unwrap();
        let (store, _) = open(folder.path());
        assert_eq!(store.recovered().lost_lines, 8 - kept, "the row that is gone is not known");
        assert_eq!(lines(&store), (1..=kept).collect::<Vec<_>>());
        store.writer().append(record("next")).unwrap();
        store.writer().flush().unwrap();
        store.writer().seal().unwrap();
        let events = store.reader().events_after(EventId(0), 100).unwrap();
        assert_eq!(events.len() as u64, kept + 1);
    }
}

/// How many frames are damaged unless `VEDETTE_DAMAGED_FRAMES` says otherwise.
const DAMAGED_FRAMES: u64 = 60;

#[test]
fn a_flipped_byte_in_every_other_frame_leaves_the_rest_readable() {
    let damaged = std::env::var("VEDETTE_DAMAGED_FRAMES");
    let damaged = damaged.map_or(DAMAGED_FRAMES, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    for number in 1..=2 * damaged {
        store.writer().append(record(&format!("line {number}"))).unwrap();
        store.writer().flush().unwrap();
        store.writer().seal().unwrap();
    }
    let entries = store.writer().with_lines(|connection, _| all_blocks(connection)).unwrap();
    assert_eq!(entries.len() as u64, 2 * damaged);
    let mut bytes = fs::read(segment(folder.path())).unwrap();
    for (number, entry) in entries.iter().enumerate().step_by(2) {
        // Another byte in each frame: header, filter and body.
        let byte = (number as u64 * 7919) % entry.bytes;
        bytes[(entry.place.offset + byte) as usize] ^= 0x04;
    }
    fs::write(segment(folder.path()), &bytes).unwrap();

    let readable: Vec<u64> = (1..=damaged).map(|number| 2 * number).collect();
    let there = lines(&store);
    assert!(readable.iter().all(|number| there.contains(number)));
    let reader = store.reader();
    store
        .writer()
        .with_lines(move |connection, lines| {
            let mut sweeper = Sweeper::default();
            let forever = Retention { days: 100_000, max_bytes: u64::MAX };
            for _ in 0..damaged {
                sweeper.sweep(connection, lines, &forever, crate::testing::at(0))?;
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(lines(&store), there, "what is damaged is passed over");
    let counts = reader.counts().unwrap();
    assert_eq!(counts.events, there.len() as u64);
    assert_eq!(counts.events + counts.damaged, 2 * damaged);
    drop(store);

    // Without its database the store is found again, the damaged frames left out.
    fs::remove_file(folder.path().join("store.db")).unwrap();
    let (store, _) = open(folder.path());
    assert_eq!(lines(&store), there);
    let mended = there.len() as u64 - damaged;
    println!(
        "{damaged} frames damaged: {damaged} others readable, and {mended} with a damaged filter"
    );
}
