//! The lines to measure on, and those that baselines may learn from.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use vedette_event::TechniqueId;

use super::novelty::Templates;
use crate::dataset::{LogRow, Row, Split, json_lines};
use crate::learnt::LearntTemplates;
use crate::validate::Measured;

/// A labelled line.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its name in the data.
    pub id: String,
    /// The line.
    pub raw: String,
    /// Features and truth; techniques by parent.
    pub row: Row,
    /// Techniques as the data names them.
    pub techniques: Vec<TechniqueId>,
    /// How unlike every line learnt from, 0 (the same words) to 1 (no word shared).
    pub novelty: f32,
    /// Whether the screen learnt from a line of the same template, by [`Data::mark`].
    pub learnt: bool,
}

/// What is measured and what may be learnt from.
#[derive(Clone, Debug, Default)]
pub struct Data {
    /// Lines to judge.
    pub samples: Vec<Sample>,
    /// Lines of the training split that share no group and no template with them; may be empty.
    pub train: Vec<Sample>,
}

/// Reads a file of labelled lines, or a folder of such files (the shared data folder, its `logs`, or
/// any other; files of sessions are left out). Rows that name no split are measured.
///
/// # Errors
/// When nothing of the kind is there or a row is not what the data's description says.
pub fn read(path: &Path, split: Split) -> Result<Data> {
    let (mut samples, mut others) = (Vec::new(), Vec::new());
    for (sample, named) in lines(path)? {
        let measured = named.is_none_or(|named| named == split);
        if measured { &mut samples } else { &mut others }.push(sample);
    }
    ensure!(
        !samples.is_empty(),
        "{} has no line of the wanted split: name another file, folder or split",
        path.display()
    );
    let mut data = Data { samples, train: Vec::new() };
    data.learn_from(others);
    Ok(data)
}

impl Data {
    /// Marks the lines whose template a screen learnt from.
    pub fn mark(&mut self, learnt: &LearntTemplates) {
        for sample in &mut self.samples {
            sample.learnt = learnt.contains(&sample.row.template);
        }
    }

    /// Learns from the training split of other data instead, as far as it shares nothing with what is
    /// measured.
    ///
    /// # Errors
    /// As [`read`].
    pub fn train_on(&mut self, path: &Path) -> Result<()> {
        let samples = lines(path)?.into_iter().map(|(sample, _)| sample);
        self.learn_from(samples.collect());
        Ok(())
    }

    fn learn_from(&mut self, mut train: Vec<Sample>) {
        let measured = Measured::of(self.samples.iter().map(|sample| &sample.row));
        train.retain(|sample| measured.leaves(&sample.row));
        let templates = Templates::of(train.iter().map(|sample| sample.row.template.as_str()));
        for sample in &mut self.samples {
            sample.novelty = templates.novelty(&sample.row.template);
        }
        self.train = train;
    }
}

/// Every line below a path with the split it names.
fn lines(path: &Path) -> Result<Vec<(Sample, Option<Split>)>> {
    let mut lines = Vec::new();
    for file in files(path)? {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        for (at, mut read) in json_lines::<LogRow>(&file)?.into_iter().enumerate() {
            if read.id.is_empty() {
                read.id = format!("{name}:{}", at + 1);
            }
            lines.push((sample(&read, &name), read.split));
        }
    }
    Ok(lines)
}

fn sample(read: &LogRow, file: &str) -> Sample {
    let techniques: BTreeSet<TechniqueId> =
        read.technique_ids.iter().filter_map(|id| id.parse().ok()).collect();
    Sample {
        id: read.id.clone(),
        raw: read.raw.clone(),
        row: read.row(file),
        techniques: techniques.into_iter().collect(),
        novelty: 1.0,
        learnt: false,
    }
}

/// The files of labelled lines at a path, in order of their names.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let logs = path.join("logs");
    let folder = if logs.is_dir() { &logs } else { path };
    let entries =
        fs::read_dir(folder).with_context(|| format!("{} cannot be listed", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.with_context(|| format!("{} cannot be listed", folder.display()))?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".jsonl") && !name.ends_with("_sessions.jsonl") {
            files.push(file);
        }
    }
    ensure!(
        !files.is_empty(),
        "{} has no file of labelled lines: name a .jsonl file or a folder of them",
        folder.display()
    );
    files.sort();
    Ok(files)
}
