//! Confidence intervals of calibrated probabilities.

use serde::{Deserialize, Serialize};

use crate::calibration::{Calibrator, Row};
use crate::error::Result;
use crate::metrics::Interval;
use crate::numeric::{SplitMix, sigmoid};
use crate::parallel::Workers;

/// The share of the bootstrap replicates whose calibrated value lies in the interval.
const LEVEL: f64 = 0.9;
const REPLICATES: usize = 200;
/// If there are more rows than this number, each bootstrap replicate draws only about this many rows.
const MOST_ROWS: usize = 50_000;
/// The curve of each replicate is evaluated at evenly spaced quantiles of the log-odds. This constant is the number of
/// steps from the smallest to the largest log-odds.
const STEPS: usize = 32;
/// The curve of each replicate is also evaluated at the smallest log-odds minus this number and at the largest log-odds
/// plus this number.
const BEYOND: f64 = 3.0;

/// Confidence band of the calibration curve, from a percentile bootstrap (Efron and Tibshirani, 1993). Each replicate
/// resamples whole customers and fits the calibration again. The curve of every replicate rises with the log-odds, so
/// the percentiles of the curves rise too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Intervals {
    /// Each knot holds log-odds before calibration, and the lower and upper end of the band at these log-odds. The ends
    /// are calibrated log-odds.
    knots: Vec<[f64; 3]>,
}

impl Intervals {
    /// Fits the calibration again on customers drawn with replacement. The refits use the method of `calibrator`, with
    /// one exception: if `calibrator` only shifts the log-odds, each refit fits a line (slope and intercept).
    /// `log_odds` are out-of-fold predictions. `weights` are the row weights that were used to fit `calibrator`.
    pub(crate) fn fit(
        calibrator: &Calibrator,
        log_odds: &[f64],
        churned: &[bool],
        weights: Option<&[f64]>,
        customers: &[u32],
        seed: u64,
        workers: &Workers,
    ) -> Result<Self> {
        let mut order: Vec<usize> = (0..log_odds.len()).collect();
        order.sort_by(|&a, &b| log_odds[a].total_cmp(&log_odds[b]));
        let (Some(&first), Some(&last)) = (order.first(), order.last()) else {
            return Ok(Self { knots: vec![] });
        };
        let mut at = vec![log_odds[first] - BEYOND];
        at.extend((0..=STEPS).map(|step| log_odds[order[step * (order.len() - 1) / STEPS]]));
        at.push(log_odds[last] + BEYOND);
        at.dedup();

        let mut distinct = customers.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let position = |row: usize| distinct.partition_point(|known| *known < customers[row]);
        let positions: Vec<usize> = order.iter().map(|&row| position(row)).collect();
        // If there are more than `MOST_ROWS` rows, each replicate draws only a fraction of the customers. Such
        // replicates vary more than replicates of all customers would, so the distances of their curves from the
        // calibration curve are multiplied by the square root of this fraction (m out of n bootstrap; Bickel, Götze,
        // van Zwet, 1997).
        let share = (MOST_ROWS as f64 / order.len() as f64).min(1.0);
        let draws = ((distinct.len() as f64 * share).ceil() as usize).max(1);
        let shrink = (draws as f64 / distinct.len() as f64).sqrt();
        let curves = workers.map(0..REPLICATES, |replicate| {
            let mut random = SplitMix::new(seed ^ 4, replicate as u64);
            let mut drawn = vec![0u32; distinct.len()];
            (0..draws).for_each(|_| drawn[random.below(distinct.len())] += 1);
            let rows: Vec<Row> = (order.iter().zip(&positions))
                .flat_map(|(&row, &position)| {
                    let row = Row {
                        log_odds: log_odds[row],
                        churned: churned[row],
                        weight: weights.map_or(1.0, |weights| weights[row]),
                    };
                    std::iter::repeat_n(row, drawn[position] as usize)
                })
                .collect();
            let again = calibrator.again(&rows);
            Ok(at.iter().map(|&z| again.calibrated(z)).collect::<Vec<f64>>())
        })?;
        let knots = at.iter().enumerate().map(|(knot, &z)| {
            let mut values: Vec<f64> = curves.iter().map(|curve| curve[knot]).collect();
            values.sort_unstable_by(f64::total_cmp);
            let of = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
            let middle = calibrator.calibrated(z);
            let about = |value: f64| middle + shrink * (value - middle);
            [z, about(of((1.0 - LEVEL) / 2.0)), about(of((1.0 + LEVEL) / 2.0))]
        });
        let mut knots: Vec<[f64; 3]> = knots.collect();
        // Rounding errors can make an end of the band slightly lower than at the previous knot. The ends are therefore
        // made monotone here.
        for knot in 1..knots.len() {
            let [_, low, high] = knots[knot - 1];
            let [_, own_low, own_high] = &mut knots[knot];
            (*own_low, *own_high) = (own_low.max(low), own_high.max(high));
        }
        Ok(Self { knots })
    }

