//! Feature plans and feature matrices.

use std::sync::Arc;

use churn_core::{FeatureColumn, RecordKind};
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule};

use crate::arguments;
use crate::definition::Definition;
use crate::errors::{OrRaise, refuse};
use crate::frames::{Frame, Values, through};
use crate::pickles::{Reduced, pickle, unpickle};
use crate::records::escape;
use crate::tables::dates;
use crate::work;

/// A feature plan: the list of features to compute for each customer. The plan has the standard features for some
/// windows (periods that end at the date of the features), followed by the features that the user has added.
///
/// >>> churn.FeaturePlan.standard(windows=(30, 7))
/// FeaturePlan(windows=[7, 30])
#[pyclass(frozen, from_py_object, module = "churn_core")]
#[derive(Clone)]
pub(crate) struct FeaturePlan(pub(crate) churn_core::FeaturePlan);

#[pymethods]
impl FeaturePlan {
    /// Returns a plan with the standard features. Event features are computed over windows (periods that end at the
    /// date of the features). ``windows`` are the lengths of these periods in days.
    #[staticmethod]
    #[pyo3(signature = (windows=vec![28, 91, 182, 364]), text_signature = "(windows=(28, 91, 182, 364))")]
    fn standard(py: Python<'_>, #[pyo3(from_py_with = arguments::windows)] windows: Vec<u32>) -> PyResult<Self> {
        churn_core::FeaturePlan::standard(&windows).or_raise(py).map(Self)
    }

    /// Returns a copy of the plan with one more feature, which is computed from the records of one table.
    ///
    /// Args:
    ///     name: The name of the feature. It must be unique in the plan.
    ///     source: The table to read: ``"customers"``, ``"payments"``, ``"tickets"`` or ``"activities"``.
    ///     filter: A list of conditions. The feature reads only records that meet all conditions. A condition is a name
    ///         (``"paid"``, ``"failed"``, ``"pending"``, ``"settled"``, ``"unpaid"``, ``"open"``, ``"responded"``,
    ///         ``"urgent"``) or a dict such as ``{"one_of": {"column": "method", "values": ["card"]}}``,
    ///         ``{"at_least": {"column": "amount", "value": 100}}`` and ``{"at_most": ...}``.
    ///     axis: The timestamp that decides whether a record is in the window: ``"event"`` (the time of the event
    ///         itself), ``"refunded_at"``, ``"resolved_at"``, ``"reopened_at"`` or ``"satisfaction_at"``. Default:
    ///         ``"event"``.
    ///     measure: The value to read from each record: ``"count"``, ``"amount"``, ``"late_days"``, ``"quantity"``,
    ///         ``"satisfaction"``, ``"gap_days"``, ``{"attribute": "seats"}`` and so on. The default is
    ///         ``"tenure_days"`` if ``source`` is ``"customers"``, otherwise ``"count"``.
    ///     function: The aggregation of the values: ``"sum"``, ``"mean"``, ``"max"``, ``"min"``, ``"std"``, ``"last"``,
    ///         ``"distinct"``, ``"ratio_to_baseline"``, ``{"share": [conditions]}`` and so on. The default is
    ///         ``"value"`` if ``source`` is ``"customers"``, otherwise ``"sum"``.
    ///     window: Length of the window in days, at least 1. The window ends at ``as_of``. None means the whole
    ///         history.
    ///
    /// Raises:
    ///     InvalidOptionError: The arguments do not fit together, or the plan already has a feature with this name.
    ///
    /// >>> plan = churn.FeaturePlan.standard().with_feature(
    /// ...     name="last_amount", source="payments", filter=["paid"], measure="amount", function="last")
    /// >>> churn.features(records, "2024-03-01", plan=plan).feature_names[-1]
    /// 'last_amount'
    #[pyo3(signature = (*, name, source, filter=None, axis=None, measure=None, function=None, window=None))]
    #[allow(clippy::too_many_arguments)]
    fn with_feature(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::name)] name: String,
        #[pyo3(from_py_with = arguments::source)] source: RecordKind,
        filter: Option<&Bound<'_, PyAny>>,
        axis: Option<&Bound<'_, PyAny>>,
        measure: Option<&Bound<'_, PyAny>>,
        function: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::window)] window: Option<u32>,
    ) -> PyResult<Self> {
        let mut feature = churn_core::Feature::new(name, source);
        if let Some(filter) = filter {
            feature.filter = part(py, "filter", json(filter, "filter")?)?;
        }
        if let Some(axis) = axis {
            feature.axis = part(py, "axis", json(axis, "axis")?)?;
        }
        if let Some(measure) = measure {
            feature.measure = part(py, "measure", json(measure, "measure")?)?;
        }
        if let Some(function) = function {
            feature.function = part(py, "function", json(function, "function")?)?;
        }
        feature.window = window;
        let plan = self.0.clone().with(feature);
        plan.validate().or_raise(py)?;
        Ok(Self(plan))
    }

    /// The lengths of the windows of the standard features, in days.
    #[getter]
    fn windows(&self) -> Vec<u32> {
        self.0.windows()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        pickle(slf, &slf.get().0)
    }

    #[staticmethod]
    fn _restore(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        unpickle(py, data).map(Self)
    }

    fn __repr__(&self) -> String {
        format!("FeaturePlan(windows={:?})", self.0.windows())
    }
}

