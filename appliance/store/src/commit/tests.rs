use std::time::Duration;

use vedette_event::EventId;
use vedette_telemetry::{Metric, Registry};

use crate::testing::{open, record};
use crate::{Health, MAX_WAITING, Store, StoreError, Writer};

/// A limit no test reaches.
const NO_LIMIT: i64 = 1 << 30;

/// Pages the test leaves before the disk is "full".
const FEW_PAGES: i64 = 20;

fn limit_pages(writer: &Writer, more: i64) {
    writer
        .with_connection(move |connection| {
            let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
            let limit = (pages + more).min(NO_LIMIT);
            connection.pragma_update_and_check(None, "max_page_count", limit, |_| Ok(()))?;
            Ok(())
        })
        .unwrap();
}

fn full_disk() -> (tempfile::TempDir, Store, Registry) {
    let folder = tempfile::tempdir().unwrap();
    let (store, registry) = open(folder.path());
    limit_pages(&store.writer(), FEW_PAGES);
    (folder, store, registry)
}

#[test]
fn a_full_disk_keeps_then_drops_then_recovers() {
    let (_folder, store, registry) = full_disk();
    let writer = store.writer();
    // Some fit on the disk before it is full.
    let over = 20_000;
    let sent = MAX_WAITING + over;
    for _ in 0..sent {
        writer.append(record("a line that takes some room on the disk")).unwrap();
    }
    let failed = writer.flush();
    assert!(matches!(failed, Err(StoreError::Full)), "{failed:?}");
    let health = writer.health();
    assert!(health.degraded && health.reason.as_ref().unwrap().contains("disk"), "{health:?}");
    let dropped = registry.counter(Metric::IngestDropped, "disk_full").get();
    assert!(dropped > 0 && dropped <= over as u64, "{dropped}");

    limit_pages(&writer, NO_LIMIT);
    writer.flush().unwrap();
    assert_eq!(writer.health(), Health::default());
    let stored = registry.counter(Metric::StoreEvents, "").get();
    assert_eq!(stored + dropped, sent as u64);
    assert!(registry.counter(Metric::StoreRetries, "").get() > 0);
    let counts = store.reader().counts().unwrap();
    assert_eq!(counts.events, stored);
    let source = &counts.sources[0];
    assert_eq!((source.received, source.stored), (sent as u64, stored));
}

#[test]
fn a_full_disk_refuses_changes_with_a_clear_word() {
    let (_folder, store, _) = full_disk();
    let refused = store.writer().set_setting("key", &"x".repeat(1 << 20));
    assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    assert_eq!(store.reader().setting("key").unwrap(), None);
    store.writer().set_setting("key", "short").unwrap();
}

#[test]
fn many_records_make_few_commits() {
    let folder = tempfile::tempdir().unwrap();
    let (store, registry) = open(folder.path());
    for _ in 0..10_000 {
        store.writer().append(record("x")).unwrap();
    }
    store.writer().flush().unwrap();
    assert_eq!(registry.counter(Metric::StoreEvents, "").get(), 10_000);
    let commits = registry.counter(Metric::StoreCommits, "").get();
    assert!((10..=160).contains(&commits), "{commits}");
}

#[test]
fn a_change_sees_what_was_appended_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    store.writer().append(record("first")).unwrap();
    store.writer().set_setting("key", "value").unwrap();
    assert_eq!(store.reader().event(EventId(1)).unwrap(), Some(record("first")));
}

#[test]
fn news_wakes_who_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    let long = Duration::from_secs(600);
    let waiting = {
        let writer = store.writer();
        std::thread::spawn(move || writer.wait_for_news(EventId(1), long))
    };
    for text in ["one", "two"] {
        store.writer().append(record(text)).unwrap();
        store.writer().flush().unwrap();
    }
    assert_eq!(waiting.join().unwrap(), EventId(2));
    assert_eq!(store.writer().wait_for_news(EventId(2), Duration::ZERO), EventId(2));

    let writer = store.writer();
    store.close().unwrap();
    assert_eq!(writer.wait_for_news(EventId(2), long), EventId(2));
    assert!(writer.append(record("late")).is_err());
    assert!(matches!(writer.flush(), Err(StoreError::Closed)));
}

#[test]
fn ids_go_on_where_they_ended() {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=3 {
        let (store, _) = open(folder.path());
        assert_eq!(store.reader().last_event_id().unwrap(), EventId(number - 1));
        let news = store.writer().wait_for_news(EventId(0), Duration::ZERO);
        assert_eq!(news, EventId(number - 1));
        store.writer().append(record("x")).unwrap();
    }
}
