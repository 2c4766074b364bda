//! Trees alone, learned here or by another library.

use std::path::PathBuf;
use std::sync::Arc;

pub(crate) use churn_core::ensemble::TreeEnsemble as Trees;
use churn_core::ensemble::{ForeignTree, ForeignTrees, Link};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString};

use crate::errors::{OrRaise, refuse};
use crate::matrix::{Matrix, both};
use crate::run::Explanation;

/// A model as it was given: by its path or as its content.
fn content(given: &Bound<'_, PyAny>, is_content: impl Fn(&str) -> bool) -> PyResult<Vec<u8>> {
    let py = given.py();
    if let Ok(text) = given.cast::<PyString>()
        && let text = text.to_cow()?
        && is_content(&text)
    {
        return Ok(text.into_owned().into_bytes());
    }
    if let Ok(path) = given.extract::<PathBuf>() {
        let named = |error: std::io::Error| std::io::Error::new(error.kind(), format!("'{}': {error}", path.display()));
        return py
            .detach(|| std::fs::read(&path).map_err(|error| churn_core::Error::from(named(error))))
            .or_raise(py);
    }
    let is_bytes = given.is_instance_of::<PyBytes>()
        || given.is_instance_of::<PyByteArray>()
        || given.is_instance_of::<PyMemoryView>();
    if is_bytes {
        let bytes = py.get_type::<PyBytes>().call1((given,))?;
        return Ok(bytes.cast::<PyBytes>()?.as_bytes().to_vec());
    }
    let message = "a model is given by its path or as its content";
    Err(refuse(py, "invalid_option", message, Some("model")))
}

/// What `_sklearn.read` finds in an estimator.
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
            features: given.features,
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

