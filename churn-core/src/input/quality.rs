//! Findings about valid rows, and the first and last observed event time of each event table.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use crate::error::{Finding, FindingCode, MAX_EXAMPLES, RecordKind, Result};
use crate::input::isolated::Days;
use crate::input::schema::{is_known, nearest_known, similar_known};
use crate::parallel::Workers;
use crate::record::{
    ALWAYS, Attribute, AttributeValues, Customers, EventSpan, Events, MISSING_CODE, NEVER, Spell, TenantRecords,
};
use crate::time::{MICROS_PER_DAY, Timestamp};

/// Number of customers that are processed between two checks for cancellation.
const CUSTOMERS: usize = 1 << 14;
/// An event is a far date if it is later than nearly all other events of its table by more than this number of
/// microseconds (365 days).
const FAR: i64 = 365 * MICROS_PER_DAY;

/// The rows that a finding is about. Only their number and the positions of the first few rows are stored.
#[derive(Default)]
pub(crate) struct Rows {
    count: u64,
    first: BTreeSet<u64>,
}

impl Rows {
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn add(&mut self, position: u64) {
        self.count += 1;
        self.keep(position);
    }

    fn keep(&mut self, position: u64) {
        // Only the first few positions are kept. Most positions come after all kept positions, so this early return
        // makes it cheap to count many rows.
        if self.first.len() == MAX_EXAMPLES && self.first.last().is_some_and(|last| *last < position) {
            return;
        }
        self.first.insert(position);
        if self.first.len() > MAX_EXAMPLES {
            self.first.pop_last();
        }
    }

    pub(crate) fn join(mut self, other: Self) -> Self {
        self.count += other.count;
        other.first.into_iter().for_each(|position| self.keep(position));
        self
    }

