//! Models.

use std::path::PathBuf;
use std::sync::Arc;

use churn_core::{
    Backtest, BacktestOptions, ChurnDefinition, CustomerRows, EnsembleOptions, LeakagePolicy, Monotonicity, RecordKind,
    TrainOptions,
};
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyType};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::definition::{Definition, definition_of};
use crate::errors::{OrRaise, refuse};
use crate::features::{FeatureMatrix, FeaturePlan, json, overlay};
use crate::records::{TenantRecords, escape};
use crate::run::{Explanation, Score, ScoreRun};
use crate::tables::{dates, rows_of_one, table, timestamp};
use crate::work;

/// A trained model. Immutable; pickle, `save` and `to_bytes` all carry the same bytes.
///
/// >>> churn.ChurnModel.from_bytes(model.to_bytes()) == model
/// True
#[pyclass(frozen, module = "churn")]
pub(crate) struct ChurnModel(pub(crate) churn_core::ChurnModel);

#[pymethods]
impl ChurnModel {
    /// Trains on a tenant's records.
    ///
    /// Args:
    ///     definition: `Cancellation` or `Inactivity`.
    ///     as_of: training dates; None chooses mature ones.
    ///     threads: None for all; never changes a bit of the model.
    ///     progress: True for a bar, or a callable ``(stage, share)``.
    ///     options: ``plan`` (a `FeaturePlan`), ``shared`` (whether other tenants may use the model), ``leakage``
    ///         (``"refuse"``, ``"warn"`` or ``"allow"`` columns that know the label), ``allow_columns`` (names of columns to
    ///         vouch for), ``linear`` (bool), ``boosting``, ``deep_boosting`` and ``forest`` (False, or a dict of their options;
    ///         ``boosting`` alone leaves the deep ones out), ``max_rows`` (the most customer-date pairs to learn from), ``folds``,
    ///         ``churn_weight`` (how much a churned row counts while members learn; probabilities stay those of the rows as
    ///         they are), ``monotone_constraints`` (a dict of features and ``"increasing"`` or ``"decreasing"``: the probability may only rise or only
    ///         fall with them; leaves the forest out).
    ///
    /// Raises:
    ///     TrainingError: there is nothing to learn.
    ///     KeyboardInterrupt: on Ctrl-C, within a fraction of a second; nothing is left behind.
    ///
    /// >>> definition = churn.Inactivity(horizon=60, on="payments")
    /// >>> model = churn.ChurnModel.train(records, definition=definition, seed=1, folds=2, forest=False)
    /// >>> model.report.grouped.roc_auc.value > 0.5
    /// True
    #[staticmethod]
    #[pyo3(signature = (records, definition=None, as_of=None, seed=0, threads=None, progress=None, **options))]
    #[allow(clippy::too_many_arguments)]
    fn train(
        py: Python<'_>,
        records: &TenantRecords,
        definition: Option<Definition>,
        as_of: Option<&Bound<'_, PyAny>>,
        seed: u64,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let mut train = train_options(definition, as_of, seed, options)?;
        let records = Arc::clone(&records.inner);
        let model = work::run(py, threads, progress, move |execution| {
            train.execution = execution;
            churn_core::ChurnModel::train(&records, &train)
        })?;
        Ok(Self(model))
    }

    /// Identifies the model: a hash of its content.
    #[getter]
    fn id(&self) -> &str {
        self.0.id()
    }

    /// How it was trained and what it is worth.
    #[getter]
    fn report(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        told(py, self.0.report(), "read")
    }

    /// The model card as a dict: what the model is, what it was made of and what it is worth.
    #[getter]
    fn card(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let json = self.0.card().to_json().or_raise(py)?;
        Ok(py.import("json")?.getattr("loads")?.call1((json,))?.unbind())
    }

    /// The model card as JSON; equal for equal models, byte for byte.
    fn card_json(&self, py: Python<'_>) -> PyResult<String> {
        self.0.card().to_json().or_raise(py)
    }

    /// The model card as Markdown.
    fn card_markdown(&self) -> String {
        self.0.card().to_markdown()
    }

    /// What it predicts.
    #[getter]
    fn definition(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        definition_of(py, self.0.definition())
    }

    /// The tenant whose records it may score; None if any.
    #[getter]
    fn tenant(&self) -> Option<&str> {
        self.0.tenant().map(|tenant| tenant.as_str())
    }

    /// Names of its features in plan order.
    #[getter]
    fn feature_names(&self) -> Vec<String> {
        self.0.feature_names().to_vec()
    }