    /// The interval for log-odds whose calibrated probability is `probability`. The interval always contains that
    /// probability.
    pub(crate) fn of(&self, log_odds: f64, probability: f64) -> Option<Interval> {
        let last = self.knots.len().checked_sub(2)?;
        let segment = (self.knots.partition_point(|knot| knot[0] <= log_odds))
            .saturating_sub(1)
            .min(last);
        let (a, b) = (self.knots[segment], self.knots[segment + 1]);
        let share = (log_odds - a[0]) / (b[0] - a[0]);
        let edge = |side: usize| sigmoid(a[side] + (b[side] - a[side]) * share);
        Some(Interval::new(edge(1).min(probability), edge(2).max(probability)))
    }

    /// Whether all numbers are finite, no end of the band falls from one knot to the next, and no lower end exceeds its
    /// upper end.
    pub(crate) fn is_valid(&self) -> bool {
        let finite = self.knots.iter().flatten().all(|value| value.is_finite());
        let rising = (self.knots.windows(2)).all(|pair| {
            let (a, b) = (pair[0], pair[1]);
            a[0] < b[0] && a[1] <= b[1] && a[2] <= b[2]
        });
        finite && rising && self.knots.len() <= STEPS + 3 && self.knots.iter().all(|knot| knot[1] <= knot[2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::Execution;

    /// Returns log-odds, labels and customer codes. Each customer has two rows. About a fifth of the rows churn, and
    /// the log-odds are more extreme than the true log-odds.
    fn sample(rows: usize, seed: u64) -> (Vec<f64>, Vec<bool>, Vec<u32>) {
        let mut random = SplitMix::new(seed, 17);
        let z: Vec<f64> = (0..rows).map(|_| random.unit() * 6.0 - 4.5).collect();
        let churned = z.iter().map(|&z| random.unit() < sigmoid(truth(z))).collect();
        (z, churned, (0..rows as u32).map(|row| row / 2).collect())
    }

    fn truth(z: f64) -> f64 {
        0.8 * z - 0.2
    }

    fn fitted(rows: usize, seed: u64, threads: usize) -> (Calibrator, Intervals) {
        let (z, churned, customers) = sample(rows, seed);
        let folds: Vec<usize> = customers.iter().map(|&customer| customer as usize % 5).collect();
        let calibrator = Calibrator::fit(&z, &churned, None, &folds).unwrap();
        let workers = Execution::new().threads(threads).workers().unwrap();
        let intervals = Intervals::fit(&calibrator, &z, &churned, None, &customers, seed, &workers).unwrap();
        (calibrator, intervals)
    }

    #[test]
    fn intervals_contain_the_probability_rise_with_it_and_narrow_with_more_data() {
        let mut before = f64::INFINITY;
        for (rows, method) in [
            (150, "intercept"),
            (1500, "platt"),
            (15_000, "platt"),
            (150_000, "platt"),
        ] {
            let (calibrator, intervals) = fitted(rows, 1, 2);
            assert_eq!(calibrator.name(), method);
            assert!(intervals.is_valid() && intervals == fitted(rows, 1, 1).1);
            let all: Vec<[f64; 3]> = (-300..300)
                .map(|step| {
                    let z = f64::from(step) / 20.0;
                    let p = calibrator.probability(z);
                    let Interval { low, high } = intervals.of(z, p).unwrap();
                    assert!(0.0 <= low && low <= p && p <= high && high <= 1.0);
                    [p, low, high]
                })
                .collect();
            assert!(all.windows(2).all(|pair| (0..3).all(|i| pair[0][i] <= pair[1][i])));
            let width = intervals
                .of(-1.0, calibrator.probability(-1.0))
                .map(|interval| interval.width())
                .unwrap();
            assert!(width > 0.0 && width < 0.5 * before, "{rows}: {width} after {before}");
            before = width;
        }
    }

    #[test]
    fn nine_in_ten_intervals_contain_the_true_churn_rate() {
        for rows in [200, 2000] {
            let (mut held, mut asked) = (0, 0);
            for seed in 0..100 {
                let (calibrator, intervals) = fitted(rows, 100 + seed, 2);
                for step in 0..=10 {
                    let z = -4.0 + 0.5 * f64::from(step);
                    let Interval { low, high } = intervals.of(z, calibrator.probability(z)).unwrap();
                    let rate = sigmoid(truth(z));
                    held += usize::from(low <= rate && rate <= high);
                    asked += 1;
                }
            }
            let share = f64::from(held as u32) / f64::from(asked);
            assert!((0.84..=0.96).contains(&share), "{rows} rows: {share}");
        }
    }

    #[test]
    fn few_customers_have_an_interval_too() {
        let calibrator = Calibrator::Intercept(0.0);
        let of = |z: &[f64], churned: &[bool]| {
            let customers: Vec<u32> = (0..z.len() as u32).collect();
            Intervals::fit(&calibrator, z, churned, None, &customers, 0, &Workers::inline()).unwrap()
        };
        assert_eq!(of(&[], &[]).of(0.0, 0.5), None);
        let few = of(&[-1.0, -1.0, 2.0, 2.0], &[false, true, false, true]);
        assert!(few.is_valid());
        let Interval { low, high } = few.of(0.0, 0.5).unwrap();
        assert!(low < 0.4 && high > 0.6);
        let broken = Intervals {
            knots: vec![[0.0, 1.0, 0.0], [1.0, 2.0, 3.0]],
        };
        assert!(!broken.is_valid());
    }
}
