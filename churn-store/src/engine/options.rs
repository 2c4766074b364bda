//! Options for opening a store: numbers of connections, timeouts, and the maximum size of a SQLite file.

use std::time::Duration;

use crate::error::{Error, Result};

/// Options for opening a store with [`Store::open_with`](crate::Store::open_with).
///
/// ```
/// use std::time::Duration;
/// use churn_store::StoreOptions;
///
/// let options = StoreOptions::default().with_readers(16).with_statement_timeout(Duration::from_secs(20));
/// assert_eq!((options.readers, options.writers), (16, 4));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreOptions {
    /// Number of connections for reading. Default: 6. If this number is at least 2, a single tenant never uses all
    /// connections for reading.
    pub readers: u32,
    /// Number of connections for writing in Postgres. Default: 4. Each tenant uses at most one of them at a time.
    /// SQLite ignores this option, because only one connection can write at a time.
    pub writers: u32,
    /// Timeout for connecting. Default: 5 seconds.
    pub connect_timeout: Duration,
    /// How long a call waits for a free connection before it fails. Default: 30 seconds.
    pub wait_timeout: Duration,
    /// Postgres: how long a statement may run before it fails. Default: the setting of the server.
    pub statement_timeout: Option<Duration>,
    /// SQLite: the maximum size of the file, in pages of 4096 bytes. A write that would exceed this size fails with
    /// `store_full`. Default: no limit.
    pub max_pages: Option<u32>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            readers: 6,
            writers: 4,
            connect_timeout: Duration::from_secs(5),
            wait_timeout: Duration::from_secs(30),
            statement_timeout: None,
            max_pages: None,
        }
    }
}

impl StoreOptions {
    /// Sets the number of connections for reading (1 to 1000).
    #[must_use]
    pub fn with_readers(mut self, readers: u32) -> Self {
        self.readers = readers;
        self
    }

    /// Sets the number of connections for writing (1 to 1000).
    #[must_use]
    pub fn with_writers(mut self, writers: u32) -> Self {
        self.writers = writers;
        self
    }

    /// Sets the timeout for connecting.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long a call waits for a free connection before it fails.
    #[must_use]
    pub fn with_wait_timeout(mut self, timeout: Duration) -> Self {
        self.wait_timeout = timeout;
        self
    }

    /// Postgres: sets how long a statement may run before it fails.
    #[must_use]
    pub fn with_statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = Some(timeout);
        self
    }

    /// SQLite: sets the maximum size of the file, in pages of 4096 bytes.
    #[must_use]
    pub fn with_max_pages(mut self, pages: u32) -> Self {
        self.max_pages = Some(pages);
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        for (name, count) in [("readers", self.readers), ("writers", self.writers)] {
            if !(1..=1000).contains(&count) {
                return Err(Error::option(
                    name,
                    format!("{name} must be between 1 and 1000, not {count}"),
                ));
            }
        }
        for (name, timeout) in [
            ("connect_timeout", self.connect_timeout),
            ("wait_timeout", self.wait_timeout),
        ] {
            if timeout.is_zero() {
                return Err(Error::option(name, format!("{name} must be positive")));
            }
        }
        match self.statement_timeout {
            Some(timeout) if timeout.as_millis() == 0 || timeout.as_millis() > i32::MAX as u128 => {
                let why = "statement_timeout must be between 1 millisecond and 24 days";
                Err(Error::option("statement_timeout", why))
            }
            _ => Ok(()),
        }
    }
}

/// How many connections of a store are in use. See [`Store::connections`](crate::Store::connections).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ConnectionStatistics {
    /// Number of idle connections.
    pub idle: usize,
    /// Number of connections that are reading.
    pub reading: usize,
    /// Number of connections that are writing.
    pub writing: usize,
}