    /// The probabilities at which the bands medium, high and critical begin.
    #[getter]
    fn risk_bands(&self) -> std::collections::BTreeMap<&'static str, f64> {
        let bands = self.0.risk_bands();
        [
            ("medium", bands.medium),
            ("high", bands.high),
            ("critical", bands.critical),
        ]
        .into()
    }

    /// Scores every eligible customer as of a date.
    #[pyo3(signature = (records, as_of, *, threads=None, progress=None))]
    fn score(
        &self,
        py: Python<'_>,
        records: &TenantRecords,
        as_of: &Bound<'_, PyAny>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<ScoreRun> {
        let (model, records, as_of) = (self.0.clone(), Arc::clone(&records.inner), timestamp(as_of, "as_of")?);
        let run = work::run(py, threads, progress, move |execution| {
            model.score_with(&records, as_of, &execution)
        })?;
        Ok(ScoreRun(Arc::new(run)))
    }

    /// Scores one customer from his own rows: the same bits as in a run over all customers.
    ///
    /// ``customer`` is one dict, or a list of them for versions; event rows inherit the ``customer_id``. ``None`` is a
    /// table not given, ``[]`` is given and empty. Rows later than ``as_of`` are not visible yet.
    ///
    /// Raises:
    ///     NotEligibleError: there is no label period to predict.
    ///
    /// >>> score = model.score_customer(
    /// ...     customer={"customer_id": "X", "signed_up_at": "2023-05-01", "plan": "pro", "seats": 3.0},
    /// ...     payments=[{"due_at": "2024-02-20", "amount": 12.5}], tickets=[], as_of="2024-03-01")
    /// >>> 0 <= score.probability <= 1, len(score.reasons)
    /// (True, 5)
    #[pyo3(signature = (customer, payments=None, tickets=None, activities=None, *, as_of, top=5))]
    #[allow(clippy::too_many_arguments)]
    fn score_customer(
        &self,
        py: Python<'_>,
        customer: &Bound<'_, PyAny>,
        payments: Option<&Bound<'_, PyAny>>,
        tickets: Option<&Bound<'_, PyAny>>,
        activities: Option<&Bound<'_, PyAny>>,
        as_of: &Bound<'_, PyAny>,
        top: usize,
    ) -> PyResult<Score> {
        let mut rows = CustomerRows::new(rows_of_one(customer, "customers")?);
        let events = [
            (RecordKind::Payments, payments),
            (RecordKind::Tickets, tickets),
            (RecordKind::Activities, activities),
        ];
        for (kind, given) in events {
            if let Some(given) = given {
                rows = rows.table(kind, table(given, kind.as_str())?);
            }
        }
        let as_of = timestamp(as_of, "as_of")?;
        let answer = py.detach(|| self.0.score_customer(rows, as_of, top)).or_raise(py)?;
        Ok(Score::answer(answer))
    }

    /// The features as this model sees them, for `explain` and `predict_proba`.
    #[pyo3(signature = (records, as_of, *, threads=None))]
    fn features(
        &self,
        py: Python<'_>,
        records: &TenantRecords,
        as_of: &Bound<'_, PyAny>,
        threads: Option<usize>,
    ) -> PyResult<FeatureMatrix> {
        let (model, records, dates) = (self.0.clone(), Arc::clone(&records.inner), dates(as_of)?);
        let matrix = work::run(py, threads, None, move |execution| {
            model.features(&records, &dates, &execution)
        })?;
        Ok(FeatureMatrix(Arc::new(matrix)))
    }

    /// Contributions of every feature to every row of a matrix: Shapley values in log-odds before calibration.
    #[pyo3(signature = (matrix, *, threads=None))]
    fn explain(&self, py: Python<'_>, matrix: &FeatureMatrix, threads: Option<usize>) -> PyResult<Explanation> {
        let (model, matrix) = (self.0.clone(), Arc::clone(&matrix.0));
        let names = matrix.feature_names().to_vec();
        let found = work::run(py, threads, None, move |execution| model.explain(&matrix, &execution))?;
        Ok(Explanation::new(py, found, names))
    }

    /// Calibrated probability of every row of a matrix, float64.
    #[pyo3(signature = (matrix, *, threads=None))]
    fn predict_proba(&self, py: Python<'_>, matrix: &FeatureMatrix, threads: Option<usize>) -> PyResult<Py<PyAny>> {
        let (model, matrix) = (self.0.clone(), Arc::clone(&matrix.0));
        let found = work::run(py, threads, None, move |execution| {
            model.predict_proba(&matrix, &execution)
        })?;
        Ok(found.into_pyarray(py).into_any().unbind())
    }

    /// Log-odds of every row of a matrix before calibration: what contributions sum to.
    #[pyo3(signature = (matrix, *, threads=None))]
    fn log_odds(&self, py: Python<'_>, matrix: &FeatureMatrix, threads: Option<usize>) -> PyResult<Py<PyAny>> {
        let (model, matrix) = (self.0.clone(), Arc::clone(&matrix.0));
        let found = work::run(py, threads, None, move |execution| model.log_odds(&matrix, &execution))?;
        Ok(found.into_pyarray(py).into_any().unbind())
    }

    /// Writes the model file.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.save(path)).or_raise(py)
    }

    /// Opens a model file, of any of the hosts.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| churn_core::ChurnModel::load(path)).or_raise(py).map(Self)
    }

    /// The model file's bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.to_bytes())
    }

    /// Opens a model file from memory; safe on any bytes.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        py.detach(|| churn_core::ChurnModel::from_bytes(data))
            .or_raise(py)
            .map(Self)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let kind: Bound<'py, PyType> = slf.get_type();
        Ok((kind.getattr("from_bytes")?, (slf.get().to_bytes(slf.py()),)))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other
            .cast::<Self>()
            .is_ok_and(|other| other.get().0.id() == self.0.id())
    }

    fn __hash__(&self) -> u64 {
        u64::from_str_radix(&self.0.id()[..self.0.id().len().min(15)], 16).unwrap_or_default()
    }

    fn __repr__(&self) -> String {
        let tenant = self
            .tenant()
            .map_or("any tenant".to_owned(), |tenant| format!("tenant '{tenant}'"));
        format!(
            "<ChurnModel {} of {tenant}: {} features>",
            self.0.id(),
            self.0.feature_names().len()
        )
    }

    fn _repr_html_(&self) -> String {
        let report = self.0.report();
        let (what, measures) = match &report.out_of_time {
            Some(test) => (format!("out of time, {}", test.test_date), &test.measures),
            None => ("customers held out in turn".to_owned(), &report.cross_validated),
        };
        let figures = [
            ("AUC", measures.roc_auc),
            ("PR-AUC", measures.pr_auc),
            ("Brier score", measures.brier),
            ("top-decile lift", measures.top_decile_lift),
        ];
        let rows = figures.into_iter().filter_map(|(name, estimate)| {
            let estimate = estimate?;
            Some(format!(
                "<tr><th>{name}</th><td>{:.3}</td><td>{:.3} to {:.3}</td></tr>",
                estimate.value, estimate.interval.low, estimate.interval.high
            ))
        });
        format!(
            "<b>{}</b><table><tr><th colspan=3>{what}</th></tr>{}</table>",
            escape(&self.__repr__()),
            rows.collect::<String>()
        )
    }
}

