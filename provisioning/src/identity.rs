use std::fmt;
use std::io;
use std::path::Path;

use ed25519_dalek::{Signature, Signer, SigningKey};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::certificate::ConsoleCertificate;
use crate::{ProvisioningError, base32, files, hex};

const KEY_FILE: &str = "device.key";

/// Bytes of the hash of the public key that make the id: 80 bits, far past any chance of two boxes
/// sharing one, in sixteen characters.
const ID_BYTES: usize = 10;

/// Where randomness comes from.
pub trait Entropy {
    /// Fills the buffer with random bytes.
    ///
    /// # Errors
    /// When the source has none.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<()>;
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        getrandom::fill(buffer).map_err(io::Error::other)
    }
}

/// What the identity takes from the world around it.
pub struct Surroundings<'a> {
    /// The time, for the certificate's validity.
    pub now: OffsetDateTime,
    /// The name of this machine, one of the certificate's names where it is a valid one.
    pub host_name: String,
    /// Randomness for the key.
    pub entropy: &'a mut dyn Entropy,
}

impl<'a> Surroundings<'a> {
    /// The real ones.
    pub fn real(entropy: &'a mut SystemEntropy) -> Self {
        let host_name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { now: OffsetDateTime::now_utc(), host_name, entropy }
    }
}

/// The name of a box among all boxes: `vd-` and sixteen characters that follow from its public key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(String);

impl DeviceId {
    fn of(key: &SigningKey) -> Self {
        let hash = Sha256::digest(key.verifying_key().as_bytes());
        Self(format!("vd-{}", base32::encode(&hash[..ID_BYTES]).to_ascii_lowercase()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Who this box is.
pub struct Identity {
    device_id: DeviceId,
    key: SigningKey,
    certificate: ConsoleCertificate,
}

impl Identity {
    /// Reads the identity in `folder`, making what is missing: the folder, the key, the certificate.
    /// The certificate is also replaced (under the same key) when it is about to run out or the name
    /// of the machine has changed.
    ///
    /// # Errors
    /// When a file cannot be read or written, is damaged, or is open to others; nothing that exists
    /// is overwritten then.
    pub fn load_or_create(
        folder: &Path,
        surroundings: Surroundings<'_>,
    ) -> Result<Self, ProvisioningError> {
        files::make_folder(folder)?;
        let key = load_or_create_key(&folder.join(KEY_FILE), surroundings.entropy)?;
        let certificate =
            ConsoleCertificate::load_or_issue(folder, &surroundings.host_name, surroundings.now)?;
        Ok(Self { device_id: DeviceId::of(&key), key, certificate })
    }

    /// Its name.
    pub fn device_id(&self) -> &DeviceId {
        &self.device_id
    }

    /// Its public key (Ed25519, RFC 8032), 32 bytes.
    pub fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// Signs bytes in its name (Ed25519), 64 bytes.
    pub fn sign(&self, message: &[u8]) -> [u8; Signature::BYTE_SIZE] {
        self.key.sign(message).to_bytes()
    }

    /// The certificate of its console.
    pub fn certificate(&self) -> &ConsoleCertificate {
        &self.certificate
    }
}

impl fmt::Debug for Identity {
    /// Shows no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("device_id", &self.device_id).finish_non_exhaustive()
    }
}

fn load_or_create_key(
    path: &Path,
    entropy: &mut dyn Entropy,
) -> Result<SigningKey, ProvisioningError> {
    if let Some(text) = files::read_secret(path)? {
        return parse_key(&text).ok_or_else(|| ProvisioningError::Damaged {
            path: path.to_owned(),
            what: "not 64 hexadecimal digits".to_owned(),
            mend: "restore it from a backup, or delete it to start over as a new device",
        });
    }
    let mut seed = [0; 32];
    entropy.fill(&mut seed).map_err(ProvisioningError::Entropy)?;
    files::write_secret(path, &format!("{}\n", hex::encode(&seed)))?;
    Ok(SigningKey::from_bytes(&seed))
}

/// Reads the seed (RFC 8032, section 5.1.5) from its hexadecimal digits.
fn parse_key(text: &str) -> Option<SigningKey> {
    hex::decode(text.trim_end()).map(|seed| SigningKey::from_bytes(&seed))
}

#[cfg(test)]
pub(crate) mod tests;
