//! Exact integer histograms of gradients, and the best split that they show.
//!
//! First and second derivatives are rounded to integers of a unit so fine that the sum over all rows just fits, so sums do
//! not depend on the order of adding, and a sibling's histogram is the parent's less the other's. A bin is two words: the
//! second derivative, and the first derivative above the number of rows. Both are added to in one step.

use super::bins::{Cuts, MISSING_BIN, TILE};

/// Sums over rows: the first derivative times two to [`Packing::row_bits`], plus the rows; the second derivative.
pub(crate) type Packed = [i64; 2];

/// The bins of a tile's columns. A column's bin of a byte needs no bounds check.
pub(crate) type TileBins = [[Packed; 256]; TILE];

/// How derivatives become integers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packing {
    row_bits: u32,
    first_scale: f64,
    second_scale: f64,
}

/// What a packed sum stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sums {
    pub(crate) first: f64,
    pub(crate) second: f64,
    pub(crate) rows: u64,
}

impl Packing {
    /// For this many rows, fewer than 2^31, of this total weight.
    pub(crate) fn new(rows: usize, weight: f64) -> Self {
        let row_bits = usize::BITS - rows.leading_zeros();
        // The weight is below 2 to this power, and so is the sum of first derivatives; rounding adds half a unit a row.
        let power = ((weight.to_bits() >> 52) & 0x7ff) as i32 - 1022;
        let scale = |bits: i32| {
            let power = (bits - power).clamp(-1022, 1023);
            f64::from_bits(((power + 1023) as u64) << 52)
        };
        Self {
            row_bits,
            first_scale: scale(61 - row_bits as i32),
            second_scale: scale(61),
        }
    }

    /// One row.
    pub(crate) fn pack(&self, first: f64, second: f64) -> Packed {
        let first = (first * self.first_scale).round() as i64;
        [
            (first << self.row_bits) + 1,
            (second * self.second_scale).round() as i64,
        ]
    }

    pub(crate) fn unpack(&self, [first, second]: Packed) -> Sums {
        Sums {
            first: (first >> self.row_bits) as f64 / self.first_scale,
            second: second as f64 / self.second_scale,
            rows: (first & ((1 << self.row_bits) - 1)) as u64,
        }
    }
}

pub(crate) fn plus(a: Packed, b: Packed) -> Packed {
    [a[0] + b[0], a[1] + b[1]]
}

pub(crate) fn minus(a: Packed, b: Packed) -> Packed {
    [a[0] - b[0], a[1] - b[1]]
}

/// Adds rows to the bins of their cells; `gradients` are theirs, in the same order.
pub(crate) fn add_rows(bins: &mut TileBins, cells: &[[u8; TILE]], rows: &[u32], gradients: &[Packed]) {
    for (&row, gradient) in rows.iter().zip(gradients) {
        for (bins, &cell) in bins.iter_mut().zip(&cells[row as usize]) {
            let bin = &mut bins[usize::from(cell)];
            *bin = plus(*bin, *gradient);
        }
    }
}

/// How many bins of each column of a tile are in use, missing apart.
pub(crate) fn bin_counts(cuts: &Cuts, tile: usize) -> [usize; TILE] {
    let mut counts = [1; TILE];
    for (count, column) in counts.iter_mut().zip(cuts.columns_of(tile)) {
        *count = cuts.bin_count(column);
    }
    counts
}

/// Empties the bins in use.
pub(crate) fn clear(bins: &mut TileBins, counts: &[usize; TILE]) {
    for (bins, &count) in bins.iter_mut().zip(counts) {
        bins[..count].fill([0; 2]);
        bins[usize::from(MISSING_BIN)] = [0; 2];
    }
}

/// Takes the other's sums out of the bins in use.
pub(crate) fn subtract(bins: &mut TileBins, other: &TileBins, counts: &[usize; TILE]) {
    for ((bins, other), &count) in bins.iter_mut().zip(other).zip(counts) {
        for (bin, other) in bins[..count].iter_mut().zip(&other[..count]) {
            *bin = minus(*bin, *other);
        }
        let missing = usize::from(MISSING_BIN);
        bins[missing] = minus(bins[missing], other[missing]);
    }
}

