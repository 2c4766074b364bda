//! Divides the values of each column into bins (ranges of values) at quantiles, and stores the bin of each cell as one
//! byte.

use std::ops::Range;

use ndarray::{ArrayView2, Axis};

use super::flat::MOST_FEATURES;
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Workers;

/// The bin number that represents a missing value.
pub(crate) const MISSING_BIN: u8 = u8::MAX;
/// Maximum number of bins of a column. A byte has 256 values, and one of them represents missing values.
pub(crate) const MAX_BINS: usize = 255;
/// A tile is a group of adjacent columns. This constant is the number of columns in a tile. The histograms of all
/// columns of a tile fit into the L1 cache while rows are added to them.
pub(crate) const TILE: usize = 8;
/// A stripe is a group of adjacent tiles. This constant is the number of tiles in a stripe.
pub(crate) const TILES: usize = 4;
/// The bins of one row in one stripe (a group of adjacent tiles), tile by tile. These bins take 32 bytes, which is half
/// a cache line. Reading the bins of a row therefore loads few cache lines.
pub(crate) type Stripe = [[u8; TILE]; TILES];
/// The cuts between bins are computed from a sample of evenly spaced rows. The sample has at least this number of rows,
/// and fewer than twice this number. If the matrix has fewer rows than this number, all rows are used.
const CUT_ROWS: usize = 100_000;
/// Number of rows per task when the bins of rows are computed.
const PIECE: usize = 1 << 10;

/// The cuts of each column. The cuts are the upper bounds of the column's bins, in ascending order. Bin `b` of a column
/// contains the values that are greater than `cuts[b - 1]` and at most `cuts[b]`.
pub(crate) struct Cuts(Vec<Vec<f32>>);

impl Cuts {
    /// Computes cuts that divide the values of each column into at most `max_bins` bins. The bins of a column have
    /// about equal numbers of rows.
    ///
    /// # Errors
    /// - `invalid_option` if the matrix has more rows or columns than training supports.
    /// - `cancelled` if the call was cancelled.
    pub(crate) fn new(x: ArrayView2<'_, f32>, max_bins: usize, workers: &Workers) -> Result<Self> {
        if x.ncols() >= MOST_FEATURES || x.nrows() >= i32::MAX as usize {
            let message = format!("a matrix of {} x {} is too large", x.nrows(), x.ncols());
            return Err(Error::new(ErrorKind::InvalidOption, message).at(None, None, Some("x")));
        }
        let max_bins = max_bins.clamp(2, MAX_BINS);
        let cuts = workers.map(0..x.ncols(), |column| {
            let step = (x.nrows() / CUT_ROWS).max(1);
            let values = x.column(column);
            Ok(cuts_of(values.iter().copied().step_by(step), max_bins))
        })?;
        Ok(Self(cuts))
    }

    pub(crate) fn columns(&self) -> usize {
        self.0.len()
    }

    /// Number of bins of a column, without the bin for missing values.
    pub(crate) fn bin_count(&self, column: usize) -> usize {
        self.0[column].len() + 1
    }

    /// The threshold of a split that sends all bins up to and including `bin` to the left child. The threshold is the
    /// upper bound of this bin, or infinity for the last bin of the column.
    pub(crate) fn threshold(&self, column: usize, bin: u8) -> f64 {
        let cut = self.0[column].get(usize::from(bin));
        cut.map_or(f64::INFINITY, |&cut| f64::from(cut))
    }

    /// Returns the bin number of every cell, as one list per column.
    pub(crate) fn by_column(&self, x: ArrayView2<'_, f32>, workers: &Workers) -> Result<Vec<Vec<u8>>> {
        workers.map(0..self.columns(), |column| {
            let bounds = Bounds::of(&self.0[column]);
            let mut bins = vec![0; x.nrows()];
            let pieces = x.column(column);
            let pieces = pieces.axis_chunks_iter(Axis(0), 64 * PIECE);
            for (bins, values) in bins.chunks_mut(64 * PIECE).zip(pieces) {
                workers.check()?;
                let values = values.as_standard_layout();
                bounds.bins_of(values.as_slice().unwrap_or_default(), bins);
            }
            Ok(bins)
        })
    }

