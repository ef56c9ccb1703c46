//! Which templates a screen learnt from, as salted hashes: whoever has a line can tell whether its like
//! was learnt, so that a figure measured on such lines is not taken for a forecast; no text can be read
//! back, and no list of common lines hashed once fits every training.

use std::path::Path;
use std::{array, fs};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

/// Length of the salt, in bytes.
const SALT: usize = 16;

/// Bytes kept of a hash: among a million templates a stranger is taken for one of them once in 10^13.
const HASH: usize = 8;

/// Largest file, in bytes: some 250,000 templates, far more than labelled data has.
const MAX_BYTES: usize = 2 * 1000 * 1000;

/// The file beside the weights.
pub const FILE: &str = "templates.bin";

/// Hashes of masked templates, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearntTemplates {
    salt: [u8; SALT],
    hashes: Vec<u64>,
}

impl LearntTemplates {
    /// Those of templates, salted by what the seed and the templates come to.
    pub fn of<'a>(seed: u64, templates: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut hasher = Sha256::new_with_prefix(seed.to_le_bytes());
        templates.clone().for_each(|template| hasher.update(template));
        let whole = hasher.finalize();
        let mut learnt = Self { salt: array::from_fn(|at| whole[at]), hashes: Vec::new() };
        learnt.hashes = templates.map(|template| learnt.hash(template)).collect();
        learnt.hashes.sort_unstable();
        learnt.hashes.dedup();
        learnt
    }

    /// Those of the screen that ships inside the program.
    pub fn shipped() -> Result<Self> {
        Self::from_bytes(include_bytes!("../../bundles/screen/templates.bin"))
    }

    /// Reads the file of a screen's folder.
    ///
    /// # Errors
    /// When it is missing or not what training writes.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let bytes =
            fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        Self::from_bytes(&bytes).with_context(|| format!("{} is broken", path.display()))
    }

    /// Reads a file: the salt, then the hashes, little-endian, rising.
    ///
    /// # Errors
    /// When the bytes are no such file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        ensure!(bytes.len() <= MAX_BYTES, "over {MAX_BYTES} bytes: train the screen again");
        let (salt, rest) = bytes.split_first_chunk::<SALT>().context("the salt is missing")?;
        let (hashes, tail) = rest.as_chunks::<HASH>();
        ensure!(tail.is_empty(), "the last hash is cut short: train the screen again");
        let hashes: Vec<u64> = hashes.iter().map(|hash| u64::from_le_bytes(*hash)).collect();
        ensure!(hashes.is_sorted_by(|a, b| a < b), "hashes are not in order");
        Ok(Self { salt: *salt, hashes })
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let hashes = self.hashes.iter().flat_map(|hash| hash.to_le_bytes());
        self.salt.iter().copied().chain(hashes).collect()
    }

    /// Whether a template was learnt from.
    pub fn contains(&self, template: &str) -> bool {
        self.hashes.binary_search(&self.hash(template)).is_ok()
    }

    fn hash(&self, template: &str) -> u64 {
        let whole = Sha256::new_with_prefix(self.salt).chain_update(template).finalize();
        u64::from_le_bytes(array::from_fn(|at| whole[at]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_its_templates_from_others() {
        let templates = ["session opened for <*>", "link <*> down", "link <*> down"];
        let learnt = LearntTemplates::of(7, templates.into_iter());
        let read = LearntTemplates::from_bytes(&learnt.to_bytes()).unwrap();
        assert_eq!(read, learnt);
        assert_eq!(read.to_bytes().len(), SALT + 2 * HASH);
        assert!(templates.iter().all(|template| read.contains(template)));
        assert!(!read.contains("link <*> up") && !read.contains(""));
        let other = LearntTemplates::of(8, templates.into_iter());
        assert_ne!(other.to_bytes()[SALT..], learnt.to_bytes()[SALT..], "the salt counts");
    }

    #[test]
    fn broken_files_are_refused() {
        let bytes = LearntTemplates::of(7, ["a", "b"].into_iter()).to_bytes();
        let turned = [&bytes[..SALT], &bytes[SALT + HASH..], &bytes[SALT..SALT + HASH]].concat();
        for broken in [&bytes[..SALT - 1], &bytes[..bytes.len() - 1], &turned] {
            LearntTemplates::from_bytes(broken).unwrap_err();
        }
    }
}
