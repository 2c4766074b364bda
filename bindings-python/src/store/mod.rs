//! The store, a database that keeps the records, models and scores of many tenants.

mod call;
mod company;
mod models;
mod records;
mod scores;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use serde::Serialize;

use crate::arguments;
use crate::errors::refuse;
use call::{Caller, Stop};

pub(crate) use company::{ApiKeyStore, AuditStore, CompanyStore, CursorStore, UserStore};
pub(crate) use models::ModelStore;
pub(crate) use records::RecordStore;
pub(crate) use scores::{OutcomeStore, ScoreStore};

/// Converts a result of the store to an instance of the class with this name in `churn_core.store`, to a list of
/// instances, or to None.
fn reported(py: Python<'_>, class: &str, value: &impl Serialize) -> PyResult<Py<PyAny>> {
    let json = serde_json::to_string(value).map_err(|e| refuse(py, "internal", &e.to_string(), None))?;
    let module = py.import("churn_core.store")?;
    Ok(module.call_method1("_read", (class, json))?.unbind())
}

fn nothing<T>(py: Python<'_>, _: T) -> PyResult<Py<PyAny>> {
    Ok(py.None())
}

fn plain<T: for<'py> IntoPyObject<'py>>(py: Python<'_>, value: T) -> PyResult<Py<PyAny>> {
    value.into_py_any(py)
}

fn parsed<T: std::str::FromStr<Err = churn_core::Error>>(py: Python<'_>, text: &str) -> PyResult<T> {
    text.parse().map_err(|error| crate::errors::raise(py, &error))
}

/// A database with the data of many tenants, in SQLite or Postgres. `tenant` gives access to the data of one tenant.
///
/// Calls run on the store's own threads without the GIL. Any thread may call the methods. `churn_core.aio.Store` has
/// the same methods as coroutines. If you fork worker processes, open the store after the fork.
///
/// >>> store = churn.Store.open("sqlite::memory:")
/// >>> acme = store.tenant("acme")
/// >>> acme.customers.upsert(customers).rows_changed == len(customers)
/// True
/// >>> acme.payments.upsert(payments).rows_accepted == len(payments)
/// True
/// >>> acme.records(static_attributes="all")
/// <TenantRecords 'acme': customers=300, payments=...>
/// >>> store.tenant("other").customers.count()
/// 0
/// >>> store.close()
#[pyclass(frozen, module = "churn_core")]
pub(crate) struct Store {
    store: churn_store::Store,
    caller: Caller,
}

fn open(py: Python<'_>, caller: Caller, url: String, migrate: bool) -> PyResult<Py<PyAny>> {
    let work = async move {
        let store = churn_store::Store::open(&url).await?;
        if migrate {
            store.migrate().await?;
        }
        Ok(store)
    };
    let own = caller.clone();
    caller.call(py, work, move |py, store| plain(py, Store { store, caller: own }))
}

/// Opens a store whose calls return awaitables. `churn_core.aio.Store` wraps it.
#[pyfunction]
pub(crate) fn open_awaited(
    py: Python<'_>,
    #[pyo3(from_py_with = arguments::url)] url: String,
    #[pyo3(from_py_with = arguments::migrate)] migrate: bool,
) -> PyResult<Py<PyAny>> {
    open(py, Caller::new(py, true)?, url, migrate)
}

