//! Trees of other libraries.

mod file;
mod layout;
mod lightgbm;
#[cfg(test)]
mod tests;
mod xgboost;

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use super::{FlatTrees, Input};
use crate::error::{Error, ErrorKind, Result};
use crate::numeric::sigmoid;
use crate::parallel::Execution;

pub(crate) use file::Read;
use layout::{Part, TreeLayout};

/// What the sum of a row's leaves means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Link {
    /// It is a log-odds.
    LogOdds,
    /// It is a probability.
    Probability,
}

/// Trees of any library, also of this one, which score rows and explain the scores.
///
/// A matrix that is asked about may hold `f32` or `f64`, in any order of rows and columns, and is not copied as a whole. NaN
/// is missing and goes where the model sends it. Results do not depend on threads or on the other rows.
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
///     features: 1,
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
    /// The sum is divided by this, then multiplied by `scale`.
    divisor: f64,
    scale: f64,
}

/// One tree of another library as arrays with an entry per node; the first node is the root.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForeignTree {
    /// The column that a split looks at; anything for a leaf.
    pub feature: Vec<i64>,
    /// Values up to it go left; anything for a leaf.
    pub threshold: Vec<f64>,
    /// The left child; negative for a leaf.
    pub left: Vec<i64>,
    /// The right child; negative for a leaf.
    pub right: Vec<i64>,
    /// Whether missing values go left.
    pub missing_left: Vec<bool>,
    /// What a leaf adds; anything for a split.
    pub value: Vec<f64>,
    /// Training weight that reached the node.
    pub cover: Vec<f64>,
}

/// Trees of a library without a model file of its own that could be read here.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignTrees {
    /// The trees, in the order in which their leaves are added.
    pub trees: Vec<ForeignTree>,
    /// Columns of a row.
    pub features: usize,
    /// What is added to the leaves.
    pub base: f64,
    /// The sum is divided by this: the number of trees, where they are averaged.
    pub divisor: f64,
    /// Then it is multiplied by this.
    pub scale: f64,
    /// What comes out.
    pub link: Link,
    /// Whether values are rounded to `f32` before they are compared.
    pub rounded: bool,
}

impl Default for ForeignTrees {
    fn default() -> Self {
        Self {
            trees: vec![],
            features: 0,
            base: 0.0,
            divisor: 1.0,
            scale: 1.0,
            link: Link::LogOdds,
            rounded: false,
        }
    }
}

/// The error of a model that cannot be taken over.
fn refused(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::ImportFailed, why)
}

impl TreeEnsemble {
    /// A model of LightGBM, in the text that `save_model` writes: objective `binary` or `cross_entropy`.
    ///
    /// Scores are LightGBM's: same comparisons, same leaves, summed in the same order in `f64`; only the last bits of the
    /// exponential may differ. Sets of categories are kept. All trees in the text are taken.
    ///
    /// # Errors
    /// `import_failed` for text that is not such a model, is damaged or cut off, and for models of several classes, with
    /// linear leaves, or that take zero for missing where that cannot be told by one threshold.
    pub fn from_lightgbm(text: &str) -> Result<Self> {
        lightgbm::read(text)
    }

    /// A model of XGBoost, in the JSON that `save_model("x.json")` writes: boosters `gbtree` and `dart`, objectives
    /// `binary:logistic` and `reg:logistic`.
    ///
    /// XGBoost rounds values to `f32` before it compares them, and so do the trees that are taken over, whatever the matrix
    /// holds: every row falls to the same leaf. XGBoost adds leaves and takes the exponential in `f32`; here both are done
    /// in `f64`, so probabilities differ by its rounding, about 1e-6. All trees are taken, as `Booster.predict` does: one
    /// that was stopped early is to be cut to its best iteration first.
    ///
    /// # Errors
    /// `import_failed` for JSON that is not such a model, and for models of several classes or targets and other
    /// boosters or objectives.
    pub fn from_xgboost(json: &[u8]) -> Result<Self> {
        xgboost::read(json)
    }

    /// Trees given as arrays.
    ///
    /// # Errors
    /// `import_failed` if the arrays of a tree differ in length, point outside of it, form no tree, or hold a number that
    /// is not finite where one is needed.
    pub fn from_trees(given: &ForeignTrees) -> Result<Self> {
        let mut ensemble = Self::begin(given.base, given.features)?;
        (ensemble.divisor, ensemble.scale, ensemble.link) = (given.divisor, given.scale, given.link);
        for (number, tree) in given.trees.iter().enumerate() {
            let sketch = sketch_of(tree, given.rounded);
            ensemble.push(
                number,
                &sketch.ok_or_else(|| refused(format!("tree {number}: its arrays differ in length")))?,
            )?;
        }
        ensemble.finish()
    }

    /// Without trees.
    fn begin(base: f64, features: usize) -> Result<Self> {
        if features >= super::flat::MOST_FEATURES {
            return Err(refused(format!("{features} features are too many")));
        }
        Ok(Self {
            trees: FlatTrees::new(base, features),
            link: Link::LogOdds,
            divisor: 1.0,
            scale: 1.0,
        })
    }

    fn push(&mut self, number: usize, tree: &TreeLayout) -> Result<()> {
        tree.lay_out(&mut self.trees)
            .map_err(|why| refused(format!("tree {number}: {why}")))
    }

    /// Whether what is done to a sum can be done.
    fn is_usable(&self) -> bool {
        let usable = |number: f64| number.is_finite() && number > 0.0;
        usable(self.divisor) && usable(self.scale)
    }

    /// With everything checked.
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
    pub fn trees(&self) -> usize {
        self.trees.trees()
    }

    /// Number of columns that a row must have.
    pub fn features(&self) -> usize {
        self.trees.features()
    }

    /// Whether leaves add up to log-odds or to a probability; explanations are in the same unit.
    pub fn link(&self) -> Link {
        self.link
    }

    /// The probability of the second class, for every row.
    ///
    /// # Errors
    /// `feature_mismatch` if the matrix has another number of columns; `cancelled`.
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

    /// The trees as they stand, without what is done to their sum.
    pub(crate) fn flat(&self) -> &FlatTrees {
        &self.trees
    }

    /// What becomes of a sum of leaves.
    pub(crate) fn scaled(&self, sum: f64) -> f64 {
        sum / self.divisor * self.scale
    }
}

/// Trees that were learned here: their leaves add up to log-odds.
impl From<FlatTrees> for TreeEnsemble {
    fn from(trees: FlatTrees) -> Self {
        Self {
            trees,
            link: Link::LogOdds,
            divisor: 1.0,
            scale: 1.0,
        }
    }
}

/// The tree that arrays tell of; none if they differ in length.
fn sketch_of(tree: &ForeignTree, rounded: bool) -> Option<TreeLayout> {
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
        covers: tree.cover.clone(),
    })
}
