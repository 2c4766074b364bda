//! Exact integer histograms of gradients, and the search for the best split of a leaf.
//!
//! The first and the second derivative of a row's log-loss are scaled and rounded to integers. The integers are at most
//! about 2 to the power of [`STEPS`] in absolute value. Sums of integers do not depend on the order of additions, and
//! the histogram of a node is exactly the histogram of its parent minus that of its sibling. Rounding affects only the
//! choice of splits. The values of leaves are computed from the exact derivatives.
//!
//! One 64-bit word holds the two integers of a row and a 1 that counts the row. One addition of two words therefore
//! adds all three numbers. After [`BLOCK`] rows, the three sums are unpacked and added to the [`Packed`] sums, which
//! cover all rows.
//!
//! Reference: Shi et al., "Quantized training of gradient boosting decision trees", NeurIPS 2022.

use super::bins::{Cuts, MISSING_BIN, TILE};

/// A 64-bit word that holds the two rounded derivatives of a row and the number 1, or the sums of these numbers over
/// the rows of a block. The lowest bits hold the number of rows. The next bits hold the second derivative. The highest
/// bits hold the first derivative with its sign.
pub(crate) type Compact = i64;

/// Maximum number of rows whose numbers are added up in one [`Compact`] word. With more rows, the sums in the word
/// could overflow.
pub(crate) const BLOCK: usize = 1 << 12;
/// The absolute value of a rounded derivative is at most about 2 to the power of this number.
const STEPS: i32 = 12;
/// Number of bits of a [`Compact`] word that hold the number of rows.
const ROWS: u32 = 13;
/// Number of bits of a [`Compact`] word that hold the sum of the second derivatives.
const SECONDS: u32 = 25;

/// The sums over some rows, packed into two numbers. The first number is the sum of the rounded first derivatives,
/// shifted left by [`Packing::row_bits`], plus the number of rows. The second number is the sum of the rounded second
/// derivatives.
pub(crate) type Packed = [i64; 2];

/// The histogram of a tile (a group of [`TILE`] columns): the sums of each bin of each column. Each column has 256
/// bins, so a byte can index the bins without a bounds check.
pub(crate) type TileBins = [[Packed; 256]; TILE];

/// The histogram of a tile for one block of rows. The sums are still [`Compact`] words.
pub(crate) type BlockBins = [[Compact; 256]; TILE];

/// Maximum number of training rows. With more rows, the sums could overflow.
pub(crate) const MOST_ROWS: usize = 1 << 26;

/// How derivatives are scaled to integers, and how many bits of a [`Packed`] number hold the number of rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packing {
    row_bits: u32,
    first_scale: f64,
    second_scale: f64,
}

/// The unpacked sums over some rows: the sums of the first and second derivatives in their original scale, and the
/// number of rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sums {
    pub(crate) first: f64,
    pub(crate) second: f64,
    pub(crate) rows: u64,
}

impl Sums {
    fn less(self, other: Self) -> Self {
        Self {
            first: self.first - other.first,
            second: self.second - other.second,
            rows: self.rows - other.rows,
        }
    }
}

impl Packing {
    /// Creates the packing for a training run. `rows` is the number of training rows (at most [`MOST_ROWS`]). `first`
    /// is the largest absolute first derivative of any row, and `second` is the largest absolute second derivative.
    pub(crate) fn new(rows: usize, first: f64, second: f64) -> Self {
        let row_bits = usize::BITS - rows.leading_zeros();
        let steps = STEPS.min(62 - 2 * row_bits as i32);
        // The scale is a power of two. The rounded integers therefore stay the same if the weights of all rows are
        // multiplied by a power of two.
        let scale = |largest: f64| {
            let power = ((largest.to_bits() >> 52) & 0x7ff) as i32 - 1022;
            f64::from_bits((((steps - power).clamp(-1022, 1023) + 1023) as u64) << 52)
        };
        Self {
            row_bits,
            first_scale: scale(first),
            second_scale: scale(second),
        }
    }

    /// Scales and rounds the derivatives of one row, and packs them into a word.
    pub(crate) fn pack(&self, first: f64, second: f64) -> Compact {
        let (first, second) = (rounded(first * self.first_scale), rounded(second * self.second_scale));
        (first << (ROWS + SECONDS)) + (second << ROWS) + 1
    }

    /// Converts the sums of a block of rows from one word to two numbers.
    pub(crate) fn spread(&self, sums: Compact) -> Packed {
        let rows = sums & ((1 << ROWS) - 1);
        let second = (sums >> ROWS) & ((1 << SECONDS) - 1);
        let first = sums >> (ROWS + SECONDS);
        [(first << self.row_bits) + rows, second]
    }

