//! Synthetic training data for tests. The labels depend on the columns in a non-linear way, and some values may be
//! missing.

use ndarray::{Array2, ShapeBuilder};

use crate::numeric::{SplitMix, sigmoid};

/// Returns a matrix with 8 columns in column-major order, and labels that depend on five of the columns. If `missing`
/// is true, some values are NaN.
pub(crate) fn problem(seed: u64, rows: usize, missing: bool) -> (Array2<f32>, Vec<bool>) {
    let mut random = SplitMix::new(seed, 0);
    let mut x = Array2::zeros((rows, 8).f());
    let mut churned = Vec::with_capacity(rows);
    for mut row in x.rows_mut() {
        row.iter_mut().for_each(|cell| *cell = random.unit() as f32);
        row[4] = (row[4] * 6.0).floor();
        let [a, b, c, d, e] = [row[0], row[1], row[2], row[3], row[4]].map(f64::from);
        let mut z = 6.0 * (a - 0.5) * (b - 0.5) * 4.0 + 3.0 * (c - 0.5).abs() - 2.0;
        z += if e == 2.0 { 1.5 } else { 0.0 };
        if missing && random.below(4) == 0 {
            row[3] = f32::NAN;
            z += 1.0;
        } else {
            z += d - 0.5;
        }
        churned.push(random.unit() < sigmoid(z));
    }
    (x, churned)
}
