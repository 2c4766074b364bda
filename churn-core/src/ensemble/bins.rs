//! Columns as small integers: quantile cuts, one byte per cell.

use ndarray::ArrayView2;

use crate::error::Result;
use crate::parallel::Workers;

/// The byte of a missing value.
pub(crate) const MISSING_BIN: u8 = u8::MAX;
/// The most bins a column may have; one byte value is kept for missing.
pub(crate) const MAX_BINS: usize = 255;
/// Cuts are taken from at most this many rows, evenly spaced.
const CUT_ROWS: usize = 200_000;

/// A matrix as bins. A row's bin in a column is the number of cuts below its value.
pub(crate) struct BinnedMatrix {
    /// Column by column.
    bins: Vec<Vec<u8>>,
    /// Upper bounds, ascending: bin `b` holds `cuts[b - 1] < x <= cuts[b]`.
    cuts: Vec<Vec<f32>>,
}

impl BinnedMatrix {
    /// Cuts every column into at most `max_bins` bins of about equal size.
    pub(crate) fn new(x: ArrayView2<'_, f32>, max_bins: usize, workers: &Workers) -> Result<Self> {
        let max_bins = max_bins.clamp(2, MAX_BINS);
        let columns = workers.map(0..x.ncols(), |column| {
            let values = x.column(column);
            let cuts = cuts_of(
                values.iter().copied().step_by((values.len() / CUT_ROWS).max(1)),
                max_bins,
            );
            let mut bins = vec![0u8; values.len()];
            for (bin, &value) in bins.iter_mut().zip(values) {
                *bin = bin_of(&cuts, value);
            }
            Ok((bins, cuts))
        })?;
        let (bins, cuts) = columns.into_iter().unzip();
        Ok(Self { bins, cuts })
    }

    pub(crate) fn columns(&self) -> usize {
        self.bins.len()
    }

    /// The bins of a column.
    pub(crate) fn column(&self, column: usize) -> &[u8] {
        &self.bins[column]
    }

    /// Bins of a column that are not missing.
    pub(crate) fn bin_count(&self, column: usize) -> usize {
        self.cuts[column].len() + 1
    }

    /// The value that separates bin `bin` from the next: `x <= threshold` goes left. Infinite behind the last bin.
    pub(crate) fn threshold(&self, column: usize, bin: u8) -> f64 {
        self.cuts[column]
            .get(usize::from(bin))
            .map_or(f64::INFINITY, |&cut| f64::from(cut))
    }
}

fn bin_of(cuts: &[f32], value: f32) -> u8 {
    if value.is_nan() {
        MISSING_BIN
    } else {
        cuts.partition_point(|&cut| cut < value) as u8
    }
}

/// Midpoints between distinct values; where there are too many, each bin gets about its share of the rows.
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

/// A value `m` with `low <= m < high`.
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
    use ndarray::Array2;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn few_values_get_a_bin_each_and_missing_its_own() {
        let x = Array2::from_shape_vec((6, 1), vec![3.0, 1.0, f32::NAN, 2.0, 1.0, f32::INFINITY]).unwrap();
        let binned = BinnedMatrix::new(x.view(), 255, &Workers::inline()).unwrap();
        assert_eq!(binned.column(0), [2, 0, MISSING_BIN, 1, 0, 3]);
        assert_eq!(
            (binned.bin_count(0), binned.threshold(0, 0), binned.threshold(0, 1)),
            (4, 1.5, 2.5)
        );
    }

    #[test]
    fn constant_and_empty_columns_have_one_bin() {
        let x = Array2::from_shape_vec((2, 2), vec![1.0, f32::NAN, 1.0, f32::NAN]).unwrap();
        let binned = BinnedMatrix::new(x.view(), 255, &Workers::inline()).unwrap();
        assert_eq!((binned.bin_count(0), binned.bin_count(1)), (1, 1));
    }

    proptest! {
        #[test]
        fn a_bin_and_its_threshold_agree(values in proptest::collection::vec(proptest::num::f32::ANY, 1..400), max_bins in 2usize..20) {
            let x = Array2::from_shape_vec((values.len(), 1), values.clone()).unwrap();
            let binned = BinnedMatrix::new(x.view(), max_bins, &Workers::inline()).unwrap();
            prop_assert!(binned.bin_count(0) <= max_bins);
            for (&value, &bin) in values.iter().zip(binned.column(0)) {
                if value.is_nan() {
                    prop_assert_eq!(bin, MISSING_BIN);
                    continue;
                }
                for cut in 0..binned.bin_count(0) - 1 {
                    prop_assert_eq!(bin <= cut as u8, f64::from(value) <= binned.threshold(0, cut as u8));
                }
            }
        }
    }
}