/// Where to split, and what it is worth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    pub(crate) gain: f64,
    pub(crate) column: u32,
    /// Bins up to this one go left.
    pub(crate) bin: u8,
    pub(crate) missing_left: bool,
    pub(crate) left: Packed,
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

/// What makes a leaf good, and what it must have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Objective {
    pub(crate) packing: Packing,
    pub(crate) min_leaf_rows: u64,
    pub(crate) min_leaf_hessian: f64,
    pub(crate) l1: f64,
    pub(crate) l2: f64,
}

/// A split must win more than this share of what its sides are worth: less is rounding.
const LEAST_GAIN: f64 = 1e-10;

impl Objective {
    /// The value that a leaf's loss is least at, by Newton's step.
    pub(crate) fn value(&self, sums: Packed) -> f64 {
        let sums = self.packing.unpack(sums);
        let value = -self.shrunk(sums.first) / (sums.second + self.l2);
        if value.is_finite() { value } else { 0.0 }
    }

    /// Twice the loss that a leaf of that value takes away.
    fn worth(&self, sums: Sums) -> f64 {
        let first = self.shrunk(sums.first);
        first * first / (sums.second + self.l2)
    }

    fn shrunk(&self, first: f64) -> f64 {
        if self.l1 == 0.0 {
            first
        } else {
            first.signum() * (first.abs() - self.l1).max(0.0)
        }
    }

    fn may_be_leaf(&self, sums: Sums) -> bool {
        sums.rows >= self.min_leaf_rows && sums.second >= self.min_leaf_hessian
    }

    /// Whether any split of a leaf could be allowed.
    pub(crate) fn may_split(&self, sums: Packed) -> bool {
        let sums = self.packing.unpack(sums);
        sums.rows >= 2 * self.min_leaf_rows && sums.second >= 2.0 * self.min_leaf_hessian
    }

    /// The best split on a column of a leaf with these bins, of which `count` are in use, missing apart. Of equals the
    /// one with missing values on the right, then the one at the lowest bin.
    pub(crate) fn best_split(&self, column: u32, bins: &[Packed; 256], count: usize, total: Packed) -> Option<Split> {
        let missing = bins[usize::from(MISSING_BIN)];
        let none_missing = missing == [0; 2];
        let whole = self.worth(self.packing.unpack(total));
        let mut best: Option<Split> = None;
        for missing_left in [false, true] {
            if missing_left && none_missing {
                break;
            }
            let mut left = if missing_left { missing } else { [0; 2] };
            // With the last bin on the left only missing values go right; the first pass sees that split.
            let last = count - usize::from(missing_left || none_missing);
            for (bin, &sums) in bins[..last].iter().enumerate() {
                // No rows, no other split than the one before.
                if sums[0] == 0 {
                    continue;
                }
                left = plus(left, sums);
                let one = self.packing.unpack(left);
                if !self.may_be_leaf(one) {
                    continue;
                }
                let other = self.packing.unpack(minus(total, left));
                if !self.may_be_leaf(other) {
                    break;
                }
                let sides = self.worth(one) + self.worth(other);
                let gain = sides - whole;
                if gain > best.map_or(LEAST_GAIN * sides, |best| best.gain) {
                    best = Some(Split {
                        gain,
                        column,
                        bin: bin as u8,
                        // Where training has no missing value, a later one goes with the larger part.
                        missing_left: if none_missing {
                            one.rows >= other.rows
                        } else {
                            missing_left
                        },
                        left,
                    });
                }
            }
        }
        best
    }
}

