//! Tree ensembles that were trained by this package or by another library.

use std::path::PathBuf;
use std::sync::Arc;

pub(crate) use churn_core::ensemble::TreeEnsemble as Trees;
use churn_core::ensemble::{ForeignTree, ForeignTrees, Link};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString};

use crate::arguments;
use crate::errors::{OrRaise, refuse};
use crate::matrix::{Matrix, both};
use crate::run::explanation;

/// Reads a model file. `given` is the path or the content of the file.
fn content(given: &Bound<'_, PyAny>, is_content: impl Fn(&str) -> bool) -> PyResult<Vec<u8>> {
    let py = given.py();
    if let Ok(text) = given.cast::<PyString>() {
        let Ok(text) = text.to_cow() else {
            return Err(refuse(
                py,
                "invalid_option",
                "the model is a text that is not Unicode",
                Some("model"),
            ));
        };
        if is_content(&text) {
            return Ok(text.into_owned().into_bytes());
        }
    }
    if let Ok(path) = given.extract::<PathBuf>() {
        return py.detach(|| churn_core::read_file(&path)).or_raise(py);
    }
    let is_bytes = given.is_instance_of::<PyBytes>()
        || given.is_instance_of::<PyByteArray>()
        || given.is_instance_of::<PyMemoryView>();
    if is_bytes {
        let bytes = py.get_type::<PyBytes>().call1((given,))?;
        return Ok(bytes.cast::<PyBytes>()?.as_bytes().to_vec());
    }
    let message = "pass the path or the content of the model";
    Err(refuse(py, "invalid_option", message, Some("model")))
}

/// The result of the Python function `_sklearn.read`, which reads a fitted estimator.
#[derive(FromPyObject)]
enum Estimator<'py> {
    LightGbm(String),
    XgBoost(Bound<'py, PyBytes>),
    Arrays(Arrays<'py>),
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Arrays<'py> {
    trees: Vec<Tree<'py>>,
    features: usize,
    base: f64,
    divisor: f64,
    scale: f64,
    probability: bool,
    rounded: bool,
    names: Option<Vec<String>>,
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Tree<'py> {
    feature: PyReadonlyArray1<'py, i64>,
    threshold: PyReadonlyArray1<'py, f64>,
    left: PyReadonlyArray1<'py, i64>,
    right: PyReadonlyArray1<'py, i64>,
    missing_left: PyReadonlyArray1<'py, bool>,
    value: PyReadonlyArray1<'py, f64>,
    cover: PyReadonlyArray1<'py, f64>,
}

impl From<Arrays<'_>> for ForeignTrees {
    fn from(given: Arrays<'_>) -> Self {
        let trees = given.trees.iter().map(|tree| ForeignTree {
            feature: tree.feature.as_array().to_vec(),
            threshold: tree.threshold.as_array().to_vec(),
            left: tree.left.as_array().to_vec(),
            right: tree.right.as_array().to_vec(),
            missing_left: tree.missing_left.as_array().to_vec(),
            value: tree.value.as_array().to_vec(),
            cover: tree.cover.as_array().to_vec(),
        });
        Self {
            trees: trees.collect(),
            n_features: given.features,
            base: given.base,
            divisor: given.divisor,
            scale: given.scale,
            link: if given.probability {
                Link::Probability
            } else {
                Link::LogOdds
            },
            rounded: given.rounded,
        }
    }
}

/// Returns the column names of a frame, or `None` for a matrix without names. Refuses categorical columns, because the
/// model expects codes and not category names.
fn names_of(x: &Bound<'_, PyAny>) -> PyResult<Option<Vec<String>>> {
    let arrow = x.getattr("column_names");
    let Ok(given) = arrow.or_else(|_| x.getattr("columns")) else {
        return Ok(None);
    };
    let given: Vec<String> = given
        .try_iter()?
        .map(|name| name?.str()?.extract())
        .collect::<PyResult<_>>()?;
    if let Ok(kinds) = x.getattr("dtypes").and_then(|kinds| kinds.try_iter()) {
        for (kind, name) in kinds.zip(&given) {
            if kind?.str()?.to_cow()? == "category" {
                let message =
                    format!("column {name:?} holds categories: give their codes, as the model was trained on");
                return Err(refuse(x.py(), "invalid_option", &message, Some("X")));
            }
        }
    }
    Ok(Some(given))
}

/// Replaces each space in a column name with an underscore, as LightGBM does in its model text.
fn spelled(name: &str) -> String {
    name.replace(' ', "_")
}