    pub(crate) fn unpack(&self, [first, second]: Packed) -> Sums {
        Sums {
            first: (first >> self.row_bits) as f64 / self.first_scale,
            second: second as f64 / self.second_scale,
            rows: (first & ((1 << self.row_bits) - 1)) as u64,
        }
    }
}

/// Rounds a number to the nearest integer, with ties to even. Adding 1.5 x 2^52 to a small number removes its fraction.
fn rounded(value: f64) -> i64 {
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    (value + SHIFT).to_bits() as i64 - SHIFT.to_bits() as i64
}

pub(crate) fn plus(a: Packed, b: Packed) -> Packed {
    [a[0] + b[0], a[1] + b[1]]
}

pub(crate) fn minus(a: Packed, b: Packed) -> Packed {
    [a[0] - b[0], a[1] - b[1]]
}

/// Adds a block of rows to the histograms of some columns of a tile. `places` are the positions of these columns in the
/// tile. `cells` (the bins of the rows) and `gradients` have one element per row.
pub(crate) fn add_rows(block: &mut BlockBins, places: &[usize], cells: &[[u8; TILE]], gradients: &[Compact]) {
    fn add<const N: usize>(block: &mut BlockBins, places: &[usize], cells: &[[u8; TILE]], gradients: &[Compact]) {
        let mut at = [0; N];
        at.copy_from_slice(places);
        for (cells, gradient) in cells.iter().zip(gradients) {
            for place in at {
                let place = place % TILE;
                block[place][usize::from(cells[place])] += gradient;
            }
        }
    }
    // All columns are processed in one pass over the rows. Additions to the same bin must wait for each other, but
    // additions to different columns need not wait.
    match places.len() {
        0 => {}
        1 => add::<1>(block, places, cells, gradients),
        2 => add::<2>(block, places, cells, gradients),
        3 => add::<3>(block, places, cells, gradients),
        4 => add::<4>(block, places, cells, gradients),
        5 => add::<5>(block, places, cells, gradients),
        6 => add::<6>(block, places, cells, gradients),
        7 => add::<7>(block, places, cells, gradients),
        _ => {
            for (cells, gradient) in cells.iter().zip(gradients) {
                for (bins, &cell) in block.iter_mut().zip(cells) {
                    bins[usize::from(cell)] += gradient;
                }
            }
        }
    }
}

/// Unpacks the sums of a block of rows into the bins that the columns use. If `add` is true, the sums are added to the
/// content of the bins. Otherwise, the sums replace the content.
pub(crate) fn spread(bins: &mut TileBins, block: &mut BlockBins, counts: &[usize; TILE], packing: &Packing, add: bool) {
    let one = |bin: &mut Packed, block: &mut Compact| {
        let sums = packing.spread(std::mem::take(block));
        *bin = if add { plus(*bin, sums) } else { sums };
    };
    for ((bins, block), &count) in bins.iter_mut().zip(block).zip(counts) {
        for (bin, block) in bins[..count].iter_mut().zip(&mut block[..count]) {
            one(bin, block);
        }
        let missing = usize::from(MISSING_BIN);
        one(&mut bins[missing], &mut block[missing]);
    }
}

/// Adds the histogram `other` to the histogram `bins`. Only the bins that the columns use are changed.
pub(crate) fn merge(bins: &mut TileBins, other: &TileBins, counts: &[usize; TILE]) {
    combine(bins, other, counts, plus);
}

/// Subtracts the histogram `other` from the histogram `bins`. Only the bins that the columns use are changed.
pub(crate) fn subtract(bins: &mut TileBins, other: &TileBins, counts: &[usize; TILE]) {
    combine(bins, other, counts, minus);
}

fn combine(bins: &mut TileBins, other: &TileBins, counts: &[usize; TILE], with: impl Fn(Packed, Packed) -> Packed) {
    for ((bins, other), &count) in bins.iter_mut().zip(other).zip(counts) {
        for (bin, other) in bins[..count].iter_mut().zip(&other[..count]) {
            *bin = with(*bin, *other);
        }
        let missing = usize::from(MISSING_BIN);
        bins[missing] = with(bins[missing], other[missing]);
    }
}

/// Returns how many bins each column of a tile uses, without the bin for missing values.
pub(crate) fn bin_counts(cuts: &Cuts, tile: usize) -> [usize; TILE] {
    let mut counts = [1; TILE];
    for (count, column) in counts.iter_mut().zip(cuts.columns_of(tile)) {
        *count = cuts.bin_count(column);
    }
    counts
}

