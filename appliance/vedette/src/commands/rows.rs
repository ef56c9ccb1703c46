//! Rows in: JSON lines or plain text, from a file or standard input, one bad row at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Longest row read. A row may hold a whole session; what is longer is a wrong file, and would
/// otherwise choose how much memory is taken.
const MAX_ROW_BYTES: u64 = 64 << 20;

/// Opens the input; `-` is standard input.
pub(crate) fn open(path: &Path) -> Result<Box<dyn BufRead>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    Ok(Box::new(BufReader::new(file)))
}

/// Reads a whole small document, such as an incident file.
pub(crate) fn read_document(path: &Path) -> Result<String> {
    let mut text = String::new();
    let read = open(path)?.take(MAX_ROW_BYTES).read_to_string(&mut text);
    read.with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text)
}

/// The rows of an input, without their line ends.
pub(crate) struct Rows {
    input: Box<dyn BufRead>,
    number: u64,
}

/// A row and its number, from 1.
pub(crate) struct Row {
    pub(crate) number: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Rows {
    pub(crate) fn new(input: Box<dyn BufRead>) -> Self {
        Self { input, number: 0 }
    }
}

impl Iterator for Rows {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = Vec::new();
        match self.input.by_ref().take(MAX_ROW_BYTES).read_until(b'\n', &mut bytes) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) => return Some(Err(error)),
        }
        while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            bytes.pop();
        }
        self.number += 1;
        Some(Ok(Row { number: self.number, bytes }))
    }
}

/// What stands in the place of a row that cannot be answered.
pub(crate) fn bad_row(id: &Value, error: impl std::fmt::Display) -> Value {
    json!({ "id": id, "error": error.to_string() })
}
