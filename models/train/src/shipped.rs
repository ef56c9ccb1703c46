//! The screen as it ships: trained, written, and measured through the file that was written.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use vedette_triage::screen::{Manifest, Weights};

use crate::assemble::{assemble, calibrate};
use crate::dataset::{Held, Kind, Row, Split};
use crate::heads::Labels;
use crate::judge::{Baselines, Linear, probability};
use crate::learnt::{self, LearntTemplates};
use crate::recipe::Recipe;
use crate::validate::{self, Contest, disjoint, file_scores};
use crate::{auxiliary, corpus, dataset, grades};

/// Everything there is to learn from and to measure on; where nothing is held out, the dev split's
/// lines are dealt to the training split.
///
/// # Errors
/// When the shared data is missing or not what its description says.
pub fn all_rows(data: &Path, recipe: &Recipe, held: Held) -> Result<Vec<Row>> {
    let mut rows = dataset::logs(data)?;
    if held == Held::Nothing {
        rows.iter_mut().for_each(|row| row.split = Split::Train);
    }
    rows.extend(auxiliary::rows(data, held)?);
    rows.extend(corpus::rows(recipe.seed, recipe.lines)?);
    Ok(rows)
}

/// Rows of the training split that share no template and no group with the dev split.
pub fn learnable(rows: &[Row]) -> Vec<&Row> {
    let dev: Vec<&Row> = validate::logs(rows, Split::Dev).collect();
    disjoint(rows, &dev)
}

/// A screen to ship: its file, its manifest, and how held-out groups were judged while calibrating it,
/// techniques left out.
pub struct Made {
    /// The weights file.
    pub bytes: Vec<u8>,
    /// What goes with it.
    pub manifest: Manifest,
    /// Of which public lines it learnt.
    pub templates: LearntTemplates,
    /// Judged by screens that did not see them.
    pub held_out: Contest,
}

/// Trains on what shares nothing with the dev split; calibrates on held-out groups of the same.
///
/// # Errors
/// When the weights would pass a cap of their format.
pub fn train(rows: &[Row], recipe: &Recipe) -> Result<Made> {
    let trial = Recipe { technique_rounds: 0, ..recipe.clone() };
    let held_out = validate::by_group(rows, &trial)?.without_techniques();
    let judged = held_out.judges.get("screen").map_or(&[][..], |tally| &tally.malicious);
    let graded = held_out.judges.get("screen").map_or(&[][..], |tally| &tally.grades);
    let margins: Vec<(f32, bool)> = judged.iter().map(|(p, truth)| (margin(*p), *truth)).collect();
    let bytes = assemble(&Linear::train(&learnable(rows), recipe))?.to_bytes();
    let manifest = Manifest {
        weights_sha256: Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect(),
        prior: 0.5,
        malicious: calibrate(&margins),
        grades: Some(grades::fit(graded)),
        seed: recipe.seed,
        trained_on: sources(rows),
    };
    Ok(Made { bytes, manifest, templates: templates(rows, recipe), held_out })
}

/// Templates of the public lines learnt from, which are real and so may be measured on; our own
/// corpus is no secret.
fn templates(rows: &[Row], recipe: &Recipe) -> LearntTemplates {
    let learnt = learnable(rows).into_iter().filter(|row| row.kind == Kind::Log);
    LearntTemplates::of(recipe.seed, learnt.map(|row| row.template.as_str()))
}

/// The score behind a probability.
fn margin(p: f32) -> f32 {
    let p = p.clamp(1e-6, 1.0 - 1e-6);
    (p / (1.0 - p)).ln()
}

/// Names and sizes of the sources learnt from.
fn sources(rows: &[Row]) -> Vec<String> {
    let mut counts = BTreeMap::<(_, &str), usize>::new();
    for row in learnable(rows) {
        *counts.entry((row.kind, row.source.as_str())).or_default() += 1;
    }
    counts.iter().map(|((kind, source), n)| format!("{source}: {n} {}", kind.name())).collect()
}

/// Writes weights, manifest and templates into a folder, which is made where it is missing.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path, made: &Made) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let text = serde_json::to_string_pretty(&made.manifest)? + "\n";
    for (name, bytes) in [
        ("weights.bin", &made.bytes),
        ("manifest.json", &text.into_bytes()),
        (learnt::FILE, &made.templates.to_bytes()),
    ] {
        let path = folder.join(name);
        fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

/// Reads them back.
///
/// # Errors
/// When a file is missing or broken.
pub fn read(folder: &Path) -> Result<(Vec<u8>, Manifest)> {
    let open = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))
    };
    Ok((open("weights.bin")?, serde_json::from_slice(&open("manifest.json")?)?))
}

/// Judges the dev split, whole and by source, by the file as it ships, naive Bayes and the majority
/// class.
///
/// # Errors
/// When the weights are broken.
pub fn evaluate(
    rows: &[Row],
    (bytes, manifest): &(Vec<u8>, Manifest),
    recipe: &Recipe,
) -> Result<Vec<(String, Contest)>> {
    let weights = Weights::from_bytes(bytes)?;
    let labels = Labels { techniques: weights.techniques().to_vec() };
    let baselines = Baselines::train(&learnable(rows), &labels, recipe);
    let majority = baselines.majority();
    let mut contests = vec![("dev".to_owned(), Contest::default())];
    contests.extend(dataset::SOURCES.map(|source| (format!("dev, {source}"), Contest::default())));
    for row in validate::logs(rows, Split::Dev) {
        let scores = file_scores(&weights, row);
        let malicious = manifest.malicious.probability(scores[0][1]);
        let bayes = baselines.bayes(row);
        for (name, contest) in &mut contests {
            if name == "dev" || name.ends_with(&row.source) {
                contest.add("screen", row, &labels, (&scores, malicious));
                contest.add("naive Bayes", row, &labels, (&bayes, probability(&bayes[0])));
                contest.add("majority", row, &labels, (&majority, probability(&majority[0])));
            }
        }
    }
    contests.retain(|(_, contest)| !contest.judges.is_empty());
    Ok(contests)
}
