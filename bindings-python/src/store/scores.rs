//! The score runs and outcomes of a tenant in the store.

use std::sync::Arc;

use churn_core::{ChurnDefinition, Execution};
use churn_store::{HighRisk, ReasonsFor, RunId};
use pyo3::prelude::*;

use super::call::{Caller, Outcome, Stop};
use super::{nothing, plain, reported};
use crate::arguments;
use crate::definition::Definition;
use crate::errors::refuse;
use crate::model::ChurnModel;
use crate::records::TenantRecords;
use crate::run::ScoreRun;
use crate::tables::{dates, timestamp};

/// Reads the id of a run from any object with ``as_of`` and ``model_id``, such as a `RunId` or a `ScoreRun`.
fn run_id(run: &Bound<'_, PyAny>) -> PyResult<RunId> {
    let part = |name| {
        let why = "a run is a churn_core.store.RunId or a churn_core.ScoreRun";
        run.getattr(name)
            .map_err(|_| refuse(run.py(), "invalid_option", why, Some("run")))
    };
    Ok(RunId {
        as_of: timestamp(&part("as_of")?, "as_of")?,
        model_id: part("model_id")?.extract()?,
    })
}

/// The stored score runs of a tenant. You can read the customers with the highest risk and their reasons, the scores of
/// a customer over time, and summaries of the latest runs.
#[pyclass(frozen, module = "churn_core.store")]
pub(crate) struct ScoreStore {
    own: churn_store::ScoreStore,
    caller: Caller,
}

impl ScoreStore {
    pub(crate) fn new(own: churn_store::ScoreStore, caller: &Caller) -> Self {
        Self {
            own,
            caller: caller.clone(),
        }
    }
}

#[pymethods]
impl ScoreStore {
    /// Stores a run in one transaction. ``reasons`` is the number of customers whose reasons are stored. These are the
    /// customers with the highest probabilities, with five reasons each. ``reasons=None`` stores reasons for all
    /// customers. If a run with this date and model is already stored, the new run replaces it.
    ///
    /// Raises:
    ///     TenantMismatchError: The run belongs to another tenant.
    ///     InvalidOptionError: The run was made by another model.
    #[pyo3(signature = (model, run, *, at, reasons=Some(100)), text_signature = "($self, model, run, *, at, reasons=100)")]
    fn save(
        &self,
        py: Python<'_>,
        model: &Bound<'_, ChurnModel>,
        run: &Bound<'_, ScoreRun>,
        at: &Bound<'_, PyAny>,
        reasons: Option<usize>,
    ) -> PyResult<Py<PyAny>> {
        let at = timestamp(at, "at")?;
        let reasons = match reasons {
            Some(0) => ReasonsFor::Nobody,
            Some(top) => ReasonsFor::Riskiest(top),
            None => ReasonsFor::Everybody,
        };
        let (own, model, run) = (self.own.clone(), model.get().0.clone(), run.get().run.as_ref().clone());
        let work = async move { Ok(own.save(&model, &run, reasons, at).await?) };
        self.caller.call(py, work, |py, id| reported(py, "RunId", &id))
    }

