//! Nothing a sender writes makes decoding fail or changes the bytes.

mod lines;

use lines::{LINES, Mutator, Outcome, send};
use proptest::prelude::*;
use time::macros::datetime;
use vedette_event::{Defect, LogRecord, Peer, Transport};
use vedette_syslog::{MAX_ENTITIES, Received, decode, entities};

fn read(raw: Vec<u8>) -> LogRecord {
    let received = Received {
        received_at: datetime!(2026-08-15 12:00 UTC),
        peer: Peer::Local,
        transport: Transport::File,
    };
    decode(raw, received)
}

fn holds(raw: &[u8]) {
    let record = read(raw.to_vec());
    assert_eq!(record.raw, raw, "the bytes are kept");
    assert!(record.message_offset <= raw.len());
    let tail = String::from_utf8_lossy(&raw[record.message_offset..]).into_owned();
    assert_eq!(record.message, tail, "the message is where its offset says");
    assert!(entities(&record).len() <= MAX_ENTITIES);
}

#[test]
fn every_line_names_the_attacker() {
    for line in LINES.iter().skip(1) {
        let record = read(line.as_bytes().to_vec());
        assert_eq!(record.fields.get("source.ip"), Some("203.0.113.9"), "{line}\n{record:?}");
        assert!(record.dataset.is_some(), "{line}");
        assert!(!record.defects.contains(&Defect::DeviceFields), "{line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes_are_kept(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
        holds(&raw);
    }

    #[test]
    fn mutated_lines_are_kept(
        line in 0..LINES.len(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 0..12),
        other in 0..LINES.len(),
    ) {
        let mut raw = LINES[line].as_bytes().to_vec();
        for (index, byte, edit) in edits {
            let at = index.index(raw.len() + 1);
            match edit {
                0 => raw.insert(at, byte),
                1 if at < raw.len() => raw[at] = byte,
                2 => raw.truncate(at.max(1)),
                _ => { raw.splice(at..at, LINES[other].bytes()); }
            }
        }
        holds(&raw);
    }
}

/// The short version of `cargo run -p vedette-syslog --example mutate -- 1000000`.
#[test]
fn mutated_streams_come_through_framing_and_decoding() {
    let mut mutator = Mutator::new(5);
    let mut frames = 0;
    for number in 0..20_000 {
        let input = mutator.input();
        let Outcome { frames: seen, cut, .. } = send(&input, &mut mutator);
        assert!(
            seen.iter().map(|frame| frame.bytes.len()).sum::<usize>() <= input.len(),
            "{number}"
        );
        assert!(seen.len() <= input.len(), "input {number} makes frames out of nothing");
        assert!(cut <= input.len() as u64, "input {number}");
        seen.iter().for_each(|frame| holds(&frame.bytes));
        frames += seen.len();
    }
    assert!(frames > 20_000, "{frames} frames are too few to have tried anything");
}
