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
            "the event lies before its customer's first 'signed_up_at': usual after an import, and if only one of the two has a time of day, otherwise check the dates and the ids",
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
    let is_observed = records.is_observed(kind, events);
    let position = |row: usize| u64::from(events.given[row]);
    let (count, first, latest) = latest_times(events, &is_observed, workers)?;
    // The latest thousandth of the events, and at least one event, is set aside.
    let last = (count / 1000).max(1);
    let limit = match latest.get(last) {
        Some((at, _)) => at.saturating_add(FAR),
        None => NEVER,
    };
    let far = match latest.first().is_some_and(|(at, _)| *at > limit) {
        true => Rows::among(events.len(), workers, position, |row| {
            events.at[row] > limit && is_observed(row)
        })?,
        false => Rows::default(),
    };
    // At least one of the latest times does not exceed the limit.
    let end = latest.into_iter().find(|&(at, _)| at <= limit);
    let early = match first < YEAR_1980 {
        true => Rows::among(events.len(), workers, position, |row| {
            events.at[row] < YEAR_1980 && is_observed(row)
        })?,
        false => Rows::default(),
    };
    let days = match end {
        Some((last, _)) => {
            let at = |row: usize| (events.at[row] <= last && is_observed(row)).then(|| events.at[row]);
            EventDays::of_rows(events.len(), (first, last), at, workers)?
        }
        None => None,
    };
    let days = days.and_then(|days| UsualDays::of(&days));
    let isolated = match (&days, end) {
        (Some(days), Some((last, _))) if !(days.contains(first) && days.contains(last)) => {
            Rows::among(events.len(), workers, position, |row| {
                events.at[row] <= limit && !days.contains(events.at[row]) && is_observed(row)
            })?
        }
        _ => Rows::default(),
    };
    let span = end.map(|(last, Reverse(last_row))| EventSpan {
        first,
        last,
        last_row,
        events: count,
    });
    Ok(Observed {
        span,
        far,
        isolated,
        early,
        days,
    })
}

/// The time of an event, and the position of its row in the input. Of equal times, the position given first is the
/// largest.
type Latest = (i64, Reverse<u64>);

/// Returns the number of observed events, the earliest time, and the latest events in descending order. The latest events
/// are slightly more than a thousandth of all.
fn latest_times(
    events: &Events,
    is_observed: &(impl Fn(usize) -> bool + Sync),
    workers: &Workers,
) -> Result<(usize, i64, Vec<Latest>)> {
    let most = (events.len() / 1000).max(1) + 1;
    // Every piece keeps its own latest times, so the pieces must be much longer than these times are many.
    let length = events.len().div_ceil(4 * workers.threads()).max(PIECE);
    let pieces = workers.map_chunks(events.len(), length, |rows| {
        let (mut count, mut first) = (0, NEVER);
        // The smallest of the latest events is at the top of the heap.
        let mut latest: BinaryHeap<Reverse<Latest>> = BinaryHeap::new();
        for row in rows {
            if row % PIECE == 0 {
                workers.check()?;
            }
            if !is_observed(row) {
                continue;
            }
            let at = events.at[row];
            count += 1;
            first = first.min(at);
            let event = || (at, Reverse(u64::from(events.given[row])));
            let is_too_early = |least: &Reverse<Latest>| at < least.0.0 || event() < least.0;
            if latest.len() == most && latest.peek().is_some_and(is_too_early) {
                continue;
            }
            latest.push(Reverse(event()));
            if latest.len() > most {
                latest.pop();
            }
        }
        Ok((count, first, latest.into_vec()))
    })?;
    let count = pieces.iter().map(|piece| piece.0).sum();
    let first = pieces.iter().map(|piece| piece.1).min().unwrap_or(NEVER);
    let mut latest: Vec<Reverse<Latest>> = pieces.into_iter().flat_map(|piece| piece.2).collect();
    workers.sort_by_key(&mut latest, |&event| event)?;
    latest.truncate(most);
    Ok((count, first, latest.into_iter().map(|event| event.0).collect()))
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
        let position = |row: usize| given.map_or(row as u64, |given| u64::from(given[row]));
        // A time that was not given has the value of another column, about which there is a finding already.
        let is_given = |row: usize| default.is_none_or(|default| default[row] != times[row]);
        // A cancellation can be announced two years ahead. Dates such as 2099-12-31 stand for an open end.
        let is_open =
            |at: i64| kind == RecordKind::Customers && (at <= late.saturating_add(FAR) || stands_for_never(at));
        let is_far = |row: usize| times[row] > late && times[row] != NEVER && is_given(row) && !is_open(times[row]);
        let is_early = |row: usize| times[row] < YEAR_1980 && is_given(row);
        let unusual = Rows::among(times.len(), workers, position, |row| is_far(row) || is_early(row))?;
        if unusual.count() == 0 {
            continue;
        }
        let far = Rows::among(times.len(), workers, position, is_far)?;
        let early = Rows::among(times.len(), workers, position, is_early)?;
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
