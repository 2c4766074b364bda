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
    /// The meaning of a row's score. The score is the scaled sum of the values of the leaves that the row reaches.
    pub enum Link: "link" {
        /// The score is the log-odds.
        LogOdds = "log_odds",
        /// The score is a probability.
        Probability = "probability",
    }
}

/// An ensemble of decision trees that computes the scores of rows and explains the scores. The trees were imported from
/// another library or trained by this library.
///
/// A matrix (rows x columns) may hold `f32` or `f64` in row-major or column-major order. The matrix is never copied as
/// a whole. NaN is a missing value, and each split of the model states whether missing values go left or right. Results
/// are bit-identical for any number of threads, and the score of a row does not depend on the other rows.
///
/// The import functions are safe for untrusted models. They use at most 32 MiB of memory plus 32 times the size of the
/// model file. Their run time is proportional to the size of the file.
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
    /// The sum of the base value and the leaf values of a row is divided by `divisor`, and then multiplied by `scale`.
    divisor: f64,
    scale: f64,
    /// The names of the matrix columns, in order. The list is empty if the names are not known.
    feature_names: Vec<String>,
}

/// One tree of another library, as arrays with one entry per node. The first entry of each array belongs to the root.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForeignTree {
    /// The index of the column that a split compares with its threshold. Ignored for a leaf.
    pub feature: Vec<i64>,
    /// The threshold of a split. Values that are at most the threshold go left. Ignored for a leaf.
    pub threshold: Vec<f64>,
    /// The index of a split's left child in these arrays. A negative number marks a leaf.
    pub left: Vec<i64>,
    /// The index of a split's right child in these arrays. A negative number marks a leaf.
    pub right: Vec<i64>,
    /// Whether a split sends missing values left. Ignored for a leaf.
    pub missing_left: Vec<bool>,
    /// The value of a leaf, which is added to the score of a row that reaches the leaf. Ignored for a split.
    pub value: Vec<f64>,
    /// The sum of the weights of the training rows that reached the node.
    pub cover: Vec<f64>,
}

/// A tree ensemble as arrays, for libraries whose model files this crate cannot read.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignTrees {
    /// The trees, in the order in which their leaf values are added.
    pub trees: Vec<ForeignTree>,
    /// The number of columns that a row must have.
    pub n_features: usize,
    /// The constant that is added to the sum of the leaf values.
    pub base: f64,
    /// The number by which the sum of the constant `base` and the leaf values is divided. Use the number of trees if
    /// the trees are averaged, and 1 otherwise.
    pub divisor: f64,
    /// The factor by which the sum is multiplied after the division by `divisor`. Use 1 if the sum needs no scaling.
    pub scale: f64,
    /// Whether the sum, after `divisor` and `scale`, is the log-odds or a probability.
    pub link: Link,
    /// Whether values are rounded to `f32` before they are compared with thresholds, as in scikit-learn and XGBoost.
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

/// Creates the error for a model that cannot be imported.
fn refused(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::ImportFailed, why)
}

impl TreeEnsemble {
    /// Imports a LightGBM model from the text that `save_model` writes. The objectives `binary` and `cross_entropy` are
    /// supported.
    ///
    /// Probabilities are equal to LightGBM's, except for rounding errors of the exponential function. Each row reaches
    /// the same leaves as in LightGBM, and the leaf values are added in the same order in `f64`. Splits on categories
    /// are supported.
    ///
    /// All trees in the text are used. After early stopping, `save_model` by default writes only the trees up to the
    /// best iteration.
    ///
    /// # Errors
    /// `import_failed` in these cases:
    /// - The text is not a LightGBM model, or it is damaged or truncated.
    /// - The text states more columns or larger category sets than a text of its size can contain.
    /// - The model has more than two classes, or leaves that contain linear models.
    /// - The model has a split that treats zero as a missing value, and that sends zero to one side and the values just
    ///   above and below zero to the other side.
    pub fn from_lightgbm(text: &str) -> Result<Self> {
        lightgbm::read(text)
    }

    /// Imports an XGBoost model from the JSON that `save_model("x.json")` writes. The boosters `gbtree` and `dart` and
    /// the objectives `binary:logistic` and `reg:logistic` are supported.
    ///
    /// Values are rounded to `f32` before they are compared with thresholds, as in XGBoost, so every row reaches the
    /// same leaves as in XGBoost. XGBoost adds leaf values and computes the exponential function in `f32`, but this
    /// crate uses `f64`. The probabilities of XGBoost and of this crate therefore differ by about 1e-6, which is
    /// XGBoost's rounding error.
    ///
    /// After early stopping, the file contains the `best_iteration`. Only the trees up to this iteration are used, as
    /// in `XGBClassifier.predict_proba`. In contrast, XGBoost's `Booster.predict` uses all trees unless it is given an
    /// `iteration_range`.
    ///
    /// # Errors
    /// `import_failed` in these cases:
    /// - The JSON is not an XGBoost model.
    /// - The JSON states more columns or larger category sets than a file of its size can contain.
    /// - The model has more than two classes or several targets, or its booster or objective is not supported.
    pub fn from_xgboost(json: &[u8]) -> Result<Self> {
        xgboost::read(json)
    }

    /// Imports trees that are given as arrays.
    ///
    /// # Errors
    /// `import_failed` if the arrays of a tree differ in length, if a child lies outside the tree, if the nodes do not
    /// form a tree, or if a number that the ensemble needs is infinite or NaN.
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

    /// Creates an ensemble that has no trees yet.
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

    /// Whether the divisor and the scale are finite and above 0.
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

    /// The number of trees.
    pub fn n_trees(&self) -> usize {
        self.trees.n_trees()
    }

    /// The number of columns that a row must have.
    pub fn n_features(&self) -> usize {
        self.trees.n_features()
    }

    /// The names of the matrix columns, in order. The list is empty if the model contains no column names.
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

    /// Sets the column names that were read from the file of another library. Names that the other library generated
    /// are ignored. A generated name consists of `default` and the position of the column.
    fn name_features(&mut self, names: Vec<String>, default: &str) {
        let generated = |(position, name): (usize, &String)| name.strip_prefix(default) == Some(&position.to_string());
        if names.len() == self.n_features() && !names.iter().enumerate().all(generated) {
            self.feature_names = names;
        }
    }

    /// The unit of the scores and of their explanations: log-odds or probability.
    pub fn link(&self) -> Link {
        self.link
    }

    /// Returns the probability of the second class (churn) for each row of a matrix (rows x columns). NaN is a missing
    /// value.
    ///
    /// # Errors
    /// - `feature_mismatch` if the number of columns of the matrix differs from [`n_features`](Self::n_features).
    /// - `cancelled` if the call was cancelled.
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

    /// The trees. The sums of their leaf values are not divided by the divisor and not multiplied by the scale.
    pub(crate) fn flat(&self) -> &FlatTrees {
        &self.trees
    }

    /// Divides a sum of leaf values by the divisor, and multiplies the result by the scale.
    pub(crate) fn scaled(&self, sum: f64) -> f64 {
        sum / self.divisor * self.scale
    }
}

/// Converts trees that this crate has trained. The sum of the base value and the leaf values is already the log-odds,
/// so the sum is not scaled.
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

/// Converts the arrays of a tree to a list of nodes. Returns `None` if the arrays differ in length.
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
