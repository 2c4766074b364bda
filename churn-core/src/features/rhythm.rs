//! The rhythm of a customer's events. The rhythm consists of two parts: the typical gap between events, and the days on
//! which the next events are due.

use crate::error::RecordKind;
use crate::features::view::{PaymentState, StreamView};
use crate::record::TenantRecords;
use crate::time::{AsOf, MICROS_PER_DAY, Timestamp};

/// Maximum number of gaps from which the rhythm is computed. A gap is the time from a day with events to the next day
/// with events. If there are more gaps, only the latest ones are used.
const GAPS: usize = 12;

/// The rhythm of a customer's events: the day of the last event, and the gap after which each next event is due.
///
/// The gap is the median of the latest gaps between days with events. For an even number of gaps, it is the lower of
/// the two middle values. Gaps of these lengths in days can represent calendar months: 28 to 31 (1 month), 59 to 62 (2
/// months), 89 to 92 (3 months), 181 to 184 (6 months), and 365 to 366 (12 months). A gap is counted in months only if
/// the last two events were on the same day of the month, or if one of them was on the last day of a month.
#[derive(Clone, Copy)]
struct Rhythm {
    /// The day of the last event, in days since 1970-01-01.
    last: i64,
    step: Step,
}

#[derive(Clone, Copy)]
enum Step {
    Days(i64),
    /// A gap of some calendar months, and the day of the month on which events are due. If a month has no such day,
    /// events are due on its last day.
    Months(i64, i64),
}

impl Rhythm {
    /// Computes the rhythm of events from their times, which are sorted from oldest to newest; returns `None` if there
    /// are fewer than two days with events.
    fn of(at: &[i64]) -> Option<Self> {
        let mut days = at.iter().rev().map(|at| at.div_euclid(MICROS_PER_DAY));
        let last = days.next()?;
        let mut gaps = [0i64; GAPS];
        let (mut count, mut before) = (0, last);
        for day in days {
            if count == GAPS {
                break;
            }
            if day < before {
                gaps[count] = before - day;
                count += 1;
                before = day;
            }
        }
        let previous = last - gaps[0];
        let gaps = &mut gaps[..count];
        gaps.sort_unstable();
        let gap = *gaps.get(count.checked_sub(1)? / 2)?;
        let step = match months_of(gap).filter(|_| is_same_day_of_month(previous, last)) {
            Some(months) => Step::Months(months, Civil::of(previous).day.max(Civil::of(last).day)),
            None => Step::Days(gap),
        };
        Some(Self { last, step })
    }

    /// The number of due days (days on which an event was expected) after the last event and before `day`.
    fn due_before(self, day: i64) -> i64 {
        let due = match self.step {
            Step::Days(gap) => (day - self.last - 1).div_euclid(gap),
            Step::Months(months, on) => {
                let (last, today) = (Civil::of(self.last), Civil::of(day));
                let passed = today.month - last.month;
                // An event that is due in the month of `day` may be due on or after `day`. Such an event is not
                // counted.
                let is_to_come = passed % months == 0 && on.min(days_in(today.month)) >= today.day;
                passed / months - i64::from(is_to_come)
            }
        };
        due.max(0)
    }

    /// The day on which the `number`-th event after the last one is due.
    fn due(self, number: i64) -> i64 {
        match self.step {
            Step::Days(gap) => self.last + number * gap,
            Step::Months(months, on) => {
                let month = Civil::of(self.last).month + number * months;
                Civil {
                    month,
                    day: on.min(days_in(month)),
                }
                .days()
            }
        }
    }
}

/// The number of due days that lie after the last event and have ended by `as_of`. A due day is a day on which an event
/// is expected if the rhythm of the events continues. NaN if there are fewer than two days with events.
///
/// `at` contains the event times, with the oldest first. All of them lie before `as_of`.
pub(crate) fn periods_missed(at: &[i64], as_of: i64) -> f64 {
    Rhythm::of(at).map_or(f64::NAN, |rhythm| {
        rhythm.due_before(as_of.div_euclid(MICROS_PER_DAY)) as f64
    })
}

/// Picks a day in `[first, last]` on which an event of the customer is due. Only events that are known at `first` are
/// used. Returns `None` if there is no such day. `pick` receives the number of such days and returns the index of one
/// of them. If the customer has only one event, events are assumed to be due every month.
pub(crate) fn due_day(
    records: &TenantRecords,
    kind: RecordKind,
    customer: u32,
    (first, last): (AsOf, AsOf),
    pick: impl FnOnce(usize) -> usize,
) -> Option<AsOf> {
    let view = StreamView::new(records, kind, first.as_micros())?;
    let mut at = vec![];
    view.rows(customer, |moment, row| {
        if matches!(view.payment_state(row), PaymentState::Paid | PaymentState::Refunded) {
            at.push(moment);
        }
    });
    let only = at.last()?.div_euclid(MICROS_PER_DAY);
    let rhythm = Rhythm::of(&at).unwrap_or(Rhythm {
        last: only,
        step: Step::Months(1, Civil::of(only).day),
    });
    let day = |date: AsOf| date.as_micros().div_euclid(MICROS_PER_DAY);
    let (before, until) = (rhythm.due_before(day(first)), rhythm.due_before(day(last) + 1));
    let several = usize::try_from(until - before).ok().filter(|several| *several > 0)?;
    let number = before + 1 + pick(several) as i64;
    Timestamp::from_micros(rhythm.due(number) * MICROS_PER_DAY).map(AsOf::new)
}

/// The number of calendar months that a gap represents; `None` if the gap does not represent whole months. `gap` is in
/// days.
fn months_of(gap: i64) -> Option<i64> {
    match gap {
        28..=31 => Some(1),
        59..=62 => Some(2),
        89..=92 => Some(3),
        181..=184 => Some(6),
        365..=366 => Some(12),
        _ => None,
    }
}

