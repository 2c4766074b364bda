//! Models, runs of scores, reasons.

use std::path::PathBuf;
use std::sync::Arc;

use churn_core::{
    ChurnDefinition, CustomerRows, EnsembleOptions, Leakage, ReasonValue, RecordKind, ScoreStatus, TrainOptions,
};
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyCapsule, PyDict, PyType};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors::{OrRaise, refuse};
use crate::features::{Definition, FeatureMatrix, FeaturePlan, definition_of, json, overlay};
use crate::frames::{Frame, Values, datetime, through};
use crate::records::{TenantRecords, escape};
use crate::tables::{dates, rows_of_one, table, timestamp};
use crate::work;

/// One feature's part in a score.
#[pyclass(frozen, get_all, module = "churn")]
#[derive(Clone)]
pub(crate) struct Reason {
    /// The feature's name in the plan.
    feature: String,
    /// Its value: a number, a text, or None for nothing to look at.
    value: Option<ValueOf>,
    /// What it adds to the log-odds before calibration.
    contribution: f64,
    /// ``"raises"`` or ``"lowers"``.
    direction: &'static str,
    /// The same in words.
    text: String,
}

#[derive(Clone, IntoPyObject, IntoPyObjectRef)]
pub(crate) enum ValueOf {
    Number(f64),
    Text(String),
}

impl From<churn_core::Reason> for Reason {
    fn from(reason: churn_core::Reason) -> Self {
        let value = match reason.value {
            ReasonValue::Number(value) => Some(ValueOf::Number(value)),
            ReasonValue::Text(value) => Some(ValueOf::Text(value)),
            _ => None,
        };
        Self {
            feature: reason.feature,
            value,
            contribution: reason.contribution,
            direction: reason.direction.as_str(),
            text: reason.text,
        }
    }
}

#[pymethods]
impl Reason {
    fn __repr__(&self) -> String {
        format!("<Reason {:+.3} {}>", self.contribution, self.text)
    }
}

/// One customer's answer.
#[pyclass(frozen, module = "churn")]
pub(crate) struct Score {
    score: churn_core::Score,
    reasons: Vec<Reason>,
    as_of: i64,
    model_id: String,
}

#[pymethods]
impl Score {
    /// Who.
    #[getter]
    fn customer_id(&self) -> &str {
        &self.score.customer_id
    }

    /// Calibrated probability of churn in the label period; NaN where there is not enough evidence.
    #[getter]
    fn probability(&self) -> f64 {
        self.score.probability.unwrap_or(f64::NAN)
    }

