//! Aggregation functions over the measures of some records. A measure is the value that a feature reads from a record.
//!
//! Integers (money in minor units, durations in microseconds) are summed exactly and divided once at the end. Floats
//! are added one by one, beginning with the oldest record, because a difference of prefix sums would add rounding
//! errors. Deviations from the mean are computed in a second pass, in the same order.

use std::ops::Range;

/// The measures of some records, oldest first.
#[derive(Clone, Copy)]
pub(crate) enum Values<'a> {
    /// The number of records. The measure of every record is 1.
    Ones(usize),
    /// The values of an integer measure, their exact sum, and the divisor that converts a result to the unit of the
    /// feature.
    Integers(&'a [i64], Sum, f64),
    /// The values of a float measure. None of them is NaN or infinite.
    Floats(&'a [f64]),
}

/// Prefix sums of integers. The exact sum of a range is the difference of two prefix sums.
#[derive(Default)]
pub(crate) struct Sums {
    /// The prefix sums, if every sum fits into 64 bits; otherwise, this list is empty.
    short: Vec<i64>,
    long: Vec<i128>,
}

impl Sums {
    pub(crate) fn take(&mut self, integers: &[i64]) {
        let most: u128 = integers.iter().map(|value| u128::from(value.unsigned_abs())).sum();
        self.short.clear();
        self.long.clear();
        if most < 1 << 63 {
            let mut sum = 0i64;
            self.short.push(sum);
            self.short.extend(integers.iter().map(|&value| {
                sum += value;
                sum
            }));
        } else {
            let mut sum = 0i128;
            self.long.push(sum);
            self.long.extend(integers.iter().map(|&value| {
                sum += i128::from(value);
                sum
            }));
        }
    }

    pub(crate) fn of(&self, stretch: Range<usize>) -> Sum {
        match self.short.get(stretch.end) {
            Some(end) => Sum::Short(end - self.short[stretch.start]),
            None => Sum::Long(self.long[stretch.end] - self.long[stretch.start]),
        }
    }
}

/// An exact sum, in 64 bits if possible.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sum {
    Short(i64),
    Long(i128),
}

impl Sum {
    /// Converts the sum to the nearest float.
    pub(crate) fn float(self) -> f64 {
        match self {
            Self::Short(sum) => sum as f64,
            Self::Long(sum) => sum as f64,
        }
    }

    fn less(self, other: Self) -> Self {
        let long = |sum: Self| match sum {
            Self::Short(sum) => i128::from(sum),
            Self::Long(sum) => sum,
        };
        match (self, other) {
            (Self::Short(a), Self::Short(b)) if a.checked_sub(b).is_some() => Self::Short(a - b),
            _ => Self::Long(long(self) - long(other)),
        }
    }
}

impl Values<'_> {
    fn len(self) -> usize {
        match self {
            Self::Ones(count) => count,
            Self::Integers(values, ..) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }

    /// The sum of the measures; 0 if there are no records.
    pub(crate) fn sum(self) -> f64 {
        match self {
            Self::Ones(count) => count as f64,
            Self::Integers(_, sum, divisor) => sum.float() / divisor,
            Self::Floats(values) => total(values.iter().copied()),
        }
    }

    /// The sum of these values minus the sum of `other`, which contains other values of the same measure. For integers,
    /// the result is exact.
    pub(crate) fn sum_less(self, other: Self) -> f64 {
        match (self, other) {
            (Self::Integers(_, now, divisor), Self::Integers(_, before, _)) => now.less(before).float() / divisor,
            _ => self.sum() - other.sum(),
        }
    }

    /// The mean of the measures. If there are no values, this function and all functions below return NaN.
    pub(crate) fn mean(self) -> f64 {
        match self {
            _ if self.len() == 0 => f64::NAN,
            Self::Integers(values, sum, divisor) => sum.float() / values.len() as f64 / divisor,
            _ => self.sum() / self.len() as f64,
        }
    }

    pub(crate) fn max(self) -> f64 {
        self.extreme(|a, b| a > b, |a, b| a > b)
    }

    pub(crate) fn min(self) -> f64 {
        self.extreme(|a, b| a < b, |a, b| a < b)
    }

    /// The maximum or the minimum. If several values are equal, the first is returned. The result is therefore the same
    /// on every machine, even if 0 and -0 both occur.
    fn extreme(self, beats: fn(f64, f64) -> bool, beats_exactly: fn(i64, i64) -> bool) -> f64 {
        let extreme = match self {
            Self::Ones(count) => (count > 0).then_some(1.0),
            Self::Integers(values, _, divisor) => {
                let best = values.iter().copied();
                let best = best.reduce(|best, value| if beats_exactly(value, best) { value } else { best });
                best.map(|best| best as f64 / divisor)
            }
            Self::Floats(values) => {
                let best = values.iter().copied();
                best.reduce(|best, value| if beats(value, best) { value } else { best })
            }
        };
        extreme.unwrap_or(f64::NAN)
    }

    /// The sample standard deviation, with divisor n - 1. The result is NaN if there are fewer than two values.
    pub(crate) fn std(self) -> f64 {
        let count = self.len();
        if count < 2 {
            return f64::NAN;
        }
        let root = |squares: f64| (squares / (count - 1) as f64).sqrt();
        match self {
            Self::Ones(_) => 0.0,
            Self::Integers(values, sum, divisor) => {
                let mean = sum.float() / count as f64;
                root(squares(mean, values.iter().map(|&value| value as f64))) / divisor
            }
            Self::Floats(values) => root(squares(self.mean(), values.iter().copied())),
        }
    }

    pub(crate) fn last(self) -> f64 {
        let last = match self {
            Self::Ones(count) => (count > 0).then_some(1.0),
            Self::Integers(values, _, divisor) => values.last().map(|&value| value as f64 / divisor),
            Self::Floats(values) => values.last().copied(),
        };
        last.unwrap_or(f64::NAN)
    }
}

