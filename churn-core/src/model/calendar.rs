//! The warning about customers who leave on fixed days of the month or of the week. The number of customers who leave
//! in a label period then depends on the day on which the period begins.

use std::collections::BTreeMap;

use crate::features::ChurnDefinition;
use crate::model::warning::{Warning, WarningCode};
use crate::record::{NEVER, TenantRecords};
use crate::time::{AsOf, CivilDay, MICROS_PER_DAY};

/// Only customers who left in the last `HISTORY_DAYS` days before the date of the run are examined.
const HISTORY_DAYS: i64 = 730;
/// Periods that are longer than this number of days are not examined.
const LONGEST_DAYS: u32 = 366;
/// At most this number of training dates is examined: the last ones.
const MOST_DATES: usize = 1000;
/// A month is examined if at least this number of customers left in it.
const FEWEST_OF_MONTH: usize = 5;
/// There is a warning only if at least this number of months can be examined.
const FEWEST_MONTHS: usize = 6;
/// There is a warning only if the expected number of customers who leave differs by more than this share from the
/// average of the training dates.
const SHARE: f64 = 0.15;
/// There is a warning only if this difference is at least this number of standard errors.
const ERRORS: f64 = 4.0;

/// A day's position in a calendar, and a name for positions of this kind.
type Position = (fn(i64) -> usize, &'static str);

const POSITIONS: [Position; 3] = [
    (|day| CivilDay::of(day).day_of_month, "days of the month"),
    (
        |day| CivilDay::of(day).days_to_month_end,
        "days before the end of the month",
    ),
    (|day| day.rem_euclid(7) as usize, "days of the week"),
];
const MOST_POSITIONS: usize = 32;

/// Warns if customers leave on fixed days, and these days are rarer or more frequent in the label period of `as_of` than
/// in the label periods of the training dates. The scores have the level of the training dates.
///
/// For every month, the customers who left are counted by position, such as the day of the month. If the customers of a
/// month had left in proportion to these counts, the label period of `as_of` would contain `ratio` times as many of them
/// as the label periods of the training dates contain on average. The mean ratio of all months is compared with 1.
pub(crate) fn calendar_level(
    records: &TenantRecords,
    as_of: AsOf,
    definition: &ChurnDefinition,
    training: &[AsOf],
) -> Option<Warning> {
    let ChurnDefinition::Cancellation { horizon } = definition else {
        return None;
    };
    // In a longer period, one day of the month more or less changes the number of customers by less than `SHARE`.
    if horizon.days > LONGEST_DAYS {
        return None;
    }
    let training = &training[training.len().saturating_sub(MOST_DATES)..];
    let last = day_of(as_of.as_micros());
    let days = ends(records, as_of).filter(|day| *day >= last - HISTORY_DAYS);
    let mut months: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for day in days {
        months.entry(CivilDay::of(day).month).or_default().push(day);
    }
    // The month of the run is not complete.
    months.remove(&CivilDay::of(last).month);
    months.retain(|_, days| days.len() >= FEWEST_OF_MONTH);
    if months.len() < FEWEST_MONTHS || training.is_empty() {
        return None;
    }
    let period = |as_of: i64| day_of(horizon.start(as_of))..day_of(horizon.end(as_of));
    let counted = |position: fn(i64) -> usize, as_of: i64| {
        let mut counts = [0.0; MOST_POSITIONS];
        period(as_of).for_each(|day| counts[position(day)] += 1.0);
        counts
    };
    let found = POSITIONS.iter().filter_map(|&(position, name)| {
        let own = counted(position, as_of.as_micros());
        let mut usual = [0.0; MOST_POSITIONS];
        for date in training {
            let counts = counted(position, date.as_micros());
            usual.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        let ratios: Vec<f64> = months
            .values()
            .filter_map(|days| {
                let sum = |counts: &[f64]| days.iter().map(|&day| counts[position(day)]).sum::<f64>();
                let usual = sum(&usual) / training.len() as f64;
                (usual > 0.0).then(|| sum(&own) / usual)
            })
            .collect();
        let count = ratios.len() as f64;
        let mean = ratios.iter().sum::<f64>() / count;
        let variance = ratios.iter().map(|ratio| (ratio - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let error = (variance / count).sqrt();
        (ratios.len() >= FEWEST_MONTHS).then_some((mean, error, name))
    });
    // The positions with the smallest standard error describe the days best.
    let (ratio, error, name) = found.min_by(|a, b| a.1.total_cmp(&b.1))?;
    if (ratio - 1.0).abs() <= SHARE.max(ERRORS * error) {
        return None;
    }
    let message = format!(
        "customers leave on fixed {name}: judging by the past, {ratio:.2} times as many leave in the {} days after {as_of} as after an average training date. The probabilities have the level of the training dates, and only their order holds for this date: multiply the expected number of customers who leave by {ratio:.2}, score on another day, or train on dates ('as_of') that are the same day as the days you score on",
        horizon.days
    );
    Some(Warning::new(WarningCode::CalendarLevel, message).of_dates(vec![as_of]))
}

/// The days on which customers left before `as_of`, in days since 1970-01-01.
fn ends(records: &TenantRecords, as_of: AsOf) -> impl Iterator<Item = i64> {
    let customers = &records.customers;
    let spells = (0..customers.len()).flat_map(|customer| customers.spells(customers.rows_of(customer)));
    spells
        .map(|spell| spell.end)
        .filter(move |&end| end != NEVER && end < as_of.as_micros())
        .map(day_of)
}

fn day_of(at: i64) -> i64 {
    at.div_euclid(MICROS_PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Customer;
    use crate::time::{Horizon, Timestamp};

    fn day(text: &str) -> i64 {
        day_of(text.parse::<Timestamp>().unwrap().as_micros())
    }

    fn at(day: i64) -> Timestamp {
        Timestamp::from_micros(day * MICROS_PER_DAY).unwrap()
    }

    /// The expected ratio at a date if ten customers leave on each of the given days.
    fn ratio(ends: &[i64], as_of: &str, days: u32, training: &[i64]) -> Option<String> {
        let customers = ends.iter().enumerate().flat_map(|(place, &end)| {
            (0..10).map(move |number| {
                let customer = Customer::new(format!("{place}-{number}"), at(end - 200));
                customer.with_churned_at(at(end))
            })
        });
        let customers: Vec<_> = customers.collect();
        let (records, _) = TenantRecords::builder("t").customers(customers).build().unwrap();
        let definition = ChurnDefinition::Cancellation {
            horizon: Horizon { days, lead: 0 },
        };
        let training: Vec<AsOf> = training.iter().map(|&day| AsOf::new(at(day))).collect();
        let warning = calendar_level(&records, AsOf::new(at(day(as_of))), &definition, &training)?;
        let (_, rest) = warning.message.split_once("judging by the past, ")?;
        Some(rest.split_once(' ')?.0.to_owned())
    }

    #[test]
    fn ends_at_the_end_of_the_month_change_the_level_of_the_first() {
        let all: Vec<i64> = (day("2022-07-01")..day("2025-01-01")).collect();
        let month_ends: Vec<i64> = all
            .iter()
            .copied()
            .filter(|&day| CivilDay::of(day).days_to_month_end == 0)
            .collect();
        let mixed: Vec<i64> = (0..24).map(|number| day("2023-01-01") + 29 * number).collect();
        // The 60 days from July 1 contain one end of a month, and other periods contain two.
        assert_eq!(ratio(&month_ends, "2025-07-01", 60, &mixed).as_deref(), Some("0.51"));
        assert_eq!(ratio(&month_ends, "2025-07-01", 30, &mixed).as_deref(), Some("0.00"));
        assert_eq!(ratio(&month_ends, "2025-07-20", 60, &mixed), None);
        assert_eq!(ratio(&month_ends, "2025-07-01", 1_000_000, &mixed), None);
        // The training dates have the same phase.
        let firsts: Vec<i64> = all
            .iter()
            .copied()
            .filter(|&day| CivilDay::of(day).day_of_month == 1)
            .collect();
        assert_eq!(ratio(&month_ends, "2025-08-01", 60, &firsts), None);
        // Customers who leave on any day.
        for as_of in ["2025-07-01", "2025-07-15", "2025-02-01"] {
            assert_eq!(ratio(&all, as_of, 60, &mixed), None);
            assert_eq!(ratio(&all, as_of, 7, &mixed), None);
        }
        let sundays: Vec<i64> = all.iter().copied().filter(|day| day.rem_euclid(7) == 3).collect();
        assert_eq!(at(sundays[0]).to_string(), "2022-07-03");
        assert_eq!(ratio(&sundays, "2025-07-07", 6, &mixed).as_deref(), Some("0.00"));
        // A single day on which many customers were removed does not count as a rule.
        let bulk: Vec<i64> = all.iter().copied().chain(vec![day("2024-03-31"); 500]).collect();
        assert_eq!(ratio(&bulk, "2025-07-01", 30, &mixed), None);
    }
}
