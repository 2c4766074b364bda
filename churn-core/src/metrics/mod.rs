//! Metrics of predictions: pure functions of labels and scores.
//!
//! Labels and scores are parallel slices with one element per row. If their lengths differ, the surplus elements of the
//! longer slice are ignored. A score is any number that is higher where churn is more likely. A probability is a score
//! between 0 and 1.
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

/// Area under the ROC curve. A pair of rows with equal scores counts half. `None` if there is only one class.
pub fn roc_auc(churned: &[bool], scores: &[f64]) -> Option<f64> {
    Ranked::new(churned, scores).roc_auc()
}

/// Average precision. For each churned row, the precision is the churn rate among all rows whose score is at least the
/// score of that row. The average precision is the mean of these precisions. `None` if no row churned.
pub fn pr_auc(churned: &[bool], scores: &[f64]) -> Option<f64> {
    Ranked::new(churned, scores).pr_auc()
}

/// Log-loss: the mean negative log-likelihood of the labels. Probabilities are clamped to the range from 1e-15 to 1 -
/// 1e-15. `None` if there are no rows.
pub fn log_loss(churned: &[bool], probabilities: &[f64]) -> Option<f64> {
    Ranked::new(churned, probabilities).log_loss()
}

/// Brier score: the mean squared difference between the probability and the label (0 or 1). `None` if there are no
/// rows.
pub fn brier(churned: &[bool], probabilities: &[f64]) -> Option<f64> {
    Ranked::new(churned, probabilities).brier()
}

/// Slope and intercept of the logistic regression of labels on predicted log-odds (Cox, "Two further applications of a
/// model for binary regression", 1958). If predictions are calibrated, the slope is 1 and the intercept is 0. A slope
/// below 1 means that predictions are too extreme. `None` if there is no finite best fit, for example if there is only
/// one class.
pub fn calibration_line(churned: &[bool], probabilities: &[f64]) -> Option<(f64, f64)> {
    let ranked = Ranked::new(churned, probabilities);
    ranked.line(&ranked.log_odds(), (1.0, 0.0), 50)
}

/// Expected calibration error: the mean, over ten bins of equal size, of the absolute difference between mean predicted
/// probability and observed churn rate. `None` if there are no rows.
pub fn calibration_error(churned: &[bool], probabilities: &[f64]) -> Option<f64> {
    Ranked::new(churned, probabilities).calibration_error()
}

/// Lift: the churn rate among the rows with the highest scores, divided by the overall churn rate. `share` (0 to 1) is
/// the fraction of all rows that is selected by score. If the cutoff lies among rows with equal scores, all of these
/// rows get the same fractional weight. `None` if no row churned.
pub fn lift_at(churned: &[bool], scores: &[f64], share: f64) -> Option<f64> {
    Ranked::new(churned, scores).lift_at(share)
}
