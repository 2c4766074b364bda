//! Import of tree ensembles from other libraries.

mod budget;
mod file;
mod layout;
mod lightgbm;
#[cfg(test)]
mod tests;
mod xgboost;

use ndarray::ArrayView2;

use super::{FlatTrees, Input};
use crate::error::{Error, ErrorKind, Result, names};
use crate::numeric::sigmoid;
use crate::parallel::Execution;

pub(crate) use file::Read;
use layout::{Part, TreeLayout};

names! {
    /// The unit of the sum of a row's leaves.
    pub enum Link: "link" {
        /// Log-odds.
        LogOdds = "log_odds",
        /// A probability.
        Probability = "probability",
    }
}

/// An ensemble of decision trees that scores rows and explains the scores. It is imported from another library or
/// trained by this one.
///
/// A matrix (rows x columns) may hold `f32` or `f64` in row-major or column-major order, and is never copied as a
/// whole. NaN means a missing value, and the model states for each split on which side missing values go. Results are
/// bit-identical for any number of threads and do not depend on the other rows.
///
/// The import functions are safe on untrusted models. Their memory is at most 32 times the size of the model file plus
/// 32 MiB, and their time is proportional to the size of the file.
///
/// ```
/// use churn_core::Execution;
/// use churn_core::ensemble::{TreeEnsemble, ForeignTree, ForeignTrees, Link};
/// use ndarray::array;
///
/// let stump = ForeignTree {
///     feature: vec![0, -1, -1],
///     threshold: vec![1.5, 0.0, 0.0],
///     left: vec![1, -1, -1],
///     right: vec![2, -1, -1],
///     missing_left: vec![true, false, false],
///     value: vec![0.0, 0.25, 0.75],
///     cover: vec![10.0, 5.0, 5.0],
/// };
/// let ensemble = TreeEnsemble::from_trees(&ForeignTrees {
///     trees: vec![stump],
///     n_features: 1,
///     link: Link::Probability,
///     ..Default::default()
/// })?;
/// let x = array![[1.0], [2.0], [f64::NAN]];
/// assert_eq!(ensemble.predict_proba(x.view(), &Execution::new())?, [0.25, 0.75, 0.25]);
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TreeEnsemble {
    trees: FlatTrees,
    link: Link,
    /// The sum of the base and the leaves is divided by this number, then multiplied by `scale`.
    divisor: f64,
    scale: f64,
    /// Names of the columns; empty if they are not known.
    feature_names: Vec<String>,
}

/// One tree of another library, as arrays with one entry per node. The first node is the root.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForeignTree {
    /// The column of a split; ignored for a leaf.
    pub feature: Vec<i64>,
    /// Values up to and including the threshold go left; ignored for a leaf.
    pub threshold: Vec<f64>,
    /// The index of the left child; negative for a leaf.
    pub left: Vec<i64>,
    /// The index of the right child; negative for a leaf.
    pub right: Vec<i64>,
    /// Whether missing values go left.
    pub missing_left: Vec<bool>,
    /// The value of a leaf; ignored for a split.
    pub value: Vec<f64>,
    /// The sum of the weights of the training rows that reached the node.
    pub cover: Vec<f64>,
}

/// A tree ensemble as arrays, for libraries whose model files this crate cannot read.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignTrees {
    /// The trees, in the order in which their leaves are summed.
    pub trees: Vec<ForeignTree>,
    /// Number of columns of a row.
    pub n_features: usize,
    /// The constant that is added to the leaves.
    pub base: f64,
    /// The divisor of the sum: the number of trees if they are averaged, else 1.
    pub divisor: f64,
    /// The factor by which the sum is multiplied after it was divided by `divisor`.
    pub scale: f64,
    /// The unit of the result.
    pub link: Link,
    /// Whether values are rounded to `f32` before comparison, as in scikit-learn and XGBoost.
    pub rounded: bool,
}

