//! What training may be told. Every field has a default.

use crate::ensemble::{GradientBoostingOptions, RandomForestOptions};
use crate::features::{ChurnDefinition, FeaturePlan};
use crate::leakage::LeakagePolicy;
use crate::model::monotone::Monotonicity;
use crate::model::report::DroppedMember;
use crate::model::sample::RowCap;
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
#[derive(Clone, Debug)]
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
    pub leakage: LeakagePolicy,
    /// Columns that the caller vouches for, by their own or their feature's name: known at the date, whatever they tell.
    /// The report names those that would have been refused.
    pub allow_columns: Vec<String>,
    /// The most customer-date pairs to learn from and to test on: of more, whole customers are drawn, by their ids and the
    /// seed. Bounds memory, at about 6 kB a pair with the standard features. Default: 500 000.
    pub max_rows: usize,
    /// Whether the model may score records of other tenants (a pretrained model). Default: refuse them.
    pub shared: bool,
    /// Seeds everything that is drawn. The same seed gives the same bytes.
    pub seed: u64,
    /// Threads, progress, cancellation.
    pub execution: Execution,
}

impl TrainOptions {
    pub(crate) fn row_cap(&self) -> RowCap {
        RowCap {
            rows: self.max_rows,
            seed: self.seed,
        }
    }
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            definition: ChurnDefinition::default(),
            as_of: None,
            plan: FeaturePlan::default(),
            ensemble: EnsembleOptions::default(),
            leakage: LeakagePolicy::default(),
            allow_columns: vec![],
            max_rows: 500_000,
            shared: false,
            seed: 0,
            execution: Execution::default(),
        }
    }
}

/// The members of the ensemble; a member that is `None` is left out.
#[derive(Clone, Debug)]
pub struct EnsembleOptions {
    /// Whether the linear member takes part. Default: it does.
    pub linear: bool,
    /// Gradient-boosted trees, small and slow: what holds on few and noisy rows. `trees` is the most there may be: the number
    /// is chosen on held-out customers. Default: at most 400 trees of 12 leaves, learning rate 0.03.
    pub boosting: Option<GradientBoostingOptions>,
    /// Deeper trees that learn faster: what finds interactions where there are some. `trees` as above. Default: at most 300
    /// trees of 31 leaves, learning rate 0.1.
    pub deep_boosting: Option<GradientBoostingOptions>,
    /// The random forest. Default: 100 trees, at most 10 deep.
    pub forest: Option<RandomForestOptions>,
    /// Folds, grouped by customer, for blending and calibrating on predictions no member was fitted on; held within 2 to 20,
    /// and to the customers of the rarer class. Default: 5.
    pub folds: usize,
    /// How much a churned row counts beside a retained one while members learn. Blend and calibration weigh rows as they
    /// are, so that probabilities stay probabilities. Default: 1.
    pub churn_weight: f64,
    /// Features of numbers, by name, with which the probability may only rise ([`Monotonicity::Increasing`]) or only fall, all others
    /// being equal. A missing value is no number, and free. Both boostings and the linear member are held to it; the forest
    /// cannot be and is left out, as the report says. Default: none.
    pub monotone_constraints: Vec<(String, Monotonicity)>,
}

impl Default for EnsembleOptions {
    fn default() -> Self {
        let boosting = GradientBoostingOptions {
            n_trees: 400,
            max_leaves: 12,
            learning_rate: 0.03,
            min_leaf_rows: 40,
            l2: 5.0,
            colsample: 0.5,
            subsample: 0.7,
            max_bins: 64,
            ..Default::default()
        };
        let deep_boosting = GradientBoostingOptions {
            n_trees: 300,
            min_leaf_rows: 10,
            ..Default::default()
        };
        let forest = RandomForestOptions {
            n_trees: 100,
            max_depth: 10,
            min_leaf_rows: 10,
            max_bins: 64,
            ..Default::default()
        };
        Self {
            linear: true,
            boosting: Some(boosting),
            deep_boosting: Some(deep_boosting),
            forest: Some(forest),
            folds: 5,
            churn_weight: 1.0,
            monotone_constraints: vec![],
        }
    }
}

impl EnsembleOptions {
    /// The forest, where it may take part.
    pub(crate) fn unconstrained_forest(&self) -> Option<&RandomForestOptions> {
        self.forest.as_ref().filter(|_| self.monotone_constraints.is_empty())
    }

    /// Members that were asked for and do not take part.
    pub(crate) fn dropped_members(&self) -> Vec<DroppedMember> {
        let forest = self.forest.is_some() && self.unconstrained_forest().is_none();
        let names: Vec<&str> = self
            .monotone_constraints
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let dropped_members = || DroppedMember {
            name: "forest".to_owned(),
            reason: format!("its trees cannot be held to rise or fall with {}", names.join(", ")),
        };
        forest.then(dropped_members).into_iter().collect()
    }

    /// With these boosted trees, or none. Who wants others than the default's wants them alone: the deep ones are then left
    /// out, unless they are set afterwards.
    #[must_use]
    pub fn with_boosting(self, boosting: Option<GradientBoostingOptions>) -> Self {
        let as_default = boosting == Self::default().boosting;
        Self {
            boosting,
            deep_boosting: self.deep_boosting.filter(|_| as_default),
            ..self
        }
    }
}