/// An ensemble of trees that scores rows and explains the scores. The trees come from this package (`to_trees`) or from
/// another library (`from_xgboost`, `from_lightgbm`, `from_sklearn`). An ensemble is immutable.
///
/// Rows are given as a frame, or as a numeric matrix whose columns are in training order. If the model has column names
/// (``feature_names``), the columns of a frame are matched by name, in any order, and a missing column is an error. NaN
/// is a missing value. Categories are given as integer codes. float32 and float64 matrices are not copied. Results do
/// not depend on the number of threads.
///
/// >>> import numpy as np
/// >>> from sklearn.ensemble import RandomForestClassifier
/// >>> X = np.arange(40.0).reshape(-1, 2) % 7
/// >>> forest = RandomForestClassifier(n_estimators=5, random_state=0).fit(X, X[:, 0] > 3)
/// >>> ensemble = churn.TreeEnsemble.from_sklearn(forest)
/// >>> ensemble
/// <TreeEnsemble: 5 trees, 2 columns>
/// >>> bool(np.allclose(ensemble.predict_proba(X), forest.predict_proba(X)))
/// True
#[pyclass(frozen, module = "churn_core")]
pub(crate) struct TreeEnsemble(pub(crate) Arc<Trees>);

impl TreeEnsemble {
    pub(crate) fn new(trees: Trees) -> Self {
        Self(Arc::new(trees))
    }

    /// Converts the rows to a matrix. Columns are matched by name if both the model and the rows have column names.
    fn matrix<'py>(&self, x: &Bound<'py, PyAny>) -> PyResult<Matrix<'py>> {
        let py = x.py();
        let (known, given) = (self.0.feature_names(), names_of(x)?);
        let ordered = match given {
            Some(given) if !known.is_empty() => {
                let given: Vec<String> = given.iter().map(|name| spelled(name)).collect();
                let own: Vec<String> = known.iter().map(|name| spelled(name)).collect();
                let mut places = Vec::with_capacity(own.len());
                for (name, own) in known.iter().zip(&own) {
                    let Some(place) = given.iter().position(|given| given == own) else {
                        let message = format!(
                            "X has no column '{name}'; the model was trained on {}",
                            known.join(", ")
                        );
                        return Err(refuse(py, "feature_mismatch", &message, Some(name)));
                    };
                    places.push(place);
                }
                if let Some(other) = given.iter().find(|given| !own.contains(given)) {
                    let message = format!(
                        "X has a column '{other}' that the model was not trained on; it was trained on {}",
                        known.join(", ")
                    );
                    return Err(refuse(py, "feature_mismatch", &message, Some(other)));
                }
                let in_order = places.iter().enumerate().all(|(place, &found)| place == found);
                if in_order { x.clone() } else { columns_at(x, places)? }
            }
            _ => x.clone(),
        };
        let x = Matrix::new(&ordered)?;
        x.check(py, "TreeEnsemble", self.0.n_features(), known)?;
        Ok(x)
    }
}

/// Selects the columns of a frame at the given positions.
fn columns_at<'py>(x: &Bound<'py, PyAny>, places: Vec<usize>) -> PyResult<Bound<'py, PyAny>> {
    if x.hasattr("iloc")? {
        let rows = pyo3::types::PySlice::full(x.py());
        return x.getattr("iloc")?.get_item((rows, places));
    }
    // Only frames of pyarrow and polars reach this point.
    x.call_method1(
        "select",
        (places
            .iter()
            .map(|&place| name_at(x, place))
            .collect::<PyResult<Vec<_>>>()?,),
    )
}

fn name_at<'py>(x: &Bound<'py, PyAny>, place: usize) -> PyResult<Bound<'py, PyAny>> {
    let names = x.getattr("column_names").or_else(|_| x.getattr("columns"))?;
    names.get_item(place)
}

