//! What is made of a series of records: sums exact, order fixed.
//!
//! Integers (money in minor units, durations in microseconds) are summed exactly and divided once; floats are
//! summed oldest first within their window, never by subtracting prefixes; deviations are taken from the exact
//! mean in a second pass, oldest first.

use std::ops::Range;

use crate::features::plan::Function;
use crate::features::program::{Output, RowMeasure};
use crate::features::view::StreamView;
use crate::time::MICROS_PER_DAY;

/// A record of a series: its moment on the axis, and its row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) at: i64,
    pub(crate) row: usize,
}

/// The measures of a series, point by point; a buffer that is used again.
#[derive(Default)]
pub(crate) struct Values {
    /// Of integer measures.
    integers: Vec<i64>,
    /// Of float measures; NaN where a record has none.
    floats: Vec<f64>,
    /// To count distinct values with.
    codes: Vec<i64>,
}

impl Values {
    pub(crate) fn fill(&mut self, measure: RowMeasure<'_>, view: &StreamView<'_>, points: &[Point]) {
        self.integers.clear();
        self.floats.clear();
        match measure {
            RowMeasure::One | RowMeasure::GapDays | RowMeasure::Kind | RowMeasure::Date => {}
            _ if measure.divisor().is_some() => self
                .integers
                .extend(points.iter().map(|point| measure.integer(view, point.row).unwrap_or(0))),
            _ => self.floats.extend(
                points
                    .iter()
                    .map(|point| measure.float(view, point.row).unwrap_or(f64::NAN)),
            ),
        }
    }
}

/// One feature of one row.
pub(crate) fn evaluate(
    output: &Output<'_>,
    measure: RowMeasure<'_>,
    view: &StreamView<'_>,
    as_of: i64,
    points: &[Point],
    values: &mut Values,
) -> f64 {
    let day = MICROS_PER_DAY;
    let span = output.window.map(|days| i64::from(days) * day);
    let from = |moment: i64| points.partition_point(|point| point.at < moment);
    let start = span.map(|span| as_of.saturating_sub(span));
    let window = start.map_or(0, from)..points.len();
    let since = |at: i64| (as_of - at) as f64 / day as f64;
    match output.function {
        Function::Sum => sum(measure, values, window),
        Function::Mean => mean(measure, values, points, window),
        Function::Max => extreme(measure, values, points, window, f64::max),
        Function::Min => extreme(measure, values, points, window, f64::min),
        Function::Std => deviation(measure, values, points, window),
        Function::Last => match measure.divisor() {
            _ if matches!(measure, RowMeasure::GapDays) => gaps(points, &window)
                .last()
                .map_or(f64::NAN, |gap| gap as f64 / day as f64),
            _ if matches!(measure, RowMeasure::One) => {
                if window.is_empty() {
                    f64::NAN
                } else {
                    1.0
                }
            }
            Some(divisor) => values.integers[window]
                .last()
                .map_or(f64::NAN, |&value| value as f64 / divisor),
            None => values.floats[window]
                .iter()
                .rev()
                .copied()
                .find(|value| !value.is_nan())
                .unwrap_or(f64::NAN),
        },
        Function::Distinct => {
            values.codes.clear();
            values
                .codes
                .extend(points[window].iter().filter_map(|point| measure.code(view, point.row)));
            values.codes.sort_unstable();
            values.codes.dedup();
            values.codes.len() as f64
        }
        Function::Change => {
            let before = start
                .zip(span)
                .map_or(0, |(start, span)| from(start.saturating_sub(span)))..window.start;
            match integer_sum(measure, values, window.clone())
                .zip(integer_sum(measure, values, before.clone()))
                .zip(measure.divisor())
            {
                Some(((now, before), divisor)) => (now - before) as f64 / divisor,
                None => sum(measure, values, window) - sum(measure, values, before),
            }
        }
        Function::VersusUsual => {
            let (Some(days), Some(start), Some(first)) = (output.window, start, points.first()) else {
                return f64::NAN;
            };
            let history = start.saturating_sub(first.at);
            if history < i64::from(days) * day {
                return f64::NAN;
            }
            let usual = sum(measure, values, 0..window.start) * f64::from(days) / (history as f64 / day as f64);
            ratio(sum(measure, values, window), usual)
        }
        Function::Share(_) => {
            let met = points[window.clone()]
                .iter()
                .filter(|point| output.tests.iter().all(|test| test.holds(view, point.row)))
                .count();
            ratio(met as f64, window.len() as f64)
        }
        Function::Streak(_) => points[window]
            .iter()
            .rev()
            .take_while(|point| output.tests.iter().all(|test| test.holds(view, point.row)))
            .count() as f64,
        Function::DaysSinceLast => points[window].last().map_or(f64::NAN, |point| since(point.at)),
        Function::DaysSinceFirst => points[window].first().map_or(f64::NAN, |point| since(point.at)),
        Function::RecencyRatio => {
            let gap = mean(RowMeasure::GapDays, values, points, window.clone());
            points[window]
                .last()
                .map_or(f64::NAN, |point| ratio(since(point.at), gap))
        }
        Function::Value => f64::NAN,
    }
}

