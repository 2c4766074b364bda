//! Evaluates the features of a series (a set of records that several features share): aggregations over windows, and
//! values of single records.

use std::ops::Range;

use crate::features::block::{Pairs, Points};
use crate::features::condition::Test;
use crate::features::engine::Chunk;
use crate::features::measure::RowMeasure;
use crate::features::plan::Function;
use crate::features::program::{Group, Output, Series};
use crate::features::rhythm::periods_missed;
use crate::features::values::{Sums, Values};
use crate::features::view::{Row, StreamView};
use crate::record::TenantRecords;
use crate::time::MICROS_PER_DAY;

/// Buffers for computing the features of a series. They are reused for every block of rows.
#[derive(Default)]
pub(crate) struct Measured {
    /// The records of the series.
    pub(crate) points: Points,
    /// For each window of each matrix row, the position of the first record in the window.
    edges: Vec<u32>,
    /// The records that have a value of the measure. This list is filled only if some records lack the value. In that
    /// case, `some_edges` contains, for each window, the position of the first of these records.
    some: Points,
    some_edges: Vec<u32>,
    /// The integer values of the measure. Their prefix sums are in `sums`. If the measure is a code, an element is 1 at
    /// the last occurrence of a code and 0 elsewhere.
    integers: Vec<i64>,
    sums: Sums,
    floats: Vec<f64>,
    /// For each record, the number of earlier records that meet the conditions that are currently evaluated.
    meeting: Vec<u32>,
}

/// The records that belong to one matrix row and lie in one window.
struct Window<'a> {
    values: Values<'a>,
    /// The positions of these records in the list of all records of the block.
    at: Range<usize>,
}

