//! What the tests need from Debian, and how it gets there.
//!
//! As root on Debian it is installed; an ordinary user is told what to install, and the tests that
//! need it count as skipped.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

/// A Debian package and a file that shows it is there.
struct Package {
    name: &'static str,
    proof: &'static str,
}

const WANTED: &[Package] = &[
    Package { name: "chromium", proof: "/usr/bin/chromium" },
    Package { name: "chromium-driver", proof: "/usr/bin/chromedriver" },
    Package { name: "request-tracker5", proof: "/usr/share/request-tracker5" },
    Package { name: "rt5-db-sqlite", proof: "/usr/share/doc/rt5-db-sqlite" },
    Package { name: "rt5-standalone", proof: "/usr/share/doc/rt5-standalone" },
    Package { name: "systemd", proof: "/usr/bin/systemd-analyze" },
    Package { name: "python3", proof: "/usr/bin/python3" },
    Package { name: "python3-pip", proof: "/usr/share/doc/python3-pip" },
    Package { name: "python3-venv", proof: "/usr/share/doc/python3-venv" },
];

/// Installs what is missing, or says what to install.
pub(crate) fn for_tests() -> Result<()> {
    let missing: Vec<&str> = WANTED
        .iter()
        .filter(|package| !Path::new(package.proof).exists())
        .map(|package| package.name)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !may_install() {
        println!("tests that need these packages are skipped; install them with");
        println!("  sudo apt-get install {}", missing.join(" "));
        return Ok(());
    }
    install(&missing)
}

/// Whether something is there that tests can do without, installed first where it may be.
pub(crate) fn offered(package: &str, is_there: impl Fn() -> bool) -> bool {
    is_there() || may_install() && install(&[package]).is_ok() && is_there()
}

/// A C compiler, which SQLite and ring are built with.
pub(crate) fn compiler() -> Result<()> {
    if ["/usr/bin/cc", "/usr/local/bin/cc"].iter().any(|path| Path::new(path).exists()) {
        return Ok(());
    }
    if may_install() {
        return install(&["gcc", "libc6-dev"]);
    }
    bail!("no C compiler: install one with `sudo apt-get install gcc libc6-dev`")
}

fn may_install() -> bool {
    Path::new("/usr/bin/apt-get").exists() && is_root()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

fn install(names: &[&str]) -> Result<()> {
    println!("installing {}", names.join(" "));
    let apt = |arguments: &[&str]| {
        crate::run(
            Command::new("apt-get")
                .args(["-q", "-o", "Acquire::Retries=3"])
                .args(arguments)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    apt(&["update"])?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(names);
    apt(&arguments)
}