impl Default for ForeignTrees {
    fn default() -> Self {
        Self {
            trees: vec![],
            n_features: 0,
            base: 0.0,
            divisor: 1.0,
            scale: 1.0,
            link: Link::LogOdds,
            rounded: false,
        }
    }
}

/// The error of a model that cannot be imported.
fn refused(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::ImportFailed, why)
}

impl TreeEnsemble {
    /// Imports a LightGBM model from the text that `save_model` writes. The objectives `binary` and `cross_entropy` are
    /// supported.
    ///
    /// Scores equal LightGBM's: each row reaches the same leaves, and their values are summed in the same order in
    /// `f64`. Only the last bits of the exponential can differ. Splits on categories are supported. All trees in the
    /// text are used; after early stopping, `save_model` by default writes only the trees up to the best iteration.
    ///
    /// # Errors
    /// `import_failed` in these cases:
    /// - The text is not such a model, or it is damaged or truncated.
    /// - It claims more columns or larger category sets than its size allows.
    /// - It has several classes, or leaves with linear models.
    /// - It has splits that treat zero as missing and send it to a different side than the values just above and below
    ///   zero.
    pub fn from_lightgbm(text: &str) -> Result<Self> {
        lightgbm::read(text)
    }

    /// Imports an XGBoost model from the JSON that `save_model("x.json")` writes. The boosters `gbtree` and `dart` and
    /// the objectives `binary:logistic` and `reg:logistic` are supported.
    ///
    /// Values are rounded to `f32` before comparison, as in XGBoost, so every row reaches the same leaves. XGBoost sums
    /// leaves and computes the exponential in `f32`, and this crate does so in `f64`. Probabilities therefore differ by
    /// XGBoost's rounding, about 1e-6. After early stopping, the file contains the `best_iteration`, and only the trees
    /// up to that iteration are used, as in `XGBClassifier.predict_proba`. XGBoost's `Booster.predict` uses all trees
    /// unless it is given an `iteration_range`.
    ///
    /// # Errors
    /// `import_failed` in these cases:
    /// - The JSON is not such a model.
    /// - It claims more columns or larger category sets than its size allows.
    /// - It has several classes or targets, or a booster or objective that is not supported.
    pub fn from_xgboost(json: &[u8]) -> Result<Self> {
        xgboost::read(json)
    }

    /// Imports trees from arrays.
    ///
    /// # Errors
    /// `import_failed` if the arrays of a tree differ in length, if a child lies outside the tree, if the nodes do not
    /// form a tree, or if a required number is not finite.
    pub fn from_trees(given: &ForeignTrees) -> Result<Self> {
        let mut ensemble = Self::begin(given.base, given.n_features)?;
        (ensemble.divisor, ensemble.scale, ensemble.link) = (given.divisor, given.scale, given.link);
        for (number, tree) in given.trees.iter().enumerate() {
            let layout = layout_of(tree, given.rounded);
            ensemble.push(
                number,
                &layout.ok_or_else(|| refused(format!("tree {number}: its arrays differ in length")))?,
            )?;
        }
        ensemble.finish()
    }

    /// Creates an ensemble without trees.
    fn begin(base: f64, features: usize) -> Result<Self> {
        if features >= super::flat::MOST_FEATURES {
            return Err(refused(format!("{features} features are too many")));
        }
        Ok(Self {
            trees: FlatTrees::new(base, features),
            link: Link::LogOdds,
            divisor: 1.0,
            scale: 1.0,
            feature_names: vec![],
        })
    }

    fn push(&mut self, number: usize, tree: &TreeLayout) -> Result<()> {
        tree.lay_out(&mut self.trees)
            .map_err(|why| refused(format!("tree {number}: {why}")))
    }

    /// Whether the divisor and the scale are valid.
    fn is_usable(&self) -> bool {
        let usable = |number: f64| number.is_finite() && number > 0.0;
        usable(self.divisor) && usable(self.scale)
    }

