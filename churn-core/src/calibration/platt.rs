//! Fits the calibrated log-odds as a rising linear function of the given log-odds, or as the given log-odds plus a
//! constant. The fits use Newton's method.

use crate::calibration::Row;
use crate::numeric::sigmoid;

/// Returns the constant that minimises the log-loss if it is added to all log-odds. The labels 0 and 1 are replaced by
/// numbers slightly above 0 and slightly below 1 (Platt, 1999), so that the constant is always finite.
pub(crate) fn fit_intercept(rows: &[Row]) -> f64 {
    newton(rows, false).1
}

/// Returns the slope and the intercept of the line that gives the smallest log-loss. The slope is always above zero.
pub(crate) fn fit(rows: &[Row]) -> (f64, f64) {
    let (slope, intercept) = newton(rows, true);
    if slope > 1e-3 {
        (slope, intercept)
    } else {
        (1e-3, newton_at(rows, 1e-3))
    }
}

/// Returns the intercept that gives the smallest log-loss for a given slope.
fn newton_at(rows: &[Row], slope: f64) -> f64 {
    let scaled = rows.iter().map(|row| Row {
        log_odds: slope * row.log_odds,
        ..*row
    });
    newton(&scaled.collect::<Vec<_>>(), false).1
}

fn newton(rows: &[Row], with_slope: bool) -> (f64, f64) {
    let positives: f64 = rows.iter().filter(|row| row.churned).map(|row| row.weight).sum();
    let negatives = rows.iter().map(|row| row.weight).sum::<f64>() - positives;
    let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
    let (mut slope, mut intercept) = (1.0, 0.0);
    for _ in 0..50 {
        let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 1e-9, 0.0, 1e-9);
        for row in rows {
            let (z, weight) = (row.log_odds, row.weight);
            let p = sigmoid(slope * z + intercept);
            let (first, second) = (
                weight * (p - if row.churned { high } else { low }),
                weight * (p * (1.0 - p)).max(1e-12),
            );
            ga += first * z;
            gb += first;
            haa += second * z * z;
            hab += second * z;
            hbb += second;
        }
        let (step_a, step_b) = if with_slope {
            let determinant = haa * hbb - hab * hab;
            if determinant.is_nan() || determinant.abs() <= 1e-300 {
                break;
            }
            ((hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant)
        } else {
            (0.0, gb / hbb)
        };
        // The length of a step is limited, because long steps overshoot where probabilities are near 0 or 1.
        let limit = 1.0f64.min(2.0 / step_a.abs().max(step_b.abs()).max(1e-300));
        slope -= limit * step_a;
        intercept -= limit * step_b;
        if step_a.abs().max(step_b.abs()) < 1e-10 {
            break;
        }
    }
    (slope, intercept)
}