/// Parses one argument of a feature definition from JSON.
fn part<T: serde::de::DeserializeOwned>(py: Python<'_>, name: &str, value: serde_json::Value) -> PyResult<T> {
    serde_json::from_value(value).map_err(|e| refuse(py, "invalid_option", &format!("{name}: {e}"), Some(name)))
}

/// Converts a Python object to JSON. `option` is the name of the argument, for error messages.
pub(crate) fn json(object: &Bound<'_, PyAny>, option: &str) -> PyResult<serde_json::Value> {
    let text = object.py().import("json")?.getattr("dumps")?.call1((object,));
    let text = text.map_err(|_| arguments::wrong(object, option, "made of dicts, lists, texts, numbers and bools"))?;
    let read = serde_json::from_str(text.extract()?);
    read.map_err(|e| refuse(object.py(), "invalid_option", &format!("{option}: {e}"), Some(option)))
}

/// A feature matrix with one row per customer and date. Rows are in the order of the given dates, and rows of the same
/// date are sorted by customer id.
///
/// The frame that `to_pandas` returns has the columns ``customer_id`` and ``as_of``, followed by one column per feature
/// in the order of ``feature_names``. Missing numbers are NaN.
///
/// >>> matrix = churn.features(records, as_of="2024-03-01")
/// >>> matrix.shape == matrix.to_numpy().shape == (len(records), len(matrix.feature_names))
/// True
/// >>> float(matrix["customer_tenure_days"][0])
/// 425.0
#[pyclass(frozen, module = "churn_core")]
pub(crate) struct FeatureMatrix(pub(crate) Arc<churn_core::FeatureMatrix>);

impl FeatureMatrix {
    fn keys(&self) -> Vec<(String, Values)> {
        let ids = (0..self.0.n_rows()).map(|row| Some(self.0.customer_id(row).to_owned()));
        let moments = self.0.as_of().iter().map(|at| Some(at.as_micros()));
        vec![
            ("customer_id".into(), Values::Texts(ids.collect())),
            ("as_of".into(), Values::Moments(moments.collect())),
        ]
    }

    fn frame(&self) -> Frame {
        let mut columns = self.keys();
        columns.extend(
            self.0
                .feature_names()
                .iter()
                .cloned()
                .zip(self.0.columns().iter().map(Values::from)),
        );
        Frame(columns)
    }
}

#[pymethods]
impl FeatureMatrix {
    /// The id of the tenant to whom the customers belong.
    #[getter]
    fn tenant(&self) -> &str {
        self.0.tenant().as_str()
    }

    /// The names of the features, in the order of the columns of the matrix.
    #[getter]
    fn feature_names(&self) -> Vec<String> {
        self.0.feature_names().to_vec()
    }

    /// The customer id of each row.
    #[getter]
    fn customer_ids(&self) -> Vec<&str> {
        (0..self.0.n_rows()).map(|row| self.0.customer_id(row)).collect()
    }

    /// The date of each row, as a datetime64[us] array in UTC.
    #[getter]
    fn as_of(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Values::Moments(self.0.as_of().iter().map(|at| Some(at.as_micros())).collect()).into_python(py)
    }

    /// The number of rows and the number of features.
    #[getter]
    fn shape(&self) -> (usize, usize) {
        (self.0.n_rows(), self.0.feature_names().len())
    }

    /// A hash of the feature plan (the list of features) from which the matrix was computed. Equal plans have equal
    /// hashes.
    #[getter]
    fn plan_fingerprint(&self) -> &str {
        self.0.plan_fingerprint()
    }

