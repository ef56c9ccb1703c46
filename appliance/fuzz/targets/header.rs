//! A header of RFC 5424 reads back as it was written, whatever its message.

#![no_main]

use libfuzzer_sys::fuzz_target;
use time::macros::datetime;
use vedette_event::{Peer, Transport};
use vedette_syslog::{Received, decode};

fuzz_target!(|input: (u8, u16, &str)| {
    let (priority, process, message) = input;
    // The parser trims blanks at the end; a line break would end the frame.
    if message.contains(char::is_control) || message.trim() != message || message.is_empty() {
        return;
    }
    let priority = priority % 192;
    let raw = format!("<{priority}>1 2026-08-15T10:21:35.123Z host app {process} - - {message}");
    let received = Received {
        received_at: datetime!(2026-08-15 12:00 UTC),
        peer: Peer::Local,
        transport: Transport::Udp,
    };
    let record = decode(raw.into_bytes(), received);
    assert_eq!(record.facility.map(|facility| facility.code()), Some(priority >> 3));
    assert_eq!(record.severity.map(|severity| severity.code()), Some(priority & 7));
    assert_eq!(record.timestamp, Some(datetime!(2026-08-15 10:21:35.123 UTC)));
    assert_eq!(record.host.as_deref(), Some("host"));
    assert_eq!(record.app.as_deref(), Some("app"));
    assert_eq!(record.proc_id, Some(process.to_string()));
    assert_eq!(
        record.message.trim_start_matches('\u{feff}'),
        message.trim_start_matches('\u{feff}')
    );
});