    /// Rearranges the result of [`by_column`](Self::by_column) into stripes. A stripe is a group of adjacent columns.
    /// Each stripe is in row-major order, and the last stripe is padded with zeros.
    pub(crate) fn by_stripe(columns: &[Vec<u8>], workers: &Workers) -> Result<Vec<Vec<Stripe>>> {
        let of_stripe = |columns: &[Vec<u8>]| {
            let mut bins = vec![Stripe::default(); columns[0].len()];
            workers.chunks_mut(&mut bins, PIECE, |start, bins| {
                let end = start + bins.len();
                for (place, column) in columns.iter().enumerate() {
                    for (bins, &bin) in bins.iter_mut().zip(&column[start..end]) {
                        bins[place / TILE][place % TILE] = bin;
                    }
                }
                Ok(())
            })?;
            Ok(bins)
        };
        columns.chunks(TILES * TILE).map(of_stripe).collect()
    }

    /// Number of tiles (groups of [`TILE`] adjacent columns).
    pub(crate) fn tiles(&self) -> usize {
        self.columns().div_ceil(TILE)
    }

    /// The range of columns that belong to a tile.
    pub(crate) fn columns_of(&self, tile: usize) -> Range<usize> {
        tile * TILE..((tile + 1) * TILE).min(self.columns())
    }
}

/// The cuts of a column as integer keys (see [`key`]). The list of cuts is padded, so every binary search takes the
/// same number of steps. The search contains no branches that depend on the values.
struct Bounds {
    cuts: [i64; 256],
    /// The length of the first step of a binary search. It is half of the smallest power of two that is above the
    /// number of cuts.
    half: usize,
}

/// Maps a value to an integer key. A larger value has a larger key. Integers are used because a shift can turn the sign
/// of an integer difference into a bit mask.
fn key(value: f32) -> i64 {
    // Adding 0.0 converts -0.0 to 0.0, so both have the same key.
    let bits = (value + 0.0).to_bits() as i32;
    i64::from(if bits < 0 { bits ^ i32::MAX } else { bits })
}

impl Bounds {
    fn of(cuts: &[f32]) -> Self {
        let mut filled = [key(f32::INFINITY); 256];
        filled
            .iter_mut()
            .zip(cuts)
            .for_each(|(filled, &cut)| *filled = key(cut));
        Self {
            cuts: filled,
            half: (cuts.len() + 1).next_power_of_two() / 2,
        }
    }

    /// For each value, writes the number of the value's bin. This number is the number of cuts below the value. Each
    /// step of a binary search has to wait for the previous step. The searches for several values are therefore
    /// interleaved.
    fn bins_of(&self, values: &[f32], bins: &mut [u8]) {
        const TOGETHER: usize = 8;
        let (many, rest) = values.as_chunks::<TOGETHER>();
        let (bins_of_many, bins_of_rest) = bins.as_chunks_mut::<TOGETHER>();
        for (values, bins) in many.iter().zip(bins_of_many) {
            *bins = self.bins_of_these(*values);
        }
        for (&value, bin) in rest.iter().zip(bins_of_rest) {
            [*bin] = self.bins_of_these([value]);
        }
    }

    fn bins_of_these<const N: usize>(&self, values: [f32; N]) -> [u8; N] {
        let keys = values.map(key);
        let (mut bins, mut half) = ([0; N], self.half);
        while half > 0 {
            for (bin, key) in bins.iter_mut().zip(keys) {
                let below = (self.cuts[(*bin + half - 1) % 256] - key) >> 63;
                *bin += half & below as usize;
            }
            half /= 2;
        }
        let mut found = [MISSING_BIN; N];
        for ((found, bin), value) in found.iter_mut().zip(bins).zip(values) {
            *found = if value.is_nan() { MISSING_BIN } else { bin as u8 };
        }
        found
    }
}

/// Computes the cuts of a column. The cuts are the midpoints between adjacent distinct values of the column. If there
/// are more than `max_bins` distinct values, only cuts near quantiles are used.
fn cuts_of(values: impl Iterator<Item = f32>, max_bins: usize) -> Vec<f32> {
    let mut sorted: Vec<f32> = values.filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let mut distinct: Vec<(f32, usize)> = vec![];
    for value in sorted {
        match distinct.last_mut() {
            Some((last, count)) if *last == value => *count += 1,
            _ => distinct.push((value, 1)),
        }
    }
    let (mut rest, mut left, mut held) = (distinct.iter().map(|(_, count)| count).sum::<usize>(), max_bins, 0);
    let mut cuts = vec![];
    for pair in distinct.windows(2) {
        let ((low, count), (high, _)) = (pair[0], pair[1]);
        held += count;
        rest -= count;
        let full = distinct.len() <= max_bins || held * left >= rest + held;
        if full && left > 1 {
            cuts.push(between(low, high));
            held = 0;
            left -= 1;
        }
    }
    cuts
}

