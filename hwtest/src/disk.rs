use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::check::{grade, readable};
use crate::{Check, CheckName, State};

/// Writes timed: enough for a median, few enough for a slow card.
const WRITES: usize = 8;

/// A page of the store.
const BLOCK: [u8; 4_096] = [0x5a; 4_096];

/// No further write is begun after this long, so that a dying disk cannot hang whoever asks.
const BUDGET: Duration = Duration::from_millis(500);

/// A group commit is promised within 100 ms; a disk that takes half of that alone is short of room.
const SLOW: Duration = Duration::from_millis(50);

/// Slower than this, commits queue up faster than they finish.
const TOO_SLOW: Duration = Duration::from_millis(250);

/// Below these the store stops taking lines soon, or now.
const LITTLE_SPACE: u64 = 2 << 30;
const NO_SPACE: u64 = 256 << 20;

pub(crate) fn write_latency(folder: &Path) -> Check {
    let name = CheckName::WriteLatency;
    match time_writes(folder) {
        Ok(times) => judge(times),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let detail = "this user may not write there; ask as the service's user";
            Check::new(name, State::NotApplicable, format!("{}: {detail}", folder.display()))
        }
        Err(error) => {
            let detail = format!("cannot write to {}: {error}; check the disk", folder.display());
            Check::new(name, State::Fail, detail)
        }
    }
}

fn time_writes(folder: &Path) -> io::Result<Vec<Duration>> {
    let mut file: File = tempfile::tempfile_in(folder)?;
    let begin = Instant::now();
    let mut times = Vec::with_capacity(WRITES);
    while times.len() < WRITES && begin.elapsed() < BUDGET {
        let start = Instant::now();
        file.write_all(&BLOCK)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    Ok(times)
}

fn judge(mut times: Vec<Duration>) -> Check {
    times.sort();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let max = times.last().copied().unwrap_or_default();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1_000.0;
    let (median_ms, max_ms) = (milliseconds(median), milliseconds(max));
    let (state, advice) = match median {
        _ if median > TOO_SLOW => (State::Fail, "; replace the disk or move the state folder"),
        _ if median > SLOW => (State::Warn, "; commits may come late under load"),
        _ => (State::Ok, ""),
    };
    let detail = format!("a write lasts after {median_ms:.1} ms, {max_ms:.1} ms at worst{advice}");
    Check::new(CheckName::WriteLatency, state, detail)
        .with("median_ms", median_ms)
        .with("max_ms", max_ms)
        .with("writes", times.len() as f64)
}

pub(crate) fn free_space(folder: &Path) -> Check {
    match rustix::fs::statvfs(folder) {
        Ok(stat) => {
            let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
            judge_space(bytes(stat.f_bavail), bytes(stat.f_blocks))
        }
        Err(error) => {
            let detail = format!("cannot look at {}: {error}; check paths.state", folder.display());
            Check::new(CheckName::FreeSpace, State::Fail, detail)
        }
    }
}

fn judge_space(free: u64, total: u64) -> Check {
    let state = grade(free, NO_SPACE, LITTLE_SPACE);
    let advice = match state {
        State::Ok | State::NotApplicable => "",
        State::Warn | State::Fail => "; shorten the retention or add space",
    };
    let detail = format!("{} of {} free{advice}", readable(free), readable(total));
    Check::new(CheckName::FreeSpace, state, detail)
        .with("free_bytes", free as f64)
        .with("total_bytes", total as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_is_judged_by_its_median() {
        for (milliseconds, state) in [
            (&[1, 1, 1][..], State::Ok),
            (&[1, 1, 900], State::Ok),
            (&[60, 60, 1], State::Warn),
            (&[300], State::Fail),
        ] {
            let times = milliseconds.iter().map(|time| Duration::from_millis(*time)).collect();
            assert_eq!(judge(times).state, state, "{milliseconds:?}");
        }
    }

    #[test]
    fn space_is_judged_by_what_is_free() {
        for (free, state) in [
            (10 << 30, State::Ok),
            (1 << 30, State::Warn),
            (1 << 20, State::Fail),
            (0, State::Fail),
        ] {
            let check = judge_space(free, 100 << 30);
            assert_eq!(check.state, state, "{free}");
            assert_eq!(check.values["free_bytes"], free as f64);
        }
    }

    #[test]
    fn a_folder_that_is_not_there_fails() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent");
        for check in [write_latency(&absent), free_space(&absent)] {
            assert_eq!(check.state, State::Fail);
            assert!(check.detail.contains("absent"), "{}", check.detail);
        }
    }
}
