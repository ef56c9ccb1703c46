//! `vedette model`: fetch, list, look at and measure bundles.

use std::fs;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};
use vedette_provisioning::{Identity, Surroundings, SystemEntropy, TrustedKey};
use vedette_settings::ModelDevice;
use vedette_store::Reader;

use crate::cli::Model;
use crate::exit::{Failure, Outcome};
use crate::model::build::Build;
use crate::model::bundle::{BASE, Bundle, Bundles, Entry, Manifest, Origin, SENTENCES, Selection};
use crate::model::carry;
use crate::model::pull::{Progress, Pull};
use crate::model::shadow::{self, Sample, Say};
use crate::model::worker::WorkerSettings;
use crate::state::Home;

/// Characters shown of a line that is judged differently.
const SHOWN: usize = 120;

/// Bytes in a mebibyte.
const MIB: u64 = 1 << 20;

pub(crate) fn run(command: Model) -> Outcome {
    match command {
        Model::Pull { sentences, file, accept_sha256, configured } => {
            let home = Home::open(&configured)?;
            home.state.create()?;
            let what = if sentences { SENTENCES } else { BASE };
            let bundle = pull(&home, Pull { what, file, accept_sha256, ..Pull::default() })?;
            let bytes = bundle.manifest.model.bytes;
            writeln!(stdout(), "{} is in place ({bytes} bytes, SHA-256 verified)", bundle.name)?;
            Ok(())
        }
        Model::List(configured) => list(&Home::open(&configured)?),
        Model::Inspect(configured) => {
            let home = Home::open(&configured)?;
            let bundle = home.bundles().find()?;
            bundle.verify()?;
            inspect(&bundle)
        }
        Model::Build { base, adapters, metrics, base_licence, name, quantise, configured } => {
            let home = Home::open(&configured)?;
            home.state.create()?;
            let base = match base {
                Some(base) => base,
                None => home.bundles().named(BASE.folder)?.model(),
            };
            let quantisation = quantise;
            let build = Build { name, base, adapters, quantisation, metrics, base_licence };
            let bundle = build.run(&home.bundles(), &worker_program()?)?;
            let Entry { bytes, sha256, .. } = &bundle.manifest.model;
            writeln!(stdout(), "{} is built ({bytes} bytes, SHA-256 {sha256})", bundle.name)?;
            Ok(())
        }
        Model::Export { name, folder, configured } => {
            export(&Home::open(&configured)?, &name, &folder)
        }
        Model::Import { folder, name, configured } => {
            let home = Home::open(&configured)?;
            home.state.create()?;
            let bundle = carry::import(&home.bundles(), &folder, name.as_deref())?;
            writeln!(stdout(), "{} is in place, {}", bundle.name, bundle.origin)?;
            Ok(())
        }
        Model::Activate { name, configured } => activate(&Home::open(&configured)?, &name),
        Model::Rollback(configured) => roll_back(&Home::open(&configured)?),
        Model::Eval(arguments) => super::eval::run(&arguments),
        Model::Bench { json, peer, plot, configured } => {
            let home = Home::open(&configured)?;
            let bundle = home.bundles().find()?;
            match peer {
                None => run_worker(&["bench"], &bundle, json.as_deref()),
                Some(peer) => {
                    let state = home.state.folder().join("peer");
                    compare(&peer, &bundle, &state, &[("--json", json), ("--plot", plot)])
                }
            }
        }
    }
}

/// What the worker finds in the model's file, and what the manifest tells of it.
fn inspect(bundle: &Bundle) -> Outcome {
    let Manifest { source, built, card, beside, .. } = &bundle.manifest;
    let told = json!({
        "bundle": bundle.name, "origin": bundle.origin.to_string(), "source": source,
        "beside": beside, "built": built, "card": card,
    });
    let mut document: Value = serde_json::from_slice(&worker_says(&["inspect"], bundle)?)
        .context("what the worker says of the model cannot be read")?;
    if let (Some(document), Value::Object(told)) = (document.as_object_mut(), told) {
        document.extend(told);
    }
    writeln!(stdout(), "{document:#}")?;
    Ok(())
}

fn list(home: &Home) -> Outcome {
    for (name, bundle) in home.bundles().list()? {
        match bundle {
            Ok(Bundle { manifest, origin, .. }) => {
                let Entry { bytes, sha256, .. } = &manifest.model;
                writeln!(stdout(), "{name}\t{bytes}\t{sha256}\t{origin}")?;
            }
            Err(error) => writeln!(stdout(), "{name}\tunusable: {error}")?,
        }
    }
    Ok(())
}

/// Signs in the name of this box, and says by which key others know it.
fn export(home: &Home, name: &str, folder: &Path) -> Outcome {
    let bundle = home.bundles().named(name)?;
    bundle.verify()?;
    let mut entropy = SystemEntropy;
    let identity =
        Identity::load_or_create(&home.state.identity(), Surroundings::real(&mut entropy))?;
    carry::export(&bundle, &identity, folder)?;
    let key = match bundle.origin {
        Origin::Signed(key) => key,
        _ => TrustedKey::new(&identity.public_key())?,
    };
    writeln!(
        stdout(),
        "{} lies in {}; a box takes it that has the key under [model] trusted-keys:\n{key}",
        bundle.name,
        folder.display()
    )?;
    Ok(())
}

