use std::fs;
use std::path::Path;

use crate::check::{grade, readable};
use crate::{Check, CheckName, State};

/// The model's worker wants about this much; with less it is not started.
const LITTLE: u64 = 512 << 20;

/// Below this the kernel soon kills somebody.
const NONE: u64 = 64 << 20;

pub(crate) fn available(proc: &Path) -> Check {
    let read = fs::read_to_string(proc.join("meminfo")).ok();
    // A sandbox may hide the table; the system call knows no "available" and so tells too little.
    let (total, available) = read.as_deref().and_then(parse).unwrap_or_else(ask_kernel);
    judge(total, available)
}

/// Total and available bytes from `/proc/meminfo` (proc(5); its "kB" are 1,024 bytes).
fn parse(table: &str) -> Option<(u64, u64)> {
    let field = |name: &str| {
        let row = table.lines().find_map(|row| row.strip_prefix(name)?.strip_prefix(':'))?;
        row.split_ascii_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1_024)
    };
    Some((field("MemTotal")?, field("MemAvailable")?))
}

fn ask_kernel() -> (u64, u64) {
    let info = rustix::system::sysinfo();
    let unit = u64::from(info.mem_unit);
    let free = info.freeram.saturating_add(info.bufferram);
    (info.totalram.saturating_mul(unit), free.saturating_mul(unit))
}

fn judge(total: u64, available: u64) -> Check {
    let state = grade(available, NONE, LITTLE);
    let advice = match state {
        State::Ok | State::NotApplicable => "",
        State::Warn | State::Fail => "; stop other programs or add memory",
    };
    let detail = format!("{} of {} available{advice}", readable(available), readable(total));
    Check::new(CheckName::Memory, state, detail)
        .with("available_bytes", available as f64)
        .with("total_bytes", total as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(table: &str) -> Check {
        let proc = tempfile::tempdir().unwrap();
        fs::write(proc.path().join("meminfo"), table).unwrap();
        available(proc.path())
    }

    #[test]
    fn the_table_is_read_and_judged() {
        for (available_kb, state) in
            [(4_000_000, State::Ok), (400_000, State::Warn), (4_000, State::Fail)]
        {
            let check = check(&format!(
                "MemTotal:       8000000 kB\nMemFree: 1 kB\nMemAvailable: {available_kb} kB\n"
            ));
            assert_eq!(check.state, state, "{available_kb}");
            assert_eq!(check.values["total_bytes"], 8_000_000.0 * 1_024.0);
            assert_eq!(check.values["available_bytes"], f64::from(available_kb) * 1_024.0);
        }
    }

    #[test]
    fn without_a_table_the_kernel_is_asked() {
        for table in ["", "MemTotal: much\nMemAvailable: 1 kB", "MemTotal: 99999999999999999999 kB"]
        {
            assert!(check(table).values["total_bytes"] > 0.0, "{table:?}");
        }
    }
}
