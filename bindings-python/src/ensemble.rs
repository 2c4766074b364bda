//! The members of the ensemble alone, as estimators on numeric matrices.

use std::sync::Arc;

use churn_core::ensemble::{GradientBoostingOptions, LinearModel, LogisticOptions, RandomForestOptions};
use numpy::{IntoPyArray, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyType};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors::{OrRaise, refuse};
use crate::features::{json, overlay};
use crate::matrix::{Matrix, both};
use crate::model::member;
use crate::trees::{TreeEnsemble, Trees};

/// The two labels, sorted, and whether each row has the second.
fn labels(y: &Bound<'_, PyAny>) -> PyResult<(Py<PyAny>, Vec<bool>)> {
    let py = y.py();
    let wrong = |why: &str| {
        refuse(
            py,
            "invalid_option",
            &format!("y must hold two labels, one per row: {why}"),
            Some("y"),
        )
    };
    let numpy = py.import("numpy")?;
    let given = numpy.call_method1("asarray", (y,))?;
    if given.getattr("ndim")?.extract::<usize>()? != 1 {
        return Err(wrong("it is not one-dimensional"));
    }
    let keywords = PyDict::new(py);
    keywords.set_item("return_inverse", true)?;
    let (classes, codes): (Bound<'_, PyAny>, Bound<'_, PyAny>) = numpy
        .call_method("unique", (given,), Some(&keywords))
        .map_err(|_| wrong("they cannot be compared"))?
        .extract()?;
    // A missing label is not equal to itself.
    let missing = numpy.call_method1("any", (classes.rich_compare(&classes, pyo3::basic::CompareOp::Ne)?,))?;
    if missing.is_truthy()? {
        return Err(wrong("one is missing"));
    }
    if classes.len()? > 2 {
        return Err(wrong(&format!("there are {}", classes.len()?)));
    }
    let codes = codes.call_method1("astype", ("float64",))?;
    let codes: PyReadonlyArray1<'_, f64> = codes.extract()?;
    Ok((
        classes.unbind(),
        codes.as_array().iter().map(|&code| code > 0.0).collect(),
    ))
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

fn not_fitted(py: Python<'_>, name: &str) -> PyErr {
    let build = || py.import("churn._classifier")?.getattr("_not_fitted")?.call1((name,));
    build().map_or_else(|failure| failure, PyErr::from_value)
}

/// The label of the second class where it is the more probable, else that of the first.
fn choose<'py>(classes: &Bound<'py, PyAny>, proba: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let keywords = PyDict::new(proba.py());
    keywords.set_item("axis", 1)?;
    classes.get_item(proba.call_method("argmax", (), Some(&keywords))?)
}

/// The share of rows whose label is predicted.
fn accuracy(predicted: &Bound<'_, PyAny>, y: &Bound<'_, PyAny>, weights: Option<&Bound<'_, PyAny>>) -> PyResult<f64> {
    let numpy = y.py().import("numpy")?;
    let right = predicted.rich_compare(numpy.call_method1("asarray", (y,))?, pyo3::basic::CompareOp::Eq)?;
    let keywords = PyDict::new(y.py());
    keywords.set_item("weights", weights)?;
    numpy.call_method("average", (right,), Some(&keywords))?.extract()
}

/// Options as a dict, and the number of threads.
fn params<'py>(py: Python<'py>, options: &impl Serialize, threads: Option<usize>) -> PyResult<Bound<'py, PyDict>> {
    let text = serde_json::to_string(options).map_err(|e| refuse(py, "internal", &e.to_string(), None))?;
    let params = py
        .import("json")?
        .call_method1("loads", (text,))?
        .cast_into::<PyDict>()?;
    params.set_item("threads", threads)?;
    Ok(params)
}

/// Lays given options over others; numbers may be numpy's.
fn laid_over<T: Serialize + DeserializeOwned>(
    options: &T,
    threads: &mut Option<usize>,
    given: &Bound<'_, PyDict>,
) -> PyResult<T> {
    let py = given.py();
    let wrong = |name: &str, why: String| refuse(py, "invalid_option", &why, Some(name));
    let mut own = serde_json::to_value(options).map_err(|e| wrong("options", e.to_string()))?;
    for (name, value) in given.iter() {
        let name: String = name.extract()?;
        if name == "threads" {
            *threads = crate::classifier::count(&value)?;
            continue;
        }
        let value = if value.hasattr("item")? {
            value.call_method0("item")?
        } else {
            value
        };
        let one = PyDict::new(py);
        one.set_item(&name, value)?;
        overlay(&mut own, json(one.as_any())?).map_err(|why| wrong(&name, why))?;
    }
    serde_json::from_value(own).map_err(|e| wrong("options", e.to_string()))
}