/// NaN where the denominator is 0 or missing.
fn ratio(numerator: f64, denominator: f64) -> f64 {
    if denominator == 0.0 {
        f64::NAN
    } else {
        numerator / denominator
    }
}

/// Microseconds between each record of a window and the one before it in the window.
fn gaps<'a>(
    points: &'a [Point],
    window: &Range<usize>,
) -> impl ExactSizeIterator<Item = i64> + DoubleEndedIterator + use<'a> {
    points[window.clone()].windows(2).map(|pair| pair[1].at - pair[0].at)
}

/// The exact sum of an integer measure.
fn integer_sum(measure: RowMeasure<'_>, values: &Values, window: Range<usize>) -> Option<i128> {
    match measure {
        RowMeasure::One => Some(window.len() as i128),
        _ => measure
            .divisor()
            .map(|_| values.integers[window].iter().map(|&value| i128::from(value)).sum()),
    }
}

fn sum(measure: RowMeasure<'_>, values: &Values, window: Range<usize>) -> f64 {
    match integer_sum(measure, values, window.clone()).zip(measure.divisor()) {
        Some((sum, divisor)) => sum as f64 / divisor,
        None => values.floats[window].iter().filter(|value| !value.is_nan()).sum(),
    }
}

fn mean(measure: RowMeasure<'_>, values: &Values, points: &[Point], window: Range<usize>) -> f64 {
    match measure.divisor() {
        _ if matches!(measure, RowMeasure::GapDays) => match (&points[window.clone()], window.len()) {
            ([first, .., last], n) => (last.at - first.at) as f64 / (n - 1) as f64 / MICROS_PER_DAY as f64,
            _ => f64::NAN,
        },
        Some(divisor) => ratio(
            integer_sum(measure, values, window.clone()).unwrap_or(0) as f64 / window.len() as f64,
            divisor,
        ),
        None => {
            let count = values.floats[window.clone()]
                .iter()
                .filter(|value| !value.is_nan())
                .count();
            ratio(sum(measure, values, window), count as f64)
        }
    }
}

fn extreme(
    measure: RowMeasure<'_>,
    values: &Values,
    points: &[Point],
    window: Range<usize>,
    pick: fn(f64, f64) -> f64,
) -> f64 {
    let day = MICROS_PER_DAY as f64;
    match measure.divisor() {
        _ if matches!(measure, RowMeasure::GapDays) => {
            gaps(points, &window).map(|gap| gap as f64 / day).fold(f64::NAN, pick)
        }
        _ if matches!(measure, RowMeasure::One) => {
            if window.is_empty() {
                f64::NAN
            } else {
                1.0
            }
        }
        Some(divisor) => values.integers[window]
            .iter()
            .map(|&value| value as f64 / divisor)
            .fold(f64::NAN, pick),
        None => values.floats[window].iter().copied().fold(f64::NAN, pick),
    }
}

/// The sample standard deviation, about the exact mean.
fn deviation(measure: RowMeasure<'_>, values: &Values, points: &[Point], window: Range<usize>) -> f64 {
    let spread = |count: usize, mean: f64, squares: &mut dyn Iterator<Item = f64>| {
        if count < 2 {
            return f64::NAN;
        }
        let sum: f64 = squares.map(|value| (value - mean) * (value - mean)).sum();
        (sum / (count - 1) as f64).sqrt()
    };
    match measure.divisor() {
        _ if matches!(measure, RowMeasure::GapDays) => {
            let all = gaps(points, &window);
            let count = all.len();
            let total = points[window.clone()]
                .last()
                .zip(points[window].first())
                .map_or(0, |(last, first)| last.at - first.at);
            spread(count, total as f64 / count as f64, &mut all.map(|gap| gap as f64)) / MICROS_PER_DAY as f64
        }
        _ if matches!(measure, RowMeasure::One) => {
            if window.len() < 2 {
                f64::NAN
            } else {
                0.0
            }
        }
        Some(divisor) => {
            let count = window.len();
            let mean = integer_sum(measure, values, window.clone()).unwrap_or(0) as f64 / count as f64;
            spread(
                count,
                mean,
                &mut values.integers[window].iter().map(|&value| value as f64),
            ) / divisor
        }
        None => {
            let present = || {
                values.floats[window.clone()]
                    .iter()
                    .copied()
                    .filter(|value| !value.is_nan())
            };
            let count = present().count();
            spread(count, present().sum::<f64>() / count as f64, &mut present())
        }
    }
}
