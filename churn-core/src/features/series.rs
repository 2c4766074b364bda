//! What is made of a series of records: windows, and what looks at the records themselves.

use std::ops::Range;

use crate::features::measure::RowMeasure;
use crate::features::plan::Function;
use crate::features::program::Output;
use crate::features::values::Values;
use crate::features::view::{Row, StreamView};
use crate::time::MICROS_PER_DAY;

/// A record of a series: its moment on the axis, and its row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) at: i64,
    pub(crate) row: Row,
}

/// The records of a series that have a measure, and their measures; a buffer that is used again.
#[derive(Default)]
pub(crate) struct Measured {
    points: Vec<Point>,
    integers: Vec<i64>,
    floats: Vec<f64>,
    /// To count distinct values with.
    codes: Vec<i64>,
}

impl Measured {
    /// Takes the records that have the measure; those that lack it do not count.
    pub(crate) fn take(&mut self, measure: RowMeasure<'_>, view: &StreamView<'_>, series: &[Point]) {
        self.points.clear();
        self.integers.clear();
        self.floats.clear();
        match measure {
            RowMeasure::One => self.points.extend(series),
            RowMeasure::GapDays => {
                self.points.extend(series);
                // The first has no gap before it; no window asks for its.
                self.integers.extend(series.first().map(|_| 0));
                self.integers
                    .extend(series.windows(2).map(|pair| pair[1].at - pair[0].at));
            }
            RowMeasure::Code(code) => {
                for point in series {
                    if let Some(code) = code.of(view, point.row) {
                        self.points.push(*point);
                        self.integers.push(code);
                    }
                }
            }
            RowMeasure::Integer(integer) => {
                for point in series {
                    if let Some(value) = integer.of(view, point.row) {
                        self.points.push(*point);
                        self.integers.push(value);
                    }
                }
            }
            RowMeasure::Float(float) => {
                for point in series {
                    if let Some(value) = float.of(view, point.row) {
                        self.points.push(*point);
                        self.floats.push(value);
                    }
                }
            }
        }
    }

    /// The measures of the records at these positions. A gap belongs to a window if both its ends do.
    fn values(&self, measure: RowMeasure<'_>, Range { start, end }: Range<usize>) -> Values<'_> {
        match measure {
            RowMeasure::One | RowMeasure::Code(_) => Values::Ones(end - start),
            RowMeasure::GapDays => Values::Integers(&self.integers[(start + 1).min(end)..end], MICROS_PER_DAY as f64),
            RowMeasure::Integer(integer) => Values::Integers(&self.integers[start..end], integer.divisor()),
            RowMeasure::Float(_) => Values::Floats(&self.floats[start..end]),
        }
    }

    /// One feature of one row.
    pub(crate) fn evaluate(
        &mut self,
        output: &Output<'_>,
        measure: RowMeasure<'_>,
        view: &StreamView<'_>,
        as_of: i64,
    ) -> f64 {
        let span = output.window.map(|days| i64::from(days) * MICROS_PER_DAY);
        let start = span.map(|span| as_of.saturating_sub(span));
        let window = start.map_or(0, |start| from(&self.points, start))..self.points.len();
        let records = &self.points[window.clone()];
        let values = self.values(measure, window.clone());
        let days_since = |point: Option<&Point>| point.map_or(f64::NAN, |point| days(as_of - point.at));
        let meets = |point: &&Point| output.tests.iter().all(|test| test.holds(view, point.row));
        match output.function {
            Function::Sum => values.sum(),
            Function::Mean => values.mean(),
            Function::Max => values.max(),
            Function::Min => values.min(),
            Function::Std => values.std(),
            Function::Last => values.last(),
            Function::Distinct => distinct(&mut self.codes, &self.integers[window]),
            Function::Change => {
                let before = start.zip(span).map(|(start, span)| start.saturating_sub(span));
                let before = before.map_or(0, |before| from(&self.points, before))..window.start;
                values.sum_less(self.values(measure, before))
            }
            Function::VersusUsual => {
                let (Some(span), Some(start), Some(first)) = (span, start, self.points.first()) else {
                    return f64::NAN;
                };
                let history = start.saturating_sub(first.at);
                if history < span {
                    return f64::NAN;
                }
                let before = self.values(measure, 0..window.start).sum();
                ratio(values.sum(), before * days(span) / days(history))
            }
            Function::Share(_) => ratio(records.iter().filter(meets).count() as f64, records.len() as f64),
            Function::Streak(_) => records.iter().rev().take_while(meets).count() as f64,
            Function::DaysSinceLast => days_since(records.last()),
            Function::DaysSinceFirst => days_since(records.first()),
            Function::RecencyRatio => match records {
                [first, .., last] => {
                    let gap = (last.at - first.at) as f64 / (records.len() - 1) as f64 / MICROS_PER_DAY as f64;
                    ratio(days(as_of - last.at), gap)
                }
                _ => f64::NAN,
            },
            Function::Value => f64::NAN,
        }
    }
}

/// The position of the first record at or after a moment.
fn from(points: &[Point], moment: i64) -> usize {
    points.partition_point(|point| point.at < moment)
}

fn days(micros: i64) -> f64 {
    micros as f64 / MICROS_PER_DAY as f64
}

/// NaN where the denominator is 0 or missing.
fn ratio(numerator: f64, denominator: f64) -> f64 {
    if denominator == 0.0 {
        f64::NAN
    } else {
        numerator / denominator
    }
}

fn distinct(scratch: &mut Vec<i64>, codes: &[i64]) -> f64 {
    scratch.clear();
    scratch.extend(codes);
    scratch.sort_unstable();
    scratch.dedup();
    scratch.len() as f64
}