    /// Creates the finding about these rows; `None` if there are no rows.
    pub(crate) fn finding(
        self,
        code: FindingCode,
        table: RecordKind,
        column: Option<&str>,
        message: &str,
    ) -> Option<Finding> {
        let examples = self.first.into_iter().collect();
        (self.count > 0).then(|| Finding::new(code, table, column, self.count, examples, message))
    }
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

/// Returns the findings about the customers table. `given` maps a row to its position in the input.
pub(crate) fn of_customers(
    customers: &Customers,
    has: impl Fn(&str) -> bool,
    given: impl Fn(usize) -> u64,
) -> Vec<Finding> {
    let rows = customers.signed_up_at.len();
    let mut findings: Vec<Finding> = customers
        .attributes
        .iter()
        .filter(|attribute| rows > 1 && is_constant(attribute))
        .map(|attribute| {
            let message = "every row has the same value, so the column carries no information: remove it";
            let (code, table) = (FindingCode::ConstantColumn, RecordKind::Customers);
            Finding::new(code, table, Some(&attribute.name), rows as u64, vec![], message)
        })
        .collect();
    findings.extend(customers.attributes.iter().filter_map(|attribute| {
        let known = similar_known(RecordKind::Customers, &attribute.name).filter(|known| !has(known))?;
        let message = format!("this column is an attribute; did you mean '{known}', which was not given? Rename it");
        let (code, table) = (FindingCode::SimilarColumn, RecordKind::Customers);
        Some(Finding::new(
            code,
            table,
            Some(&attribute.name),
            rows as u64,
            vec![],
            message,
        ))
    }));
    findings.extend(overlapping_spells(customers, &given));
    findings.extend(late_versions(customers, &given));
    let mut early = Rows::default();
    let before = (0..rows).filter(|&row| customers.signed_up_at[row] < YEAR_1980);
    before.for_each(|row| early.add(given(row)));
    findings.extend(early.finding(
        FindingCode::EarlyDate,
        RecordKind::Customers,
        Some("signed_up_at"),
        EARLY_DATE,
    ));
    if !customers.reopened {
        return findings;
    }
    let (mut reactivated, mut withdrawn) = (Rows::default(), Rows::default());
    for customer in 0..customers.len() {
        for row in customers.rows_of(customer).skip(1) {
            let before = row - 1;
            let same_sign_up = customers.signed_up_at[before] == customers.signed_up_at[row];
            if same_sign_up && customers.opens_spell(Some(before), row).is_some() {
                reactivated.add(given(row));
            } else if same_sign_up && customers.churned_at[before] != NEVER && customers.churned_at[row] == NEVER {
                withdrawn.add(given(row));
            }
        }
    }
    let both = [
        reactivated.finding(
            FindingCode::Reactivated,
            RecordKind::Customers,
            Some("churned_at"),
            "the customer is open again after the end of the spell, so a new spell begins at 'valid_from': if these customers never left, correct the earlier rows",
        ),
        withdrawn.finding(
            FindingCode::Withdrawn,
            RecordKind::Customers,
            Some("churned_at"),
            "'churned_at' is null again before the spell ended, so the cancellation counts as withdrawn: if these customers did leave, keep 'churned_at' in the later rows",
        ),
    ];
    findings.extend(both.into_iter().flatten());
    findings
}

/// The finding about customers whose first row is true, or became known, long after they signed up. Such customers are
/// invisible until then. A common reason is that `valid_from` contains the time of the last change or of the export.
fn late_versions(customers: &Customers, given: &impl Fn(usize) -> u64) -> Option<Finding> {
    let mut late = Rows::default();
    let (mut by_valid_from, mut by_known_at) = (0u64, 0u64);
    for customer in 0..customers.len() {
        let row = customers.rows_of(customer).start;
        let limit = customers.signed_up_at[row].saturating_add(LATE);
        let known_at = customers.known_at.as_ref().map_or(ALWAYS, |known| known[row]);
        let (from, known) = (customers.valid_from[row] > limit, known_at > limit);
        if from || known {
            late.add(given(row));
        }
        by_valid_from += u64::from(from);
        by_known_at += u64::from(known);
    }
    if late.count < ENOUGH as u64 || late.count * LATE_SHARE <= customers.len() as u64 {
        return None;
    }
    let column = if by_valid_from >= by_known_at {
        "valid_from"
    } else {
        "known_at"
    };
    late.finding(
        FindingCode::LateVersion,
        RecordKind::Customers,
        Some(column),
        &format!(
            "'{column}' of the customer's first row lies more than 30 days after 'signed_up_at', so the customer is unknown at all dates before: if '{column}' is the time of the last change or of the export, leave the column out or give the earlier versions as well"
        ),
    )
}

/// The finding about customers whose `churned_at` lies up to two years after the end of the history. The rows of such
/// customers do not state since when the end is known, so it is not used. `longest_gap` is the longest gap between two
/// events in days. An end that comes sooner after the last event may lie in the past.
pub(crate) fn scheduled_ends(records: &TenantRecords, longest_gap: i64) -> Option<Finding> {
    let until = records.observed_until(None)?.as_micros();
    let first = until.saturating_add(longest_gap.max(1).saturating_mul(MICROS_PER_DAY));
    let soon = first..until.saturating_add(2 * FAR);
    let customers = &records.customers;
    let last_row = |customer: &usize| customers.rows_of(*customer).end - 1;
    let scheduled = |row: &usize| soon.contains(&customers.churned_at[*row]) && customers.notice_at[*row] == NEVER;
    let count = (0..customers.len())
        .map(|customer| last_row(&customer))
        .filter(scheduled)
        .count();
    (count > 0).then(|| {
        let message = "'churned_at' lies after the end of the history, and a prediction does not use it: the customer is scored as if the cancellation were not known. If it is, set 'notice_at' to the time at which the customer gave notice; the customer is then not scored";
        let (code, table) = (FindingCode::ScheduledEnd, RecordKind::Customers);
        Finding::new(code, table, Some("churned_at"), count as u64, vec![], message)
    })
}

/// The finding about customers who sign up again before their earlier spell (uninterrupted period as a customer) has
/// ended.
fn overlapping_spells(customers: &Customers, given: &impl Fn(usize) -> u64) -> Option<Finding> {
    let mut overlapping = Rows::default();
    for customer in (0..customers.len()).filter(|_| customers.returning) {
        let rows = customers.rows_of(customer);
        // The last row of a spell (uninterrupted period as a customer) contains the end of the spell.
        for row in rows.start + 1..rows.end {
            let before = row - 1;
            let signs_up_again = customers.signed_up_at[before] != customers.signed_up_at[row];
            if signs_up_again && customers.churned_at[before] > customers.signed_up_at[row] {
                overlapping.add(given(row));
            }
        }
    }
    overlapping.finding(
        FindingCode::OverlappingSpells,
        RecordKind::Customers,
        Some("signed_up_at"),
        "the customer signs up again before the earlier spell has ended, so the later spell alone counts: give all rows of one spell the same 'signed_up_at', or set 'churned_at' in the earlier rows",
    )
}

fn is_constant(attribute: &Attribute) -> bool {
    match &attribute.values {
        AttributeValues::Number(values) => !values[0].is_nan() && values.iter().all(|value| *value == values[0]),
        AttributeValues::Text(text) => text.levels.len() == 1 && !text.codes.contains(&MISSING_CODE),
        AttributeValues::Bool(values) => values[0] < 2 && values.iter().all(|value| *value == values[0]),
    }
}

/// The findings about the extra columns of an event table. `has` returns whether the table has a column of a given
/// name.
pub(crate) fn unused_columns(kind: RecordKind, events: &Events, has: impl Fn(&str) -> bool) -> Vec<Finding> {
    let extra = events
        .attributes
        .iter()
        .filter(|attribute| !is_known(kind, &attribute.name));
    extra
        .map(|attribute| {
            let mut rows = Rows::default();
            let given = events.given.iter().enumerate();
            given
                .filter(|(row, _)| attribute.has_value(*row))
                .for_each(|(_, &position)| rows.add(u64::from(position)));
            let message = match nearest_known(kind, &attribute.name).filter(|known| !has(known)) {
                Some(known) => format!(
                    "the standard features do not use this column; did you mean '{known}'? Rename the column, or declare a feature that reads it"
                ),
                None => "the standard features do not use this column: declare a feature that reads it, or remove it".to_owned(),
            };
            let examples = rows.first.into_iter().collect();
            Finding::new(FindingCode::UnusedColumn, kind, Some(&attribute.name), rows.count, examples, message)
        })
        .collect()
}

/// Minimum number of rows that a table must have to be tested for [`FindingCode::KnownLate`].
const ENOUGH: usize = 20;
/// A row became known late if its `known_at` is later than the event by more than this number of microseconds (30
/// days).
const LATE: i64 = 30 * MICROS_PER_DAY;
/// Customers who became known late are reported if they are more than one in this number of customers.
const LATE_SHARE: u64 = 5;

/// The finding about a table in which most rows became known long after their events. A common reason is that
/// `known_at` contains the time at which the data was first imported.
pub(crate) fn known_late(kind: RecordKind, events: &Events) -> Option<Finding> {
    let known_at = events.known_at.as_ref()?;
    let mut late = Rows::default();
    for (row, (&at, &known)) in events.at.iter().zip(known_at).enumerate() {
        if known != ALWAYS && known.saturating_sub(at) > LATE {
            late.add(u64::from(events.given[row]));
        }
    }
    if events.len() < ENOUGH || late.count * 2 <= events.len() as u64 {
        return None;
    }
    late.finding(
        FindingCode::KnownLate,
        kind,
        Some("known_at"),
        "the row became known more than 30 days after the event, as most rows of the table did, so it is hidden at every date before: if 'known_at' is the time of an import, leave the column out",
    )
}

/// What [`of_events`] finds out about an event table.
#[derive(Default)]
pub(crate) struct EventTimes {
    /// The first and the last observed event time; `None` if there are no events.
    pub(crate) span: Option<EventSpan>,
    /// The longest gap between two events in days; `None` if there are too few events to tell.
    pub(crate) longest_gap: Option<i64>,
    /// Findings about event times.
    pub(crate) findings: Vec<Finding>,
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
        missing,
        longest_gap,
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
        missing.map(|(from, until)| {
            let date = |day: i64| Timestamp::from_micros(day * MICROS_PER_DAY).map_or_else(String::new, |at| at.to_string());
            let message = format!(
                "the table has no event between {} and {}, although events are frequent otherwise: customers look inactive then. Load the missing events, or set 'observed_from' or 'observed_until' so that this period lies outside",
                date(from),
                date(until)
            );
            Finding::new(FindingCode::MissingPeriod, kind, column, 0, vec![], message)
        }),
    ];
    Ok(EventTimes {
        span,
        longest_gap,
        findings: findings.into_iter().flatten().collect(),
    })
}