    /// Validates and returns the ensemble.
    fn finish(self) -> Result<Self> {
        if !self.is_usable() {
            return Err(refused("the divisor and the scale must be finite and above 0"));
        }
        match self.trees.validate() {
            Ok(()) => Ok(self),
            Err(damage) => Err(refused(damage.to_string())),
        }
    }

    /// Number of trees.
    pub fn n_trees(&self) -> usize {
        self.trees.n_trees()
    }

    /// Number of columns that a row must have.
    pub fn n_features(&self) -> usize {
        self.trees.n_features()
    }

    /// Names of the columns, in order; empty if the model has no names.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// Sets the names of the columns, in order.
    ///
    /// # Errors
    /// `feature_mismatch` if the number of names differs from the number of columns.
    pub fn with_feature_names(mut self, names: Vec<String>) -> Result<Self> {
        if names.len() != self.n_features() {
            let message = format!("{} names were given for {} columns", names.len(), self.n_features());
            return Err(Error::new(ErrorKind::FeatureMismatch, message));
        }
        self.feature_names = names;
        Ok(self)
    }

    /// Sets the column names that a model file contains. Names that the other library made up are ignored: these are
    /// `default` followed by the position of the column.
    fn name_features(&mut self, names: Vec<String>, default: &str) {
        let generated = |(position, name): (usize, &String)| name.strip_prefix(default) == Some(&position.to_string());
        if names.len() == self.n_features() && !names.iter().enumerate().all(generated) {
            self.feature_names = names;
        }
    }

    /// The unit of the sum of a row's leaves, and of its explanation: log-odds or probability.
    pub fn link(&self) -> Link {
        self.link
    }

    /// The probability of the second class for each row.
    ///
    /// # Errors
    /// `feature_mismatch` if the matrix has a different number of columns; `cancelled`.
    pub fn predict_proba<T: Input>(&self, x: ArrayView2<'_, T>, execution: &Execution) -> Result<Vec<f64>> {
        let mut sums = self.trees.scores(x, execution)?;
        for sum in &mut sums {
            *sum = match self.link {
                Link::LogOdds => sigmoid(self.scaled(*sum)),
                Link::Probability => self.scaled(*sum),
            };
        }
        Ok(sums)
    }

    /// The trees, without the scaling of their sums.
    pub(crate) fn flat(&self) -> &FlatTrees {
        &self.trees
    }

    /// Scales a sum of leaves.
    pub(crate) fn scaled(&self, sum: f64) -> f64 {
        sum / self.divisor * self.scale
    }
}

/// Trees that this crate trains: their leaves sum to log-odds.
impl From<FlatTrees> for TreeEnsemble {
    fn from(trees: FlatTrees) -> Self {
        Self {
            trees,
            link: Link::LogOdds,
            divisor: 1.0,
            scale: 1.0,
            feature_names: vec![],
        }
    }
}

/// The tree that the arrays describe; `None` if the arrays differ in length.
fn layout_of(tree: &ForeignTree, rounded: bool) -> Option<TreeLayout> {
    let nodes = tree.left.len();
    let lengths = [
        tree.feature.len(),
        tree.threshold.len(),
        tree.right.len(),
        tree.missing_left.len(),
        tree.value.len(),
        tree.cover.len(),
    ];
    if lengths != [nodes; 6] {
        return None;
    }
    let parts = (0..nodes).map(|place| {
        if tree.left[place] < 0 {
            return Part::Leaf(tree.value[place]);
        }
        let threshold = tree.threshold[place];
        Part::Split {
            feature: tree.feature[place],
            threshold: if rounded {
                layout::up_to_rounded(threshold)
            } else {
                threshold
            },
            missing_left: tree.missing_left[place],
            left: tree.left[place],
            right: tree.right[place],
        }
    });
    Some(TreeLayout {
        parts: parts.collect(),
        sets: vec![],
        covers: tree.cover.clone(),
    })
}
