//! Passwords and tokens: how they are made, hashed and compared.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Shortest password taken (NIST SP 800-63B asks for 15 where it stands alone).
pub(crate) const MIN_PASSWORD: usize = 12;
/// Longest password hashed, in bytes: hashing costs time in its length.
pub(crate) const MAX_PASSWORD: usize = 256;

/// Hashes a password with Argon2id and the crate's parameters (OWASP's recommendation).
pub(crate) fn hash(password: &str) -> Option<String> {
    Argon2::default().hash_password(password.as_bytes()).ok().map(|hash| hash.to_string())
}

/// Whether a password has this hash. An unknown account is checked against nothing that matches, at
/// the same cost, so that names cannot be told apart by time.
pub(crate) fn verify(password: &str, hash: Option<&str>) -> bool {
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
