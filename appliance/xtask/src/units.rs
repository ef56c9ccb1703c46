//! The systemd units: their syntax, and how exposed they leave the processes.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

/// The most exposure `systemd-analyze security` may find, in tenths.
const LIMITS: &[(&str, &str)] = &[("vedette.service", "15"), ("vedette-worker.service", "5")];

/// Checks the units where `systemd-analyze` is there; elsewhere says that it is not applicable.
pub(crate) fn check() -> Result<()> {
    if !Path::new("/usr/bin/systemd-analyze").exists() {
        println!("skipped: systemd-analyze is not installed");
        return Ok(());
    }
    let folder = crate::root().join("image/systemd");
    for (unit, limit) in LIMITS {
        crate::run(
            Command::new("systemd-analyze")
                .args(["security", "--offline=true", "--no-pager"])
                .arg(format!("--threshold={limit}"))
                .arg(folder.join(unit))
                .stdout(std::process::Stdio::null()),
        )?;
        println!("units: {unit} is within an exposure of {limit} tenths");
    }
    Ok(())
}
