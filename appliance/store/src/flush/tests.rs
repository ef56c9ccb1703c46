use std::sync::atomic::AtomicUsize;

use vedette_event::EventId;

use super::*;
use crate::Health;
use crate::testing::{open, record};

/// Tells a flush of this log to a line and to a caller; how many lines heard that they are safe, and what
/// the caller heard.
fn told(log: &str, shared: &Shared) -> (usize, Result<(), StoreError>) {
    let log = Log::open(log.into()).unwrap();
    let confirmed = Arc::new(AtomicUsize::new(0));
    let (orders, inbox) = bounded(1);
    let (reply, answer) = bounded(1);
    let confirmation = {
        let confirmed = Arc::clone(&confirmed);
        Box::new(move || {
            confirmed.fetch_add(1, Ordering::Relaxed);
        })
    };
    let caller = Box::new(move |flushed| reply.send(flushed).unwrap());
    orders.send(vec![Waiter::Line(confirmation), Waiter::Caller(caller)]).unwrap();
    drop(orders);
    tell(&inbox, &log, shared);
    (confirmed.load(Ordering::Relaxed), answer.recv().unwrap())
}

#[test]
fn nobody_hears_that_a_line_is_safe_when_the_disk_was_not_flushed() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let shared = Shared::new(EventId(0));
    let (confirmed, answer) = told(&file.path().to_string_lossy(), &shared);
    assert!(confirmed == 1 && answer.is_ok() && shared.unflushed().is_none());

    // A device that knows no flushing answers with an error.
    let (confirmed, answer) = told("/dev/null", &shared);
    let refused = matches!(&answer, Err(StoreError::File { action: "flush", .. }));
    assert!(confirmed == 0 && refused && shared.unflushed().is_some(), "{answer:?}");

    assert!(Log::open("/nonexistent/log".into()).is_err());
}

#[test]
fn after_a_failed_flush_the_next_commit_makes_all_safe() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    let writer = store.writer();
    writer.append(record("one")).unwrap();
    writer.flush().unwrap();
    writer.shared().set_unflushed(Some("the disk cannot be flushed".to_owned()));
    assert!(writer.health().degraded);
    writer.append(record("two")).unwrap();
    writer.flush().unwrap();
    assert_eq!(writer.health(), Health::default());

    // Without its log the database has both: so it was copied.
    let copy = folder.path().join("copy.db");
    std::fs::copy(folder.path().join("store.db"), &copy).unwrap();
    let lines = |database: &Path| -> i64 {
        let connection = Connection::open(database).unwrap();
        let sql = "SELECT sum(count) FROM journal";
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(lines(&copy), 2);
}