/// The names of the columns of a frame; `None` for a plain matrix. Refuses columns of categories, whose codes are needed.
fn frame_names(x: &Bound<'_, PyAny>) -> PyResult<Option<Vec<String>>> {
    let Ok(given) = x.getattr("columns") else {
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

/// Trees that score rows and explain the scores: learned here (`to_ensemble`), or by another library (`from_xgboost`,
/// `from_lightgbm`, `from_sklearn`). Immutable.
///
/// Rows are a matrix of numbers, or a frame whose columns stand as in training; NaN is missing, a category is its code.
/// Neither float32 nor float64 is copied. Threads never change a bit of the result.
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
#[pyclass(frozen, module = "churn")]
pub(crate) struct TreeEnsemble(pub(crate) Arc<Trees>);

impl TreeEnsemble {
    fn new(trees: Trees) -> Self {
        Self(Arc::new(trees))
    }
}

#[pymethods]
impl TreeEnsemble {
    /// A model of XGBoost: the path of the JSON file that ``save_model("model.json")`` writes, or the JSON itself.
    ///
    /// Boosters ``gbtree`` and ``dart``, objectives ``binary:logistic`` and ``reg:logistic``. Values are rounded to float32
    /// before they are compared, as XGBoost does, whatever X holds. Leaves are added in float64, which XGBoost does in
    /// float32, so probabilities differ by its rounding, about 1e-6. After early stopping the trees up to the best iteration are
    /// used, as by ``XGBClassifier.predict_proba``.
    ///
    /// Raises:
    ///     ImportFailedError: it is no such model, or one of a kind that is not taken over.
    ///     FileMissingError: there is no such file.
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

    /// A model of LightGBM: the path of the text file that ``save_model`` writes, or the text itself.
    ///
    /// Objectives ``binary`` and ``cross_entropy``; sets of categories are kept. Scores are LightGBM's but for the last bits
    /// of the exponential. All trees in the text are taken.
    ///
    /// Raises:
    ///     ImportFailedError: it is no such model, or one of a kind that is not taken over.
    ///     FileMissingError: there is no such file.
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
        // A path has one line.
        let text = content(path_or_text, |text| text.contains('\n'))?;
        let wrong = |_| refuse(py, "import_failed", "this is not the text of a LightGBM model", None);
        let text = String::from_utf8(text).map_err(wrong)?;
        py.detach(|| Trees::from_lightgbm(&text)).or_raise(py).map(Self::new)
    }

    /// A fitted estimator of two classes.
    ///
    /// Of scikit-learn: RandomForestClassifier, ExtraTreesClassifier, GradientBoostingClassifier,
    /// HistGradientBoostingClassifier without categorical columns, DecisionTreeClassifier, ExtraTreeClassifier. Of LightGBM:
    /// LGBMClassifier. Of XGBoost: XGBClassifier, XGBRFClassifier. Forests and single trees average probabilities and are
    /// explained in them. Probabilities stand in the order of the estimator's ``classes_``.
    ///
    /// Raises:
    ///     ImportFailedError: it is another estimator, not fitted, or one of a kind that is not taken over.
    ///
    /// >>> from sklearn.tree import DecisionTreeClassifier
    /// >>> tree = DecisionTreeClassifier().fit([[0.0], [1.0]], ["no", "yes"])
    /// >>> churn.TreeEnsemble.from_sklearn(tree).predict_proba([[0.9]]).tolist()
    /// [[0.0, 1.0]]
    #[staticmethod]
    #[pyo3(signature = (estimator))]
    fn from_sklearn(py: Python<'_>, estimator: &Bound<'_, PyAny>) -> PyResult<Self> {
        let read = py.import("churn._sklearn")?.getattr("read")?.call1((estimator,))?;
        let trees = match read.extract()? {
            Estimator::LightGbm(text) => py.detach(|| Trees::from_lightgbm(&text)),
            Estimator::XgBoost(json) => Trees::from_xgboost(json.as_bytes()),
            Estimator::Arrays(arrays) => {
                let trees = ForeignTrees::from(arrays);
                py.detach(|| Trees::from_trees(&trees))
            }
        };
        trees.or_raise(py).map(Self::new)
    }

    /// Probabilities of both classes, float64 (n, 2).
    ///
    /// Raises:
    ///     FeatureMismatchError: X has another number of columns.
    #[pyo3(signature = (X, *, threads=None))]
    #[allow(non_snake_case)]
    fn predict_proba(&self, py: Python<'_>, X: &Bound<'_, PyAny>, threads: Option<usize>) -> PyResult<Py<PyAny>> {
        frame_names(X)?;
        let x = Matrix::new(X)?;
        x.check(py, "TreeEnsemble", self.0.features())?;
        Ok(both(py, x.score(py, &self.0, threads)?))
    }

    /// Contributions of every column to every row: exact path-dependent TreeSHAP. With the base value each row sums to the
    /// log-odds of its probability, or, where ``link`` is ``"probability"``, to the probability.
    ///
    /// Raises:
    ///     FeatureMismatchError: X has another number of columns.
    #[pyo3(signature = (X, *, threads=None))]
    #[allow(non_snake_case)]
    fn explain(&self, py: Python<'_>, X: &Bound<'_, PyAny>, threads: Option<usize>) -> PyResult<Explanation> {
        let given = frame_names(X)?;
        let x = Matrix::new(X)?;
        x.check(py, "TreeEnsemble", self.0.features())?;
        // Only now: a model may claim any number of columns.
        let positions = || (0..self.0.features()).map(|column| format!("x{column}")).collect();
        let names = given
            .filter(|names| names.len() == self.0.features())
            .unwrap_or_else(positions);
        let (contributions, base_value) = x.explain(py, &self.0, threads)?;
        Ok(Explanation::of(py, contributions, base_value, names))
    }

    /// What leaves add up to, and contributions with them: ``"log_odds"``, or ``"probability"`` where trees average.
    #[getter]
    fn link(&self) -> &'static str {
        match self.0.link() {
            Link::LogOdds => "log_odds",
            Link::Probability => "probability",
        }
    }

    /// Number of columns that a row must have.
    #[getter]
    fn n_features(&self) -> usize {
        self.0.features()
    }

    /// The bytes of a file of these trees, with all that belongs to them.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &py.detach(|| self.0.to_bytes()).or_raise(py)?))
    }

    /// Opens such a file from memory; safe on any bytes.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        py.detach(|| Trees::from_bytes(data)).or_raise(py).map(Self::new)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((slf.get_type().getattr("from_bytes")?, (slf.get().to_bytes(slf.py())?,)))
    }

    /// Number of trees.
    fn __len__(&self) -> usize {
        self.0.trees()
    }

    fn __repr__(&self) -> String {
        format!(
            "<TreeEnsemble: {} trees, {} columns>",
            self.0.trees(),
            self.0.features()
        )
    }
}