#[pymethods]
impl TreeEnsemble {
    /// Imports an XGBoost model. The argument is the path of the JSON file that ``save_model("model.json")`` writes, or
    /// the JSON itself.
    ///
    /// The boosters ``gbtree`` and ``dart`` and the objectives ``binary:logistic`` and ``reg:logistic`` are supported.
    /// As in XGBoost, values are rounded to float32 before they are compared with thresholds. Leaf values are summed in
    /// float64. XGBoost sums them in float32, so its probabilities differ from those of this class by up to about 1e-6.
    /// If the model was trained with early stopping, only the trees up to its best iteration are used, as in XGBoost's
    /// own estimators.
    ///
    /// Raises:
    ///     ImportFailedError: The content is not an XGBoost model, or this kind of model is not supported.
    ///     FileMissingError: The file does not exist.
    ///
    /// >>> tree = {"tree_param": {"num_nodes": "3"}, "left_children": [1, -1, -1], "right_children": [2, -1, -1],
    /// ...         "split_indices": [0, 0, 0], "split_conditions": [0.5, -1.0, 1.0], "default_left": [0, 0, 0],
    /// ...         "sum_hessian": [2.0, 1.0, 1.0]}
    /// >>> model = {"learner": {
    /// ...     "learner_model_param": {"base_score": "5E-1", "num_class": "0", "num_feature": "1"},
    /// ...     "objective": {"name": "binary:logistic"},
    /// ...     "gradient_booster": {"name": "gbtree", "model": {
    /// ...         "gbtree_model_param": {"num_trees": "1"}, "trees": [tree], "tree_info": [0]}}}}
    /// >>> import json
    /// >>> churn.TreeEnsemble.from_xgboost(json.dumps(model).encode()).predict_proba([[0.2], [0.9]])[:, 1].round(3).tolist()
    /// [0.269, 0.731]
    #[staticmethod]
    #[pyo3(signature = (path_or_bytes))]
    fn from_xgboost(py: Python<'_>, path_or_bytes: &Bound<'_, PyAny>) -> PyResult<Self> {
        let json = content(path_or_bytes, |text| text.trim_start().starts_with('{'))?;
        py.detach(|| Trees::from_xgboost(&json)).or_raise(py).map(Self::new)
    }

    /// Imports a LightGBM model. The argument is the path of the text file that ``save_model`` writes, or the text
    /// itself.
    ///
    /// The objectives ``binary`` and ``cross_entropy`` are supported. Categorical splits are supported too.
    /// Probabilities equal those of LightGBM, except for rounding differences in the exponential function. All trees in
    /// the text are used.
    ///
    /// Raises:
    ///     ImportFailedError: The content is not a LightGBM model, or this kind of model is not supported.
    ///     FileMissingError: The file does not exist.
    ///
    /// >>> text = '''tree
    /// ... version=v4
    /// ... num_class=1
    /// ... num_tree_per_iteration=1
    /// ... max_feature_idx=0
    /// ... objective=binary sigmoid:1
    /// ... tree_sizes=1
    /// ...
    /// ... Tree=0
    /// ... num_leaves=2
    /// ... num_cat=0
    /// ... split_feature=0
    /// ... threshold=0.5
    /// ... decision_type=8
    /// ... left_child=-1
    /// ... right_child=-2
    /// ... leaf_value=-1 1
    /// ... leaf_count=10 10
    /// ... internal_count=20
    /// ...
    /// ... end of trees
    /// ... '''
    /// >>> churn.TreeEnsemble.from_lightgbm(text).predict_proba([[0.2], [0.9]])[:, 1].round(3).tolist()
    /// [0.269, 0.731]
    #[staticmethod]
    #[pyo3(signature = (path_or_text))]
    fn from_lightgbm(py: Python<'_>, path_or_text: &Bound<'_, PyAny>) -> PyResult<Self> {
        // A text with a line break is the model itself, because a path has only one line.
        let text = content(path_or_text, |text| text.contains('\n'))?;
        let wrong = |_| refuse(py, "import_failed", "this is not the text of a LightGBM model", None);
        let text = String::from_utf8(text).map_err(wrong)?;
        py.detach(|| Trees::from_lightgbm(&text)).or_raise(py).map(Self::new)
    }

    /// Imports a fitted estimator of scikit-learn, LightGBM or XGBoost for two classes.
    ///
    /// These estimators of scikit-learn are supported: RandomForestClassifier, ExtraTreesClassifier,
    /// GradientBoostingClassifier, HistGradientBoostingClassifier without categorical columns, DecisionTreeClassifier
    /// and ExtraTreeClassifier. LightGBM's LGBMClassifier and XGBoost's XGBClassifier and XGBRFClassifier are supported
    /// too. Forests and single trees average probabilities, so their Shapley values are differences of probabilities,
    /// not of log-odds. Probabilities are in the order of the estimator's ``classes_``.
    ///
    /// Raises:
    ///     ImportFailedError: The estimator is not fitted or not supported.
    ///
    /// >>> from sklearn.tree import DecisionTreeClassifier
    /// >>> tree = DecisionTreeClassifier().fit([[0.0], [1.0]], ["no", "yes"])
    /// >>> churn.TreeEnsemble.from_sklearn(tree).predict_proba([[0.9]]).tolist()
    /// [[0.0, 1.0]]
    #[staticmethod]
    #[pyo3(signature = (estimator))]
    fn from_sklearn(py: Python<'_>, estimator: &Bound<'_, PyAny>) -> PyResult<Self> {
        let found = py.import("churn_core._sklearn")?.getattr("read")?.call1((estimator,))?;
        match found.extract()? {
            Estimator::LightGbm(text) => py.detach(|| Trees::from_lightgbm(&text)).or_raise(py).map(Self::new),
            Estimator::XgBoost(json) => {
                let json = json.as_bytes();
                py.detach(|| Trees::from_xgboost(json)).or_raise(py).map(Self::new)
            }
            Estimator::Arrays(mut arrays) => {
                let names = arrays.names.take();
                let trees = ForeignTrees::from(arrays);
                let made = py.detach(|| Trees::from_trees(&trees)).or_raise(py)?;
                match names {
                    Some(names) => made.with_feature_names(names).or_raise(py).map(Self::new),
                    None => Ok(Self::new(made)),
                }
            }
        }
    }

