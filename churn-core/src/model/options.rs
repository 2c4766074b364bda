//! What training may be told. Every field has a default.

use crate::ensemble::{GradientBoostingOptions, RandomForestOptions};
use crate::features::{ChurnDefinition, FeaturePlan};
use crate::leakage::Leakage;
use crate::parallel::Execution;
use crate::time::AsOf;

/// How a model is trained.
///
/// ```
/// use churn_core::{ChurnDefinition, RecordKind, TrainOptions};
///
/// let options = TrainOptions { definition: ChurnDefinition::inactivity(30, RecordKind::Payments), seed: 7, ..Default::default() };
/// assert!(options.as_of.is_none());
/// ```
#[derive(Clone, Debug, Default)]
pub struct TrainOptions {
    /// What counts as churn. Default: cancellation within 90 days.
    pub definition: ChurnDefinition,
    /// Training dates; each must be mature. `None` chooses mature dates half a label period apart.
    pub as_of: Option<Vec<AsOf>>,
    /// The features. Default: the standard plan.
    pub plan: FeaturePlan,
    /// The members and how they are put together.
    pub ensemble: EnsembleOptions,
    /// What is done about columns that know the label. Default: attributes that do are an error, features made of events
    /// are reported. Asked with at least 20 churned and 20 retained rows.
    pub leakage: Leakage,
    /// Columns that the caller vouches for, by their own or their feature's name: known at the date, whatever they tell.
    /// The report names those that would have been refused.
    pub allow_columns: Vec<String>,
    /// Whether the model may score records of other tenants (a pretrained model). Default: refuse them.
    pub shared: bool,
    /// Seeds everything that is drawn. The same seed gives the same bytes.
    pub seed: u64,
    /// Threads, progress, cancellation.
    pub execution: Execution,
}

/// The members of the ensemble; a member that is `None` is left out.
#[derive(Clone, Debug)]
pub struct EnsembleOptions {
    /// Whether the linear member takes part.
    pub linear: bool,
    /// Gradient-boosted trees. `trees` is the most there may be: the number is chosen on held-out customers.
    pub boosting: Option<GradientBoostingOptions>,
    /// The random forest.
    pub forest: Option<RandomForestOptions>,
    /// Folds, grouped by customer, for blending and calibrating on predictions no member was fitted on.
    pub folds: usize,
    /// How much a churned row counts beside a retained one while members learn. Blend and calibration weigh rows as they
    /// are, so that probabilities stay probabilities. Default: 1.
    pub churn_weight: f64,
}

impl Default for EnsembleOptions {
    /// Slow, small, sampled trees: event data are noisy and tenants often small.
    fn default() -> Self {
        let boosting = GradientBoostingOptions {
            trees: 400,
            leaves: 12,
            learning_rate: 0.03,
            min_leaf_rows: 40,
            l2: 5.0,
            column_share: 0.5,
            row_share: 0.7,
            max_bins: 64,
            ..Default::default()
        };
        let forest = RandomForestOptions {
            trees: 100,
            depth: 10,
            min_leaf_rows: 10,
            max_bins: 64,
            ..Default::default()
        };
        Self {
            linear: true,
            boosting: Some(boosting),
            forest: Some(forest),
            folds: 5,
            churn_weight: 1.0,
        }
    }
}
