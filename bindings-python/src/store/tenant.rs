//! The data of one tenant, and transactions that contain several calls.

use std::sync::Arc;

use churn_core::Value;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokio::sync::Mutex;

use super::call::{Caller, Stop};
use super::records::dicts;
use super::{
    ApiKeyStore, AuditStore, CompanyStore, CursorStore, ModelStore, OutcomeStore, RecordStore, ScoreStore, UserStore,
    nothing, plain,
};
use crate::arguments;

/// Reads the arguments of an SQL statement on tables of the application.
fn sql_arguments(given: &Bound<'_, PyAny>) -> PyResult<Vec<Value>> {
    let wrong = |_| arguments::wrong(given, "args", "a list of values");
    let values = given.try_iter().map_err(wrong)?;
    values.map(|value| crate::tables::value(&value?, false)).collect()
}

/// Defines the methods that the classes `TenantStore` and `TenantTransaction` have in common. Each class gets a copy of
/// these methods.
macro_rules! tenant_methods {
    ($name:ident { $($more:tt)* }) => {
        #[pymethods]
        impl $name {
            $($more)*

            /// The id of the tenant.
            #[getter]
            fn tenant(&self) -> &str {
                self.own.tenant().as_str()
            }

            /// The customers of the tenant. A customer with several versions has one row for each version.
            #[getter]
            fn customers(&self) -> RecordStore {
                RecordStore::new(self.own.customers(), &self.caller)
            }

            /// The payments of the tenant.
            #[getter]
            fn payments(&self) -> RecordStore {
                RecordStore::new(self.own.payments(), &self.caller)
            }

            /// The support tickets of the tenant.
            #[getter]
            fn tickets(&self) -> RecordStore {
                RecordStore::new(self.own.tickets(), &self.caller)
            }

            /// The activities of the tenant.
            #[getter]
            fn activities(&self) -> RecordStore {
                RecordStore::new(self.own.activities(), &self.caller)
            }

            /// The stored models of the tenant.
            #[getter]
            fn models(&self) -> ModelStore {
                ModelStore::new(self.own.models(), &self.caller)
            }

            /// The stored score runs of the tenant, with their scores.
            #[getter]
            fn scores(&self) -> ScoreStore {
                ScoreStore::new(self.own.scores(), &self.caller)
            }

            /// The stored outcomes of customers: whether each customer churned after a date.
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

            /// The sync cursors of the tenant: for each data source, the position up to which it has been read.
            #[getter]
            fn cursors(&self) -> CursorStore {
                CursorStore::new(self.own.cursors(), &self.caller)
            }

            /// The audit log of the tenant.
            #[getter]
            fn audit(&self) -> AuditStore {
                AuditStore::new(self.own.audit(), &self.caller)
            }

            /// Loads all records of the tenant from one snapshot of the database. The result equals a
            /// `churn_core.TenantRecords` object that is made from the same rows. The arguments have the same meaning
            /// as those of `churn_core.TenantRecords`.
            ///
            /// Raises:
            ///     InvalidRecordsError: Rows conflict with other rows. For example, a payment belongs to an unknown
            ///         customer.
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

            /// Deletes everything that is stored about one customer: records, scores and outcomes. Models that were
            /// trained on the customer's records are not deleted. Returns the number of deleted rows.
            fn erase_customer(
                &self,
                py: Python<'_>,
                #[pyo3(from_py_with = arguments::customer_id)] customer_id: String,
            ) -> PyResult<Py<PyAny>> {
                let own = self.own.clone();
                let work = async move { Ok(own.erase_customer(&customer_id).await?) };
                self.caller.call(py, work, plain)
            }

            /// Returns a number that grows with every change of the tenant's records, models, scores and outcomes. If
            /// the number is unchanged, a result that the application cached is still valid.
            fn revision(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                let own = self.own.clone();
                self.caller.call(py, async move { Ok(own.revision().await?) }, plain)
            }

            /// Runs a statement on tables of the application (not of the store). Returns the number of affected rows.
            /// ``$1`` is the tenant's id and must occur in the statement. ``args`` are the values of ``$2``, ``$3`` and
            /// so on.
            ///
            /// In Postgres, protect each of these tables with the same row-level security policy as the store's tables,
            /// and pass the name of the table to `churn_core.Store.attest`. SQLite has no row-level security, so the
            /// statement itself must use ``$1`` to read and change only rows of the tenant.
            ///
            /// Raises:
            ///     InvalidOptionError: ``$1`` does not occur, or an argument has an unsupported type.
            #[pyo3(signature = (sql, args=vec![]), text_signature = "($self, sql, args=())")]
            fn execute(
                &self,
                py: Python<'_>,
                #[pyo3(from_py_with = arguments::sql)] sql: String,
                #[pyo3(from_py_with = sql_arguments)] args: Vec<Value>,
            ) -> PyResult<Py<PyAny>> {
                let own = self.own.clone();
                let work = async move { Ok(own.execute(&sql, &args).await?) };
                self.caller.call(py, work, plain)
            }

            /// Runs a query on tables of the application (not of the store). Returns the rows as dicts. ``$1`` is the
            /// tenant's id and must occur in the query. ``args`` are the values of ``$2``, ``$3`` and so on.
            #[pyo3(signature = (sql, args=vec![]), text_signature = "($self, sql, args=())")]
            fn query(
                &self,
                py: Python<'_>,
                #[pyo3(from_py_with = arguments::sql)] sql: String,
                #[pyo3(from_py_with = sql_arguments)] args: Vec<Value>,
            ) -> PyResult<Py<PyAny>> {
                let own = self.own.clone();
                let work = async move { Ok(own.query(&sql, &args).await?) };
                self.caller
                    .call(py, work, |py, rows| Ok(dicts(py, rows)?.into_any().unbind()))
            }
        }
    };
}

