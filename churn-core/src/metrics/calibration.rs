//! Compares predicted probabilities with observed churn rates.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::numeric::{SplitMix, logit, sigmoid};
use crate::parallel::Workers;

/// Number of bins of a calibration table.
pub(crate) const BINS: usize = 10;

/// One bin of a calibration table: rows with similar predictions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CalibrationBin {
    /// Total weight of the rows in the bin. If all weights are 1, this is the number of rows.
    pub rows: f64,
    /// Mean predicted probability of the rows in the bin.
    pub mean_probability: f64,
    /// Observed churn rate of the rows in the bin.
    pub churn_rate: f64,
}

/// Splits rows into bins of equal weight. The rows must be sorted by prediction.
pub(crate) fn bins(probabilities: &[f64], churned: &[bool], weights: &[f64], count: usize) -> Vec<CalibrationBin> {
    let total: f64 = weights.iter().sum();
    let mut sums = vec![(0.0, 0.0, 0.0); count];
    let mut before = 0.0;
    for ((&p, &churned), &weight) in probabilities.iter().zip(churned).zip(weights) {
        if weight <= 0.0 {
            continue;
        }
        // The weights of the sorted rows divide the total weight into consecutive intervals, one for each row. A row
        // belongs to the bin that contains the midpoint of its interval.
        let bin = (((before + weight / 2.0) / total * count as f64) as usize).min(count - 1);
        before += weight;
        let (rows, predicted, observed) = &mut sums[bin];
        *rows += weight;
        *predicted += weight * p;
        *observed += if churned { weight } else { 0.0 };
    }
    let filled = sums.into_iter().filter(|(rows, _, _)| *rows > 0.0);
    filled
        .map(|(rows, predicted, observed)| CalibrationBin {
            rows,
            mean_probability: predicted / rows,
            churn_rate: observed / rows,
        })
        .collect()
}

/// Returns the slope and the intercept of the logistic regression of the labels on the predicted log-odds (Cox, 1958).
/// If predictions are calibrated, the slope is 1 and the intercept is 0. A slope below 1 means that predictions are too
/// extreme. The fit uses Newton's method from `start` with at most `steps` steps.
pub(crate) fn line(
    log_odds: &[f64],
    churned: &[bool],
    weights: &[f64],
    start: (f64, f64),
    steps: usize,
) -> Option<(f64, f64)> {
    let (mut slope, mut intercept) = start;
    for _ in 0..steps {
        let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for ((&z, &churned), &weight) in log_odds.iter().zip(churned).zip(weights) {
            if weight <= 0.0 {
                continue;
            }
            let p = sigmoid(slope * z + intercept);
            let first = weight * (p - f64::from(u8::from(churned)));
            let second = weight * p * (1.0 - p);
            ga += first * z;
            gb += first;
            haa += second * z * z;
            hab += second * z;
            hbb += second;
        }
        let determinant = haa * hbb - hab * hab;
        if determinant.is_nan() || determinant <= 1e-12 * haa * hbb {
            return None;
        }
        let (step_a, step_b) = ((hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant);
        slope -= step_a;
        intercept -= step_b;
        if step_a.abs().max(step_b.abs()) < 1e-9 {
            break;
        }
    }
    // If the classes are perfectly separated, the best slope is infinite.
    (slope.is_finite() && intercept.is_finite() && slope.abs() < 50.0).then_some((slope, intercept))
}

/// The log-odds of probabilities. Probabilities of 0 and 1 are clamped, so that the log-odds are finite.
pub(crate) fn log_odds(probabilities: &[f64]) -> Vec<f64> {
    probabilities
        .iter()
        .map(|&p| logit(p.clamp(1e-9, 1.0 - 1e-9)))
        .collect()
}

/// Returns the calibration error that perfectly calibrated predictions can show because of sampling noise. It is the
/// 95th percentile of the calibration errors in `draws` simulations, in which every row churns with its predicted
/// probability. `probabilities` must be in ascending order.
pub(crate) fn error_by_chance(
    probabilities: &[f64],
    draws: usize,
    seed: u64,
    workers: &Workers,
) -> Result<Option<f64>> {
    let weights = vec![1.0; probabilities.len()];
    let mut errors = workers.map(0..draws, |draw| {
        let mut random = SplitMix::new(seed ^ 0xCA11, draw as u64);
        let churned: Vec<bool> = probabilities.iter().map(|&p| random.unit() < p).collect();
        Ok(error_of(&bins(probabilities, &churned, &weights, BINS)))
    })?;
    errors.sort_unstable_by(f64::total_cmp);
    Ok((!probabilities.is_empty() && draws > 0).then(|| errors[(errors.len() - 1) * 95 / 100]))
}

/// The expected calibration error: the mean, over all bins, of the absolute difference between mean predicted
/// probability and observed churn rate. Each bin is weighted by its total row weight.
pub(crate) fn error_of(bins: &[CalibrationBin]) -> f64 {
    let total: f64 = bins.iter().map(|bin| bin.rows).sum();
    bins.iter()
        .map(|bin| bin.rows / total * (bin.mean_probability - bin.churn_rate).abs())
        .sum()
}