impl Measured {
    /// Computes the features of a series for a block of rows.
    pub(crate) fn evaluate(
        &mut self,
        series: &Series<'_>,
        records: &TenantRecords,
        pairs: Pairs<'_>,
        chunk: &mut Chunk<'_>,
        rows: Range<usize>,
    ) {
        self.points.edges(pairs, &series.spans, &mut self.edges);
        for group in &series.groups {
            let whole = self.take(group.measure, series, records, pairs);
            if !whole {
                self.some.edges(pairs, &series.spans, &mut self.some_edges);
            }
            let mut met: Option<usize> = None;
            for output in &group.outputs {
                if output.tests.is_some() && output.tests != met {
                    met = output.tests;
                    let tests = met.map_or(&[] as &[Test<'_>], |tests| &group.tests[tests]);
                    self.meet(tests, whole, series, records, pairs);
                }
                if let Some(cells) = chunk.numbers(output.column, rows.clone()) {
                    self.fill(output, group, whole, pairs, cells);
                }
            }
        }
    }

    /// Loads the measure of each record. Returns `false` if some records lack the measure; these records are skipped.
    fn take(
        &mut self,
        measure: RowMeasure<'_>,
        series: &Series<'_>,
        records: &TenantRecords,
        pairs: Pairs<'_>,
    ) -> bool {
        let Self { points, some, .. } = self;
        let mut read = Read {
            points,
            some,
            series,
            records,
            pairs,
        };
        self.integers.clear();
        self.floats.clear();
        match measure {
            RowMeasure::One => true,
            RowMeasure::GapDays => {
                // The first record of a matrix row has no gap before it. A value is computed for this record, but no
                // window uses the value.
                self.integers.extend(points.at.first().map(|_| 0));
                self.integers
                    .extend(points.at.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])));
                self.sums.take(&self.integers);
                true
            }
            RowMeasure::Code(code) => {
                let whole = read.all(&mut self.integers, |view, row| code.of(view, row));
                let points = if whole { &self.points } else { &self.some };
                for pair in 0..pairs.len() {
                    mark_last(&mut self.integers[points.of(pair)]);
                }
                self.sums.take(&self.integers);
                whole
            }
            RowMeasure::Integer(integer) => {
                let whole = read.all(&mut self.integers, |view, row| integer.of(view, row));
                self.sums.take(&self.integers);
                whole
            }
            RowMeasure::Float(float) => read.all(&mut self.floats, |view, row| float.of(view, row)),
        }
    }

    /// Computes, for each record, the number of earlier records that meet the conditions.
    fn meet(
        &mut self,
        tests: &[Test<'_>],
        whole: bool,
        series: &Series<'_>,
        records: &TenantRecords,
        pairs: Pairs<'_>,
    ) {
        let points = if whole { &self.points } else { &self.some };
        self.meeting.clear();
        self.meeting.push(0);
        let mut count = 0;
        for (run, as_of) in pairs.runs() {
            let Some(view) = StreamView::new(records, series.source, as_of.as_micros()) else {
                return;
            };
            self.meeting.extend(points.row[points.of_all(run)].iter().map(|&row| {
                count += u32::from(tests.iter().all(|test| test.holds(&view, row)));
                count
            }));
        }
    }

    /// Returns the measures of the records at these positions. A gap lies in a window if both of its records lie in the
    /// window.
    fn values(&self, measure: RowMeasure<'_>, own: Range<usize>) -> Values<'_> {
        let integers =
            |own: Range<usize>, divisor| Values::Integers(&self.integers[own.clone()], self.sums.of(own), divisor);
        match measure {
            RowMeasure::One | RowMeasure::Code(_) => Values::Ones(own.len()),
            RowMeasure::GapDays => integers((own.start + 1).min(own.end)..own.end, MICROS_PER_DAY as f64),
            RowMeasure::Integer(integer) => integers(own, integer.divisor()),
            RowMeasure::Float(_) => Values::Floats(&self.floats[own]),
        }
    }

    /// Computes one feature for a block of rows.
    fn fill(&self, output: &Output<'_>, group: &Group<'_>, whole: bool, pairs: Pairs<'_>, cells: &mut [f64]) {
        let (points, edges) = match whole {
            true => (&self.points, &self.edges),
            false => (&self.some, &self.some_edges),
        };
        let count = pairs.len();
        // A window over the whole history begins at the first record of the row.
        let edges_of = |span: Option<usize>| match span {
            Some(number) => &edges[number * count..(number + 1) * count],
            None => &points.starts[..count],
        };
        let (first, last) = (edges_of(output.window), &points.starts[1..]);
        let window = |pair: usize| {
            let at = first[pair] as usize..last[pair] as usize;
            Window {
                values: self.values(group.measure, at.clone()),
                at,
            }
        };
        macro_rules! each {
            (|$pair:ident| $value:expr) => {
                for ($pair, cell) in cells.iter_mut().enumerate().take(count) {
                    *cell = $value;
                }
            };
        }
        let days_since = |pair: usize, point: Option<usize>| {
            point.map_or(f64::NAN, |point| days(pairs.as_of(pair) - points.at[point]))
        };
        match output.function {
            Function::Sum => each!(|pair| window(pair).values.sum()),
            Function::Mean => each!(|pair| window(pair).values.mean()),
            Function::Max => each!(|pair| window(pair).values.max()),
            Function::Min => each!(|pair| window(pair).values.min()),
            Function::Std => each!(|pair| window(pair).values.std()),
            Function::Last => each!(|pair| window(pair).values.last()),
            Function::Distinct => each!(|pair| self.sums.of(window(pair).at).float()),
            Function::Change => {
                let before = edges_of(output.before);
                each!(|pair| {
                    let before = self.values(group.measure, before[pair] as usize..first[pair] as usize);
                    window(pair).values.sum_less(before)
                });
            }
            Function::RatioToBaseline => each!(|pair| {
                let own = points.of(pair);
                let start = pairs.as_of(pair).saturating_sub(output.span);
                let history = match own.is_empty() {
                    true => i64::MIN,
                    false => start.saturating_sub(points.at[own.start]),
                };
                if history < output.span || output.window.is_none() {
                    f64::NAN
                } else {
                    let before = self.values(group.measure, own.start..first[pair] as usize).sum();
                    ratio(window(pair).values.sum(), before * days(output.span) / days(history))
                }
            }),
            Function::Share(_) => each!(|pair| {
                let Range { start, end } = window(pair).at;
                ratio(f64::from(self.meeting[end] - self.meeting[start]), (end - start) as f64)
            }),
            Function::Streak(_) => each!(|pair| {
                let mut own = window(pair).at.rev();
                let meets = |&point: &usize| self.meeting[point + 1] != self.meeting[point];
                own.by_ref().take_while(meets).count() as f64
            }),
            Function::DaysSinceLast => each!(|pair| days_since(pair, window(pair).at.last())),
            Function::DaysSinceFirst => each!(|pair| days_since(pair, window(pair).at.next())),
            Function::RecencyRatio => each!(|pair| {
                let Range { start, end } = window(pair).at;
                if end < start + 2 {
                    f64::NAN
                } else {
                    let (first, last) = (points.at[start], points.at[end - 1]);
                    let gap = (last - first) as f64 / (end - start - 1) as f64 / MICROS_PER_DAY as f64;
                    ratio(days(pairs.as_of(pair) - last), gap)
                }
            }),
            Function::PeriodsMissed => each!(|pair| periods_missed(&points.at[window(pair).at], pairs.as_of(pair))),
            // This function is valid only for features of customers. A plan is validated before it is compiled, so no
            // feature of an event table uses this function.
            Function::Value => each!(|_pair| f64::NAN),
        }
    }
}

/// The arguments of the functions that read a measure from the records.
struct Read<'a> {
    points: &'a Points,
    some: &'a mut Points,
    series: &'a Series<'a>,
    records: &'a TenantRecords,
    pairs: Pairs<'a>,
}

