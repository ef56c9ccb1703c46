//! Device identity: key, id, certificate, claim code; and whose signatures count.
//!
//! A box makes its own identity on first start and keeps it in a folder of its own: a signing key
//! from which its [`DeviceId`] follows, a self-signed certificate for the console, and a one-time code
//! with which its owner claims it. Every file appears whole or not at all, and secrets are readable by
//! their owner only. Time and randomness are handed in (but for the certificate's key, which its
//! library draws). This crate must not know the log path: nothing here ever sees a log line.
//!
//! Start reading at [`Identity::load_or_create`], [`Claim`] and [`signer`].

#![forbid(unsafe_code)]

mod base32;
mod certificate;
mod claim;
mod error;
mod files;
mod hex;
mod identity;
mod trust;

pub use certificate::ConsoleCertificate;
pub use claim::{Claim, ClaimCode, ClaimError, ClaimState, MAX_ATTEMPTS};
pub use error::ProvisioningError;
pub use identity::{DeviceId, Entropy, Identity, Surroundings, SystemEntropy};
pub use trust::{SIGNATURE_BYTES, TrustError, TrustedKey, signer};
