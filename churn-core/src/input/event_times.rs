//! Examines the times of the events in a table: their first and last observed time, and findings about them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::error::{Finding, FindingCode, RecordKind, Result};
use crate::input::order::map_customers;
use crate::input::quality::{EARLY_DATE, FAR, Rows, YEAR_1980};
use crate::input::reader::PIECE;
use crate::input::usual_days::UsualDays;
use crate::parallel::Workers;
use crate::record::{Customers, EventDays, EventSpan, Events, NEVER, Spell, TenantRecords};
use crate::time::{MICROS_PER_DAY, Timestamp};

/// A table starts late if its first event lies more than this number of days after the start of the history.
const LATE_START_DAYS: i64 = 90;

/// What [`of_events`] finds out about an event table.
#[derive(Default)]
pub(crate) struct EventTimes {
    /// The first and the last observed event time; `None` if there are no events.
    pub(crate) span: Option<EventSpan>,
    /// The days with events; `None` if there are too few events to tell which days are usual.
    pub(crate) days: Option<UsualDays>,
    /// Findings about event times.
    pub(crate) findings: Vec<Finding>,
}

/// The start and the end of the history, in days since 1970-01-01. If the caller has not set them, they are the first
/// and the last day with events that are not isolated.
pub(crate) fn history(records: &TenantRecords, tables: &[(RecordKind, UsualDays)]) -> Option<(i64, i64)> {
    let day = |at: Timestamp| at.as_micros().div_euclid(MICROS_PER_DAY);
    let first = tables.iter().filter_map(|(_, days)| days.first()).min()?;
    let last = tables.iter().filter_map(|(_, days)| days.last()).max()?;
    Some((
        records.observed_from.map_or(first, day),
        records.observed_until.map_or(last, day),
    ))
}

/// Compares the times of a table with the history. Returns a finding if there is a long period without events, and a
/// finding if the first event lies long after the start of the history.
pub(crate) fn within_history(kind: RecordKind, days: &UsualDays, (start, end): (i64, i64)) -> Vec<Finding> {
    let column = Some(time_column(kind));
    let date = |day: i64| Timestamp::from_micros(day * MICROS_PER_DAY).map_or_else(String::new, |at| at.to_string());
    let missing = days.missing_period(start, end).map(|(from, until)| {
        let message = format!(
            "the table has no event between {} and {}, although events are frequent otherwise: customers look inactive then. Load the missing events, or set 'observed_from' or 'observed_until' so that this period lies outside",
            date(from),
            date(until)
        );
        Finding::new(FindingCode::MissingPeriod, kind, column, 0, vec![], message)
    });
    let late = days.first().filter(|first| first - start > LATE_START_DAYS);
    let late = late.map(|first| {
        let message = format!(
            "the first event happened at {}, {} days after the start of the history: at earlier dates, the features of this table say that nothing happened. Set 'observed_from' to this date, or load the earlier events",
            date(first),
            first - start
        );
        Finding::new(FindingCode::LateStart, kind, column, 0, vec![], message)
    });
    missing.into_iter().chain(late).collect()
}

/// Examines the times of the events in a table.
pub(crate) fn of_events(records: &TenantRecords, kind: RecordKind, workers: &Workers) -> Result<EventTimes> {
    let Some(events) = records.events(kind) else {
        return Ok(EventTimes::default());
    };
    let Observed {
        span,
        far,
        isolated,
        early,
        days,
    } = observed(records, kind, events, workers)?;
    let (before, after) = outside_spells(&records.customers, events, workers)?;
    let column = Some(time_column(kind));
    let findings = [
        before.finding(
            FindingCode::BeforeSignUp,
            kind,
            column,
            "the event lies before its customer's first 'signed_up_at': usual after an import, otherwise check the dates and the ids",
        ),
        after.finding(
            FindingCode::AfterEnd,
            kind,
            column,
            "the event lies after its customer's 'churned_at' and not in a later spell: check 'churned_at' and the time zones, or add a row for the customer's return",
        ),
        far.finding(
            FindingCode::FarDate,
            kind,
            column,
            "the event lies more than 365 days after nearly all others of its table and does not move the default observed_until: correct the date, or give observed_until if it is right",
        ),
        isolated.finding(
            FindingCode::IsolatedDate,
            kind,
            column,
            "the event lies long before or long after all others of its table and moves the default observed_from or observed_until: correct the date, or give observed_from and observed_until",
        ),
        early.finding(FindingCode::EarlyDate, kind, column, EARLY_DATE),
    ];
    Ok(EventTimes {
        span,
        days,
        findings: findings.into_iter().flatten().collect(),
    })
}

