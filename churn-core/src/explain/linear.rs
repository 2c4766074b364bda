//! Contributions of features to the log-odds of the linear base learner (logistic regression).

use ndarray::{Array2, ArrayView2};

/// Returns `coefficient * (x - mean)` for every column, and the log-odds of a row whose values are the column means.
/// The products are the Shapley values of a linear model with independent columns (Štrumbelj and Kononenko, 2014).
pub(crate) fn linear_contributions(
    intercept: f64,
    coefficients: &[f64],
    means: &[f64],
    x: ArrayView2<'_, f64>,
) -> (Array2<f64>, f64) {
    let mut contributions = x.to_owned();
    for mut row in contributions.rows_mut() {
        for ((cell, coefficient), mean) in row.iter_mut().zip(coefficients).zip(means) {
            *cell = coefficient * (*cell - mean);
        }
    }
    let base = coefficients
        .iter()
        .zip(means)
        .fold(intercept, |sum, (coefficient, mean)| sum + coefficient * mean);
    (contributions, base)
}
