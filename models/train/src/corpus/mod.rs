//! SOC-Sim: our own lines, as the products of a small company write them.
//!
//! What is said lies in files (`models/train/corpus`, whose README has the format), not here: a product
//! has *shapes*, which are how it writes, and *cases*, which say what the values of a shape make of it.
//! The same shape is written in peace and under attack, so that a form alone tells nothing; what is
//! done, by whom and where, does. This module reads the files, draws lines and checks the whole.
//!
//! Start reading at [`Corpus::read`] and [`Corpus::draw`].

mod checks;
mod clock;
mod draw;
mod envelope;
mod label;
mod parse;
mod values;

use std::path::{Path, PathBuf};

use anyhow::Result;

pub use checks::{Check, check};
pub use draw::Line;
pub use label::CaseLabel;
pub use parse::{Case, Corpus, Escape, Labelled, Product, Shape};

use crate::dataset::{Kind, Row};

/// Share of benign lines drawn for training. Of a real network nearly all are, but attacks have far
/// more to tell apart.
pub const BENIGN_SHARE: f64 = 0.6;

/// Lines drawn for training the screen: a few of each case and value.
pub const LINES: usize = 24_000;

/// Where the files lie.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// Lines for training; the same for the same seed. A product is a group.
///
/// # Errors
/// When the files cannot be read or are not in the format.
pub fn rows(seed: u64, lines: usize) -> Result<Vec<Row>> {
    let corpus = Corpus::read(&folder())?;
    let rows = corpus.draw(seed, lines, BENIGN_SHARE).into_iter().map(|line| {
        let group = format!("synthetic:{}", line.product);
        Row::new(Kind::Synthetic, "synthetic", group, &line.raw, line.label.truth())
    });
    Ok(rows.collect())
}

#[cfg(test)]
mod tests;
