use std::path::PathBuf;

use thiserror::Error;

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML, or a value of the wrong kind.
    #[error("the configuration {} is not usable at line {line}: {message}", path.display())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What is wrong, in the parser's words.
        message: String,
    },
    /// A key that nothing reads.
    #[error("the configuration {} has an unknown key `{key}` at line {line}{}", path.display(), hint(nearest.as_deref()))]
    UnknownKey {
        /// Which file.
        path: PathBuf,
        /// The key with its tables, dotted.
        key: String,
        /// Where, from 1.
        line: usize,
        /// The known key that looks most like it.
        nearest: Option<String>,
    },
    /// The files are good one by one but not together.
    #[error("the configuration files do not fit together: {message}")]
    Merged {
        /// What is wrong.
        message: String,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || "; `vedette config reference` lists the known ones".to_owned(),
        |nearest| format!("; did you mean `{nearest}`?"),
    )
}
