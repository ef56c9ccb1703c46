//! Pages of `docs/` that the product writes about itself.

use std::process::Command;

use anyhow::{Context, Result, bail};

/// A generated page and the arguments of `vedette` that print it.
const PAGES: &[(&str, &[&str])] = &[("docs/CONFIGURATION.md", &["config", "reference"])];

/// Builds the product and has it write the pages, or compares them with what is committed.
pub(crate) fn run(check: bool) -> Result<()> {
    crate::run(crate::cargo().arg("build"))?;
    pages(check)
}

/// The same with the product as it was built last.
pub(crate) fn pages(check: bool) -> Result<()> {
    for (page, arguments) in PAGES {
        let printed = Command::new(crate::root().join("target/debug/vedette"))
            .args(*arguments)
            .output()
            .with_context(|| format!("cannot print {page}"))?;
        if !printed.status.success() {
            bail!("cannot print {page}: {}", String::from_utf8_lossy(&printed.stderr));
        }
        let path = crate::root().join(page);
        if check {
            if std::fs::read(&path).ok().as_deref() != Some(&printed.stdout[..]) {
                bail!("{page} is out of date: run `cargo xtask docs` and commit it");
            }
        } else {
            std::fs::write(&path, &printed.stdout)
                .with_context(|| format!("cannot write {page}"))?;
        }
        println!("docs: {page} is up to date");
    }
    Ok(())
}
