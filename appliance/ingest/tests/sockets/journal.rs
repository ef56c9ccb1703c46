//! The journal, read through a stand-in for `journalctl`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use vedette_event::{Peer, Transport};
use vedette_ingest::{Frame, Inherited, Listeners, Places};

use super::rig::{OWN, Rig, config, run, texts};

/// Follows `entries`: the last of them, or those after a cursor, a number here; ends after some, so that
/// it has to be started again, or stays.
const STAND_IN: &str = r#"#!/bin/sh
cd "$(dirname "$0")"
after=
for argument; do
    case "$argument" in
        --version) exit 0 ;;
        --after-cursor=s=*) after="${argument#--after-cursor=s=}" ;;
    esac
done
echo "${after:-newest}" >> starts
if [ -z "$after" ]; then tail -n 1 entries; else tail -n +$((after + 1)) entries | head -n 3; fi
if [ "$(cat mode)" = stays ]; then exec sleep 1000; fi
"#;

fn entry(number: usize) -> String {
    format!(r#"{{"__CURSOR":"s={number}","MESSAGE":"entry {number}","SYSLOG_IDENTIFIER":"app"}}"#)
}

fn text(number: usize) -> String {
    format!("<30>1 - - app - - - entry {number}")
}

fn write_entries(folder: &Path, numbers: std::ops::RangeInclusive<usize>) {
    let entries: String = numbers.map(|number| entry(number) + "\n").collect();
    fs::write(folder.join("entries"), entries).unwrap();
}

/// A folder with the stand-in and its first two entries.
fn prepare(name: &str, mode: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("vedette-{name}-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let program = folder.join("journalctl");
    fs::write(&program, STAND_IN).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.join("mode"), mode).unwrap();
    write_entries(&folder, 1..=2);
    folder
}

fn listen(folder: &Path, stored: Vec<(Transport, Peer, Vec<u8>)>) -> Rig {
    let program = folder.join("journalctl");
    let text = format!("[journal]\nenabled = true\nprogram = '{}'", program.display());
    let listeners = Listeners::bind(&config(&text), Inherited::default(), OWN).unwrap();
    let listeners = listeners.with_places(places(folder)).unwrap();
    listeners.remember(stored);
    let address = "127.0.0.1:0".parse().unwrap();
    run(listeners, address, address, 64)
}

fn places(folder: &Path) -> Places {
    Places {
        imports: folder.join("import.sock"),
        journal_cursor: folder.join("journal.cursor"),
        spool: folder.join("spool"),
    }
}

fn confirm(frames: Vec<Frame>) {
    frames.into_iter().filter_map(|frame| frame.receipt).for_each(vedette_ingest::Receipt::confirm);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_come_once_over_ends_of_the_reader_and_of_the_box() {
    let folder = prepare("journal", "ends");
    let mut rig = listen(&folder, Vec::new());
    let first = rig.take(1).await;
    assert_eq!((first[0].transport, first[0].peer), (Transport::Unix, Peer::Local));
    assert_eq!(texts(&first), [text(2)], "it begins with the newest");
    confirm(first);
    // The reader has ended, and is started again after what it gave.
    write_entries(&folder, 1..=5);
    let more = rig.take(3).await;
    assert_eq!(texts(&more), [text(3), text(4), text(5)]);
    // The last one is never committed: it comes again after a restart.
    confirm(more.into_iter().take(2).collect());
    let (counts, _) = rig.stop().await;
    assert_eq!((counts.received, counts.delivered), (4, 4));
    assert_eq!(fs::read_to_string(folder.join("journal.cursor")).unwrap(), "s=4\n");

    write_entries(&folder, 1..=7);
    fs::write(folder.join("mode"), "stays").unwrap();
    let mut rig = listen(&folder, Vec::new());
    let rest = rig.take(3).await;
    assert_eq!(texts(&rest), [text(5), text(6), text(7)]);
    assert!(rest.iter().all(|frame| !frame.receipt.as_ref().unwrap().is_repeat()));
    confirm(rest);
    rig.stop().await;
    assert_eq!(fs::read_to_string(folder.join("journal.cursor")).unwrap(), "s=7\n");
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_process_had_committed_is_marked() {
    let folder = prepare("journal-killed", "stays");
    write_entries(&folder, 1..=4);
    fs::write(folder.join("journal.cursor"), "s=1\n").unwrap();
    let stored = [1, 2, 3].map(|number| (Transport::Unix, Peer::Local, text(number).into_bytes()));
    let mut rig = listen(&folder, stored.into());
    let frames = rig.take(3).await;
    assert_eq!(texts(&frames), [text(2), text(3), text(4)]);
    let marks = frames.iter().map(|frame| frame.receipt.as_ref().unwrap().is_repeat());
    assert_eq!(marks.collect::<Vec<_>>(), [true, true, false]);
    confirm(frames);
    rig.stop().await;
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_damaged_place_begins_anew_and_a_missing_program_is_told() {
    let folder = prepare("journal-damaged", "stays");
    fs::write(folder.join("journal.cursor"), "s=").unwrap();
    let mut rig = listen(&folder, Vec::new());
    let frames = rig.take(1).await;
    assert_eq!(texts(&frames), [text(2)]);
    confirm(frames);
    rig.stop().await;
    assert_eq!(fs::read_to_string(folder.join("journal.cursor")).unwrap(), "s=2\n");

    let config = config("[journal]\nenabled = true\nprogram = '/no/such/program'");
    let listeners = Listeners::bind(&config, Inherited::default(), OWN).unwrap();
    let error = listeners.with_places(places(&folder)).err().unwrap().to_string();
    assert!(error.contains("/no/such/program") && error.contains("[ingest.journal]"), "{error}");
    fs::remove_dir_all(folder).unwrap();
}
