//! Rows sorted by score, each with a weight. Every metric is computed from the sorted rows in one pass.

use crate::error::Result;
use crate::metrics::calibration::{BINS, CalibrationBin, bins, error_by_chance, error_of, line, log_odds};
use crate::numeric::{ln, sigmoid};
use crate::parallel::Workers;

/// Labels and scores of rows. The rows are sorted by score once, so that several metrics can be computed quickly. If a
/// method and a function of this module have the same name, they return the same value.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// The scores of the rows, in ascending order.
    scores: Vec<f64>,
    churned: Vec<bool>,
    weights: Vec<f64>,
    /// The position that each row had before sorting.
    order: Vec<u32>,
}

impl Ranked {
    /// Sorts rows by score. Each row has weight 1. Scores should not be NaN.
    pub fn new(churned: &[bool], scores: &[f64]) -> Self {
        let mut order: Vec<u32> = (0..churned.len().min(scores.len()) as u32).collect();
        order.sort_by(|&a, &b| scores[a as usize].total_cmp(&scores[b as usize]));
        Self {
            scores: order.iter().map(|&row| scores[row as usize]).collect(),
            churned: order.iter().map(|&row| churned[row as usize]).collect(),
            weights: vec![1.0; order.len()],
            order,
        }
    }

    /// Sets the weight of every row. `weight` is called with the position that the row had before sorting.
    pub(crate) fn reweigh(&mut self, weight: impl Fn(usize) -> f64) {
        for (weight_here, &row) in self.weights.iter_mut().zip(&self.order) {
            *weight_here = weight(row as usize);
        }
    }

    fn total(&self) -> f64 {
        self.weights.iter().sum()
    }

    fn positives(&self) -> f64 {
        self.weights
            .iter()
            .zip(&self.churned)
            .filter(|(_, churned)| **churned)
            .map(|(weight, _)| weight)
            .sum()
    }

    /// Returns two weights for each group of rows with equal scores: the total weight of the churned rows, and the
    /// total weight of the retained rows. The group with the lowest score comes first.
    fn ties(&self) -> impl DoubleEndedIterator<Item = (f64, f64)> {
        let mut runs = vec![];
        let mut start = 0;
        while start < self.scores.len() {
            let (mut end, mut churned, mut retained) = (start, 0.0, 0.0);
            while end < self.scores.len() && self.scores[end] == self.scores[start] || end == start {
                *(if self.churned[end] { &mut churned } else { &mut retained }) += self.weights[end];
                end += 1;
            }
            runs.push((churned, retained));
            start = end;
        }
        runs.into_iter()
    }

    /// Area under the ROC curve; `None` if there is only one class.
    pub fn roc_auc(&self) -> Option<f64> {
        let (mut below, mut area, mut positives) = (0.0, 0.0, 0.0);
        for (churned, retained) in self.ties() {
            area += churned * (below + retained / 2.0);
            below += retained;
            positives += churned;
        }
        (positives > 0.0 && below > 0.0).then(|| area / (positives * below))
    }

    /// Average precision; `None` if no row churned.
    pub fn pr_auc(&self) -> Option<f64> {
        let (mut found, mut looked, mut sum) = (0.0, 0.0, 0.0);
        for (churned, retained) in self.ties().rev() {
            found += churned;
            looked += churned + retained;
            if churned > 0.0 {
                sum += churned * found / looked;
            }
        }
        (found > 0.0).then(|| sum / found)
    }

    /// Mean negative log-likelihood; `None` if there are no rows.
    pub fn log_loss(&self) -> Option<f64> {
        self.mean(log_loss_of)
    }

    /// The log-losses of all rows. The row with the lowest score comes first. Pass the result to
    /// [`mean_of`](Self::mean_of) to compute the mean under other weights.
    pub(crate) fn log_losses(&self) -> Vec<f64> {
        let rows = self.scores.iter().zip(&self.churned);
        rows.map(|(&p, &churned)| log_loss_of(p, churned)).collect()
    }

    /// Returns the weighted mean of `values`. There is one value per row, and the row with the lowest score comes
    /// first.
    pub(crate) fn mean_of(&self, values: &[f64]) -> Option<f64> {
        weighted_mean(values.iter().copied().zip(self.weights.iter().copied()))
    }

    /// Brier score (mean squared error of the probability); `None` if there are no rows.
    pub fn brier(&self) -> Option<f64> {
        self.mean(|p, churned| {
            let error = p - f64::from(u8::from(churned));
            error * error
        })
    }

    fn mean(&self, loss: impl Fn(f64, bool) -> f64) -> Option<f64> {
        let losses = self
            .scores
            .iter()
            .zip(&self.churned)
            .map(|(&p, &churned)| loss(p, churned));
        weighted_mean(losses.zip(self.weights.iter().copied()))
    }

    /// Expected calibration error over ten bins of equal size; `None` if there are no rows.
    pub fn calibration_error(&self) -> Option<f64> {
        (self.total() > 0.0).then(|| error_of(&self.calibration()))
    }

    /// Slope and intercept of the logistic regression of the labels on the predicted log-odds, which are given in
    /// ascending order.
    pub(crate) fn line(&self, log_odds: &[f64], start: (f64, f64), steps: usize) -> Option<(f64, f64)> {
        line(log_odds, &self.churned, &self.weights, start, steps)
    }

