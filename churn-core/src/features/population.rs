//! Eligibility. A customer is eligible at a date if the records known at that date do not yet tell whether the customer
//! churns in the label period.

use crate::error::{Error, ErrorKind, RecordKind, Result, excerpt};
use crate::features::definition::ChurnDefinition;
use crate::features::view::{CustomerView, PaymentState, Row, StreamView};
use crate::input::nearest_given;
use crate::parallel::Workers;
use crate::record::{NEVER, TenantRecords};
use crate::time::{AsOf, MICROS_PER_DAY};

/// The codes of the customers who are eligible at a date, ascending.
pub(crate) fn eligible(
    records: &TenantRecords,
    as_of: AsOf,
    definition: &ChurnDefinition,
    workers: &Workers,
) -> Result<Vec<u32>> {
    check(records, definition)?;
    let found = workers.map_chunks(records.customers.len(), 1 << 14, |range| {
        let customers = range.map(|customer| customer as u32);
        let eligible = customers.filter(|&customer| is_eligible(records, customer, as_of.as_micros(), definition));
        Ok(eligible.collect::<Vec<_>>())
    })?;
    Ok(found.concat())
}

/// Checks that the definition is valid and that the records contain the table whose events the definition uses.
pub(crate) fn check(records: &TenantRecords, definition: &ChurnDefinition) -> Result<()> {
    definition.validate()?;
    match definition.observed_on() {
        Some(on) if records.n_rows(on).is_none() => Err(Error::new(
            ErrorKind::InvalidOption,
            format!("inactivity on {on} needs the {on} table"),
        )
        .at(Some(on), None, Some("on"))),
        _ => Ok(()),
    }
}

/// The reason why no customer in the records can churn under a definition; `None` if customers can churn.
pub(crate) fn cannot_tell(records: &TenantRecords, definition: &ChurnDefinition) -> Option<String> {
    let ChurnDefinition::Cancellation { .. } = definition else {
        return None;
    };
    if records.customers.churned_at.iter().any(|&at| at != NEVER) {
        return None;
    }
    let hint = match near_end(records) {
        Some(near) => format!("there is '{}': rename it", excerpt(near)),
        None => "no customer has one".to_owned(),
    };
    Some(format!("cancellation needs customers.churned_at; {hint}"))
}

/// The name of a customer attribute whose name is similar to `churned_at`; `None` if there is no such attribute.
fn near_end(records: &TenantRecords) -> Option<&str> {
    let names = records.customers.attributes.iter();
    nearest_given(
        RecordKind::Customers,
        "churned_at",
        names.map(|attribute| attribute.name.as_str()),
    )
}

/// Returns an error if no customer has a `churned_at`, but an attribute has a similar name. The attribute then probably
/// contains the time at which each customer churned.
pub(crate) fn require_end(records: &TenantRecords, definition: &ChurnDefinition) -> Result<()> {
    match cannot_tell(records, definition).filter(|_| near_end(records).is_some()) {
        Some(why) => {
            Err(Error::new(ErrorKind::SingleClass, why).at(Some(RecordKind::Customers), None, Some("churned_at")))
        }
        None => Ok(()),
    }
}

pub(crate) fn is_eligible(records: &TenantRecords, customer: u32, as_of: i64, definition: &ChurnDefinition) -> bool {
    let Some(view) = CustomerView::new(records, customer, as_of) else {
        return false;
    };
    if view.has_churned() {
        return false;
    }
    match definition {
        ChurnDefinition::Cancellation { .. } => !view.has_given_notice(),
        ChurnDefinition::Inactivity { on, .. } => {
            let from = as_of.saturating_sub(i64::from(definition.active_days()) * MICROS_PER_DAY);
            first_event(records, customer, *on, as_of, from, as_of).is_some()
        }
    }
}

/// The first event in `[from, to)` that counts as activity (a paid payment, or an activity). Only what is known at
/// `known_by` is considered.
pub(crate) fn first_event(
    records: &TenantRecords,
    customer: u32,
    on: RecordKind,
    known_by: i64,
    from: i64,
    to: i64,
) -> Option<i64> {
    let view = StreamView::new(records, on, known_by)?;
    let paid = |row: Row| matches!(view.payment_state(row), PaymentState::Paid | PaymentState::Refunded);
    let mut first = None;
    view.rows(customer, |at, row| {
        if first.is_none() && (from..to).contains(&at) && paid(row) {
            first = Some(at);
        }
    });
    first
}
