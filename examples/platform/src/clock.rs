//! The current time and random numbers. No other module reads the system clock or generates random numbers.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use churn_core::Timestamp;
use sha2::{Digest, Sha256};

/// The clock. Tests can move it forward.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    pub fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the host owns the clock")]
        let since = std::time::SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(micros.saturating_add(self.0.load(Ordering::Relaxed))).unwrap_or(Timestamp::MAX)
    }

    /// Returns the current time in microseconds since 1970.
    pub fn micros(&self) -> i64 {
        self.now().as_micros()
    }

    /// Moves this clock and its clones forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(micros(by), Ordering::Relaxed);
    }
}

/// Converts a duration to microseconds.
pub fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Returns random bytes from the operating system.
///
/// # Errors
/// If the operating system has no source of random numbers.
pub fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Returns a random text of `2 * N` hexadecimal digits.
///
/// # Errors
/// If the operating system has no source of random numbers.
pub fn random_hex<const N: usize>() -> std::io::Result<String> {
    Ok(hex(&random::<N>()?))
}

/// Converts bytes to hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Returns the SHA-256 hash of a purpose and a text. Equal texts that are hashed for different purposes therefore have
/// different hashes.
pub fn hash(purpose: &str, text: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(purpose.as_bytes());
    hasher.update([0]);
    hasher.update(text.as_bytes());
    hex(&hasher.finalize())
}
