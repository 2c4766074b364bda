//! Finds unusual gaps between the events of a table. An unusual gap is a long period without events, or separates
//! isolated events from the others. Isolated events lie long before or long after all other events.

use crate::record::{EventDays, longest_gap};
use crate::time::MICROS_PER_DAY;

/// An event is isolated only if the gap between it and the other events exceeds the longest gap between the other
/// events by more than this number of days.
const GRACE_DAYS: i64 = 7;
/// In a table with fewer events than this number, no event counts as isolated, because the gaps between so few events
/// vary too much.
const FEWEST: usize = 100;

/// The usual gap is the 90th percentile of the gaps between days with events. A gap counts as a missing period if it is
/// longer than [`USUAL_GAPS`] times the usual gap plus this number of days.
const MISSING_DAYS: i64 = 14;
const USUAL_GAPS: i64 = 2;
/// The search for missing periods needs events on at least this number of days.
const FEWEST_DAYS: usize = 20;

/// The usual number of events of a table is the median over the days with events. A day is thin if it has fewer events
/// than the usual number divided by this constant.
const THIN: u64 = 10;
/// A table is dense if its usual number of events is at least this number, and if more than half of the days are not
/// thin.
const DENSE: u64 = 20;
/// A dense table may end with a series of thin days. The events of these days are isolated if the series is at least
/// this number of days long.
const THIN_DAYS: i64 = 5;
/// In a dense table, a gap also counts as a missing period if it is longer than every other gap by more than this number
/// of days.
const MISSING_DENSE_DAYS: i64 = 2;
/// In a dense table with at least this number of days, a gap at the end of the history counts as a missing period as soon
/// as it is longer than every other gap.
const YEAR_DAYS: i64 = 365;

/// The days on which a table has events, as ascending numbers of days since 1970-01-01. Isolated events are left out.
pub(crate) struct UsualDays {
    days: Vec<i64>,
    /// Whether the table has many events on most days (see [`DENSE`]).
    dense: bool,
}

impl UsualDays {
    /// Returns the days with events, without isolated events; `None` if there are too few events to tell which of the
    /// events are isolated.
    ///
    /// At each end of the history, at most 0.1 % of the events can be isolated, or one event if 0.1 % is less than one
    /// event. These events are isolated if the gap between them and the remaining events exceeds every gap between the
    /// remaining events by more than [`GRACE_DAYS`] days.
    ///
    /// In a table with many events a day, the events of the last few days are also isolated if each of these days has
    /// only a few events (see [`THIN_DAYS`]). A wrong clock causes such events.
    pub(crate) fn of(days: &EventDays) -> Option<Self> {
        if days.events < FEWEST {
            return None;
        }
        let most = (days.events as u64 / 1000).max(1);
        let filled: Vec<i64> = days.filled().map(|(day, _)| day).collect();
        // The number of days at one end of the history that together have at most `most` events.
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
        let counts: Vec<u64> = days.filled().map(|(_, count)| count).collect();
        let mut sorted = counts.get(start..end)?.to_vec();
        sorted.sort_unstable();
        let usual = *sorted.get(sorted.len() / 2)?;
        let full: Vec<usize> = (start..end).filter(|&day| counts[day] * THIN >= usual).collect();
        let (first_full, last_full) = (*full.first()?, *full.last()?);
        let length = filled[last_full] - filled[first_full] + 1;
        let dense = usual >= DENSE && full.len() as i64 * 2 > length;
        if dense && filled[end - 1] - filled[last_full] >= THIN_DAYS {
            end = last_full + 1;
        }
        let days = filled[start..end].to_vec();
        Some(Self { days, dense })
    }

    /// Whether a time (in microseconds since 1970-01-01) is not isolated.
    pub(crate) fn contains(&self, at: i64) -> bool {
        let day = at.div_euclid(MICROS_PER_DAY);
        self.days.first().is_some_and(|first| *first <= day) && self.days.last().is_some_and(|last| day <= *last)
    }

    /// The first day with events, in days since 1970-01-01.
    pub(crate) fn first(&self) -> Option<i64> {
        self.days.first().copied()
    }

    /// The last day with events, in days since 1970-01-01.
    pub(crate) fn last(&self) -> Option<i64> {
        self.days.last().copied()
    }

    /// The length in days of the longest gap without events.
    pub(crate) fn longest_gap(&self) -> i64 {
        longest_gap(&self.days)
    }

