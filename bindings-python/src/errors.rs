//! Conversion of errors of `churn-core` and the store to Python exceptions.

use churn_core::private::AnyError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::records::ValidationReport;

/// Makes the Python exception for an error of the core or of the store.
pub(crate) fn raise(py: Python<'_>, error: &impl AnyError) -> PyErr {
    let missing = error
        .source()
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .is_some_and(|source| source.kind() == std::io::ErrorKind::NotFound);
    let build = || {
        let context = PyDict::new(py);
        context.set_item("table", error.table().map(|table| table.as_str()))?;
        context.set_item("row", error.row())?;
        context.set_item("column", error.column())?;
        context.set_item("report", error.report().cloned().map(ValidationReport::new))?;
        context.set_item("missing", missing && error.code() == "io")?;
        context.set_item("retryable", error.retryable())?;
        make(py, error.code(), &error.to_string(), &context)
    };
    build().unwrap_or_else(|failure| failure)
}

/// Makes the exception for an invalid argument that the binding itself refuses.
pub(crate) fn refuse(py: Python<'_>, code: &str, message: &str, column: Option<&str>) -> PyErr {
    refuse_at(py, code, message, None, None, column)
}

/// Like [`refuse`], but the exception also names a table and a row.
pub(crate) fn refuse_at(
    py: Python<'_>,
    code: &str,
    message: &str,
    table: Option<&str>,
    row: Option<u64>,
    column: Option<&str>,
) -> PyErr {
    let build = || {
        let context = PyDict::new(py);
        context.set_item("table", table)?;
        context.set_item("row", row)?;
        context.set_item("column", column)?;
        make(py, code, message, &context)
    };
    build().unwrap_or_else(|failure| failure)
}

fn make(py: Python<'_>, code: &str, message: &str, context: &Bound<'_, PyDict>) -> PyResult<PyErr> {
    let exception = py
        .import("churn_core._errors")?
        .getattr("make")?
        .call((code, message), Some(context))?;
    Ok(PyErr::from_value(exception))
}

/// Converts the error of a result to a Python exception.
pub(crate) trait OrRaise<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T, E: AnyError> OrRaise<T> for Result<T, E> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| raise(py, &error))
    }
}
