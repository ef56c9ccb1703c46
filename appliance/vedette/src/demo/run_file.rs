//! Which day is being replayed, so that a killed demonstration goes on where it was.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime, Weekday};
use vedette_event::EventId;
use vedette_scenario::{Day, Event};
use vedette_store::{Reader, StoreError};

use crate::cli::DemoArguments;
use crate::state::State;

/// Lines read from the store at once.
const PAGE: usize = 1000;

/// What identifies a run.
#[derive(Debug, Serialize, Deserialize)]
struct Run {
    seed: u64,
    quiet_day: bool,
    date: Date,
}

/// The note of an unfinished run.
pub(super) struct RunFile {
    path: PathBuf,
    state: State,
    /// The day that is replayed.
    pub(super) date: Date,
}

impl RunFile {
    /// Goes on with the same run if it was interrupted; else makes room for a fresh appliance. The
    /// model and the identity stay.
    pub(super) fn begin(state: &State, arguments: &DemoArguments) -> Result<Self> {
        let path = state.folder().join("run.json");
        let noted: Option<Run> =
            fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok());
        let date = match noted {
            Some(run) if (run.seed, run.quiet_day) == (arguments.seed, arguments.quiet_day) => {
                run.date
            }
            _ => {
                vedette_store::discard(state.folder())
                    .context("cannot clear the last demonstration")?;
                let date = last_working_day(OffsetDateTime::now_utc().date());
                let run = Run { seed: arguments.seed, quiet_day: arguments.quiet_day, date };
                fs::write(&path, serde_json::to_string(&run)?)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                date
            }
        };
        Ok(Self { path, state: state.clone(), date })
    }

    /// The lines of the day that are not in the store yet, in order.
    pub(super) fn pending<'a>(&self, day: &'a Day) -> Result<Vec<&'a Event>> {
        let mut stored = self.stored()?;
        let is_new = |event: &&Event| match stored.get_mut(event.line.as_slice()) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        };
        Ok(day.events.iter().filter(is_new).collect())
    }

    /// How often each line is in the store.
    fn stored(&self) -> Result<HashMap<Vec<u8>, usize>> {
        let mut lines = HashMap::new();
        let reader = match Reader::open(self.state.folder()) {
            Ok(reader) => reader,
            Err(StoreError::Missing(_)) => return Ok(lines),
            Err(error) => return Err(error.into()),
        };
        let mut at = EventId(0);
        loop {
            let records = reader.events_after(at, PAGE)?;
            let Some((last, _)) = records.last() else { return Ok(lines) };
            at = *last;
            for (_, record) in records {
                *lines.entry(record.raw).or_default() += 1;
            }
        }
    }

    /// The next run begins afresh.
    pub(super) fn finish(&self) -> Result<()> {
        fs::remove_file(&self.path)
            .with_context(|| format!("cannot remove {}", self.path.display()))
    }
}

/// The last day before `today` on which a company works.
fn last_working_day(today: Date) -> Date {
    let mut day = today - Duration::DAY;
    while matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
        day -= Duration::DAY;
    }
    day
}
