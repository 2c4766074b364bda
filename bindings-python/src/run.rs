//! Score runs, scores of single customers, reasons and explanations.

use std::sync::Arc;

use churn_core::{Execution, ReasonValue};
use ndarray::{Array1, Array2};
use numpy::IntoPyArray;
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyCapsule, PyIterator, PyList, PySlice, PyTuple};

use crate::arguments;
use crate::errors::OrRaise;
use crate::features::FeatureMatrix;
use crate::frames::{Frame, Values, datetime};
use crate::model::ChurnModel;
use crate::records::escape;
use crate::work;

/// The Python classes of `churn_core._results` to which results are converted.
struct Classes {
    interval: Py<PyAny>,
    reason: Py<PyAny>,
    score: Py<PyAny>,
    explanation: Py<PyAny>,
}

fn classes(py: Python<'_>) -> PyResult<&'static Classes> {
    static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();
    CLASSES.get_or_try_init(py, || {
        let module = py.import("churn_core._results")?;
        Ok(Classes {
            interval: module.getattr("Interval")?.unbind(),
            reason: module.getattr("Reason")?.unbind(),
            score: module.getattr("Score")?.unbind(),
            explanation: module.getattr("Explanation")?.unbind(),
        })
    })
}

/// Converts a reason to a Python `Reason`.
fn reason<'py>(py: Python<'py>, reason: &churn_core::Reason) -> PyResult<Bound<'py, PyAny>> {
    let value = match &reason.value {
        ReasonValue::Number(value) => value.into_pyobject(py)?.into_any(),
        ReasonValue::Text(value) => value.into_pyobject(py)?.into_any(),
        _ => py.None().into_bound(py),
    };
    classes(py)?.reason.bind(py).call1((
        &reason.feature,
        value,
        reason.contribution,
        reason.direction.as_str(),
        &reason.text,
    ))
}

/// Converts reasons to a list of Python `Reason`.
pub(crate) fn reasons<'py>(py: Python<'py>, found: &[churn_core::Reason]) -> PyResult<Bound<'py, PyList>> {
    let found: Vec<_> = found.iter().map(|found| reason(py, found)).collect::<PyResult<_>>()?;
    PyList::new(py, found)
}

/// Converts a score to a Python `Score`.
fn score<'py>(
    py: Python<'py>,
    score: &churn_core::Score,
    as_of: &Bound<'py, PyAny>,
    model_id: &Bound<'py, PyAny>,
    reasons: Bound<'py, PyList>,
    warnings: Bound<'py, PyList>,
) -> PyResult<Bound<'py, PyAny>> {
    let interval = match score.interval() {
        Some(interval) => classes(py)?.interval.bind(py).call1((interval.low, interval.high))?,
        None => py.None().into_bound(py),
    };
    let expected_at = score.expected_at().map(|at| datetime(py, at.as_micros())).transpose()?;
    let fields = PyTuple::new(
        py,
        [
            score.customer_id.as_str().into_pyobject(py)?.into_any(),
            score.probability().into_pyobject(py)?.into_any(),
            interval,
            score
                .risk_band()
                .map(|band| band.as_str())
                .into_pyobject(py)?
                .into_any(),
            score.status().as_str().into_pyobject(py)?.into_any(),
            score.not_scored_reason().into_pyobject(py)?.into_any(),
            expected_at.into_pyobject(py)?.into_any(),
            as_of.clone(),
            model_id.clone(),
            reasons.into_any(),
            warnings.into_any(),
        ],
    )?;
    classes(py)?.score.bind(py).call1(fields)
}

/// Converts the score of one customer, and the reasons for this score, to a Python `Score`.
pub(crate) fn answer(py: Python<'_>, answer: &churn_core::CustomerScore) -> PyResult<Py<PyAny>> {
    let as_of = datetime(py, answer.as_of.as_micros())?.into_bound(py);
    let model_id = answer.model_id.as_str().into_pyobject(py)?.into_any();
    let reasons = reasons(py, &answer.reasons)?;
    warn(py, &answer.warnings)?;
    let warnings = warnings(py, &answer.warnings)?;
    Ok(score(py, &answer.score, &as_of, &model_id, reasons, warnings)?.unbind())
}