/// What all estimators have.
macro_rules! estimator {
    ($name:ident, $fitted:ty, $label:literal, $allow_nan:literal, { $($own:item)* }) => {
        impl $name {
            fn fitted(&self, py: Python<'_>) -> PyResult<Arc<$fitted>> {
                self.fitted.clone().ok_or_else(|| not_fitted(py, $label))
            }

            fn classes(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                let classes = self.classes.as_ref().ok_or_else(|| not_fitted(py, $label))?;
                Ok(classes.clone_ref(py))
            }
        }

        #[pymethods]
        impl $name {
            #[classattr]
            fn _estimator_type() -> &'static str {
                "classifier"
            }

            /// The most probable label of each row.
            #[pyo3(signature = (X))]
            #[allow(non_snake_case)]
            fn predict<'py>(&self, py: Python<'py>, X: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
                let proba = self.predict_proba(py, X)?.into_bound(py);
                choose(self.classes(py)?.bind(py), &proba)
            }

            /// The share of rows whose label is predicted.
            #[pyo3(signature = (X, y, sample_weight=None))]
            #[allow(non_snake_case)]
            fn score(
                &self,
                py: Python<'_>,
                X: &Bound<'_, PyAny>,
                y: &Bound<'_, PyAny>,
                sample_weight: Option<&Bound<'_, PyAny>>,
            ) -> PyResult<f64> {
                accuracy(&self.predict(py, X)?, y, sample_weight)
            }

            /// The two labels, sorted.
            #[getter]
            fn classes_(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                self.classes(py).map_err(|_| pyo3::exceptions::PyAttributeError::new_err("classes_"))
            }

            /// Number of columns.
            #[getter]
            fn n_features_in_(&self) -> PyResult<usize> {
                self.columns().ok_or_else(|| pyo3::exceptions::PyAttributeError::new_err("n_features_in_"))
            }

            /// All options by name.
            #[pyo3(signature = (deep=true))]
            fn get_params<'py>(&self, py: Python<'py>, deep: bool) -> PyResult<Bound<'py, PyDict>> {
                let _ = deep;
                params(py, &self.options, self.threads)
            }

            /// Sets options by name; returns itself.
            #[pyo3(signature = (**params))]
            fn set_params<'py>(
                mut slf: PyRefMut<'py, Self>,
                params: Option<&Bound<'py, PyDict>>,
            ) -> PyResult<PyRefMut<'py, Self>> {
                if let Some(params) = params {
                    let mut threads = slf.threads;
                    slf.options = laid_over(&slf.options, &mut threads, params)?;
                    slf.threads = threads;
                }
                Ok(slf)
            }

            fn __sklearn_clone__(&self) -> Self {
                Self {
                    options: self.options.clone(),
                    threads: self.threads,
                    fitted: None,
                    classes: None,
                }
            }

            fn __sklearn_is_fitted__(&self) -> bool {
                self.fitted.is_some()
            }

            fn __sklearn_tags__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                py.import("churn._classifier")?.getattr("_tags")?.call1(($allow_nan,))
            }

            fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
                let py = slf.py();
                let this = slf.borrow();
                let file = this.fitted.as_ref().map(|fitted| fitted.to_bytes()).transpose().or_raise(py)?;
                let state = (this.get_params(py, true)?, file.map(|file| PyBytes::new(py, &file)), &this.classes);
                let kind: Bound<'py, PyType> = slf.get_type();
                Ok((kind.getattr("_restore")?, state).into_pyobject(py)?.into_any())
            }

            #[staticmethod]
            fn _restore(
                params: &Bound<'_, PyDict>,
                file: Option<&[u8]>,
                classes: Option<Py<PyAny>>,
            ) -> PyResult<Self> {
                let mut threads = None;
                let options = laid_over(&Default::default(), &mut threads, params)?;
                let fitted = file.map(<$fitted>::from_bytes).transpose().or_raise(params.py())?;
                Ok(Self { options, threads, fitted: fitted.map(Arc::new), classes })
            }

            $($own)*
        }
    };
}

