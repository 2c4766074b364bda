//! What the error types of `churn-core` and `churn-store` share: their parts, and the macros that declare a type and its kinds.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::error::named::Named;
use crate::error::{IssueCode, RecordKind, ValidationReport};

/// The parts of an error of kind `K`.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Parts<K: fmt::Debug> {
    /// The kind.
    pub kind: K,
    /// The message, without the kind.
    pub message: String,
    /// The table at fault.
    pub table: Option<RecordKind>,
    /// The row at fault.
    pub row: Option<u64>,
    /// The column or option at fault.
    pub column: Option<String>,
    /// The whole report, if records were refused.
    pub report: Option<Arc<ValidationReport>>,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// The underlying error.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl<K: fmt::Debug> Parts<K> {
    /// An error without a location.
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

/// A set of stable codes.
pub trait Codes {
    /// All codes, in the order of declaration.
    fn codes() -> Vec<&'static str>;
}

impl Codes for IssueCode {
    fn codes() -> Vec<&'static str> {
        Self::TEXTS.to_vec()
    }
}

/// Declares the kinds of an error type with their stable codes. The first variant holds the kind or code of a layer below and has
/// the codes of that; the method behind `=>` returns it.
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

            /// The stable code, equal in Rust, Python and Node.
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
            /// The stable code.
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.code())
            }
        }

        impl ::std::str::FromStr for $kind {
            type Err = $crate::private::Error;

            /// Reads a stable code.
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

/// Declares an opaque error type with its constructors and accessors. The kind is declared by `error_kinds!`, has a variant
/// `InvalidOption` and can be converted from an `IssueCode`.
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
            /// An error of a kind with its message.
            pub(crate) fn new(kind: $kind, message: impl Into<String>) -> Self {
                Self(Box::new($crate::private::Parts::new(kind, message.into())))
            }

            /// An invalid value for an option.
            pub(crate) fn option(name: &str, why: impl Into<String>) -> Self {
                Self::new($kind::InvalidOption, why).at(None, None, Some(name))
            }

            /// The error of refused records, with the whole report.
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

            /// Sets the table, row and column at fault, where known.
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

            /// Keeps the underlying error.
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
            /// The kind, to match on.
            pub fn kind(&self) -> $kind {
                self.0.kind
            }

            /// The stable code, equal in Rust, Python and Node.
            pub fn code(&self) -> &'static str {
                self.0.kind.code()
            }

            /// The table of the error, if it concerns one.
            pub fn table(&self) -> Option<$crate::private::RecordKind> {
                self.0.table
            }

            /// The 0-based position of the row in the input (in a CSV file, the header line does not count).
            pub fn row(&self) -> Option<u64> {
                self.0.row
            }

            /// The column, feature or option of the error.
            pub fn column(&self) -> Option<&str> {
                self.0.column.as_deref()
            }

            /// The validation report, if records were refused.
            pub fn report(&self) -> Option<&$crate::private::ValidationReport> {
                self.0.report.as_deref()
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