/// Converts warnings to a list of `Warning`.
fn warnings<'py>(py: Python<'py>, found: &[churn_core::Warning]) -> PyResult<Bound<'py, PyList>> {
    let class = py.import("churn_core._report")?.getattr("Warning")?;
    let found = found.iter().map(|warning| {
        let dates = warning.dates.iter().map(|at| datetime(py, at.as_micros()));
        let dates = dates.collect::<PyResult<Vec<_>>>()?;
        class.call1((warning.code.as_str(), &warning.message, warning.columns.clone(), dates))
    });
    PyList::new(py, found.collect::<PyResult<Vec<_>>>()?)
}

/// Issues each warning as a Python `ChurnWarning`.
pub(crate) fn warn(py: Python<'_>, found: &[churn_core::Warning]) -> PyResult<()> {
    if found.is_empty() {
        return Ok(());
    }
    let category = py.import("churn_core._errors")?.getattr("ChurnWarning")?;
    let warn = py.import("warnings")?.getattr("warn")?;
    found
        .iter()
        .try_for_each(|warning| warn.call1((warning.to_string(), &category)).map(drop))
}

/// Makes an `Explanation`. For each row, `contributions` and `data` have one entry per feature.
pub(crate) fn explanation(
    py: Python<'_>,
    contributions: Array2<f64>,
    base_value: f64,
    data: Py<PyAny>,
    feature_names: Vec<String>,
) -> PyResult<Py<PyAny>> {
    let base_values = Array1::from_elem(contributions.nrows(), base_value).into_pyarray(py);
    let values = contributions.into_pyarray(py);
    let class = classes(py)?.explanation.bind(py);
    Ok(class.call1((values, base_values, data, feature_names))?.unbind())
}

/// A score run: the scores of all eligible customers (those who can still churn) at one date, sorted by customer id.
///
/// A run is a sequence of `Score`: ``len(run)``, ``run[0]``, ``run[:10]``, ``for score in run``. The frame that
/// `to_pandas` returns has the columns ``customer_id``, ``probability``, ``risk_band``, ``status``, ``as_of`` and
/// ``model_id``. The probability of a customer who is not scored is NaN in pandas and numpy, and null in Arrow and
/// polars.
///
/// >>> run = model.score(records, as_of="2024-03-01")
/// >>> run.to_pandas().columns.to_list()
/// ['customer_id', 'probability', 'risk_band', 'status', 'as_of', 'model_id']
/// >>> run.riskiest(1)[0].probability == float(run.probabilities.max())
/// True
/// >>> len(run) == len(list(run)) == len(run.probabilities)
/// True
#[pyclass(frozen, module = "churn_core")]
pub(crate) struct ScoreRun {
    pub(crate) run: Arc<churn_core::ScoreRun>,
    /// The model that computed the run. A pickled run contains this model.
    model: churn_core::ChurnModel,
}

impl ScoreRun {
    pub(crate) fn new(run: churn_core::ScoreRun, model: churn_core::ChurnModel) -> Self {
        Self {
            run: Arc::new(run),
            model,
        }
    }

    /// Converts the run to a table with one row per score. If `interval` is true, the table has two columns with the
    /// bounds of each score's confidence interval. If `reasons` is not 0, the table has a column with at most
    /// `reasons` reasons per score.
    fn frame(&self, py: Python<'_>, interval: bool, reasons: usize) -> PyResult<Frame> {
        let scores = self.run.scores();
        let texts = |of: &dyn Fn(&churn_core::Score) -> Option<String>| Values::Texts(scores.iter().map(of).collect());
        let mut columns = vec![
            ("customer_id".into(), texts(&|score| Some(score.customer_id.clone()))),
            ("probability".into(), Values::MaybeNumbers(self.all_probabilities())),
            (
                "risk_band".into(),
                texts(&|score| score.risk_band().map(|band| band.to_string())),
            ),
            ("status".into(), texts(&|score| Some(score.status().to_string()))),
            (
                "as_of".into(),
                Values::Moments(vec![Some(self.run.as_of().as_micros()); scores.len()]),
            ),
            (
                "model_id".into(),
                Values::Coded(vec![0; scores.len()], vec![self.run.model_id().to_owned()]),
            ),
        ];
        if interval {
            let ends = |end: fn(churn_core::Interval) -> f64| {
                Values::MaybeNumbers(
                    scores
                        .iter()
                        .map(|score| score.interval().map_or(f64::NAN, end))
                        .collect(),
                )
            };
            columns.push(("low".into(), ends(|interval| interval.low)));
            columns.push(("high".into(), ends(|interval| interval.high)));
        }
        if reasons > 0 {
            let run = Arc::clone(&self.run);
            let found = work::run(py, None, None, move |execution: Execution| {
                run.all_reasons(reasons, &execution)
            })?;
            let texts = found
                .into_iter()
                .map(|reasons| reasons.into_iter().map(|reason| reason.text).collect());
            columns.push(("reasons".into(), Values::Lists(texts.collect())));
        }
        Ok(Frame(columns))
    }