/// The start of 1980, in microseconds since 1970-01-01.
const YEAR_1980: i64 = 315_532_800_000_000;
const EARLY_DATE: &str =
    "the date lies before 1980: a number of seconds may have been read as milliseconds, or a missing date as 1970";

/// The observed event times of a table.
struct Observed {
    /// The first and the last event time, without far dates; `None` if there are no events.
    span: Option<EventSpan>,
    /// The rows with far dates (see [`FAR`]).
    far: Rows,
    /// The rows with isolated dates (see [`Days::inside`]), without those with far dates.
    isolated: Rows,
    /// The rows with dates before 1980.
    early: Rows,
    /// A long period without events (see [`Days::missing_period`]).
    missing: Option<(i64, i64)>,
    longest_gap: Option<i64>,
}

/// Determines the observed event times of a table.
fn observed(records: &TenantRecords, kind: RecordKind, events: &Events, workers: &Workers) -> Result<Observed> {
    let payments = records.payments.as_ref().filter(|_| kind == RecordKind::Payments);
    // A superseded version (a row that a newer version replaced) and a payment that is not settled do not count as
    // events.
    let counts =
        |row: usize| events.is_last_version(row) && payments.is_none_or(|payments| payments.settled_at[row] != NEVER);
    let rows = || (0..events.len()).filter(|&row| counts(row));
    let count = rows().count();
    workers.check()?;
    // `last` is the number of latest events that are set aside. The heap holds the `last + 1` latest event times, so
    // its smallest element is the latest time of the remaining events.
    let last = (count / 1000).max(1);
    let mut latest: BinaryHeap<Reverse<i64>> = BinaryHeap::new();
    let mut first = NEVER;
    for row in rows() {
        let at = events.at[row];
        first = first.min(at);
        if latest.len() <= last {
            latest.push(Reverse(at));
        } else if latest.peek().is_some_and(|least| at > least.0) {
            latest.pop();
            latest.push(Reverse(at));
        }
    }
    workers.check()?;
    let limit = match latest.peek() {
        Some(Reverse(at)) if count > last => at.saturating_add(FAR),
        _ => NEVER,
    };
    let mut far = Rows::default();
    let mut end: Option<(i64, u64)> = None;
    for row in rows() {
        let (at, position) = (events.at[row], u64::from(events.given[row]));
        if at > limit {
            far.add(position);
        } else if end.is_none_or(|(last, place)| at > last || at == last && position < place) {
            end = Some((at, position));
        }
    }
    let (mut isolated, mut early) = (Rows::default(), Rows::default());
    if first < YEAR_1980 {
        let before = rows().filter(|&row| events.at[row] < YEAR_1980);
        before.for_each(|row| early.add(u64::from(events.given[row])));
    }
    let times = || rows().map(|row| events.at[row]).filter(|&at| at <= limit);
    let days = end.map(|(last, _)| Days::count(times(), first, last));
    let inside = days.as_ref().and_then(Days::inside);
    let until = records.observed_until.map(Timestamp::as_micros);
    let missing = days.as_ref().and_then(|days| days.missing_period(until));
    workers.check()?;
    if let (Some(inside), Some((last, _))) = (inside, end)
        && !(inside.contains(first) && inside.contains(last))
    {
        let outside = rows().filter(|&row| events.at[row] <= limit && !inside.contains(events.at[row]));
        outside.for_each(|row| isolated.add(u64::from(events.given[row])));
    }
    let span = end.map(|(last, last_row)| EventSpan { first, last, last_row });
    Ok(Observed {
        span,
        far,
        isolated,
        early,
        missing,
        longest_gap: days.as_ref().and_then(Days::longest_gap),
    })
}

/// Returns two sets of events. The first set contains events before the first sign-up of their customer. The second set
/// contains events after the end of a spell (an uninterrupted period as a customer), unless a later spell has begun
/// before the event.
fn outside_spells(customers: &Customers, events: &Events, workers: &Workers) -> Result<(Rows, Rows)> {
    let pieces = workers.map_chunks(customers.len(), CUSTOMERS, |all| {
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
