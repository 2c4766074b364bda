//! Sums over the rows of a column-major matrix. The rows are processed in blocks, and a block stays in the cache while
//! all columns are processed. The additions of a sum are always made in the same order, so results are reproducible.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{ArrayView2, Axis};

use crate::error::Result;
use crate::parallel::Workers;

/// Number of rows in a block. With this number, the cells of a block in all columns usually fit into the L2 cache.
const BLOCK: usize = 256;
/// Number of rows that a thread processes per task. It is a multiple of [`BLOCK`].
pub(super) const PIECE: usize = 16 * BLOCK;
/// Number of partial sums into which a sum is divided. The CPU can add to several partial sums at the same time.
const LANES: usize = 4;
/// Maximum number of chunks into which the rows are divided when sums of products are computed. Each chunk needs a
/// separate square matrix of sums.
const MOST_SQUARES: usize = 32;

/// The columns of a matrix, each in contiguous memory.
pub(super) struct DesignColumns<'a>(Vec<Cow<'a, [f64]>>);

impl<'a> DesignColumns<'a> {
    pub(super) fn of(x: ArrayView2<'a, f64>) -> Self {
        let columns = (0..x.ncols()).map(|column| x.index_axis_move(Axis(1), column));
        let in_one_piece = columns.map(|column| {
            column
                .to_slice()
                .map_or_else(|| Cow::Owned(column.to_vec()), Cow::Borrowed)
        });
        Self(in_one_piece.collect())
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the index of the first column that contains a value that is not finite.
    pub(super) fn not_finite(&self) -> Option<usize> {
        self.0
            .iter()
            .position(|column| column.iter().any(|value| !value.is_finite()))
    }

    pub(super) fn means(&self) -> Vec<f64> {
        let mean = |column: &Cow<'_, [f64]>| column.iter().sum::<f64>() / column.len() as f64;
        self.0.iter().map(mean).collect()
    }

    /// Divides a range of rows into blocks of [`BLOCK`] rows.
    pub(super) fn blocks(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        rows.clone()
            .step_by(BLOCK)
            .map(move |start| start..(start + BLOCK).min(rows.end))
    }

    /// For each row, multiplies the values of the row by the coefficients of their columns, and adds the products to
    /// the sum of the row. The columns are processed in order.
    pub(super) fn add_weighted(&self, rows: Range<usize>, coefficients: &[f64], sums: &mut [f64]) {
        let (fours, others) = self.0.as_chunks::<4>();
        let (by_four, by_others) = coefficients.as_chunks::<4>();
        for (columns, &by) in fours.iter().zip(by_four) {
            add_four(sums, columns.each_ref().map(|column| &column[rows.clone()]), by);
        }
        for (column, by) in others.iter().zip(by_others) {
            for (sum, value) in sums.iter_mut().zip(&column[rows.clone()]) {
                *sum += by * value;
            }
        }
    }

    /// For each column, multiplies the values of the column by the residuals of their rows, and adds the products to
    /// the sum of the column.
    pub(super) fn add_products(&self, rows: Range<usize>, residuals: &[f64], sums: &mut [f64]) {
        let (pairs, other) = self.0.as_chunks::<2>();
        let (of_pairs, of_other) = sums.as_chunks_mut::<2>();
        for (columns, sums) in pairs.iter().zip(of_pairs) {
            let columns = columns.each_ref().map(|column| &column[rows.clone()]);
            for (sum, [product]) in sums.iter_mut().zip(products(columns, [residuals])) {
                *sum += product;
            }
        }
        for (column, sum) in other.iter().zip(of_other) {
            *sum += dot(&column[rows.clone()], residuals);
        }
    }

    /// For every pair of columns, multiplies the two values of each row, and returns the sum of these products. The
    /// result has one list per column. The list contains one sum for each earlier column, followed by the sum of the
    /// squares of the column itself.
    pub(super) fn squares(&self, workers: &Workers) -> Result<Vec<Vec<f64>>> {
        let rows = self.0.first().map_or(0, |column| column.len());
        let piece = rows.div_ceil(MOST_SQUARES).max(PIECE).next_multiple_of(BLOCK);
        let pieces = workers.map_chunks(rows, piece, |rows| {
            let mut sums: Vec<Vec<f64>> = (1..=self.count()).map(|length| vec![0.0; length]).collect();
            Self::blocks(rows).for_each(|rows| self.add_squares(rows, &mut sums));
            Ok(sums)
        })?;
        let mut total: Vec<Vec<f64>> = (1..=self.count()).map(|length| vec![0.0; length]).collect();
        for piece in pieces {
            for (total, sums) in total.iter_mut().flatten().zip(piece.into_iter().flatten()) {
                *total += sums;
            }
        }
        Ok(total)
    }

    fn add_squares(&self, rows: Range<usize>, sums: &mut [Vec<f64>]) {
        let block: Vec<&[f64]> = self.0.iter().map(|column| &column[rows.clone()]).collect();
        for a in (0..block.len()).step_by(2) {
            for b in (0..=a).step_by(2) {
                if a + 1 == block.len() {
                    for (b, column) in block.iter().enumerate().take(a + 1).skip(b).take(2) {
                        sums[a][b] += dot(block[a], column);
                    }
                    continue;
                }
                let tile = products([block[a], block[a + 1]], [block[b], block[b + 1]]);
                sums[a][b] += tile[0][0];
                if b < a {
                    sums[a][b + 1] += tile[0][1];
                }
                sums[a + 1][b] += tile[1][0];
                sums[a + 1][b + 1] += tile[1][1];
            }
        }
    }
}

/// Multiplies each of four columns by its factor in `by`, and adds the products to the sums in one pass. Each sum is
/// therefore read and written once instead of four times. The additions to each sum have the same order as in four
/// passes.
fn add_four(sums: &mut [f64], columns: [&[f64]; 4], by: [f64; 4]) {
    let [a, b, c, d] = columns.map(|column| &column[..sums.len()]);
    for row in 0..sums.len() {
        let with_two = sums[row] + by[0] * a[row] + by[1] * b[row];
        sums[row] = with_two + by[2] * c[row] + by[3] * d[row];
    }
}

/// For every column in `a` and every column in `b`, multiplies the two values of each row, and returns the sum of these
/// products.
fn products<const A: usize, const B: usize>(a: [&[f64]; A], b: [&[f64]; B]) -> [[f64; B]; A] {
    let mut lanes = [[[0.0f64; LANES]; B]; A];
    let (a, a_rest) = chunks(a);
    let (b, b_rest) = chunks(b);
    let steps = a.first().map_or(0, |chunks| chunks.len());
    let (a, b) = (a.map(|chunks| &chunks[..steps]), b.map(|chunks| &chunks[..steps]));
    for step in 0..steps {
        for (lanes, a) in lanes.iter_mut().zip(a) {
            for (lanes, b) in lanes.iter_mut().zip(b) {
                for lane in 0..LANES {
                    lanes[lane] += a[step][lane] * b[step][lane];
                }
            }
        }
    }
    let mut sums = [[0.0; B]; A];
    for (i, sums) in sums.iter_mut().enumerate() {
        for (j, sum) in sums.iter_mut().enumerate() {
            let rest: f64 = a_rest[i].iter().zip(b_rest[j]).map(|(a, b)| a * b).sum();
            *sum = lanes[i][j].iter().sum::<f64>() + rest;
        }
    }
    sums
}

fn chunks<const N: usize>(slices: [&[f64]; N]) -> ([&[[f64; LANES]]; N], [&[f64]; N]) {
    (
        slices.map(|slice| slice.as_chunks().0),
        slices.map(|slice| slice.as_chunks::<LANES>().1),
    )
}

/// Returns the dot product of two lists. The additions are always made in the same order.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let [[sum]] = products([a], [b]);
    sum
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn blocked_sums_equal_sequential_sums() {
        for (rows, columns) in [(0, 2), (1, 1), (5, 3), (300, 4), (9001, 7)] {
            let cell = |row: usize, column: usize| ((row * 31 + column * 17) % 23) as f64 - 11.0;
            let x = Array2::from_shape_fn((columns, rows), |(column, row)| cell(row, column)).reversed_axes();
            let design = DesignColumns::of(x.view());
            // The values are integers, so the expected sums are exact and do not depend on the order of additions.
            let squares = design.squares(&Workers::inline()).unwrap();
            for (a, squares) in squares.iter().enumerate() {
                for (b, &square) in squares.iter().enumerate() {
                    let expected: f64 = (0..rows).map(|row| cell(row, a) * cell(row, b)).sum();
                    assert_eq!(square, expected, "{rows} rows, columns {a} and {b}");
                }
            }
            let residuals: Vec<f64> = (0..rows).map(|row| (row % 5) as f64).collect();
            let mut sums = vec![1.0; columns];
            let mut weighted = vec![2.0; rows];
            let coefficients: Vec<f64> = (0..columns).map(|column| column as f64 - 2.0).collect();
            for block in DesignColumns::blocks(0..rows) {
                design.add_products(block.clone(), &residuals[block.clone()], &mut sums);
                design.add_weighted(block.clone(), &coefficients, &mut weighted[block]);
            }
            for (column, sum) in sums.into_iter().enumerate() {
                let expected: f64 = (0..rows).map(|row| cell(row, column) * residuals[row]).sum();
                assert_eq!(sum, 1.0 + expected);
            }
            for (row, sum) in weighted.into_iter().enumerate() {
                let expected: f64 = (0..columns)
                    .map(|column| cell(row, column) * coefficients[column])
                    .sum();
                assert_eq!(sum, 2.0 + expected);
            }
        }
    }
}
