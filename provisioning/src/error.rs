use std::io;
use std::path::PathBuf;

/// Why there is no usable identity.
#[derive(Debug, thiserror::Error)]
pub enum ProvisioningError {
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {}; check that the folder exists and belongs to this user", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A secret that others can read.
    #[error(
        "{} holds a secret and others may read it (mode {mode:04o}); if they may have, delete it, \
         else run `chmod 600 {}`",
        path.display(), path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file that says nothing usable.
    #[error("{} is damaged ({what}); {mend}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What to do.
        mend: &'static str,
    },
    /// The system has no randomness to give.
    #[error("cannot draw random bytes from the system")]
    Entropy(#[source] io::Error),
    /// The certificate cannot be made.
    #[error("cannot make the certificate of the console for the names {names:?}")]
    Certificate {
        /// The names asked for.
        names: Vec<String>,
        /// Why not.
        source: rcgen::Error,
    },
}
