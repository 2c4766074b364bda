//! Numeric matrices from Python. Matrices of floats are not copied.

use ndarray::Array2;
use numpy::{IntoPyArray, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::refuse;
use crate::trees::Trees;
use crate::work;

/// A numpy matrix of floats. Aligned arrays in any memory layout are not copied.
pub(crate) enum Matrix<'py> {
    Single(PyReadonlyArray2<'py, f32>),
    Double(PyReadonlyArray2<'py, f64>),
}

impl<'py> Matrix<'py> {
    pub(crate) fn new(x: &Bound<'py, PyAny>) -> PyResult<Self> {
        let py = x.py();
        let wrong = || refuse(py, "invalid_option", "X must be rows x columns of numbers", Some("X"));
        let numpy = py.import("numpy")?;
        let masked = numpy.getattr("ma")?.getattr("MaskedArray")?;
        if x.is_instance(&masked)? {
            // Values that a numpy mask hides are missing. They are replaced by NaN.
            let numbers = x.call_method("astype", ("float64",), None).map_err(|_| wrong())?;
            let filled = numbers.call_method1("filled", (f64::NAN,))?;
            return filled.extract().map(Self::Double).map_err(|_| wrong());
        }
        let given = numpy.getattr("asarray")?.call1((x,));
        let given = given.map_err(|_| wrong())?;
        // Unaligned arrays are not used directly. They are copied below.
        if given.getattr("flags")?.getattr("aligned")?.is_truthy()? {
            if let Ok(single) = given.extract() {
                return Ok(Self::Single(single));
            }
            if let Ok(double) = given.extract() {
                return Ok(Self::Double(double));
            }
        }
        let numbers = match given.getattr("dtype")?.getattr("kind")?.extract::<char>()? {
            // pandas itself converts its missing values (such as NA) to NaN.
            'O' if x.hasattr("convert_dtypes")? => {
                let keywords = PyDict::new(py);
                keywords.set_item("na_value", f64::NAN)?;
                x.call_method("to_numpy", ("float64",), Some(&keywords))
            }
            _ => given.call_method1("astype", ("float64",)),
        };
        numbers
            .map_err(|_| wrong())?
            .extract()
            .map(Self::Double)
            .map_err(|_| wrong())
    }

    pub(crate) fn shape(&self) -> (usize, usize) {
        let shape = match self {
            Self::Single(x) => x.shape(),
            Self::Double(x) => x.shape(),
        };
        (shape[0], shape[1])
    }

    /// Returns an error if the number of columns differs from that of the training data. `known` has the column names
    /// of the training data. It is empty if the training data had no column names.
    pub(crate) fn check(&self, py: Python<'_>, name: &str, columns: usize, known: &[String]) -> PyResult<()> {
        if self.shape().1 == columns {
            return Ok(());
        }
        let names = match known {
            [] => String::new(),
            names => format!(" They are {}.", names.join(", ")),
        };
        let message = format!(
            "X has {} features, but {name} is expecting {columns} features as input.{names}",
            self.shape().1
        );
        Err(refuse(py, "feature_mismatch", &message, None))
    }

    /// Returns the row and the column of the first number that is missing or infinite.
    pub(crate) fn not_finite(&self) -> Option<(usize, usize)> {
        match self {
            Self::Single(x) => x
                .as_array()
                .indexed_iter()
                .find(|(_, value)| !value.is_finite())
                .map(|(at, _)| at),
            Self::Double(x) => x
                .as_array()
                .indexed_iter()
                .find(|(_, value)| !value.is_finite())
                .map(|(at, _)| at),
        }
    }

    /// Returns the numbers as a float64 array, for the attribute `data` of an explanation.
    pub(crate) fn to_numpy(&self, py: Python<'_>) -> Py<PyAny> {
        let numbers = match self {
            Self::Single(x) => x.as_array().mapv(f64::from),
            Self::Double(x) => x.as_array().to_owned(),
        };
        numbers.into_pyarray(py).into_any().unbind()
    }

    /// Returns the probability of the second class for each row.
    pub(crate) fn score(&self, py: Python<'_>, trees: &Trees, threads: Option<usize>) -> PyResult<Vec<f64>> {
        match self {
            Self::Single(x) => {
                let x = x.as_array();
                work::run(py, threads, None, move |execution| trees.predict_proba(x, &execution))
            }
            Self::Double(x) => {
                let x = x.as_array();
                work::run(py, threads, None, move |execution| trees.predict_proba(x, &execution))
            }
        }
    }

    /// Returns the contribution of each column to the score of each row, and the base value to which the contributions
    /// are added.
    pub(crate) fn explain(
        &self,
        py: Python<'_>,
        trees: &Trees,
        threads: Option<usize>,
    ) -> PyResult<(Array2<f64>, f64)> {
        match self {
            Self::Single(x) => {
                let x = x.as_array();
                work::run(py, threads, None, move |execution| trees.explain(x, &execution))
            }
            Self::Double(x) => {
                let x = x.as_array();
                work::run(py, threads, None, move |execution| trees.explain(x, &execution))
            }
        }
    }

    /// Runs `work` on the matrix in single precision. A double-precision matrix is first converted.
    pub(crate) fn single<T: Send>(
        &self,
        py: Python<'_>,
        threads: Option<usize>,
        work: impl FnOnce(ndarray::ArrayView2<'_, f32>, churn_core::Execution) -> churn_core::Result<T> + Send,
    ) -> PyResult<T> {
        match self {
            Self::Single(x) => {
                let x = x.as_array();
                work::run(py, threads, None, move |execution| work(x, execution))
            }
            Self::Double(x) => {
                let x = x.as_array();
                work::run(py, threads, None, move |execution| {
                    work(x.mapv(|value| value as f32).view(), execution)
                })
            }
        }
    }

    /// Runs `work` on the matrix in double precision. A single-precision matrix is first converted.
    pub(crate) fn double<T: Send>(
        &self,
        py: Python<'_>,
        threads: Option<usize>,
        work: impl FnOnce(ndarray::ArrayView2<'_, f64>, churn_core::Execution) -> churn_core::Result<T> + Send,
    ) -> PyResult<T> {
        match self {
            Self::Double(x) => {
                let x = x.as_array();
                work::run(py, threads, None, move |execution| work(x, execution))
            }
            Self::Single(x) => {
                let x = x.as_array();
                work::run(py, threads, None, move |execution| {
                    work(x.mapv(f64::from).view(), execution)
                })
            }
        }
    }
}

/// Makes a numpy array of shape (n, 2) with the probabilities of both classes.
pub(crate) fn both(py: Python<'_>, churned: Vec<f64>) -> Py<PyAny> {
    let mut both = Array2::zeros((churned.len(), 2));
    for (mut row, p) in both.rows_mut().into_iter().zip(churned) {
        row[0] = 1.0 - p;
        row[1] = p;
    }
    both.into_pyarray(py).into_any().unbind()
}
