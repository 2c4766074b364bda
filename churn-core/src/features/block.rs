//! A block holds the records of several matrix rows in contiguous memory. Each step of the feature engine is then one
//! loop over all of these records.

use std::ops::Range;

use crate::error::RecordKind;
use crate::features::condition::Test;
use crate::features::plan::Axis;
use crate::features::program::Series;
use crate::features::view::{PaymentState, Row, StreamView};
use crate::record::TenantRecords;
use crate::time::AsOf;

/// Matrix rows that are processed together: pairs of a customer and a date.
#[derive(Clone, Copy)]
pub(crate) struct Pairs<'a>(pub(crate) &'a [(u32, AsOf)]);

impl<'a> Pairs<'a> {
    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    pub(crate) fn as_of(self, pair: usize) -> i64 {
        self.0[pair].1.as_micros()
    }

    /// Splits the pairs into runs of consecutive pairs with the same date, because a view (the records as known at a
    /// date) belongs to only one date.
    pub(crate) fn runs(self) -> impl Iterator<Item = (Range<usize>, AsOf)> + use<'a> {
        let mut next = 0;
        self.0.chunk_by(|a, b| a.1 == b.1).map(move |run| {
            let first = next;
            next += run.len();
            (first..next, run[0].1)
        })
    }
}

/// The records of consecutive pairs (customer and date). Within each pair, records are sorted by their time on the time
/// axis (for example the event time or the refund time).
#[derive(Default)]
pub(crate) struct Points {
    /// The time of each record on the time axis, for example the event time or the refund time.
    pub(crate) at: Vec<i64>,
    pub(crate) row: Vec<Row>,
    /// `starts[p]..starts[p + 1]` are the positions of the records of pair `p`. A pair consists of a customer and a
    /// date.
    pub(crate) starts: Vec<u32>,
}

impl Points {
    pub(crate) fn clear(&mut self) {
        self.at.clear();
        self.row.clear();
        self.starts.clear();
        self.starts.push(0);
    }

    pub(crate) fn push(&mut self, at: i64, row: Row) {
        self.at.push(at);
        self.row.push(row);
    }

    /// Ends the current pair (customer and date). All records that were pushed since the previous call belong to it.
    pub(crate) fn end_pair(&mut self) {
        self.starts.push(self.at.len() as u32);
    }

    pub(crate) fn of(&self, pair: usize) -> Range<usize> {
        self.starts[pair] as usize..self.starts[pair + 1] as usize
    }

    /// The positions of all records that belong to a range of pairs (customer and date).
    pub(crate) fn of_all(&self, pairs: Range<usize>) -> Range<usize> {
        self.starts[pairs.start] as usize..self.starts[pairs.end] as usize
    }

    /// Computes where each window begins: for every window length in `spans` (ascending) and every pair, the position
    /// of the first record that lies in the window.
    pub(crate) fn edges(&self, pairs: Pairs<'_>, spans: &[i64], edges: &mut Vec<u32>) {
        edges.clear();
        edges.resize(spans.len() * pairs.len(), 0);
        for pair in 0..pairs.len() {
            let own = self.of(pair);
            let (as_of, mut first) = (pairs.as_of(pair), own.end);
            for (number, &span) in spans.iter().enumerate() {
                let from = as_of.saturating_sub(span);
                while first > own.start && self.at[first - 1] >= from {
                    first -= 1;
                }
                edges[number * pairs.len() + pair] = first as u32;
            }
        }
    }
}

/// The visible records of one table. A record is visible if it happened, and was known, before the date of its pair
/// (customer and date).
#[derive(Default)]
pub(crate) struct Visible {
    points: Points,
    /// The state of each payment, as a byte in which one bit is set. The list is empty for other tables.
    states: Vec<u8>,
}

