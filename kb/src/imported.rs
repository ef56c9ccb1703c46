//! A customer's own runbooks: rows of JSON, checked here, kept by the caller. Their text is data: it is
//! searched and quoted, never obeyed.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::attack::is_technique_id;
use crate::runbook::RunbookId;

/// Rows in all: the index over them is built in memory at every start.
pub const MOST_ROWS: usize = 10_000;
/// Bytes of one runbook's text: the longest public ones are near 70 KB.
pub const MOST_TEXT_BYTES: usize = 256 * 1024;
/// Bytes of a title: it is shown in one line.
pub const MOST_TITLE_BYTES: usize = 300;
/// Techniques of one runbook; a runbook for everything is for nothing.
pub const MOST_TECHNIQUES: usize = 64;

/// A customer's runbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedRunbook {
    /// Names it.
    pub id: RunbookId,
    /// For a person.
    pub title: String,
    /// Techniques it is for.
    pub techniques: Vec<String>,
    /// The text as it came.
    pub text: String,
}

/// Why a file was refused. Nothing of a refused file is taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("importing runbooks failed at line {line}: {defect}")]
pub struct ImportError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub defect: ImportDefect,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImportDefect {
    /// Not the JSON object that is expected.
    #[error(
        "not a row like {{\"id\": \"…\", \"title\": \"…\", \"technique_ids\": [\"T1110\"], \"text\": \"…\"}}: {0}"
    )]
    Shape(String),
    /// An id with other characters, none, or too many.
    #[error("id {0:?}: use 1 to 128 letters, digits, '-', '_' and '.'")]
    Id(String),
    /// An id that stands in an earlier line.
    #[error("id {id:?} is already used in line {first}; ids must differ")]
    Duplicate {
        /// The id.
        id: String,
        /// The line that has it.
        first: usize,
    },
    /// An empty title or text.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// More than is allowed.
    #[error("{what} has {found}, at most {most} are allowed; split the runbook")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much may be.
        most: usize,
    },
    /// Not an ATT&CK technique.
    #[error("{0:?} is not an ATT&CK technique id (write T1110 or T1110.001)")]
    Technique(String),
}

/// Other keys of a row are ignored, so that exports of other tools can be imported as they are.
#[derive(Serialize, Deserialize)]
struct Row {
    id: String,
    title: String,
    #[serde(default)]
    technique_ids: Vec<String>,
    text: String,
}

/// All imported runbooks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    runbooks: Vec<ImportedRunbook>,
}

impl Imported {
    /// Reads JSON lines `{"id", "title", "technique_ids", "text"}`; empty lines are passed over.
    ///
    /// # Errors
    /// At the first row that is not as it must be, with its line.
    pub fn parse(text: &str) -> Result<Self, ImportError> {
        let mut runbooks: Vec<ImportedRunbook> = Vec::new();
        let mut first_lines: HashMap<RunbookId, usize> = HashMap::new();
        for (at, row) in text.lines().enumerate().filter(|(_, row)| !row.trim().is_empty()) {
            let line = at + 1;
            let refuse = |defect| ImportError { line, defect };
            let runbook = read_row(row).map_err(refuse)?;
            if let Some(first) = first_lines.insert(runbook.id.clone(), line) {
                let id = runbook.id.to_string();
                return Err(refuse(ImportDefect::Duplicate { id, first }));
            }
            runbooks.push(runbook);
            at_most("the file (rows)", runbooks.len(), MOST_ROWS).map_err(refuse)?;
        }
        Ok(Self { runbooks })
    }

    /// In the order of import.
    pub fn runbooks(&self) -> &[ImportedRunbook] {
        &self.runbooks
    }