    fn all_probabilities(&self) -> Vec<f64> {
        let scores = self.run.scores().iter();
        scores.map(|score| score.probability().unwrap_or(f64::NAN)).collect()
    }

    /// Converts the given scores to a Python list of `Score`.
    fn list<'py, 'a>(
        &self,
        py: Python<'py>,
        scores: impl Iterator<Item = &'a churn_core::Score>,
    ) -> PyResult<Bound<'py, PyList>> {
        let as_of = datetime(py, self.run.as_of().as_micros())?.into_bound(py);
        let model_id = self.run.model_id().into_pyobject(py)?.into_any();
        let scores: Vec<_> = scores
            .map(|one| score(py, one, &as_of, &model_id, PyList::empty(py), PyList::empty(py)))
            .collect::<PyResult<_>>()?;
        PyList::new(py, scores)
    }

    fn one<'py>(&self, py: Python<'py>, score: &churn_core::Score) -> PyResult<Bound<'py, PyAny>> {
        self.list(py, std::iter::once(score))?.get_item(0)
    }
}

#[pymethods]
impl ScoreRun {
    /// The id of the tenant to whom the customers belong.
    #[getter]
    fn tenant(&self) -> &str {
        self.run.tenant().as_str()
    }

    /// The date of the predictions, in UTC. The scores use only data that were known before this date.
    #[getter]
    fn as_of(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        datetime(py, self.run.as_of().as_micros())
    }

    /// The id of the model that computed this run.
    #[getter]
    fn model_id(&self) -> &str {
        self.run.model_id()
    }