#[pymethods]
impl Store {
    /// Opens a store, and creates or updates its tables unless ``migrate=False``.
    ///
    /// ``sqlite:///var/churn.db`` is an absolute path, and ``sqlite:churn.db`` is a relative path. The file is created
    /// if it does not exist. ``sqlite::memory:`` is a database in memory, which is deleted when the store is closed.
    /// ``postgres://user:password@host/database`` isolates tenants by row-level security. For this, one role must own
    /// the tables and migrate them, and the application must connect with another role (see `grant_to`).
    ///
    /// Raises:
    ///     StoreError: The database cannot be reached (``store_unavailable``), or a newer version of this package
    ///         has migrated it (``store_newer``).
    #[staticmethod]
    #[pyo3(signature = (url, migrate=true))]
    fn open(
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::url)] url: String,
        #[pyo3(from_py_with = arguments::migrate)] migrate: bool,
    ) -> PyResult<Py<PyAny>> {
        open(py, Caller::new(py, false)?, url, migrate)
    }

    /// Creates or updates the tables of the store. Does nothing if they are up to date. Migrations of other programs in
    /// the same database are not affected.
    fn migrate(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let store = self.store.clone();
        self.caller.call(py, async move { Ok(store.migrate().await?) }, nothing)
    }

    /// Returns the version of the store's tables in the database. The version is 0 before the first `migrate`.
    fn version(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let store = self.store.clone();
        self.caller.call(py, async move { Ok(store.version().await?) }, plain)
    }

    /// Grants a Postgres role the privileges that the application needs, and no others. Call this as the owner of the
    /// tables.
    fn grant_to(&self, py: Python<'_>, role: String) -> PyResult<Py<PyAny>> {
        let store = self.store.clone();
        let work = async move { Ok(store.grant_to(&role).await?) };
        self.caller.call(py, work, nothing)
    }

    /// Verifies that no tenant can read or change the data of another tenant in this database. The check attempts such
    /// reads and writes, and checks policies, roles and privileges. All changes are rolled back. Returns an
    /// `Attestation`.
    ///
    /// >>> report = churn.Store.open("sqlite::memory:").attest()
    /// >>> report.passed, len(report.checks) > 20
    /// (True, True)
    fn attest(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let store = self.store.clone();
        let work = async move { Ok(store.attest().await?) };
        self.caller.call(py, work, |py, report| {
            let report = serde_json::json!({ "passed": report.passed(), "text": report.to_string(), "report": report });
            reported(py, "Attestation", &report)
        })
    }

    /// Closes all connections. Later calls raise a `StoreError` with the code ``store_unavailable``.
    fn close(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let store = self.store.clone();
        let work = async move {
            store.close().await;
            Ok(())
        };
        self.caller.call(py, work, nothing)
    }

    /// The kind of database: ``"sqlite"`` or ``"postgres"``.
    #[getter]
    fn backend(&self) -> &'static str {
        self.store.backend().as_str()
    }

    /// Gives access to the data of one tenant.
    fn tenant(&self, tenant: &Bound<'_, PyAny>) -> PyResult<TenantStore> {
        Ok(TenantStore {
            own: self.store.tenant(&arguments::text(tenant, "tenant")?),
            caller: self.caller.clone(),
        })
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*trace))]
    fn __exit__(&self, py: Python<'_>, trace: Py<PyTuple>) -> PyResult<()> {
        drop(trace);
        self.close(py).map(drop)
    }

    fn __repr__(&self) -> String {
        format!("<Store {}>", self.backend())
    }
}

/// The part of a store that belongs to one tenant: records, models, scores and settings. It cannot read or change the
/// data of other tenants.
#[pyclass(frozen, module = "churn_core")]
pub(crate) struct TenantStore {
    own: churn_store::TenantStore,
    caller: Caller,
}

#[pymethods]
impl TenantStore {
    /// The id of the tenant.
    #[getter]
    fn tenant(&self) -> &str {
        self.own.tenant().as_str()
    }

    /// The stored table of customers, which has all versions (dated rows) of each customer.
    #[getter]
    fn customers(&self) -> RecordStore {
        RecordStore::new(self.own.customers(), &self.caller)
    }

    /// The stored table of payments.
    #[getter]
    fn payments(&self) -> RecordStore {
        RecordStore::new(self.own.payments(), &self.caller)
    }

    /// The stored table of support tickets.
    #[getter]
    fn tickets(&self) -> RecordStore {
        RecordStore::new(self.own.tickets(), &self.caller)
    }

    /// The stored table of activities.
    #[getter]
    fn activities(&self) -> RecordStore {
        RecordStore::new(self.own.activities(), &self.caller)
    }

