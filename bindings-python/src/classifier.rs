//! Flat tables (tables without dates) and the classifier for them. `churn_core/_classifier.py` wraps this classifier in
//! a scikit-learn estimator.

use churn_core::{Cell, ClassWeights, ClassifierOptions, LeakagePolicy, Monotonicity, Table};
use numpy::{IntoPyArray, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PySlice, PyString};

use crate::arguments;
use crate::errors::{OrRaise, refuse};
use crate::frames::datetime;
use crate::run::{explanation, reasons};
use crate::tables::{Kind, table};
use crate::work;

/// The input of the flat-table classifier: rows and named columns of any type.
#[pyclass(frozen, module = "churn_core._churn_core")]
pub(crate) struct FlatTable(Table);

#[pymethods]
impl FlatTable {
    /// Reads a table from a frame, a dict of columns or a list of dicts.
    #[new]
    fn new(rows: &Bound<'_, PyAny>) -> PyResult<Self> {
        table(rows, Kind::Flat).map(Self)
    }

    /// The names of the columns, from the first to the last column.
    #[getter]
    fn names(&self) -> Vec<&str> {
        self.0.column_names().collect()
    }

    /// Returns a copy of the table whose columns have the given names.
    fn renamed(&self, py: Python<'_>, names: Vec<String>) -> PyResult<Self> {
        self.0.clone().with_names(names).or_raise(py).map(Self)
    }

    /// Returns the values as an array of shape (rows, columns). The array is float64 if all columns are numeric.
    /// Otherwise, it contains objects.
    fn to_numpy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (rows, names) = (self.0.n_rows(), self.0.column_names().count());
        let numpy = py.import("numpy")?;
        let array = numpy.call_method1("empty", ((rows, names), "object"))?;
        let mut all_numbers = true;
        for (number, name) in self.0.column_names().enumerate() {
            let Some(cells) = self.0.cells(name) else { continue };
            let mut values: Vec<Bound<'py, PyAny>> = Vec::with_capacity(rows);
            for cell in cells {
                let value = match cell {
                    Cell::Bool(value) => f64::from(u8::from(value)),
                    Cell::Int(value) => value as f64,
                    Cell::UInt(value) => value as f64,
                    Cell::Float(value) => value,
                    Cell::Text(text) | Cell::TextFile(text) => {
                        all_numbers = false;
                        values.push(text.into_pyobject(py)?.into_any());
                        continue;
                    }
                    Cell::Timestamp(micros) => {
                        all_numbers = false;
                        values.push(datetime(py, micros)?.into_bound(py));
                        continue;
                    }
                    _ => f64::NAN,
                };
                values.push(value.into_pyobject(py)?.into_any());
            }
            array.set_item((PySlice::full(py), number), values)?;
        }
        if all_numbers {
            array.call_method1("astype", ("float64",))
        } else {
            Ok(array)
        }
    }

    fn __len__(&self) -> usize {
        self.0.n_rows()
    }
}

/// A fitted flat-table classifier. It represents classes by integer codes, because the Python estimator keeps the
/// labels. The classifier is immutable, and pickle stores the bytes of its model file.
#[pyclass(frozen, module = "churn_core._churn_core")]
pub(crate) struct FlatModel(churn_core::ChurnClassifier);

