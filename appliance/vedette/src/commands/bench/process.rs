//! What the system knows of a process (proc(5)).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

/// Ticks a second in which the kernel tells CPU time (`USER_HZ`): 100 on every machine we build for.
const TICKS: f64 = 100.0;

/// CPU time of a process since it started, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Cpu {
    pub(crate) user: f64,
    pub(crate) system: f64,
}

impl std::ops::Sub for Cpu {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { user: self.user - before.user, system: self.system - before.system }
    }
}

impl Cpu {
    /// All that a process used so far, its threads that ended included.
    pub(crate) fn of(process: u32) -> Result<Self> {
        let path = format!("/proc/{process}/stat");
        let stat = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        parse(&stat).with_context(|| format!("{path} is not as proc(5) says"))
    }

    /// The same by name of thread, of those that run.
    pub(crate) fn by_thread(process: u32) -> BTreeMap<String, f64> {
        let mut threads = BTreeMap::new();
        let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else { return threads };
        for task in tasks.flatten() {
            let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            let Some(cpu) = parse(&stat) else { continue };
            *threads.entry(name.trim_end().to_owned()).or_default() += cpu.total();
        }
        threads
    }

    pub(crate) fn total(self) -> f64 {
        self.user + self.system
    }
}

/// `utime` and `stime`, fields 14 and 15; the name before them may hold anything but `)`.
fn parse(stat: &str) -> Option<Cpu> {
    /// Fields between the name and `utime`.
    const BEFORE_UTIME: usize = 11;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(BEFORE_UTIME);
    let mut seconds = || {
        let ticks: u64 = fields.next()?.parse().ok()?;
        Some(ticks as f64 / TICKS)
    };
    Some(Cpu { user: seconds()?, system: seconds()? })
}

/// The most memory that a process has held at a time, in bytes (`VmHWM`).
pub(crate) fn peak_memory(process: u32) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = kib.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kib.with_context(|| format!("{path} is not as proc(5) says"))? * 1_024)
}

/// Bytes that the files of a folder take.
pub(crate) fn bytes_in(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    /// The unit of `st_blocks` (stat(2)).
    const BLOCK: u64 = 512;
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().filter_map(|entry| {
        let metadata = entry.metadata().ok()?;
        // What is reserved ahead, or left out as a hole, holds nothing.
        let own = metadata.len().min(metadata.blocks() * BLOCK);
        Some(if metadata.is_dir() { bytes_in(&entry.path()) } else { own })
    });
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_past_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 900 0 0 0 250 50 0 0 20 0 1 0 100 1 1";
        assert_eq!(parse(stat), Some(Cpu { user: 2.5, system: 0.5 }));
        assert_eq!(parse("7 (a) S 1"), None);
        assert!(Cpu::of(std::process::id()).is_ok());
        assert!(peak_memory(std::process::id()).unwrap() > 1 << 20);
    }
}
