//! The training report and its parts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::evaluate::{Measures, PurgeProof};
use crate::leakage::LeakageFinding;
use crate::model::bands::BandCalibration;
use crate::model::monotone::Monotonicity;
use crate::model::warning::Warning;
use crate::time::{AsOf, Timestamp};

/// An out-of-time test: metrics at dates after the end of every training label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct OutOfTime {
    /// The last test date.
    pub test_date: AsOf,
    /// All test dates, sorted. By default, the test dates span half a label period, and each customer is scored on one
    /// of these days, so that the test covers every phase of a billing cycle. The measures cover all these days. Empty
    /// in files of earlier versions, which tested a single date.
    #[serde(default)]
    pub test_dates: Vec<AsOf>,
    /// The training dates of the tested model. Their label periods all end by the first test date. If each customer has
    /// an individual training day, as in [`ChurnRateAt::first`], this list contains the last day of each span.
    pub training_dates: Vec<AsOf>,
    /// Whether every customer was scored by a model that was not trained on any of that customer's rows.
    pub unseen_customers: bool,
    /// Evidence that no training label overlaps the test period.
    pub proof: PurgeProof,
    /// How well the predictions perform.
    pub measures: Measures,
    /// Separate measures for active and inactive customers. `None` if churn is defined by cancellation. Also `None` if
    /// an inactivity definition keeps only customers who were active in the horizon before the date, as it does by
    /// default.
    #[serde(default)]
    pub by_activity: Option<MeasuresByActivity>,
    /// The predictions behind the measures, for plots and custom metrics. Only a [`Backtest`](crate::Backtest) has
    /// them; the report of a model does not, because it is part of the model file.
    #[serde(default)]
    pub predictions: Vec<Prediction>,
}

/// Separate measures for customers who were active in the horizon before the test date and for customers who were not.
///
/// Inactive customers have in effect already churned. They are easy to predict, so measures over both groups are better
/// than those for the customers who can still be retained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct MeasuresByActivity {
    /// Measures for customers with an event in the horizon before the test date.
    pub active: Measures,
    /// Measures for customers without such an event.
    pub inactive: Measures,
}

/// One prediction of an out-of-time test, with the outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Prediction {
    /// The customer.
    pub customer_id: String,
    /// The prediction time.
    pub as_of: AsOf,
    /// Predicted probability of churn.
    pub probability: f64,
    /// Whether the customer churned in the label period.
    pub churned: bool,
}

impl OutOfTime {
    /// Whether the churn rate at the test date differs from the predicted rate, that is, whether the interval of
    /// [`Measures::base_rate_shift`] excludes 0. `None` if there is no such interval.
    pub fn base_rate_drifted(&self) -> Option<bool> {
        let shift = self.measures.base_rate_shift?;
        Some(!shift.interval.contains(0.0))
    }
}

impl fmt::Display for OutOfTime {
    /// Writes the test date and the metrics, one per line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "out-of-time test at {}", self.test_date)?;
        self.measures
            .to_string()
            .lines()
            .try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// The churn rate at a training date.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ChurnRateAt {
    /// The training date.
    pub as_of: AsOf,
    /// The first training day of the span that ends at `as_of`, if each customer is used on an individual day of the
    /// span. `None` if all customers are used at `as_of`.
    #[serde(default)]
    pub first: Option<AsOf>,
    /// Number of customers.
    pub rows: usize,
    /// Number of customers who churned.
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
    /// The weight of the base learner in the blend of log-odds.
    pub weight: f64,
    /// The out-of-fold log-loss of the base learner, before calibration.
    pub log_loss: f64,
}

/// A base learner that was requested but dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DroppedMember {
    /// The name of the member, as in [`MemberReport`].
    pub name: String,
    /// Why it was dropped.
    pub reason: String,
}

/// How a model was trained and how well it performs. The report is part of the model file's metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TrainReport {
    /// The training dates of the final model. If each customer has an individual training day, as in
    /// [`ChurnRateAt::first`], this list contains the last day of each span.
    pub training_dates: Vec<AsOf>,
    /// Number of customer-date pairs in the training set.
    pub rows: usize,
    /// Number of these pairs that churned.
    pub churned: usize,
    /// Number of excluded pairs. A pair is excluded if the customer churned between the date and the label period, or
    /// had already churned before the date but this was not known yet.
    pub excluded: usize,
    /// Number of pairs that sampling dropped, over all training and test dates: see `TrainOptions::max_rows`.
    #[serde(default, alias = "left_out")]
    pub subsampled: usize,
    /// The start of the observed history.
    pub observed_from: Option<Timestamp>,
    /// The end of the observed history.
    pub observed_until: Option<Timestamp>,
    /// The observed churn rate and the mean prediction at each training date.
    #[serde(default)]
    pub dates: Vec<ChurnRateAt>,
    /// Lengths, in days, of the windows that begin before the observed history at some training date and are therefore
    /// truncated.
    #[serde(alias = "windows_before_history")]
    pub truncated_windows: Vec<u32>,
    /// The out-of-time test of a model trained in the same way on earlier dates; `None` if the history is too short.
    pub out_of_time: Option<OutOfTime>,
    /// Why there is no out-of-time test; `None` if there is one.
    pub out_of_time_reason: Option<String>,
    /// Metrics of out-of-fold predictions at the training dates. If churn drifts, they are too optimistic about the
    /// future.
    #[serde(alias = "grouped")]
    pub cross_validated: Measures,
    /// The base learners, with their weights.
    pub members: Vec<MemberReport>,
    /// Base learners that were requested but dropped.
    #[serde(default, alias = "members_left_out")]
    pub dropped_members: Vec<DroppedMember>,
    /// The monotonic constraints, by feature.
    #[serde(default, alias = "monotone")]
    pub monotone_constraints: Vec<(String, Monotonicity)>,
    /// The calibration method: `"intercept"`, `"platt"`, `"beta"` or `"isotonic"`.
    pub calibration: String,
    /// Mean predicted probability and observed churn rate in each risk band, from out-of-fold predictions.
    pub bands: Vec<BandCalibration>,
    /// Columns that appear to leak the target but were used, either because the caller allowed them or because their
    /// finding is only a warning.
    pub leaks: Vec<LeakageFinding>,
    /// Problems with the training dates, the definition or the measures, and what to do about them.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}
