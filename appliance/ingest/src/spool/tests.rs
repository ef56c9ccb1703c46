use std::os::unix::fs::FileExt;

use tempfile::TempDir;
use time::OffsetDateTime;
use vedette_event::{Peer, Transport};

use super::*;

/// More than any test here needs.
const ROOM: u64 = 64 << 20;
/// Lines of one block in these tests.
const BURST: u64 = 10;

fn frames(lines: std::ops::Range<u64>, length: usize) -> Vec<Frame> {
    let frame = |number| Frame {
        bytes: format!("{number:0length$}").into_bytes(),
        peer: Peer::Network("192.0.2.7:514".parse().unwrap()),
        transport: Transport::Udp,
        received_at: OffsetDateTime::UNIX_EPOCH,
        truncated: false,
        receipt: None,
    };
    lines.map(frame).collect()
}

fn open(folder: &TempDir) -> Spool {
    Spool::open(folder.path(), ROOM).unwrap()
}

/// Has so many lines wait, of so many bytes each.
fn fill(spool: &mut Spool, lines: std::ops::Range<u64>, length: usize) {
    for first in lines.clone().step_by(BURST as usize) {
        let burst = frames(first..lines.end.min(first + BURST), length);
        assert_eq!(spool.append(&burst).unwrap(), Appended::Yes);
    }
}

/// The numbers of all lines that can be read, and how many were lost; each part committed when `commit`.
fn empty(spool: &mut Spool, commit: bool) -> (Vec<u64>, u64) {
    let (mut numbers, mut lost) = (Vec::new(), 0);
    while !spool.is_empty() {
        let (frames, up_to, damaged) = spool.read();
        numbers.extend(
            frames
                .iter()
                .map(|frame| String::from_utf8_lossy(&frame.bytes).parse::<u64>().unwrap()),
        );
        lost += damaged;
        if commit {
            spool.committed(up_to);
        }
    }
    (numbers, lost)
}

fn files(folder: &TempDir) -> usize {
    list(folder.path()).unwrap().len()
}

/// So that three segments are filled: each line a kilobyte.
const MANY: u64 = 10_000;

#[test]
fn lines_come_back_in_order_and_segments_go_when_committed() {
    let folder = TempDir::new().unwrap();
    let mut spool = open(&folder);
    assert!(spool.is_empty());
    fill(&mut spool, 0..MANY, 1_000);
    assert_eq!((spool.waiting(), files(&folder)), (MANY, 3));
    // What comes while it is read goes behind.
    let (first, up_to, _) = spool.read();
    fill(&mut spool, MANY..MANY + 100, 1_000);
    let (rest, lost) = empty(&mut spool, false);
    let read = first.len() as u64;
    assert_eq!((rest, lost), ((read..MANY + 100).collect(), 0));
    assert_eq!(files(&folder), 3, "nothing goes before it is committed");
    spool.committed(up_to);
    assert_eq!(files(&folder), 3, "the first is not read to its end");
    fill(&mut spool, 0..10, 1_000);
    assert_eq!(empty(&mut spool, true), ((0..10).collect(), 0));
    assert_eq!((files(&folder), spool.bytes()), (0, 0));
}

#[test]
fn a_new_process_reads_on_from_what_was_committed() {
    for stopped_after in [0, 1, 7, 20, 1_000] {
        let folder = TempDir::new().unwrap();
        let mut spool = open(&folder);
        fill(&mut spool, 0..MANY, 1_000);
        let mut committed = 0;
        for _ in 0..stopped_after {
            let (frames, up_to, _) = spool.read();
            committed += frames.len() as u64;
            spool.committed(up_to);
        }
        // Read and not committed: read again.
        let _ = spool.read();
        drop(spool);
        let mut spool = open(&folder);
        assert_eq!((spool.found(), spool.waiting()), (MANY - committed, MANY - committed));
        fill(&mut spool, MANY..MANY + 10, 1_000);
        assert_eq!(empty(&mut spool, true), ((committed..MANY + 10).collect(), 0));
        assert_eq!(files(&folder), 0);
        drop(spool);
        assert!(open(&folder).is_empty());
    }
}

#[test]
fn half_a_block_at_the_end_is_passed_over() {
    let folder = TempDir::new().unwrap();
    fill(&mut open(&folder), 0..100, 50);
    let path = path(folder.path(), 1);
    let whole = fs::metadata(&path).unwrap().len();
    let block = whole / 10;
    for cut in [1, block / 2, block - 1] {
        OpenOptions::new().write(true).open(&path).unwrap().set_len(whole - cut).unwrap();
        let mut spool = open(&folder);
        assert_eq!(spool.found(), 90, "{cut} bytes less");
        assert_eq!(empty(&mut spool, false), ((0..90).collect(), 0));
    }
}

