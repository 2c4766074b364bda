//! What training found out about the model.

use serde::{Deserialize, Serialize};

use crate::evaluate::{Measures, PurgeProof};
use crate::leakage::LeakageFinding;
use crate::model::bands::BandCalibration;
use crate::model::monotone::Monotonicity;
use crate::model::warning::Warning;
use crate::time::{AsOf, Timestamp};

/// An out-of-time test: at dates later than every training label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct OutOfTime {
    /// The last date at which customers were scored.
    pub test_date: AsOf,
    /// All dates at which customers were scored, sorted. By default each customer is scored on one day of half a label
    /// period, so that the test covers every phase of a billing cycle; the measures cover all of them. Empty in files of
    /// earlier versions, which tested one date.
    #[serde(default)]
    pub test_dates: Vec<AsOf>,
    /// The dates that trained the tested model; their label periods all end by the first test date. Where each customer has
    /// a training day of their own, as in [`ChurnRateAt::first`], these are the last days.
    pub training_dates: Vec<AsOf>,
    /// Whether every customer was scored by a model that saw none of their rows.
    pub unseen_customers: bool,
    /// Proof that no training label reaches the test period.
    pub proof: PurgeProof,
    /// How well the predictions perform.
    pub measures: Measures,
}

impl OutOfTime {
    /// Whether the churn rate at the test date differs from what the features explain: the interval of
    /// [`Measures::base_rate_shift`] excludes 0. `None` without such an interval.
    pub fn base_rate_drifted(&self) -> Option<bool> {
        let shift = self.measures.base_rate_shift?;
        Some(!shift.interval.contains(0.0))
    }
}

/// The churn rate at a training date.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ChurnRateAt {
    /// The training date.
    pub as_of: AsOf,
    /// The first training day, where each customer has a day of their own between it and `as_of`. `None` where all customers
    /// are taken at `as_of`.
    #[serde(default)]
    pub first: Option<AsOf>,
    /// Number of customers.
    pub rows: usize,
    /// Number of them that churned.
    pub churned: usize,
    /// Observed churn rate.
    pub churn_rate: f64,
    /// Mean out-of-fold prediction.
    pub mean_probability: f64,
}

/// A base learner of the ensemble.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct MemberReport {
    /// `"linear"`, `"boosting"`, `"deep_boosting"` or `"forest"`.
    pub name: String,
    /// Its weight in the blend of log-odds.
    pub weight: f64,
    /// Its out-of-fold log-loss, before calibration.
    pub log_loss: f64,
}

/// A base learner that was requested and dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DroppedMember {
    /// Its name, as in [`MemberReport`].
    pub name: String,
    /// The reason.
    pub reason: String,
}

/// How a model was trained and how well it performs. Part of the model file's metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TrainReport {
    /// The dates that trained the final model. Where each customer has a training day of their own, as in
    /// [`ChurnRateAt::first`], these are the last days.
    pub training_dates: Vec<AsOf>,
    /// Number of customer-date pairs that trained the model.
    pub rows: usize,
    /// Number of them that churned.
    pub churned: usize,
    /// Number of pairs excluded because the customer churned within the lead, or before the date without it being known.
    pub excluded: usize,
    /// Number of pairs of customers that were not sampled, over all training and test dates: see `TrainOptions::max_rows`.
    #[serde(default, alias = "left_out")]
    pub subsampled: usize,
    /// The start of the observed history.
    pub observed_from: Option<Timestamp>,
    /// The end of the observed history.
    pub observed_until: Option<Timestamp>,
    /// The observed churn rate at each training date and the mean prediction.
    #[serde(default)]
    pub dates: Vec<ChurnRateAt>,
    /// Windows, in days, that begin before the observed history at some training date and are therefore truncated.
    #[serde(alias = "windows_before_history")]
    pub truncated_windows: Vec<u32>,
    /// The out-of-time test of a model trained in the same way on earlier dates; `None` if the history is too short.
    pub out_of_time: Option<OutOfTime>,
    /// Why there is no out-of-time test; `None` if there is one.
    pub out_of_time_reason: Option<String>,
    /// The final model's out-of-fold predictions at its own training dates. Optimistic about the future if churn drifts.
    #[serde(alias = "grouped")]
    pub cross_validated: Measures,
    /// The base learners, with their weights.
    pub members: Vec<MemberReport>,
    /// Base learners that were requested and dropped.
    #[serde(default, alias = "members_left_out")]
    pub dropped_members: Vec<DroppedMember>,
    /// The monotonic constraints, by feature.
    #[serde(default, alias = "monotone")]
    pub monotone_constraints: Vec<(String, Monotonicity)>,
    /// The calibration method: `"intercept"`, `"platt"`, `"beta"` or `"isotonic"`.
    pub calibration: String,
    /// Predicted and observed churn in each risk band, out of fold.
    pub bands: Vec<BandCalibration>,
    /// Columns that appear to leak the target and were used: those the caller allowed, and those that only warn.
    pub leaks: Vec<LeakageFinding>,
    /// Problems with the training dates, the definition or the measures, and what to do.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}
