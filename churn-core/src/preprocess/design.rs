//! The design matrix of the linear model. It has no missing values and no duplicate columns, and its columns are
//! standardised.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::numeric::ln_1p;
use crate::parallel::Workers;

/// Values are clamped to at most this number of standard deviations from the mean. Clamping keeps a single outlier from
/// determining a score.
const REACH: f64 = 6.0;

/// One column of the design matrix. The column is computed from an encoded column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DesignColumn {
    pub(crate) encoded: u32,
    shape: Shape,
    mean: f64,
    deviation: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    /// A signed logarithm of the encoded value x: sign(x) ln(1 + |x|). Missing values are first replaced by `median`.
    SignedLog { median: f64 },
    /// 1 if the encoded value is missing, else 0.
    MissingFlag,
}

impl Shape {
    fn apply(&self, value: f64) -> f64 {
        match self {
            Self::SignedLog { median } => {
                let value = if value.is_nan() { *median } else { value };
                let log = ln_1p(value.abs());
                if value < 0.0 { -log } else { log }
            }
            Self::MissingFlag => f64::from(u8::from(value.is_nan())),
        }
    }
}

impl DesignColumn {
    /// Computes the value of this column from an encoded value.
    pub(crate) fn apply(&self, value: f64) -> f64 {
        ((self.shape.apply(value) - self.mean) / self.deviation).clamp(-REACH, REACH)
    }

    /// Whether the value of this column increases with the encoded value. This is false for a flag that marks missing
    /// values.
    pub(crate) fn rises(&self) -> bool {
        matches!(self.shape, Shape::SignedLog { .. })
    }

    pub(crate) fn is_valid(&self) -> bool {
        let median = match self.shape {
            Shape::SignedLog { median } => median,
            Shape::MissingFlag => 0.0,
        };
        self.mean.is_finite() && self.deviation.is_finite() && self.deviation > 0.0 && median.is_finite()
    }
}

/// Fits the design matrix to encoded training columns. If several columns are equal in all rows, only the first of them
/// is kept. For example, the flags for missing values are equal for features that are always missing together.
pub(crate) fn fit(encoded: &[Vec<f64>], workers: &Workers) -> Result<Vec<DesignColumn>> {
    let candidates = workers.map(0..encoded.len(), |number| {
        let values = &encoded[number];
        let missing = values.iter().any(|value| value.is_nan());
        let value = Shape::SignedLog { median: median(values) };
        let flag = missing.then_some(Shape::MissingFlag);
        Ok([Some(value), flag]
            .into_iter()
            .flatten()
            .filter_map(|shape| column(number as u32, shape, values))
            .collect::<Vec<_>>())
    })?;
    let mut seen = HashSet::new();
    Ok(candidates
        .into_iter()
        .flatten()
        .filter(|(_, bits)| seen.insert(*bits))
        .map(|(column, _)| column)
        .collect())
}

/// Fits a column of the design matrix. Returns the column with a hash of its values, or `None` if all values are equal.
fn column(encoded: u32, shape: Shape, values: &[f64]) -> Option<(DesignColumn, u128)> {
    let count = values.len() as f64;
    let shaped: Vec<f64> = values.iter().map(|&value| shape.apply(value)).collect();
    let mean = shaped.iter().sum::<f64>() / count;
    let deviation = (shaped.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count).sqrt();
    if !(mean.is_finite() && deviation.is_finite() && deviation > 1e-9 * mean.abs().max(1.0)) {
        return None;
    }
    // Two independent multiplicative hashes give 128 bits, so collisions are practically impossible.
    let (mut low, mut high) = (0xcbf2_9ce4_8422_2325u64, 0x9E37_79B9_7F4A_7C15u64);
    for value in &shaped {
        low = (low ^ value.to_bits()).wrapping_mul(0x0100_0000_01b3).rotate_left(17);
        high = (high.wrapping_add(value.to_bits()))
            .wrapping_mul(0xD6E8_FEB8_6659_FD93)
            .rotate_left(29);
    }
    Some((
        DesignColumn {
            encoded,
            shape,
            mean,
            deviation,
        },
        u128::from(low) << 64 | u128::from(high),
    ))
}

/// The lower median of the values that are not missing; 0 if there are none.
fn median(values: &[f64]) -> f64 {
    let mut present: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    if present.is_empty() {
        return 0.0;
    }
    let middle = (present.len() - 1) / 2;
    *present.select_nth_unstable_by(middle, f64::total_cmp).1
}