    /// The scores: one `Score` per eligible customer (one who can still churn), sorted by customer id.
    #[getter]
    fn scores<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.list(py, self.run.scores().iter())
    }

    /// The probability of each score as a float64 array, in the order of ``customer_ids``. The probability of a
    /// customer who is not scored is NaN.
    #[getter]
    fn probabilities(&self, py: Python<'_>) -> Py<PyAny> {
        self.all_probabilities().into_pyarray(py).into_any().unbind()
    }

    /// The customer id of every score, in the order of the scores.
    #[getter]
    fn customer_ids(&self) -> Vec<&str> {
        self.run
            .scores()
            .iter()
            .map(|score| score.customer_id.as_str())
            .collect()
    }

    /// A list of `Warning`. Each warning says how the data of the run differ from the training data. For example, the
    /// data are stale, columns are missing, or probabilities or features are outside their range in training.
    #[getter]
    fn warnings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        warnings(py, self.run.warnings())
    }

    /// The `FeatureMatrix` from which the scores were computed. The matrix has one row per score.
    #[getter]
    fn matrix(&self) -> FeatureMatrix {
        FeatureMatrix(Arc::new(self.run.matrix().clone()))
    }

    /// Returns the score of one customer.
    ///
    /// Raises:
    ///     CustomerNotFoundError: The run has no score of this customer, because the customer is unknown or was not
    ///         eligible.
    fn score_of<'py>(
        &self,
        py: Python<'py>,
        #[pyo3(from_py_with = arguments::customer_id)] customer_id: String,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.one(py, self.run.score_of(&customer_id).or_raise(py)?)
    }

    /// Returns the reasons for a customer's score: the features that raise or lower the score most. There are at most
    /// ``top`` reasons, sorted by the absolute value of the contribution, largest first.
    ///
    /// >>> first, second = run.reasons(run.riskiest(1)[0].customer_id, top=2)
    /// >>> abs(first.contribution) >= abs(second.contribution)
    /// True
    ///
    /// Raises:
    ///     CustomerNotFoundError: The run has no score of this customer, because the customer is unknown or was not
    ///         eligible.
    #[pyo3(signature = (customer_id, top=5))]
    fn reasons<'py>(
        &self,
        py: Python<'py>,
        #[pyo3(from_py_with = arguments::customer_id)] customer_id: String,
        #[pyo3(from_py_with = arguments::top)] top: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        let run = Arc::clone(&self.run);
        let found = py.detach(move || run.reasons(&customer_id, top)).or_raise(py)?;
        reasons(py, &found)
    }

    /// Returns the scores of the ``top`` customers with the highest probabilities, highest first.
    #[pyo3(signature = (top=10))]
    fn riskiest<'py>(
        &self,
        py: Python<'py>,
        #[pyo3(from_py_with = arguments::top)] top: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        self.list(py, self.run.riskiest(top).into_iter())
    }

    /// Returns the run as a pandas frame.
    ///
    /// Args:
    ///     interval: Whether to add the columns ``low`` and ``high`` with the bounds of each score's confidence
    ///         interval.
    ///     reasons: Number of reasons per customer. If it is not 0, the frame has a column ``reasons`` with a list of
    ///         texts for each customer.
    ///
    /// >>> run.to_pandas(interval=True, reasons=2).columns.to_list()[-3:]
    /// ['low', 'high', 'reasons']
    #[pyo3(signature = (*, interval=false, reasons=0))]
    fn to_pandas(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::interval)] interval: bool,
        #[pyo3(from_py_with = arguments::reasons)] reasons: usize,
    ) -> PyResult<Py<PyAny>> {
        self.frame(py, interval, reasons)?.pandas(py)
    }

    /// Returns the run as a polars frame. The arguments are the same as those of `to_pandas`.
    #[pyo3(signature = (*, interval=false, reasons=0))]
    fn to_polars(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::interval)] interval: bool,
        #[pyo3(from_py_with = arguments::reasons)] reasons: usize,
    ) -> PyResult<Py<PyAny>> {
        self.frame(py, interval, reasons)?.through(py, "to_polars")
    }

    /// Returns the run as a pyarrow table. The arguments are the same as those of `to_pandas`.
    #[pyo3(signature = (*, interval=false, reasons=0))]
    fn to_arrow(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::interval)] interval: bool,
        #[pyo3(from_py_with = arguments::reasons)] reasons: usize,
    ) -> PyResult<Py<PyAny>> {
        self.frame(py, interval, reasons)?.through(py, "to_arrow")
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.frame(py, false, 0)?.stream(py, requested_schema)
    }

    /// A pickled run contains its model. The unpickled run has the scores and reasons of the original run.
    #[allow(clippy::type_complexity)]
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (ChurnModel, Bound<'py, PyBytes>))> {
        let (py, own) = (slf.py(), slf.get());
        let bytes = py.detach(|| own.run.to_bytes()).or_raise(py)?;
        let restore = slf.get_type().getattr("_restore")?;
        Ok((restore, (ChurnModel(own.model.clone()), PyBytes::new(py, &bytes))))
    }

    #[staticmethod]
    fn _restore(py: Python<'_>, model: &ChurnModel, data: &[u8]) -> PyResult<Self> {
        let run = py.detach(|| model.0.open_run(data, &Execution::new())).or_raise(py)?;
        Ok(Self::new(run, model.0.clone()))
    }

    fn __len__(&self) -> usize {
        self.run.scores().len()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.scores(py)?.try_iter()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let scores = self.run.scores();
        if let Ok(slice) = key.cast::<PySlice>() {
            let range = slice.indices(scores.len() as isize)?;
            let chosen =
                (0..range.slicelength).map(|step| &scores[(range.start + step as isize * range.step) as usize]);
            return Ok(self.list(py, chosen)?.into_any());
        }
        let why = "index a run by position or slice, or call score_of(customer_id) for a customer";
        let position: isize = key.extract().map_err(|_| PyTypeError::new_err(why))?;
        let row = if position < 0 {
            position + scores.len() as isize
        } else {
            position
        };
        let found = usize::try_from(row).ok().and_then(|row| scores.get(row));
        match found {
            Some(score) => self.one(py, score),
            None => Err(PyIndexError::new_err(format!("the run has {} scores", scores.len()))),
        }
    }

    fn __repr__(&self) -> String {
        let codes: Vec<&str> = self
            .run
            .warnings()
            .iter()
            .map(|warning| warning.code.as_str())
            .collect();
        let warnings = match codes.is_empty() {
            true => String::new(),
            false => format!("; warnings: {}", codes.join(", ")),
        };
        format!(
            "<ScoreRun '{}': {} customers as of {}, model {}{warnings}>",
            self.run.tenant(),
            self.run.scores().len(),
            self.run.as_of(),
            self.run.model_id()
        )
    }

    fn _repr_html_(&self) -> String {
        let rows = self.run.riskiest(10).into_iter().map(|score| {
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