/// The observed event times of a table.
struct Observed {
    /// The first and the last event time, without far dates; `None` if there are no events.
    span: Option<EventSpan>,
    /// The rows with far dates (see [`FAR`]).
    far: Rows,
    /// The rows with isolated dates (see [`UsualDays::of`]), except rows with far dates.
    isolated: Rows,
    /// The rows with dates before 1980.
    early: Rows,
    /// The days with events; `None` if there are too few events to tell which days are usual.
    days: Option<UsualDays>,
}

/// Determines the observed event times of a table.
fn observed(records: &TenantRecords, kind: RecordKind, events: &Events, workers: &Workers) -> Result<Observed> {
    let rows = || records.observed_rows(kind);
    let count = rows().count();
    workers.check()?;
    // `last` is the number of latest events that are set aside. The heap holds the `last + 1` latest event times, so
    // its smallest element is the latest time of the remaining events.
    let last = (count / 1000).max(1);
    let mut latest: BinaryHeap<Reverse<i64>> = BinaryHeap::new();
    let mut first = NEVER;
    each(rows(), workers, |row| {
        let at = events.at[row];
        first = first.min(at);
        if latest.len() <= last {
            latest.push(Reverse(at));
        } else if latest.peek().is_some_and(|least| at > least.0) {
            latest.pop();
            latest.push(Reverse(at));
        }
    })?;
    let limit = match latest.peek() {
        Some(Reverse(at)) if count > last => at.saturating_add(FAR),
        _ => NEVER,
    };
    let mut far = Rows::default();
    let mut end: Option<(i64, u64)> = None;
    each(rows(), workers, |row| {
        let (at, position) = (events.at[row], u64::from(events.given[row]));
        if at > limit {
            far.add(position);
        } else if end.is_none_or(|(last, place)| at > last || at == last && position < place) {
            end = Some((at, position));
        }
    })?;
    let (mut isolated, mut early) = (Rows::default(), Rows::default());
    if first < YEAR_1980 {
        let before = rows().filter(|&row| events.at[row] < YEAR_1980);
        before.for_each(|row| early.add(u64::from(events.given[row])));
    }
    let times = || rows().map(|row| events.at[row]).filter(|&at| at <= limit);
    let days = EventDays::count(times).and_then(|days| UsualDays::of(&days));
    workers.check()?;
    if let (Some(days), Some((last, _))) = (&days, end)
        && !(days.contains(first) && days.contains(last))
    {
        let outside = rows().filter(|&row| events.at[row] <= limit && !days.contains(events.at[row]));
        outside.for_each(|row| isolated.add(u64::from(events.given[row])));
    }
    let span = end.map(|(last, last_row)| EventSpan { first, last, last_row });
    Ok(Observed {
        span,
        far,
        isolated,
        early,
        days,
    })
}

