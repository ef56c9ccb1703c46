//! Microseconds per record from append to durable, in batches: `cargo run -p vedette-store
//! --example append [RECORDS]`. Prints one line per batch size.

use std::time::Instant;

use time::OffsetDateTime;
use vedette_event::{Facility, Fields, LogRecord, Peer, SyslogSeverity, Transport};
use vedette_store::{Options, Store};
use vedette_telemetry::Registry;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let records: usize = match std::env::args().nth(1) {
        Some(count) => count.parse()?,
        None => 100_000,
    };
    let folder = tempfile::tempdir()?;
    for batch in [1, 10, 100, 1000, 10_000] {
        let store = Store::open(
            &folder.path().join(batch.to_string()),
            Options::default(),
            &Registry::default(),
        )?;
        let writer = store.writer();
        // Small batches wait for the disk each time: fewer records tell as much.
        let count = records.min(batch * 500);
        let lines: Vec<LogRecord> = (0..count).map(line).collect();
        let started = Instant::now();
        for lines in lines.chunks(batch) {
            for line in lines {
                writer.append(line.clone())?;
            }
            writer.flush()?;
        }
        let micros = started.elapsed().as_secs_f64() * 1e6 / count as f64;
        println!("batch {batch:>6}: {micros:>9.2} us/record over {count} records");
        store.close()?;
    }
    Ok(())
}

/// A decoded sshd line of usual length.
fn line(number: usize) -> LogRecord {
    let address = format!("203.0.113.{}", number % 250);
    let message =
        format!("Failed password for invalid user admin{number} from {address} port 40022 ssh2");
    let head = "<38>Mar  1 12:00:00 bastion sshd[4711]: ";
    let mut fields = Fields::default();
    fields.set("source.ip", address);
    fields.set("source.port", "40022");
    fields.set("user.name", format!("admin{number}"));
    fields.set("event.action", "ssh_login");
    fields.set("event.outcome", "failure");
    LogRecord {
        raw: format!("{head}{message}").into_bytes(),
        received_at: OffsetDateTime::now_utc(),
        peer: Peer::Network(([192, 0, 2, (number % 50) as u8], 514).into()),
        transport: Transport::Udp,
        facility: Facility::from_code(4),
        severity: SyslogSeverity::from_code(6),
        timestamp: None,
        host: Some("bastion".to_owned()),
        app: Some("sshd".to_owned()),
        proc_id: Some("4711".to_owned()),
        msg_id: None,
        message,
        message_offset: head.len(),
        dataset: Some("sshd".into()),
        fields,
        defects: Vec::new(),
    }
}
