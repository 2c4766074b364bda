//! Findings about valid rows. The findings about the times of events are in `event_times.rs`.

use std::collections::BTreeSet;

use crate::error::{Finding, FindingCode, MAX_EXAMPLES, RecordKind, Result};
use crate::input::reader::PIECE;
use crate::input::schema::{is_known, nearest_known, similar_known};
use crate::parallel::Workers;
use crate::record::{ALWAYS, Attribute, AttributeValues, Customers, Events, MISSING_CODE, NEVER, TenantRecords};
use crate::time::MICROS_PER_DAY;

/// An event has a far date if it is later than nearly all other events of its table by more than this number of
/// microseconds (365 days).
pub(crate) const FAR: i64 = 365 * MICROS_PER_DAY;
/// A gap is short if a customer or a subscription begins again less than this number of microseconds (two days) after
/// the earlier end.
pub(crate) const SHORT_GAP: i64 = 2 * MICROS_PER_DAY;
/// The start of 1980, in microseconds since 1970-01-01.
pub(crate) const YEAR_1980: i64 = 315_532_800_000_000;
pub(crate) const EARLY_DATE: &str =
    "the date lies before 1980: a number of seconds may have been read as milliseconds, or a missing date as 1970";

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

    /// The rows from 0 to `rows` for which `is` holds. `position` maps a row to its position in the input.
    pub(crate) fn among(
        rows: usize,
        workers: &Workers,
        position: impl Fn(usize) -> u64 + Sync + Send,
        is: impl Fn(usize) -> bool + Sync + Send,
    ) -> Result<Self> {
        let pieces = workers.map_chunks(rows, PIECE, |rows| {
            let mut found = Self::default();
            rows.filter(|&row| is(row)).for_each(|row| found.add(position(row)));
            Ok(found)
        })?;
        Ok(pieces.into_iter().fold(Self::default(), Self::join))
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
    findings.extend(overlaps_and_short_gaps(customers, &given));
    findings.extend(late_versions(customers, &given));
    findings.extend(late_notices_and_ends(customers, &given));
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

/// The finding about customers whose first row has a `valid_from` or a `known_at` long after the sign-up. Such
/// customers are invisible before that time. A common reason is that `valid_from` contains the time of the last change
/// or of the export.
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

/// The findings about rows whose `notice_at` or `churned_at` lies before their `valid_from`, if the row that was valid at
/// that time does not have it. A row is not visible before its `valid_from`, so the customer is scored after the notice
/// or the end.
fn late_notices_and_ends(customers: &Customers, given: &impl Fn(usize) -> u64) -> impl Iterator<Item = Finding> {
    let later_rows = || (0..customers.len()).flat_map(|customer| customers.rows_of(customer).skip(1));
    let late = |times: &[i64]| {
        let is_late = |row: &usize| {
            times[*row] < customers.valid_from[*row]
                && times[row - 1] == NEVER
                && customers.signed_up_at[row - 1] == customers.signed_up_at[*row]
                && customers.valid_from[row - 1] <= times[*row]
        };
        let mut late = Rows::default();
        later_rows().filter(is_late).for_each(|row| late.add(given(row)));
        late
    };
    let notices = late(&customers.notice_at).finding(
        FindingCode::LateNotice,
        RecordKind::Customers,
        Some("notice_at"),
        "'notice_at' lies before 'valid_from', and the row that was valid at the notice has none, so the customer is scored until 'valid_from': give 'notice_at' in all rows from the same sign-up",
    );
    let ends = late(&customers.churned_at).finding(
        FindingCode::LateEnd,
        RecordKind::Customers,
        Some("churned_at"),
        "'churned_at' lies before 'valid_from', and the row that was valid at the end has none, so the customer who left is scored until 'valid_from': give the time of the end as 'valid_from' of this row, or give 'churned_at' in all rows from the same sign-up",
    );
    notices.into_iter().chain(ends)
}

/// The finding about customers whose `churned_at` lies up to two years after the end of the history. The rows of such
/// customers do not state since when this end is known, so predictions do not use it. `longest_gap` is the length
/// in days of the longest gap without events. If the caller has not set the end of the history, an end that follows the
/// last event sooner than `longest_gap` days is not reported, because it may already have passed.
pub(crate) fn scheduled_ends(records: &TenantRecords, longest_gap: i64) -> Option<Finding> {
    let until = records.observed_until(None)?.as_micros();
    let first = match records.observed_until {
        Some(_) => until,
        None => until.saturating_add(longest_gap.max(1).saturating_mul(MICROS_PER_DAY)),
    };
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

/// Finds the rows in which a customer signs up again. For each of these rows, returns the position of the row in the
/// input, the end of the earlier spell (uninterrupted period as a customer) and the time of the new sign-up. Both times
/// are in microseconds since 1970-01-01.
fn returns(customers: &Customers, given: &impl Fn(usize) -> u64) -> Vec<(u64, i64, i64)> {
    let own = (0..customers.len()).filter(|_| customers.returning);
    // The last row of a spell contains the end of the spell.
    let pairs = own.flat_map(|customer| customers.rows_of(customer).skip(1).map(|row| (row - 1, row)));
    let again = pairs.filter(|&(before, row)| customers.signed_up_at[before] != customers.signed_up_at[row]);
    again
        .map(|(before, row)| (given(row), customers.churned_at[before], customers.signed_up_at[row]))
        .collect()
}

/// The findings about customers who sign up again before their earlier spell has ended, and about customers who sign up
/// again so soon after that end that the rows are probably an upgrade or a renewal.
fn overlaps_and_short_gaps(customers: &Customers, given: &impl Fn(usize) -> u64) -> impl Iterator<Item = Finding> {
    let (mut overlapping, mut short) = (Rows::default(), Rows::default());
    for (position, end, again) in returns(customers, given) {
        if end > again {
            overlapping.add(position);
        } else if again.saturating_sub(end) < SHORT_GAP {
            short.add(position);
        }
    }
    let column = Some("signed_up_at");
    let overlapping = overlapping.finding(
        FindingCode::OverlappingSpells,
        RecordKind::Customers,
        column,
        "the customer signs up again before the earlier spell has ended, so the later spell alone counts: give all rows of one spell the same 'signed_up_at', or set 'churned_at' in the earlier rows",
    );
    let short = short.finding(
        FindingCode::ShortGap,
        RecordKind::Customers,
        column,
        "the customer signs up again less than two days after 'churned_at', which counts as churn and return: if the row is an upgrade or a renewal, give all rows the first 'signed_up_at' and 'valid_from', and leave 'churned_at' empty in the earlier rows",
    );
    overlapping.into_iter().chain(short)
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
/// Customers who became known late are reported if they are more than 1 / `LATE_SHARE` of all customers.
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
