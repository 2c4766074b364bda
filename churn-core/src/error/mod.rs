//! The error type of the crate, with kinds and stable codes.

mod finding;
mod issue;
mod named;
mod parts;

use std::path::Path;

pub(crate) use finding::MAX_EXAMPLES;
pub use finding::{Finding, FindingCode};
pub use issue::{IssueCode, RecordKind, TableReport, ValidationIssue, ValidationReport};
#[doc(hidden)]
pub use named::{Named, deserialize, parse, unknown};
pub(crate) use named::{names, nearest, suggestion};
#[doc(hidden)]
pub use parts::{AnyError, Codes, Parts};
use parts::{error_kinds, error_type};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

error_kinds! {
    /// The kind of an error. In Rust, match on the kind. In other languages, match on the text of [`ErrorKind::code`].
    pub enum ErrorKind {
        /// Records were refused. The error has the code of the first invalid value. [`Error::report`] lists all invalid
        /// values.
        InvalidRecords(IssueCode => as_str),
        /// A table cannot be read: the JSON, CSV or Arrow data is malformed, or columns have unequal lengths.
        UnreadableTable = "unreadable_table",
        /// Two objects belong to different tenants.
        TenantMismatch = "tenant_mismatch",
        /// An option has an unknown name or an invalid value.
        InvalidOption = "invalid_option",
        /// A date has a label period (the period in which churn is counted) that extends past the end of the observed
        /// history, so the labels for this date are not known.
        ImmatureLabel = "immature_label",
        /// All labels are equal (either all customers churned or none did), so no model can be trained.
        SingleClass = "single_class",
        /// There are too few customers, events or dates for the operation.
        TooLittleData = "too_little_data",
        /// No training date remains, because every training date has a label period (the period in which churn is
        /// counted) that extends past the test date.
        NothingAfterPurge = "nothing_after_purge",
        /// Training was refused because columns leak the target: their values reveal whether the customer churned,
        /// although this is not known at the prediction time.
        Leakage = "leakage",
        /// A feature matrix does not have the columns that the model was trained on.
        FeatureMismatch = "feature_mismatch",
        /// The customer is not in the score run, or not in the records. A score run contains only eligible customers.
        CustomerNotFound = "customer_not_found",
        /// The customer cannot be scored, because they are not eligible at the prediction time: they have not signed up
        /// yet, have already churned, have announced their cancellation, or are already inactive.
        NotEligible = "not_eligible",
        /// No customer is eligible at the prediction time. [`ChurnModel::score`](crate::ChurnModel::score) states who
        /// is eligible.
        NoEligibleCustomers = "no_eligible_customers",
        /// The feature plan or the feature matrix has no feature with this name.
        UnknownFeature = "unknown_feature",
        /// The caller cancelled the call.
        Cancelled = "cancelled",
        /// The bytes are not a model file, or the file is damaged.
        ArtifactDamaged = "artifact_damaged",
        /// The model file has a format version that this version of the library cannot read.
        ArtifactVersion = "artifact_version",
        /// The model file is larger than the library accepts.
        ArtifactTooLarge = "artifact_too_large",
        /// The model of another library cannot be imported.
        ImportFailed = "import_failed",
        /// A file could not be read or written.
        Io = "io",
        /// The error is a bug in this library. Please report it.
        Internal = "internal",
    }
}

impl From<IssueCode> for ErrorKind {
    fn from(code: IssueCode) -> Self {
        Self::InvalidRecords(code)
    }
}

error_type! {
    /// The error type of this crate.
    ///
    /// `Display` shows only the message. `Debug` shows the code and the message.
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
    pub struct Error of ErrorKind;
}

impl From<std::io::Error> for Error {
    fn from(source: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, source.to_string()).caused_by(source)
    }
}

/// Returns a function that converts an I/O error to an error that names the file.
pub(crate) fn of_file(path: &Path) -> impl Fn(std::io::Error) -> Error + '_ {
    move |source| Error::new(ErrorKind::Io, format!("'{}': {source}", path.display())).caused_by(source)
}

/// The first 64 characters of a value. Messages show this excerpt instead of the whole value.
pub(crate) fn excerpt(value: &str) -> String {
    let mut shown: String = value.chars().take(64).flat_map(char::escape_debug).collect();
    if value.chars().nth(64).is_some() {
        shown.push('…');
    }
    shown
}
