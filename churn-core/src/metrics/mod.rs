//! How good predictions are: pure functions over labels and probabilities.
//!
//! Labels and scores stand side by side, one of each per row; of slices of unequal length the longer one's rest is left out.
//! Scores are any numbers that are higher where churn is likelier, probabilities lie in [0, 1].
//!
//! ```
//! let auc = churn_core::metrics::roc_auc(&[false, true, true], &[0.2, 0.1, 0.9]);
//! assert_eq!(auc, Some(0.5));
//! ```

mod bootstrap;
mod calibration;
mod interval;
mod ranked;

pub(crate) use bootstrap::{Metric, bootstrap_intervals};
pub use calibration::CalibrationBin;
pub use interval::{Estimate, Interval};
pub use ranked::Ranked;

/// Area under the ROC curve; ties count half. `None` with a single class.
pub fn roc_auc(churned: &[bool], scores: &[f64]) -> Option<f64> {
    Ranked::new(churned, scores).roc_auc()
}

/// Average precision: the mean precision at each churned row, ties taken together. `None` without a churned row.
pub fn pr_auc(churned: &[bool], scores: &[f64]) -> Option<f64> {
    Ranked::new(churned, scores).pr_auc()
}

/// Mean negative log-likelihood, probabilities held within 1e-15 of 0 and 1. `None` without rows.
pub fn log_loss(churned: &[bool], probabilities: &[f64]) -> Option<f64> {
    Ranked::new(churned, probabilities).log_loss()
}

/// Mean squared error of the probability. `None` without rows.
pub fn brier(churned: &[bool], probabilities: &[f64]) -> Option<f64> {
    Ranked::new(churned, probabilities).brier()
}

/// Slope and intercept of the logistic regression of labels on predicted log-odds (Cox, "Two further applications of a
/// model for binary regression", 1958): 1 and 0 where predictions are calibrated, a slope below 1 where they are too extreme.
/// `None` where no finite line fits best, as with a single class.
pub fn calibration_line(churned: &[bool], probabilities: &[f64]) -> Option<(f64, f64)> {
    let ranked = Ranked::new(churned, probabilities);
    ranked.line(&ranked.log_odds(), (1.0, 0.0), 50)
}

/// Mean distance of predicted and observed over ten bins of equal size. `None` without rows.
pub fn calibration_error(churned: &[bool], probabilities: &[f64]) -> Option<f64> {
    Ranked::new(churned, probabilities).calibration_error()
}

/// Churn rate among the `share` of rows (0 to 1) with the highest scores over the churn rate of all. Ties at the border
/// count in part. `None` without a churned row.
pub fn lift_at(churned: &[bool], scores: &[f64], share: f64) -> Option<f64> {
    Ranked::new(churned, scores).lift_at(share)
}
