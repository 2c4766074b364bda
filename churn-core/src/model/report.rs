//! The training report and its parts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::evaluate::{Measures, PurgeProof};
use crate::leakage::LeakageFinding;
use crate::model::bands::BandCalibration;
use crate::model::monotone::Monotonicity;
use crate::model::warning::Warning;
use crate::time::{AsOf, Timestamp};

/// The result of an out-of-time test: a model is trained on earlier dates and is tested on later dates. The label
/// periods of all training dates end by the first test date.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct OutOfTime {
    /// The last test date.
    pub test_date: AsOf,
    /// All test dates, sorted. By default, the test dates are all days of a span that is half as long as a label
    /// period, and each customer is scored on one of these days. The metrics therefore do not depend on a single day of
    /// the billing cycle. The metrics include the predictions of all test dates. The list is empty if an earlier
    /// version of this library wrote the model file, because that version tested only `test_date`.
    #[serde(default)]
    pub test_dates: Vec<AsOf>,
    /// The training dates of the tested model. The label periods of all training dates end by the first test date. If a
    /// training date stands for a span of days, each customer is used on one day of the span (see
    /// [`ChurnRateAt::first`]), and this list contains the last day of the span.
    pub training_dates: Vec<AsOf>,
    /// Whether every customer was scored by a model that was not trained on any of that customer's rows.
    pub unseen_customers: bool,
    /// Evidence that the label periods of all training dates end by the first test date.
    pub proof: PurgeProof,
    /// The metrics of the predictions at the test dates.
    pub measures: Measures,
    /// Separate metrics for active and for inactive customers. A customer is active if they have an event in the
    /// `horizon` days before the test date. The field is `None` if churn is defined by cancellation, or if one of the
    /// two groups is empty. For example, every tested customer is active if `active_within` of the churn definition is
    /// at most the horizon. By default, `active_within` equals the horizon.
    #[serde(default)]
    pub by_activity: Option<MeasuresByActivity>,
    /// The predictions from which the measures were computed, for plots and custom metrics. Only the tests of a
    /// [`Backtest`](crate::Backtest) contain predictions. In the report of a model, the list is empty, which keeps the
    /// model file small.
    #[serde(default)]
    pub predictions: Vec<Prediction>,
}

/// Separate metrics for active and for inactive customers. A customer is active if they have an event in the `horizon`
/// days before the test date. Only the table that defines inactivity is searched for such events.
///
/// Inactive customers have in effect already churned, so their churn is easy to predict. The metrics over all customers
/// are therefore too optimistic for the active customers. Only the active customers can still be retained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct MeasuresByActivity {
    /// Metrics for active customers, who have an event in the `horizon` days before the test date.
    pub active: Measures,
    /// Metrics for inactive customers, who have no event in the `horizon` days before the test date.
    pub inactive: Measures,
}

/// One prediction of an out-of-time test, with the outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Prediction {
    /// The id of the customer.
    pub customer_id: String,
    /// The date of the prediction.
    pub as_of: AsOf,
    /// Predicted probability that the customer churns in the label period after the date.
    pub probability: f64,
    /// Whether the customer churned in the label period after the date.
    pub churned: bool,
}

impl OutOfTime {
    /// Whether the observed churn rate at the test dates differs from the mean predicted probability by more than
    /// chance explains. This is the case if the confidence interval of [`Measures::base_rate_shift`] excludes 0. `None`
    /// if there is no such interval.
    pub fn base_rate_drifted(&self) -> Option<bool> {
        let shift = self.measures.base_rate_shift?;
        Some(!shift.interval.contains(0.0))
    }
}

impl fmt::Display for OutOfTime {
    /// Writes the test date, and then each metric on its own line.
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
    /// The training date. If each customer is used on one day of a span, this is the last day of the span.
    pub as_of: AsOf,
    /// The first day of the span that ends at `as_of`, if each customer is used on one day of this span. `None` if all
    /// customers are used at `as_of`.
    #[serde(default)]
    pub first: Option<AsOf>,
    /// Number of customers who are used at this training date.
    pub rows: usize,
    /// Number of customers who are used at this training date and churned in the label period after the date.
    pub churned: usize,
    /// Observed churn rate at this training date: `churned` divided by `rows`.
    pub churn_rate: f64,
    /// Mean predicted probability of churn. Each prediction comes from a model that was not fitted on the customer's
    /// rows (out-of-fold).
    pub mean_probability: f64,
}