#[test]
fn damage_costs_one_block_and_is_counted_and_put_aside() {
    for (at, lost) in [(0, 0..10), (40, 0..10), (40_000, 30..40), (5_000_000, 4_920..4_930)] {
        let folder = TempDir::new().unwrap();
        let mut spool = open(&folder);
        fill(&mut spool, 0..MANY, 1_000);
        drop(spool);
        flip(&folder, at);
        let mut spool = open(&folder);
        let (numbers, counted) = empty(&mut spool, true);
        let gone: Vec<_> = (0..MANY).filter(|number| !numbers.contains(number)).collect();
        assert_eq!((gone.len(), counted), (10, 10), "byte {at}");
        assert!(lost.contains(&gone[0]), "byte {at}: {gone:?}");
        assert!(numbers.is_sorted());
        assert_eq!((files(&folder), list(&folder.path().join(DAMAGED)).unwrap().len()), (0, 1));
    }
}

/// Changes one byte of all that is in the segments.
fn flip(folder: &TempDir, mut at: u64) {
    for segment in list(folder.path()).unwrap() {
        if at < segment.length {
            let path = path(folder.path(), segment.number);
            let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            return file.write_all_at(&[byte[0] ^ 1], at).unwrap();
        }
        at -= segment.length;
    }
    panic!("there are not so many bytes");
}

#[test]
fn files_that_are_gone_or_empty_or_full_of_something_else_are_borne() {
    for harm in ["delete", "empty", "overwrite"] {
        for number in [1, 2, 3] {
            let folder = TempDir::new().unwrap();
            fill(&mut open(&folder), 0..MANY, 1_000);
            let path = path(folder.path(), number);
            match harm {
                "delete" => fs::remove_file(&path).unwrap(),
                "empty" => fs::write(&path, b"").unwrap(),
                _ => fs::write(&path, vec![0xa5; 100_000]).unwrap(),
            }
            let mut spool = open(&folder);
            let found = spool.found();
            let (numbers, lost) = empty(&mut spool, true);
            assert_eq!(numbers.len() as u64 + lost, found, "{harm} segment {number}");
            assert!(numbers.is_sorted() && numbers.len() > 1_000, "{harm} segment {number}");
            fill(&mut spool, 0..10, 50);
            assert_eq!(empty(&mut spool, true), ((0..10).collect(), 0));
            assert_eq!(files(&folder), 0, "{harm} segment {number}");
        }
    }
}

#[test]
fn a_note_that_is_damaged_or_names_what_is_gone_loses_no_line() {
    let folder = TempDir::new().unwrap();
    let mut spool = open(&folder);
    fill(&mut spool, 0..MANY, 1_000);
    let (_, up_to, _) = spool.read();
    spool.committed(up_to);
    drop(spool);
    let note = folder.path().join("committed");
    let kept = fs::read(&note).unwrap();
    for harmed in [&b""[..], b"x", &kept[..27]] {
        fs::write(&note, harmed).unwrap();
        assert_eq!(open(&folder).found(), MANY);
    }
    fs::write(&note, kept).unwrap();
    for number in [1, 2, 3] {
        fs::remove_file(path(folder.path(), number)).unwrap();
    }
    let mut spool = open(&folder);
    fill(&mut spool, 0..10, 50);
    assert_eq!(empty(&mut spool, true), ((0..10).collect(), 0));
}

#[test]
fn it_takes_no_more_room_than_it_may() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::open(folder.path(), 100_000).unwrap();
    let mut lines = 0;
    while spool.append(&frames(lines..lines + BURST, 1_000)).unwrap() == Appended::Yes {
        lines += BURST;
    }
    assert!((90..100).contains(&lines) && spool.bytes() <= 100_000, "{lines} lines");
    assert_eq!(empty(&mut spool, true), ((0..lines).collect(), 0));
    assert_eq!(spool.append(&frames(0..BURST, 1_000)).unwrap(), Appended::Yes);
}

#[test]
fn what_is_damaged_does_not_pile_up() {
    let folder = TempDir::new().unwrap();
    for _ in 0..DAMAGED_KEPT + 3 {
        let mut spool = open(&folder);
        fill(&mut spool, 0..20, 50);
        drop(spool);
        flip(&folder, 40);
        assert_eq!(empty(&mut open(&folder), true), ((10..20).collect(), 10));
    }
    assert_eq!(list(&folder.path().join(DAMAGED)).unwrap().len(), DAMAGED_KEPT);
}