    /// The models of the tenant.
    #[getter]
    fn models(&self) -> ModelStore {
        ModelStore::new(self.own.models(), &self.caller)
    }

    /// The score runs of the tenant, with their scores.
    #[getter]
    fn scores(&self) -> ScoreStore {
        ScoreStore::new(self.own.scores(), &self.caller)
    }

    /// The outcomes of the tenant's customers: whether they churned in the label period after a date.
    #[getter]
    fn outcomes(&self) -> OutcomeStore {
        OutcomeStore::new(self.own.outcomes(), &self.caller)
    }

    /// The name and the settings of the tenant's company.
    #[getter]
    fn company(&self) -> CompanyStore {
        CompanyStore::new(self.own.company(), &self.caller)
    }

    /// The users of the tenant.
    #[getter]
    fn users(&self) -> UserStore {
        UserStore::new(self.own.users(), &self.caller)
    }

    /// The API keys of the tenant.
    #[getter]
    fn api_keys(&self) -> ApiKeyStore {
        ApiKeyStore::new(self.own.api_keys(), &self.caller)
    }

    /// The sync cursors of the tenant's data sources. A sync cursor is a text that says how far a source has been read.
    #[getter]
    fn cursors(&self) -> CursorStore {
        CursorStore::new(self.own.cursors(), &self.caller)
    }

    /// The audit log of the tenant.
    #[getter]
    fn audit(&self) -> AuditStore {
        AuditStore::new(self.own.audit(), &self.caller)
    }

    /// Loads all records of the tenant from one snapshot of the database. The result is identical to a
    /// `churn_core.TenantRecords` made of the stored rows. The arguments have the same meaning as those of
    /// `churn_core.TenantRecords`.
    ///
    /// Raises:
    ///     InvalidRecordsError: Rows conflict with other rows. For example, a payment belongs to an unknown customer.
    #[pyo3(signature = (*, on_invalid="refuse", observed_until=None, observed_from=None, static_attributes=None, ties="given", currency=None, conversion_rates=None))]
    #[allow(clippy::too_many_arguments)]
    fn records(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::on_invalid)] on_invalid: &'static str,
        observed_until: Option<&Bound<'_, PyAny>>,
        observed_from: Option<&Bound<'_, PyAny>>,
        static_attributes: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::ties)] ties: &'static str,
        #[pyo3(from_py_with = arguments::currency)] currency: Option<String>,
        #[pyo3(from_py_with = arguments::conversion_rates)] conversion_rates: Option<
            std::collections::BTreeMap<String, f64>,
        >,
    ) -> PyResult<Py<PyAny>> {
        let options = churn_store::RecordsOptions {
            on_invalid: crate::records::policy(on_invalid),
            observed_until: observed_until
                .map(|at| crate::tables::timestamp(at, "observed_until"))
                .transpose()?,
            observed_from: observed_from
                .map(|at| crate::tables::timestamp(at, "observed_from"))
                .transpose()?,
            static_attributes: static_attributes
                .map(crate::records::static_attributes)
                .transpose()?
                .unwrap_or_default(),
            ties: ties.parse().unwrap_or_default(),
            currency,
            conversion_rates: conversion_rates.unwrap_or_default(),
            ..Default::default()
        };
        let own = self.own.clone();
        let work = async move {
            let _given_up = Stop(options.execution.cancel.clone());
            Ok(own.records(&options).await?)
        };
        self.caller.call(py, work, |py, found| {
            plain(py, crate::records::TenantRecords::wrap(py, found)?)
        })
    }

    /// Deletes everything that is stored about one customer: records, scores and outcomes. Models that were trained on
    /// the customer's data are not deleted. Returns the number of deleted rows.
    fn erase_customer(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::customer_id)] customer_id: String,
    ) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.erase_customer(&customer_id).await?) };
        self.caller.call(py, work, plain)
    }

    fn __repr__(&self) -> String {
        format!("<TenantStore '{}'>", self.tenant())
    }
}