fn train_options(
    definition: Option<Definition>,
    as_of: Option<&Bound<'_, PyAny>>,
    seed: u64,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<TrainOptions> {
    let mut train = TrainOptions::default()
        .with_definition(definition.map(ChurnDefinition::from).unwrap_or_default())
        .with_seed(seed);
    train.as_of = as_of.map(dates).transpose()?;
    if let Some(options) = options {
        more_options(options, &mut train)?;
    }
    Ok(train)
}

/// Rolling-origin backtest: at each origin, a model that could have been trained then, tested on what came after.
///
/// Args:
///     origins: the dates to test, each mature; None takes the last mature ones, one label period apart, at most three.
///     embargo_days: days that must lie between the last training label and an origin.
///     unseen_customers: whether only customers whom no training date knew are tested.
///     as_of: dates that may train; None takes dates before each origin.
///     options: as for `ChurnModel.train`.
///
/// Returns:
///     One `OutOfTime` per origin, in order of time, each with the proof that no training label reached it.
///
/// Raises:
///     TrainingError: ``nothing_after_purge`` if no training date has a label period that ends by an origin.
///
/// >>> (fold,) = churn.backtest(records, definition=churn.Inactivity(horizon=60), origins="2024-03-01", folds=2)
/// >>> fold.proof.last_label_end <= fold.test_date
/// True
#[pyfunction]
#[pyo3(signature = (records, definition=None, origins=None, embargo_days=0, unseen_customers=false, as_of=None, seed=0, threads=None, progress=None, **options))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn backtest(
    py: Python<'_>,
    records: &TenantRecords,
    definition: Option<Definition>,
    origins: Option<&Bound<'_, PyAny>>,
    embargo_days: u32,
    unseen_customers: bool,
    as_of: Option<&Bound<'_, PyAny>>,
    seed: u64,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<PyAny>> {
    let mut options = BacktestOptions::default()
        .with_train(train_options(definition, as_of, seed, options)?)
        .with_embargo_days(embargo_days)
        .with_unseen_customers(unseen_customers);
    options.origins = origins.map(dates).transpose()?;
    let records = Arc::clone(&records.inner);
    let done = work::run(py, threads, progress, move |execution| {
        options.train.execution = execution;
        Backtest::run(&records, &options)
    })?;
    told(py, &done.folds, "read_folds")
}

/// A report as Python's dataclasses.
fn told(py: Python<'_>, report: &impl Serialize, reader: &str) -> PyResult<Py<PyAny>> {
    let json = serde_json::to_string(report).map_err(|e| refuse(py, "internal", &e.to_string(), None))?;
    Ok(py.import("churn._report")?.getattr(reader)?.call1((json,))?.unbind())
}

/// `**options` of training.
fn more_options(options: &Bound<'_, PyDict>, train: &mut TrainOptions) -> PyResult<()> {
    let defaults = EnsembleOptions::default();
    // First, for it decides whether the deep ones stay where nothing is said of them.
    if let Some(value) = options.get_item("boosting")? {
        let boosting = member(&value, "boosting", defaults.boosting.clone().unwrap_or_default())?;
        if train.ensemble.boosting != boosting {
            train.ensemble.deep_boosting = None;
        }
        train.ensemble.boosting = boosting;
    }
    for (name, value) in options.iter() {
        match name.extract::<String>()?.as_str() {
            "plan" => {
                train.plan = value
                    .extract::<Option<FeaturePlan>>()?
                    .map(|plan| plan.0)
                    .unwrap_or_default()
            }
            "shared" => train.shared = value.extract()?,
            "leakage" => {
                train.leakage = value
                    .extract::<String>()?
                    .parse::<LeakagePolicy>()
                    .or_raise(options.py())?
            }
            "allow_columns" => train.allow_columns = value.extract()?,
            "linear" => train.ensemble.linear = value.extract()?,
            "churn_weight" => train.ensemble.churn_weight = value.extract()?,
            "monotone_constraints" => {
                let wanted: Vec<(String, String)> = value.cast::<PyDict>()?.items().extract()?;
                let named = wanted
                    .into_iter()
                    .map(|(name, direction)| Ok((name, direction.parse::<Monotonicity>()?)));
                train.ensemble.monotone_constraints =
                    named.collect::<churn_core::Result<_>>().or_raise(options.py())?;
            }
            "max_rows" => train.max_rows = value.extract()?,
            "folds" => train.ensemble.folds = value.extract()?,
            "boosting" => {}
            "deep_boosting" => {
                let deep = defaults.deep_boosting.clone().unwrap_or_default();
                train.ensemble.deep_boosting = member(&value, "deep_boosting", deep)?;
            }
            "forest" => train.ensemble.forest = member(&value, "forest", defaults.forest.clone().unwrap_or_default())?,
            other => {
                let message = format!(
                    "there is no option '{other}'; known are plan, shared, leakage, allow_columns, linear, boosting, deep_boosting, forest, max_rows, folds, churn_weight, monotone_constraints"
                );
                return Err(refuse(options.py(), "invalid_option", &message, Some(other)));
            }
        }
    }
    Ok(())
}

/// `False`, `True`, `None` or a dict of options laid over the defaults.
pub(crate) fn member<T: Serialize + DeserializeOwned>(
    value: &Bound<'_, PyAny>,
    name: &str,
    defaults: T,
) -> PyResult<Option<T>> {
    if value.is_none() {
        return Ok(Some(defaults));
    }
    if let Ok(wanted) = value.cast::<PyBool>() {
        return Ok(wanted.is_true().then_some(defaults));
    }
    let wrong = |why: String| refuse(value.py(), "invalid_option", &format!("{name}: {why}"), Some(name));
    let mut own = serde_json::to_value(defaults).map_err(|e| wrong(e.to_string()))?;
    overlay(&mut own, json(value)?).map_err(wrong)?;
    serde_json::from_value(own).map(Some).map_err(|e| wrong(e.to_string()))
}