/// A split of a leaf, and the gain of the split (twice the amount by which the split reduces the loss).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    pub(crate) gain: f64,
    pub(crate) column: u32,
    /// The last bin whose rows go left.
    pub(crate) bin: u8,
    pub(crate) missing_left: bool,
    pub(crate) left: Packed,
    /// A number between the values of the two children. It is used only if the column has a monotonic constraint.
    pub(crate) middle: f64,
}

impl Split {
    pub(crate) fn goes_left(&self, bin: u8) -> bool {
        if bin == MISSING_BIN {
            self.missing_left
        } else {
            bin <= self.bin
        }
    }
}

/// The range in which the value of a leaf must lie, so that the monotonic constraints are satisfied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    low: f64,
    high: f64,
}

impl Span {
    /// The range if no constraint limits the leaf value.
    pub(crate) const ALL: Self = Self {
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
    };

    pub(crate) fn hold(self, value: f64) -> f64 {
        value.max(self.low).min(self.high)
    }

    /// Returns two ranges. The leaf values below the left child of a split must lie in the first range, and those below
    /// the right child in the second range. With these ranges, no later split below the children can violate the
    /// constraint of the split's column. `direction` is this constraint: increasing (1), decreasing (-1) or none (0).
    pub(crate) fn divide(self, split: &Split, direction: i8) -> (Self, Self) {
        let below = Self {
            high: split.middle,
            ..self
        };
        let above = Self {
            low: split.middle,
            ..self
        };
        match direction {
            0 => (self, self),
            1 => (below, above),
            _ => (above, below),
        }
    }
}

/// The penalties on leaf values, and the minimum size of leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Objective {
    pub(crate) min_leaf_rows: u64,
    pub(crate) min_leaf_hessian: f64,
    pub(crate) l1: f64,
    pub(crate) l2: f64,
}

/// The leaf whose best split is to be found.
#[derive(Clone, Copy)]
pub(crate) struct Whole<'a> {
    pub(crate) objective: &'a Objective,
    pub(crate) packing: &'a Packing,
    pub(crate) total: Packed,
    pub(crate) span: Span,
}

/// The minimum gain of a split, as a fraction of the amount by which both children together reduce the loss. Smaller
/// gains are treated as rounding errors.
const LEAST_GAIN: f64 = 1e-10;

impl Objective {
    /// Returns the optimal value of a leaf, which is the result of one Newton step. `first` and `second` are the sums
    /// of the first and second derivatives over the rows of the leaf.
    pub(crate) fn value(&self, first: f64, second: f64) -> f64 {
        let value = -self.shrunk(first) / (second + self.l2);
        if value.is_finite() { value } else { 0.0 }
    }

    /// Returns twice the amount by which a leaf with the optimal value reduces the loss, compared with a leaf with the
    /// value 0.
    fn worth(&self, first: f64, second: f64) -> f64 {
        let first = self.shrunk(first);
        first * first / (second + self.l2)
    }

    /// Returns twice the amount by which a leaf with this value reduces the loss, compared with a leaf with the value
    /// 0.
    fn worth_at(&self, first: f64, second: f64, value: f64) -> f64 {
        -(2.0 * self.shrunk(first) + (second + self.l2) * value) * value
    }

    fn shrunk(&self, first: f64) -> f64 {
        if self.l1 == 0.0 {
            first
        } else {
            first.signum() * (first.abs() - self.l1).max(0.0)
        }
    }
}

