use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{Entropy, ProvisioningError, base32, files};

const FILE: &str = "claim.json";

/// Random bytes of a code, of which 60 bits make twelve characters: at ten attempts a code, out of
/// reach of guessing.
const CODE_BYTES: usize = 8;
const CODE_CHARACTERS: usize = 12;
const GROUP: usize = 4;

/// Wrong attempts after which a code is dead and another must be issued on the box itself.
pub const MAX_ATTEMPTS: u32 = 10;

/// A one-time code in clear, shown once and stored nowhere; `Display` groups it for reading.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimCode(String);

impl fmt::Display for ClaimCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = (0..CODE_CHARACTERS).step_by(GROUP).map(|at| &self.0[at..at + GROUP]);
        f.pad(&groups.collect::<Vec<_>>().join("-"))
    }
}

impl fmt::Debug for ClaimCode {
    /// Shows no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimCode(…)")
    }
}

/// How far the box is on its way to an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimState {
    /// No code has been issued.
    New,
    /// A code waits for its owner.
    Issued,
    /// The code was guessed at too often and is dead.
    Exhausted,
    /// Somebody has used the code.
    Claimed,
}

/// Why a code was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// It is not the code.
    #[error("wrong claim code; {left} attempts left")]
    Wrong {
        /// Attempts left for this code.
        left: u32,
    },
    /// There were too many wrong attempts.
    #[error("the claim code was mistyped too often; issue a new one on the box")]
    Exhausted,
    /// The box has an owner already.
    #[error("this box is claimed already; log in with the account that claimed it")]
    Claimed,
    /// There is no code yet.
    #[error("no claim code has been issued; issue one on the box")]
    NotIssued,
    /// The state of the claim cannot be kept.
    #[error(transparent)]
    Storage(#[from] ProvisioningError),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state", deny_unknown_fields)]
enum Stored {
    #[default]
    New,
    Issued {
        salt: [u8; 16],
        hash: [u8; 32],
        attempts: u32,
    },
    Claimed,
}

/// The one-time claim of a box, kept in a file; the code itself only as a salted hash.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    stored: Stored,
}

impl Claim {
    /// Reads the claim kept in `folder`, making the folder if it is missing.
    ///
    /// # Errors
    /// When the file is damaged, open to others, or cannot be read.
    pub fn open(folder: &Path) -> Result<Self, ProvisioningError> {
        files::make_folder(folder)?;
        let path = folder.join(FILE);
        let stored = match files::read_secret(&path)? {
            None => Stored::New,
            Some(text) => serde_json::from_str(&text).map_err(|error| {
                let mend = "delete it, and the next start issues a new claim code";
                ProvisioningError::Damaged { path: path.clone(), what: error.to_string(), mend }
            })?,
        };
        Ok(Self { path, stored })
    }

    /// How far it is.
    pub fn state(&self) -> ClaimState {
        match self.stored {
            Stored::New => ClaimState::New,
            Stored::Issued { attempts, .. } if attempts >= MAX_ATTEMPTS => ClaimState::Exhausted,
            Stored::Issued { .. } => ClaimState::Issued,
            Stored::Claimed => ClaimState::Claimed,
        }
    }

    /// Makes a new code, which replaces an earlier one. The clear text exists only in what this
    /// returns.
    ///
    /// # Errors
    /// When the box is claimed already, or the code cannot be stored.
    pub fn issue(&mut self, entropy: &mut dyn Entropy) -> Result<ClaimCode, ClaimError> {
        if self.state() == ClaimState::Claimed {
            return Err(ClaimError::Claimed);
        }
        let (mut random, mut salt) = ([0; CODE_BYTES], [0; 16]);
        entropy.fill(&mut random).map_err(ProvisioningError::Entropy)?;
        entropy.fill(&mut salt).map_err(ProvisioningError::Entropy)?;
        let code = base32::encode(&random);
        self.keep(Stored::Issued { salt, hash: hash(&salt, &code), attempts: 0 })?;
        Ok(ClaimCode(code))
    }