impl Visible {
    /// Loads the visible records of all pairs. Returns `false` if the table was not given.
    pub(crate) fn take(&mut self, records: &TenantRecords, kind: RecordKind, pairs: Pairs<'_>) -> bool {
        self.points.clear();
        self.states.clear();
        for (run, as_of) in pairs.runs() {
            let Some(view) = StreamView::new(records, kind, as_of.as_micros()) else {
                return false;
            };
            for pair in run.clone() {
                view.rows(pairs.0[pair].0, |at, row| self.points.push(at, row));
                self.points.end_pair();
            }
            if kind == RecordKind::Payments {
                let rows = &self.points.row[self.points.of_all(run)];
                self.states
                    .extend(rows.iter().map(|&row| view.payment_state(row).bit()));
            }
        }
        true
    }
}

impl Series<'_> {
    /// Collects the records of the series (those that meet its filter), sorted by their time on the time axis of the
    /// series. By default, records with the same time are in input order.
    pub(crate) fn collect(&self, records: &TenantRecords, visible: &Visible, pairs: Pairs<'_>, points: &mut Points) {
        points.clear();
        let all = &visible.points;
        let payments = self.source == RecordKind::Payments;
        for (run, as_of) in pairs.runs() {
            let Some(view) = StreamView::new(records, self.source, as_of.as_micros()) else {
                return;
            };
            for pair in run {
                let own = all.of(pair);
                match (self.axis, self.filter.as_slice()) {
                    (Axis::Event, []) => {
                        points.at.extend_from_slice(&all.at[own.clone()]);
                        points.row.extend_from_slice(&all.row[own]);
                    }
                    (Axis::Event, [Test::Payment(wanted)]) if payments => {
                        for point in own {
                            if visible.states[point] & wanted != 0 {
                                points.push(all.at[point], all.row[point]);
                            }
                        }
                    }
                    (Axis::RefundedAt, []) if payments => {
                        let refunded = PaymentState::Refunded.bit();
                        let refunded = own.filter(|&point| visible.states[point] == refunded);
                        self.on_axis(&view, refunded.map(|point| all.row[point]), points);
                    }
                    (_, tests) => {
                        let rows = all.row[own].iter().copied();
                        let wanted = rows.filter(|&row| tests.iter().all(|test| test.holds(&view, row)));
                        self.on_axis(&view, wanted, points);
                    }
                }
                points.end_pair();
            }
        }
    }

    /// Sorts the records of one pair (customer and date) by their time on the time axis of the series.
    fn on_axis(&self, view: &StreamView<'_>, rows: impl Iterator<Item = Row>, points: &mut Points) {
        let first = points.at.len();
        for row in rows {
            let at = match self.axis {
                Axis::Event => Some(view.at(row)),
                Axis::RefundedAt => view.refunded_at(row),
                Axis::ResolvedAt => view.resolved_at(row),
                Axis::ReopenedAt => view.reopened_at(row),
                Axis::SatisfactionAt => view.satisfaction_at(row),
            };
            if let Some(at) = at {
                points.push(at, row);
            }
        }
        // The rows are sorted by event time, which may differ from the time on this axis. Records with the same time on
        // this axis are ordered by their tie key: the position in the input or, if the option `ties` is `content`, the
        // position after sorting by content.
        let in_order = |point: usize| {
            let (a, b) = (point - 1, point);
            points.at[a] < points.at[b]
                || points.at[a] == points.at[b] && view.tie(points.row[a]) <= view.tie(points.row[b])
        };
        if !(first + 1..points.at.len()).all(in_order) {
            let mut order: Vec<(i64, u32, Row)> = points.at[first..]
                .iter()
                .zip(&points.row[first..])
                .map(|(&at, &row)| (at, view.tie(row), row))
                .collect();
            order.sort_unstable_by_key(|&(at, tie, _)| (at, tie));
            for (position, (at, _, row)) in order.into_iter().enumerate() {
                points.at[first + position] = at;
                points.row[first + position] = row;
            }
        }
    }
}