/// Gives access to the records, models, scores and settings of one tenant. This object cannot read or change data of
/// other tenants.
#[pyclass(frozen, module = "churn_core")]
pub(crate) struct TenantStore {
    own: churn_store::TenantStore,
    caller: Caller,
}

impl TenantStore {
    pub(crate) fn new(own: churn_store::TenantStore, caller: &Caller) -> Self {
        Self {
            own,
            caller: caller.clone(),
        }
    }
}

tenant_methods! {
    TenantStore {
        /// Begins a transaction that contains several calls. Either the changes of all these calls are stored, or none
        /// are. Use the transaction as a context manager. The transaction is committed at the end of the block, and
        /// rolled back if the block raises an exception.
        ///
        /// A failed call rolls back only its own changes. Until the transaction ends, no other call can write data of
        /// the same tenant. In SQLite, no other call can write data of any tenant. Therefore, keep transactions short.
        ///
        /// >>> acme = churn.Store.open("sqlite::memory:").tenant("acme")
        /// >>> with acme.begin() as tx:
        /// ...     tx.company.rename("Acme")
        /// ...     tx.audit.append("ada", "company.renamed", at="2026-01-01")
        /// >>> acme.company.get().name
        /// 'Acme'
        fn begin(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
            let (own, caller) = (self.own.clone(), self.caller.clone());
            let work = async move { Ok(own.begin().await?) };
            self.caller.call(py, work, move |py, open| {
                plain(py, TenantTransaction {
                    own: (*open).clone(),
                    open: Arc::new(Mutex::new(Some(open))),
                    caller,
                })
            })
        }

        fn __repr__(&self) -> String {
            format!("<TenantStore '{}'>", self.tenant())
        }
    }
}

/// A transaction that contains several calls on the data of one tenant. It has the same methods as
/// `churn_core.TenantStore`, except ``begin``. See `churn_core.TenantStore.begin`.
#[pyclass(frozen, module = "churn_core.store")]
pub(crate) struct TenantTransaction {
    own: churn_store::TenantStore,
    open: Arc<Mutex<Option<churn_store::TenantTransaction>>>,
    caller: Caller,
}

impl TenantTransaction {
    /// Ends the transaction. ``requested`` says whether the user called ``commit`` or ``rollback``. Such a call
    /// returns an error if the transaction has already ended.
    fn end(&self, py: Python<'_>, commit: bool, requested: bool) -> PyResult<Py<PyAny>> {
        let open = Arc::clone(&self.open);
        let work = async move {
            match open.lock().await.take() {
                Some(open) if commit => Ok(open.commit().await?),
                Some(open) => Ok(open.rollback().await?),
                None if requested => {
                    let ended = || {
                        Python::attach(|py| {
                            crate::errors::refuse(
                                py,
                                "invalid_option",
                                "the transaction has ended",
                                Some("transaction"),
                            )
                        })
                    };
                    Err(ended().into())
                }
                None => Ok(()),
            }
        };
        self.caller.call(py, work, nothing)
    }
}

impl Drop for TenantTransaction {
    fn drop(&mut self) {
        // The threads of the store's Tokio runtime roll back the transaction that is dropped here. For this, the
        // current thread must have entered the runtime.
        let _threads = self.caller.enter();
        if let Ok(mut open) = self.open.try_lock() {
            open.take();
        }
    }
}

tenant_methods! {
    TenantTransaction {
        /// Commits all changes.
        fn commit(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
            self.end(py, true, true)
        }

        /// Rolls back all changes.
        fn rollback(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
            self.end(py, false, true)
        }

        fn __enter__(slf: Py<Self>) -> Py<Self> {
            slf
        }

        #[pyo3(signature = (*trace))]
        fn __exit__(&self, py: Python<'_>, trace: &Bound<'_, PyTuple>) -> PyResult<()> {
            let failed = trace.get_item(0).is_ok_and(|kind| !kind.is_none());
            self.end(py, !failed, false).map(drop)
        }

        /// Ends the block of an ``async with`` statement. `churn_core.aio` awaits this method.
        fn _finish(&self, py: Python<'_>, commit: bool) -> PyResult<Py<PyAny>> {
            self.end(py, commit, false)
        }

        fn __repr__(&self) -> String {
            format!("<TenantTransaction of '{}'>", self.tenant())
        }
    }
}
