//! How a command ends: one place that maps what went wrong to an exit code.

use std::process::ExitCode;

/// A command that could not do what it was asked, and the code it ends with.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The configuration is bad (78, `EX_CONFIG` of sysexits.h).
    Configuration(anyhow::Error),
    /// Anything else (1).
    Other(anyhow::Error),
    /// Everything that had to be said has been said (1).
    Told,
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        if error.is::<vedette_settings::SettingsError>() {
            Self::Configuration(error)
        } else {
            Self::Other(error)
        }
    }
}

/// What a command returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Prints what failed, with its chain of causes, and picks the exit code.
pub(crate) fn report(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Told) => ExitCode::from(1),
        Err(Failure::Other(error)) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(Failure::Other(error)) => {
            eprintln!("vedette: {error:#}");
            ExitCode::from(1)
        }
        Err(Failure::Configuration(error)) => {
            eprintln!("vedette: {error:#}");
            ExitCode::from(78)
        }
    }
}

/// Whoever read our output has gone (`vedette events export | head`): not a failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
