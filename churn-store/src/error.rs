//! One opaque error with kinds and stable codes, as in the core.

use std::fmt;
use std::sync::Arc;

use churn_core::{RecordKind, ValidationReport};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A single list of kinds and codes, so that none can be missing.
macro_rules! error_kinds {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)*) => {
        /// The kind of an error, for programs: match on it, or on the text of [`ErrorKind::code`] across languages.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])* $variant,)*
            /// An error of the core, such as refused records or a damaged model file.
            Core(churn_core::ErrorKind),
        }

        impl ErrorKind {
            /// Every kind except [`Self::Core`], which has the codes of the core.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code, equal in Rust, Python and Node.
            pub fn code(self) -> &'static str {
                match self {
                    Self::Core(kind) => kind.code(),
                    $(Self::$variant => $code,)*
                }
            }
        }
    };
}

error_kinds! {
    /// The database cannot be reached, or the connection was lost. The transaction was rolled back.
    StoreUnavailable = "store_unavailable",
    /// Another writer holds the lock; try again.
    StoreBusy = "store_busy",
    /// The disk is full, or the database has reached its size limit. The transaction was rolled back.
    StoreFull = "store_full",
    /// The database was migrated by a newer version of this library.
    StoreNewer = "store_newer",
    /// The database was not migrated, or is at an older version: call `migrate`.
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
    /// The tenant has no such model, run, user or key.
    NotFound = "not_found",
    /// A bug in this library; please report it.
    Internal = "internal",
}

/// An error of this crate.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    table: Option<RecordKind>,
    row: Option<u64>,
    column: Option<String>,
    report: Option<Arc<ValidationReport>>,
    retryable: bool,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let inner = Inner {
            kind,
            message: message.into(),
            table: None,
            row: None,
            column: None,
            report: None,
            retryable: matches!(kind, ErrorKind::StoreBusy | ErrorKind::StoreUnavailable),
            source: None,
        };
        Self { inner: Box::new(inner) }
    }

    pub(crate) fn option(name: &str, why: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidOption, why).at(None, None, Some(name))
    }

    #[must_use]
    pub(crate) fn at(mut self, table: Option<RecordKind>, row: Option<u64>, column: Option<&str>) -> Self {
        self.inner.table = table;
        self.inner.row = row;
        self.inner.column = column.map(str::to_owned);
        self
    }

    #[must_use]
    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    #[must_use]
    pub(crate) fn with_message(mut self, message: String) -> Self {
        self.inner.message = message;
        self
    }

    /// Marks the error as not retryable.
    #[must_use]
    pub(crate) fn final_(mut self) -> Self {
        self.inner.retryable = false;
        self
    }

    /// The error of refused records, with the whole report.
    pub(crate) fn refused(report: ValidationReport) -> Self {
        let Some(first) = report.issues.first() else {
            return Self::new(ErrorKind::Internal, "records were refused without an issue");
        };
        let more = match report.issues.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        let kind = ErrorKind::Core(churn_core::ErrorKind::InvalidRecords(first.code));
        let mut error =
            Self::new(kind, format!("{first}{more}")).at(Some(first.table), first.row, first.column.as_deref());
        error.inner.report = Some(Arc::new(report));
        error
    }

    /// The kind, to match on.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The stable code, equal in Rust, Python and Node.
    pub fn code(&self) -> &'static str {
        self.inner.kind.code()
    }

    /// The table with the error, if there is one.
    pub fn table(&self) -> Option<RecordKind> {
        self.inner.table
    }

    /// The 0-based position in the input of the row with the error.
    pub fn row(&self) -> Option<u64> {
        self.inner.row
    }

    /// The column or option with the error.
    pub fn column(&self) -> Option<&str> {
        self.inner.column.as_deref()
    }

    /// Whether the same call may succeed later: the database is busy, or cannot be reached at the moment.
    pub fn retryable(&self) -> bool {
        self.inner.retryable
    }

    /// The whole report, if records were refused.
    pub fn report(&self) -> Option<&ValidationReport> {
        self.inner.report.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.inner.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source.as_deref().map(|source| source as _)
    }
}

impl From<churn_core::Error> for Error {
    fn from(source: churn_core::Error) -> Self {
        let mut error = Self::new(ErrorKind::Core(source.kind()), source.to_string()).at(
            source.table(),
            source.row(),
            source.column(),
        );
        error.inner.report = source.report().cloned().map(Arc::new);
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
        error.inner.retryable = retryable;
        error.caused_by(source)
    }
}

/// The kind for a SQLSTATE (Postgres) or an extended result code (SQLite), and whether a retry may succeed.
fn kind_of(error: &dyn sqlx::error::DatabaseError) -> (ErrorKind, bool) {
    let code = error.code().unwrap_or_default();
    // SQLite's codes are numbers whose lowest byte is the primary code; those of Postgres have five characters.
    if code.len() != 5 {
        return match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(5 | 6) => (ErrorKind::StoreBusy, true),
            Ok(13) => (ErrorKind::StoreFull, false),
            // An I/O error, a file that cannot be opened, or a file that is not writable.
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
        // Timeouts of a statement, an idle transaction or an idle session; a server that shuts down or has too many
        // connections.
        "57014" | "25P03" | "57P01" | "57P02" | "57P03" | "57P05" | "53300" => (ErrorKind::StoreUnavailable, true),
        code if code.starts_with("08") => (ErrorKind::StoreUnavailable, true),
        // The login or the database was refused.
        code if code.starts_with("28") || code.starts_with("3D") => (ErrorKind::StoreUnavailable, false),
        _ => (ErrorKind::StoreRefused, false),
    }
}

impl Error {
    /// The database's own code, if the database refused the statement.
    pub(crate) fn database_code(&self) -> Option<String> {
        let source = self.inner.source.as_deref()?.downcast_ref::<sqlx::Error>()?;
        Some(source.as_database_error()?.code()?.into_owned())
    }

    /// The same error for a row that is `offset` rows later in the input.
    #[must_use]
    pub(crate) fn moved(mut self, offset: u64) -> Self {
        if offset > 0 {
            self.inner.row = self.inner.row.map(|row| row + offset);
            if let Some(report) = &mut self.inner.report {
                for issue in &mut Arc::make_mut(report).issues {
                    issue.row = issue.row.map(|row| row + offset);
                }
            }
        }
        self
    }
}
