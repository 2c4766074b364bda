//! Churn labels.

use std::sync::Arc;

use churn_core::{ChurnDefinition, LabelRule};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use serde::{Deserialize, Serialize};

use crate::arguments;
use crate::definition::Definition;
use crate::errors::refuse;
use crate::frames::{Frame, Values, through};
use crate::pickles::{Reduced, pickle, unpickle};
use crate::tables::dates;
use crate::work;

/// Churn labels, with one row per date and eligible customer (one who could still churn at the date).
///
/// The columns are ``customer_id``, ``as_of``, ``churned`` (whether the customer churned in the label period), ``rule``
/// (the rule that determined the label, such as ``"cancelled"`` or ``"inactive"``) and ``event_at`` (the time of the
/// cancellation, or of the first event in the label period).
#[pyclass(frozen, module = "churn_core")]
#[derive(Serialize, Deserialize)]
pub(crate) struct Labels {
    rows: Rows,
    excluded: Rows,
}

/// The columns of a table of labels. All columns have the same length. Times are in microseconds since 1970-01-01.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Rows {
    customer_ids: Vec<String>,
    as_of: Vec<i64>,
    churned: Vec<bool>,
    rules: Vec<LabelRule>,
    event_at: Vec<Option<i64>>,
}

impl Rows {
    fn new(ids: &[&str], labels: &[churn_core::Label]) -> Self {
        let mut rows = Self::default();
        for label in labels {
            let id = ids.get(label.customer as usize).map_or("", |id| id);
            rows.customer_ids.push(id.to_owned());
            rows.as_of.push(label.as_of.as_micros());
            rows.churned.push(label.churned);
            rows.rules.push(label.rule);
            rows.event_at.push(label.event_at.map(|at| at.as_micros()));
        }
        rows
    }

    fn len(&self) -> usize {
        self.customer_ids.len()
    }
}

impl Labels {
    fn frame(&self) -> Frame {
        let rows = &self.rows;
        let rules = rows.rules.iter().map(|rule| Some(rule.to_string()));
        let moments = |micros: &[i64]| micros.iter().copied().map(Some).collect();
        Frame(vec![
            (
                "customer_id".into(),
                Values::Texts(rows.customer_ids.iter().cloned().map(Some).collect()),
            ),
            ("as_of".into(), Values::Moments(moments(&rows.as_of))),
            ("churned".into(), Values::Bools(rows.churned.clone())),
            ("rule".into(), Values::Texts(rules.collect())),
            ("event_at".into(), Values::Moments(rows.event_at.clone())),
        ])
    }
}

#[pymethods]
impl Labels {
    /// The rows of eligible customers who have no label. Such a customer churned after the date but before the label
    /// period, or had already churned before the date although this was not known yet.
    #[getter]
    fn excluded(&self) -> Self {
        Self {
            rows: self.excluded.clone(),
            excluded: Rows::default(),
        }
    }

    /// Whether the customer of each row churned in the label period, as a bool array.
    #[getter]
    fn churned(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Values::Bools(self.rows.churned.clone()).into_python(py)
    }

    /// The customer id of every row.
    #[getter]
    fn customer_ids(&self) -> Vec<String> {
        self.rows.customer_ids.clone()
    }

    /// Returns the values of the column with this name.
    fn __getitem__(&self, py: Python<'_>, name: &str) -> PyResult<Py<PyAny>> {
        let column = self.frame().0.into_iter().find(|(known, _)| known == name);
        let (_, values) =
            column.ok_or_else(|| refuse(py, "unknown_feature", "labels have no such column", Some(name)))?;
        values.into_python(py)
    }

    /// Returns the labels as a pandas frame.
    fn to_pandas(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.frame().pandas(py)
    }

    /// Returns the labels as a polars frame.
    fn to_polars(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        through(slf.as_any(), "to_polars")
    }

    /// Returns the labels as a pyarrow table.
    fn to_arrow(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        through(slf.as_any(), "to_arrow")
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.frame().stream(py, requested_schema)
    }

    fn __len__(&self) -> usize {
        self.rows.len()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        pickle(slf, slf.get())
    }

    #[staticmethod]
    fn _restore(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        unpickle(py, data)
    }

    fn _repr_html_(&self) -> String {
        crate::records::escape(&self.__repr__())
    }

    fn __repr__(&self) -> String {
        let churned = self.rows.churned.iter().filter(|churned| **churned).count();
        format!(
            "<Labels: {} rows, {churned} churned, {} excluded>",
            self.rows.len(),
            self.excluded.len()
        )
    }
}

/// Computes the churn labels of all eligible customers at one or several dates.
///
/// Args:
///     records: The tenant's `TenantRecords`.
///     as_of: A date or a list of dates. The label period of each date (the period after the date, during which churn
///         is counted) must be over.
///     definition: `Cancellation` or `Inactivity`; None means ``Cancellation(horizon=90)``.
///     threads: Number of threads. None means one thread per core. The result does not depend on this number.
///
/// Raises:
///     TrainingError: The label period ends after the observed history, so the outcome is not known
///     (``immature_label``).
///
/// >>> labels = churn.labels(records, as_of="2024-01-01", definition=churn.Inactivity(horizon=60))
/// >>> labels.to_pandas().columns.to_list()
/// ['customer_id', 'as_of', 'churned', 'rule', 'event_at']
/// >>> sorted(set(labels["rule"]))
/// ['active', 'inactive']
#[pyfunction]
#[pyo3(signature = (records, as_of, definition=None, *, threads=None))]
pub(crate) fn labels(
    py: Python<'_>,
    #[pyo3(from_py_with = arguments::records)] records: Arc<churn_core::TenantRecords>,
    as_of: &Bound<'_, PyAny>,
    definition: Option<Definition>,
    #[pyo3(from_py_with = arguments::threads)] threads: Option<usize>,
) -> PyResult<Labels> {
    let dates = dates(as_of, "as_of")?;
    let definition = definition.map(ChurnDefinition::from).unwrap_or_default();
    let found = {
        let records = Arc::clone(&records);
        work::run(py, threads, None, move |execution| {
            churn_core::labels(&records, &dates, &definition, &execution)
        })?
    };
    let ids: Vec<&str> = records.customer_ids().collect();
    Ok(Labels {
        rows: Rows::new(&ids, found.rows()),
        excluded: Rows::new(&ids, found.excluded()),
    })
}