    /// Takes in another import; a runbook whose id is known replaces the old one. Returns how many
    /// were new.
    ///
    /// # Errors
    /// When there would be more than [`MOST_ROWS`]; then nothing is changed.
    pub fn merge(&mut self, newer: Self) -> Result<usize, ImportDefect> {
        let places: HashMap<_, _> =
            self.runbooks.iter().enumerate().map(|(at, known)| (known.id.clone(), at)).collect();
        let new = newer.runbooks.iter().filter(|runbook| !places.contains_key(&runbook.id)).count();
        at_most("the knowledge base (rows)", self.runbooks.len() + new, MOST_ROWS)?;
        for runbook in newer.runbooks {
            match places.get(&runbook.id) {
                Some(at) => self.runbooks[*at] = runbook,
                None => self.runbooks.push(runbook),
            }
        }
        Ok(new)
    }

    /// The rows as they are read back by [`Imported::parse`].
    pub fn to_jsonl(&self) -> String {
        let row = |runbook: &ImportedRunbook| {
            serde_json::json!({
                "id": runbook.id.as_str(),
                "title": runbook.title,
                "technique_ids": runbook.techniques,
                "text": runbook.text,
            })
        };
        self.runbooks.iter().map(|runbook| format!("{}\n", row(runbook))).collect()
    }
}

fn read_row(row: &str) -> Result<ImportedRunbook, ImportDefect> {
    let row: Row =
        serde_json::from_str(row).map_err(|error| ImportDefect::Shape(error.to_string()))?;
    let id = RunbookId::new(&row.id).ok_or_else(|| ImportDefect::Id(row.id.clone()))?;
    for (what, text) in [("title", &row.title), ("text", &row.text)] {
        if text.trim().is_empty() {
            return Err(ImportDefect::Empty(what));
        }
    }
    at_most("title (bytes)", row.title.len(), MOST_TITLE_BYTES)?;
    at_most("text (bytes)", row.text.len(), MOST_TEXT_BYTES)?;
    at_most("technique_ids", row.technique_ids.len(), MOST_TECHNIQUES)?;
    if let Some(wrong) = row.technique_ids.iter().find(|text| !is_technique_id(text)) {
        return Err(ImportDefect::Technique(wrong.clone()));
    }
    Ok(ImportedRunbook { id, title: row.title, techniques: row.technique_ids, text: row.text })
}

fn at_most(what: &'static str, found: usize, most: usize) -> Result<(), ImportDefect> {
    if found > most { Err(ImportDefect::TooMuch { what, found, most }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str =
        r#"{"id":"a","title":"A","technique_ids":["T1110"],"text":"Do it.","more":1}"#;

    #[test]
    fn rows_read_back_as_written() {
        let imported = Imported::parse(&format!("{ROW}\n\n")).unwrap();
        assert_eq!(imported.runbooks().len(), 1);
        assert_eq!(Imported::parse(&imported.to_jsonl()).unwrap(), imported);
    }

    #[test]
    fn a_newer_import_replaces_by_id() {
        let mut imported = Imported::parse(ROW).unwrap();
        let newer = [ROW.replace("Do it.", "Do that."), ROW.replace("\"a\"", "\"b\"")].join("\n");
        assert_eq!(imported.merge(Imported::parse(&newer).unwrap()), Ok(1));
        let texts: Vec<_> = imported.runbooks().iter().map(|known| known.text.as_str()).collect();
        assert_eq!(texts, ["Do that.", "Do it."]);
    }

    #[test]
    fn bad_rows_are_told_with_their_line() {
        let long = "x".repeat(MOST_TITLE_BYTES + 1);
        for (second, expected) in [
            ("{".to_owned(), "line 2: not a row"),
            ("[1]".to_owned(), "line 2: not a row"),
            (ROW.to_owned(), "already used in line 1"),
            (ROW.replace("\"a\"", "\"a b\""), "letters, digits"),
            (ROW.replace("\"a\"", "\"b\"").replace("Do it.", " "), "text is empty"),
            (ROW.replace("\"a\"", "\"b\"").replace("\"A\"", &format!("{long:?}")), "at most 300"),
            (ROW.replace("\"a\"", "\"b\"").replace("T1110", "brute"), "not an ATT&CK technique"),
        ] {
            let error = Imported::parse(&format!("{ROW}\n{second}")).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
