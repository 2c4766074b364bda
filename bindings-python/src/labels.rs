//! Churn labels.

use std::sync::Arc;

use churn_core::ChurnDefinition;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::arguments;
use crate::definition::Definition;
use crate::errors::refuse;
use crate::frames::{Frame, Values, through};
use crate::tables::dates;
use crate::work;

/// Churn labels, with one row per date and eligible customer (one who could still churn at the date).
///
/// The columns are ``customer_id``, ``as_of``, ``churned`` (whether the customer churned in the label period), ``rule``
/// (the rule that decided this, such as ``"cancelled"`` or ``"inactive"``) and ``event_at`` (the time of the
/// cancellation, or of the first event in the label period).
#[pyclass(frozen, module = "churn_core")]
pub(crate) struct Labels {
    records: Arc<churn_core::TenantRecords>,
    rows: Vec<churn_core::Label>,
    excluded: Vec<churn_core::Label>,
}

impl Labels {
    fn frame(&self) -> Frame {
        let ids: Vec<&str> = self.records.customer_ids().collect();
        let rows = &self.rows;
        let id = |label: &churn_core::Label| ids.get(label.customer as usize).map(|id| (*id).to_owned());
        Frame(vec![
            ("customer_id".into(), Values::Texts(rows.iter().map(id).collect())),
            (
                "as_of".into(),
                Values::Moments(rows.iter().map(|label| Some(label.as_of.as_micros())).collect()),
            ),
            (
                "churned".into(),
                Values::Bools(rows.iter().map(|label| label.churned).collect()),
            ),
            (
                "rule".into(),
                Values::Texts(rows.iter().map(|label| Some(label.rule.to_string())).collect()),
            ),
            (
                "event_at".into(),
                Values::Moments(
                    rows.iter()
                        .map(|label| label.event_at.map(|at| at.as_micros()))
                        .collect(),
                ),
            ),
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
            records: Arc::clone(&self.records),
            rows: self.excluded.clone(),
            excluded: vec![],
        }
    }

    /// Whether the customer of each row churned in the label period, as a bool array.
    #[getter]
    fn churned(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Values::Bools(self.rows.iter().map(|label| label.churned).collect()).into_python(py)
    }

    /// The customer id of every row.
    #[getter]
    fn customer_ids(&self) -> Vec<String> {
        let ids: Vec<&str> = self.records.customer_ids().collect();
        self.rows
            .iter()
            .filter_map(|label| ids.get(label.customer as usize).map(|id| (*id).to_owned()))
            .collect()
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

    fn _repr_html_(&self) -> String {
        crate::records::escape(&self.__repr__())
    }

    fn __repr__(&self) -> String {
        let churned = self.rows.iter().filter(|label| label.churned).count();
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
///     as_of: A date or a list of dates. The label period of each date (the span after it in which churn is counted)
///         must be over.
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
    Ok(Labels {
        records,
        rows: found.rows().to_vec(),
        excluded: found.excluded().to_vec(),
    })
}