/// Fetches a model and shows how far it is.
pub(crate) fn pull(home: &Home, pull: Pull) -> Outcome<Bundle> {
    let bundles = home.bundles();
    let terminal = stderr().is_terminal();
    let mut show = |progress: Progress| {
        let text = match progress {
            Progress::Fetching(bytes) => format!("fetching the model: {} MiB", bytes / MIB),
            Progress::Checking => "checking the model".to_owned(),
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

fn worker_program() -> anyhow::Result<PathBuf> {
    WorkerSettings::find(1, ModelDevice::Auto).program.ok_or_else(|| {
        anyhow!("vedette-worker is not beside this program: build it with `cargo build`")
    })
}

/// Lets a bundle answer that has shown, on the newest lines, that it can.
fn activate(home: &Home, name: &str) -> Outcome {
    let bundles = free(home)?;
    let new = bundles.named(name)?;
    new.verify()?;
    let selection = bundles.selection();
    if selection.active == name {
        writeln!(stdout(), "{name} answers already")?;
        return Ok(());
    }
    let worker = worker_program()?;
    let lines = match Reader::open(home.state.folder()) {
        Ok(reader) => shadow::recent(&reader)?,
        // Nothing has been stored yet.
        Err(_) => Vec::new(),
    };
    // Without lines it must still load and answer.
    let probe = [Sample { raw: "-".to_owned() }];
    let lines = if lines.is_empty() { &probe[..] } else { &lines };
    let says = shadow::judge(&worker, &new, lines)?;
    match bundles
        .named(&selection.active)
        .map_err(Into::into)
        .and_then(|old| shadow::judge(&worker, &old, lines).map(|before| (old, before)))
    {
        Ok((old, before)) => show_differences(lines, (&old, &before), (&new, &says))?,
        Err(why) => writeln!(stdout(), "nothing to compare with: {why:#}")?,
    }
    let previous = Some(selection.active);
    bundles.select(&Selection { active: name.to_owned(), previous })?;
    writeln!(stdout(), "{name} answers from now on; `vedette model rollback` takes that back")?;
    Ok(())
}

fn show_differences(
    lines: &[Sample],
    (old, before): (&Bundle, &[Say]),
    (new, after): (&Bundle, &[Say]),
) -> Outcome {
    let mut out = stdout();
    let mut changed = 0;
    for ((line, before), after) in lines.iter().zip(before).zip(after) {
        if before.differs(after) {
            changed += 1;
            let told = |say: &Say| {
                let class = say.class().map_or("unknown", |class| class.as_str());
                format!("{:.2} {class}", say.malicious)
            };
            let raw: String = line.raw.escape_debug().take(SHOWN).collect();
            writeln!(out, "{} -> {}  {raw}", told(before), told(after))?;
        }
    }
    let count = lines.len();
    writeln!(
        out,
        "{} and {} judge {changed} of {count} recent lines differently",
        old.name, new.name
    )?;
    Ok(())
}

fn roll_back(home: &Home) -> Outcome {
    let bundles = free(home)?;
    let selection = bundles.selection();
    let Some(previous) = selection.previous else {
        return Err(anyhow!("{} has been the only bundle so far", selection.active).into());
    };
    bundles.named(&previous)?.verify()?;
    bundles.select(&Selection { active: previous.clone(), previous: Some(selection.active) })?;
    writeln!(stdout(), "{previous} answers again")?;
    Ok(())
}

/// The bundles, where the configuration leaves open which one runs.
fn free(home: &Home) -> anyhow::Result<Bundles> {
    let bundles = home.bundles();
    if bundles.is_pinned() {
        bail!("the configuration fixes the bundle: remove `bundle` under [model] first");
    }
    Ok(bundles)
}

/// Has the script beside the engine measure the worker and llama.cpp in turns.
fn compare(
    peer: &Path,
    bundle: &Bundle,
    state: &Path,
    outputs: &[(&str, Option<PathBuf>)],
) -> Outcome {
    let mut command = Command::new("python3");
    command.arg(peer.join("compare.py")).arg("--worker").arg(worker_program()?);
    command.arg("--model").arg(bundle.model()).arg("--state").arg(state);
    for (name, path) in outputs {
        if let Some(path) = path {
            command.arg(name).arg(path);
        }
    }
    let status = command.status().context("cannot run python3")?;
    if status.success() { Ok(()) } else { Err(Failure::Told) }
}

/// Prints what the worker's program answers, and copies it to a file.
fn run_worker(arguments: &[&str], bundle: &Bundle, copy: Option<&Path>) -> Outcome {
    let document = worker_says(arguments, bundle)?;
    stdout().write_all(&document)?;
    if let Some(path) = copy {
        fs::write(path, &document).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Has the worker's program, which knows the model's inside, answer with a JSON document.
fn worker_says(arguments: &[&str], bundle: &Bundle) -> Outcome<Vec<u8>> {
    let program = worker_program()?;
    let output = Command::new(&program)
        .args(arguments)
        .args(bundle.worker_arguments())
        .arg("--json")
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    stderr().write_all(&output.stderr)?;
    if output.status.success() { Ok(output.stdout) } else { Err(Failure::Told) }
}