#[pymethods]
impl FlatModel {
    /// Fits the classifier. `classes` and the optional `groups` are integer codes, one per row. `class_weights` is
    /// None, "balanced", or a list with one number per class.
    #[staticmethod]
    #[allow(clippy::too_many_arguments)]
    #[pyo3(signature = (table, classes, weights, groups, class_weights, *, seed, threads, leakage, allow_columns, monotone_constraints, categorical))]
    fn fit(
        py: Python<'_>,
        table: &FlatTable,
        classes: PyReadonlyArray1<'_, u32>,
        weights: Option<PyReadonlyArray1<'_, f64>>,
        groups: Option<PyReadonlyArray1<'_, u32>>,
        class_weights: Option<&Bound<'_, PyAny>>,
        seed: u64,
        threads: Option<usize>,
        #[pyo3(from_py_with = arguments::leakage)] leakage: LeakagePolicy,
        #[pyo3(from_py_with = arguments::allow_columns)] allow_columns: Vec<String>,
        #[pyo3(from_py_with = arguments::monotone_constraints)] monotone_constraints: Vec<(String, Monotonicity)>,
        #[pyo3(from_py_with = arguments::categorical)] categorical: Vec<String>,
    ) -> PyResult<Self> {
        let class_weights = match class_weights {
            None => ClassWeights::Equal,
            Some(name) if name.cast::<PyString>().is_ok() => ClassWeights::Balanced,
            Some(given) => ClassWeights::Given(given.extract()?),
        };
        let classes = classes.as_array().to_vec();
        let weights = weights.map(|weights| weights.as_array().to_vec());
        let mut options = ClassifierOptions::default()
            .with_class_weight(class_weights)
            .with_leakage(leakage)
            .with_allow_columns(allow_columns)
            .with_categorical(categorical)
            .with_seed(seed);
        options.ensemble.monotone_constraints = monotone_constraints;
        let groups = groups.map(|groups| groups.as_array().to_vec());
        let table = table.0.clone();
        let model = work::run(py, threads, None, move |execution| {
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

    /// The id of the classifier: a hash of its content.
    #[getter]
    fn id(&self) -> &str {
        self.0.id()
    }

    /// The names of the columns that the classifier was fitted on.
    #[getter]
    fn feature_names(&self) -> Vec<String> {
        self.0.feature_names().to_vec()
    }

    /// The report on the fit, as JSON: how the classifier was fitted and how well it performs.
    #[getter]
    fn report(&self, py: Python<'_>) -> PyResult<String> {
        serde_json::to_string(self.0.report()).map_err(|e| refuse(py, "internal", &e.to_string(), None))
    }

    /// Returns the probability of each class for each row, as a float64 array of shape (rows, classes).
    #[pyo3(signature = (table, *, threads=None))]
    fn predict_proba(&self, py: Python<'_>, table: &FlatTable, threads: Option<usize>) -> PyResult<Py<PyAny>> {
        let found = work::run(py, threads, None, |execution| {
            self.0.predict_proba(&table.0, &execution)
        })?;
        Ok(found.into_pyarray(py).into_any().unbind())
    }

    /// Returns, for each row, a 90 % confidence interval for the churn rate of rows with the same score. The result is
    /// a float64 array of shape (rows, 2).
    #[pyo3(signature = (table, *, threads=None))]
    fn predict_interval(&self, py: Python<'_>, table: &FlatTable, threads: Option<usize>) -> PyResult<Py<PyAny>> {
        let found = work::run(py, threads, None, |execution| {
            self.0.predict_interval(&table.0, &execution)
        })?;
        Ok(found.into_pyarray(py).into_any().unbind())
    }

    /// Returns the Shapley values of each row, one per column. They are contributions to the log-odds before
    /// calibration.
    #[pyo3(signature = (table, *, threads=None))]
    fn explain(&self, py: Python<'_>, table: &FlatTable, threads: Option<usize>) -> PyResult<Py<PyAny>> {
        let found = work::run(py, threads, None, |execution| self.0.explain(&table.0, &execution))?;
        let data = table.to_numpy(py)?.unbind();
        explanation(py, found.contributions, found.base_value, data, self.feature_names())
    }

    /// Returns, for each row, the columns with the largest contributions to the row's score. `top` is the number of
    /// columns.
    #[pyo3(signature = (table, top, *, threads=None))]
    fn reasons<'py>(
        &self,
        py: Python<'py>,
        table: &FlatTable,
        #[pyo3(from_py_with = arguments::top)] top: usize,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyList>> {
        let found = work::run(py, threads, None, |execution| self.0.reasons(&table.0, top, &execution))?;
        let found: Vec<_> = found.iter().map(|row| reasons(py, row)).collect::<PyResult<_>>()?;
        PyList::new(py, found)
    }

    /// Returns the bytes of the model file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.to_bytes())
    }

    /// Opens a classifier from the bytes of its model file. Invalid bytes raise an error.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, #[pyo3(from_py_with = arguments::data)] data: Vec<u8>) -> PyResult<Self> {
        py.detach(|| churn_core::ChurnClassifier::from_bytes(&data))
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
