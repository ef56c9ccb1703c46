use vedette_event::{EventId, LogRecord, Peer};

use super::*;
use crate::testing::{at, record};

fn lines() -> Vec<LogRecord> {
    (0..300u32)
        .map(|number| {
            let text =
                format!("<38>sshd: Failed password for user{number} from 10.0.0.{}", number % 9);
            let mut line = record(&text);
            line.message_offset = 10;
            line.message = text[10..].to_owned();
            line.received_at = at(i64::from(number) - 100);
            line.timestamp = (number % 3 > 0).then(|| at(i64::from(number % 7) * 1000));
            line.peer = match number % 4 {
                0 => Peer::Local,
                1 => Peer::Network(format!("[2001:db8::{number}]:{number}").parse().unwrap()),
                _ => Peer::Network(format!("192.0.2.9:{}", 1000 + number).parse().unwrap()),
            };
            line.fields.set("user.name", format!("user{number}"));
            line.fields.set("event.outcome", "failure");
            line.fields.set("source.ip", format!("10.0.0.{}", number % 9));
            line.proc_id = number.is_multiple_of(5).then(|| number.to_string());
            line
        })
        .collect()
}

fn whole(builder: &Builder) -> Block {
    Block::read(builder.first(), builder.streams().clone()).unwrap()
}

fn records(block: &Block) -> Vec<LogRecord> {
    (0..block.len()).map(|row| block.record(row)).collect()
}

#[test]
fn increments_make_the_block() {
    let lines = lines();
    let mut builder = Builder::new(EventId(7));
    let mut increments = Vec::new();
    for some in lines.chunks(37) {
        let mark = builder.mark();
        // What is taken back leaves no trace.
        some.iter().rev().for_each(|line| builder.push(line));
        builder.rollback(&mark);
        some.iter().for_each(|line| builder.push(line));
        increments.push(builder.since(&mark));
    }
    assert_eq!(builder.last(), EventId(306));
    assert_eq!(records(&whole(&builder)), lines);

    let half = increments.len() / 2;
    let mut resumed = Builder::resume(EventId(7), &increments[..half]).unwrap();
    lines[half * 37..].iter().for_each(|line| resumed.push(line));
    assert_eq!(records(&whole(&resumed)), lines);
    assert_eq!(resumed.streams().whole(), builder.streams().whole());
}

#[test]
fn streams_that_were_damaged_are_refused_and_never_panic() {
    let mut builder = Builder::new(EventId(1));
    lines().iter().take(20).for_each(|line| builder.push(line));
    let good = builder.streams().whole();
    for position in 0..good.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[position] ^= flip;
            let mut streams = Streams::default();
            if streams.extend(&bad).is_ok()
                && let Ok(block) = Block::read(EventId(1), streams)
            {
                records(&block);
                Filter::of(&block);
            }
        }
    }
    for length in 0..good.len() {
        assert!(Streams::default().extend(&good[..length]).is_err());
    }
}

#[test]
fn filters_never_deny_what_is_there() {
    let mut builder = Builder::new(EventId(1));
    lines().iter().for_each(|line| builder.push(line));
    let filter = Filter::read(&Filter::of(&whole(&builder)).write()).unwrap();
    let value = |name: &str, value: &str| Trace::Value(name.to_owned(), value.to_owned());
    for number in 0..300 {
        assert!(filter.may_hold(&value("user.name", &format!("user{number}"))));
        assert!(filter.may_hold(&Trace::Text(format!("for user{number} from"))));
    }
    assert!(filter.may_hold(&Trace::Field("source.ip".to_owned())));
    assert!(filter.may_hold(&value("source.port", "not filtered")));
    let strangers = (0..1000).filter(|n| filter.may_hold(&value("user.name", &format!("x{n}"))));
    assert!(strangers.count() < 100);
    assert!(!filter.may_hold(&Trace::Field("file.name".to_owned())));
    assert!(!filter.may_hold(&Trace::Text("mimikatz".to_owned())));
}
