//! More datagrams than are taken: they wait in the spool, in order, past the death of the process.

use std::collections::BTreeMap;
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use vedette_ingest::{DropReason, Frame, Listeners, Places};
use vedette_telemetry::Metric;

use super::rig::{Rig, bind, run, texts};

/// Bytes of a datagram here.
const LENGTH: usize = 500;
/// As many of them as need the spool: more than the memory before it and the queue hold.
const MANY: usize = 6_000;
/// Datagrams sent before waiting for them: fewer than the smallest default buffer holds.
const BURST: usize = 50;

fn line(number: usize) -> String {
    format!("<13>{number:0LENGTH$}")
}

fn with_spool(listeners: Listeners, state: &Path) -> Listeners {
    let places = Places {
        imports: state.join("import.sock"),
        journal_cursor: state.join("journal.cursor"),
        spool: state.join("spool"),
    };
    listeners.with_places(places).unwrap()
}

fn start(text: &str, state: &Path) -> Rig {
    let (listeners, udp, tcp) = bind(text);
    run(with_spool(listeners, state), udp, tcp, 16)
}

fn counted(rig: &Rig, metric: Metric, label: &str) -> u64 {
    rig.registry.values(metric).get(label).copied().unwrap_or_default()
}

fn spooled(rig: &Rig, event: &str) -> u64 {
    counted(rig, Metric::IngestSpool, event)
}

/// Sends lines and waits until each was received.
async fn send(rig: &Rig, lines: std::ops::Range<usize>) {
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut received = counted(rig, Metric::IngestMessages, "udp");
    for number in lines {
        sender.send_to(line(number).as_bytes(), rig.udp).unwrap();
        received += 1;
        while number % BURST == 0 && counted(rig, Metric::IngestMessages, "udp") < received {
            tokio::task::yield_now().await;
        }
    }
    while counted(rig, Metric::IngestMessages, "udp") < received {
        tokio::task::yield_now().await;
    }
}

/// Takes so many lines and tells that they are committed.
async fn commit(rig: &mut Rig, count: usize) -> Vec<String> {
    committed(rig.take(count).await)
}

fn committed(frames: Vec<Frame>) -> Vec<String> {
    let taken = texts(&frames);
    frames.into_iter().filter_map(|frame| frame.receipt).for_each(|receipt| receipt.confirm());
    taken
}

fn segments(state: &Path) -> usize {
    let entries = fs::read_dir(state.join("spool")).unwrap();
    entries.filter(|entry| entry.as_ref().unwrap().path().extension().is_some()).count()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to.join("spool")).unwrap();
    for entry in fs::read_dir(from.join("spool")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join("spool").join(entry.file_name())).unwrap();
    }
}

