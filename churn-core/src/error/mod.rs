//! The error type of the crate, with kinds and stable codes.

mod finding;
mod issue;
mod named;

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

pub(crate) use finding::MAX_EXAMPLES;
pub use finding::{Finding, FindingCode};
pub use issue::{IssueCode, RecordKind, TableReport, ValidationIssue, ValidationReport};
#[doc(hidden)]
pub use named::{Named, deserialize, parse};
pub(crate) use named::{names, suggestion, unknown};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! error_kinds {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)*) => {
        /// The kind of an error, for programs. In Rust, match on the variant. In other languages, compare the text of
        /// [`ErrorKind::code`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            /// Records were refused. The code is that of the first invalid value. [`Error::report`] contains all
            /// invalid values.
            InvalidRecords(IssueCode),
            $($(#[$doc])* $variant,)*
        }

        impl ErrorKind {
            /// Every kind except [`Self::InvalidRecords`], whose codes are [`IssueCode::ALL`].
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code, which is the same in Rust, Python and Node.
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
                f.pad(self.code())
            }
        }

        impl FromStr for ErrorKind {
            type Err = Error;

            /// Reads a stable code.
            ///
            /// # Errors
            /// `invalid_option` with column `code` for any other text.
            fn from_str(code: &str) -> Result<Self> {
                let issue = || Some(Self::InvalidRecords(IssueCode::find(code)?));
                let known = Self::ALL.iter().copied().find(|kind| kind.code() == code);
                known.or_else(issue).ok_or_else(|| {
                    let codes: Vec<&str> = IssueCode::TEXTS.iter().copied().chain([$($code,)*]).collect();
                    unknown("code", code, &codes)
                })
            }
        }
    };
}

error_kinds! {
    /// A table cannot be read: the JSON, CSV or Arrow data is malformed, or columns have unequal lengths.
    UnreadableTable = "unreadable_table",
    /// Two objects belong to different tenants.
    TenantMismatch = "tenant_mismatch",
    /// An option has an invalid value.
    InvalidOption = "invalid_option",
    /// A label period extends past the end of the observed history, so its labels are not known.
    ImmatureLabel = "immature_label",
    /// All labels are equal, so there is nothing to learn.
    SingleClass = "single_class",
    /// The operation needs more customers, events or dates.
    TooLittleData = "too_little_data",
    /// Every training date was purged, because its label period extends past the test date.
    NothingAfterPurge = "nothing_after_purge",
    /// Training was refused because columns leak the target.
    Leakage = "leakage",
    /// A matrix does not have the columns that the model was trained on.
    FeatureMismatch = "feature_mismatch",
    /// The customer is not in the run, or not in the records. A run contains only eligible customers.
    CustomerNotFound = "customer_not_found",
    /// The single customer to be scored has no label period to predict, because the customer has not signed up yet, has
    /// already churned, has a known cancellation, or is already inactive.
    NotEligible = "not_eligible",
    /// No customer is eligible at the date to be scored; see [`ChurnModel::score`](crate::ChurnModel::score).
    NoEligibleCustomers = "no_eligible_customers",
    /// The plan or matrix has no feature of this name.
    UnknownFeature = "unknown_feature",
    /// The caller cancelled the call.
    Cancelled = "cancelled",
    /// The bytes are not a model or a run, or they are damaged.
    ArtifactDamaged = "artifact_damaged",
    /// The file has a format that this version cannot read.
    ArtifactVersion = "artifact_version",
    /// The file is larger than the limit.
    ArtifactTooLarge = "artifact_too_large",
    /// The model of another library cannot be imported.
    ImportFailed = "import_failed",
    /// A file could not be read or written.
    Io = "io",
    /// A bug in this library. Please report it.
    Internal = "internal",
}

/// The error type of this crate.
///
/// `Display` shows the message alone; `Debug` shows the code and the message.
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
///         assert_eq!(error.report().map(|report| report.issues.len()), Some(1)); // all issues, not only the first
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
    /// Creates an error with a kind and a message.
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

    /// Creates the error for refused records. It carries the whole report.
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

    /// Sets the table, row and column of the error, where known.
    #[must_use]
    pub(crate) fn at(mut self, table: Option<RecordKind>, row: Option<u64>, column: Option<&str>) -> Self {
        self.inner.table = table;
        self.inner.row = row;
        self.inner.column = column.map(str::to_owned);
        self
    }

    /// Sets the source error.
    #[must_use]
    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// The kind of the error, to match on.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The stable code, which is the same in Rust, Python and Node.
    pub fn code(&self) -> &'static str {
        self.inner.kind.code()
    }

    /// The table that the error concerns; `None` if it does not concern one.
    pub fn table(&self) -> Option<RecordKind> {
        self.inner.table
    }

    /// The 0-based position of the row in the input. In a CSV file, the header line does not count.
    pub fn row(&self) -> Option<u64> {
        self.inner.row
    }

    /// The column, feature or option that the error concerns.
    pub fn column(&self) -> Option<&str> {
        self.inner.column.as_deref()
    }

    /// The validation report, if the error was caused by invalid records.
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

/// Converts an I/O error of a file to an error that names the file.
pub(crate) fn of_file(path: &Path) -> impl Fn(std::io::Error) -> Error + '_ {
    move |source| Error::new(ErrorKind::Io, format!("'{}': {source}", path.display())).caused_by(source)
}

/// The first 64 characters of a value, for messages.
pub(crate) fn excerpt(value: &str) -> String {
    let mut shown: String = value.chars().take(64).flat_map(char::escape_debug).collect();
    if value.chars().nth(64).is_some() {
        shown.push('…');
    }
    shown
}
