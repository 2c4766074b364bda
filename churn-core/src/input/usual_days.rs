//! Unusual gaps between the events of a table: isolated events, which lie long before or long after all other events,
//! and long periods without events.

use crate::record::{EventDays, longest_gap};
use crate::time::MICROS_PER_DAY;

/// An event is isolated only if the gap between it and the other events is more than this number of days longer than
/// the longest gap between the other events.
const GRACE_DAYS: i64 = 7;
/// In a table with fewer events than this number, no event counts as isolated, because the gaps between so few events
/// vary too much.
const FEWEST: usize = 100;

/// The usual gap is the 90th percentile of the gaps between days with events. A gap counts as a missing period if it is
/// longer than [`USUAL_GAPS`] usual gaps plus this number of days.
const MISSING_DAYS: i64 = 14;
const USUAL_GAPS: i64 = 2;
/// The search for missing periods needs events on at least this number of days.
const FEWEST_DAYS: usize = 20;

/// The days on which a table has events, as ascending numbers of days since 1970-01-01. Isolated events are left out.
pub(crate) struct UsualDays(Vec<i64>);

impl UsualDays {
    /// Leaves out isolated events; `None` if there are too few events to tell which are isolated.
    ///
    /// At each end of the history, at most 0.1 % of the events (but at least one) can be isolated. They are isolated if
    /// the gap between them and the remaining events is more than [`GRACE_DAYS`] days longer than every gap between the
    /// remaining events.
    pub(crate) fn of(days: &EventDays) -> Option<Self> {
        if days.events < FEWEST {
            return None;
        }
        let most = (days.events as u64 / 1000).max(1);
        let filled: Vec<i64> = days.filled().map(|(day, _)| day).collect();
        // How many days at one end of the history have at most `most` events in total.
        let at_end = |days: &mut dyn Iterator<Item = (i64, u64)>| {
            let mut seen = 0;
            days.take_while(|(_, count)| {
                seen += count;
                seen <= most
            })
            .count()
        };
        let (head, tail) = (at_end(&mut days.filled()), at_end(&mut days.filled().rev()));
        let (mut start, mut end) = (head, filled.len().checked_sub(tail)?);
        let limit = longest_gap(filled.get(start..end).filter(|days| !days.is_empty())?) + GRACE_DAYS;
        // The search goes outwards from the middle. The first gap that is too long separates the isolated events from
        // the others.
        while start > 0 && filled[start] - filled[start - 1] <= limit {
            start -= 1;
        }
        while end < filled.len() && filled[end] - filled[end - 1] <= limit {
            end += 1;
        }
        Some(Self(filled[start..end].to_vec()))
    }

    /// Whether a time (in microseconds since 1970-01-01) is not isolated.
    pub(crate) fn contains(&self, at: i64) -> bool {
        let day = at.div_euclid(MICROS_PER_DAY);
        self.0.first().is_some_and(|first| *first <= day) && self.0.last().is_some_and(|last| day <= *last)
    }

    /// The length in days of the longest gap without events.
    pub(crate) fn longest_gap(&self) -> i64 {
        longest_gap(&self.0)
    }

    /// Returns the longest period without events if it is much longer than the usual gap. The result is the last day
    /// before and the first day after the period, in days since 1970-01-01. `until` is the end of the history in
    /// microseconds since 1970-01-01, if the caller has set it. The time from the last event to this end also counts as
    /// a gap.
    pub(crate) fn missing_period(&self, until: Option<i64>) -> Option<(i64, i64)> {
        let last = *self.0.last().filter(|_| self.0.len() >= FEWEST_DAYS)?;
        let until = until.map(|until| (last, until.div_euclid(MICROS_PER_DAY)));
        let pairs = self.0.windows(2).map(|pair| (pair[0], pair[1]));
        let mut gaps: Vec<i64> = pairs.clone().map(|(from, to)| to - from).collect();
        gaps.sort_unstable();
        let usual = *gaps.get(gaps.len() * 9 / 10)?;
        let (from, to) = pairs.chain(until).max_by_key(|(from, to)| to - from)?;
        (to - from > MISSING_DAYS + USUAL_GAPS * usual).then_some((from, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(days: impl Iterator<Item = i64> + Clone) -> EventDays {
        EventDays::count(|| days.clone().map(|day| day * MICROS_PER_DAY + 5)).unwrap()
    }

    /// The first day whose events are not isolated, and the day after the last such day.
    fn inside(days: impl Iterator<Item = i64> + Clone) -> Option<(i64, i64)> {
        let found = UsualDays::of(&counted(days)).map(|found| found.0)?;
        Some((*found.first()?, found.last()? + 1))
    }

    #[test]
    fn an_event_long_before_or_after_all_others_is_isolated() {
        let daily = 1000..1200;
        assert_eq!(inside(daily.clone()), Some((1000, 1200)));
        assert_eq!(inside(daily.clone().chain([1207])), Some((1000, 1208)));
        assert_eq!(inside(daily.clone().chain([1208])), Some((1000, 1200)));
        assert_eq!(inside([-4000].into_iter().chain(daily.clone())), Some((1000, 1200)));
        // At most one of 202 events can count as isolated at one end, and here there are two.
        assert_eq!(inside(daily.chain([1240, 1240])), Some((1000, 1241)));
    }

    #[test]
    fn a_long_period_without_events_is_found() {
        let missing = |days: Vec<i64>, until: Option<i64>| {
            let days = UsualDays::of(&counted(days.into_iter()))?;
            days.missing_period(until.map(|until| until * MICROS_PER_DAY))
        };
        let daily = || (100..400).collect::<Vec<i64>>();
        assert_eq!(missing(daily(), None), None);
        let without = |gap: std::ops::Range<i64>| daily().into_iter().filter(|day| !gap.contains(day)).collect();
        assert_eq!(missing(without(200..215), None), None);
        assert_eq!(missing(without(200..216), None), Some((199, 216)));
        assert_eq!(
            (missing(daily(), Some(415)), missing(daily(), Some(416))),
            (None, Some((399, 416)))
        );
        // If invoices are monthly, only a gap of more than two months is unusual.
        let monthly: Vec<i64> = (0..30).flat_map(|month| vec![month * 31; 5]).collect();
        assert_eq!(missing(monthly.clone(), None), None);
        let two_left_out = monthly.into_iter().filter(|day| !(310..372).contains(day)).collect();
        assert_eq!(missing(two_left_out, None), Some((279, 372)));
    }

    #[test]
    fn the_usual_gaps_of_a_table_decide() {
        let monthly = (0..400).map(|event| event / 20 * 30);
        assert_eq!(inside(monthly.clone().chain([570 + 37])), Some((0, 608)));
        assert_eq!(inside(monthly.chain([570 + 38])), Some((0, 571)));
        assert_eq!(inside(0..99), None, "too few events");
    }
}
