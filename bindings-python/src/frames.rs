//! Conversion of results to numpy columns and to Arrow. pandas frames are made from the numpy columns. polars frames
//! and pyarrow tables are made from Arrow.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use churn_core::FeatureColumn;
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyList, PyString};
use pyo3_arrow::PyTable;

use crate::errors::refuse;

/// The values of one column of a result.
pub(crate) enum Values {
    Texts(Vec<Option<String>>),
    /// One list of texts per row.
    Lists(Vec<Vec<String>>),
    /// Texts, given as codes and levels (the list of distinct texts). A code is the position of the text in the levels.
    /// A code beyond the levels is a missing value.
    Coded(Vec<u32>, Vec<String>),
    Numbers(Vec<f64>),
    /// Numbers. NaN means a missing value.
    MaybeNumbers(Vec<f64>),
    Counts(Vec<Option<i64>>),
    Bools(Vec<bool>),
    MaybeBools(Vec<Option<bool>>),
    /// Timestamps in microseconds since 1970-01-01 UTC.
    Moments(Vec<Option<i64>>),
}

impl From<&FeatureColumn> for Values {
    fn from(column: &FeatureColumn) -> Self {
        match column {
            FeatureColumn::Number(values) => Self::Numbers(values.clone()),
            FeatureColumn::Text { codes, levels } => Self::Coded(codes.clone(), levels.clone()),
            _ => Self::Texts(vec![]),
        }
    }
}

/// A table of results: the name and the values of each column.
pub(crate) struct Frame(pub(crate) Vec<(String, Values)>);

impl Frame {
    fn batch(self) -> Result<RecordBatch, arrow_schema::ArrowError> {
        let columns = self.0.into_iter().map(|(name, values)| {
            let array: ArrayRef = match values {
                Values::Texts(values) => Arc::new(StringArray::from(values)),
                Values::Lists(rows) => {
                    let mut lists = ListBuilder::new(StringBuilder::new());
                    for row in rows {
                        lists.append_value(row.into_iter().map(Some));
                    }
                    Arc::new(lists.finish())
                }
                Values::Coded(codes, levels) => {
                    let texts = codes.iter().map(|&code| levels.get(code as usize).map(String::as_str));
                    Arc::new(texts.collect::<StringArray>())
                }
                Values::Numbers(values) => Arc::new(Float64Array::from(values)),
                Values::MaybeNumbers(values) => {
                    let values = values.into_iter().map(|value| (!value.is_nan()).then_some(value));
                    Arc::new(values.collect::<Float64Array>())
                }
                Values::Counts(values) => Arc::new(Int64Array::from(values)),
                Values::Bools(values) => Arc::new(BooleanArray::from(values)),
                Values::MaybeBools(values) => Arc::new(BooleanArray::from(values)),
                Values::Moments(values) => Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC")),
            };
            (name, array)
        });
        RecordBatch::try_from_iter(columns)
    }

    /// Exports the table as an Arrow stream in a PyCapsule.
    pub(crate) fn stream<'py>(
        self,
        py: Python<'py>,
        requested: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let batch = py
            .detach(|| self.batch())
            .map_err(|e| refuse(py, "internal", &e.to_string(), None))?;
        let schema = batch.schema();
        let table = PyTable::try_new(vec![batch], schema)?;
        table
            .into_pyobject(py)?
            .call_method1("__arrow_c_stream__", (requested,))
    }

    /// Converts the table to a frame of another library, through the Arrow stream.
    pub(crate) fn through(self, py: Python<'_>, function: &str) -> PyResult<Py<PyAny>> {
        let streamed = Py::new(py, Streamed(Mutex::new(Some(self))))?;
        through(streamed.bind(py).as_any(), function)
    }

    /// Returns the name and the values of each column. The values are a numpy array, or a list if they
    /// are texts.
    pub(crate) fn columns(self, py: Python<'_>) -> PyResult<Vec<(String, Py<PyAny>)>> {
        self.0
            .into_iter()
            .map(|(name, values)| Ok((name, values.into_python(py)?)))
            .collect()
    }

    pub(crate) fn pandas(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let columns = self.columns(py)?;
        Ok(py
            .import("churn_core._frames")?
            .getattr("to_pandas")?
            .call1((columns,))?
            .unbind())
    }
}

/// A table that pyarrow or polars reads as an Arrow stream. The stream can be read only once.
#[pyclass(frozen)]
struct Streamed(Mutex<Option<Frame>>);

#[pymethods]
impl Streamed {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let frame = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let frame = frame.ok_or_else(|| refuse(py, "internal", "the table was read twice", None))?;
        frame.stream(py, requested_schema)
    }
}

impl Values {
    pub(crate) fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(match self {
            Self::Texts(values) => PyList::new(py, values)?.into_any().unbind(),
            Self::Lists(rows) => PyList::new(py, rows)?.into_any().unbind(),
            Self::Coded(codes, levels) => {
                let levels: Vec<Bound<'_, PyString>> = levels.iter().map(|level| PyString::new(py, level)).collect();
                let texts: Vec<Option<&Bound<'_, PyString>>> =
                    codes.iter().map(|&code| levels.get(code as usize)).collect();
                PyList::new(py, texts)?.into_any().unbind()
            }
            Self::Numbers(values) | Self::MaybeNumbers(values) => values.into_pyarray(py).into_any().unbind(),
            Self::Counts(values) => PyList::new(py, values)?.into_any().unbind(),
            Self::Bools(values) => values.into_pyarray(py).into_any().unbind(),
            Self::MaybeBools(values) => PyList::new(py, values)?.into_any().unbind(),
            // numpy represents NaT, the missing timestamp, by the smallest 64-bit integer.
            Self::Moments(values) => {
                let micros: Vec<i64> = values.into_iter().map(|at| at.unwrap_or(i64::MIN)).collect();
                micros
                    .into_pyarray(py)
                    .call_method1("view", ("datetime64[us]",))?
                    .unbind()
            }
        })
    }
}

/// Implements `to_polars` and `to_arrow` for an object that has `__arrow_c_stream__`.
pub(crate) fn through(frame: &Bound<'_, PyAny>, function: &str) -> PyResult<Py<PyAny>> {
    Ok(frame
        .py()
        .import("churn_core._frames")?
        .getattr(function)?
        .call1((frame,))?
        .unbind())
}

/// Converts a timestamp to a Python `datetime` in UTC.
pub(crate) fn datetime(py: Python<'_>, micros: i64) -> PyResult<Py<PyAny>> {
    let module = py.import("datetime")?;
    let utc = module.getattr("timezone")?.getattr("utc")?;
    let epoch = module.getattr("datetime")?.call1((1970, 1, 1, 0, 0, 0, 0, utc))?;
    let since = module.getattr("timedelta")?.call1((0, 0, micros))?;
    Ok(epoch.call_method1("__add__", (since,))?.unbind())
}
