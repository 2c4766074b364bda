//! Conversion of subscriptions to customers.

use churn_core::{Cell, StaticAttributes, Table};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyList};

use crate::errors::{OrRaise, refuse};
use crate::frames::{Frame, Values, through};
use crate::records::findings;
use crate::tables::{Kind, table};

/// Dated versions of customers, as `subscriptions_to_customers` returns them. `TenantRecords` accepts it as ``customers``.
#[pyclass(frozen, module = "churn_core")]
pub(crate) struct CustomersTable(Table);

impl CustomersTable {
    fn frame(&self, py: Python<'_>) -> PyResult<Frame> {
        let column = |name: &str| {
            let cells: Vec<Cell<'_>> = self.0.cells(name).into_iter().flatten().collect();
            let values = values(&cells).ok_or_else(|| {
                let message = format!("customers: the values of column '{name}' have several types");
                refuse(py, "bad_type", &message, Some(name))
            });
            Ok((name.to_owned(), values?))
        };
        Ok(Frame(self.0.column_names().map(column).collect::<PyResult<_>>()?))
    }
}

/// Cells of one type and nulls; `None` if there are several types.
fn values(cells: &[Cell<'_>]) -> Option<Values> {
    let every = |is: fn(&Cell<'_>) -> bool| cells.iter().all(|cell| matches!(cell, Cell::Null) || is(cell));
    if every(|cell| matches!(cell, Cell::Timestamp(_))) {
        let micros = |cell: &Cell<'_>| match cell {
            Cell::Timestamp(micros) => Some(*micros),
            _ => None,
        };
        Some(Values::Moments(cells.iter().map(micros).collect()))
    } else if every(|cell| matches!(cell, Cell::Bool(_))) {
        let flag = |cell: &Cell<'_>| match cell {
            Cell::Bool(value) => Some(*value),
            _ => None,
        };
        Some(Values::MaybeBools(cells.iter().map(flag).collect()))
    } else if every(|cell| matches!(cell, Cell::Float(_) | Cell::Int(_) | Cell::UInt(_) | Cell::Decimal(..))) {
        let number = |cell: &Cell<'_>| match cell {
            Cell::Float(value) => *value,
            Cell::Int(value) => *value as f64,
            Cell::UInt(value) => *value as f64,
            Cell::Decimal(value, scale) => format!("{value}e{}", -i32::from(*scale)).parse().unwrap_or(f64::NAN),
            _ => f64::NAN,
        };
        Some(Values::MaybeNumbers(cells.iter().map(number).collect()))
    } else if every(|cell| matches!(cell, Cell::Text(_))) {
        let text = |cell: &Cell<'_>| match cell {
            Cell::Text(text) => Some((*text).to_owned()),
            _ => None,
        };
        Some(Values::Texts(cells.iter().map(text).collect()))
    } else {
        None
    }
}

#[pymethods]
impl CustomersTable {
    /// Column names, in order.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.0.column_names().map(str::to_owned).collect()
    }

    /// A pandas frame.
    fn to_pandas(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.frame(py)?.pandas(py)
    }

    /// A polars frame.
    fn to_polars(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        through(slf.as_any(), "to_polars")
    }

    /// A pyarrow table.
    fn to_arrow(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        through(slf.as_any(), "to_arrow")
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.frame(py)?.stream(py, requested_schema)
    }

    fn __len__(&self) -> usize {
        self.0.n_rows()
    }

    fn __repr__(&self) -> String {
        format!("<CustomersTable: {} rows>", self.0.n_rows())
    }
}

/// Converts subscriptions to dated versions of customers with ``mrr``, ``plan`` and ``seats``.
///
/// A row of ``subscriptions`` has ``customer_id``, ``started_at``, ``price`` and ``interval`` (``"day"``, ``"week"``,
/// ``"month"``, ``"quarter"`` or ``"year"``), and optionally ``subscription_id``, ``ended_at``, ``plan``, ``seats``,
/// ``currency`` and ``known_at``. A spell is a series of subscriptions without a gap; its end is ``churned_at``. ``mrr`` is the
/// monthly recurring revenue of all subscriptions that are active at ``valid_from``.
///
/// Args:
///     subscriptions: A frame, rows, or a dict of columns, as for `TenantRecords`.
///     customers: A table of customers whose attributes are joined by ``customer_id``. Without a ``valid_from`` column only
///         those named in ``static_attributes`` are joined.
///     static_attributes: Names of attributes of ``customers`` that never change, or ``"all"``.
///
/// Returns:
///     A `CustomersTable` and a list of `Finding`.
///
/// Raises:
///     InvalidRecordsError: A value is missing or invalid; the error names its row and column.
///
/// >>> subscriptions = [
/// ...     {"customer_id": "C-1", "started_at": "2024-01-01", "ended_at": "2024-04-01", "price": 30, "interval": "month"},
/// ...     {"customer_id": "C-1", "started_at": "2024-04-01", "ended_at": None, "price": 600, "interval": "year"},
/// ... ]
/// >>> customers, findings = churn.subscriptions_to_customers(subscriptions)
/// >>> customers.to_pandas()["mrr"].to_list()
/// [30.0, 50.0]
/// >>> len(churn.TenantRecords("acme", customers))
/// 1
#[pyfunction]
#[pyo3(signature = (subscriptions, customers=None, *, static_attributes=None))]
pub(crate) fn subscriptions_to_customers<'py>(
    py: Python<'py>,
    subscriptions: &Bound<'py, PyAny>,
    customers: Option<&Bound<'py, PyAny>>,
    static_attributes: Option<&Bound<'py, PyAny>>,
) -> PyResult<(CustomersTable, Bound<'py, PyList>)> {
    let subscriptions = table(subscriptions, Kind::Subscriptions)?;
    let customers = customers
        .map(|given| table(given, Kind::Records(churn_core::RecordKind::Customers)))
        .transpose()?;
    let fixed = match static_attributes {
        Some(given) => crate::records::static_attributes(given)?,
        None => StaticAttributes::None,
    };
    let (table, found) = py
        .detach(|| churn_core::subscriptions_to_customers(subscriptions, customers, &fixed))
        .or_raise(py)?;
    Ok((CustomersTable(table), findings(py, &found)?))
}