impl Whole<'_> {
    /// Whether the leaf is large enough for two children of the minimum size.
    pub(crate) fn may_split(&self) -> bool {
        let sums = self.packing.unpack(self.total);
        sums.rows >= 2 * self.objective.min_leaf_rows && sums.second >= 2.0 * self.objective.min_leaf_hessian
    }

    /// Returns the best split of a leaf on a column. `bins` is the histogram of the column, and `count` is the number
    /// of its bins without the bin for missing values. If several splits are equally good, a split that sends missing
    /// values right is preferred, and then the split with the lowest bin. `direction` is the monotonic constraint of
    /// the column: increasing (1), decreasing (-1) or none (0). The values of the children satisfy this constraint.
    pub(crate) fn best_split(&self, column: u32, bins: &[Packed; 256], count: usize, direction: i8) -> Option<Split> {
        let (objective, packing) = (self.objective, self.packing);
        let missing = bins[usize::from(MISSING_BIN)];
        let none_missing = missing == [0; 2];
        let total = packing.unpack(self.total);
        let bound = direction != 0 || self.span != Span::ALL;
        let whole = if bound {
            let value = self.span.hold(objective.value(total.first, total.second));
            objective.worth_at(total.first, total.second, value)
        } else {
            objective.worth(total.first, total.second)
        };
        let mut best: Option<Split> = None;
        for missing_left in [false, true] {
            if missing_left && none_missing {
                break;
            }
            let mut left = if missing_left { missing } else { [0; 2] };
            // The pass in which missing values go right also tries a split after the last bin. This split sends only
            // missing values to the right child.
            let last = count - usize::from(missing_left || none_missing);
            for (bin, &sums) in bins[..last].iter().enumerate() {
                // A split after an empty bin divides the rows in the same way as the split before this bin, so the
                // split after the bin is not tried.
                if sums[0] == 0 {
                    continue;
                }
                left = plus(left, sums);
                let one = packing.unpack(left);
                if one.rows < objective.min_leaf_rows || one.second < objective.min_leaf_hessian {
                    continue;
                }
                // The subtraction is exact, because both sums are integers of fewer than 53 bits times the same power
                // of two.
                let other = total.less(one);
                if other.rows < objective.min_leaf_rows || other.second < objective.min_leaf_hessian {
                    break;
                }
                let (sides, middle) = if bound {
                    let [low, high] = [one, other].map(|side| self.span.hold(objective.value(side.first, side.second)));
                    if f64::from(direction) * (high - low) < 0.0 {
                        continue;
                    }
                    let sides = objective.worth_at(one.first, one.second, low)
                        + objective.worth_at(other.first, other.second, high);
                    (sides, (low + high) / 2.0)
                } else {
                    let sides = objective.worth(one.first, one.second) + objective.worth(other.first, other.second);
                    (sides, 0.0)
                };
                let gain = sides - whole;
                if gain > best.map_or(LEAST_GAIN * sides, |best| best.gain) {
                    best = Some(Split {
                        gain,
                        column,
                        bin: bin as u8,
                        // If no training row of the leaf has a missing value, missing values in later data go to the
                        // larger child.
                        missing_left: if none_missing {
                            one.rows >= other.rows
                        } else {
                            missing_left
                        },
                        left,
                        middle,
                    });
                }
            }
        }
        best
    }
}

