use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// How log lines of the appliance itself look on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people: one line a record, colours on a terminal.
    Text,
    /// For collectors: one JSON object a line.
    Json,
}

/// Sets up logging to standard error. `VEDETTE_LOG` filters (syntax of `tracing-subscriber`'s
/// `EnvFilter`), else `level` does. A second call changes nothing.
pub fn init_logging(format: LogFormat, level: &str) {
    let filter = EnvFilter::try_from_env("VEDETTE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A second initialisation (several tests in one process) finds the first in place: fine.
    let _ = match format {
        LogFormat::Text => builder.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
