//! Calibration: converts blended log-odds to probabilities. The conversion is strictly monotone, so the ranking of
//! customers stays the same.

mod beta;
mod intervals;
mod isotonic;
mod platt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::numeric::{sigmoid, softplus};
pub(crate) use intervals::Intervals;
use isotonic::Isotonic;

/// If the minority class has fewer rows than this number, the calibration only shifts the log-odds by a constant.
const PLATT_FROM: usize = 200;
/// If the minority class has fewer rows than this number, isotonic calibration is not tried, because it has too many
/// parameters for so few rows.
const ISOTONIC_FROM: usize = 1000;
/// A more flexible curve is chosen only if its out-of-fold log-likelihood is higher than that of the simpler curve by
/// at least this much, in nats.
const WORTH: f64 = 2.0;

/// A calibration curve from log-odds to probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Calibrator {
    /// A constant that is added to the log-odds.
    Intercept(f64),
    /// A rising linear function of the log-odds (Platt, 1999).
    Platt { slope: f64, intercept: f64 },
    /// A rising curve with two slopes and an intercept (Kull, Silva Filho, Flach, 2017).
    Beta([f64; 3]),
    /// A non-decreasing curve (Zadrozny and Elkan, 2002), made strictly monotone.
    Isotonic(Isotonic),
}

/// One prediction with its label, for the fit of a calibration.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    log_odds: f64,
    churned: bool,
    /// The weight of the row.
    weight: f64,
}

impl Calibrator {
    /// Fits a calibrator to out-of-fold predictions. `folds` is the fold of each row. The folds are used to compare
    /// methods by cross-validation. `weights` are the weights of the rows.
    pub(crate) fn fit(log_odds: &[f64], churned: &[bool], weights: Option<&[f64]>, folds: &[usize]) -> Result<Self> {
        if log_odds.iter().any(|z| !z.is_finite()) {
            return Err(Error::new(
                ErrorKind::Internal,
                "log-odds to be calibrated are not finite",
            ));
        }
        let positives = churned.iter().filter(|&&churned| churned).count();
        let rarer = positives.min(churned.len() - positives);
        let rows: Vec<Row> = (0..churned.len())
            .map(|row| Row {
                log_odds: log_odds[row],
                churned: churned[row],
                weight: weights.map_or(1.0, |weights| weights[row]),
            })
            .collect();
        if rarer < PLATT_FROM {
            return Ok(Self::Intercept(platt::fit_intercept(&rows)));
        }
        let line = |rows: &[Row]| {
            let (slope, intercept) = platt::fit(rows);
            Self::Platt { slope, intercept }
        };
        let bent = |rows: &[Row]| Self::Beta(beta::fit(rows));
        let curve = |rows: &[Row]| Self::Isotonic(Isotonic::fit(rows, platt::fit(rows)));
        // The methods are sorted from simple to flexible. A more flexible method is chosen only if its cross-validated
        // loss is lower than that of the simpler method by at least `worth`.
        let methods: [Method<'_>; 3] = [&line, &bent, &curve];
        let allowed = if rarer < ISOTONIC_FROM {
            &methods[..2]
        } else {
            &methods[..]
        };
        let worth = WORTH / rows.iter().map(|row| row.weight).sum::<f64>();
        let mut best = (methods[0], f64::INFINITY);
        for &method in allowed {
            let loss = held_out_loss(&rows, folds, method);
            if loss < best.1 - worth {
                best = (method, loss);
            }
        }
        Ok(best.0(&rows))
    }

    /// Fits a new calibrator to `rows` by the same method. If this calibrator only shifts the log-odds, the new
    /// calibrator is a line.
    fn again(&self, rows: &[Row]) -> Self {
        match self {
            Self::Intercept(_) | Self::Platt { .. } => {
                let (slope, intercept) = platt::fit(rows);
                Self::Platt { slope, intercept }
            }
            Self::Beta(_) => Self::Beta(beta::fit(rows)),
            Self::Isotonic(_) => Self::Isotonic(Isotonic::fit(rows, platt::fit(rows))),
        }
    }

    /// The probability for the given log-odds. It lies in [0, 1] and rises strictly with the log-odds.
    pub(crate) fn probability(&self, log_odds: f64) -> f64 {
        sigmoid(self.calibrated(log_odds))
    }

    fn calibrated(&self, z: f64) -> f64 {
        match self {
            Self::Intercept(shift) => z + shift,
            Self::Platt { slope, intercept } => slope * z + intercept,
            Self::Beta(curve) => beta::calibrated(z, *curve),
            Self::Isotonic(curve) => curve.calibrated(z),
        }
    }

    /// The name of the calibration method: `"intercept"`, `"platt"`, `"beta"` or `"isotonic"`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Intercept(_) => "intercept",
            Self::Platt { .. } => "platt",
            Self::Beta(_) => "beta",
            Self::Isotonic(_) => "isotonic",
        }
    }

    /// Whether the parameters are finite and the calibrated log-odds rise with the log-odds.
    pub(crate) fn is_valid(&self) -> bool {
        match self {
            Self::Intercept(shift) => shift.is_finite(),
            Self::Platt { slope, intercept } => slope.is_finite() && *slope > 0.0 && intercept.is_finite(),
            Self::Beta(curve) => curve.iter().all(|value| value.is_finite()) && curve[0] > 0.0 && curve[1] > 0.0,
            Self::Isotonic(curve) => curve.is_valid(),
        }
    }
}

