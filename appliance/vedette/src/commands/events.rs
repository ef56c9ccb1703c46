//! `vedette events`: export and search.

use std::io::{BufWriter, Write, stdout};

use time::OffsetDateTime;
use vedette_event::EventId;
use vedette_store::Reader;

use crate::cli::{Events, ExportFormat};
use crate::exit::Outcome;
use crate::state::Home;

/// Lines read from the store at once.
const PAGE: usize = 1000;

pub(crate) fn run(command: Events) -> Outcome {
    match command {
        Events::Export { format, configured } => {
            let home = Home::open(&configured)?;
            export(&Reader::open(home.state.folder())?, format)
        }
        Events::Search { query, json, configured } => {
            let home = Home::open(&configured)?;
            search(&Reader::open(home.state.folder())?, &query, json)
        }
    }
}

fn export(reader: &Reader, format: ExportFormat) -> Outcome {
    let mut out = BufWriter::new(stdout().lock());
    let mut at = EventId(0);
    loop {
        let records = reader.events_after(at, PAGE)?;
        let Some((last, _)) = records.last() else { break };
        at = *last;
        for (event, record) in &records {
            match format {
                ExportFormat::Raw => {
                    out.write_all(&record.raw)?;
                    out.write_all(b"\n")?;
                }
                ExportFormat::RawOctets => {
                    write!(out, "{} ", record.raw.len())?;
                    out.write_all(&record.raw)?;
                }
                ExportFormat::Json => {
                    let mut row = serde_json::to_value(record)?;
                    row["raw"] = String::from_utf8_lossy(&record.raw).into();
                    row["event_id"] = event.0.into();
                    writeln!(out, "{row}")?;
                }
            }
        }
    }
    Ok(out.flush()?)
}

fn search(reader: &Reader, text: &str, json: bool) -> Outcome {
    let now = OffsetDateTime::now_utc();
    let query = vedette_query::parse_local(text, now)?;
    let mut out = BufWriter::new(stdout().lock());
    for row in reader.search(&query, now)? {
        if json {
            writeln!(out, "{}", serde_json::to_string(&row)?)?;
        } else {
            let shown: String = row.raw.chars().flat_map(inert).collect();
            writeln!(out, "{} {}", row.event_id, shown)?;
        }
    }
    Ok(out.flush()?)
}

/// Control characters and bidirectional marks as escapes: log text must neither steer the terminal nor
/// turn around what it shows.
fn inert(character: char) -> Box<dyn Iterator<Item = char>> {
    let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if (character.is_control() && character != '\t') || turns {
        Box::new(character.escape_unicode())
    } else {
        Box::new(std::iter::once(character))
    }
}
