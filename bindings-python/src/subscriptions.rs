//! Conversion of a table of subscriptions to a table of customers.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use churn_core::{StaticAttributes, subscriptions_to_customers_with};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyList};

use crate::frames::{Frame, Values, through};
use crate::records::findings;
use crate::tables::{Kind, table};
use crate::work;

/// The table of customers that `subscriptions_to_customers` returns. Each row is a version (dated row) of a customer.
/// `TenantRecords` accepts this table as ``customers``.
#[pyclass(frozen, module = "churn_core")]
pub(crate) struct CustomersTable(RecordBatch);

impl CustomersTable {
    fn frame(&self) -> Frame {
        let schema = self.0.schema();
        let columns = schema.fields().iter().zip(self.0.columns());
        Frame(
            columns
                .map(|(field, array)| (field.name().clone(), values(array)))
                .collect(),
        )
    }
}

/// Converts an array from `Table::to_record_batch` to the values of a column.
fn values(array: &ArrayRef) -> Values {
    match array.data_type() {
        DataType::Boolean => Values::MaybeBools(array.as_boolean().iter().collect()),
        DataType::Int64 => Values::Counts(array.as_primitive::<Int64Type>().iter().collect()),
        DataType::UInt64 => numbers(
            array
                .as_primitive::<UInt64Type>()
                .iter()
                .map(|value| value.map(|value| value as f64)),
        ),
        DataType::Float64 => numbers(array.as_primitive::<Float64Type>().iter()),
        DataType::Timestamp(..) => Values::Moments(array.as_primitive::<TimestampMicrosecondType>().iter().collect()),
        _ => Values::Texts(
            array
                .as_string::<i32>()
                .iter()
                .map(|text| text.map(str::to_owned))
                .collect(),
        ),
    }
}

fn numbers(values: impl Iterator<Item = Option<f64>>) -> Values {
    Values::MaybeNumbers(values.map(|value| value.unwrap_or(f64::NAN)).collect())
}

#[pymethods]
impl CustomersTable {
    /// The names of the columns.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.0
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect()
    }

    /// Returns the table as a pandas frame.
    fn to_pandas(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.frame().pandas(py)
    }

    /// Returns the table as a polars frame.
    fn to_polars(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        through(slf.as_any(), "to_polars")
    }

    /// Returns the table as a pyarrow table.
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
        self.0.num_rows()
    }

    fn __repr__(&self) -> String {
        format!("<CustomersTable: {} rows>", self.0.num_rows())
    }
}

/// Converts a table of subscriptions to dated customer rows (versions) with the attributes ``mrr``, ``plan`` and
/// ``seats``.
///
/// A row of ``subscriptions`` has ``customer_id``, ``started_at``, ``price`` and ``interval`` (``"day"``, ``"week"``,
/// ``"month"``, ``"quarter"`` or ``"year"``), and optionally ``subscription_id``, ``ended_at``, ``plan``, ``seats``,
/// ``currency`` and ``known_at``. A spell is one uninterrupted period as a customer: a series of subscriptions without
/// a gap between them. The end of the spell becomes ``churned_at``. ``mrr`` is the monthly recurring revenue: the sum
/// of the monthly prices of all subscriptions that are active at ``valid_from``.
///
/// Args:
///     subscriptions: A frame, rows, or a dict of columns, as for `TenantRecords`.
///     customers: A table of customers. Its attributes are joined to the result by ``customer_id``. If the table
///         has no ``valid_from`` column, only the attributes named in ``static_attributes`` are joined.
///     static_attributes: Names of attributes of ``customers`` that never change, or ``"all"``.
///
/// Returns:
///     A tuple of a `CustomersTable` and a list of `Finding` (likely mistakes in the subscriptions).
///
/// Raises:
///     InvalidRecordsError: A value is missing or invalid. The error names the row and the column of the value.
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
    let (batch, found) = work::run(py, None, None, move |execution| {
        let (customers, found) = subscriptions_to_customers_with(subscriptions, customers, &fixed, &execution)?;
        Ok((customers.to_record_batch()?, found))
    })?;
    Ok((CustomersTable(batch), findings(py, &found)?))
}
