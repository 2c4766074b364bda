//! How a store connects: numbers of connections, timeouts, a quota.

use std::time::Duration;

use crate::error::{Error, Result};

/// Options of [`Store::open_with`](crate::Store::open_with).
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
    /// Connections that read. Default: 6. One tenant uses at most all but one of them.
    pub readers: u32,
    /// Connections that write, in Postgres. Default: 4. SQLite has one writer. One tenant uses at most one.
    pub writers: u32,
    /// How long to try to connect. Default: 5 seconds.
    pub connect_timeout: Duration,
    /// How long a call waits for its turn behind others. Default: 30 seconds.
    pub wait_timeout: Duration,
    /// Postgres: how long a statement may run. Default: no limit but the server's.
    pub statement_timeout: Option<Duration>,
    /// SQLite: the largest number of 4096-byte pages the file may have; `store_full` beyond them. Default: no limit.
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
    /// Sets the number of reading connections (1 to 1000).
    #[must_use]
    pub fn with_readers(mut self, readers: u32) -> Self {
        self.readers = readers;
        self
    }

    /// Sets the number of writing connections (1 to 1000).
    #[must_use]
    pub fn with_writers(mut self, writers: u32) -> Self {
        self.writers = writers;
        self
    }

    /// Sets how long to try to connect.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long a call waits for its turn.
    #[must_use]
    pub fn with_wait_timeout(mut self, timeout: Duration) -> Self {
        self.wait_timeout = timeout;
        self
    }

    /// Postgres: sets how long a statement may run.
    #[must_use]
    pub fn with_statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = Some(timeout);
        self
    }

    /// SQLite: sets a quota of 4096-byte pages.
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

/// How the connections of a store are used at this moment. See [`Store::connections`](crate::Store::connections).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ConnectionStatistics {
    /// Connections that are open and idle.
    pub idle: usize,
    /// Readers under way.
    pub reading: usize,
    /// Writers under way.
    pub writing: usize,
}
