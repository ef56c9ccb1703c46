use std::path::PathBuf;

/// Why the engine could not do what it was asked. The text names the object; the cause is the source.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The file cannot be read.
    #[error("cannot read the model file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not the one that was asked for.
    #[error(
        "the model file {} is damaged: its SHA-256 is {found}, not {expected}; \
         fetch it again with `vedette model pull`",
        path.display()
    )]
    Hash {
        /// The file.
        path: PathBuf,
        /// The hash that was asked for, in hex.
        expected: String,
        /// The hash of what is there, in hex.
        found: String,
    },
    /// The file is no GGUF, or contradicts itself.
    #[error("the model file is damaged or incomplete: {0}")]
    Corrupt(String),
    /// A sound file of a kind this engine does not run.
    #[error("the model is of a kind that is not supported: {0}")]
    Unsupported(String),
    /// The prompt of the bundle contradicts itself or the model's tokens.
    #[error("the prompt of the model bundle is unusable: {0}")]
    Prompt(String),
    /// A grammar that is none, or that the model's tokens cannot follow.
    #[error("the grammar cannot be followed: {0}")]
    Grammar(String),
    /// More positions than the cache holds.
    #[error("{wanted} positions asked for, the cache holds {capacity}")]
    ContextFull {
        /// Positions needed.
        wanted: usize,
        /// Positions there are.
        capacity: usize,
    },
    /// An adapter does not fit the base, or cannot be read.
    #[error("the adapter cannot be merged: {0}")]
    Adapter(String),
    /// Adapters that cannot answer together, or a file of them that is damaged.
    #[error("the ensemble is unusable: {0}")]
    Ensemble(String),
    /// The heads that judge are damaged or of another model.
    #[error("the heads of the model bundle are unusable: {0}")]
    Heads(String),
    /// The threads that calculate could not be started.
    #[error("cannot start the threads that calculate")]
    Threads(#[source] rayon::ThreadPoolBuildError),
    /// The arithmetic failed.
    #[error("the forward pass failed")]
    Compute(#[from] candle_core::Error),
}