/// The best of several splits; of equals the first.
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

    fn objective(rows: usize) -> Objective {
        Objective {
            packing: Packing::new(rows, rows as f64),
            min_leaf_rows: 1,
            min_leaf_hessian: 0.0,
            l1: 0.0,
            l2: 1.0,
        }
    }

    proptest! {
        #[test]
        fn sums_are_exact_whatever_the_order(values in proptest::collection::vec((-1.0f64..1.0, 0.0f64..0.25), 1..300)) {
            let packing = Packing::new(values.len(), values.len() as f64);
            let packed: Vec<Packed> = values.iter().map(|&(first, second)| packing.pack(first, second)).collect();
            let forward = packed.iter().fold([0; 2], |sum, &row| plus(sum, row));
            let backward = packed.iter().rev().fold([0; 2], |sum, &row| plus(sum, row));
            prop_assert_eq!(forward, backward);
            let sums = packing.unpack(forward);
            prop_assert_eq!(sums.rows as usize, values.len());
            prop_assert!((sums.first - values.iter().map(|row| row.0).sum::<f64>()).abs() < 1e-9);
            prop_assert!((sums.second - values.iter().map(|row| row.1).sum::<f64>()).abs() < 1e-9);
        }

        #[test]
        fn the_largest_sums_fit(rows in 1usize..(1 << 31) - 1, power in -300i32..300, sign in prop::bool::ANY) {
            let weight = 1.7 * 10f64.powi(power);
            let packing = Packing::new(rows, weight);
            let first = if sign { weight } else { -weight };
            // All the weight in one row; rounding half a unit for each of the others.
            let [packed, second] = packing.pack(first, weight);
            let others = ((rows as i64 - 1) / 2 * first.signum() as i64) << packing.row_bits;
            let sum = packed.checked_add(others).and_then(|sum| sum.checked_add(rows as i64 - 1));
            prop_assert!(sum.is_some() && second.checked_add(rows as i64).is_some());
            prop_assert_eq!(packing.unpack([sum.unwrap(), second]).rows as usize, rows);
        }
    }

    #[test]
    fn the_best_split_separates_what_differs() {
        let objective = objective(100);
        let mut bins = [[0; 2]; 256];
        let mut total = [0; 2];
        for (bin, first) in [(0, -0.5), (1, -0.4), (2, 0.45), (3, 0.5)] {
            for _ in 0..10 {
                bins[bin] = plus(bins[bin], objective.packing.pack(first, 0.25));
            }
            total = plus(total, bins[bin]);
        }
        let split = objective.best_split(7, &bins, 4, total).unwrap();
        assert_eq!((split.column, split.bin), (7, 1));
        assert_eq!(objective.packing.unpack(split.left).rows, 20);
        assert!((objective.value(split.left) - 9.0 / 6.0).abs() < 1e-9);
    }

    #[test]
    fn missing_values_go_where_they_belong() {
        let objective = objective(100);
        for (first, left) in [(-0.5, true), (0.5, false)] {
            let mut bins = [[0; 2]; 256];
            bins[0] = objective.packing.pack(-0.5, 0.25);
            bins[1] = objective.packing.pack(0.5, 0.25);
            bins[255] = objective.packing.pack(first, 0.25);
            let total = plus(plus(bins[0], bins[1]), bins[255]);
            let split = objective.best_split(0, &bins, 2, total).unwrap();
            assert_eq!((split.bin, split.missing_left), (0, left));
        }
        // Only whether a value is there says anything.
        let mut bins = [[0; 2]; 256];
        bins[0] = objective.packing.pack(-0.5, 0.25);
        bins[255] = objective.packing.pack(0.5, 0.25);
        let total = plus(bins[0], bins[255]);
        let split = objective.best_split(0, &bins, 1, total).unwrap();
        assert_eq!((split.bin, split.missing_left), (0, false));
    }

    #[test]
    fn l1_holds_small_sums_at_zero() {
        let objective = Objective {
            l1: 2.0,
            ..objective(10)
        };
        assert_eq!(objective.value(objective.packing.pack(-1.5, 1.0)), 0.0);
        assert!((objective.value(objective.packing.pack(-3.0, 1.0)) - 0.5).abs() < 1e-9);
    }
}
