//! Options of training. Every field has a default.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::ensemble::{GradientBoostingOptions, RandomForestOptions};
use crate::error::Result;
use crate::features::{ChurnDefinition, FeaturePlan};
use crate::leakage::LeakagePolicy;
use crate::model::monotone::Monotonicity;
use crate::model::report::DroppedMember;
use crate::model::sample::RowCap;
use crate::options::{Given, Options, builders, from_value, json_methods};
use crate::parallel::Execution;
use crate::time::AsOf;

/// Options of [`ChurnModel::train`](crate::ChurnModel::train).
///
/// In JSON, all options are keys of one object, including the options of [`EnsembleOptions`]. The definition has the
/// format that [`ChurnDefinition::from_json`] reads. The keys `windows` and `features` of the plan may also be keys of
/// this object.
///
/// The value of `boosting`, `deep_boosting` or `forest` is `false` (the ensemble does not contain this member), `true`
/// (the member has its default options) or an object that overrides some of the member's default options. If the JSON
/// changes `boosting` and does not contain `deep_boosting`, the ensemble has no member `deep_boosting`.
/// [`execution`](Self::execution) is not part of the JSON.
///
/// ```
/// use churn_core::{ChurnDefinition, RecordKind, TrainOptions};
///
/// let definition = ChurnDefinition::inactivity(30, RecordKind::Payments);
/// let options = TrainOptions::default().with_definition(definition.clone()).with_seed(7);
///
/// let json = r#"{"definition": {"kind": "inactivity", "horizon": 30, "on": "payments"}, "seed": 7, "forest": {"n_trees": 50}}"#;
/// let read = TrainOptions::from_json(json)?;
/// assert_eq!((read.definition, read.seed), (options.definition, options.seed));
/// assert_eq!(read.ensemble.forest.map(|forest| (forest.n_trees, forest.max_depth)), Some((50, 10)));
///
/// let error = TrainOptions::from_json(r#"{"seeds": 7}"#).unwrap_err();
/// assert_eq!((error.code(), error.column()), ("invalid_option", Some("seeds"))); // the message suggests 'seed'
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct TrainOptions {
    /// The churn definition. Default: cancellation within 90 days.
    #[serde(serialize_with = "ChurnDefinition::serialize_as_option")]
    pub definition: ChurnDefinition,
    /// The training dates. Each date must be mature, that is, its label period must end within the observed history.
    /// Every eligible customer is used at every date.
    ///
    /// If `None`, training chooses mature dates. It divides the history before the last mature day into spans that are
    /// half as long as a label period. Each customer is used on one day of each span. The day is chosen pseudo-randomly
    /// from the customer's id and the seed. The days of different customers therefore lie in different parts of the
    /// billing cycle. If all customers had the same training dates, these dates could all be, for example, days on
    /// which invoices are due.
    pub as_of: Option<Vec<AsOf>>,
    /// The plan of the features that training computes. Default: the standard plan.
    pub plan: FeaturePlan,
    /// The members (base learners) of the ensemble, and how their predictions are blended.
    #[serde(flatten)]
    pub ensemble: EnsembleOptions,
    /// What training does about columns that leak the target, that is, contain information that is not available at
    /// prediction time. By default, training stops with an error if an attribute (a column that states a property of
    /// the customer, such as the plan) leaks. If a feature that is computed from events leaks, the report contains a
    /// warning. Columns are checked only if each class (churned and retained) has at least 20 rows.
    pub leakage: LeakagePolicy,
    /// Columns to accept although they seem to leak the target. List only columns whose values are known at prediction
    /// time. An entry is the name of a column in its table, or the name of the column's feature. The report lists the
    /// accepted columns that seem to leak the target.
    pub allow_columns: Vec<String>,
    /// Maximum number of customer-date pairs for training and testing. If there are more pairs, training uses a
    /// pseudo-random sample of the customers, with all pairs of each sampled customer. The sample depends only on the
    /// customer ids and the seed. The maximum limits memory use, which is about 6 kB per pair with the standard
    /// features. Default: 500 000.
    pub max_rows: usize,
    /// Whether the model may score tenants other than the one it was trained on. Set this option for a pretrained model
    /// that several tenants use. Default: false.
    pub shared: bool,
    /// The seed of all pseudo-random numbers in training. The same records, options and seed give the same model.
    /// Default: 0.
    pub seed: u64,
    /// How the call runs: its number of threads, progress callback and cancel token. These settings never change the
    /// result.
    #[serde(skip)]
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

/// Options of the ensemble: its members (base learners), and how the members are fitted and blended. A member that is
/// `None` is not part of the ensemble.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EnsembleOptions {
    /// Whether a logistic regression (the linear member) is part of the ensemble. Default: true.
    pub linear: bool,
    /// Options of small gradient-boosted trees with a low learning rate. Such trees suit tables with few or noisy rows.
    /// `n_trees` is the maximum number of trees. Early stopping on held-out customers chooses the actual number.
    /// Default: at most 400 trees with at most 12 leaves each, and a learning rate of 0.03.
    #[serde(serialize_with = "member")]
    pub boosting: Option<GradientBoostingOptions>,
    /// Options of gradient-boosted trees that are larger than the trees of `boosting` and have a higher learning rate.
    /// Such trees find interactions of features. `n_trees` is the maximum number of trees. Early stopping on held-out
    /// customers chooses the actual number. Default: at most 300 trees with at most 31 leaves each, and a learning rate
    /// of 0.1.
    #[serde(serialize_with = "member")]
    pub deep_boosting: Option<GradientBoostingOptions>,
    /// Options of the random forest. Default: 100 trees, at most 10 levels deep.
    #[serde(serialize_with = "member")]
    pub forest: Option<RandomForestOptions>,
    /// Number of cross-validation folds. The blend and the calibration are fitted to the out-of-fold predictions. All
    /// rows of a customer are in one fold, and churned customers are spread evenly over the folds. Training uses at
    /// least 2 folds, at most 20 folds, and at most as many folds as there are customers in the minority class (churned
    /// or retained). Default: 5.
    pub folds: usize,
    /// Weight of a churned row in the fit of the base learners. A retained row has weight 1. The blend and the
    /// calibration are fitted without these weights, so probabilities stay calibrated. Default: 1.
    pub churn_weight: f64,
    /// Monotonic constraints. Each constraint consists of the name of a numeric feature and a direction. With
    /// [`Monotonicity::Increasing`], the probability never falls as the feature grows, if all other features stay
    /// equal. Missing values are unconstrained. The linear member, `boosting` and `deep_boosting` obey the constraints.
    /// The forest cannot obey constraints. An ensemble with constraints therefore has no forest, and the report lists
    /// the forest as dropped. In JSON, the constraints are an object: `{"payments_failed_count_91d": "increasing"}`.
    /// Default: none.
    #[serde(serialize_with = "constraints")]
    pub monotone_constraints: Vec<(String, Monotonicity)>,
}

