//! The members of the ensemble alone, as estimators on numeric matrices.

use std::sync::Arc;

use churn_core::ensemble::{FlatEnsemble, GradientBoostingOptions, LinearModel, LogisticOptions, RandomForestOptions};
use ndarray::{Array2, ArrayView2};
use numpy::{IntoPyArray, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::refuse;
use crate::model::member;
use crate::work;

/// Numbers as the trees learn them.
fn matrix<T: numpy::Element + Copy>(x: &Bound<'_, PyAny>, dtype: &str) -> PyResult<Array2<T>> {
    let py = x.py();
    let array = py.import("numpy")?.getattr("asarray")?.call1((x, dtype))?;
    let array: PyReadonlyArray2<'_, T> = array
        .extract()
        .map_err(|_| refuse(py, "invalid_option", "X must be rows x columns of numbers", Some("X")))?;
    Ok(array.as_array().to_owned())
}

/// Labels 0 and 1, or bools.
fn labels(y: &Bound<'_, PyAny>) -> PyResult<Vec<bool>> {
    let py = y.py();
    let wrong = || {
        refuse(
            py,
            "invalid_option",
            "y must be one 0 or 1, or bool, per row",
            Some("y"),
        )
    };
    let array = py
        .import("numpy")?
        .getattr("asarray")?
        .call1((y, "float64"))
        .map_err(|_| wrong())?;
    let array: PyReadonlyArray1<'_, f64> = array.extract().map_err(|_| wrong())?;
    array
        .as_array()
        .iter()
        .map(|&value| match value {
            0.0 => Ok(false),
            1.0 => Ok(true),
            _ => Err(wrong()),
        })
        .collect()
}

fn weights(py: Python<'_>, given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Vec<f64>>> {
    let wrong = |_| {
        refuse(
            py,
            "invalid_option",
            "sample_weight must be one number per row",
            Some("weights"),
        )
    };
    given
        .map(|given| {
            given
                .try_iter()?
                .map(|weight| weight?.extract())
                .collect::<PyResult<_>>()
                .map_err(wrong)
        })
        .transpose()
}

/// Probabilities of both classes, (n, 2).
fn both(py: Python<'_>, churned: Vec<f64>) -> Py<PyAny> {
    let mut both = Array2::zeros((churned.len(), 2));
    for (mut row, p) in both.rows_mut().into_iter().zip(churned) {
        row[0] = 1.0 - p;
        row[1] = p;
    }
    both.into_pyarray(py).into_any().unbind()
}

fn not_fitted(py: Python<'_>) -> PyErr {
    refuse(
        py,
        "invalid_option",
        "the estimator is not fitted yet: call fit first",
        Some("fit"),
    )
}

macro_rules! trees {
    ($name:ident, $options:ident, $member:path, $doc:literal, $label:literal,
     ($($option:ident : $type:ty = $default:literal),*), $signature:literal) => {
        #[doc = $doc]
        #[pyclass(module = "churn.ensemble")]
        pub(crate) struct $name {
            options: $options,
            threads: Option<usize>,
            fitted: Option<Arc<FlatEnsemble>>,
        }

        #[pymethods]
        impl $name {
            #[new]
            #[pyo3(signature = ($($option = $default,)* seed = 0, threads = None, **options), text_signature = $signature)]
            fn new(py: Python<'_>, $($option: $type,)* seed: u64, threads: Option<usize>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
                let own = $options { $($option,)* seed, ..Default::default() };
                let own = match options {
                    Some(options) => member(options.as_any(), "options", own.clone())?.unwrap_or(own),
                    None => own,
                };
                if threads == Some(0) {
                    return Err(refuse(py, "invalid_option", "threads must be at least 1", Some("threads")));
                }
                Ok(Self { options: own, threads, fitted: None })
            }

            /// Fits rows x columns (NaN is missing) to labels 0 and 1; returns itself.
            ///
            /// Raises:
            ///     TrainingError: all labels are the same, or there are no rows.
            #[pyo3(signature = (X, y, sample_weight=None))]
            #[allow(non_snake_case)]
            fn fit<'py>(
                mut slf: PyRefMut<'py, Self>,
                X: &Bound<'py, PyAny>,
                y: &Bound<'py, PyAny>,
                sample_weight: Option<&Bound<'py, PyAny>>,
            ) -> PyResult<PyRefMut<'py, Self>> {
                let py = slf.py();
                let (x, y, weights) = (matrix::<f32>(X, "float32")?, labels(y)?, weights(py, sample_weight)?);
                let learner = <$member>::new(slf.options.clone());
                let fitted = work::run(py, slf.threads, None, move |execution| learner.fit(x.view(), &y, weights.as_deref(), &execution))?;
                slf.fitted = Some(Arc::new(fitted));
                Ok(slf)
            }

            /// Probabilities of staying and of churning, float64 (n, 2).
            #[pyo3(signature = (X))]
            #[allow(non_snake_case)]
            fn predict_proba(&self, py: Python<'_>, X: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
                let fitted = Arc::clone(self.fitted.as_ref().ok_or_else(|| not_fitted(py))?);
                // Compared as they were learned, in single precision.
                let x = matrix::<f32>(X, "float32")?;
                Ok(both(py, work::run(py, self.threads, None, move |execution| fitted.predict_proba(x.view(), &execution))?))
            }

            /// Number of trees; 0 before `fit`.
            fn __len__(&self) -> usize {
                self.fitted.as_ref().map_or(0, |fitted| fitted.trees())
            }

            fn __repr__(&self) -> String {
                format!(concat!($label, "(trees={}, seed={})"), self.options.trees, self.options.seed)
            }
        }
    };
}