/// Returns a value `m` near the midpoint of two values, with `low <= m < high`.
fn between(low: f32, high: f32) -> f32 {
    let middle = ((f64::from(low) + f64::from(high)) / 2.0) as f32;
    if middle.is_finite() && low <= middle && middle < high {
        middle
    } else if low.is_finite() {
        low
    } else {
        f32::MIN
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    use super::*;

    fn column(values: Vec<f32>, max_bins: usize) -> (Cuts, Vec<u8>) {
        let x = Array2::from_shape_vec((values.len(), 1), values).unwrap();
        let cuts = Cuts::new(x.view(), max_bins, &Workers::inline()).unwrap();
        let mut bins = cuts.by_column(x.view(), &Workers::inline()).unwrap();
        (cuts, bins.remove(0))
    }

    #[test]
    fn few_values_have_one_bin_each_and_missing_has_its_own() {
        let (cuts, bins) = column(vec![3.0, 1.0, f32::NAN, 2.0, 1.0, f32::INFINITY], 255);
        assert_eq!(bins, [2, 0, MISSING_BIN, 1, 0, 3]);
        assert_eq!(cuts.bin_count(0), 4);
        assert_eq!((cuts.threshold(0, 0), cuts.threshold(0, 1)), (1.5, 2.5));
        assert_eq!(cuts.threshold(0, 3), f64::INFINITY);
    }

    #[test]
    fn constant_and_empty_columns_have_one_bin() {
        assert_eq!(column(vec![1.0, 1.0], 255).0.bin_count(0), 1);
        assert_eq!(column(vec![f32::NAN, f32::NAN], 255).0.bin_count(0), 1);
    }

    #[test]
    fn all_255_bins_are_used_and_about_equal() {
        let (cuts, bins) = column((0..25_500).map(|i| (i * 7 % 25_500) as f32).collect(), 255);
        assert_eq!(cuts.bin_count(0), 255);
        for bin in 0..255u8 {
            assert_eq!(bins.iter().filter(|&&b| b == bin).count(), 100, "{bin}");
        }
    }

    #[test]
    fn infinities_are_bins_and_not_thresholds() {
        let (cuts, bins) = column(vec![f32::NEG_INFINITY, 0.0, f32::INFINITY, f32::MAX], 255);
        assert_eq!(bins, [0, 1, 3, 2]);
        assert!((0..3).all(|bin| cuts.threshold(0, bin).is_finite()));
    }

    #[test]
    fn stripes_equal_columns() {
        let x = Array2::from_shape_fn((50, 43), |(row, column)| (row * column % 17) as f32);
        let cuts = Cuts::new(x.view(), 255, &Workers::inline()).unwrap();
        let columns = cuts.by_column(x.view(), &Workers::inline()).unwrap();
        let stripes = Cuts::by_stripe(&columns, &Workers::inline()).unwrap();
        assert_eq!((stripes.len(), cuts.tiles()), (2, 6));
        for (column, bins) in columns.iter().enumerate() {
            for (row, &bin) in bins.iter().enumerate() {
                let tile = column / TILE;
                assert_eq!(stripes[tile / TILES][row][tile % TILES][column % TILE], bin);
            }
        }
    }

    #[test]
    fn memory_layout_does_not_matter() {
        let x = array![[1.0f32, 5.0], [2.0, f32::NAN], [3.0, 4.0]];
        let turned = x.t().as_standard_layout().into_owned();
        let bins = |x: ArrayView2<'_, f32>| {
            let cuts = Cuts::new(x, 255, &Workers::inline()).unwrap();
            cuts.by_column(x, &Workers::inline()).unwrap()
        };
        assert_eq!(bins(x.view()), bins(turned.t()));
    }

    proptest! {
        #[test]
        fn a_bin_and_its_threshold_agree(values in proptest::collection::vec(proptest::num::f32::ANY, 1..400), max_bins in 2usize..20) {
            let (cuts, bins) = column(values.clone(), max_bins);
            prop_assert!(cuts.bin_count(0) <= max_bins);
            for (&value, &bin) in values.iter().zip(&bins) {
                if value.is_nan() {
                    prop_assert_eq!(bin, MISSING_BIN);
                    continue;
                }
                for cut in 0..cuts.bin_count(0) - 1 {
                    prop_assert_eq!(bin <= cut as u8, f64::from(value) <= cuts.threshold(0, cut as u8));
                }
            }
        }
    }
}