/// The sum of squared deviations from a mean.
fn squares(mean: f64, values: impl Iterator<Item = f64>) -> f64 {
    total(values.map(|value| (value - mean) * (value - mean)))
}

/// The sum of the values in order, starting from 0. `Iterator::sum` is not used, because it returns -0 if there are no
/// values.
fn total(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |sum, value| sum + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integers(values: &[i64], divisor: f64) -> Values<'_> {
        let mut sums = Sums::default();
        sums.take(values);
        Values::Integers(values, sums.of(0..values.len()), divisor)
    }

    #[test]
    fn sums_of_ranges() {
        for largest in [i64::MAX, 1000] {
            let values = [largest, largest, -7, 3];
            let mut sums = Sums::default();
            sums.take(&values);
            let sum = |stretch| sums.of(stretch).float();
            assert_eq!((sum(2..4), sum(1..1), sum(3..4)), (-4.0, 0.0, 3.0));
            assert_eq!(sum(0..2), 2.0 * largest as f64);
            assert_eq!(
                sums.of(0..2).less(sums.of(1..3)).float(),
                (i128::from(largest) + 7) as f64
            );
        }
    }

    #[test]
    fn aggregates_of_no_values() {
        for none in [Values::Ones(0), integers(&[], 100.0), Values::Floats(&[])] {
            assert_eq!(none.sum().to_bits(), 0.0f64.to_bits());
            assert_eq!(none.sum_less(none).to_bits(), 0.0f64.to_bits());
            for missing in [none.mean(), none.max(), none.min(), none.std(), none.last()] {
                assert!(missing.is_nan());
            }
        }
    }

    #[test]
    fn aggregates_of_integers() {
        let cents = integers(&[1000, -250, 300], 100.0);
        assert_eq!((cents.sum(), cents.mean(), cents.last()), (10.5, 3.5, 3.0));
        assert_eq!((cents.max(), cents.min()), (10.0, -2.5));
        // The mean is 3.5. The squared deviations are 42.25, 36 and 0.25, and their sum is divided by 2.
        assert_eq!(cents.std(), 39.25f64.sqrt());
        assert_eq!(cents.sum_less(integers(&[50], 100.0)), 10.0);
        assert!(integers(&[7], 1.0).std().is_nan());
    }

    #[test]
    fn integers_are_exact_beyond_floats() {
        let large = 1 << 53;
        let sum = integers(&[large, 1, large, -large, -large], 1.0).sum();
        assert_eq!(sum, 1.0);
        let change = integers(&[large, 1], 1.0).sum_less(integers(&[large], 1.0));
        assert_eq!(change, 1.0);
    }

    #[test]
    fn aggregates_of_floats_oldest_first() {
        let floats = Values::Floats(&[1e16, 1.0, -1e16]);
        assert_eq!(floats.sum(), 0.0, "1 is lost in 1e16 before that is taken away");
        let floats = Values::Floats(&[2.0, 4.0, 9.0]);
        assert_eq!(
            (floats.mean(), floats.max(), floats.min(), floats.last()),
            (5.0, 9.0, 2.0, 9.0)
        );
        assert_eq!(floats.std(), 13.0f64.sqrt());
    }

    #[test]
    fn of_two_zeros_the_first_is_the_extreme() {
        assert_eq!(Values::Floats(&[-0.0, 0.0]).max().to_bits(), (-0.0f64).to_bits());
        assert_eq!(Values::Floats(&[0.0, -0.0]).min().to_bits(), 0.0f64.to_bits());
    }

    #[test]
    fn aggregates_of_ones() {
        let three = Values::Ones(3);
        assert_eq!((three.sum(), three.sum_less(Values::Ones(5))), (3.0, -2.0));
    }
}
