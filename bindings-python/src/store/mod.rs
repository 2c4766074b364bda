//! The store, a database that keeps the records, models and scores of many tenants.

mod call;
mod company;
mod models;
mod records;
mod scores;
mod tenant;

use std::path::PathBuf;
use std::time::Duration;

use churn_store::StoreOptions;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use serde::Serialize;

use crate::arguments;
use crate::errors::refuse;
use crate::tables::timestamp;
use call::Caller;

pub(crate) use company::{ApiKeyStore, AuditStore, CompanyStore, CursorStore, UserStore};
pub(crate) use models::ModelStore;
pub(crate) use records::RecordStore;
pub(crate) use scores::{OutcomeStore, ScoreStore};
pub(crate) use tenant::{TenantStore, TenantTransaction};

/// Converts a result of the store to an instance of a class in `churn_core.store`, to a list of such instances, or to
/// None. `class` is the name of the class.
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

fn open(py: Python<'_>, caller: Caller, url: String, migrate: bool, options: StoreOptions) -> PyResult<Py<PyAny>> {
    let work = async move {
        let store = churn_store::Store::open_with(&url, &options).await?;
        if migrate {
            store.migrate().await?;
        }
        Ok(store)
    };
    let own = caller.clone();
    caller.call(py, work, move |py, store| plain(py, Store { store, caller: own }))
}

/// Makes the options for opening a store. Options that were not given get their default.
fn options(
    readers: Option<u32>,
    writers: Option<u32>,
    connect_timeout: Option<f64>,
    wait_timeout: Option<f64>,
    statement_timeout: Option<f64>,
    max_pages: Option<u32>,
) -> StoreOptions {
    let mut options = StoreOptions::default();
    options.readers = readers.unwrap_or(options.readers);
    options.writers = writers.unwrap_or(options.writers);
    let seconds = |given: Option<f64>, default| given.map_or(default, Duration::from_secs_f64);
    options.connect_timeout = seconds(connect_timeout, options.connect_timeout);
    options.wait_timeout = seconds(wait_timeout, options.wait_timeout);
    options.statement_timeout = statement_timeout.map(Duration::from_secs_f64);
    options.max_pages = max_pages;
    options
}

