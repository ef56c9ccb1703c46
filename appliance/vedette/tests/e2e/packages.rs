//! Programs of others, unpacked side by side and run as the ordinary user of the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Downloads Debian's packages and unpacks them below the target folder, once; where they lie, or why they
/// cannot be had.
pub(crate) fn unpack(name: &str, wanted: &[&str]) -> Result<PathBuf, String> {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let root = base.join("root");
    let complete = base.join("complete");
    if fs::read_to_string(&complete).is_ok_and(|packages| packages == wanted.join(" ")) {
        return Ok(root);
    }
    let packages = base.join("packages");
    fs::create_dir_all(&packages).map_err(|error| error.to_string())?;
    let fetch = Command::new("apt-get")
        .args(["-q", "download"])
        .args(wanted)
        .current_dir(&packages)
        .output()
        .map_err(|_| "apt-get is not here to download packages".to_owned())?;
    if !fetch.status.success() {
        return Err(format!("apt-get download: {}", String::from_utf8_lossy(&fetch.stderr)));
    }
    for package in fs::read_dir(&packages).map_err(|error| error.to_string())?.flatten() {
        let unpacked = Command::new("dpkg-deb").arg("-x").arg(package.path()).arg(&root).status();
        if !unpacked.is_ok_and(|status| status.success()) {
            return Err(format!("cannot unpack {}", package.path().display()));
        }
    }
    fs::write(complete, wanted.join(" ")).map_err(|error| error.to_string())?;
    Ok(root)
}
