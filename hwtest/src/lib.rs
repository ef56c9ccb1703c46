//! Hardware self-test: disk, memory, clock.
//!
//! [`run`] answers in well under a second what a person asks first when a box misbehaves: is the disk
//! quick and free, is there memory, can the clock be believed, is a disk wearing out. A check never
//! fails to give an answer: what a machine does not tell is [`State::NotApplicable`]. This crate must
//! not know the rest of the house, and changes nothing on the machine but for a nameless file that it
//! writes to time the disk.
//!
//! Start reading at [`run`] and [`Check`].

#![forbid(unsafe_code)]

mod check;
mod clock;
mod disk;
mod health;
mod memory;

use std::path::{Path, PathBuf};

use time::OffsetDateTime;

pub use check::{Check, CheckName, State};

/// Where the system tells about itself; other roots in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Roots {
    sys: PathBuf,
    proc: PathBuf,
    run: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { sys: "/sys".into(), proc: "/proc".into(), run: "/run".into() }
    }
}

/// Runs every check; `state` is the folder the appliance keeps its data in. Takes well under a second.
pub fn run(state: &Path) -> Vec<Check> {
    let roots = Roots::default();
    let mut checks = vec![
        disk::write_latency(state),
        disk::free_space(state),
        memory::available(&roots.proc),
        clock::plausible(OffsetDateTime::now_utc()),
        clock::synchronised(&roots.run),
    ];
    checks.extend(health::disks(&roots.sys));
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_answers_every_check() {
        let folder = tempfile::tempdir().unwrap();
        let checks = run(folder.path());
        for name in CheckName::ALL {
            assert!(checks.iter().any(|check| check.name == *name), "{name}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "leaves nothing behind");
        // Measured values may differ in their last digit, as JSON's reader rounds.
        let json = serde_json::to_string(&checks).unwrap();
        let read: Vec<Check> = serde_json::from_str(&json).unwrap();
        let told = |checks: &[Check]| -> Vec<_> {
            checks.iter().map(|check| (check.name, check.state, check.detail.clone())).collect()
        };
        assert_eq!(told(&read), told(&checks));
    }
}