    /// Returns the number that must be added to the predicted log-odds so that the mean prediction equals the churn
    /// rate. The log-odds are given in ascending order. The number is found by Newton's method, which begins at
    /// `start`. `None` if there is only one class.
    pub(crate) fn shift(&self, log_odds: &[f64], start: f64) -> Option<f64> {
        let (total, positives) = (self.total(), self.positives());
        if positives <= 0.0 || positives >= total {
            return None;
        }
        let mut shift = start;
        for _ in 0..50 {
            let (mut sum, mut slope) = (0.0, 0.0);
            for (&z, &weight) in log_odds.iter().zip(&self.weights).filter(|(_, weight)| **weight > 0.0) {
                let p = sigmoid(z + shift);
                sum += weight * p;
                slope += weight * p * (1.0 - p);
            }
            // The length of a step is limited, because long steps overshoot where probabilities are near 0 or 1.
            let step = ((positives - sum) / slope.max(1e-12)).clamp(-1.0, 1.0);
            shift += step;
            if step.abs() < 1e-9 {
                break;
            }
        }
        Some(shift)
    }

    /// The log-odds of the scores, in ascending order. The scores must be probabilities.
    pub(crate) fn log_odds(&self) -> Vec<f64> {
        log_odds(&self.scores)
    }

    /// Returns the 95th percentile of the calibration error that sampling noise would cause if the scores were
    /// perfectly calibrated probabilities.
    pub(crate) fn calibration_error_null_95(&self, draws: usize, seed: u64, workers: &Workers) -> Result<Option<f64>> {
        error_by_chance(&self.scores, draws, seed, workers)
    }

    /// Mean predicted probability and observed churn rate in ten bins of equal size, lowest predictions first. Empty
    /// bins are omitted.
    pub fn calibration(&self) -> Vec<CalibrationBin> {
        bins(&self.scores, &self.churned, &self.weights, BINS)
    }

    /// Lift: the churn rate among the rows with the highest scores, divided by the overall churn rate. `share` (0 to 1)
    /// is the fraction of all rows that is selected by score. `None` if no row churned.
    pub fn lift_at(&self, share: f64) -> Option<f64> {
        let (total, positives) = (self.total(), self.positives());
        let wanted = total * share;
        let (mut looked, mut found) = (0.0, 0.0);
        for (churned, retained) in self.ties().rev() {
            let size = churned + retained;
            if size <= 0.0 {
                continue;
            }
            let part = ((wanted - looked) / size).clamp(0.0, 1.0);
            found += part * churned;
            looked += part * size;
            if looked >= wanted {
                break;
            }
        }
        (positives > 0.0 && looked > 0.0).then(|| (found / looked) / (positives / total))
    }
}

fn log_loss_of(p: f64, churned: bool) -> f64 {
    let p = p.clamp(1e-15, 1.0 - 1e-15);
    -ln(if churned { p } else { 1.0 - p })
}

/// The weighted mean of values. Each element is a value and its weight. `None` if the total weight is 0.
fn weighted_mean(values: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let weighing = values.filter(|(_, weight)| *weight > 0.0);
    let (sum, total) = weighing.fold((0.0, 0.0), |(sum, total), (value, weight)| {
        (sum + weight * value, total + weight)
    });
    (total > 0.0).then(|| sum / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHURNED: [bool; 6] = [false, true, false, true, true, false];
    const SCORES: [f64; 6] = [0.1, 0.4, 0.4, 0.8, 0.9, 0.2];

    #[test]
    fn metrics_equal_values_computed_by_hand() {
        let ranked = Ranked::new(&CHURNED, &SCORES);
        // There are 9 pairs of a churned and a retained row. The churned row has the higher score in 8 pairs, and 1
        // pair is tied.
        assert!((ranked.roc_auc().unwrap() - 8.5 / 9.0).abs() < 1e-12);
        // The precision is 1 at the first two churned rows. It is 3/4 at the third churned row, which is tied with a
        // retained row.
        assert!((ranked.pr_auc().unwrap() - (1.0 + 1.0 + 0.75) / 3.0).abs() < 1e-12);
        let brier = (0.01 + 0.36 + 0.16 + 0.04 + 0.01 + 0.04) / 6.0;
        assert!((ranked.brier().unwrap() - brier).abs() < 1e-12);
        assert!((ranked.lift_at(1.0 / 3.0).unwrap() - 2.0).abs() < 1e-12);
        // The cutoff separates two rows with equal scores, so each of them counts half.
        assert!((ranked.lift_at(0.5).unwrap() - (2.5 / 3.0) / 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_single_class_and_no_rows_have_no_metric() {
        assert_eq!(Ranked::new(&[true, true], &[0.1, 0.2]).roc_auc(), None);
        assert_eq!(Ranked::new(&[false], &[0.1]).pr_auc(), None);
        assert_eq!(Ranked::new(&[], &[]).log_loss(), None);
        assert_eq!(Ranked::new(&[], &[]).calibration_error(), None);
    }

    #[test]
    fn an_integer_weight_equals_that_many_rows() {
        let mut weighed = Ranked::new(&CHURNED, &SCORES);
        weighed.reweigh(|row| if row == 3 { 2.0 } else { 1.0 });
        let mut churned = CHURNED.to_vec();
        let mut scores = SCORES.to_vec();
        churned.push(true);
        scores.push(0.8);
        let repeated = Ranked::new(&churned, &scores);
        for (a, b) in [
            (weighed.roc_auc(), repeated.roc_auc()),
            (weighed.pr_auc(), repeated.pr_auc()),
            (weighed.log_loss(), repeated.log_loss()),
            (weighed.lift_at(0.3), repeated.lift_at(0.3)),
        ] {
            assert!((a.unwrap() - b.unwrap()).abs() < 1e-12);
        }
    }
}
