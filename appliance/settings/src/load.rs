use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use crate::keys::{self, Key};
use crate::{Settings, SettingsError};

/// Most fragments read from `conf.d`: far above what a fleet tool writes, low enough that a wrong
/// folder is noticed.
const MAX_FRAGMENTS: usize = 64;

/// Where a key was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

/// A configuration and where each of its keys comes from.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub settings: Settings,
    /// Every key that was set, dotted, and the file that set it last.
    pub origins: BTreeMap<String, Origin>,
}

/// Reads a configuration and the fragments `conf.d/*.toml` beside it, in name order. Tables merge
/// key by key, anything else in a later file replaces what an earlier one said.
///
/// # Errors
/// The first thing that is wrong, with file, line and how to mend it.
pub fn load(file: &Path) -> Result<Loaded, SettingsError> {
    let keys = keys::known();
    let mut merged = Table::new();
    let mut origins = BTreeMap::new();
    for path in files(file)? {
        let text = fs::read_to_string(&path)
            .map_err(|source| SettingsError::Unreadable { path: path.clone(), source })?;
        let source = Source { path: &path, text: &text, keys: &keys };
        source.read(&mut merged, &mut origins)?;
    }
    let settings = Settings::deserialize(merged)
        .map_err(|error| SettingsError::Merged { message: error.message().to_owned() })?;
    Ok(Loaded { settings, origins })
}

fn files(file: &Path) -> Result<Vec<PathBuf>, SettingsError> {
    let folder = file.parent().unwrap_or(Path::new("")).join("conf.d");
    let mut files = vec![file.to_path_buf()];
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(files),
        Err(source) => return Err(SettingsError::Unreadable { path: folder, source }),
    };
    let mut fragments: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    if fragments.len() > MAX_FRAGMENTS {
        return Err(SettingsError::Merged {
            message: format!("{} holds more than {MAX_FRAGMENTS} fragments", folder.display()),
        });
    }
    fragments.sort();
    files.append(&mut fragments);
    Ok(files)
}

/// One file of the configuration.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
    keys: &'a [Key],
}

impl Source<'_> {
    fn read(
        &self,
        merged: &mut Table,
        origins: &mut BTreeMap<String, Origin>,
    ) -> Result<(), SettingsError> {
        let table = DeTable::parse(self.text).map_err(|error| self.invalid(&error))?;
        self.walk(table.get_ref(), "", origins)?;
        // Each file is typed by itself, so that a wrong value is told with its line.
        toml::from_str::<Settings>(self.text).map_err(|error| self.invalid(&error))?;
        let table = toml::from_str::<Table>(self.text).map_err(|error| self.invalid(&error))?;
        merge(merged, table);
        Ok(())
    }

    /// Checks that every key is known and notes where it was set.
    fn walk(
        &self,
        table: &DeTable<'_>,
        above: &str,
        origins: &mut BTreeMap<String, Origin>,
    ) -> Result<(), SettingsError> {
        for (name, value) in table {
            let dot = if above.is_empty() { "" } else { "." };
            let path = format!("{above}{dot}{}", name.get_ref());
            if !self.is_known(&path) {
                return Err(SettingsError::UnknownKey {
                    path: self.path.to_path_buf(),
                    line: self.line(name.span().start),
                    nearest: keys::nearest(&path.replace("[]", ""), self.keys),
                    key: path.replace("[]", ""),
                });
            }
            self.walk_value(value, &path, origins)?;
        }
        Ok(())
    }

    fn walk_value(
        &self,
        value: &Spanned<DeValue<'_>>,
        path: &str,
        origins: &mut BTreeMap<String, Origin>,
    ) -> Result<(), SettingsError> {
        match value.get_ref() {
            DeValue::Table(table) => self.walk(table, path, origins),
            DeValue::Array(items) if items.iter().any(|item| item.get_ref().is_table()) => {
                let list = format!("{path}[]");
                items.iter().try_for_each(|item| self.walk_value(item, &list, origins))
            }
            _ => {
                let line = self.line(value.span().start);
                let origin = Origin { file: self.path.to_path_buf(), line };
                origins.insert(path.replace("[]", ""), origin);
                Ok(())
            }
        }
    }

    fn is_known(&self, path: &str) -> bool {
        self.keys.iter().any(|key| {
            key.path.strip_prefix(path).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('.') || rest.starts_with("[]")
            })
        })
    }

    fn invalid(&self, error: &toml::de::Error) -> SettingsError {
        SettingsError::Invalid {
            path: self.path.to_path_buf(),
            line: self.line(error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        }
    }

    fn line(&self, offset: usize) -> usize {
        1 + self.text.as_bytes()[..offset.min(self.text.len())]
            .iter()
            .filter(|b| **b == b'\n')
            .count()
    }
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}
