//! Predicted against observed.

use serde::{Deserialize, Serialize};

/// Number of bins.
pub(crate) const BINS: usize = 10;

/// Rows of neighbouring predictions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CalibrationBin {
    /// Rows in the bin.
    pub rows: f64,
    /// What was predicted, on average.
    pub mean_probability: f64,
    /// What was observed.
    pub churn_rate: f64,
}

/// Cuts rows, sorted by prediction, into bins of equal weight.
pub(crate) fn bins(probabilities: &[f64], churned: &[bool], weights: &[f64], count: usize) -> Vec<CalibrationBin> {
    let total: f64 = weights.iter().sum();
    let mut sums = vec![(0.0, 0.0, 0.0); count];
    let mut before = 0.0;
    for ((&p, &churned), &weight) in probabilities.iter().zip(churned).zip(weights) {
        if weight <= 0.0 {
            continue;
        }
        // A row belongs to the bin in which its middle lies.
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