/// A calibration method: a function that fits a calibrator to rows.
type Method<'a> = &'a dyn Fn(&[Row]) -> Calibrator;

/// Mean log-loss in cross-validation: the rows of each fold are calibrated by a curve that was fitted to the other
/// folds.
fn held_out_loss(rows: &[Row], folds: &[usize], fit: Method<'_>) -> f64 {
    let count = folds.iter().max().map_or(0, |&most| most + 1);
    let mut sum = 0.0;
    for fold in 0..count {
        let of = |wanted: bool| {
            let rows = rows.iter().zip(folds);
            rows.filter(move |(_, own)| (**own == fold) == wanted)
                .map(|(row, _)| *row)
        };
        let calibrator = fit(&of(false).collect::<Vec<_>>());
        sum += of(true)
            .map(|row| (calibrator.calibrated(row.log_odds), row))
            .map(|(z, row)| row.weight * softplus(if row.churned { -z } else { z }))
            .sum::<f64>();
    }
    sum / rows.iter().map(|row| row.weight).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::SplitMix;

    fn sample(rows: usize, shape: impl Fn(f64) -> f64) -> (Vec<f64>, Vec<bool>, Vec<usize>) {
        let mut random = SplitMix::new(11, rows as u64);
        let z: Vec<f64> = (0..rows).map(|_| random.unit() * 8.0 - 4.0).collect();
        let churned = z.iter().map(|&z| random.unit() < sigmoid(shape(z))).collect();
        (z, churned, (0..rows).map(|row| row % 5).collect())
    }

    #[test]
    fn more_data_allows_a_more_flexible_method() {
        let name = |rows, shape: fn(f64) -> f64| {
            let (z, churned, folds) = sample(rows, shape);
            Calibrator::fit(&z, &churned, None, &folds).unwrap().name()
        };
        assert_eq!(name(200, |z| z), "intercept");
        assert_eq!(name(1500, |z| 0.5 * z - 1.0), "platt");
        assert_eq!(name(20_000, |z| if z > 0.0 { 2.0 } else { -2.0 }), "isotonic");
        assert_eq!(name(20_000, |z| 0.5 * z), "platt");
        // The given log-odds are too extreme above zero, and not extreme enough below zero.
        let bent = |z: f64| if z > 0.0 { 0.3 * z } else { 1.5 * z };
        assert_eq!(name(1500, bent), "beta");
    }

    #[test]
    fn a_line_is_recovered() {
        let (z, churned, folds) = sample(20_000, |z| 0.6 * z - 1.0);
        let calibrator = Calibrator::fit(&z, &churned, None, &folds).unwrap();
        assert!((calibrator.probability(1.0) - sigmoid(-0.4)).abs() < 0.02);
    }

    #[test]
    fn the_ranking_is_strictly_kept() {
        for (rows, shape) in [
            (100, (|z| z) as fn(f64) -> f64),
            (1500, |z| -z),
            (20_000, |z| if z > 0.0 { 2.0 } else { -2.0 }),
            (20_000, |_| 0.0),
            (1500, |z| if z > 0.0 { 0.3 * z } else { 1.5 * z }),
            (1500, |z| if z > 0.0 { -z } else { 2.0 * z }),
        ] {
            let (z, churned, folds) = sample(rows, shape);
            let calibrator = Calibrator::fit(&z, &churned, None, &folds).unwrap();
            assert!(calibrator.is_valid());
            let grid: Vec<f64> = (-200..=200)
                .map(|step| calibrator.calibrated(f64::from(step) / 20.0))
                .collect();
            assert!(grid.windows(2).all(|pair| pair[0] < pair[1]), "{}", calibrator.name());
            assert!(calibrator.probability(1e308).is_finite() && calibrator.probability(-1e308) >= 0.0);
        }
    }
}
