//! What the fit of a classifier may be told. Every field has a default.

use crate::model::EnsembleOptions;
use crate::parallel::Execution;

/// How much the rows of each class count.
#[derive(Clone, Debug, Default, PartialEq)]
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
#[derive(Clone, Debug, Default)]
pub struct ClassifierOptions {
    /// The members and how they are put together.
    pub ensemble: EnsembleOptions,
    /// How much the rows of each class count.
    pub class_weights: ClassWeights,
    /// Seeds everything that is drawn. The same seed gives the same bytes.
    pub seed: u64,
    /// Threads, progress, cancellation.
    pub execution: Execution,
}
