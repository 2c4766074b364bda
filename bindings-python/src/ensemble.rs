//! Functions that fit single members of the ensemble to numeric matrices. `churn_core/_members.py` wraps these
//! functions in scikit-learn estimators.

use churn_core::ensemble::{GradientBoostingOptions, LogisticOptions, RandomForestOptions};
use numpy::{IntoPyArray, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::arguments;
use crate::errors::OrRaise;
use crate::features::json;
use crate::matrix::{Matrix, both};
use crate::trees::{TreeEnsemble, Trees};

/// The training rows of a member (one model of the ensemble), with their labels and weights.
struct Rows<'py> {
    x: Matrix<'py>,
    churned: Vec<bool>,
    weights: Option<Vec<f64>>,
}

impl<'py> Rows<'py> {
    fn new(
        x: &Bound<'py, PyAny>,
        churned: &PyReadonlyArray1<'py, bool>,
        weights: Option<&PyReadonlyArray1<'py, f64>>,
    ) -> PyResult<Self> {
        Ok(Self {
            x: Matrix::new(x)?,
            churned: churned.as_array().to_vec(),
            weights: weights.map(|weights| weights.as_array().to_vec()),
        })
    }
}

/// Fits boosted trees to a matrix of shape (rows, columns). NaN is a missing value. float32 matrices are not copied.
#[pyfunction]
#[pyo3(signature = (x, churned, weights, options, threads))]
pub(crate) fn fit_boosting<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    churned: PyReadonlyArray1<'py, bool>,
    weights: Option<PyReadonlyArray1<'py, f64>>,
    options: &Bound<'py, PyDict>,
    threads: Option<usize>,
) -> PyResult<TreeEnsemble> {
    let options = GradientBoostingOptions::from_json(&json(options, "options")?.to_string()).or_raise(py)?;
    let Rows { x, churned, weights } = Rows::new(x, &churned, weights.as_ref())?;
    let learner = churn_core::ensemble::GradientBoosting::new(options);
    let fitted = x.single(py, threads, move |x, execution| {
        learner.fit(x, &churned, weights.as_deref(), &execution)
    })?;
    Ok(TreeEnsemble::new(Trees::from(fitted)))
}

/// Fits a random forest to a matrix of shape (rows, columns). NaN is a missing value. float32 matrices are not copied.
#[pyfunction]
#[pyo3(signature = (x, churned, weights, options, threads))]
pub(crate) fn fit_forest<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    churned: PyReadonlyArray1<'py, bool>,
    weights: Option<PyReadonlyArray1<'py, f64>>,
    options: &Bound<'py, PyDict>,
    threads: Option<usize>,
) -> PyResult<TreeEnsemble> {
    let options = RandomForestOptions::from_json(&json(options, "options")?.to_string()).or_raise(py)?;
    let Rows { x, churned, weights } = Rows::new(x, &churned, weights.as_ref())?;
    let learner = churn_core::ensemble::RandomForest::new(options);
    let fitted = x.single(py, threads, move |x, execution| {
        learner.fit(x, &churned, weights.as_deref(), &execution)
    })?;
    Ok(TreeEnsemble::new(Trees::from(fitted)))
}

/// A fitted logistic regression. It is immutable, and pickle stores the bytes of its model file.
#[pyclass(frozen, module = "churn_core._churn_core")]
pub(crate) struct LinearModel(churn_core::ensemble::LinearModel);

#[pymethods]
impl LinearModel {
    /// Fits the model to a matrix of shape (rows, columns). All numbers must be finite. float64 matrices are not
    /// copied.
    #[staticmethod]
    #[pyo3(signature = (x, churned, weights, options, threads))]
    fn fit<'py>(
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        churned: PyReadonlyArray1<'py, bool>,
        weights: Option<PyReadonlyArray1<'py, f64>>,
        options: &Bound<'py, PyDict>,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let options = LogisticOptions::from_json(&json(options, "options")?.to_string()).or_raise(py)?;
        let Rows { x, churned, weights } = Rows::new(x, &churned, weights.as_ref())?;
        let learner = churn_core::ensemble::Logistic::new(options);
        let fitted = x.double(py, threads, move |x, execution| {
            learner.fit(x, &churned, weights.as_deref(), &execution)
        })?;
        Ok(Self(fitted))
    }

    /// Returns the probabilities of both labels as a float64 array of shape (n, 2). float64 matrices are not copied.
    /// NaN is an error.
    #[pyo3(signature = (x, threads))]
    fn predict_proba(&self, py: Python<'_>, x: &Bound<'_, PyAny>, threads: Option<usize>) -> PyResult<Py<PyAny>> {
        let x = Matrix::new(x)?;
        x.check(py, "Logistic", self.0.coefficients().len(), &[])?;
        if let Some((row, column)) = x.not_finite() {
            let message =
                format!("X row {row} column {column} is not a finite number: Logistic does not accept missing values");
            return Err(crate::errors::refuse_at(
                py,
                "invalid_option",
                &message,
                None,
                Some(row as u64),
                Some(&format!("x{column}")),
            ));
        }
        let proba = x.double(py, threads, |x, execution| self.0.predict_proba(x, &execution))?;
        Ok(both(py, proba))
    }

    /// The coefficient of each column, as a float64 array. A coefficient is the change of the log-odds when the value
    /// of the column grows by 1.
    #[getter]
    fn coefficients(&self, py: Python<'_>) -> Py<PyAny> {
        self.0.coefficients().to_vec().into_pyarray(py).into_any().unbind()
    }

    /// The log-odds that the model predicts for a row in which all columns are 0.
    #[getter]
    fn intercept(&self) -> f64 {
        self.0.intercept()
    }

    /// Returns the bytes of the model file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.0.to_bytes().or_raise(py)?))
    }

    /// Opens a model from the bytes of its model file. Invalid bytes raise an error.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, #[pyo3(from_py_with = arguments::data)] data: Vec<u8>) -> PyResult<Self> {
        churn_core::ensemble::LinearModel::from_bytes(&data)
            .or_raise(py)
            .map(Self)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((slf.get_type().getattr("from_bytes")?, (slf.get().to_bytes(slf.py())?,)))
    }
}
