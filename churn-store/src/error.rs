//! The error type of this crate. As in `churn_core`, each error has a kind, and each kind has a stable code.

use std::sync::Arc;

use churn_core::{IssueCode, error_kinds, error_type};

/// A `Result` whose error is this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

error_kinds! {
    /// The kind of an error. A program can match on it. The text of [`ErrorKind::code`] is the same in Rust, Python and
    /// Node.
    pub enum ErrorKind {
        /// An error of `churn_core`, such as refused records or a damaged model file.
        Core(churn_core::ErrorKind => code),
        /// The database cannot be reached, or the connection was lost. The transaction was rolled back.
        StoreUnavailable = "store_unavailable",
        /// The call waited too long for other calls that use the database. The same call may succeed later.
        StoreBusy = "store_busy",
        /// The disk is full, or the database has reached its size limit. The transaction was rolled back.
        StoreFull = "store_full",
        /// The database was migrated by a newer version of this library.
        StoreNewer = "store_newer",
        /// The database was not migrated, or it has an older version of the tables: call `migrate`.
        StoreNotMigrated = "store_not_migrated",
        /// The database contains data that this library did not write.
        StoreDamaged = "store_damaged",
        /// The database refused the statement, for example because of a missing privilege or a violated constraint.
        StoreRefused = "store_refused",
        /// Records, a model or a run belong to another tenant.
        TenantMismatch = "tenant_mismatch",
        /// The attestation found that tenants are not isolated.
        NotIsolated = "not_isolated",
        /// Invalid value for an option or argument.
        InvalidOption = "invalid_option",
        /// The tenant has no such model, run, user or API key.
        NotFound = "not_found",
        /// A bug in this library; please report it.
        Internal = "internal",
    }
}

impl From<IssueCode> for ErrorKind {
    fn from(code: IssueCode) -> Self {
        Self::Core(code.into())
    }
}

error_type! {
    /// An error of this crate.
    pub struct Error of ErrorKind;
}

impl From<churn_core::Error> for Error {
    fn from(source: churn_core::Error) -> Self {
        let mut error = Self::new(ErrorKind::Core(source.kind()), source.to_string()).at(
            source.table(),
            source.row(),
            source.column(),
        );
        error.0.report = source.report().cloned().map(Arc::new);
        error.caused_by(source)
    }
}

impl From<sqlx::Error> for Error {
    fn from(source: sqlx::Error) -> Self {
        let (kind, retryable) = match &source {
            sqlx::Error::Database(database) => kind_of(database.as_ref()),
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
                (ErrorKind::StoreUnavailable, true)
            }
            sqlx::Error::Tls(_) | sqlx::Error::Configuration(_) => (ErrorKind::StoreUnavailable, false),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::RowNotFound => {
                (ErrorKind::StoreDamaged, false)
            }
            _ => (ErrorKind::Internal, false),
        };
        let mut error = Self::new(kind, source.to_string());
        error.0.retryable = retryable;
        error.caused_by(source)
    }
}

/// Returns the error kind for a database's error code, and whether a retry may succeed. The code is a SQLSTATE
/// (Postgres) or an extended result code (SQLite).
fn kind_of(error: &dyn sqlx::error::DatabaseError) -> (ErrorKind, bool) {
    let code = error.code().unwrap_or_default();
    // A SQLite code is a number whose lowest byte is the primary result code. A Postgres code has five characters.
    if code.len() != 5 {
        return match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(5 | 6) => (ErrorKind::StoreBusy, true),
            Ok(13) => (ErrorKind::StoreFull, false),
            // The next codes mean an I/O error, a file that is not writable or cannot be opened, or a refused access.
            Ok(10) => (ErrorKind::StoreUnavailable, true),
            Ok(8 | 14 | 23) => (ErrorKind::StoreUnavailable, false),
            Ok(11 | 26) => (ErrorKind::StoreDamaged, false),
            Ok(1) if error.message().contains("no such table") || error.message().contains("no such column") => {
                (ErrorKind::StoreNotMigrated, false)
            }
            _ => (ErrorKind::StoreRefused, false),
        };
    }
    match &*code {
        "53100" | "53200" => (ErrorKind::StoreFull, false),
        "40001" | "40P01" | "55P03" => (ErrorKind::StoreBusy, true),
        "42P01" | "42703" => (ErrorKind::StoreNotMigrated, false),
        // A statement, an idle transaction or an idle session timed out, or the server shuts down or has too many
        // connections.
        "57014" | "25P03" | "57P01" | "57P02" | "57P03" | "57P05" | "53300" => (ErrorKind::StoreUnavailable, true),
        code if code.starts_with("08") => (ErrorKind::StoreUnavailable, true),
        // The login was refused, or the database does not exist.
        code if code.starts_with("28") || code.starts_with("3D") => (ErrorKind::StoreUnavailable, false),
        _ => (ErrorKind::StoreRefused, false),
    }
}

impl Error {
    /// Returns whether the same call may succeed later. This is the case if the database is busy or cannot be reached
    /// at the moment.
    pub fn retryable(&self) -> bool {
        self.0.retryable
    }

    /// Creates an error whose `retryable` is true.
    pub(crate) fn transient(kind: ErrorKind, message: impl Into<String>) -> Self {
        let mut error = Self::new(kind, message);
        error.0.retryable = true;
        error
    }

    #[must_use]
    pub(crate) fn with_message(mut self, message: String) -> Self {
        self.0.message = message;
        self
    }

    /// Returns the error code that the database gave when it refused a statement; `None` if this error has another
    /// cause.
    pub(crate) fn database_code(&self) -> Option<String> {
        let source = self.0.source.as_deref()?.downcast_ref::<sqlx::Error>()?;
        Some(source.as_database_error()?.code()?.into_owned())
    }

    /// Returns this error with its row number increased by `offset`.
    #[must_use]
    pub(crate) fn moved(mut self, offset: u64) -> Self {
        if offset > 0 {
            self.0.row = self.0.row.map(|row| row + offset);
            if let Some(report) = &mut self.0.report {
                for issue in &mut Arc::make_mut(report).issues {
                    issue.row = issue.row.map(|row| row + offset);
                }
            }
        }
        self
    }
}