/// The findings about the other times in the tables, such as `settled_at` and `churned_at`. `until` is the end of the
/// history.
pub(crate) fn other_times(records: &TenantRecords, until: Timestamp, workers: &Workers) -> Result<Vec<Finding>> {
    let late = until.as_micros().saturating_add(FAR);
    let customers = &records.customers;
    // A column of times, and the column that has its values if it was not given.
    type Times<'a> = (RecordKind, &'a str, &'a [i64], Option<&'a [i64]>);
    let mut columns: Vec<Times<'_>> = vec![
        (RecordKind::Customers, "churned_at", &customers.churned_at, None),
        (RecordKind::Customers, "notice_at", &customers.notice_at, None),
    ];
    if let Some(payments) = &records.payments {
        columns.push((
            RecordKind::Payments,
            "settled_at",
            &payments.settled_at,
            Some(&payments.events.at),
        ));
        columns.push((
            RecordKind::Payments,
            "refunded_at",
            &payments.refunded_at,
            Some(&payments.settled_at),
        ));
    }
    if let Some(tickets) = &records.tickets {
        columns.push((
            RecordKind::Tickets,
            "first_response_at",
            &tickets.first_response_at,
            None,
        ));
        columns.push((RecordKind::Tickets, "resolved_at", &tickets.resolved_at, None));
        columns.push((RecordKind::Tickets, "reopened_at", &tickets.reopened_at, None));
        columns.push((
            RecordKind::Tickets,
            "satisfaction_at",
            &tickets.satisfaction_at,
            Some(&tickets.resolved_at),
        ));
    }
    let mut findings = vec![];
    for (kind, column, times, default) in columns {
        let given = records.events(kind).map(|events| &events.given);
        let (mut far, mut early) = (Rows::default(), Rows::default());
        each(0..times.len(), workers, |row| {
            let at = times[row];
            // A time that was not given has the value of another column, about which there is a finding already.
            if at == NEVER || (YEAR_1980..=late).contains(&at) || default.is_some_and(|default| default[row] == at) {
                return;
            }
            let position = given.map_or(row as u64, |given| u64::from(given[row]));
            // A cancellation can be announced two years ahead. Dates such as 2099-12-31 stand for an open end.
            let open = kind == RecordKind::Customers && (at <= late.saturating_add(FAR) || stands_for_never(at));
            match at < YEAR_1980 {
                true => early.add(position),
                false if open => {}
                false => far.add(position),
            }
        })?;
        let why = "the date lies more than 365 days after the end of the history: correct it, or leave it empty if it has not happened";
        let both = [
            far.finding(FindingCode::FarDate, kind, Some(column), why),
            early.finding(FindingCode::EarlyDate, kind, Some(column), EARLY_DATE),
        ];
        // The rows of customers have been sorted, so their positions in the input are not known here.
        findings.extend(both.into_iter().flatten().map(|mut finding| {
            if kind == RecordKind::Customers {
                finding.examples.clear();
            }
            finding
        }));
    }
    Ok(findings)
}

/// Whether a date is one that databases use for an open end: a day at the beginning or the end of a year, or a day from
/// 2099 on.
fn stands_for_never(at: i64) -> bool {
    Timestamp::from_micros(at).is_none_or(|at| {
        let text = at.to_string();
        let day = text.get(4..10).unwrap_or_default();
        day == "-12-31" || day == "-01-01" || text.as_str() >= "2099"
    })
}

/// Calls `visit` with every row, and checks every few rows whether the call was cancelled.
fn each(rows: impl Iterator<Item = usize>, workers: &Workers, mut visit: impl FnMut(usize)) -> Result<()> {
    for (number, row) in rows.enumerate() {
        if number % PIECE == 0 {
            workers.check()?;
        }
        visit(row);
    }
    Ok(())
}

/// The name of the column that contains the event time of a table.
fn time_column(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Customers => "signed_up_at",
        RecordKind::Payments => "due_at",
        RecordKind::Tickets => "opened_at",
        RecordKind::Activities => "at",
    }
}

/// Returns two sets of events. The first set contains events before the first sign-up of their customer. The second set
/// contains events after the end of a spell (an uninterrupted period as a customer), unless a later spell has begun
/// before the event.
fn outside_spells(customers: &Customers, events: &Events, workers: &Workers) -> Result<(Rows, Rows)> {
    let pieces = map_customers(&events.starts, workers, |all| {
        let (mut early, mut late) = (Rows::default(), Rows::default());
        for customer in all {
            let rows = events.rows_of(customer);
            let own = customers.rows_of(customer);
            let signed_up_at = customers.signed_up_at[own.start];
            let first = rows.start + events.at[rows.clone()].partition_point(|&at| at < signed_up_at);
            (rows.start..first).for_each(|row| early.add(u64::from(events.given[row])));
            if customers.churned_at[own.clone()].iter().all(|&end| end == NEVER) {
                continue;
            }
            let spells: Vec<Spell> = customers.spells(own).collect();
            for row in first..rows.end {
                let at = events.at[row];
                let begun = spells.iter().rfind(|spell| spell.start <= at);
                if begun.is_some_and(|spell| spell.end < at) {
                    late.add(u64::from(events.given[row]));
                }
            }
        }
        Ok((early, late))
    })?;
    let none = (Rows::default(), Rows::default());
    Ok(pieces
        .into_iter()
        .fold(none, |all, piece| (all.0.join(piece.0), all.1.join(piece.1))))
}
