//! Errors cross as one line of JSON, of which `index.js` makes a `ChurnError`.

use churn_core::{Error, RecordKind};
use napi::Status;
use serde_json::{Value, json};

use crate::report::validation;

/// What a `ChurnError` is made of.
fn fault(code: &str, message: &str, at: (Option<RecordKind>, Option<u64>, Option<&str>), report: Value) -> napi::Error {
    let (table, row, column) = at;
    let payload = json!({ "churn": {
        "code": code,
        "message": message,
        "table": table.map(RecordKind::as_str),
        "row": row,
        "column": column,
        "report": report,
    }});
    napi::Error::new(Status::GenericFailure, payload.to_string())
}

/// An error of the library.
pub(crate) fn raise(error: Error) -> napi::Error {
    let report = error.report().map_or(Value::Null, validation);
    let at = (error.table(), error.row(), error.column());
    fault(error.code(), &error.to_string(), at, report)
}

/// An error of the store.
#[cfg(feature = "store")]
pub(crate) fn raise_store(error: churn_store::Error) -> napi::Error {
    let report = error.report().map_or(Value::Null, validation);
    let at = (error.table(), error.row(), error.column());
    fault(error.code(), &error.to_string(), at, report)
}

/// The caller gave up.
#[cfg(feature = "store")]
pub(crate) fn cancelled() -> napi::Error {
    fault("cancelled", "the work was cancelled", (None, None, None), Value::Null)
}

/// An option that has a value it may not have.
pub(crate) fn invalid_option(option: &str, why: &str) -> napi::Error {
    fault(
        "invalid_option",
        &format!("{option} {why}"),
        (None, None, Some(option)),
        Value::Null,
    )
}

/// A table that cannot be read.
pub(crate) fn unreadable(table: RecordKind, row: Option<u64>, column: Option<&str>, why: &str) -> napi::Error {
    fault("unreadable_table", why, (Some(table), row, column), Value::Null)
}

/// A fault of this library.
pub(crate) fn internal(why: &str) -> napi::Error {
    fault("internal", why, (None, None, None), Value::Null)
}
