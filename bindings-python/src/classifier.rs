//! Flat tables and the classifier of them; `churn/_classifier.py` makes a scikit-learn estimator of it.

use churn_core::{ClassWeights, ClassifierOptions, LeakagePolicy, Monotonicity, Table};
use numpy::{IntoPyArray, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::errors::{OrRaise, refuse};
use crate::run::{Explanation, Reason};
use crate::tables::table;
use crate::work;

/// Rows and named columns of any type.
#[pyclass(frozen, module = "churn._churn")]
pub(crate) struct FlatTable(Table);

#[pymethods]
impl FlatTable {
    /// From a frame, a dict of columns or a list of dicts.
    #[new]
    fn new(rows: &Bound<'_, PyAny>) -> PyResult<Self> {
        table(rows, "X").map(Self)
    }

    /// Names of the columns, in order.
    #[getter]
    fn names(&self) -> Vec<&str> {
        self.0.column_names().collect()
    }

    /// The same columns under other names.
    fn renamed(&self, py: Python<'_>, names: Vec<String>) -> PyResult<Self> {
        self.0.clone().with_names(names).or_raise(py).map(Self)
    }

    fn __len__(&self) -> usize {
        self.0.rows()
    }
}

/// A fitted classifier without its labels. Immutable; pickled as the bytes of its model file.
#[pyclass(frozen, module = "churn._churn")]
pub(crate) struct FlatModel(churn_core::ChurnClassifier);

#[pymethods]
impl FlatModel {
    /// Fits to codes of classes, and of groups if there are any; `class_weights` is None, "balanced" or one number per class.
    #[staticmethod]
    #[allow(clippy::too_many_arguments)]
    #[pyo3(signature = (table, classes, weights, groups, class_weights, *, seed, threads, leakage, allow, monotone_constraints))]
    fn fit(
        py: Python<'_>,
        table: &FlatTable,
        classes: PyReadonlyArray1<'_, u32>,
        weights: Option<PyReadonlyArray1<'_, f64>>,
        groups: Option<PyReadonlyArray1<'_, u32>>,
        class_weights: Option<&Bound<'_, PyAny>>,
        seed: &Bound<'_, PyAny>,
        threads: &Bound<'_, PyAny>,
        leakage: &Bound<'_, PyAny>,
        allow: Vec<String>,
        monotone_constraints: Vec<(String, String)>,
    ) -> PyResult<Self> {
        let class_weights = match class_weights {
            None => ClassWeights::Equal,
            Some(name) if name.cast::<PyString>().is_ok() => ClassWeights::Balanced,
            Some(given) => ClassWeights::Given(given.extract()?),
        };
        let classes = classes.as_array().to_vec();
        let weights = weights.map(|weights| weights.as_array().to_vec());
        let seed = seed
            .extract()
            .map_err(|_| refuse(py, "invalid_option", "seed must be an integer from 0 on", Some("seed")))?;
        let mut options = ClassifierOptions::default()
            .with_class_weight(class_weights)
            .with_leakage(leakage.str()?.to_string_lossy().parse::<LeakagePolicy>().or_raise(py)?)
            .with_allow_columns(allow)
            .with_seed(seed);
        for (column, direction) in monotone_constraints {
            let direction = direction.parse::<Monotonicity>().or_raise(py)?;
            options.ensemble.monotone_constraints.push((column, direction));
        }
        let groups = groups.map(|groups| groups.as_array().to_vec());
        let table = table.0.clone();
        let model = work::run(py, count(threads)?, None, move |execution| {
            options.execution = execution;
            let mut dataset = churn_core::Dataset::new(&table, &classes);
            if let Some(groups) = &groups {
                dataset = dataset.with_groups(groups);
            }
            if let Some(weights) = &weights {
                dataset = dataset.with_weights(weights);
            }
            churn_core::ChurnClassifier::fit(&dataset, &options)
        })?;
        Ok(Self(model))
    }

    /// Identifies the classifier: a hash of its content.
    #[getter]
    fn id(&self) -> &str {
        self.0.id()
    }

    /// Names of the columns it was fitted on.
    #[getter]
    fn feature_names(&self) -> Vec<String> {
        self.0.feature_names().to_vec()
    }

    /// How it was fitted, as JSON.
    #[getter]
    fn report(&self, py: Python<'_>) -> PyResult<String> {
        serde_json::to_string(self.0.report()).map_err(|e| refuse(py, "internal", &e.to_string(), None))
    }

    /// Probability of every class, float64, rows x classes.
    #[pyo3(signature = (table, *, threads=None))]
    fn predict_proba(
        &self,
        py: Python<'_>,
        table: &FlatTable,
        threads: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let threads = threads.map(count).transpose()?.flatten();
        let found = work::run(py, threads, None, |execution| {
            self.0.predict_proba(&table.0, &execution)
        })?;
        Ok(found.into_pyarray(py).into_any().unbind())
    }

    /// The interval of every row's probability of the second class, float64, rows x 2.
    #[pyo3(signature = (table, *, threads=None))]
    fn predict_interval(
        &self,
        py: Python<'_>,
        table: &FlatTable,
        threads: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let threads = threads.map(count).transpose()?.flatten();
        let found = work::run(py, threads, None, |execution| {
            self.0.predict_interval(&table.0, &execution)
        })?;
        Ok(found.into_pyarray(py).into_any().unbind())
    }

    /// Contributions of every column to every row, in log-odds before calibration.
    #[pyo3(signature = (table, *, threads=None))]
    fn explain(&self, py: Python<'_>, table: &FlatTable, threads: Option<&Bound<'_, PyAny>>) -> PyResult<Explanation> {
        let threads = threads.map(count).transpose()?.flatten();
        let found = work::run(py, threads, None, |execution| self.0.explain(&table.0, &execution))?;
        Ok(Explanation::new(py, found, self.feature_names()))
    }

    /// For every row the columns that move its score the most.
    #[pyo3(signature = (table, top, *, threads=None))]
    fn reasons(
        &self,
        py: Python<'_>,
        table: &FlatTable,
        top: usize,
        threads: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vec<Vec<Reason>>> {
        let threads = threads.map(count).transpose()?.flatten();
        let found = work::run(py, threads, None, |execution| self.0.reasons(&table.0, top, &execution))?;
        Ok(found
            .into_iter()
            .map(|reasons| reasons.into_iter().map(Reason::from).collect())
            .collect())
    }

    /// The model file's bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.to_bytes())
    }

    /// Opens a model file from memory; safe on any bytes.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        py.detach(|| churn_core::ChurnClassifier::from_bytes(data))
            .or_raise(py)
            .map(Self)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((slf.get_type().getattr("from_bytes")?, (slf.get().to_bytes(slf.py()),)))
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
        format!("<FlatModel {}: {} columns>", self.0.id(), self.0.feature_names().len())
    }
}

/// A number of threads, or None; estimators are not checked before they are fitted.
pub(crate) fn count(threads: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
    let wrong = || {
        refuse(
            threads.py(),
            "invalid_option",
            "threads is None or an integer from 1 on",
            Some("threads"),
        )
    };
    match threads.extract::<Option<usize>>().map_err(|_| wrong())? {
        Some(0) => Err(wrong()),
        count => Ok(count),
    }
}