    /// Returns the values as a float64 array of shape (rows, features) in C order. Missing values are NaN. The bools
    /// False and True are 0 and 1. A text is represented by its position in the feature's list in ``levels``.
    fn to_numpy(&self, py: Python<'_>) -> Py<PyAny> {
        let matrix = py.detach(|| self.0.to_ndarray());
        matrix.into_pyarray(py).into_any().unbind()
    }

    /// A dict from each text feature to the list of its distinct texts. In `to_numpy`, a text is represented by its
    /// position in this list.
    #[getter]
    fn levels(&self) -> std::collections::BTreeMap<String, Vec<String>> {
        let named = self.0.feature_names().iter().zip(self.0.columns());
        let texts = named.filter_map(|(name, column)| match column {
            FeatureColumn::Text { levels, .. } => Some((name.clone(), levels.clone())),
            _ => None,
        });
        texts.collect()
    }

    /// Returns the matrix as a pandas frame.
    fn to_pandas(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.frame().pandas(py)
    }

    /// Returns the matrix as a polars frame.
    fn to_polars(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        through(slf.as_any(), "to_polars")
    }

    /// Returns the matrix as a pyarrow table.
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

    /// Returns the values of one column: ``customer_id``, ``as_of`` or a feature. The values of a feature are a float64
    /// array, or a list if they are texts.
    fn __getitem__(&self, py: Python<'_>, name: &str) -> PyResult<Py<PyAny>> {
        if let Some((_, values)) = self.keys().into_iter().find(|(key, _)| key == name) {
            return values.into_python(py);
        }
        Values::from(self.0.column(name).or_raise(py)?).into_python(py)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        let (py, matrix) = (slf.py(), &slf.get().0);
        let bytes = py.detach(|| matrix.to_bytes()).or_raise(py)?;
        Ok((slf.get_type().getattr("_restore")?, (PyBytes::new(py, &bytes),)))
    }

    #[staticmethod]
    fn _restore(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        let matrix = py.detach(|| churn_core::FeatureMatrix::from_bytes(data)).or_raise(py)?;
        Ok(Self(Arc::new(matrix)))
    }

    fn __len__(&self) -> usize {
        self.0.n_rows()
    }

    fn __repr__(&self) -> String {
        format!(
            "<FeatureMatrix '{}': {} rows x {} features>",
            self.0.tenant(),
            self.0.n_rows(),
            self.0.columns().len()
        )
    }

    fn _repr_html_(&self) -> String {
        escape(&self.__repr__())
    }
}

/// Computes the features of customers at one or several dates. The features at a date use only data that were known
/// before that date.
///
/// Args:
///     records: The tenant's `TenantRecords`.
///     as_of: A date or a list of dates. A date may be an ISO text, a ``date``, a ``datetime``, or a timestamp of
///         pandas or numpy. A timestamp without a time zone is taken as UTC.
///     plan: The features to compute. None means the standard features.
///     definition: A definition of churn. If it is given, only customers who are eligible under this definition have
///         rows, as in a score run. None means that every customer who is known at the date has a row.
///     threads: Number of threads. None means one thread per core. The result does not depend on this number.
///     progress: True for a progress bar, or a callable ``(stage, share)``.
///
/// Returns:
///     A `FeatureMatrix`. The rows are in the order of the given dates. Rows of the same date are sorted by the bytes
///     of the customer id.
///
/// >>> churn.features(records, as_of=["2024-03-01", "2024-02-01"])
/// <FeatureMatrix 'acme': 600 rows x 118 features>
#[pyfunction]
#[pyo3(signature = (records, as_of, plan=None, definition=None, *, threads=None, progress=None))]
pub(crate) fn features(
    py: Python<'_>,
    #[pyo3(from_py_with = arguments::records)] records: Arc<churn_core::TenantRecords>,
    as_of: &Bound<'_, PyAny>,
    #[pyo3(from_py_with = arguments::plan)] plan: Option<churn_core::FeaturePlan>,
    definition: Option<Definition>,
    #[pyo3(from_py_with = arguments::threads)] threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<FeatureMatrix> {
    let (dates, plan) = (dates(as_of, "as_of")?, plan.unwrap_or_default());
    let definition = definition.map(churn_core::ChurnDefinition::from);
    let matrix = work::run(py, threads, progress, move |execution| match &definition {
        Some(definition) => churn_core::eligible_features(&records, &dates, &plan, definition, &execution),
        None => churn_core::features(&records, &dates, &plan, &execution),
    })?;
    Ok(FeatureMatrix(Arc::new(matrix)))
}