    /// Returns a copy of the ensemble that has the given column names. The columns of frames are then matched by these
    /// names.
    ///
    /// Raises:
    ///     FeatureMismatchError: The number of names differs from the number of columns.
    fn with_feature_names(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::feature_names)] feature_names: Vec<String>,
    ) -> PyResult<Self> {
        let trees = Trees::clone(&self.0);
        trees.with_feature_names(feature_names).or_raise(py).map(Self::new)
    }

    /// Returns the probabilities of both classes as a float64 array of shape (n, 2). float32 and float64 matrices are
    /// not copied.
    ///
    /// Raises:
    ///     FeatureMismatchError: The number or the names of the columns differ from those in training.
    #[pyo3(signature = (X, *, threads=None))]
    #[allow(non_snake_case)]
    fn predict_proba(
        &self,
        py: Python<'_>,
        X: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::threads)] threads: Option<usize>,
    ) -> PyResult<Py<PyAny>> {
        let x = self.matrix(X)?;
        Ok(both(py, x.score(py, &self.0, threads)?))
    }

    /// Returns the exact Shapley values (TreeSHAP) of each column for each row, as an `Explanation`. The values
    /// are in log-odds, or in probabilities if the trees average probabilities. The attribute `link` tells which of the
    /// two applies.
    ///
    /// Raises:
    ///     FeatureMismatchError: The number or the names of the columns differ from those in training.
    #[pyo3(signature = (X, *, threads=None))]
    #[allow(non_snake_case)]
    fn explain(
        &self,
        py: Python<'_>,
        X: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::threads)] threads: Option<usize>,
    ) -> PyResult<Py<PyAny>> {
        let x = self.matrix(X)?;
        let (contributions, base_value) = x.explain(py, &self.0, threads)?;
        let names = match (self.0.feature_names(), names_of(X)?) {
            ([], Some(given)) if given.len() == x.shape().1 => given,
            ([], _) => (0..x.shape().1).map(|column| format!("x{column}")).collect(),
            (known, _) => known.to_vec(),
        };
        explanation(py, contributions, base_value, x.to_numpy(py), names)
    }

    /// The column names in training order. None if the model has no column names.
    #[getter]
    fn feature_names(&self) -> Option<Vec<String>> {
        let names = self.0.feature_names();
        (!names.is_empty()).then(|| names.to_vec())
    }

    /// The scale of leaf values and Shapley values: ``"log_odds"``, or ``"probability"`` if the trees average
    /// probabilities.
    #[getter]
    fn link(&self) -> &'static str {
        self.0.link().as_str()
    }

    /// Number of columns that a row must have.
    #[getter]
    fn n_features(&self) -> usize {
        self.0.n_features()
    }

    /// Serializes the trees, with their column names and `link`, to bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &py.detach(|| self.0.to_bytes()).or_raise(py)?))
    }

    /// Restores an ensemble from the bytes that `to_bytes` returned. Invalid bytes raise an error.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, #[pyo3(from_py_with = arguments::data)] data: Vec<u8>) -> PyResult<Self> {
        py.detach(|| Trees::from_bytes(&data)).or_raise(py).map(Self::new)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((slf.get_type().getattr("from_bytes")?, (slf.get().to_bytes(slf.py())?,)))
    }

    /// Number of trees.
    fn __len__(&self) -> usize {
        self.0.n_trees()
    }

    fn __repr__(&self) -> String {
        format!(
            "<TreeEnsemble: {} trees, {} columns>",
            self.0.n_trees(),
            self.0.n_features()
        )
    }
}
