//! What the fit of a classifier may be told. Every field has a default.

use crate::leakage::LeakagePolicy;
use crate::model::EnsembleOptions;
use crate::parallel::Execution;

/// How much the rows of each class count.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum ClassWeights {
    /// Each row as much as its weight says: probabilities are those of the table.
    #[default]
    Equal,
    /// All classes as much as each other. Probabilities are then those of a table with as many rows of each class.
    Balanced,
    /// The weight of each class, in the order of their codes, by which its rows' weights are multiplied.
    Given(Vec<f64>),
}

/// How a classifier is fitted.
///
/// ```
/// use churn_core::{ClassWeights, ClassifierOptions};
///
/// let options = ClassifierOptions { seed: 7, ..Default::default() };
/// assert_eq!(options.class_weights, ClassWeights::Equal);
/// ```
#[derive(Clone, Debug)]
pub struct ClassifierOptions {
    /// The members and how they are put together.
    pub ensemble: EnsembleOptions,
    /// How much the rows of each class count.
    pub class_weights: ClassWeights,
    /// What is done about columns that know the label. Default: the report names them. Asked with at least 20 rows of
    /// each class.
    pub leakage: LeakagePolicy,
    /// Columns that the caller vouches for, whatever they tell.
    pub allow_columns: Vec<String>,
    /// Seeds everything that is drawn. The same seed gives the same bytes.
    pub seed: u64,
    /// Threads, progress, cancellation.
    pub execution: Execution,
}

impl Default for ClassifierOptions {
    fn default() -> Self {
        Self {
            ensemble: EnsembleOptions::default(),
            class_weights: ClassWeights::default(),
            leakage: LeakagePolicy::Warn,
            allow_columns: vec![],
            seed: 0,
            execution: Execution::default(),
        }
    }
}
