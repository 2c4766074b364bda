//! Hashes passwords with argon2id, and checks passwords against their hashes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::clock;
use crate::error::{Problem, Result};

/// Computes and checks password hashes. Each computation takes 19 MiB of memory and about 50 ms, so the number of
/// simultaneous computations is limited.
#[derive(Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    /// The hash that a password is checked against if there is no account. The check then takes the same time as for an
    /// existing account.
    dummy: Arc<str>,
    verified: Arc<AtomicU64>,
}

impl Passwords {
    pub fn new(permits: Arc<Semaphore>) -> Result<Self> {
        Ok(Self {
            permits,
            dummy: hash(&clock::random_hex::<16>()?)?.into(),
            verified: Arc::default(),
        })
    }

    /// Returns the number of passwords that were checked against a hash so far.
    pub fn verified(&self) -> u64 {
        self.verified.load(Ordering::Relaxed)
    }

    /// Computes the hash of a password. The hash is a text in the PHC string format.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|e| Problem::internal(e.to_string()))?;
        let password = password.to_owned();
        tokio::task::spawn_blocking(move || hash(&password)).await?
    }

    /// Returns whether the password has this hash. Without a hash, the result is `false`, and the call takes as long as
    /// with a hash.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|e| Problem::internal(e.to_string()))?;
        self.verified.fetch_add(1, Ordering::Relaxed);
        let (password, known) = (password.to_owned(), hash.is_some());
        let hash = hash.unwrap_or(&self.dummy).to_owned();
        let equal = tokio::task::spawn_blocking(move || verify(&password, &hash)).await??;
        Ok(equal && known)
    }
}

fn failed(error: impl std::fmt::Display) -> Problem {
    Problem::internal(format!("argon2: {error}"))
}

fn hash(password: &str) -> Result<String> {
    let salt = clock::random::<16>()?;
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(failed)?;
    Ok(hash.to_string())
}

fn verify(password: &str, hash: &str) -> Result<bool> {
    let hash = PasswordHash::new(hash).map_err(failed)?;
    Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_argon2id_with_a_salt_of_their_own() {
        let (one, other) = (hash("correct horse").unwrap(), hash("correct horse").unwrap());
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && one != other);
        assert!(verify("correct horse", &one).unwrap() && verify("correct horse", &other).unwrap());
        assert!(!verify("correct horse ", &one).unwrap());
    }
}