/// A base learner (also called a member) of the ensemble.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct MemberReport {
    /// The name of the base learner: `"linear"`, `"boosting"`, `"deep_boosting"` or `"forest"`.
    pub name: String,
    /// The weight of the base learner. The ensemble adds up the log-odds of its base learners, each multiplied by its
    /// weight. The weights sum to 1.
    pub weight: f64,
    /// The out-of-fold log-loss of the base learner, before calibration. Each prediction for a customer (or group)
    /// comes from a base learner that was fitted without the rows of this customer (or group). Lower is better.
    pub log_loss: f64,
}

/// A base learner that was requested but is not part of the ensemble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DroppedMember {
    /// The name of the base learner, as in [`MemberReport`].
    pub name: String,
    /// Why the base learner is not part of the ensemble.
    pub reason: String,
}

/// How a model was trained and how well it performs. The report is part of the model file's metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TrainReport {
    /// The training dates of the final model. If a training date stands for a span of days, each customer is used on
    /// one day of the span (see [`ChurnRateAt::first`]), and this list contains the last day of the span.
    pub training_dates: Vec<AsOf>,
    /// Number of rows in the training set. Each row is a pair of a customer and a date.
    pub rows: usize,
    /// Number of training rows in which the customer churned in the label period after the date.
    pub churned: usize,
    /// Number of customer-date pairs that were excluded, over all training and test dates. A pair is excluded if the
    /// customer churned between the date and the start of the label period. A pair is also excluded if the customer had
    /// churned before the date, but the churn was not known yet at the date.
    pub excluded: usize,
    /// Number of customer-date pairs, over all training and test dates, that were not used because there were more than
    /// `max_rows` pairs.
    #[serde(default, alias = "left_out")]
    pub subsampled: usize,
    /// The start of the observed history, which is the period that the records cover.
    pub observed_from: Option<Timestamp>,
    /// The end of the observed history, which is the period that the records cover.
    pub observed_until: Option<Timestamp>,
    /// The observed churn rate and the mean predicted probability at each training date.
    #[serde(default)]
    pub dates: Vec<ChurnRateAt>,
    /// Lengths, in days, of the feature windows that are truncated at one or more training dates. A feature with a
    /// window uses only the records of the days in this window, which ends at the training date. A window is truncated
    /// if it begins before the observed history.
    #[serde(alias = "windows_before_history")]
    pub truncated_windows: Vec<u32>,
    /// The out-of-time test. The tested model is not the final model. The tested model was trained with the same
    /// options, but only on dates whose label periods end by the first test date. `None` if the history is too short
    /// for a test.
    pub out_of_time: Option<OutOfTime>,
    /// Why there is no out-of-time test; `None` if there is one.
    pub out_of_time_reason: Option<String>,
    /// Metrics of out-of-fold predictions at the training dates: each prediction comes from a model that was not fitted
    /// on the customer's rows. If the causes or the rate of churn change over time, these metrics are too optimistic
    /// for future predictions.
    #[serde(alias = "grouped")]
    pub cross_validated: Measures,
    /// The base learners, with their weights.
    pub members: Vec<MemberReport>,
    /// Base learners that were requested but are not part of the ensemble, with the reason.
    #[serde(default, alias = "members_left_out")]
    pub dropped_members: Vec<DroppedMember>,
    /// The monotonic constraints. Each constraint is a feature name and the direction in which the probability may
    /// change as the feature grows.
    #[serde(default, alias = "monotone")]
    pub monotone_constraints: Vec<(String, Monotonicity)>,
    /// The calibration method: `"intercept"`, `"platt"`, `"beta"` or `"isotonic"`.
    pub calibration: String,
    /// Mean predicted probability and observed churn rate in each risk band. Each prediction comes from a model that
    /// was not fitted on the customer's rows (out-of-fold).
    pub bands: Vec<BandCalibration>,
    /// Columns that appear to leak the target but were used. A column leaks the target if it contains information that
    /// is not available at prediction time. Each listed column was used because the caller allowed it, or because its
    /// leak is reported only as a warning.
    pub leaks: Vec<LeakageFinding>,
    /// Warnings about the training dates, the churn definition or the metrics. Each warning says what to do about the
    /// problem.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}
