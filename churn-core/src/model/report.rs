//! What training found out about the model.

use serde::{Deserialize, Serialize};

use crate::evaluate::{Measures, PurgeProof};
use crate::leakage::LeakFinding;
use crate::model::bands::BandCheck;
use crate::time::{AsOf, Timestamp};

/// A test at a date later than every training label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OutOfTime {
    /// The date at which customers were scored.
    pub test_date: AsOf,
    /// The dates that trained the tested model, all of whose label periods end by the test date.
    pub training_dates: Vec<AsOf>,
    /// Whether every customer was scored by a model that had seen none of his rows.
    pub unseen_customers: bool,
    /// Shows that they do.
    pub proof: PurgeProof,
    /// What the predictions were worth.
    pub measures: Measures,
}

/// A member of the ensemble.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MemberReport {
    /// `"linear"`, `"boosting"`, `"deep_boosting"` or `"forest"`.
    pub name: String,
    /// Its weight in the blend of log-odds.
    pub weight: f64,
    /// Its log-loss on customers it was not fitted on, before calibration.
    pub log_loss: f64,
}

/// How a model was trained and what it is worth. Part of the model file's metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrainReport {
    /// The dates that trained the final model.
    pub training_dates: Vec<AsOf>,
    /// Customer-date pairs that trained it.
    pub rows: usize,
    /// Those that churned.
    pub churned: usize,
    /// Pairs left out because the customer churned within the lead, or before the date without it being known.
    pub excluded: usize,
    /// Pairs of customers that were not drawn, at all dates that might train or test: see `TrainOptions::max_rows`.
    #[serde(default)]
    pub left_out: usize,
    /// Where the history begins.
    pub observed_from: Option<Timestamp>,
    /// The end of what was observed.
    pub observed_until: Option<Timestamp>,
    /// Windows, in days, that reach before the history begins at some training date: what they hold is cut short there.
    pub windows_before_history: Vec<u32>,
    /// The out-of-time test of a model trained the same way on earlier dates; `None` where the history is too short.
    pub out_of_time: Option<OutOfTime>,
    /// Why there is no out-of-time test.
    pub out_of_time_reason: Option<String>,
    /// The final model's predictions of customers held out in turn, at its own training dates. Optimistic about
    /// the future where times change.
    pub grouped: Measures,
    /// The members, with their weights.
    pub members: Vec<MemberReport>,
    /// How log-odds become probabilities.
    pub calibration: String,
    /// Predicted against observed in each risk band, of the customers held out in turn.
    pub bands: Vec<BandCheck>,
    /// Columns that seem to know the label and stayed: those the caller allowed, and those that only warn.
    pub leaks: Vec<LeakFinding>,
}
