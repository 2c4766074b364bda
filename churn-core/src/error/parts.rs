//! The common base of the error types of `churn-core` and `churn-store`: the parts of an error, and the macros that
//! declare an error type and its kinds.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::error::named::Named;
use crate::error::{IssueCode, RecordKind, ValidationReport};

/// The parts of an error. `K` is the type of the error kind.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Parts<K: fmt::Debug> {
    /// The kind of the error.
    pub kind: K,
    /// The message, without the kind.
    pub message: String,
    /// The table in which the error occurred.
    pub table: Option<RecordKind>,
    /// The 0-based position of the row in which the error occurred.
    pub row: Option<u64>,
    /// The column, feature or option that caused the error.
    pub column: Option<String>,
    /// The whole validation report; `None` if the error is not about refused records.
    pub report: Option<Arc<ValidationReport>>,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// The underlying error.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl<K: fmt::Debug> Parts<K> {
    /// Creates an error without a table, row or column.
    pub fn new(kind: K, message: String) -> Self {
        Self {
            kind,
            message,
            table: None,
            row: None,
            column: None,
            report: None,
            retryable: false,
            source: None,
        }
    }
}

/// The information that every error type of the product provides. The language bindings convert any error through this
/// trait.
pub trait AnyError: StdError {
    /// The stable code of the error.
    fn code(&self) -> &'static str;
    /// The table in which the error occurred; `None` if the error does not concern a table.
    fn table(&self) -> Option<RecordKind>;
    /// The 0-based position of the row in the input; `None` if the error does not concern a row.
    fn row(&self) -> Option<u64>;
    /// The column, feature or option that caused the error; `None` if the error has another cause.
    fn column(&self) -> Option<&str>;
    /// The whole validation report; `None` if the error is not about refused records.
    fn report(&self) -> Option<&ValidationReport>;
    /// Whether the same call may succeed later.
    fn retryable(&self) -> bool;
}

/// A type whose values have stable codes.
pub trait Codes {
    /// All codes, in the order of declaration.
    fn codes() -> Vec<&'static str>;
}

impl Codes for IssueCode {
    fn codes() -> Vec<&'static str> {
        Self::TEXTS.to_vec()
    }
}

