//! Chooses training and test dates. Training dates whose label period overlaps the test period are purged, that is, not
//! used.

use serde::{Deserialize, Serialize};

use crate::numeric::SplitMix;
use crate::time::{AsOf, Horizon, MICROS_PER_DAY, Timestamp};

/// Evidence that no label period of a training date overlaps the test period: `last_label_end <= test_date`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PurgeProof {
    /// The test date. If there are several test dates, this is the earliest one.
    pub test_date: AsOf,
    /// The latest training date. If the model was trained on spans of days, this is the last day of the latest span.
    pub last_training_date: AsOf,
    /// The end of the label period of the latest training date.
    pub last_label_end: Timestamp,
    /// The required minimum number of days between `last_label_end` and the test date.
    pub embargo_days: u32,
    /// Dates that were not used for training (purged) because their label period, extended by the embargo, ends after
    /// the test date.
    pub purged_dates: Vec<AsOf>,
}

impl PurgeProof {
    /// Whether the label period of the last training date, plus the embargo, ends at or before the test date.
    pub fn holds(&self) -> bool {
        self.last_label_end.plus_days(i64::from(self.embargo_days)) <= self.test_date.timestamp()
    }
}

/// Consecutive days that together serve as one training or test date. Each customer is used on one of the days.
///
/// Events follow calendar cycles: for example, invoices are due on the first of the month, and contracts renew in
/// January. Dates at fixed intervals fall on only a few days of such a cycle, whereas consecutive spans contain all
/// days of the cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DateSpan {
    /// The last day of the span.
    pub(crate) last: AsOf,
    /// Number of days in the span, at least 1.
    pub(crate) days: u32,
}

impl DateSpan {
    /// Returns a span of one day. All customers are used on this day.
    pub(crate) fn on(date: AsOf) -> Self {
        Self { last: date, days: 1 }
    }

    /// The first day of the span.
    pub(crate) fn first(self) -> AsOf {
        let before = i64::from(self.days.saturating_sub(1));
        AsOf::new(self.last.timestamp().plus_days(-before))
    }

    /// The day of this span on which a customer is used. `lot` is a hash of the customer's id and the seed. The days of
    /// all customers are distributed uniformly over the span. The days of one customer in different spans are
    /// independent.
    pub(crate) fn of(self, lot: u64) -> AsOf {
        if self.days <= 1 {
            return self.last;
        }
        let back = SplitMix::new(lot, self.last.as_micros().cast_unsigned()).below(self.days as usize);
        AsOf::new(self.last.timestamp().plus_days(-(back as i64)))
    }
}

/// Returns the spans whose label periods all end at least `embargo_days` before the first day of `test`. Also returns
/// the evidence that these spans meet the condition. Returns `None` if there is no such span.
///
/// `spans` must be sorted.
pub(crate) fn purge(
    spans: &[DateSpan],
    test: DateSpan,
    horizon: Horizon,
    embargo_days: u32,
) -> Option<(Vec<DateSpan>, PurgeProof)> {
    let earlier = spans.iter().copied().filter(|span| span.last < test.last);
    let latest = test
        .first()
        .as_micros()
        .saturating_sub(i64::from(embargo_days) * MICROS_PER_DAY);
    let (kept, purged): (Vec<DateSpan>, Vec<DateSpan>) =
        earlier.partition(|span| horizon.end(span.last.as_micros()) <= latest);
    let last = kept.last()?.last;
    let last_label_end = Timestamp::from_micros(horizon.end(last.as_micros()))?;
    let proof = PurgeProof {
        test_date: test.first(),
        last_training_date: last,
        last_label_end,
        embargo_days,
        purged_dates: purged.into_iter().map(|span| span.last).collect(),
    };
    Some((kept, proof))
}

/// Maximum number of training dates of one model.
const MOST_DATES: i64 = 6;
/// Minimum distance between dates, in days. With this distance, six spans cover more than a month, even if the label
/// period is very short. If the history is very short, the distance may be smaller than this number.
const LEAST_STEP: i64 = 6;
/// Minimum number of days of history before the first day of a span.
const LEAST_HISTORY: i64 = 28;