fn is_same_day_of_month(a: i64, b: i64) -> bool {
    let (a, b) = (Civil::of(a), Civil::of(b));
    let is_last = |date: Civil| date.day == days_in(date.month);
    a.day == b.day || is_last(a) || is_last(b)
}

/// A date of the proleptic Gregorian calendar.
#[derive(Clone, Copy)]
struct Civil {
    /// The number of months since the start of year 0.
    month: i64,
    /// The day of the month, from 1.
    day: i64,
}

impl Civil {
    /// Converts a number of days since 1970-01-01 to a date. Source: Howard Hinnant, "chrono-compatible low-level date
    /// algorithms", `civil_from_days`.
    fn of(days: i64) -> Self {
        let days = days + 719_468;
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        // In this algorithm, years begin in March, so that the leap day is the last day of the year.
        let shifted = (5 * of_year + 2) / 153;
        Self {
            month: (era * 400 + year_of_era) * 12 + shifted + 2,
            day: of_year - (153 * shifted + 2) / 5 + 1,
        }
    }

    /// Converts the date to days since 1970-01-01, with the inverse algorithm `days_from_civil`.
    fn days(self) -> i64 {
        let (year, shifted) = ((self.month - 2).div_euclid(12), (self.month - 2).rem_euclid(12));
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let of_year = (153 * shifted + 2) / 5 + self.day - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
    }
}

/// The number of days of a month. `month` is the number of months since the start of year 0.
fn days_in(month: i64) -> i64 {
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn micros(date: &str) -> i64 {
        date.parse::<Timestamp>().unwrap().as_micros()
    }

    fn missed(dates: &[&str], as_of: &str) -> f64 {
        let at: Vec<i64> = dates.iter().map(|date| micros(date)).collect();
        periods_missed(&at, micros(as_of))
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (text, month, day) in [
            ("1970-01-01", 1970 * 12, 1),
            ("2000-02-29", 2000 * 12 + 1, 29),
            ("1969-12-31", 1969 * 12 + 11, 31),
            ("2024-03-01", 2024 * 12 + 2, 1),
            ("1900-02-28", 1900 * 12 + 1, 28),
        ] {
            let date = Civil::of(micros(text).div_euclid(MICROS_PER_DAY));
            assert_eq!((date.month, date.day), (month, day), "{text}");
            assert_eq!(date.days() * MICROS_PER_DAY, micros(text));
        }
        assert!((-800_000..800_000).step_by(7).all(|day| Civil::of(day).days() == day));
        assert_eq!(
            [2000, 1900, 2024, 2023].map(|year| days_in(year * 12 + 1)),
            [29, 28, 29, 28]
        );
    }

    #[test]
    fn a_period_is_missed_once_its_due_day_ended() {
        let first = ["2024-01-01", "2024-02-01", "2024-03-01"];
        for (as_of, expected) in [
            ("2024-03-01T12:00:00", 0.0),
            ("2024-04-01", 0.0),
            ("2024-04-02", 1.0),
            ("2024-05-01", 1.0),
            ("2024-05-02", 2.0),
            ("2025-03-02", 12.0),
        ] {
            assert_eq!(missed(&first, as_of), expected, "{as_of}");
        }
        // If the last two events were on the last days of their months, the next event is due on the last day of the
        // next month: here, on 31 March.
        let last = ["2024-01-31", "2024-02-29"];
        assert_eq!([missed(&last, "2024-03-31"), missed(&last, "2024-04-01")], [0.0, 1.0]);
        // Events that occur every quarter or every year keep their day of the month, even across a leap day.
        let quarter = ["2023-08-15", "2023-11-15"];
        assert_eq!(
            [missed(&quarter, "2024-02-15"), missed(&quarter, "2024-02-16")],
            [0.0, 1.0]
        );
        let year = ["2022-06-10", "2023-06-10"];
        assert_eq!([missed(&year, "2024-06-10"), missed(&year, "2024-06-11")], [0.0, 1.0]);
    }

    #[test]
    fn due_days_and_missed_periods_agree() {
        for dates in [
            ["2024-01-31", "2024-02-29"],
            ["2023-12-15", "2024-01-15"],
            ["2024-01-01", "2024-01-15"],
            ["2023-02-28", "2024-02-28"],
        ] {
            let at = dates.map(micros);
            let rhythm = Rhythm::of(&at).unwrap();
            for day in rhythm.last..rhythm.last + 1500 {
                let due = rhythm.due_before(day);
                assert!(
                    rhythm.due(due + 1) >= day && (due == 0 || rhythm.due(due) < day),
                    "{dates:?}, {day}"
                );
            }
        }
    }

    #[test]
    fn other_gaps_are_counted_in_days() {
        let weekly = ["2024-01-01", "2024-01-08T09:00:00", "2024-01-08T17:00:00", "2024-01-15"];
        assert_eq!(
            ["2024-01-22", "2024-01-23", "2024-01-30", "2024-02-06"].map(|as_of| missed(&weekly, as_of)),
            [0.0, 1.0, 2.0, 3.0]
        );
        // A gap of 30 days is counted in days, not as a month, if the day of the month changes.
        let thirty = ["2024-01-02", "2024-02-01"];
        assert_eq!(
            [missed(&thirty, "2024-03-02"), missed(&thirty, "2024-03-03")],
            [0.0, 1.0]
        );
        assert!(missed(&["2024-01-01"], "2024-02-01").is_nan());
        assert!(missed(&["2024-01-01T08:00:00", "2024-01-01T09:00:00"], "2024-02-01").is_nan());
        assert!(missed(&[], "2024-02-01").is_nan());
    }
}