impl Read<'_> {
    /// Reads the measures of all records. If some records lack the measure, the records that have the measure are
    /// stored separately, and the result is `false`.
    fn all<T>(&mut self, values: &mut Vec<T>, measure: impl Fn(&StreamView<'_>, Row) -> Option<T>) -> bool {
        values.reserve(self.points.row.len());
        for (run, as_of) in self.pairs.runs() {
            let Some(view) = StreamView::new(self.records, self.series.source, as_of.as_micros()) else {
                return true;
            };
            let rows = &self.points.row[self.points.of_all(run)];
            values.extend(rows.iter().map_while(|&row| measure(&view, row)));
        }
        if values.len() == self.points.row.len() {
            return true;
        }
        values.clear();
        self.some.clear();
        for (run, as_of) in self.pairs.runs() {
            let Some(view) = StreamView::new(self.records, self.series.source, as_of.as_micros()) else {
                return true;
            };
            for pair in run {
                for point in self.points.of(pair) {
                    if let Some(value) = measure(&view, self.points.row[point]) {
                        self.some.push(self.points.at[point], self.points.row[point]);
                        values.push(value);
                    }
                }
                self.some.end_pair();
            }
        }
        false
    }
}

/// Replaces each code by 1 if it is the last occurrence of the code, and by 0 otherwise. Every window extends to the
/// last record, so the sum over a window is the number of distinct codes in the window.
fn mark_last(codes: &mut [i64]) {
    let least = codes.iter().copied().min().unwrap_or(0);
    let few = codes.iter().all(|&code| code.wrapping_sub(least) as u64 <= 63);
    if codes.is_sorted() {
        for position in 0..codes.len() {
            let last = codes.get(position + 1) != Some(&codes[position]);
            codes[position] = i64::from(last);
        }
    } else if few {
        let mut seen = 0u64;
        for code in codes.iter_mut().rev() {
            let bit = 1 << code.wrapping_sub(least);
            *code = i64::from(seen & bit == 0);
            seen |= bit;
        }
    } else {
        let mut order: Vec<(i64, usize)> = codes.iter().copied().zip(0..).collect();
        order.sort_unstable();
        codes.fill(0);
        for same in order.chunk_by(|a, b| a.0 == b.0) {
            if let Some(&(_, position)) = same.last() {
                codes[position] = 1;
            }
        }
    }
}

fn days(micros: i64) -> f64 {
    micros as f64 / MICROS_PER_DAY as f64
}

/// Divides two numbers. The result is NaN if the denominator is 0 or NaN.
fn ratio(numerator: f64, denominator: f64) -> f64 {
    if denominator == 0.0 {
        f64::NAN
    } else {
        numerator / denominator
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_each_code_is_marked() {
        let marked = |codes: &[i64]| {
            let mut codes = codes.to_vec();
            mark_last(&mut codes);
            codes
        };
        assert_eq!(marked(&[]), Vec::<i64>::new());
        assert_eq!(marked(&[4, 4, 5, 9, 9]), [0, 1, 1, 0, 1], "sorted");
        assert_eq!(marked(&[-1, 3, -1, 62, 3]), [0, 0, 1, 1, 1], "few");
        assert_eq!(marked(&[i64::MAX, i64::MIN, i64::MAX, 0]), [0, 1, 1, 1], "far apart");
    }
}