/// Chooses spans that are half as long as a label period. The last span ends at `last`, which is the last mature date
/// (the last date whose label period ends within the observed history). Returns the spans in ascending order. If the
/// history is long enough, there are nine spans. Nine spans are enough for six training spans of the final model, and
/// for six training spans of a model that is tested on the last span.
///
/// Each span begins on the day after the previous span ends, so together the spans contain every day. The training rows
/// of a model therefore lie on all days of the week and on all days of the month. Each customer is used once per span.
/// A span is used only if at least `history_days` of history lie before its last day. If no span qualifies, the last
/// mature date is used, provided that some history lies before it. If the history is short, the earliest span may be
/// shorter than the others.
pub(crate) fn choose_dates(last: AsOf, observed_from: Timestamp, horizon: Horizon, history_days: u32) -> Vec<DateSpan> {
    let last = AsOf::new(midnight(last.timestamp()));
    let earliest = observed_from.plus_days(i64::from(history_days));
    // The label periods of the latest training span must end at or before the first test day. If the whole last span is
    // tested, the latest training span is therefore the third span before the last span. If only the last day is
    // tested, the latest training span is the second span before the last span.
    let reach = MOST_DATES + 3;
    let days_between = |from: Timestamp, to: Timestamp| (to.as_micros() - from.as_micros()).div_euclid(MICROS_PER_DAY);
    let affordable = days_between(earliest, last.timestamp()).div_euclid(reach - 1);
    let half = (i64::from(horizon.days) + i64::from(horizon.lead)).div_euclid(2).max(1);
    let step = half.max(LEAST_STEP.min(affordable));
    let span = |date: Timestamp| {
        let history = days_between(observed_from, date) - LEAST_HISTORY;
        DateSpan {
            last: AsOf::new(date),
            days: step.min(history + 1).max(1) as u32,
        }
    };
    let back = |k: i64| last.timestamp().plus_days(-k * step);
    let mut spans: Vec<DateSpan> = (0..reach)
        .map(back)
        .filter(|date| *date >= earliest)
        .map(span)
        .collect();
    if spans.is_empty() && last.timestamp() > observed_from {
        spans.push(span(last.timestamp()));
    }
    spans.reverse();
    spans
}

/// Returns the last `MOST_DATES` elements of a sorted list of dates, or all elements if there are fewer.
pub(crate) fn most_recent<T>(dates: &[T]) -> &[T] {
    &dates[dates.len().saturating_sub(MOST_DATES as usize)..]
}

