//! Training and test dates: rolling origins, purged by label period.

use serde::{Deserialize, Serialize};

use crate::time::{AsOf, Horizon, MICROS_PER_DAY, Timestamp};

/// Shows that no training label could see the test period: `last_label_end <= test_date`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PurgeProof {
    /// The date that was tested.
    pub test_date: AsOf,
    /// The last date that trained.
    pub last_training_date: AsOf,
    /// The end of its label period.
    pub last_label_end: Timestamp,
    /// Days that were asked for between the last label and the test date.
    pub embargo_days: u32,
    /// Dates that were left out because their label period, and the embargo after it, reach past the test date.
    pub purged_dates: Vec<AsOf>,
}

impl PurgeProof {
    /// Whether the last training label had ended, and the embargo after it, by the test date.
    pub fn holds(&self) -> bool {
        self.last_label_end.plus_days(i64::from(self.embargo_days)) <= self.test_date.timestamp()
    }
}

/// The dates before `test` whose label period ends `embargo_days` before it or earlier, with the proof; `None` if there
/// are none.
///
/// `dates` must be sorted.
pub(crate) fn purge(
    dates: &[AsOf],
    test: AsOf,
    horizon: Horizon,
    embargo_days: u32,
) -> Option<(Vec<AsOf>, PurgeProof)> {
    let earlier = dates.iter().copied().filter(|date| *date < test);
    let latest = test
        .as_micros()
        .saturating_sub(i64::from(embargo_days) * MICROS_PER_DAY);
    let (kept, purged): (Vec<AsOf>, Vec<AsOf>) = earlier.partition(|date| horizon.end(date.as_micros()) <= latest);
    let last = *kept.last()?;
    let last_label_end = Timestamp::from_micros(horizon.end(last.as_micros()))?;
    let proof = PurgeProof {
        test_date: test,
        last_training_date: last,
        last_label_end,
        embargo_days,
        purged_dates: purged,
    };
    Some((kept, proof))
}

/// At most this many dates train one model.
const MOST_DATES: i64 = 6;

/// Mature dates, half a label period apart, back from `last`: at most six for the final model and the six
/// that a purged test at `last` may train on. Sorted.
///
/// A date is taken only if at least `history_days` of history lie before it; if no date has that, the
/// last mature date is taken if any history lies before it.
pub(crate) fn choose_dates(last: AsOf, observed_from: Timestamp, horizon: Horizon, history_days: u32) -> Vec<AsOf> {
    let last = AsOf::new(midnight(last.timestamp()));
    let step = (i64::from(horizon.days) + i64::from(horizon.lead)).div_euclid(2).max(1);
    let earliest = observed_from.plus_days(i64::from(history_days));
    let back = |k: i64| last.timestamp().plus_days(-k * step);
    // Two steps back begins the purged part: its label period ends at the last date (three where the step was rounded down).
    let reach = MOST_DATES + 3;
    let mut dates: Vec<AsOf> = (0..reach)
        .map(back)
        .filter(|date| *date >= earliest)
        .map(AsOf::new)
        .collect();
    if dates.is_empty() && last.timestamp() > observed_from {
        dates.push(last);
    }
    dates.reverse();
    dates
}

/// The last `MOST_DATES` of sorted dates.
pub(crate) fn most_recent(dates: &[AsOf]) -> &[AsOf] {
    &dates[dates.len().saturating_sub(MOST_DATES as usize)..]
}

fn midnight(moment: Timestamp) -> Timestamp {
    let micros = moment.as_micros();
    Timestamp::from_micros(micros - micros.rem_euclid(MICROS_PER_DAY)).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn date(text: &str) -> AsOf {
        text.parse().unwrap()
    }

    #[test]
    fn dates_go_back_by_half_a_label_period() {
        let horizon = Horizon { days: 30, lead: 0 };
        let dates = choose_dates(date("2017-12-01T13:00:00"), date("2017-06-01").timestamp(), horizon, 90);
        let shown: Vec<String> = dates.iter().map(ToString::to_string).collect();
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
        let (kept, proof) = purge(&dates, date("2017-12-01"), horizon, 0).unwrap();
        assert_eq!(kept.last(), Some(&date("2017-11-01")));
        assert_eq!(proof.purged_dates, [date("2017-11-16")]);
        assert!(proof.holds());
    }

    #[test]
    fn short_histories_give_one_date_or_none() {
        let horizon = Horizon { days: 30, lead: 0 };
        assert_eq!(
            choose_dates(date("2017-12-01"), date("2017-11-20").timestamp(), horizon, 90),
            [date("2017-12-01")]
        );
        assert!(choose_dates(date("2017-12-01"), date("2017-12-02").timestamp(), horizon, 90).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn no_training_label_reaches_the_test_date(embargo in 0u32..90, days in 1u32..400, lead in 0u32..60, offsets in proptest::collection::btree_set(0i64..2000, 1..30), test in 0i64..2000) {
            let horizon = Horizon { days, lead };
            let start = date("2010-01-01").timestamp();
            let dates: Vec<AsOf> = offsets.iter().map(|&d| AsOf::new(start.plus_days(d))).collect();
            let test = AsOf::new(start.plus_days(test));
            match purge(&dates, test, horizon, embargo) {
                Some((kept, proof)) => {
                    prop_assert!(proof.holds());
                    let latest = test.timestamp().plus_days(-i64::from(embargo)).as_micros();
                    prop_assert!(kept.iter().all(|d| horizon.end(d.as_micros()) <= latest));
                    let earlier = dates.iter().filter(|d| **d < test).count();
                    prop_assert_eq!(earlier, kept.len() + proof.purged_dates.len());
                }
                None => {
                    let latest = test.timestamp().plus_days(-i64::from(embargo)).as_micros();
                    prop_assert!(dates.iter().all(|d| *d >= test || horizon.end(d.as_micros()) > latest));
                }
            }
        }
    }
}
