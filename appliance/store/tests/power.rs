//! The store after a power cut: every write that was flushed is there, of the others any may be
//! missing or torn.
//!
//! A child process writes to a store under `strace`, which records each write, flush, rename and
//! removal in order, and the acknowledgements that the child prints. The test then plays the record up
//! to many points, as a disk would have it that lost power there, and opens the store.
//! `VEDETTE_POWER_CUTS` says at how many points (default [`CUTS`]).

mod recording;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use time::macros::datetime;
use vedette_event::{EventId, Fields, LogRecord, Peer, Transport};
use vedette_store::{Options, Store, TriageCommit};
use vedette_telemetry::Registry;

use self::recording::{Dice, Disk, Step};

/// Points at which the power is cut unless the environment says otherwise; the whole takes seconds.
const CUTS: usize = 40;

/// Names the folder to the child process, which is this test binary again.
const CHILD_FOLDER: &str = "VEDETTE_STORE_TEST_FOLDER";

/// Lines handed over between two acknowledgements: several commits, one flush.
const GROUP: u64 = 150;

/// Groups the child writes: enough for several blocks to move to a segment.
const GROUPS: u64 = 12;

fn text(number: u64) -> String {
    format!("line {number} {}", "some words that make a block full ".repeat(60))
}

fn record(number: u64) -> LogRecord {
    let text = text(number);
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
        message: text,
        message_offset: 0,
        dataset: None,
        fields: Fields::default(),
        defects: Vec::new(),
    }
}

fn open(folder: &Path) -> Store {
    let mut options = Options { commit_interval: Duration::from_secs(3600), ..Options::default() };
    options.retention.days = 100_000;
    Store::open(folder, options, &Registry::default()).expect("the store opens")
}

/// In the child: writes, and prints what is acknowledged.
#[test]
fn child_writes() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else { return };
    let store = open(Path::new(&folder));
    let writer = store.writer();
    for group in 0..GROUPS {
        for number in 1..=GROUP {
            writer.append(record(group * GROUP + number)).unwrap();
        }
        writer.flush().unwrap();
        let last = EventId((group + 1) * GROUP);
        println!("{}{}", recording::ACKNOWLEDGED, last.0);
        let judged = TriageCommit { watermark: last, ..TriageCommit::default() };
        writer.commit_triage(judged).unwrap();
    }
}

/// `strace` as it is installed, else unpacked from Debian's package.
fn strace() -> (PathBuf, PathBuf) {
    if Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success()) {
        return ("strace".into(), PathBuf::new());
    }
    let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("strace");
    std::fs::create_dir_all(&base).expect("a folder for the package");
    let run = |program: &str, arguments: &[&str]| {
        let status = Command::new(program).args(arguments).current_dir(&base).status();
        assert!(status.is_ok_and(|status| status.success()), "{program} {arguments:?} failed");
    };
    run("apt-get", &["-q", "download", "strace", "libunwind8"]);
    run("sh", &["-c", "for package in *.deb; do dpkg-deb -x $package root; done"]);
    let libraries = format!("root/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    (base.join("root/usr/bin/strace"), base.join(libraries))
}

fn recorded(folder: &Path, log: &Path) -> Vec<Step> {
    let (program, libraries) = strace();
    let output = Command::new(program)
        .args(["-f", "-xx", "-s", "100000000", "-e", recording::CALLS, "-o"])
        .arg(log)
        .arg(std::env::current_exe().expect("a test binary has a path"))
        .args(["--exact", "child_writes", "--nocapture"])
        .env(CHILD_FOLDER, folder)
        .env("LD_LIBRARY_PATH", libraries)
        .output()
        .expect("strace runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    recording::read(&std::fs::read_to_string(log).expect("strace wrote a log"), folder)
}

#[test]
fn what_was_acknowledged_is_there_after_a_power_cut() {
    let cuts = std::env::var("VEDETTE_POWER_CUTS").map_or(CUTS, |count| count.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let steps = recorded(&temporary.path().join("state"), &temporary.path().join("log"));
    let writes = steps.iter().filter(|step| matches!(step, Step::Write { .. })).count();
    let acknowledged = steps.iter().filter(|step| matches!(step, Step::Acknowledged(_))).count();
    assert!(writes > 100 && acknowledged == GROUPS as usize, "{writes}, {acknowledged}");

    let mut dice = Dice::new(20_261_122);
    let mut points: Vec<usize> = (0..cuts).map(|_| dice.below(steps.len())).collect();
    points.sort_unstable();
    let mut points = points.into_iter().peekable();
    let mut disk = Disk::default();
    let mut safe = 0;
    let (mut found_beyond, mut lost_beyond) = (0, 0);
    for (number, step) in steps.iter().enumerate() {
        while points.next_if_eq(&number).is_some() {
            let folder = temporary.path().join("cut");
            disk.after_power_cut(&folder, &mut dice);
            let last = check(&folder, safe);
            found_beyond += last - safe;
            lost_beyond += GROUP.saturating_sub(last - safe);
            std::fs::remove_dir_all(&folder).unwrap();
        }
        if let Step::Acknowledged(last) = step {
            safe = *last;
        }
        disk.apply(step);
    }
    println!("{cuts} cuts: nothing acknowledged was lost; {found_beyond} lines more were there");
    assert!(lost_beyond > 0, "the cuts must lose something that was not flushed");
}

/// Opens what is left; returns the last line of it.
fn check(folder: &Path, safe: u64) -> u64 {
    let store = open(folder);
    let reader = store.reader();
    let events = reader.events_after(EventId(0), usize::MAX).expect("the lines are readable");
    let last = events.last().map_or(0, |(id, _)| id.0);
    assert!(last >= safe, "{safe} lines were acknowledged, {last} are there");
    assert_eq!(events.len() as u64, last, "no line is missing or twice");
    for (id, line) in &events {
        assert_eq!(line.message, text(id.0), "line {id}");
    }
    let watermark = reader.watermark().expect("the marks are readable").0;
    assert!(watermark <= last && watermark + GROUP >= safe, "{watermark} of {safe}");
    store.writer().append(record(last + 1)).expect("the store is open");
    store.writer().flush().expect("the store goes on");
    let next = reader.last_event_id().expect("the lines are readable");
    assert_eq!(next, EventId(last + 1));
    last
}
