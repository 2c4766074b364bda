//! One opaque error with kinds and stable codes.

mod finding;
mod issue;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

pub(crate) use finding::MAX_EXAMPLES;
pub use finding::{Finding, FindingCode};
pub use issue::{IssueCode, RecordKind, TableReport, ValidationIssue, ValidationReport};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! error_kinds {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)*) => {
        /// What went wrong, for programs: match on it, or on the text of [`ErrorKind::code`] across languages.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            /// Records were refused; the code is that of the first bad value and [`Error::report`] has them all.
            InvalidRecords(IssueCode),
            $($(#[$doc])* $variant,)*
        }

        impl ErrorKind {
            /// Every kind but [`Self::InvalidRecords`], whose codes are [`IssueCode::ALL`].
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code, equal in Rust, Python and Node.
            pub fn code(self) -> &'static str {
                match self {
                    Self::InvalidRecords(code) => code.as_str(),
                    $(Self::$variant => $code,)*
                }
            }
        }

        impl fmt::Display for ErrorKind {
            /// The stable code.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}

error_kinds! {
    /// A table as a whole cannot be read: broken JSON, CSV or Arrow, columns of unequal length.
    UnreadableTable = "unreadable_table",
    /// Containers of different tenants met.
    TenantMismatch = "tenant_mismatch",
    /// Invalid value for an option.
    InvalidOption = "invalid_option",
    /// A label period reaches past what was observed, so "stayed" cannot be known.
    ImmatureLabel = "immature_label",
    /// All labels are the same; there is nothing to learn.
    SingleClass = "single_class",
    /// Too few customers, events or dates for what was asked.
    TooLittleData = "too_little_data",
    /// Purging training dates whose label period reaches the test date leaves nothing to train on.
    NothingAfterPurge = "nothing_after_purge",
    /// Columns that restate the label were refused.
    Leakage = "leakage",
    /// A matrix does not have the columns the model was trained on.
    FeatureMismatch = "feature_mismatch",
    /// No such customer in the run, or among the records. One who was not eligible is not in a run.
    CustomerNotFound = "customer_not_found",
    /// One customer was to be scored alone and has no label period to predict: not signed up, gone, under notice, or
    /// inactive already.
    NotEligible = "not_eligible",
    /// Nobody is eligible at the date to be scored: see [`ChurnModel::score`](crate::ChurnModel::score).
    NoEligibleCustomers = "no_eligible_customers",
    /// No such feature in the plan or matrix.
    UnknownFeature = "unknown_feature",
    /// The caller cancelled the work.
    Cancelled = "cancelled",
    /// The bytes are not a model file, or were damaged.
    ArtifactDamaged = "artifact_damaged",
    /// The model file is of a format this version does not read.
    ArtifactVersion = "artifact_version",
    /// The model file is larger than the limit.
    ArtifactTooLarge = "artifact_too_large",
    /// A model of another library cannot be imported.
    ImportFailed = "import_failed",
    /// A file could not be read or written.
    Io = "io",
    /// A bug in this library; please report it.
    Internal = "internal",
}

/// Everything that can go wrong in this crate.
///
/// `Display` is the message alone; `Debug` puts the code before it.
///
/// ```
/// use churn_core::{ErrorKind, IssueCode, RecordKind, Table, TenantRecords};
///
/// let customers = Table::from_csv(&b"customer_id,signed_up_at\nC-1,2024-01-01\nC-2,10/09/2011\n"[..])?;
/// let error = TenantRecords::builder("acme").customers(customers).build().unwrap_err();
/// match error.kind() {
///     ErrorKind::InvalidRecords(IssueCode::BadTimestamp) => {
///         assert_eq!(error.code(), "bad_timestamp");
///         assert_eq!((error.table(), error.row(), error.column()), (Some(RecordKind::Customers), Some(1), Some("signed_up_at")));
///         assert_eq!(error.report().map(|report| report.issues.len()), Some(1)); // all that was wrong, not only the first
///     }
///     ErrorKind::UnreadableTable => println!("no table at all: {error}"),
///     other => println!("{other}: {error}"),
/// }
/// # Ok::<(), churn_core::Error>(())
/// ```
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
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of a kind with its message.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let inner = Inner {
            kind,
            message: message.into(),
            table: None,
            row: None,
            column: None,
            report: None,
            source: None,
        };
        Self { inner: Box::new(inner) }
    }

    /// The one error of a refused container: it carries the whole report.
    pub(crate) fn refused(report: ValidationReport) -> Self {
        let Some(first) = report.issues.first() else {
            return Self::new(ErrorKind::Internal, "records were refused without an issue");
        };
        let more = match report.issues.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        let mut error = Self::new(ErrorKind::InvalidRecords(first.code), format!("{first}{more}"));
        error.inner.table = Some(first.table);
        error.inner.row = first.row;
        error.inner.column = first.column.as_ref().map(ToString::to_string);
        error.inner.report = Some(Arc::new(report));
        error
    }

    /// Names the table, row and column at fault, where known.
    #[must_use]
    pub(crate) fn at(mut self, table: Option<RecordKind>, row: Option<u64>, column: Option<&str>) -> Self {
        self.inner.table = table;
        self.inner.row = row;
        self.inner.column = column.map(str::to_owned);
        self
    }

    /// Keeps the error underneath.
    #[must_use]
    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// The kind, to match on.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The stable code, equal in Rust, Python and Node.
    pub fn code(&self) -> &'static str {
        self.inner.kind.code()
    }

    /// The table at fault, where one is.
    pub fn table(&self) -> Option<RecordKind> {
        self.inner.table
    }

    /// The 0-based position of the row at fault in what the caller gave: of a CSV file, the lines behind the header.
    pub fn row(&self) -> Option<u64> {
        self.inner.row
    }

    /// The column, feature or option at fault.
    pub fn column(&self) -> Option<&str> {
        self.inner.column.as_deref()
    }

    /// The whole report, where records were refused.
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

impl From<std::io::Error> for Error {
    fn from(source: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, source.to_string()).caused_by(source)
    }
}

/// What a file that cannot be read or written is called in its error.
pub(crate) fn of_file(path: &Path) -> impl Fn(std::io::Error) -> Error + '_ {
    move |source| Error::new(ErrorKind::Io, format!("'{}': {source}", path.display())).caused_by(source)
}

/// At most 64 characters of a value, for messages.
pub(crate) fn excerpt(value: &str) -> String {
    let mut shown: String = value.chars().take(64).flat_map(char::escape_debug).collect();
    if value.chars().nth(64).is_some() {
        shown.push('…');
    }
    shown
}
