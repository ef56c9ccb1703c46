//! `vedette events`: export, search, and import.

use std::io::{BufWriter, IsTerminal, Write, stderr, stdout};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use vedette_event::EventId;
use vedette_store::{Progress, Reader};

use crate::cli::{Events, ExportFormat};
use crate::exit::Outcome;
use crate::state::Home;

/// Lines read from the store at once.
const PAGE: usize = 1000;

/// Rest between two updates of the line that tells how far a search is.
const SHOWN_EVERY: Duration = Duration::from_millis(200);

pub(crate) fn run(command: Events) -> Outcome {
    match command {
        Events::Export { format, configured } => {
            let home = Home::open(&configured)?;
            export(&Reader::open(home.state.folder())?, format)
        }
        Events::Import(arguments) => super::import::run(&arguments),
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
    // Whoever types a search can stop it: it runs to its end, and shows how far it is.
    let mut progress = SearchProgress::new();
    let answer = reader.search_while(&query, now, |so_far| {
        progress.show(so_far);
        true
    });
    progress.clear();
    for row in answer?.rows {
        if json {
            writeln!(out, "{}", serde_json::to_string(&row)?)?;
        } else {
            let shown: String = row.raw.chars().flat_map(inert).collect();
            writeln!(out, "{} {}", row.event_id, shown)?;
        }
    }
    Ok(out.flush()?)
}

/// A line on the terminal that tells how far a search is.
struct SearchProgress {
    shown: Option<Instant>,
    on_terminal: bool,
}

impl SearchProgress {
    fn new() -> Self {
        Self { shown: None, on_terminal: stderr().is_terminal() }
    }

    fn show(&mut self, progress: &Progress) {
        let now = Instant::now();
        let due = self.shown.is_none_or(|shown| now - shown >= SHOWN_EVERY);
        if self.on_terminal && due {
            let Progress { searched, total, found } = progress;
            eprint!("\r{searched} of {total} lines searched, {found} found ");
            self.shown = Some(now);
        }
    }

    fn clear(&self) {
        if self.shown.is_some() {
            eprint!("\r\x1b[2K");
        }
    }
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