trees!(
    GradientBoosting, GradientBoostingOptions, churn_core::ensemble::GradientBoosting,
    "Histogram gradient boosting. Further options: depth, min_leaf_rows, min_leaf_hessian, l2, column_share, row_share, max_bins.",
    "GradientBoosting",
    (trees: usize = 200, leaves: usize = 31, learning_rate: f64 = 0.1),
    "(trees=200, leaves=31, learning_rate=0.1, seed=0, threads=None, **options)"
);
trees!(
    RandomForest, RandomForestOptions, churn_core::ensemble::RandomForest,
    "Random forest. Further options: min_leaf_rows, column_share, smoothing, max_bins.",
    "RandomForest",
    (trees: usize = 200, depth: usize = 12),
    "(trees=200, depth=12, seed=0, threads=None, **options)"
);

/// Logistic regression with an L2 penalty (``1 / C`` in scikit-learn), on finite numbers.
#[pyclass(module = "churn.ensemble")]
pub(crate) struct Logistic {
    options: LogisticOptions,
    threads: Option<usize>,
    fitted: Option<Arc<LinearModel>>,
}

#[pymethods]
impl Logistic {
    #[new]
    #[pyo3(signature = (l2=1.0, threads=None))]
    fn new(l2: f64, threads: Option<usize>) -> Self {
        Self {
            options: LogisticOptions {
                l2,
                ..Default::default()
            },
            threads,
            fitted: None,
        }
    }

    /// Fits rows x columns (finite) to labels 0 and 1; returns itself.
    ///
    /// Raises:
    ///     TrainingError: all labels are the same, or there are no rows.
    #[pyo3(signature = (X, y, sample_weight=None))]
    #[allow(non_snake_case)]
    fn fit<'py>(
        mut slf: PyRefMut<'py, Self>,
        X: &Bound<'py, PyAny>,
        y: &Bound<'py, PyAny>,
        sample_weight: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<PyRefMut<'py, Self>> {
        let py = slf.py();
        let (x, y, weights) = (matrix::<f64>(X, "float64")?, labels(y)?, weights(py, sample_weight)?);
        let learner = churn_core::ensemble::Logistic::new(slf.options.clone());
        let fitted = work::run(py, slf.threads, None, move |execution| {
            learner.fit(x.view(), &y, weights.as_deref(), &execution)
        })?;
        slf.fitted = Some(Arc::new(fitted));
        Ok(slf)
    }

    /// Probabilities of staying and of churning, float64 (n, 2).
    #[pyo3(signature = (X))]
    #[allow(non_snake_case)]
    fn predict_proba(&self, py: Python<'_>, X: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let fitted = Arc::clone(self.fitted.as_ref().ok_or_else(|| not_fitted(py))?);
        let x = matrix::<f64>(X, "float64")?;
        let proba = work::run(py, self.threads, None, move |execution| {
            let x: ArrayView2<'_, f64> = x.view();
            fitted.predict_proba(x, &execution)
        })?;
        Ok(both(py, proba))
    }

    /// What one unit of each column adds to the log-odds, float64.
    #[getter]
    fn coefficients(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let fitted = self.fitted.as_ref().ok_or_else(|| not_fitted(py))?;
        Ok(fitted.coefficients().to_vec().into_pyarray(py).into_any().unbind())
    }

    /// The log-odds of a row of zeros.
    #[getter]
    fn intercept(&self, py: Python<'_>) -> PyResult<f64> {
        Ok(self.fitted.as_ref().ok_or_else(|| not_fitted(py))?.intercept())
    }

    fn __repr__(&self) -> String {
        format!("Logistic(l2={})", self.options.l2)
    }
}
