//! The store between processes: who may open it, and what is there after one died.

use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use time::macros::datetime;
use vedette_event::{EventId, Fields, LogRecord, Peer, Transport};
use vedette_store::{Options, Reader, Store, StoreError, TriageCommit, restore};
use vedette_telemetry::Registry;

/// Names the folder to the child process, which is this test binary again.
const CHILD_FOLDER: &str = "VEDETTE_STORE_TEST_FOLDER";

fn record(text: &str) -> LogRecord {
    LogRecord {
        raw: text.as_bytes().to_vec(),
        received_at: datetime!(2026-03-01 12:00 UTC),
        peer: Peer::Local,
        transport: Transport::File,
        facility: None,
        severity: None,
        timestamp: None,
        host: None,
        app: None,
        proc_id: None,
        msg_id: None,
        message: text.to_owned(),
        message_offset: 0,
        dataset: None,
        fields: Fields::default(),
        defects: Vec::new(),
    }
}

fn open(folder: &Path) -> Result<Store, StoreError> {
    let mut options = Options { commit_interval: Duration::from_secs(3600), ..Options::default() };
    options.retention.days = 100_000;
    Store::open(folder, options, &Registry::default())
}

/// Runs one test of this binary in a process of its own.
fn run_child(test: &str, folder: &Path) -> ExitStatus {
    let program = std::env::current_exe().expect("a test binary has a path");
    let mut command = Command::new(program);
    command.args(["--exact", test]).env(CHILD_FOLDER, folder);
    command.output().expect("the test binary runs").status
}

/// In the child: commits two lines and a watermark, hands over a third, and dies at once.
#[test]
fn child_dies() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else { return };
    let store = open(Path::new(&folder)).unwrap();
    let writer = store.writer();
    writer.append(record("one")).unwrap();
    writer.append(record("two")).unwrap();
    let judged = TriageCommit { watermark: EventId(1), ..TriageCommit::default() };
    writer.commit_triage(judged).unwrap();
    writer.append(record("never committed")).unwrap();
    std::process::abort();
}

/// In the child: fails unless the store is found in use.
#[test]
fn child_is_kept_out() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else { return };
    let folder = Path::new(&folder);
    assert!(matches!(open(folder), Err(StoreError::Locked(_))));
    let read = Reader::open(folder).unwrap().event(EventId(1)).unwrap();
    assert_eq!(read, Some(record("seen by both")));
}

#[test]
fn what_was_committed_survives_the_death_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!run_child("child_dies", folder.path()).success());
    // Before anyone opens it for writing, as a reader beside a dead service.
    assert_eq!(Reader::open(folder.path()).unwrap().last_event_id().unwrap(), EventId(2));

    let store = open(folder.path()).unwrap();
    let reader = store.reader();
    let watermark = reader.watermark().unwrap();
    assert_eq!(watermark, EventId(1));
    assert_eq!(reader.events_after(watermark, 10).unwrap(), [(EventId(2), record("two"))]);
    store.writer().append(record("three")).unwrap();
    store.close().unwrap();
    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(reader.event(EventId(3)).unwrap(), Some(record("three")));
}

#[test]
fn one_process_writes_and_others_read() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Reader::open(folder.path()), Err(StoreError::Missing(_))));
    let store = open(folder.path()).unwrap();
    store.writer().append(record("seen by both")).unwrap();
    store.writer().flush().unwrap();
    assert!(run_child("child_is_kept_out", folder.path()).success());
    let refused = open(folder.path()).unwrap_err().to_string();
    assert!(refused.contains("in use by another process"), "{refused}");
    drop(store);
    open(folder.path()).unwrap();
}

#[test]
fn a_backup_brings_back_what_was() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let copy = folder.path().join("copy.db");
    let store = open(&state).unwrap();
    store.writer().append(record("kept")).unwrap();
    store.writer().flush().unwrap();
    store.reader().backup(&copy).unwrap();
    store.writer().append(record("after the backup")).unwrap();
    assert!(matches!(restore(&state, &copy), Err(StoreError::Locked(_))));
    store.close().unwrap();

    std::fs::write(folder.path().join("junk"), "no database, whatever its name says").unwrap();
    assert!(restore(&state, &folder.path().join("junk")).is_err());
    assert!(restore(&state, &folder.path().join("nothing")).is_err());
    assert_eq!(Reader::open(&state).unwrap().last_event_id().unwrap(), EventId(2));

    restore(&state, &copy).unwrap();
    let store = open(&state).unwrap();
    assert_eq!(
        store.reader().events_after(EventId(0), 10).unwrap(),
        [(EventId(1), record("kept"))]
    );
}
