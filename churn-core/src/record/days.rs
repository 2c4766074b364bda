//! The days on which a table has events, and the gaps between these days.

use crate::time::MICROS_PER_DAY;

/// The number of events of a table on each day.
pub(crate) struct EventDays {
    /// The day of the first event, in days since 1970-01-01.
    first: i64,
    /// The number of events on each day from the first to the last.
    counts: Vec<u32>,
    /// The number of events.
    pub(crate) events: usize,
}

impl EventDays {
    /// Counts events. `times` are the times of the events in microseconds since 1970-01-01. `None` if there are no
    /// events.
    pub(crate) fn count<T: Iterator<Item = i64>>(times: impl Fn() -> T) -> Option<Self> {
        let days = || times().map(|at| at.div_euclid(MICROS_PER_DAY));
        let range = |(first, last): (i64, i64), day: i64| (first.min(day), last.max(day));
        let (first, last) = days().fold((i64::MAX, i64::MIN), range);
        let length = usize::try_from(last.checked_sub(first)?).ok()? + 1;
        let (mut counts, mut events) = (vec![0; length], 0);
        for day in days() {
            counts[(day - first) as usize] += 1;
            events += 1;
        }
        Some(Self { first, counts, events })
    }

    /// The day of the last event, in days since 1970-01-01.
    pub(crate) fn last(&self) -> i64 {
        self.first + self.counts.len() as i64 - 1
    }

    /// The day of the first event, in days since 1970-01-01.
    pub(crate) fn first(&self) -> i64 {
        self.first
    }

    /// The number of events on the days from `from` (inclusive) to `until` (exclusive).
    pub(crate) fn between(&self, from: i64, until: i64) -> u64 {
        let position = |day: i64| (day - self.first).clamp(0, self.counts.len() as i64) as usize;
        let counts = &self.counts[position(from)..position(until)];
        counts.iter().map(|&count| u64::from(count)).sum()
    }

    /// The days with events in ascending order, each with its number of events. A day is given in days since
    /// 1970-01-01.
    pub(crate) fn filled(&self) -> impl DoubleEndedIterator<Item = (i64, u64)> {
        let days = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        days.map(|(day, &count)| (self.first + day as i64, u64::from(count)))
    }

    /// The longest gap in days, measured from a day with events to the next day with events.
    pub(crate) fn longest_gap(&self) -> i64 {
        let days: Vec<i64> = self.filled().map(|(day, _)| day).collect();
        longest_gap(&days)
    }
}

/// The largest difference between an element of `days` and the next element; 0 if there are fewer than two elements.
pub(crate) fn longest_gap(days: &[i64]) -> i64 {
    days.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_between_the_first_and_the_last() {
        let days = EventDays::count(|| [103, 100, 103, 102].into_iter().map(|day| day * MICROS_PER_DAY + 7)).unwrap();
        assert_eq!((days.first(), days.last(), days.events), (100, 103, 4));
        assert_eq!(days.filled().collect::<Vec<_>>(), [(100, 1), (102, 1), (103, 2)]);
        assert_eq!(
            (days.longest_gap(), days.between(101, 103), days.between(0, 200)),
            (2, 1, 4)
        );
        assert_eq!(EventDays::count(|| [5].into_iter()).unwrap().longest_gap(), 0);
        assert!(EventDays::count(std::iter::empty).is_none());
        assert_eq!(
            (longest_gap(&[100, 103, 104]), longest_gap(&[100]), longest_gap(&[])),
            (3, 0, 0)
        );
    }
}
