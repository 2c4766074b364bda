//! Pickling of results that are made of plain values. Their pickles contain JSON.

use pyo3::PyClass;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors::refuse;

/// The result of `__reduce__`: a callable and its arguments. Python calls the callable to restore the object.
pub(crate) type Reduced<'py> = (Bound<'py, PyAny>, (Bound<'py, PyBytes>,));

/// Returns the result of `__reduce__` for an object whose class has a static method `_restore`.
pub(crate) fn pickle<'py, T: PyClass>(slf: &Bound<'py, T>, values: &impl Serialize) -> PyResult<Reduced<'py>> {
    let py = slf.py();
    let bytes = serde_json::to_vec(values).map_err(|error| refuse(py, "internal", &error.to_string(), None))?;
    Ok((
        slf.as_any().get_type().getattr("_restore")?,
        (PyBytes::new(py, &bytes),),
    ))
}

/// Reads the values that [`pickle`] wrote.
pub(crate) fn unpickle<T: DeserializeOwned>(py: Python<'_>, data: &[u8]) -> PyResult<T> {
    serde_json::from_slice(data).map_err(|error| {
        let message = format!("the pickled object is damaged: {error}");
        refuse(py, "artifact_damaged", &message, None)
    })
}