    /// ``"low"``, ``"medium"``, ``"high"`` or ``"critical"``; None if not scored.
    #[getter]
    fn risk_band(&self) -> Option<&'static str> {
        self.score.risk_band.map(|band| band.as_str())
    }

    /// ``"scored"`` or ``"not_enough_evidence"``.
    #[getter]
    fn status(&self) -> &'static str {
        self.score.status.as_str()
    }

    /// Why there is no answer, in words.
    #[getter]
    fn not_scored_reason(&self) -> Option<&str> {
        match &self.score.status {
            ScoreStatus::NotEnoughEvidence { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// When an answer is expected at the latest.
    #[getter]
    fn expected_at(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        match &self.score.status {
            ScoreStatus::NotEnoughEvidence { expected_at, .. } => {
                expected_at.map(|at| datetime(py, at.as_micros())).transpose()
            }
            _ => Ok(None),
        }
    }

    /// The features that moved the score the most; filled by `ChurnModel.score_customer`.
    #[getter]
    fn reasons(&self) -> Vec<Reason> {
        self.reasons.clone()
    }

    /// The moment at which it was pretended to be, in UTC.
    #[getter]
    fn as_of(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        datetime(py, self.as_of)
    }

    /// The model that scored.
    #[getter]
    fn model_id(&self) -> &str {
        &self.model_id
    }

    fn __repr__(&self) -> String {
        match (self.score.probability, self.risk_band()) {
            (Some(probability), Some(band)) => format!("<Score '{}': {probability:.4} {band}>", self.score.customer_id),
            _ => format!("<Score '{}': {}>", self.score.customer_id, self.status()),
        }
    }
}

/// The scores of all eligible customers as of one date, sorted by customer id.
///
/// Frames have ``customer_id``, ``probability`` (NaN if not scored), ``risk_band``, ``status``, ``as_of``, ``model_id``.
#[pyclass(frozen, module = "churn")]
pub(crate) struct ScoreRun(Arc<churn_core::ScoreRun>);

impl ScoreRun {
    fn frame(&self) -> Frame {
        let scores = self.0.scores();
        let texts = |of: &dyn Fn(&churn_core::Score) -> Option<String>| Values::Texts(scores.iter().map(of).collect());
        Frame(vec![
            ("customer_id".into(), texts(&|score| Some(score.customer_id.clone()))),
            ("probability".into(), Values::Numbers(self.probabilities())),
            (
                "risk_band".into(),
                texts(&|score| score.risk_band.map(|band| band.to_string())),
            ),
            ("status".into(), texts(&|score| Some(score.status.as_str().to_owned()))),
            (
                "as_of".into(),
                Values::Moments(vec![Some(self.0.as_of().as_micros()); scores.len()]),
            ),
            (
                "model_id".into(),
                Values::Coded(vec![0; scores.len()], vec![self.0.model_id().to_owned()]),
            ),
        ])
    }

    fn probabilities(&self) -> Vec<f64> {
        self.0
            .scores()
            .iter()
            .map(|score| score.probability.unwrap_or(f64::NAN))
            .collect()
    }

    fn one(&self, score: &churn_core::Score) -> Score {
        Score {
            score: score.clone(),
            reasons: vec![],
            as_of: self.0.as_of().as_micros(),
            model_id: self.0.model_id().to_owned(),
        }
    }
}

#[pymethods]
impl ScoreRun {
    /// Whose customers these are.
    #[getter]
    fn tenant(&self) -> &str {
        self.0.tenant().as_str()
    }

    /// The moment at which it was pretended to be, in UTC.
    #[getter]
    fn as_of(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        datetime(py, self.0.as_of().as_micros())
    }

    /// The model that scored.
    #[getter]
    fn model_id(&self) -> &str {
        self.0.model_id()
    }

    /// One `Score` per eligible customer, sorted by id.
    #[getter]
    fn scores(&self) -> Vec<Score> {
        self.0.scores().iter().map(|score| self.one(score)).collect()
    }

    /// The probabilities, float64, in the order of the ids; NaN where not scored.
    #[getter]
    fn probability(&self, py: Python<'_>) -> Py<PyAny> {
        self.probabilities().into_pyarray(py).into_any().unbind()
    }

    /// The features behind the scores, a row per score.
    #[getter]
    fn matrix(&self) -> FeatureMatrix {
        FeatureMatrix(Arc::new(self.0.matrix().clone()))
    }

    /// The score of one customer.
    ///
    /// Raises:
    ///     UnknownCustomerError: the customer was not eligible.
    fn score_of(&self, py: Python<'_>, customer_id: &str) -> PyResult<Score> {
        Ok(self.one(self.0.score_of(customer_id).or_raise(py)?))
    }

    /// The features that moved a customer's score the most, either way, largest first.
    ///
    /// Raises:
    ///     UnknownCustomerError: the customer was not eligible.
    #[pyo3(signature = (customer_id, top=5))]
    fn reasons(&self, py: Python<'_>, customer_id: &str, top: usize) -> PyResult<Vec<Reason>> {
        let run = Arc::clone(&self.0);
        let reasons = py.detach(move || run.reasons(customer_id, top)).or_raise(py)?;
        Ok(reasons.into_iter().map(Reason::from).collect())
    }

    /// The customers most likely to leave, most likely first.
    #[pyo3(signature = (top=10))]
    fn riskiest(&self, top: usize) -> Vec<Score> {
        self.0.riskiest(top).into_iter().map(|score| self.one(score)).collect()
    }

    /// A pandas frame.
    fn to_pandas(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.frame().pandas(py)
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
        self.frame().stream(py, requested_schema)
    }

    fn __len__(&self) -> usize {
        self.0.scores().len()
    }

    fn __repr__(&self) -> String {
        format!(
            "<ScoreRun '{}': {} customers as of {}, model {}>",
            self.0.tenant(),
            self.0.scores().len(),
            self.0.as_of(),
            self.0.model_id()
        )
    }

    fn _repr_html_(&self) -> String {
        let rows = self.0.riskiest(10).into_iter().map(|score| {
            format!(
                "<tr><td>{}</td><td>{:.1} %</td><td>{}</td></tr>",
                escape(&score.customer_id),
                score.probability.unwrap_or(f64::NAN) * 100.0,
                score.risk_band.map_or("", |band| band.as_str())
            )
        });
        let rows: String = rows.collect();
        format!(
            "<b>{}</b><table><tr><th>customer</th><th>probability</th><th>band</th></tr>{rows}</table>",
            escape(&self.__repr__())
        )
    }
}

/// Contributions of every feature to every row, in log-odds before calibration.
#[pyclass(frozen, get_all, module = "churn")]
pub(crate) struct Explanation {
    /// Rows x features, float64; with the base value each row sums to its log-odds.
    contributions: Py<PyAny>,
    /// What the average training row says, in log-odds.
    base_value: f64,
    /// Names of the columns.
    feature_names: Vec<String>,
}

impl Explanation {
    pub(crate) fn new(py: Python<'_>, found: churn_core::Explanation, feature_names: Vec<String>) -> Self {
        Self::of(py, found.contributions, found.base_value, feature_names)
    }

    /// From its parts.
    pub(crate) fn of(
        py: Python<'_>,
        contributions: ndarray::Array2<f64>,
        base_value: f64,
        feature_names: Vec<String>,
    ) -> Self {
        Self {
            contributions: contributions.into_pyarray(py).into_any().unbind(),
            base_value,
            feature_names,
        }
    }
}

/// A trained model. Immutable; pickle, `save` and `to_bytes` all carry the same bytes.
#[pyclass(frozen, module = "churn")]
pub(crate) struct ChurnModel(churn_core::ChurnModel);

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
    ///         vouch for), ``linear`` (bool), ``boosting`` and ``forest`` (False, or a dict of their options), ``folds``, ``churn_weight`` (how much a churned row
    ///         counts while members learn; probabilities stay those of the rows as they are).
    ///
    /// Raises:
    ///     TrainingError: there is nothing to learn.
    ///     KeyboardInterrupt: on Ctrl-C, within a fraction of a second; nothing is left behind.
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
        let mut train = TrainOptions {
            seed,
            ..Default::default()
        };
        train.definition = definition.map(ChurnDefinition::from).unwrap_or_default();
        train.as_of = as_of.map(dates).transpose()?;
        if let Some(options) = options {
            more_options(options, &mut train)?;
        }
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
        let json = serde_json::to_string(self.0.report()).map_err(|e| refuse(py, "internal", &e.to_string(), None))?;
        Ok(py.import("churn._report")?.getattr("read")?.call1((json,))?.unbind())
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
        Ok(Score {
            score: answer.score,
            reasons: answer.reasons.into_iter().map(Reason::from).collect(),
            as_of: answer.as_of.as_micros(),
            model_id: answer.model_id,
        })
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
            None => ("customers held out in turn".to_owned(), &report.grouped),
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
                estimate.value, estimate.low, estimate.high
            ))
        });
        format!(
            "<b>{}</b><table><tr><th colspan=3>{what}</th></tr>{}</table>",
            escape(&self.__repr__()),
            rows.collect::<String>()
        )
    }
}

/// `**options` of training.
fn more_options(options: &Bound<'_, PyDict>, train: &mut TrainOptions) -> PyResult<()> {
    let defaults = EnsembleOptions::default();
    for (name, value) in options.iter() {
        match name.extract::<String>()?.as_str() {
            "plan" => {
                train.plan = value
                    .extract::<Option<FeaturePlan>>()?
                    .map(|plan| plan.0)
                    .unwrap_or_default()
            }
            "shared" => train.shared = value.extract()?,
            "leakage" => train.leakage = Leakage::named(&value.extract::<String>()?).or_raise(options.py())?,
            "allow_columns" => train.allow_columns = value.extract()?,
            "linear" => train.ensemble.linear = value.extract()?,
            "churn_weight" => train.ensemble.churn_weight = value.extract()?,
            "folds" => train.ensemble.folds = value.extract()?,
            "boosting" => {
                train.ensemble.boosting = member(&value, "boosting", defaults.boosting.clone().unwrap_or_default())?
            }
            "forest" => train.ensemble.forest = member(&value, "forest", defaults.forest.clone().unwrap_or_default())?,
            other => {
                let message = format!(
                    "there is no option '{other}'; known are plan, shared, leakage, allow_columns, linear, boosting, forest, folds, churn_weight"
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