    /// Returns summaries of the latest runs, latest date first. There are at most ``limit`` (1 to 10 000) summaries.
    #[pyo3(signature = (limit=100))]
    fn runs(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::limit)] limit: usize) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.runs(limit).await?) };
        self.caller.call(py, work, |py, runs| reported(py, "RunSummary", &runs))
    }

    /// Returns a page with the customers of ``run`` in order of decreasing probability. By default, ``run`` is the
    /// latest run. The page has at most ``limit`` (1 to 10 000) customers, and only customers with a probability of at
    /// least ``min_probability``. To get the next page, pass the ``next`` of this page as ``after``.
    ///
    /// Raises:
    ///     NotFoundError: The run does not exist, or there are no runs.
    #[pyo3(signature = (limit=100, min_probability=0.0, *, run=None, after=None))]
    fn high_risk(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::limit)] limit: usize,
        #[pyo3(from_py_with = arguments::min_probability)] min_probability: f64,
        run: Option<&Bound<'_, PyAny>>,
        after: Option<(f64, String)>,
    ) -> PyResult<Py<PyAny>> {
        let options = HighRisk {
            run: run.map(run_id).transpose()?,
            min_probability,
            limit,
            after,
        };
        let own = self.own.clone();
        let work = async move { Ok(own.high_risk(&options).await?) };
        self.caller.call(py, work, |py, page| reported(py, "RiskPage", &page))
    }

    /// Returns the scores of one customer in all runs, latest date first. There are at most ``limit`` (1 to 10 000)
    /// scores.
    #[pyo3(signature = (customer_id, limit=100))]
    fn history(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::customer_id)] customer_id: String,
        #[pyo3(from_py_with = arguments::limit)] limit: usize,
    ) -> PyResult<Py<PyAny>> {
        let own = self.own.clone();
        let work = async move { Ok(own.history(&customer_id, limit).await?) };
        self.caller
            .call(py, work, |py, scores| reported(py, "StoredScore", &scores))
    }

    /// Deletes a run and its scores.
    fn delete(&self, py: Python<'_>, run: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let (own, run) = (self.own.clone(), run_id(run)?);
        let work = async move { Ok(own.delete(&run).await?) };
        self.caller.call(py, work, nothing)
    }
}

/// The stored outcomes of a tenant's customers: whether they churned in the label period after a date.
#[pyclass(frozen, module = "churn_core.store")]
pub(crate) struct OutcomeStore {
    own: churn_store::OutcomeStore,
    caller: Caller,
}

impl OutcomeStore {
    pub(crate) fn new(own: churn_store::OutcomeStore, caller: &Caller) -> Self {
        Self {
            own,
            caller: caller.clone(),
        }
    }
}

#[pymethods]
impl OutcomeStore {
    /// Computes the labels of the customers at the given dates, as `churn_core.labels` does, and stores them as
    /// outcomes. A stored outcome that differs from the new one is replaced. Returns the number of new or changed
    /// outcomes.
    #[pyo3(signature = (records, *, as_of, definition))]
    fn save(
        &self,
        py: Python<'_>,
        records: &Bound<'_, TenantRecords>,
        as_of: &Bound<'_, PyAny>,
        definition: Definition,
    ) -> PyResult<Py<PyAny>> {
        let (records, dates) = (Arc::clone(&records.get().inner), dates(as_of, "as_of")?);
        let (own, definition) = (self.own.clone(), ChurnDefinition::from(definition));
        let work = async move {
            let labelled = Arc::clone(&records);
            let (of, execution) = (definition.clone(), Execution::new());
            let _given_up = Stop(execution.cancel.clone());
            let labels = tokio::task::spawn_blocking(move || churn_core::labels(&labelled, &dates, &of, &execution));
            let labels = labels
                .await
                .map_err(|lost| Python::attach(|py| refuse(py, "internal", &lost.to_string(), None)))?;
            let labels = labels.map_err(churn_store::Error::from)?;
            Ok(own.save(&records, &labels, &definition).await?)
        };
        self.caller.call(py, work, plain)
    }

    /// Returns the probabilities of a run with their outcomes, sorted by customer id. The list contains a customer only
    /// if they were scored and their outcome, under the model's definition of churn, is stored.
    fn of_run(&self, py: Python<'_>, run: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let (own, run) = (self.own.clone(), run_id(run)?);
        let work = async move { Ok(own.of_run(&run).await?) };
        self.caller
            .call(py, work, |py, found| reported(py, "ScoredOutcome", &found))
    }

    /// Returns all stored outcomes of one customer, latest date first.
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
            .call(py, work, |py, found| reported(py, "StoredOutcome", &found))
    }
}
