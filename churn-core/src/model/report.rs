//! What training found out about the model.

use serde::{Deserialize, Serialize};

use crate::evaluate::{Measures, PurgeProof};
use crate::leakage::LeakageFinding;
use crate::model::bands::BandCalibration;
use crate::model::monotone::Monotonicity;
use crate::model::warning::Warning;
use crate::time::{AsOf, Timestamp};

/// A test at a date later than every training label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct OutOfTime {
    /// The date at which customers were scored; the last of them where there are several.
    pub test_date: AsOf,
    /// All dates at which customers were scored, sorted. By default each customer is scored on one day of half a label
    /// period, so that the test meets every phase of a billing cycle; the measures are over all of them. Empty of models
    /// made before there were several.
    #[serde(default)]
    pub test_dates: Vec<AsOf>,
    /// The dates that trained the tested model, all of whose label periods end by the first test date. Where customers were
    /// taken on days of their own, as in [`ChurnRateAt::first`], these are the last days.
    pub training_dates: Vec<AsOf>,
    /// Whether every customer was scored by a model that had seen none of his rows.
    pub unseen_customers: bool,
    /// Shows that they do.
    pub proof: PurgeProof,
    /// What the predictions were worth.
    pub measures: Measures,
}

impl OutOfTime {
    /// Whether the churn rate at the test date was another than the features explain: the interval of
    /// [`Measures::base_rate_shift`] lies on one side of 0. `None` where there is none.
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
    /// The date.
    pub as_of: AsOf,
    /// Where customers were taken on days of their own, one day each: the first of these days, the last being `as_of`. `None`
    /// where all were taken at `as_of`.
    #[serde(default)]
    pub first: Option<AsOf>,
    /// Customers.
    pub rows: usize,
    /// Those that churned.
    pub churned: usize,
    /// Their share.
    pub churn_rate: f64,
    /// What was predicted of them, on average, by members that had not seen them.
    pub mean_probability: f64,
}

/// A member of the ensemble.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct MemberReport {
    /// `"linear"`, `"boosting"`, `"deep_boosting"` or `"forest"`.
    pub name: String,
    /// Its weight in the blend of log-odds.
    pub weight: f64,
    /// Its log-loss on customers it was not fitted on, before calibration.
    pub log_loss: f64,
}

/// A member that was asked for and does not take part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DroppedMember {
    /// As in [`MemberReport`].
    pub name: String,
    /// Why, in words.
    pub reason: String,
}

/// How a model was trained and what it is worth. Part of the model file's metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TrainReport {
    /// The dates that trained the final model. Where customers were taken on days of their own, as in [`ChurnRateAt::first`],
    /// these are the last days.
    pub training_dates: Vec<AsOf>,
    /// Customer-date pairs that trained it.
    pub rows: usize,
    /// Those that churned.
    pub churned: usize,
    /// Pairs left out because the customer churned within the lead, or before the date without it being known.
    pub excluded: usize,
    /// Pairs of customers that were not drawn, at all dates that might train or test: see `TrainOptions::max_rows`.
    #[serde(default, alias = "left_out")]
    pub subsampled: usize,
    /// Where the history begins.
    pub observed_from: Option<Timestamp>,
    /// The end of what was observed.
    pub observed_until: Option<Timestamp>,
    /// The churn rate at each training date, beside what the features explain of it.
    #[serde(default)]
    pub dates: Vec<ChurnRateAt>,
    /// Windows, in days, that reach before the history begins at some training date: what they hold is cut short there.
    #[serde(alias = "windows_before_history")]
    pub truncated_windows: Vec<u32>,
    /// The out-of-time test of a model trained the same way on earlier dates; `None` where the history is too short.
    pub out_of_time: Option<OutOfTime>,
    /// Why there is no out-of-time test; `None` if there is one.
    pub out_of_time_reason: Option<String>,
    /// The final model's predictions of customers held out in turn, at its own training dates. Optimistic about
    /// the future where times change.
    #[serde(alias = "grouped")]
    pub cross_validated: Measures,
    /// The members, with their weights.
    pub members: Vec<MemberReport>,
    /// Members that were asked for and do not take part.
    #[serde(default, alias = "members_left_out")]
    pub dropped_members: Vec<DroppedMember>,
    /// Features with which the probability may only rise or only fall.
    #[serde(default, alias = "monotone")]
    pub monotone_constraints: Vec<(String, Monotonicity)>,
    /// How log-odds become probabilities: `"intercept"`, `"platt"`, `"beta"` or `"isotonic"`.
    pub calibration: String,
    /// Predicted against observed in each risk band, of the customers held out in turn.
    pub bands: Vec<BandCalibration>,
    /// Columns that seem to know the label and stayed: those the caller allowed, and those that only warn.
    pub leaks: Vec<LeakageFinding>,
    /// What is odd about the training dates, the definition or the measures, and what to do.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}
