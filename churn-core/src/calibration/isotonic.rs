//! Isotonic calibration: a non-decreasing curve through pooled bins, mixed with a rising line so that the mixture is
//! strictly monotone.

use serde::{Deserialize, Serialize};

use crate::calibration::Row;
use crate::numeric::logit;

/// Maximum number of bins into which the rows are divided.
const MOST_BINS: usize = 50;
/// The weight of the rising line that is mixed with the curve. The curve has the remaining weight.
const TILT: f64 = 0.05;

/// A curve from log-odds to calibrated log-odds. The curve is linear between its knots and constant beyond the knots.
/// It is mixed with a rising line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Isotonic {
    /// Pairs of log-odds before and after calibration. From pair to pair, the log-odds before calibration rise
    /// strictly, and the log-odds after calibration never fall.
    knots: Vec<(f64, f64)>,
    slope: f64,
    intercept: f64,
}

impl Isotonic {
    /// Divides the rows into bins of equal size, and merges adjacent bins until the churn rate rises from bin to bin
    /// (pool adjacent violators; Ayer et al., 1955). `line` is the slope and the intercept of the rising line that is
    /// mixed with the curve.
    pub(crate) fn fit(rows: &[Row], line: (f64, f64)) -> Self {
        let mut order: Vec<Row> = rows.to_vec();
        order.sort_by(|a, b| a.log_odds.total_cmp(&b.log_odds));
        let positives = order.iter().filter(|row| row.churned).count();
        let count = MOST_BINS.min((positives / 20).max(1)).min(order.len().max(1));
        // A pool is one bin or several merged bins. Each element of `pools` holds the total weight of a pool's rows,
        // the weight of its churned rows, and the weighted sum of its log-odds.
        let mut pools: Vec<(f64, f64, f64)> = vec![];
        for bin in order.chunks(order.len().div_ceil(count).max(1)) {
            let weight: f64 = bin.iter().map(|row| row.weight).sum();
            if weight <= 0.0 {
                continue;
            }
            pools.push((
                weight,
                bin.iter().filter(|row| row.churned).map(|row| row.weight).sum(),
                bin.iter().map(|row| row.weight * row.log_odds).sum(),
            ));
            while let [.., a, b] = pools.as_slice() {
                if rate(*a) < rate(*b) {
                    break;
                }
                let joined = (a.0 + b.0, a.1 + b.1, a.2 + b.2);
                pools.truncate(pools.len() - 2);
                pools.push(joined);
            }
        }
        let mut knots: Vec<(f64, f64)> = pools.iter().map(|pool| (pool.2 / pool.0, logit(rate(*pool)))).collect();
        knots.dedup_by(|b, a| b.0 <= a.0);
        Self {
            knots,
            slope: line.0,
            intercept: line.1,
        }
    }

    pub(crate) fn calibrated(&self, z: f64) -> f64 {
        let line = self.slope * z + self.intercept;
        let after = self.knots.partition_point(|(given, _)| *given <= z);
        let curve = match (
            after.checked_sub(1).map(|before| self.knots[before]),
            self.knots.get(after),
        ) {
            (Some((x0, y0)), Some(&(x1, y1))) => y0 + (y1 - y0) * ((z - x0) / (x1 - x0)),
            (Some((_, y)), None) | (None, Some(&(_, y))) => y,
            (None, None) => line,
        };
        (1.0 - TILT) * curve + TILT * line
    }

    pub(crate) fn is_valid(&self) -> bool {
        let finite = self
            .knots
            .iter()
            .all(|(given, calibrated)| given.is_finite() && calibrated.is_finite());
        let rising = self.knots.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1);
        finite
            && rising
            && self.knots.len() <= MOST_BINS
            && self.slope.is_finite()
            && self.slope > 0.0
            && self.intercept.is_finite()
    }
}

/// The churn rate of a pool (one bin or several merged bins). Half a churned row and half a retained row are added, so
/// that the rate is neither 0 nor 1.
fn rate((rows, churned, _): (f64, f64, f64)) -> f64 {
    (churned + 0.5) / (rows + 1.0)
}
