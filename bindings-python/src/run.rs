//! Runs of scores, one customer's answer, reasons.

use std::sync::Arc;

use churn_core::ReasonValue;
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::errors::OrRaise;
use crate::features::FeatureMatrix;
use crate::frames::{Frame, Values, datetime, through};
use crate::records::escape;

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

impl Score {
    pub(crate) fn answer(answer: churn_core::CustomerScore) -> Self {
        Self {
            score: answer.score,
            reasons: answer.reasons.into_iter().map(Reason::from).collect(),
            as_of: answer.as_of.as_micros(),
            model_id: answer.model_id,
        }
    }
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
        self.score.probability().unwrap_or(f64::NAN)
    }

    /// How sure the calibration is of the probability, which lies between these two: 90 % interval for the churn rate of customers
    /// who score like this one. It is no bound on one customer's own risk. None if not scored.
    #[getter]
    fn interval(&self) -> Option<(f64, f64)> {
        self.score.interval().map(|interval| (interval.low, interval.high))
    }

    /// ``"low"``, ``"medium"``, ``"high"`` or ``"critical"``; None if not scored.
    #[getter]
    fn risk_band(&self) -> Option<&'static str> {
        self.score.risk_band().map(|band| band.as_str())
    }

    /// ``"scored"`` or ``"not_enough_evidence"``.
    #[getter]
    fn status(&self) -> &'static str {
        self.score.status()
    }

    /// Why there is no answer, in words.
    #[getter]
    fn not_scored_reason(&self) -> Option<&str> {
        self.score.not_scored_reason()
    }

    /// When an answer is expected at the latest.
    #[getter]
    fn expected_at(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        (self.score.expected_at())
            .map(|at| datetime(py, at.as_micros()))
            .transpose()
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
        match (self.score.probability(), self.risk_band()) {
            (Some(probability), Some(band)) => format!("<Score '{}': {probability:.4} {band}>", self.score.customer_id),
            _ => format!("<Score '{}': {}>", self.score.customer_id, self.status()),
        }
    }
}

/// The scores of all eligible customers as of one date, sorted by customer id.
///
/// Frames have ``customer_id``, ``probability`` (NaN if not scored), ``risk_band``, ``status``, ``as_of``, ``model_id``.
///
/// >>> run = model.score(records, as_of="2024-03-01")
/// >>> run.to_pandas().columns.to_list()
/// ['customer_id', 'probability', 'risk_band', 'status', 'as_of', 'model_id']
/// >>> worst = run.riskiest(1)[0]
/// >>> worst.probability == float(run.probability.max())
/// True
#[pyclass(frozen, module = "churn")]
pub(crate) struct ScoreRun(pub(crate) Arc<churn_core::ScoreRun>);

impl ScoreRun {
    fn frame(&self) -> Frame {
        let scores = self.0.scores();
        let texts = |of: &dyn Fn(&churn_core::Score) -> Option<String>| Values::Texts(scores.iter().map(of).collect());
        Frame(vec![
            ("customer_id".into(), texts(&|score| Some(score.customer_id.clone()))),
            ("probability".into(), Values::Numbers(self.probabilities())),
            (
                "risk_band".into(),
                texts(&|score| score.risk_band().map(|band| band.to_string())),
            ),
            ("status".into(), texts(&|score| Some(score.status().to_owned()))),
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
            .map(|score| score.probability().unwrap_or(f64::NAN))
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
    ///     CustomerNotFoundError: the customer was not eligible.
    fn score_of(&self, py: Python<'_>, customer_id: &str) -> PyResult<Score> {
        Ok(self.one(self.0.score_of(customer_id).or_raise(py)?))
    }

    /// The features that moved a customer's score the most, either way, largest first.
    ///
    /// >>> first, second = run.reasons(run.riskiest(1)[0].customer_id, top=2)
    /// >>> abs(first.contribution) >= abs(second.contribution)
    /// True
    ///
    /// Raises:
    ///     CustomerNotFoundError: the customer was not eligible.
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
                score.probability().unwrap_or(f64::NAN) * 100.0,
                score.risk_band().map_or("", |band| band.as_str())
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
///
/// >>> matrix = model.features(records, "2024-03-01")
/// >>> told = model.explain(matrix)
/// >>> told.contributions.shape == matrix.shape
/// True
/// >>> bool((abs(told.base_value + told.contributions.sum(axis=1) - model.log_odds(matrix)) < 1e-9).all())
/// True
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

#[pymethods]
impl Explanation {
    fn __repr__(&self) -> String {
        format!(
            "<Explanation: {} features, base value {:+.3}>",
            self.feature_names.len(),
            self.base_value
        )
    }
}
