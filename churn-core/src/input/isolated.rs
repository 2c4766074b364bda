//! Unusual gaps between the events of a table: isolated events, which lie long before or long after all other events,
//! and long periods without events.

use crate::time::MICROS_PER_DAY;

/// An event is isolated only if the gap between it and the other events exceeds their longest gap by more than this
/// number of days.
const GRACE_DAYS: i64 = 7;
/// In a table with fewer events than this number, no event counts as isolated, because the gaps of so few events vary
/// too much.
const FEWEST: u64 = 100;

/// A gap between two days with events counts as a missing period if it exceeds the usual gap, multiplied by
/// [`USUAL_GAPS`], by more than this number of days. The usual gap is the 90th percentile of all gaps.
const MISSING_DAYS: i64 = 14;
const USUAL_GAPS: i64 = 2;
/// Missing periods are only looked for if the table has events on at least this number of days.
const FEWEST_DAYS: usize = 20;

/// The number of events of a table on each day.
pub(crate) struct Days {
    /// The day of the first event, in days since 1970-01-01.
    first: i64,
    counts: Vec<u32>,
}

/// The range of times outside which the events of a table are isolated, in microseconds since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Inside {
    from: i64,
    until: i64,
}

impl Inside {
    pub(crate) fn contains(self, at: i64) -> bool {
        (self.from..self.until).contains(&at)
    }
}

impl Days {
    /// Counts the events between two times, given in microseconds since 1970-01-01.
    pub(crate) fn count(times: impl Iterator<Item = i64>, first: i64, last: i64) -> Self {
        let first = first.div_euclid(MICROS_PER_DAY);
        let days = last.div_euclid(MICROS_PER_DAY) - first + 1;
        let mut counts = vec![0; usize::try_from(days).unwrap_or(0)];
        for at in times {
            let day = usize::try_from(at.div_euclid(MICROS_PER_DAY) - first);
            if let Some(count) = day.ok().and_then(|day| counts.get_mut(day)) {
                *count += 1;
            }
        }
        Self { first, counts }
    }

    /// The longest gap between two events in days, without isolated events; `None` if there are too few events to tell.
    pub(crate) fn longest_gap(&self) -> Option<i64> {
        let filled = self.filled()?;
        filled.windows(2).map(|pair| pair[1] - pair[0]).max()
    }

    /// The days with events, without isolated events; `None` if there are too few events to tell which are isolated.
    fn filled(&self) -> Option<Vec<i64>> {
        let inside = self.inside()?;
        let days = (self.first..).zip(&self.counts).filter(|(_, count)| **count > 0);
        let days = days
            .map(|(day, _)| day)
            .filter(|day| inside.contains(day * MICROS_PER_DAY));
        Some(days.collect())
    }

    /// Returns the longest period without events, if it is much longer than the usual gap: the last day before it and the
    /// first day after it, in days since 1970-01-01. Isolated events are not taken into account. `until` is the end of
    /// the history in microseconds since 1970-01-01, if the caller has set it. The time from the last event to this end
    /// also counts as a gap.
    pub(crate) fn missing_period(&self, until: Option<i64>) -> Option<(i64, i64)> {
        let mut filled = self.filled()?;
        if filled.len() < FEWEST_DAYS {
            return None;
        }
        let mut gaps: Vec<i64> = filled.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        let usual = *gaps.get(gaps.len() * 9 / 10)?;
        filled.extend(until.map(|until| until.div_euclid(MICROS_PER_DAY)));
        let longest = filled.windows(2).max_by_key(|pair| pair[1] - pair[0])?;
        (longest[1] - longest[0] > MISSING_DAYS + USUAL_GAPS * usual).then_some((longest[0], longest[1]))
    }

    /// Returns the range outside which events are isolated; `None` if there are too few events to tell.
    ///
    /// At each end of the history, at most 0.1 % of the events (but at least one) can be isolated. They are isolated if
    /// the gap between them and the remaining events is more than [`GRACE_DAYS`] longer than the longest gap between two
    /// of the remaining events.
    pub(crate) fn inside(&self) -> Option<Inside> {
        let events: u64 = self.counts.iter().map(|&count| u64::from(count)).sum();
        if events < FEWEST {
            return None;
        }
        let most = (events / 1000).max(1);
        let filled: Vec<usize> = (0..self.counts.len()).filter(|&day| self.counts[day] > 0).collect();
        // The days at an end of the history that together have at most `most` events.
        let at_end = |days: &mut dyn Iterator<Item = &usize>| {
            let mut seen = 0;
            days.take_while(|&&day| {
                seen += u64::from(self.counts[day]);
                seen <= most
            })
            .count()
        };
        let (head, tail) = (at_end(&mut filled.iter()), at_end(&mut filled.iter().rev()));
        let middle = filled.get(head..filled.len().checked_sub(tail)?)?;
        let longest = middle.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0) as i64;
        let limit = longest + GRACE_DAYS;
        // Outwards from the middle, the first gap that is too long separates the isolated events from the others.
        let edge = |start: usize, outwards: &mut dyn Iterator<Item = &usize>| {
            let mut last = start;
            for &day in outwards {
                if (day as i64 - last as i64).abs() > limit {
                    break;
                }
                last = day;
            }
            self.first + last as i64
        };
        let (first, last) = (*middle.first()?, *middle.last()?);
        Some(Inside {
            from: edge(first, &mut filled[..head].iter().rev()) * MICROS_PER_DAY,
            until: (edge(last, &mut filled[filled.len() - tail..].iter()) + 1) * MICROS_PER_DAY,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(days: impl Iterator<Item = i64> + Clone) -> Option<(i64, i64)> {
        let (first, last) = (days.clone().min().unwrap(), days.clone().max().unwrap());
        let times = days.map(|day| day * MICROS_PER_DAY + 5);
        let found = Days::count(times, first * MICROS_PER_DAY + 5, last * MICROS_PER_DAY + 5).inside()?;
        Some((found.from / MICROS_PER_DAY, found.until / MICROS_PER_DAY))
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
            let (first, last) = (days[0], days[days.len() - 1]);
            let times = days.into_iter().map(|day| day * MICROS_PER_DAY);
            let days = Days::count(times, first * MICROS_PER_DAY, last * MICROS_PER_DAY);
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
        // Invoices of every month: only a gap of more than two months is unusual.
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