fn midnight(moment: Timestamp) -> Timestamp {
    let micros = moment.as_micros();
    Timestamp::from_micros(micros - micros.rem_euclid(MICROS_PER_DAY)).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn date(text: &str) -> AsOf {
        text.parse().unwrap()
    }

    #[test]
    fn dates_are_half_a_label_period_apart() {
        let horizon = Horizon { days: 30, lead: 0 };
        let spans = choose_dates(date("2017-12-01T13:00:00"), date("2017-06-01").timestamp(), horizon, 90);
        let shown: Vec<String> = spans.iter().map(|span| span.last.to_string()).collect();
        assert_eq!(
            shown,
            [
                "2017-09-02",
                "2017-09-17",
                "2017-10-02",
                "2017-10-17",
                "2017-11-01",
                "2017-11-16",
                "2017-12-01"
            ]
        );
        assert!(spans.iter().all(|span| span.days == 15));
        // First, only the last day is the test date. Then, the whole last span is the test span.
        let (kept, proof) = purge(&spans, DateSpan::on(date("2017-12-01")), horizon, 0).unwrap();
        assert_eq!(kept.last().unwrap().last, date("2017-11-01"));
        assert_eq!(proof.purged_dates, [date("2017-11-16")]);
        assert!(proof.holds());
        let (kept, proof) = purge(&spans, spans[6], horizon, 0).unwrap();
        assert_eq!(kept.last().unwrap().last, date("2017-10-17"));
        assert_eq!(proof.purged_dates, [date("2017-11-01"), date("2017-11-16")]);
        assert!(proof.holds() && proof.test_date == date("2017-11-17"));
    }

    #[test]
    fn short_histories_give_one_date_or_none() {
        let horizon = Horizon { days: 30, lead: 0 };
        let chosen = |from: &str| choose_dates(date("2017-12-01"), date(from).timestamp(), horizon, 90);
        assert_eq!(chosen("2017-11-20"), [DateSpan::on(date("2017-12-01"))]);
        assert_eq!((chosen("2017-10-01")[0].days, chosen("2017-10-01").len()), (15, 1));
        assert!(chosen("2017-12-02").is_empty());
    }

    #[test]
    fn spans_cover_every_day_of_a_month() {
        for days in [1, 7, 14, 30, 45, 90, 365] {
            let horizon = Horizon { days, lead: 0 };
            let spans = choose_dates(date("2024-12-01"), date("2010-01-01").timestamp(), horizon, 180);
            let trained = most_recent(&spans);
            assert_eq!((spans.len(), trained.len()), (9, 6));
            let mut met: Vec<i64> = trained
                .iter()
                .flat_map(|span| (0..span.days).map(|back| span.last.timestamp().plus_days(-i64::from(back))))
                .map(|day| day.as_micros() / MICROS_PER_DAY)
                .collect();
            met.sort_unstable();
            assert!(met.len() >= 31, "{days}: {}", met.len());
            assert!(
                met.windows(2).all(|pair| pair[1] == pair[0] + 1),
                "{days}: every day once"
            );
            // Together, the days on which customers are used cover the whole span.
            let span = trained[0];
            let own: BTreeSet<AsOf> = (0..5000).map(|lot| span.of(lot)).collect();
            assert_eq!(own.len(), span.days as usize);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn no_training_label_reaches_the_test_date(embargo in 0u32..90, days in 1u32..400, lead in 0u32..60, offsets in proptest::collection::btree_set(0i64..2000, 1..30), test in 0i64..2000, width in 1u32..200, lot: u64) {
            let horizon = Horizon { days, lead };
            let start = date("2010-01-01").timestamp();
            let spans: Vec<DateSpan> = offsets.iter().map(|&d| DateSpan { last: AsOf::new(start.plus_days(d)), days: width }).collect();
            let test = DateSpan { last: AsOf::new(start.plus_days(test)), days: width };
            let latest = test.first().timestamp().plus_days(-i64::from(embargo)).as_micros();
            match purge(&spans, test, horizon, embargo) {
                Some((kept, proof)) => {
                    prop_assert!(proof.holds());
                    prop_assert!(kept.iter().all(|span| horizon.end(span.last.as_micros()) <= latest));
                    // A customer may be used on any day of the span. For each of these days, the label period must end
                    // early enough.
                    prop_assert!(kept.iter().all(|span| horizon.end(span.of(lot).as_micros()) <= latest));
                    prop_assert!(test.of(!lot) >= proof.test_date);
                    let earlier = spans.iter().filter(|span| span.last < test.last).count();
                    prop_assert_eq!(earlier, kept.len() + proof.purged_dates.len());
                }
                None => {
                    prop_assert!(spans.iter().all(|span| span.last >= test.last || horizon.end(span.last.as_micros()) > latest));
                }
            }
        }

        #[test]
        fn every_pair_is_mature_and_has_history(days in 1u32..400, lead in 0u32..60, history in 1u32..800, until in 0i64..2500, history_days in 28u32..800, lots in proptest::collection::vec(any::<u64>(), 1..20)) {
            let horizon = Horizon { days, lead };
            let last = AsOf::new(date("2010-01-01T17:30:00").timestamp().plus_days(until));
            let from = last.timestamp().plus_days(-i64::from(history));
            let spans = choose_dates(last, from, horizon, history_days);
            prop_assert!(!spans.is_empty() && spans.len() <= 9);
            for pair in spans.windows(2) {
                prop_assert!(pair[0].last < pair[1].first(), "spans do not meet");
            }
            for (span, &lot) in spans.iter().flat_map(|span| lots.iter().map(move |lot| (span, lot))) {
                let own = span.of(lot);
                prop_assert!(span.first() <= own && own <= span.last && own <= last);
                prop_assert!(horizon.end(own.as_micros()) <= horizon.end(last.as_micros()));
                prop_assert!(own == span.last || own.timestamp() >= from.plus_days(28));
                prop_assert_eq!(own.as_micros() % MICROS_PER_DAY, 0);
                prop_assert_eq!(own, span.of(lot));
            }
        }
    }
}
