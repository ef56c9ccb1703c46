//! Everything that must hold, in the order in which a mistake is cheapest to find.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// How a test says that it did not run for want of something that could be installed.
const SKIPPED: &str = "skipped: ";
/// How a test says that it cannot apply to this machine at all.
const NOT_APPLICABLE: &str = "not applicable: ";

/// Runs the suite. Under `CI` a skipped test is a failure.
pub(crate) fn run() -> Result<()> {
    crate::packages::compiler()?;
    crate::packages::for_tests()?;
    crate::run(crate::cargo().args(["fmt", "--all", "--check"]))?;
    crate::borders::check()?;
    crate::units::check()?;
    crate::run(crate::cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))?;
    // Behind the other check, whose work on what both need it shares.
    crate::elsewhere::cuda()?;
    deny()?;
    // The tests' build makes the commands too; a build of their own would compile the house twice.
    crate::run(crate::cargo().args(["test", "--workspace", "--locked", "--no-run"]))?;
    crate::generated::pages(true)?;
    let mut tally = Tally { finished: true, ..Tally::default() };
    test(&pulled_model(), &mut tally)?;
    test_on_arm(&mut tally)?;
    tally.conclude()
}

/// The Arm tests alone.
pub(crate) fn arm() -> Result<()> {
    let mut tally = Tally { finished: true, ..Tally::default() };
    test_on_arm(&mut tally)?;
    tally.conclude()
}

/// Licences and sources; `cargo deny` is built on first use.
fn deny() -> Result<()> {
    let installed = crate::root().join("target/tools/bin/cargo-deny");
    if !installed.exists() {
        crate::run(
            crate::cargo()
                .args(["install", "cargo-deny", "--version", "^0.20", "--locked", "--quiet"])
                .args(["--profile", "dev", "--root"])
                .arg(crate::root().join("target/tools"))
                .env("CARGO_PROFILE_DEV_DEBUG", "false"),
        )?;
    }
    crate::run(
        Command::new(installed)
            .args(["--offline", "check", "bans", "licenses", "sources"])
            .current_dir(crate::root()),
    )
}

#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
    /// Whether cargo ended each time as a run whose tests all passed does.
    finished: bool,
    /// What was skipped or not applicable, and why.
    remarks: Vec<String>,
}

impl Tally {
    /// Runs tests and counts them as they are told.
    fn run(&mut self, command: &mut Command) -> Result<()> {
        let mut child = command.stdout(Stdio::piped()).spawn().context("cannot run cargo test")?;
        let output = child.stdout.take().context("cargo test has no output")?;
        for line in BufReader::new(output).split(b'\n') {
            let line = line.context("cannot read what cargo test prints")?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            self.read(&line);
        }
        self.finished &= child.wait().context("cannot wait for cargo test")?.success();
        Ok(())
    }

    /// Says how it went; the last line counts. Under `CI` a skipped test is a failure.
    fn conclude(&self) -> Result<()> {
        println!();
        for line in &self.remarks {
            println!("{line}");
        }
        println!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped);
        if self.failed > 0 || !self.finished {
            bail!("tests failed");
        }
        if self.skipped > 0 && std::env::var_os("CI").is_some() {
            bail!("a skipped test is a failure here");
        }
        Ok(())
    }

    fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += number_before(counts, "passed");
            self.failed += number_before(counts, "failed");
            let ignored = number_before(counts, "ignored");
            if ignored > 0 {
                self.skipped += ignored;
                self.remarks.push(format!("{SKIPPED}{ignored} ignored by attribute"));
            }
        } else if line.starts_with(SKIPPED) {
            self.skipped += 1;
            // The test itself returned, and so counted as passed.
            self.passed = self.passed.saturating_sub(1);
            self.remarks.push(line.to_owned());
        } else if line.starts_with(NOT_APPLICABLE) {
            self.remarks.push(line.to_owned());
        }
    }
}

/// The number in `… 3 passed; …` before a word.
fn number_before(text: &str, word: &str) -> u64 {
    let words: Vec<&str> = text.split([' ', ';', '.']).filter(|word| !word.is_empty()).collect();
    words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

/// The state folder with the base model for the tests that need one; pulled once. Where that fails
/// the tests say that they were skipped.
fn pulled_model() -> PathBuf {
    let state = crate::root().join("target/test-state");
    if !state.join("models/base/manifest.json").exists() {
        let mut pull = Command::new(crate::root().join("target/debug/vedette"));
        pull.args(["model", "pull"]).env("VEDETTE_STATE", &state);
        if let Err(error) = crate::run(&mut pull) {
            println!("{SKIPPED}the base model cannot be pulled: {error:#}");
        }
    }
    state
}

fn test(model: &Path, tally: &mut Tally) -> Result<()> {
    let mut command = crate::cargo();
    command.env("VEDETTE_TEST_MODEL", model).args([
        "test",
        "--workspace",
        "--locked",
        "--no-fail-fast",
        "--",
        "--show-output",
    ]);
    if let Some(shared) = shared_data() {
        command.env("VEDETTE_SHARED", shared);
    }
    tally.run(&mut command)
}

fn test_on_arm(tally: &mut Tally) -> Result<()> {
    match crate::elsewhere::arm() {
        Ok(commands) => commands.into_iter().try_for_each(|mut command| tally.run(&mut command)),
        Err(why) => {
            tally.read(&format!("{NOT_APPLICABLE}the kernels for Arm are not tested: {why}"));
            Ok(())
        }
    }
}

/// Real labelled logs, where they lie beside the checkout.
fn shared_data() -> Option<PathBuf> {
    let beside: &Path = &crate::root().join("../shared");
    beside.join("data").is_dir().then(|| beside.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_add_up() {
        let mut tally = Tally::default();
        for line in [
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s",
            "skipped: chromium is not installed",
            "not applicable: shared data is absent",
            "test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out",
        ] {
            tally.read(line);
        }
        assert_eq!((tally.passed, tally.failed, tally.skipped), (3, 2, 2));
        assert_eq!(tally.remarks.len(), 3);
    }
}
