//! The tables of a tenant's records in the store.

use std::collections::BTreeMap;

use churn_core::{RecordKind, Table, Value};
use churn_store::{CustomerQuery, StoredRecord, Upserted};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList};

use super::call::{Caller, Outcome};
use super::plain;
use crate::arguments;
use crate::errors::refuse;
use crate::frames::datetime;
use crate::records::{ValidationReport, policy};
use crate::tables::{Kind, table};

/// One table of a tenant's records in the store, such as payments.
#[pyclass(frozen, module = "churn_core.store")]
pub(crate) struct RecordStore {
    own: churn_store::RecordStore,
    caller: Caller,
}

impl RecordStore {
    pub(crate) fn new(own: churn_store::RecordStore, caller: &Caller) -> Self {
        Self {
            own,
            caller: caller.clone(),
        }
    }

    /// Upserts the batches that `next` returns, one after the other, in a single transaction.
    fn import<F>(&self, py: Python<'_>, on_invalid: &str, mut next: F) -> PyResult<Py<PyAny>>
    where
        F: FnMut(Python<'_>, RecordKind) -> PyResult<Option<Table>> + Send + 'static,
    {
        let (own, policy) = (self.own.clone(), policy(on_invalid));
        let work = async move {
            let kind = own.kind();
            let mut import = own.import(policy).await?;
            loop {
                // Reading Python objects may take a long time, so it runs on a thread for blocking work. The threads
                // that serve the connections stay free.
                let read = tokio::task::spawn_blocking(move || {
                    let found = Python::attach(|py| next(py, kind));
                    (found, next)
                });
                let Ok((batch, reader)) = read.await else {
                    let lost =
                        || Python::attach(|py| refuse(py, "internal", "reading the rows ended in a panic", None));
                    return Err(lost().into());
                };
                next = reader;
                match batch? {
                    Some(batch) => import.write(batch).await?,
                    None => break,
                }
            }
            Ok(import.commit().await?)
        };
        self.caller.call(py, work, upserted)
    }
}

fn upserted(py: Python<'_>, done: Upserted) -> PyResult<Py<PyAny>> {
    let counts = (done.rows_in, done.rows_accepted, done.rows_changed);
    let report = Py::new(py, ValidationReport::new(done.report))?;
    let class = py.import("churn_core.store")?.getattr("Upserted")?;
    Ok(class.call1((counts.0, counts.1, counts.2, report))?.unbind())
}

/// Converts a row to a dict.
fn row(py: Python<'_>, values: BTreeMap<String, Value>) -> PyResult<Bound<'_, PyDict>> {
    let row = PyDict::new(py);
    for (name, value) in values {
        let value = match value {
            Value::Bool(value) => plain(py, value)?,
            Value::Int(value) => plain(py, value)?,
            Value::UInt(value) => plain(py, value)?,
            Value::Float(value) => plain(py, value)?,
            Value::Text(value) => plain(py, value)?,
            Value::Timestamp(micros) => datetime(py, micros)?,
            _ => py.None(),
        };
        row.set_item(name, value)?;
    }
    Ok(row)
}

/// Converts rows to a list of dicts.
pub(super) fn dicts(
    py: Python<'_>,
    rows: impl IntoIterator<Item = BTreeMap<String, Value>>,
) -> PyResult<Bound<'_, PyList>> {
    let rows = rows.into_iter().map(|values| row(py, values));
    PyList::new(py, rows.collect::<PyResult<Vec<_>>>()?)
}

fn rows(py: Python<'_>, records: Vec<StoredRecord>) -> PyResult<Bound<'_, PyList>> {
    dicts(py, records.into_iter().map(|record| record.values))
}

#[pymethods]
impl RecordStore {
    /// Upserts a batch in one transaction. ``rows`` is any table that `churn.TenantRecords` accepts.
    ///
    /// Each row has a key. A new row replaces the stored row that has the same key, so a later batch can correct stored
    /// rows. Repeating an upsert changes nothing. The key of an event row is its id and ``known_at``. The key of a
    /// customer row is ``customer_id``, ``signed_up_at``, ``valid_from`` and ``known_at``. The key of an event row
    /// without an id consists of all its values, so give ids to rows that you may want to correct later. If ``rows`` is
    /// empty, the store remembers that the table exists but has no rows.
    ///
    /// Raises:
    ///     InvalidRecordsError: Rows are invalid and ``on_invalid`` is ``"refuse"``. The ``report`` of the error lists
    ///         all issues, and nothing is stored. Conflicts with other rows, such as an unknown customer, are reported
    ///         only when the records are loaded.
    #[pyo3(signature = (rows, *, on_invalid="refuse"))]
    fn upsert(
        &self,
        py: Python<'_>,
        rows: Py<PyAny>,
        #[pyo3(from_py_with = arguments::on_invalid)] on_invalid: &'static str,
    ) -> PyResult<Py<PyAny>> {
        let mut rows = Some(rows);
        self.import(py, on_invalid, move |py, kind| {
            let batch = rows.take();
            batch.map(|rows| table(rows.bind(py), Kind::Records(kind))).transpose()
        })
    }

    /// Upserts many batches in one transaction. All batches together need not fit into memory. ``batches`` is any
    /// iterable of tables that `upsert` accepts, such as ``pyarrow.parquet.ParquetFile(path).iter_batches()`` or
    /// ``pandas.read_csv(path, chunksize=100_000)``. If an error occurs, no batch is stored. The row numbers in the
    /// report run through all batches.
    #[pyo3(signature = (batches, *, on_invalid="refuse"))]
    fn upsert_batches(
        &self,
        py: Python<'_>,
        batches: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::on_invalid)] on_invalid: &'static str,
    ) -> PyResult<Py<PyAny>> {
        let Ok(iterator) = batches.try_iter() else {
            return Err(arguments::wrong(batches, "batches", "an iterable of tables"));
        };
        let batches: Py<PyIterator> = iterator.unbind();
        self.import(py, on_invalid, move |py, kind| {
            let mut batches = batches.bind(py).clone();
            batches
                .next()
                .map(|batch| table(&batch?, Kind::Records(kind)))
                .transpose()
        })
    }

    /// Deletes all rows of the records with these ids (``payment_id``, ``ticket_id``, ``activity_id`` or
    /// ``customer_id``). Returns the number of deleted rows. Unknown ids are ignored.
    ///
    /// An upsert never deletes rows, so use this method for records that the source has removed, such as void invoices.
    /// If a change of a customer was withdrawn, delete the rows of the customer and upsert the current rows in one
    /// transaction (`TenantStore.begin`). The customer's events, scores and outcomes stay stored; `erase_customer`
    /// deletes these too.
    ///
    /// Raises:
    ///     ChurnError: An id is blank (``invalid_option``).
    fn delete(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::record_ids)] ids: Vec<String>,
    ) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        self.caller.call(py, async move { Ok(own.delete(&ids).await?) }, plain)
    }

    /// Validates a table as `upsert` would, without storing anything. The ``report`` of the result lists every invalid
    /// row.
    fn check(&self, py: Python<'_>, rows: Py<PyAny>) -> PyResult<Py<PyAny>> {
        let (own, kind) = (self.own.clone(), Kind::Records(self.own.kind()));
        let work = async move {
            let read = tokio::task::spawn_blocking(move || Python::attach(|py| table(rows.bind(py), kind)));
            let Ok(batch) = read.await else {
                let lost = || Python::attach(|py| refuse(py, "internal", "reading the rows ended in a panic", None));
                return Err(lost().into());
            };
            Ok(own.check(batch?).await?)
        };
        self.caller.call(py, work, upserted)
    }

    /// Returns a page with at most ``limit`` (1 to 10 000) customers, sorted by id. Each customer is returned as their
    /// current version (dated row). The method reads the customers table, even if it is called on another table, such
    /// as payments.
    ///
    /// ``prefix`` selects customers whose id begins with this text. ``attributes`` selects customers whose text
    /// attributes have these values. ``churned`` selects customers who have a ``churned_at`` (True) or have none
    /// (False). To get the next page, pass the ``next`` of this page as ``after``.
    #[pyo3(signature = (prefix=String::new(), *, attributes=None, churned=None, after=None, limit=100), text_signature = "($self, prefix='', *, attributes=None, churned=None, after=None, limit=100)")]
    fn find(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::prefix)] prefix: String,
        attributes: Option<BTreeMap<String, String>>,
        churned: Option<bool>,
        after: Option<String>,
        #[pyo3(from_py_with = arguments::limit)] limit: usize,
    ) -> PyResult<Py<PyAny>> {
        let query = CustomerQuery {
            prefix,
            attributes: attributes.unwrap_or_default().into_iter().collect(),
            churned,
            after,
            limit,
        };
        let own = self.own.clone();
        let work = async move { Ok(own.find(&query).await?) };
        self.caller.call(py, work, |py, page| {
            let class = py.import("churn_core.store")?.getattr("CustomerPage")?;
            Ok(class.call1((rows(py, page.customers)?, page.next))?.unbind())
        })
    }

    /// Returns the number of customers of the tenant. A customer with several versions (dated rows) is counted once.
    fn count_customers(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        self.caller
            .call(py, async move { Ok(own.count_customers().await?) }, plain)
    }

    /// Returns the number of rows. A customer or event with several versions has one row for each version.
    fn count(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        self.caller.call(py, async move { Ok(own.count().await?) }, plain)
    }

    /// Returns a page with at most ``limit`` (1 to 10 000) rows, in the order in which the rows were first stored. To
    /// get the next page, pass the ``next`` of this page as ``after``. If rows are added while you read, no page
    /// repeats or skips a row.
    #[pyo3(signature = (after=None, limit=1000))]
    fn page(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::after)] after: Option<i64>,
        #[pyo3(from_py_with = arguments::limit)] limit: usize,
    ) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.page(after, limit).await?) };
        self.caller.call(py, work, |py, page| {
            let class = py.import("churn_core.store")?.getattr("RecordPage")?;
            Ok(class.call1((rows(py, page.rows)?, page.next))?.unbind())
        })
    }

    /// Returns all rows of one customer as dicts, in the order in which the rows were first stored.
    /// `churn_core.ChurnModel.score_customer` accepts these dicts.
    fn of_customer(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::customer_id)] customer_id: String,
    ) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move {
            let found: Outcome<_> = Ok(own.of_customer(&customer_id).await?);
            found
        };
        self.caller
            .call(py, work, |py, found| Ok(rows(py, found)?.into_any().unbind()))
    }

    fn __repr__(&self) -> String {
        format!("<RecordStore '{}' of '{}'>", self.own.kind(), self.own.tenant())
    }
}