macro_rules! trees {
    ($name:ident, $options:ident, $member:path, $doc:literal, $label:literal,
     ($($option:ident : $type:ty = $default:literal),*), $signature:literal) => {
        #[doc = $doc]
        #[pyclass(module = "churn.ensemble", dict)]
        pub(crate) struct $name {
            options: $options,
            threads: Option<usize>,
            fitted: Option<Arc<Trees>>,
            classes: Option<Py<PyAny>>,
        }

        impl $name {
            fn columns(&self) -> Option<usize> {
                self.fitted.as_ref().map(|fitted| fitted.features())
            }
        }

        estimator!($name, Trees, $label, true, {
            #[new]
            #[pyo3(signature = ($($option = $default,)* seed = 0, threads = None, **options), text_signature = $signature)]
            fn new(py: Python<'_>, $($option: $type,)* seed: u64, threads: Option<usize>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
                let mut own = $options::default();
                $(own.$option = $option;)*
                own.seed = seed;
                let own = match options {
                    Some(options) => member(options.as_any(), "options", own.clone())?.unwrap_or(own),
                    None => own,
                };
                if threads == Some(0) {
                    return Err(refuse(py, "invalid_option", "threads must be at least 1", Some("threads")));
                }
                Ok(Self { options: own, threads, fitted: None, classes: None })
            }

            /// Fits rows x columns (NaN is missing; float32 is not copied) to two labels; returns itself.
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
                let (x, (classes, y), weights) = (Matrix::new(X)?, labels(y)?, weights(py, sample_weight)?);
                let learner = <$member>::new(slf.options.clone());
                let fitted = x.single(py, slf.threads, move |x, execution| learner.fit(x, &y, weights.as_deref(), &execution))?;
                slf.fitted = Some(Arc::new(Trees::from(fitted)));
                slf.classes = Some(classes);
                Ok(slf)
            }

            /// Probabilities of both labels, float64 (n, 2). Neither float32 nor float64 is copied.
            #[pyo3(signature = (X))]
            #[allow(non_snake_case)]
            fn predict_proba(&self, py: Python<'_>, X: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
                let (fitted, x) = (self.fitted(py)?, Matrix::new(X)?);
                x.check(py, $label, fitted.features())?;
                Ok(both(py, x.score(py, &fitted, self.threads)?))
            }

            /// The trees alone, as an `TreeEnsemble`.
            fn to_ensemble(&self, py: Python<'_>) -> PyResult<TreeEnsemble> {
                self.fitted(py).map(TreeEnsemble)
            }

            /// Number of trees; 0 before `fit`.
            fn __len__(&self) -> usize {
                self.fitted.as_ref().map_or(0, |fitted| fitted.trees())
            }

            // An estimator is one, fitted or not.
            fn __bool__(&self) -> bool {
                true
            }

            fn __repr__(&self) -> String {
                format!(concat!($label, "(trees={}, seed={})"), self.options.n_trees, self.options.seed)
            }
        });
    };
}

trees!(
    GradientBoosting, GradientBoostingOptions, churn_core::ensemble::GradientBoosting,
    "Histogram gradient boosting. Further options: depth, min_leaf_rows, min_leaf_hessian, l1, l2, colsample, subsample, max_bins, monotone_constraints.",
    "GradientBoosting",
    (n_trees: usize = 200, max_leaves: usize = 31, learning_rate: f64 = 0.1),
    "(trees=200, leaves=31, learning_rate=0.1, seed=0, threads=None, **options)"
);
trees!(
    RandomForest, RandomForestOptions, churn_core::ensemble::RandomForest,
    "Random forest. Further options: min_leaf_rows, colsample, smoothing, max_bins.",
    "RandomForest",
    (n_trees: usize = 200, max_depth: usize = 12),
    "(trees=200, depth=12, seed=0, threads=None, **options)"
);

/// Logistic regression with an L2 penalty (``1 / C`` in scikit-learn), on finite numbers.
#[pyclass(module = "churn.ensemble", dict)]
pub(crate) struct Logistic {
    options: LogisticOptions,
    threads: Option<usize>,
    fitted: Option<Arc<LinearModel>>,
    classes: Option<Py<PyAny>>,
}

impl Logistic {
    fn columns(&self) -> Option<usize> {
        self.fitted.as_ref().map(|fitted| fitted.coefficients().len())
    }
}

estimator!(Logistic, LinearModel, "Logistic", false, {
    #[new]
    #[pyo3(signature = (l2=1.0, threads=None, **options), text_signature = "(l2=1.0, threads=None, **options)")]
    fn new(l2: f64, threads: Option<usize>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let own = LogisticOptions::default().with_l2(l2);
        let own = match options {
            Some(options) => member(options.as_any(), "options", own.clone())?.unwrap_or(own),
            None => own,
        };
        Ok(Self {
            options: own,
            threads,
            fitted: None,
            classes: None,
        })
    }

    /// Fits rows x columns (finite; float64 is not copied) to two labels; returns itself.
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
        let (x, (classes, y), weights) = (Matrix::new(X)?, labels(y)?, weights(py, sample_weight)?);
        let learner = churn_core::ensemble::Logistic::new(slf.options.clone());
        let fitted = x.double(py, slf.threads, move |x, execution| {
            learner.fit(x, &y, weights.as_deref(), &execution)
        })?;
        slf.fitted = Some(Arc::new(fitted));
        slf.classes = Some(classes);
        Ok(slf)
    }

    /// Probabilities of both labels, float64 (n, 2). float64 is not copied.
    #[pyo3(signature = (X))]
    #[allow(non_snake_case)]
    fn predict_proba(&self, py: Python<'_>, X: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let (fitted, x) = (self.fitted(py)?, Matrix::new(X)?);
        x.check(py, "Logistic", fitted.coefficients().len())?;
        let proba = x.double(py, self.threads, |x, execution| fitted.predict_proba(x, &execution))?;
        Ok(both(py, proba))
    }

    /// What one unit of each column adds to the log-odds, float64.
    #[getter]
    fn coefficients(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let coefficients = self.fitted(py)?.coefficients().to_vec();
        Ok(coefficients.into_pyarray(py).into_any().unbind())
    }

    /// The log-odds of a row of zeros.
    #[getter]
    fn intercept(&self, py: Python<'_>) -> PyResult<f64> {
        Ok(self.fitted(py)?.intercept())
    }

    fn __repr__(&self) -> String {
        format!("Logistic(l2={})", self.options.l2)
    }
});