/// Opens a store whose calls return awaitables. `churn_core.aio.Store` wraps this store.
#[pyfunction]
#[pyo3(signature = (url, migrate=true, *, readers=None, writers=None, connect_timeout=None, wait_timeout=None, statement_timeout=None, max_pages=None))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn open_awaited(
    py: Python<'_>,
    #[pyo3(from_py_with = arguments::url)] url: String,
    #[pyo3(from_py_with = arguments::migrate)] migrate: bool,
    #[pyo3(from_py_with = arguments::readers)] readers: Option<u32>,
    #[pyo3(from_py_with = arguments::writers)] writers: Option<u32>,
    #[pyo3(from_py_with = arguments::connect_timeout)] connect_timeout: Option<f64>,
    #[pyo3(from_py_with = arguments::wait_timeout)] wait_timeout: Option<f64>,
    #[pyo3(from_py_with = arguments::statement_timeout)] statement_timeout: Option<f64>,
    #[pyo3(from_py_with = arguments::max_pages)] max_pages: Option<u32>,
) -> PyResult<Py<PyAny>> {
    let options = options(
        readers,
        writers,
        connect_timeout,
        wait_timeout,
        statement_timeout,
        max_pages,
    );
    open(py, Caller::new(py, true)?, url, migrate, options)
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
    /// ``readers`` (default: 6) is the number of connections for reading, and ``writers`` (default: 4) the number of
    /// connections for writing in Postgres. The timeouts are in seconds. ``connect_timeout`` (default: 5) is how long
    /// connecting may take. ``wait_timeout`` (default: 30) is how long a call may wait for a free connection.
    /// ``statement_timeout`` is how long a statement may run in Postgres (default: the setting of the server).
    /// ``max_pages`` is the maximum size of a SQLite file, in pages of 4096 bytes. A write that would exceed this size
    /// raises ``store_full``.
    ///
    /// Raises:
    ///     StoreError: The database cannot be reached (``store_unavailable``), or a newer version of this package
    ///         has migrated it (``store_newer``).
    #[staticmethod]
    #[pyo3(signature = (url, migrate=true, *, readers=None, writers=None, connect_timeout=None, wait_timeout=None, statement_timeout=None, max_pages=None))]
    #[allow(clippy::too_many_arguments)]
    fn open(
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::url)] url: String,
        #[pyo3(from_py_with = arguments::migrate)] migrate: bool,
        #[pyo3(from_py_with = arguments::readers)] readers: Option<u32>,
        #[pyo3(from_py_with = arguments::writers)] writers: Option<u32>,
        #[pyo3(from_py_with = arguments::connect_timeout)] connect_timeout: Option<f64>,
        #[pyo3(from_py_with = arguments::wait_timeout)] wait_timeout: Option<f64>,
        #[pyo3(from_py_with = arguments::statement_timeout)] statement_timeout: Option<f64>,
        #[pyo3(from_py_with = arguments::max_pages)] max_pages: Option<u32>,
    ) -> PyResult<Py<PyAny>> {
        let options = options(
            readers,
            writers,
            connect_timeout,
            wait_timeout,
            statement_timeout,
            max_pages,
        );
        open(py, Caller::new(py, false)?, url, migrate, options)
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

    /// Grants a Postgres role the privileges that the application needs, and no others. Call this method with a
    /// connection of the role that owns the tables.
    fn grant_to(&self, py: Python<'_>, role: String) -> PyResult<Py<PyAny>> {
        let store = self.store.clone();
        let work = async move { Ok(store.grant_to(&role).await?) };
        self.caller.call(py, work, nothing)
    }

    /// Checks that the database answers.
    fn ping(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let store = self.store.clone();
        self.caller.call(py, async move { Ok(store.ping().await?) }, nothing)
    }

    /// How many connections are currently idle, how many are reading, and how many are writing.
    #[getter]
    fn connections(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        reported(py, "ConnectionStatistics", &self.store.connections())
    }

    /// Writes a snapshot of a SQLite database to a new file that only its owner can read. Until the snapshot is
    /// complete, the store can be read, but calls that write must wait. While the store is open, do not copy the file
    /// in any other way. When Python's `sqlite3` closes the file in the same process, the operating system releases the
    /// locks of the store. For Postgres, use continuous archiving or ``pg_dump``.
    ///
    /// Raises:
    ///     InvalidOptionError: The file exists already or cannot be created, or the store is in Postgres.
    fn backup(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::path)] path: PathBuf) -> PyResult<Py<PyAny>> {
        let store = self.store.clone();
        self.caller
            .call(py, async move { Ok(store.backup(path).await?) }, nothing)
    }

    /// Authenticates the text of an API key. `churn_core.store.ApiKeyStore.issue` returns this text. If the key is
    /// valid, returns a pair: the store of the key's tenant, and the key. Returns None if the text is malformed, or if
    /// the key is unknown, wrong, revoked or expired at ``at``. The result does not reveal which of these cases
    /// applies.
    ///
    /// >>> store = churn.Store.open("sqlite::memory:")
    /// >>> secret = "f2a9c1d47e0b4d5c8a6b3e1f90d27c54"
    /// >>> text = store.tenant("acme").api_keys.issue("k1", secret, role="analyst", at="2026-01-01")
    /// >>> text
    /// 'churn_mfrw2zi_k1_f2a9c1d47e0b4d5c8a6b3e1f90d27c54'
    /// >>> tenant, key = store.authenticate(text, at="2026-01-02")
    /// >>> tenant.tenant, key.role
    /// ('acme', 'analyst')
    /// >>> store.authenticate("churn_mfrw2zi_k1_wrong", at="2026-01-02") is None
    /// True
    #[pyo3(signature = (text, *, at))]
    fn authenticate(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::key_text)] text: String,
        at: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        let (store, caller, at) = (self.store.clone(), self.caller.clone(), timestamp(at, "at")?);
        let work = async move { Ok(store.authenticate(&text, at).await?) };
        self.caller.call(py, work, move |py, found| match found {
            None => Ok(py.None()),
            Some((own, key)) => plain(py, (TenantStore::new(own, &caller), reported(py, "ApiKey", &key)?)),
        })
    }

    /// Verifies that the tenants in this database are isolated from each other. First, two synthetic tenants execute
    /// every statement of this package. Then, everything that the database role can access is compared with an
    /// allow-list. All changes are rolled back. ``host_tables`` are the names of the application's tables that
    /// `churn_core.TenantStore.execute` and `churn_core.TenantStore.query` use.
    ///
    /// >>> report = churn.Store.open("sqlite::memory:").attest()
    /// >>> report.passed, len(report.checks) > 20
    /// (True, True)
    #[pyo3(signature = (host_tables=vec![]), text_signature = "($self, host_tables=())")]
    fn attest(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::host_tables)] host_tables: Vec<String>,
    ) -> PyResult<Py<PyAny>> {
        let store = self.store.clone();
        let work = async move { Ok(store.attest_with(&host_tables).await?) };
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
        let tenant = arguments::text(tenant, "tenant")?;
        Ok(TenantStore::new(self.store.tenant(&tenant), &self.caller))
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