impl EnsembleOptions {
    fn default_boosting() -> GradientBoostingOptions {
        GradientBoostingOptions {
            n_trees: 400,
            max_leaves: 12,
            learning_rate: 0.03,
            min_leaf_rows: 40,
            l2: 5.0,
            colsample: 0.5,
            subsample: 0.7,
            max_bins: 64,
            ..Default::default()
        }
    }

    fn default_deep_boosting() -> GradientBoostingOptions {
        GradientBoostingOptions {
            n_trees: 300,
            min_leaf_rows: 10,
            ..Default::default()
        }
    }

    fn default_forest() -> RandomForestOptions {
        RandomForestOptions {
            n_trees: 100,
            max_depth: 10,
            min_leaf_rows: 10,
            max_bins: 64,
            ..Default::default()
        }
    }
}

impl Default for EnsembleOptions {
    fn default() -> Self {
        Self {
            linear: true,
            boosting: Some(Self::default_boosting()),
            deep_boosting: Some(Self::default_deep_boosting()),
            forest: Some(Self::default_forest()),
            folds: 5,
            churn_weight: 1.0,
            monotone_constraints: vec![],
        }
    }
}

impl EnsembleOptions {
    /// The options of the forest; `None` if no forest was requested, or if monotonic constraints exclude the forest.
    pub(crate) fn unconstrained_forest(&self) -> Option<&RandomForestOptions> {
        self.forest.as_ref().filter(|_| self.monotone_constraints.is_empty())
    }

    /// The members that were requested but are not part of the ensemble.
    pub(crate) fn dropped_members(&self) -> Vec<DroppedMember> {
        let forest = self.forest.is_some() && self.unconstrained_forest().is_none();
        let names: Vec<&str> = self
            .monotone_constraints
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let dropped_members = || DroppedMember {
            name: "forest".to_owned(),
            reason: format!(
                "its trees cannot obey the monotonic constraints of {}",
                names.join(", ")
            ),
        };
        forest.then(dropped_members).into_iter().collect()
    }
}

