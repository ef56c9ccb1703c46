//! Passwords and tokens: how they are made, hashed and compared.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

/// Shortest password taken (NIST SP 800-63B asks for 15 where it stands alone).
pub(crate) const MIN_PASSWORD: usize = 12;
/// Longest password hashed, in bytes: hashing costs time in its length.
pub(crate) const MAX_PASSWORD: usize = 256;

/// Hashes at once: each takes 19 MiB and a core for a moment, and logins come from anybody.
const MAX_HASHES: usize = 2;

/// Hashes and compares passwords, a few at once, beside the threads that serve sockets.
pub(crate) struct Hasher(Arc<Semaphore>);

impl Default for Hasher {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_HASHES)))
    }
}

impl Hasher {
    /// See [`hash`].
    pub(crate) async fn hash(&self, password: String) -> Option<String> {
        self.run(move || hash(&password)).await?
    }

    /// See [`verify`].
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> bool {
        let fits = password.len() <= MAX_PASSWORD;
        fits && self.run(move || verify(&password, hash.as_deref())).await.unwrap_or(false)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let turn = Arc::clone(&self.0).acquire_owned().await.ok()?;
        let result = tokio::task::spawn_blocking(work).await.ok();
        drop(turn);
        result
    }
}

/// Hashes a password with Argon2id and the crate's parameters (OWASP's recommendation).
fn hash(password: &str) -> Option<String> {
    Argon2::default().hash_password(password.as_bytes()).ok().map(|hash| hash.to_string())
}

/// Whether a password has this hash. An unknown account is checked against nothing that matches, at
/// the same cost, so that names cannot be told apart by time.
fn verify(password: &str, hash: Option<&str>) -> bool {
    let Some(parsed) = hash.and_then(|hash| PasswordHash::new(hash).ok()) else {
        let _ = self::hash(password);
        return false;
    };
    Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok()
}

/// A new random token (256 bits) for a cookie.
pub(crate) fn token() -> Option<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored of a token.
pub(crate) fn token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_verify_against_their_own_hash_only() {
        let stored = hash("correct horse battery").unwrap();
        for (password, against, expected) in [
            ("correct horse battery", Some(stored.as_str()), true),
            ("correct horse", Some(stored.as_str()), false),
            ("correct horse battery", None, false),
            ("correct horse battery", Some("not a hash"), false),
        ] {
            assert_eq!(verify(password, against), expected);
        }
        assert_ne!(token(), token());
    }
}
