//! The stored score runs and outcomes of a tenant. A score run has the scores of all eligible customers at one date.

use std::collections::BTreeMap;
use std::sync::Arc;

use churn_core::{ChurnDefinition, Execution, RiskBand};
use churn_store::{HighRisk, ReasonsFor, RunId, RunPurpose, SaveRun, ScoreCursor, ScoreOrder, ScoreQuery};
use pyo3::prelude::*;

use super::call::{Caller, Outcome, Stop};
use super::{nothing, parsed, plain, reported};
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

/// Reads a score cursor, the position at which a page of scores ends.
fn cursor(after: &Bound<'_, PyAny>) -> PyResult<ScoreCursor> {
    let part = |name| {
        let why = "after is the `next` of the previous page";
        after
            .getattr(name)
            .map_err(|_| refuse(after.py(), "invalid_option", why, Some("after")))
    };
    Ok(ScoreCursor {
        key: part("key")?.extract()?,
        customer_id: part("customer_id")?.extract()?,
    })
}

/// The stored score runs of a tenant. A score run has the scores of all eligible customers at one date. You can read
/// which customers have the highest risk and why, the scores of one customer over time, and summaries of the latest
/// runs.
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
    /// Stores a run in one transaction. The run replaces a stored run that has the same date and model.
    ///
    /// ``reasons`` is the number n of customers whose reasons are stored (at most five reasons per customer). These are
    /// the n customers with the highest probabilities. If ``values`` is given, the reasons of the n customers with the
    /// highest values at risk are stored too. ``reasons=None`` stores the reasons of all customers.
    ///
    /// ``purpose`` is ``"served"`` for a run that is shown to users, or ``"trial"`` for a comparison. A query uses a
    /// trial run only if you pass the run as ``run``. ``values`` is a dict from customer id to the value of the
    /// customer, such as their yearly revenue. All these customers must be in the run. The value at risk is the probability times this value.
    ///
    /// Raises:
    ///     TenantMismatchError: The run belongs to another tenant.
    ///     InvalidOptionError: The run was made by another model.
    #[pyo3(signature = (model, run, *, at, reasons=Some(100), purpose="served", values=None), text_signature = "($self, model, run, *, at, reasons=100, purpose='served', values=None)")]
    #[allow(clippy::too_many_arguments)]
    fn save(
        &self,
        py: Python<'_>,
        model: &Bound<'_, ChurnModel>,
        run: &Bound<'_, ScoreRun>,
        at: &Bound<'_, PyAny>,
        reasons: Option<usize>,
        purpose: &str,
        values: Option<BTreeMap<String, f64>>,
    ) -> PyResult<Py<PyAny>> {
        let reasons = match reasons {
            Some(0) => ReasonsFor::Nobody,
            Some(top) => ReasonsFor::Riskiest(top),
            None => ReasonsFor::Everybody,
        };
        let options = SaveRun::new(timestamp(at, "at")?)
            .with_reasons(reasons)
            .with_purpose(parsed::<RunPurpose>(py, purpose)?)
            .with_values(values.unwrap_or_default());
        let (own, model, run) = (self.own.clone(), model.get().0.clone(), run.get().run.as_ref().clone());
        let work = async move { Ok(own.save_with(&model, &run, &options).await?) };
        self.caller.call(py, work, |py, id| reported(py, "RunId", &id))
    }

    /// Returns summaries of at most ``limit`` (1 to 10 000) runs, latest date first. Runs of any purpose are
    /// included. If ``before`` is given, only runs whose date is earlier than this moment are returned.
    #[pyo3(signature = (limit=100, *, before=None))]
    fn runs(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::limit)] limit: usize,
        before: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let (own, before) = (self.own.clone(), before.map(|at| timestamp(at, "before")).transpose()?);
        let work = async move { Ok(own.runs_before(before, limit).await?) };
        self.caller.call(py, work, |py, runs| reported(py, "RunSummary", &runs))
    }

    /// Returns a page with the customers of ``run`` in order of decreasing probability. By default, ``run`` is the
    /// latest run with the purpose ``"served"``. The page has at most ``limit`` (1 to 10 000) customers, and only
    /// customers with a probability of at least ``min_probability``. To get the next page, pass the ``next`` of this
    /// page as ``after``.
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

    /// Returns a page with at most ``limit`` (1 to 10 000) scores of a run (default: the latest run whose purpose is
    /// ``"served"``).
    ///
    /// ``order`` is ``"probability"`` or ``"value_at_risk"``, highest first. A score has reasons only if `save`
    /// stored them. ``bands`` selects customers in these risk bands. ``scored`` selects customers who are scored (True)
    /// or not scored (False). ``customer_ids`` selects customers with these ids. ``min_probability`` selects customers
    /// with at least this probability. To get the next page, pass the ``next`` of this page as ``after``. With
    /// ``total=True``, the page also has the number of all customers that match the query.
    ///
    /// Raises:
    ///     NotFoundError: The run does not exist, or there are no runs.
    #[pyo3(signature = (run=None, *, order="probability", bands=None, scored=None, customer_ids=None, min_probability=None, limit=100, after=None, total=false))]
    #[allow(clippy::too_many_arguments)]
    fn query(
        &self,
        py: Python<'_>,
        run: Option<&Bound<'_, PyAny>>,
        order: &str,
        #[pyo3(from_py_with = arguments::bands)] bands: Option<Vec<String>>,
        scored: Option<bool>,
        #[pyo3(from_py_with = arguments::some_ids)] customer_ids: Option<Vec<String>>,
        min_probability: Option<f64>,
        #[pyo3(from_py_with = arguments::limit)] limit: usize,
        after: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::total)] total: bool,
    ) -> PyResult<Py<PyAny>> {
        let bands = bands.map(|names| {
            let bands = names.iter().map(|name| parsed::<RiskBand>(py, name));
            bands.collect::<PyResult<Vec<_>>>()
        });
        let query = ScoreQuery {
            run: run.map(run_id).transpose()?,
            order: parsed::<ScoreOrder>(py, order)?,
            bands: bands.transpose()?,
            scored,
            customer_ids,
            min_probability,
            limit,
            after: after.map(cursor).transpose()?,
            total,
        };
        let own = self.own.clone();
        let work = async move { Ok(own.query(&query).await?) };
        self.caller.call(py, work, |py, page| reported(py, "ScorePage", &page))
    }

    /// Returns the changes from one run to a later run: how many customers moved between risk bands, and the ``limit``
    /// (1 to 10 000) largest changes of probability. If different models computed the two runs, a change may be due
    /// to the model.
    ///
    /// Raises:
    ///     NotFoundError: One of the runs does not exist.
    #[pyo3(signature = (before, after, limit=100))]
    fn changes(
        &self,
        py: Python<'_>,
        before: &Bound<'_, PyAny>,
        after: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::limit)] limit: usize,
    ) -> PyResult<Py<PyAny>> {
        let (own, before, after) = (self.own.clone(), run_id(before)?, run_id(after)?);
        let work = async move { Ok(own.changes(&before, &after, limit).await?) };
        self.caller
            .call(py, work, |py, changes| reported(py, "RunChanges", &changes))
    }

    /// Returns at most ``limit`` (1 to 10 000) scores of a customer in runs with the purpose ``"served"``, latest date
    /// first.
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

/// The stored outcomes of customers. An outcome says whether a customer churned in the label period after a date.
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

    /// Returns the customers of a run, each with their probability and their outcome, sorted by customer id. A customer
    /// is included only if the run has a probability for them and the store has their outcome under the model's
    /// definition of churn.
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
