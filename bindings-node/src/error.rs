//! Conversion of errors. An error is passed to JavaScript as a line of JSON in the message of an `Error`. The
//! TypeScript code in `lib/` converts this `Error` to a `ChurnError`. This is necessary because napi-rs rejects a promise
//! with a plain `Error`, to which no properties can be added (<https://github.com/napi-rs/napi-rs/issues/2333>).

use churn_core::private::AnyError;
use churn_core::{Error, RecordKind};
use napi::Status;
use serde::Serialize;
use serde_json::{Value, json};

use crate::report::validation;

/// Makes an error whose message is the JSON of the properties of a `ChurnError`.
fn fault(code: &str, message: &str, at: (Option<RecordKind>, Option<u64>, Option<&str>), report: Value) -> napi::Error {
    fault_of(code, message, at, report, false)
}

fn fault_of(
    code: &str,
    message: &str,
    at: (Option<RecordKind>, Option<u64>, Option<&str>),
    report: Value,
    retryable: bool,
) -> napi::Error {
    let (table, row, column) = at;
    let payload = json!({ "churn": {
        "code": code,
        "message": message,
        "table": table.map(RecordKind::as_str),
        "row": row,
        "column": column,
        "report": report,
        "retryable": retryable,
    }});
    napi::Error::new(Status::GenericFailure, payload.to_string())
}

/// Converts an error of the core or of the store.
pub(crate) fn raise(error: impl AnyError) -> napi::Error {
    let report = error.report().map_or(Value::Null, validation);
    let at = (error.table(), error.row(), error.column());
    fault_of(error.code(), &error.to_string(), at, report, error.retryable())
}

/// Converts an error about the value of an option. The converted error has the JavaScript name of the option.
pub(crate) fn raise_option(option: &str, error: &Error) -> napi::Error {
    fault(
        error.code(),
        &error.to_string(),
        (None, None, Some(option)),
        Value::Null,
    )
}

/// Makes the error for a call that the caller has cancelled.
pub(crate) fn cancelled() -> napi::Error {
    fault("cancelled", "the call was cancelled", (None, None, None), Value::Null)
}

/// Makes the error for an invalid value of an option.
pub(crate) fn invalid_option(option: &str, why: &str) -> napi::Error {
    fault(
        "invalid_option",
        &format!("{option} {why}"),
        (None, None, Some(option)),
        Value::Null,
    )
}

/// Makes the error for a table that cannot be read.
pub(crate) fn unreadable(
    table: impl Into<Option<RecordKind>>,
    row: Option<u64>,
    column: Option<&str>,
    why: &str,
) -> napi::Error {
    fault("unreadable_table", why, (table.into(), row, column), Value::Null)
}

/// Makes the error for a value of an unsupported type in a column of the customers table.
pub(crate) fn bad_type(column: &str, why: &str) -> napi::Error {
    let at = (Some(RecordKind::Customers), None, Some(column));
    fault(
        "bad_type",
        &format!("customers column '{column}': {why} (bad_type)"),
        at,
        Value::Null,
    )
}

/// Makes the error for a bug in this library.
pub(crate) fn internal(why: &str) -> napi::Error {
    fault("internal", why, (None, None, None), Value::Null)
}

/// Converts a value to JSON. If this fails, returns the error that reports a bug in this library.
pub(crate) fn to_json(value: &impl Serialize) -> napi::Result<String> {
    serde_json::to_string(value).map_err(|error| internal(&error.to_string()))
}