    /// Returns the longest period without events if it is much longer than the usual gap. The result is the last day
    /// before the period and the first day after it. `start` and `end` are the start and the end of the history. Events
    /// outside the history are ignored. The time from the last event to the end of the history also counts as a
    /// gap. All days are numbers of days since 1970-01-01.
    pub(crate) fn missing_period(&self, start: i64, end: i64) -> Option<(i64, i64)> {
        let mut days = self.days.clone();
        days.retain(|day| (start..=end).contains(day));
        if days.len() < FEWEST_DAYS {
            return None;
        }
        let gap = |pair: &[i64]| pair[1] - pair[0];
        let mut gaps: Vec<i64> = days.windows(2).map(gap).collect();
        gaps.sort_unstable();
        let usual = *gaps.get(gaps.len() * 9 / 10)?;
        days.push(end);
        let longest = days.windows(2).max_by_key(|pair| gap(pair))?;
        let (from, to) = (longest[0], longest[1]);
        let mut gaps: Vec<i64> = days.windows(2).map(gap).collect();
        gaps.sort_unstable();
        let others = *gaps.get(gaps.len().checked_sub(2)?)?;
        let missing = to - from > MISSING_DAYS + USUAL_GAPS * usual;
        // A year of events shows how long the holidays are. If the feed of a dense table ends with a longer gap, the last
        // events are probably missing.
        let ends_early = to == end && end - days[0] >= YEAR_DAYS;
        let grace = if ends_early { 0 } else { MISSING_DENSE_DAYS };
        (missing || self.dense && to - from > others + grace).then_some((from, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(days: impl Iterator<Item = i64> + Clone) -> EventDays {
        let times: Vec<i64> = days.map(|day| day * MICROS_PER_DAY + 5).collect();
        EventDays::count(&times).unwrap()
    }

    /// The first day whose events are not isolated, and the day after the last such day.
    fn inside(days: impl Iterator<Item = i64> + Clone) -> Option<(i64, i64)> {
        let found = UsualDays::of(&counted(days)).map(|found| found.days)?;
        Some((*found.first()?, found.last()? + 1))
    }

    #[test]
    fn an_event_long_before_or_after_all_others_is_isolated() {
        let daily = 1000..1200;
        assert_eq!(inside(daily.clone()), Some((1000, 1200)));
        assert_eq!(inside(daily.clone().chain([1207])), Some((1000, 1208)));
        assert_eq!(inside(daily.clone().chain([1208])), Some((1000, 1200)));
        assert_eq!(inside([-4000].into_iter().chain(daily.clone())), Some((1000, 1200)));
        // At most one of the 202 events can be isolated at one end of the history, but the last day has two events.
        assert_eq!(inside(daily.chain([1240, 1240])), Some((1000, 1241)));
    }

    #[test]
    fn a_long_period_without_events_is_found() {
        let missing = |days: Vec<i64>, until: Option<i64>| {
            let days = UsualDays::of(&counted(days.into_iter()))?;
            days.missing_period(i64::MIN, until.unwrap_or(*days.days.last()?))
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
    fn a_thin_end_of_a_dense_table_is_isolated() {
        let days = |from: i64, until: i64, each: i64| (from..until).flat_map(move |day| (0..each).map(move |_| day));
        let dense = || days(100, 300, 100);
        // Wrong clocks add a few events on each of the following days.
        assert_eq!(inside(dense().chain(days(300, 305, 2))), Some((100, 300)));
        assert_eq!(
            inside(dense().chain(days(300, 304, 2))),
            Some((100, 304)),
            "a long weekend"
        );
        assert_eq!(inside(dense().chain(days(300, 305, 10))), Some((100, 305)));
        assert_eq!(
            inside(days(100, 300, 15).chain(days(300, 310, 1))),
            Some((100, 310)),
            "not dense"
        );
        // A young company has few events at first.
        assert_eq!(inside(days(90, 100, 1).chain(dense())), Some((90, 300)));
    }

    #[test]
    fn a_short_period_without_events_is_found_in_a_dense_table() {
        let missing = |gap: std::ops::Range<i64>, each: i64, until: i64| {
            let days = (100..400).filter(move |day| !gap.contains(day));
            let days = days.flat_map(move |day| (0..each).map(move |_| day));
            UsualDays::of(&counted(days))?.missing_period(i64::MIN, until)
        };
        assert_eq!(missing(200..203, 20, 399), Some((199, 203)));
        assert_eq!(missing(200..202, 20, 399), None);
        assert_eq!(missing(200..203, 19, 399), None);
        assert_eq!(missing(0..0, 20, 403), Some((399, 403)));
        assert_eq!(missing(0..0, 20, 402), None);
        // After a year of daily events, a single missing day at the end is found, but not one in the middle.
        let daily = |gap: std::ops::Range<i64>, until: i64| {
            let days = (0..400).filter(move |day| !gap.contains(day));
            let days = days.flat_map(move |day| (0..20).map(move |_| day));
            UsualDays::of(&counted(days))?.missing_period(i64::MIN, until)
        };
        assert_eq!((daily(0..0, 400), daily(0..0, 401)), (None, Some((399, 401))));
        assert_eq!((daily(200..201, 400), daily(200..202, 402)), (None, None));
        // There are no events at weekends, so only a gap that is longer than a weekend counts as a missing period.
        let weekdays = |until: i64| {
            let days = (0..300).filter(|day| day % 7 < 5).flat_map(|day| vec![day; 30]);
            let days = days.collect::<Vec<_>>();
            let days = UsualDays::of(&counted(days.into_iter())).unwrap();
            days.missing_period(i64::MIN, until)
        };
        assert_eq!((weekdays(303), weekdays(304)), (None, Some((298, 304))));
    }

    #[test]
    fn the_usual_gaps_of_a_table_decide() {
        let monthly = (0..400).map(|event| event / 20 * 30);
        assert_eq!(inside(monthly.clone().chain([570 + 37])), Some((0, 608)));
        assert_eq!(inside(monthly.chain([570 + 38])), Some((0, 571)));
        assert_eq!(inside(0..99), None, "too few events");
    }
}