/// Returns the split with the largest gain. If several splits have this gain, returns the first of them.
pub(crate) fn first_best(splits: impl Iterator<Item = Split>) -> Option<Split> {
    splits.fold(None, |best: Option<Split>, split| match best {
        Some(best) if best.gain >= split.gain => Some(best),
        _ => Some(split),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OBJECTIVE: Objective = Objective {
        min_leaf_rows: 1,
        min_leaf_hessian: 0.0,
        l1: 0.0,
        l2: 1.0,
    };

    /// Creates a histogram, and returns it with its total. Each element of `rows` describes one bin. It contains the
    /// number of the bin, the first derivative of each row in the bin, and the number of these rows.
    fn filled(packing: &Packing, rows: &[(usize, f64, usize)]) -> ([Packed; 256], Packed) {
        let (mut bins, mut total) = ([[0; 2]; 256], [0; 2]);
        for &(bin, first, count) in rows {
            for _ in 0..count {
                bins[bin] = plus(bins[bin], packing.spread(packing.pack(first, 0.25)));
            }
            total = plus(total, bins[bin]);
        }
        (bins, total)
    }

    fn best(packing: &Packing, rows: &[(usize, f64, usize)], count: usize, direction: i8) -> Option<Split> {
        let (bins, total) = filled(packing, rows);
        let whole = Whole {
            objective: &OBJECTIVE,
            packing,
            total,
            span: Span::ALL,
        };
        whole.best_split(7, &bins, count, direction)
    }

    proptest! {
        #[test]
        fn sums_are_exact_in_any_order(values in proptest::collection::vec((-1.0f64..1.0, 0.0f64..0.25), 1..300)) {
            let packing = Packing::new(values.len(), 1.0, 0.25);
            let packed: Vec<Packed> =
                values.iter().map(|&(first, second)| packing.spread(packing.pack(first, second))).collect();
            let forward = packed.iter().fold([0; 2], |sum, &row| plus(sum, row));
            let backward = packed.iter().rev().fold([0; 2], |sum, &row| plus(sum, row));
            prop_assert_eq!(forward, backward);
            // Adding the rows block by block must give the same total.
            let blocks = values.chunks(7).map(|block| {
                packing.spread(block.iter().map(|&(first, second)| packing.pack(first, second)).sum())
            });
            prop_assert_eq!(forward, blocks.fold([0; 2], plus));
            let sums = packing.unpack(forward);
            prop_assert_eq!(sums.rows as usize, values.len());
            let rounding = values.len() as f64 / 4096.0;
            prop_assert!((sums.first - values.iter().map(|row| row.0).sum::<f64>()).abs() <= rounding);
            prop_assert!((sums.second - values.iter().map(|row| row.1).sum::<f64>()).abs() <= rounding / 4.0);
        }

        #[test]
        fn the_largest_sums_fit(rows in prop_oneof![1usize..=MOST_ROWS, 1usize..=2 * BLOCK], power in -300i32..300, sign in prop::bool::ANY) {
            let largest = 1.7 * 10f64.powi(power);
            let packing = Packing::new(rows, largest, largest);
            let row = packing.pack(if sign { largest } else { -largest }, largest);
            // The test first adds as many rows as one word can hold (or all rows, if there are fewer). It then adds all
            // rows.
            let in_block = BLOCK.min(rows) as i64;
            let block = packing.spread(row.checked_mul(in_block).unwrap());
            prop_assert_eq!(packing.unpack(block).rows as i64, in_block);
            let one = packing.spread(row);
            prop_assert_eq!(block, [one[0] * in_block, one[1] * in_block]);
            let all = one.map(|sum| sum.checked_mul(rows as i64));
            prop_assert!(all[0].is_some() && all[1].is_some_and(|second| second < 1 << 53));
            let sums = packing.unpack(all.map(Option::unwrap));
            prop_assert_eq!(sums.rows as usize, rows);
            prop_assert_eq!(sums.first < 0.0, !sign);
        }

        #[test]
        fn rounding_is_to_the_nearest(value in -1e9f64..1e9) {
            prop_assert!((rounded(value) as f64 - value).abs() <= 0.5);
        }
    }

    #[test]
    fn the_best_split_separates_what_differs() {
        let packing = Packing::new(100, 1.0, 0.25);
        let rows = [(0, -0.5, 10), (1, -0.4, 10), (2, 0.45, 10), (3, 0.5, 10)];
        let split = best(&packing, &rows, 4, 0).unwrap();
        assert_eq!((split.column, split.bin), (7, 1));
        let sums = packing.unpack(split.left);
        assert_eq!(sums.rows, 20);
        assert!((OBJECTIVE.value(sums.first, sums.second) - 9.0 / 6.0).abs() < 1e-3);
    }

    #[test]
    fn missing_values_go_where_they_belong() {
        let packing = Packing::new(100, 1.0, 0.25);
        for (first, left) in [(-0.5, true), (0.5, false)] {
            let split = best(&packing, &[(0, -0.5, 1), (1, 0.5, 1), (255, first, 1)], 2, 0).unwrap();
            assert_eq!((split.bin, split.missing_left), (0, left));
        }
        // In this example, the label depends only on whether the value is missing.
        let split = best(&packing, &[(0, -0.5, 1), (255, 0.5, 1)], 1, 0).unwrap();
        assert_eq!((split.bin, split.missing_left), (0, false));
    }

    #[test]
    fn a_constraint_forbids_splits_against_it() {
        let packing = Packing::new(100, 1.0, 0.25);
        // From each bin to the next, the optimal leaf value first falls, then rises a little, and then falls again.
        let rows = [(0, -0.5, 10), (1, 0.3, 10), (2, 0.2, 10), (3, 0.5, 10)];
        assert_eq!(best(&packing, &rows, 4, 0).unwrap().bin, 0);
        let down = best(&packing, &rows, 4, -1).unwrap();
        assert_eq!(down.bin, 0);
        assert!(best(&packing, &rows, 4, 1).is_none());
        let (low, high) = Span::ALL.divide(&down, -1);
        assert_eq!((low.hold(-9.0), high.hold(9.0)), (down.middle, down.middle));
    }

    #[test]
    fn the_gain_of_a_bounded_leaf_is_that_at_its_bound() {
        let value = OBJECTIVE.value(3.0, 2.0);
        assert_eq!(OBJECTIVE.worth_at(3.0, 2.0, value), OBJECTIVE.worth(3.0, 2.0));
        assert!(OBJECTIVE.worth_at(3.0, 2.0, value / 2.0) < OBJECTIVE.worth(3.0, 2.0));
    }

    #[test]
    fn l1_holds_small_sums_at_zero() {
        let objective = Objective { l1: 2.0, ..OBJECTIVE };
        assert_eq!(objective.value(-1.5, 1.0), 0.0);
        assert!((objective.value(-3.0, 1.0) - 0.5).abs() < 1e-9);
    }
}
