use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, VerifyingKey};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hex;

/// Bytes of a signature (Ed25519, RFC 8032).
pub const SIGNATURE_BYTES: usize = Signature::BYTE_SIZE;

/// Whose signatures count: a public key (Ed25519), 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct TrustedKey(VerifyingKey);

impl TrustedKey {
    /// The key of these bytes.
    ///
    /// # Errors
    /// When they are no point of the curve, or a weak one that fits any signature.
    pub fn new(bytes: &[u8; 32]) -> Result<Self, TrustError> {
        let key = VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak());
        key.map(Self).ok_or_else(|| TrustError::Key(hex::encode(bytes)))
    }
}

impl FromStr for TrustedKey {
    type Err = TrustError;

    fn from_str(text: &str) -> Result<Self, TrustError> {
        let bytes = hex::decode(text).ok_or_else(|| TrustError::Key(text.to_owned()))?;
        Self::new(&bytes)
    }
}

impl fmt::Display for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustedKey({self})")
    }
}

impl Serialize for TrustedKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TrustedKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The text is no key.
    #[error("{0:?} is no public key (want the 64 hexadecimal digits of an Ed25519 key)")]
    Key(String),
    /// The bytes are no signature.
    #[error("the signature has {0} bytes, not {SIGNATURE_BYTES}")]
    Length(usize),
    /// None of the keys made it, or something was changed since.
    #[error("no trusted key made the signature, or what it is about was changed since")]
    Wrong,
}

/// Finds the key that signed a message (Ed25519 over the bytes as they are).
///
/// # Errors
/// When none of `keys` did.
pub fn signer<'k>(
    keys: &'k [TrustedKey],
    message: &[u8],
    signature: &[u8],
) -> Result<&'k TrustedKey, TrustError> {
    let bytes = signature.try_into().map_err(|_| TrustError::Length(signature.len()))?;
    let signature = Signature::from_bytes(bytes);
    let made = |key: &&TrustedKey| key.0.verify_strict(message, &signature).is_ok();
    keys.iter().find(made).ok_or(TrustError::Wrong)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    fn key(seed: u8) -> (SigningKey, TrustedKey) {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let trusted = TrustedKey::new(key.verifying_key().as_bytes()).unwrap();
        (key, trusted)
    }

    #[test]
    fn only_a_trusted_key_over_these_very_bytes_counts() {
        let ((ours, our_key), (_, their_key)) = (key(1), key(2));
        let good = ours.sign(b"manifest").to_bytes();
        let mut flipped = good;
        flipped[40] ^= 1;
        let long = [good.as_slice(), &[0]].concat();
        for (name, keys, message, signature, expected) in [
            ("good", vec![their_key, our_key], "manifest", &good[..], Ok(&our_key)),
            ("other message", vec![our_key], "manifesT", &good, Err(TrustError::Wrong)),
            ("other key", vec![their_key], "manifest", &good, Err(TrustError::Wrong)),
            ("no key", vec![], "manifest", &good, Err(TrustError::Wrong)),
            ("flipped", vec![our_key], "manifest", &flipped, Err(TrustError::Wrong)),
            ("short", vec![our_key], "manifest", &good[..63], Err(TrustError::Length(63))),
            ("long", vec![our_key], "manifest", &long, Err(TrustError::Length(65))),
            ("none", vec![our_key], "manifest", &[], Err(TrustError::Length(0))),
        ] {
            assert_eq!(signer(&keys, message.as_bytes(), signature), expected, "{name}");
        }
    }

    #[test]
    fn a_key_is_written_as_it_is_read_and_a_weak_one_is_none() {
        let (_, ours) = key(1);
        assert_eq!(ours.to_string().parse(), Ok(ours));
        // The neutral element, and a height at which the curve has no point.
        let [weak, off] = ["01", "02"].map(|start| format!("{start}{}", "0".repeat(62)));
        for bad in ["", "12", "zz", &"é".repeat(32), &weak, &off] {
            assert_eq!(bad.parse::<TrustedKey>(), Err(TrustError::Key(bad.to_owned())));
        }
    }
}