fn expected(lines: std::ops::Range<usize>) -> Vec<String> {
    lines.map(line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_takes_yet_waits_in_order() {
    let state = TempDir::new().unwrap();
    let mut rig = start("", state.path());
    send(&rig, 0..MANY).await;
    assert!(spooled(&rig, "written") > 1_000 && segments(state.path()) > 0);
    let mut taken = commit(&mut rig, 3_000).await;
    send(&rig, MANY..MANY + 100).await;
    taken.extend(commit(&mut rig, MANY + 100 - 3_000).await);
    assert_eq!(taken, expected(0..MANY + 100));
    assert_eq!(spooled(&rig, "read"), spooled(&rig, "written"));
    assert_eq!(segments(state.path()), 0, "all is committed");
    let (counts, _) = rig.stop().await;
    assert_eq!((counts.delivered, counts.left), (MANY as u64 + 100, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_leaves_what_was_spooled_to_the_next() {
    for taken in [0, 3_000, 5_000] {
        let (state, after) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let mut rig = start("", state.path());
        send(&rig, 0..MANY).await;
        commit(&mut rig, taken).await;
        // What lies on the disk at this moment is all that a killed process would leave.
        copy(state.path(), after.path());
        let (written, in_memory) =
            (spooled(&rig, "written"), MANY as u64 - spooled(&rig, "written"));
        let first = usize::try_from(in_memory).unwrap();

        let mut next = start("", after.path());
        while spooled(&next, "found") == 0 {
            tokio::task::yield_now().await;
        }
        let found = spooled(&next, "found");
        assert!(
            found <= written && found >= (MANY - taken.max(first)) as u64,
            "{found} of {written}"
        );
        send(&next, MANY..MANY + 10).await;
        let rest = commit(&mut next, usize::try_from(found).unwrap() + 10).await;
        let from = MANY - usize::try_from(found).unwrap();
        assert_eq!(rest, expected(from..MANY + 10), "{taken} taken");
        assert!(from >= first && from <= taken.max(first), "{taken} taken, read from {from} on");
        let (counts, _) = next.stop().await;
        assert_eq!((counts.found, counts.left, counts.dropped), (found, 0, BTreeMap::new()));
        rig.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_leaves_what_is_spooled_to_the_next() {
    let state = TempDir::new().unwrap();
    let (listeners, udp, tcp) = bind("");
    let listeners = with_spool(listeners, state.path()).with_drain_time(Duration::ZERO);
    let mut rig = run(listeners, udp, tcp, 16);
    send(&rig, 0..MANY).await;
    let written = spooled(&rig, "written");
    rig.shutdown.cancel();
    let counts = (&mut rig.run).await.unwrap();
    let dropped: u64 = counts.dropped.values().sum();
    // What waited in memory may still have been written since.
    assert!(counts.left >= written, "{} of {written}", counts.left);
    assert_eq!(counts.left + counts.delivered + dropped, MANY as u64);
    let mut next = start("", state.path());
    let left = usize::try_from(counts.left).unwrap();
    assert_eq!(commit(&mut next, left).await, expected(MANY - left..MANY));
    assert_eq!(next.stop().await.0.found, counts.left);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_spool_drops_what_comes_and_counts_it() {
    let state = TempDir::new().unwrap();
    let mut rig = start("[udp]\nspool-bytes = 200000", state.path());
    send(&rig, 0..MANY).await;
    let lost = counted(&rig, Metric::IngestDropped, "spool_full");
    assert!(lost > 1_000, "{lost}");
    let sources = rig.sources.snapshot();
    assert_eq!(
        sources.by_address[&"127.0.0.1".parse().unwrap()].dropped[&DropReason::SpoolFull],
        lost
    );
    let kept = MANY - usize::try_from(lost).unwrap();
    assert_eq!(commit(&mut rig, kept).await.len(), kept);
    send(&rig, 0..10).await;
    assert_eq!(commit(&mut rig, 10).await, expected(0..10), "there is room again");
    let (counts, _) = rig.stop().await;
    assert_eq!(counts.dropped, BTreeMap::from([(DropReason::SpoolFull, lost)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_nothing_leaves_the_rest_to_the_kernel() {
    let state = TempDir::new().unwrap();
    let mut rig = start("[udp]\nreceive-buffer-bytes = 4096", state.path());
    // In the way of the first segment, as nobody may write into a folder.
    let obstacle = state.path().join("spool").join(format!("{:016x}.spool", 1));
    fs::create_dir(&obstacle).unwrap();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    send(&rig, 0..1_000).await;
    for number in 1_000..MANY {
        sender.send_to(line(number).as_bytes(), rig.udp).unwrap();
    }
    while counted(&rig, Metric::IngestDropped, "kernel_buffer") == 0 {
        tokio::task::yield_now().await;
    }
    fs::remove_dir(&obstacle).unwrap();
    let before = commit(&mut rig, 1_000).await;
    assert_eq!(before, expected(0..1_000));
    let (counts, rest) = rig.stop().await;
    assert!(texts(&rest).is_sorted());
    assert_eq!(counts.received, MANY as u64);
    assert_eq!(counts.dropped.keys().collect::<Vec<_>>(), [&DropReason::KernelBuffer]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_counted_and_the_rest_is_read() {
    let state = TempDir::new().unwrap();
    let rig = start("", state.path());
    send(&rig, 0..MANY).await;
    let (counts, before) = rig.stop().await;
    let before = committed(before);
    let path = state.path().join("spool").join(format!("{:016x}.spool", 1));
    let mut bytes = fs::read(&path).unwrap();
    bytes[100_000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let mut rig = start("", state.path());
    // It lies in what is read first.
    while spooled(&rig, "damaged") == 0 {
        tokio::task::yield_now().await;
    }
    let lost = spooled(&rig, "damaged");
    assert!(lost <= 64, "a block at most: {lost}");
    let rest = usize::try_from(counts.left - lost).unwrap();
    let mut taken = before;
    taken.extend(commit(&mut rig, rest).await);
    assert!(taken.is_sorted());
    let (counts, _) = rig.stop().await;
    assert_eq!(counts.dropped, BTreeMap::from([(DropReason::SpoolDamaged, lost)]));
}