builders!(TrainOptions {
    with_definition(definition: ChurnDefinition),
    with_plan(plan: FeaturePlan),
    with_ensemble(ensemble: EnsembleOptions),
    with_leakage(leakage: LeakagePolicy),
    with_max_rows(max_rows: usize),
    with_shared(shared: bool),
    with_seed(seed: u64),
    with_execution(execution: Execution),
});

impl TrainOptions {
    /// Sets [`as_of`](Self::as_of).
    #[must_use]
    pub fn with_as_of(mut self, dates: impl IntoIterator<Item = impl Into<AsOf>>) -> Self {
        self.as_of = Some(dates.into_iter().map(Into::into).collect());
        self
    }

    /// Sets [`allow_columns`](Self::allow_columns).
    #[must_use]
    pub fn with_allow_columns(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.allow_columns = columns.into_iter().map(Into::into).collect();
        self
    }
}

builders!(EnsembleOptions {
    with_linear(linear: bool),
    with_boosting(boosting: Option<GradientBoostingOptions>),
    with_deep_boosting(deep_boosting: Option<GradientBoostingOptions>),
    with_forest(forest: Option<RandomForestOptions>),
    with_folds(folds: usize),
    with_churn_weight(churn_weight: f64),
});

impl EnsembleOptions {
    /// Sets [`monotone_constraints`](Self::monotone_constraints).
    #[must_use]
    pub fn with_monotone_constraints(
        mut self,
        constraints: impl IntoIterator<Item = (impl Into<String>, Monotonicity)>,
    ) -> Self {
        let constraints = constraints.into_iter().map(|(feature, way)| (feature.into(), way));
        self.monotone_constraints = constraints.collect();
        self
    }
}

json_methods!(TrainOptions);
json_methods!(EnsembleOptions);

impl Options for TrainOptions {
    fn read(&mut self, given: &mut Given) -> Result<()> {
        let mut definition = None;
        given.set::<Option<Value>>("definition", &mut definition)?;
        if let Some(definition) = definition {
            self.definition = from_value(ChurnDefinition::default(), definition)?;
        }
        if given.has("as_of") {
            let mut dates = vec![];
            given.set_list("as_of", &mut dates)?;
            self.as_of = Some(dates);
        } else {
            given.take("as_of");
        }
        if let Some(plan) = given.take("plan") {
            self.plan = from_value(FeaturePlan::default(), plan)?;
        }
        self.plan.read(given)?;
        self.ensemble.read(given)?;
        given.set("leakage", &mut self.leakage)?;
        given.set_list("allow_columns", &mut self.allow_columns)?;
        given.set("max_rows", &mut self.max_rows)?;
        given.set("shared", &mut self.shared)?;
        given.set("seed", &mut self.seed)
    }
}

