//! Beta calibration. Reference: Kull, Silva Filho, Flach, "Beta calibration: a well-founded and easily implemented
//! improvement on logistic calibration for binary classifiers", AISTATS 2017.

use crate::calibration::Row;
use crate::numeric::{sigmoid, softplus};

/// Both slopes of the curve are at least this number. The number is above 0, so that the curve rises everywhere.
const FLATTEST: f64 = 0.05;
/// The strength of the penalty that pulls both slopes towards 1. The strength does not depend on the number of rows.
const SHRINKAGE: f64 = 1.0;

/// Returns the calibrated log-odds, `a ln p - b ln(1 - p) + c`. Here, p is the probability for the log-odds z.
pub(crate) fn calibrated(z: f64, [a, b, c]: [f64; 3]) -> f64 {
    let [low, high] = sides(z);
    a * low + b * high + c
}

/// Returns `ln p` and `-ln(1 - p)`, where p is the probability for the log-odds z. Both numbers rise with z.
fn sides(z: f64) -> [f64; 2] {
    [-softplus(-z), softplus(z)]
}

/// Returns the curve for which the sum of the log-loss and the penalty is smallest.
pub(crate) fn fit(rows: &[Row]) -> [f64; 3] {
    let mut free = [true; 3];
    let mut curve = [1.0, 1.0, 0.0];
    // A slope that would fall below the minimum is set to the minimum, and the other parameters are fitted again.
    for _ in 0..3 {
        curve = newton(rows, curve, free);
        let fallen = (0..2).find(|&side| free[side] && curve[side] < FLATTEST);
        let Some(side) = fallen else { break };
        (curve[side], free[side]) = (FLATTEST, false);
    }
    curve
}

fn newton(rows: &[Row], start: [f64; 3], free: [bool; 3]) -> [f64; 3] {
    let mut curve = start;
    let mut loss = loss_of(rows, curve);
    for _ in 0..50 {
        let mut gradient = [0.0; 3];
        let mut hessian = [[0.0; 3]; 3];
        for row in rows {
            let [low, high] = sides(row.log_odds);
            let x = [low, high, 1.0];
            let p = sigmoid(curve[0] * low + curve[1] * high + curve[2]);
            let first = row.weight * (p - f64::from(u8::from(row.churned)));
            let second = row.weight * p * (1.0 - p);
            for i in 0..3 {
                gradient[i] += first * x[i];
                for j in 0..3 {
                    hessian[i][j] += second * x[i] * x[j];
                }
            }
        }
        for side in 0..2 {
            gradient[side] += 2.0 * SHRINKAGE * (curve[side] - 1.0);
            hessian[side][side] += 2.0 * SHRINKAGE;
        }
        for i in 0..3 {
            hessian[i][i] += 1e-9;
            if !free[i] {
                gradient[i] = 0.0;
                hessian[i] = [0.0; 3];
                (0..3).for_each(|j| hessian[j][i] = 0.0);
                hessian[i][i] = 1.0;
            }
        }
        let step = solve(hessian, gradient);
        let mut size = 1.0;
        let mut gained = 0.0;
        while size > 1e-6 {
            let next = [0, 1, 2].map(|i| curve[i] - size * step[i]);
            let next_loss = loss_of(rows, next);
            if next_loss < loss {
                gained = loss - next_loss;
                (curve, loss) = (next, next_loss);
                break;
            }
            size /= 2.0;
        }
        if gained < 1e-9 {
            break;
        }
    }
    curve
}

fn loss_of(rows: &[Row], curve: [f64; 3]) -> f64 {
    let fit: f64 = rows
        .iter()
        .map(|row| {
            let z = calibrated(row.log_odds, curve);
            row.weight * softplus(if row.churned { -z } else { z })
        })
        .sum();
    let distance = (curve[0] - 1.0) * (curve[0] - 1.0) + (curve[1] - 1.0) * (curve[1] - 1.0);
    fit + SHRINKAGE * distance
}

/// Solves the linear equations `m x = v` by Cramer's rule. The matrix `m` is positive definite.
fn solve(m: [[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
    let determinant = |m: [[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let whole = determinant(m);
    if whole.is_nan() || whole.abs() < 1e-300 {
        return [0.0; 3];
    }
    [0, 1, 2].map(|column| {
        let mut with = m;
        (0..3).for_each(|row| with[row][column] = v[row]);
        determinant(with) / whole
    })
}