    /// Uses the code up: the first right one wins, and no other is ever accepted. An attempt is on
    /// disk before it is judged, so that a crash grants no further one.
    ///
    /// # Errors
    /// When the code is wrong, dead, used, or was never issued, or the outcome cannot be stored.
    pub fn consume(&mut self, typed: &str) -> Result<(), ClaimError> {
        let (salt, expected, attempts) = match (self.state(), &self.stored) {
            (ClaimState::Claimed, _) => return Err(ClaimError::Claimed),
            (ClaimState::Exhausted, _) => return Err(ClaimError::Exhausted),
            (_, Stored::Issued { salt, hash, attempts }) => (*salt, *hash, attempts + 1),
            _ => return Err(ClaimError::NotIssued),
        };
        self.keep(Stored::Issued { salt, hash: expected, attempts })?;
        let found = hash(&salt, &base32::normalise(typed));
        if bool::from(found.ct_eq(&expected)) {
            self.keep(Stored::Claimed)?;
            return Ok(());
        }
        match MAX_ATTEMPTS - attempts {
            0 => Err(ClaimError::Exhausted),
            left => Err(ClaimError::Wrong { left }),
        }
    }

    fn keep(&mut self, stored: Stored) -> Result<(), ProvisioningError> {
        let text = serde_json::to_string(&stored).expect("plain data always serialises");
        files::write_secret(&self.path, &text)?;
        self.stored = stored;
        Ok(())
    }
}

fn hash(salt: &[u8], code: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"vedette claim code")
        .chain_update(salt)
        .chain_update(code)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::tests::Counting;

    fn issued(folder: &Path) -> (Claim, String) {
        let mut claim = Claim::open(folder).unwrap();
        let code = claim.issue(&mut Counting::default()).unwrap().to_string();
        (claim, code)
    }

    #[test]
    fn a_code_is_used_once_however_it_is_typed() {
        let typings: [fn(&str) -> String; 3] = [
            str::to_owned,
            |code| code.to_lowercase(),
            |code| format!(" {} ", code.replace('-', " ")),
        ];
        for typing in typings {
            let folder = tempfile::tempdir().unwrap();
            let (mut claim, code) = issued(folder.path());
            assert_eq!((code.len(), claim.state()), (14, ClaimState::Issued));
            claim.consume(&typing(&code)).unwrap();
            for mut claim in [claim, Claim::open(folder.path()).unwrap()] {
                assert!(matches!(claim.consume(&code), Err(ClaimError::Claimed)));
                let again = claim.issue(&mut Counting::default());
                assert!(matches!(again, Err(ClaimError::Claimed)));
            }
        }
    }

    #[test]
    fn attempts_are_bounded_across_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let (_, code) = issued(folder.path());
        for attempt in 1..=MAX_ATTEMPTS {
            let mut claim = Claim::open(folder.path()).unwrap();
            match claim.consume("0000-0000-000") {
                Err(ClaimError::Wrong { left }) => assert_eq!(left, MAX_ATTEMPTS - attempt),
                Err(ClaimError::Exhausted) => assert_eq!(attempt, MAX_ATTEMPTS),
                other => panic!("{other:?}"),
            }
        }
        let mut claim = Claim::open(folder.path()).unwrap();
        assert_eq!(claim.state(), ClaimState::Exhausted);
        assert!(matches!(claim.consume(&code), Err(ClaimError::Exhausted)), "even the right one");
        let fresh = claim.issue(&mut Counting(99)).unwrap();
        claim.consume(&fresh.to_string()).unwrap();
    }

    #[test]
    fn the_code_is_not_in_the_file_and_a_new_one_replaces_it() {
        let folder = tempfile::tempdir().unwrap();
        let (mut claim, old) = issued(folder.path());
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(!text.contains(&old) && !text.contains(&old.replace('-', "")));
        let new = claim.issue(&mut Counting(50)).unwrap();
        assert!(matches!(claim.consume(&old), Err(ClaimError::Wrong { .. })));
        claim.consume(&new.to_string()).unwrap();
    }

    #[test]
    fn without_a_code_nothing_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let mut claim = Claim::open(folder.path()).unwrap();
        assert_eq!(claim.state(), ClaimState::New);
        assert!(matches!(claim.consume(""), Err(ClaimError::NotIssued)));
    }
}
