//! The days on which a table has events, and the gaps between these days.

use crate::error::Result;
use crate::parallel::Workers;
use crate::time::MICROS_PER_DAY;

/// The number of days up to which every thread counts events on its own: a century.
const LONG_HISTORY: usize = 36_525;
/// Number of rows that are counted between two checks whether the call was cancelled.
const ROWS_AT_ONCE: usize = 1 << 15;

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
    #[cfg(test)]
    pub(crate) fn count(times: &[i64]) -> Option<Self> {
        let range = (*times.iter().min()?, *times.iter().max()?);
        let days = Self::of_rows(times.len(), range, |row| Some(times[row]), &Workers::inline());
        days.ok().flatten()
    }

    /// Counts the events of rows. `at` returns the time of a row's event, or `None` if the event does not count. No event
    /// that counts lies outside the two times of `range`, in microseconds since 1970-01-01. `None` if there are no events.
    pub(crate) fn of_rows(
        rows: usize,
        range: (i64, i64),
        at: impl Fn(usize) -> Option<i64> + Sync + Send,
        workers: &Workers,
    ) -> Result<Option<Self>> {
        let [first, last] = [range.0, range.1].map(|at| at.div_euclid(MICROS_PER_DAY));
        let Some(length) = last.checked_sub(first).and_then(|days| usize::try_from(days).ok()) else {
            return Ok(None);
        };
        // Every part of the rows has its own counts. If mistyped dates make the history very long, there is only one part.
        let parts = if length > LONG_HISTORY { 1 } else { workers.threads() };
        let parts = workers.map_chunks(rows, rows.div_ceil(parts), |rows| {
            let mut counts = vec![0u32; length + 1];
            for start in rows.clone().step_by(ROWS_AT_ONCE) {
                workers.check()?;
                for at in (start..rows.end.min(start + ROWS_AT_ONCE)).filter_map(&at) {
                    counts[(at.div_euclid(MICROS_PER_DAY) - first) as usize] += 1;
                }
            }
            Ok(counts)
        })?;
        let Some(mut counts) = parts.into_iter().reduce(|mut sums, counts| {
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            sums
        }) else {
            return Ok(None);
        };
        let Some(last) = counts.iter().rposition(|&count| count > 0) else {
            return Ok(None);
        };
        counts.truncate(last + 1);
        let before = counts.iter().take_while(|&&count| count == 0).count();
        counts.drain(..before);
        Ok(Some(Self {
            first: first + before as i64,
            events: counts.iter().map(|&count| count as usize).sum(),
            counts,
        }))
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
        let days = EventDays::count(&[103, 100, 103, 102].map(|day| day * MICROS_PER_DAY + 7)).unwrap();
        assert_eq!((days.first(), days.last(), days.events), (100, 103, 4));
        assert_eq!(days.filled().collect::<Vec<_>>(), [(100, 1), (102, 1), (103, 2)]);
        assert_eq!(
            (days.longest_gap(), days.between(101, 103), days.between(0, 200)),
            (2, 1, 4)
        );
        assert_eq!(EventDays::count(&[5]).unwrap().longest_gap(), 0);
        assert!(EventDays::count(&[]).is_none());
        assert_eq!(
            (longest_gap(&[100, 103, 104]), longest_gap(&[100]), longest_gap(&[])),
            (3, 0, 0)
        );
    }
}
