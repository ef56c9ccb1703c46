//! `vedette model`: fetch, list, look at and measure bundles.

use std::fs;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::Command;

use anyhow::{Context, anyhow};

use vedette_settings::ModelDevice;

use crate::cli::Model;
use crate::exit::{Failure, Outcome};
use crate::model::bundle::Bundle;
use crate::model::pull::{Progress, Pull};
use crate::model::worker::WorkerSettings;
use crate::state::Home;

/// Bytes in a mebibyte.
const MIB: u64 = 1 << 20;

pub(crate) fn run(command: Model) -> Outcome {
    match command {
        Model::Pull { file, accept_sha256, configured } => {
            let home = Home::open(&configured)?;
            home.state.create()?;
            let bundle = pull(&home, Pull { file, accept_sha256, ..Pull::default() })?;
            writeln!(
                stdout(),
                "{} is in place ({} bytes, SHA-256 verified)",
                bundle.name,
                bundle.manifest.bytes
            )?;
            Ok(())
        }
        Model::List(configured) => {
            let home = Home::open(&configured)?;
            for (name, bundle) in home.bundles().list()? {
                match bundle {
                    Ok(bundle) => writeln!(
                        stdout(),
                        "{name}\t{}\t{}",
                        bundle.manifest.bytes,
                        bundle.manifest.sha256
                    )?,
                    Err(error) => writeln!(stdout(), "{name}\tunusable: {error}")?,
                }
            }
            Ok(())
        }
        Model::Inspect(configured) => {
            let home = Home::open(&configured)?;
            let bundle = home.bundles().find()?;
            bundle.verify()?;
            run_worker(&["inspect"], &bundle, None)
        }
        Model::Bench { json, configured } => {
            let home = Home::open(&configured)?;
            let bundle = home.bundles().find()?;
            run_worker(&["bench"], &bundle, json.as_deref())
        }
    }
}

/// Fetches the base model and shows how far it is.
pub(crate) fn pull(home: &Home, pull: Pull) -> Outcome<Bundle> {
    let bundles = home.bundles();
    let terminal = stderr().is_terminal();
    let mut show = |progress: Progress| {
        let text = match progress {
            Progress::Fetching(bytes) => format!("fetching the base model: {} MiB", bytes / MIB),
            Progress::Checking => "checking the base model".to_owned(),
        };
        if terminal {
            eprint!("\r{text}   ");
            let _ = stderr().flush();
        }
    };
    let bundle = pull.run(&bundles, &mut show);
    if terminal {
        eprintln!();
    }
    Ok(bundle?)
}

/// Has the worker's program, which knows the model's inside, answer with a JSON document.
fn run_worker(arguments: &[&str], bundle: &Bundle, copy: Option<&std::path::Path>) -> Outcome {
    let program = WorkerSettings::find(1, ModelDevice::Auto).program.ok_or_else(|| {
        anyhow!("vedette-worker is not beside this program: build it with `cargo build`")
    })?;
    let output = Command::new(&program)
        .args(arguments)
        .arg(bundle.model())
        .arg("--json")
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    stderr().write_all(&output.stderr)?;
    stdout().write_all(&output.stdout)?;
    if let Some(path) = copy {
        fs::write(path, &output.stdout)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if output.status.success() { Ok(()) } else { Err(Failure::Told) }
}
