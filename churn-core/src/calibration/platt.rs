//! Level and slope of log-odds, by Newton's method.

use crate::numeric::sigmoid;

/// The shift with the least log-loss, its targets drawn in a little (Platt, 1999) so that it stays finite.
pub(crate) fn fit_intercept(log_odds: &[f64], churned: &[bool]) -> f64 {
    newton(log_odds, churned, false).1
}

/// Slope and intercept; the slope is held above zero.
pub(crate) fn fit(log_odds: &[f64], churned: &[bool]) -> (f64, f64) {
    let (slope, intercept) = newton(log_odds, churned, true);
    if slope > 1e-3 {
        (slope, intercept)
    } else {
        (1e-3, newton_at(log_odds, churned, 1e-3))
    }
}

/// The intercept that goes with a given slope.
fn newton_at(log_odds: &[f64], churned: &[bool], slope: f64) -> f64 {
    let scaled: Vec<f64> = log_odds.iter().map(|z| slope * z).collect();
    newton(&scaled, churned, false).1
}

fn newton(log_odds: &[f64], churned: &[bool], with_slope: bool) -> (f64, f64) {
    let positives = churned.iter().filter(|&&churned| churned).count() as f64;
    let negatives = churned.len() as f64 - positives;
    let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
    let (mut slope, mut intercept) = (1.0, 0.0);
    for _ in 0..50 {
        let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 1e-9, 0.0, 1e-9);
        for (&z, &churned) in log_odds.iter().zip(churned) {
            let p = sigmoid(slope * z + intercept);
            let (first, second) = (p - if churned { high } else { low }, (p * (1.0 - p)).max(1e-12));
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
        // Long steps overshoot where probabilities are near 0 or 1.
        let limit = 1.0f64.min(2.0 / step_a.abs().max(step_b.abs()).max(1e-300));
        slope -= limit * step_a;
        intercept -= limit * step_b;
        if step_a.abs().max(step_b.abs()) < 1e-10 {
            break;
        }
    }
    (slope, intercept)
}
