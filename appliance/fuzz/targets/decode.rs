//! Any bytes make a record that keeps them, says where its message stands, names a bounded number of
//! entities, and survives being stored and read back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use time::macros::datetime;
use vedette_event::{LogRecord, Peer, Transport};
use vedette_syslog::{MAX_ENTITIES, Received, decode, entities};

const RECEIVED: Received = Received {
    received_at: datetime!(2026-08-15 12:00 UTC),
    peer: Peer::Local,
    transport: Transport::Udp,
};

fuzz_target!(|raw: &[u8]| {
    let record = decode(raw.to_vec(), RECEIVED);
    assert_eq!(record.raw, raw, "the bytes are kept");
    let tail = String::from_utf8_lossy(&raw[record.message_offset..]);
    assert_eq!(record.message, tail, "the message is where its offset says");
    assert!(entities(&record).len() <= MAX_ENTITIES);
    let names: Vec<_> = record.fields.iter().map(|(name, _)| name).collect();
    assert!(names.is_sorted_by(|one, next| one < next), "each field once, in order");
    if let Ok(text) = serde_json::to_string(&record) {
        let back: LogRecord = serde_json::from_str(&text).expect("what was written is read");
        assert_eq!(back, record, "what was written is read back");
    }
});