impl Options for EnsembleOptions {
    fn read(&mut self, given: &mut Given) -> Result<()> {
        let boosting_alone = given.has("boosting") && !given.has("deep_boosting");
        let before = self.boosting.clone();
        given.set("linear", &mut self.linear)?;
        given.set_member("boosting", &mut self.boosting, Self::default_boosting)?;
        given.set_member("deep_boosting", &mut self.deep_boosting, Self::default_deep_boosting)?;
        // A caller who configures only `boosting` probably does not want the default trees of `deep_boosting`.
        if boosting_alone && self.boosting != before {
            self.deep_boosting = None;
        }
        given.set_member("forest", &mut self.forest, Self::default_forest)?;
        given.set("folds", &mut self.folds)?;
        given.set("churn_weight", &mut self.churn_weight)?;
        if let Some(constraints) = given.take("monotone_constraints") {
            let constraints: BTreeMap<String, Monotonicity> =
                serde_json::from_value(constraints).map_err(|error| given.wrong("monotone_constraints", error))?;
            self.monotone_constraints = constraints.into_iter().collect();
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for TrainOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        from_value(Self::default(), Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for EnsembleOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        from_value(Self::default(), Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Serialises a member that is `None` as `false`. Null would be wrong, because null stands for the default options of
/// the member when the JSON is read.
fn member<T: Serialize, S: Serializer>(member: &Option<T>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    match member {
        Some(options) => options.serialize(serializer),
        None => serializer.serialize_bool(false),
    }
}

fn constraints<S: Serializer>(
    constraints: &[(String, Monotonicity)],
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(constraints.len()))?;
    for (feature, way) in constraints {
        map.serialize_entry(feature, way)?;
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written_and_read(options: &TrainOptions) {
        let json = serde_json::to_string(options).unwrap();
        let read = TrainOptions::from_json(&json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        let execution = |options: &TrainOptions| TrainOptions {
            execution: Execution::new(),
            ..options.clone()
        };
        assert_eq!(
            format!("{:?}", execution(&read)),
            format!("{:?}", execution(options)),
            "{json}"
        );
    }

    #[test]
    fn options_round_trip_through_json() {
        let defaults = TrainOptions::default();
        written_and_read(&defaults);
        let ensemble = EnsembleOptions::default()
            .with_boosting(Some(GradientBoostingOptions::default().with_n_trees(7)))
            .with_deep_boosting(None)
            .with_monotone_constraints([("a", Monotonicity::Decreasing), ("b", Monotonicity::Increasing)]);
        let dates = ["2024-01-01", "2024-02-01T12:00:00Z"].map(|date| date.parse::<AsOf>().unwrap());
        let options = defaults
            .with_as_of(dates)
            .with_ensemble(ensemble)
            .with_allow_columns(["seats"]);
        written_and_read(&options);
        let own = FeaturePlan::empty().with(crate::Feature::new("payments", crate::RecordKind::Payments));
        written_and_read(&options.with_plan(own).with_leakage(LeakagePolicy::Warn));
    }

    #[test]
    fn members_can_be_omitted_or_override_their_defaults() {
        let read = |json: &str| EnsembleOptions::from_json(json).unwrap();
        let defaults = EnsembleOptions::default();
        assert_eq!(read(r#"{"boosting": true}"#), defaults);
        assert_eq!(read(r#"{"boosting": {}}"#), defaults);
        let alone = read(r#"{"boosting": {"n_trees": 7}}"#);
        assert_eq!(
            alone.boosting.as_ref().map(|own| (own.n_trees, own.max_leaves)),
            Some((7, 12))
        );
        assert_eq!((alone.deep_boosting, alone.forest), (None, defaults.forest.clone()));
        let both = read(r#"{"boosting": {"n_trees": 7}, "deep_boosting": true}"#);
        assert_eq!(both.deep_boosting, defaults.deep_boosting);
        let none = read(r#"{"boosting": false, "forest": false, "deep_boosting": {"max_leaves": 9}}"#);
        assert_eq!((none.boosting, none.forest), (None, None));
        assert_eq!(
            none.deep_boosting.map(|own| (own.n_trees, own.max_leaves)),
            Some((300, 9))
        );
        let ways = read(r#"{"monotone_constraints": {"a": "decreasing"}}"#).monotone_constraints;
        assert_eq!(ways, [("a".to_owned(), Monotonicity::Decreasing)]);
    }

    #[test]
    fn errors_name_the_invalid_option() {
        for (json, column) in [
            (r#"{"seeds": 1}"#, "seeds"),
            (r#"{"forest": {"trees": 1}}"#, "forest"),
            (r#"{"monotone_constraints": {"a": "up"}}"#, "monotone_constraints"),
            (r#"{"leakage": "ignore"}"#, "leakage"),
            (r#"{"as_of": "yesterday"}"#, "as_of"),
            (r#"{"definition": {"kind": "inactivity", "on": 1}}"#, "on"),
            (r#"{"windows": [0]}"#, "windows"),
            (r#"{"features": [{"name": "a"}]}"#, "features"),
            (
                r#"{"plan": {"features": [{"name": "a", "source": "payments", "color": 1}]}}"#,
                "features",
            ),
        ] {
            let error = TrainOptions::from_json(json).unwrap_err();
            assert_eq!(
                (error.code(), error.column()),
                ("invalid_option", Some(column)),
                "{json}: {error}"
            );
        }
        let plan = TrainOptions::from_json(r#"{"windows": 7, "features": [{"name": "a", "source": "payments"}]}"#)
            .unwrap()
            .plan;
        assert_eq!(
            plan,
            FeaturePlan::standard(&[7])
                .unwrap()
                .with(crate::Feature::new("a", crate::RecordKind::Payments))
        );
    }
}