/// Declares the kinds of an error type with their stable codes. The first variant wraps the kind or the code of an
/// error from a lower layer. The method after `=>` returns the code of the wrapped value. This code is also the code of
/// the variant.
#[doc(hidden)]
#[macro_export]
macro_rules! error_kinds {
    (
        $(#[$attribute:meta])*
        pub enum $kind:ident {
            $(#[$lower_doc:meta])*
            $lower:ident($lower_type:ty => $lower_code:ident),
            $($(#[$doc:meta])* $variant:ident = $code:literal,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $kind {
            $(#[$lower_doc])*
            $lower($lower_type),
            $($(#[$doc])* $variant,)*
        }

        impl $kind {
            #[doc = concat!("Every kind except [`Self::", stringify!($lower), "`].")]
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code of the kind. It is the same in Rust, Python and Node.
            pub fn code(self) -> &'static str {
                match self {
                    Self::$lower(lower) => lower.$lower_code(),
                    $(Self::$variant => $code,)*
                }
            }
        }

        #[doc(hidden)]
        impl $crate::private::Codes for $kind {
            fn codes() -> Vec<&'static str> {
                let mut codes = <$lower_type as $crate::private::Codes>::codes();
                $(if !codes.contains(&$code) {
                    codes.push($code);
                })*
                codes
            }
        }

        impl ::std::fmt::Display for $kind {
            /// Writes the stable code of the kind.
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.code())
            }
        }

        impl ::std::str::FromStr for $kind {
            type Err = $crate::private::Error;

            /// Returns the kind with the given stable code.
            ///
            /// # Errors
            /// `invalid_option` with column `code` for any other text.
            fn from_str(code: &str) -> ::std::result::Result<Self, Self::Err> {
                match code {
                    $($code => Ok(Self::$variant),)*
                    _ => match code.parse() {
                        Ok(lower) => Ok(Self::$lower(lower)),
                        Err(_) => Err($crate::private::unknown(
                            "code",
                            code,
                            &<Self as $crate::private::Codes>::codes(),
                        )),
                    },
                }
            }
        }
    };
}

/// Declares an opaque error type with its constructors and accessors. The kind of the error must be declared by
/// `error_kinds!`, must have a variant `InvalidOption` and must implement `From<IssueCode>`.
#[doc(hidden)]
#[macro_export]
macro_rules! error_type {
    ($(#[$attribute:meta])* pub struct $error:ident of $kind:ident;) => {
        $(#[$attribute])*
        #[derive(thiserror::Error)]
        #[error(transparent)]
        pub struct $error(Box<$crate::private::Parts<$kind>>);

        #[allow(dead_code, reason = "not every crate needs every constructor")]
        impl $error {
            /// Creates an error with a kind and a message.
            pub(crate) fn new(kind: $kind, message: impl Into<String>) -> Self {
                Self(Box::new($crate::private::Parts::new(kind, message.into())))
            }

            /// Creates the error for an invalid value of an option.
            pub(crate) fn option(name: &str, why: impl Into<String>) -> Self {
                Self::new($kind::InvalidOption, why).at(None, None, Some(name))
            }

            /// Creates the error for refused records. The error carries the whole report.
            pub(crate) fn refused(report: $crate::private::ValidationReport) -> Self {
                let Some(first) = report.issues.first() else {
                    return Self::new($kind::Internal, "records were refused without an issue");
                };
                let more = match report.issues.len() {
                    1 => String::new(),
                    n => format!(" (and {} more)", n - 1),
                };
                let mut error = Self::new($kind::from(first.code), format!("{first}{more}")).at(
                    Some(first.table),
                    first.row,
                    first.column.as_deref(),
                );
                error.0.report = Some(::std::sync::Arc::new(report));
                error
            }

            /// Sets the table, row and column that caused the error. `None` stands for an unknown table, row or column.
            #[must_use]
            pub(crate) fn at(
                mut self,
                table: Option<$crate::private::RecordKind>,
                row: Option<u64>,
                column: Option<&str>,
            ) -> Self {
                self.0.table = table;
                self.0.row = row;
                self.0.column = column.map(str::to_owned);
                self
            }

            /// Sets the underlying error.
            #[must_use]
            pub(crate) fn caused_by(
                mut self,
                source: impl Into<Box<dyn ::std::error::Error + Send + Sync>>,
            ) -> Self {
                self.0.source = Some(source.into());
                self
            }
        }

        impl $error {
            /// The kind of the error. Match on it to handle the error.
            pub fn kind(&self) -> $kind {
                self.0.kind
            }

            /// The stable code of the error. It is the same in Rust, Python and Node.
            pub fn code(&self) -> &'static str {
                self.0.kind.code()
            }

            /// The table in which the error occurred; `None` if the error does not concern a table.
            pub fn table(&self) -> Option<$crate::private::RecordKind> {
                self.0.table
            }

            /// The 0-based position of the row in the input; `None` if the error does not concern a row. In a CSV file,
            /// the header line does not count.
            pub fn row(&self) -> Option<u64> {
                self.0.row
            }

            /// The column, feature or option that caused the error; `None` if the error has another cause.
            pub fn column(&self) -> Option<&str> {
                self.0.column.as_deref()
            }

            /// The whole validation report; `None` if the error is not about refused records.
            pub fn report(&self) -> Option<&$crate::private::ValidationReport> {
                self.0.report.as_deref()
            }
        }

        impl $crate::private::AnyError for $error {
            fn code(&self) -> &'static str {
                self.0.kind.code()
            }

            fn table(&self) -> Option<$crate::private::RecordKind> {
                self.0.table
            }

            fn row(&self) -> Option<u64> {
                self.0.row
            }

            fn column(&self) -> Option<&str> {
                self.0.column.as_deref()
            }

            fn report(&self) -> Option<&$crate::private::ValidationReport> {
                self.0.report.as_deref()
            }

            fn retryable(&self) -> bool {
                self.0.retryable
            }
        }

        impl ::std::fmt::Debug for $error {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}: {}", self.code(), self.0.message)
            }
        }
    };
}

pub(crate) use {error_kinds, error_type};
