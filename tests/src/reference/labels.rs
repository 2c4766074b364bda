//! Computes the eligible customers at a date and their labels.

use std::collections::BTreeMap;

use super::payments::State;
use super::{Given, customers, payments, visible, within};
use crate::raw::{ActivityRow, DAY, Event, PaymentRow, World};

/// A definition of churn. All periods are in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of the specification, in days")]
pub enum Definition {
    Cancellation {
        horizon: i64,
        lead: i64,
    },
    Inactivity {
        horizon: i64,
        lead: i64,
        active_within: i64,
        on: Table,
    },
}

/// The table whose events count as activity in a definition of churn by inactivity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the tables")]
pub enum Table {
    Payments,
    Activities,
}

/// The label of an eligible customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The customer churned. The value is the time of the cancellation; `None` if churn means inactivity.
    Churned(Option<i64>),
    /// The customer was retained. The value is the time of the first event in the label period; `None` if churn means
    /// cancellation.
    Retained(Option<i64>),
    /// The customer churned in the lead (the span between `as_of` and the label period).
    ChurnedInLead,
    /// The customer churned before `as_of`, but this was not yet known at `as_of`.
    ChurnedBefore,
}

/// The error that is returned if the label period ends after the observed history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Immature;

/// Returns the label of every eligible customer.
pub fn labels(world: &World, as_of: i64, definition: Definition) -> Result<BTreeMap<String, Outcome>, Immature> {
    let (horizon, lead, table) = match definition {
        Definition::Cancellation { horizon, lead } => (horizon, lead, None),
        Definition::Inactivity { horizon, lead, on, .. } => (horizon, lead, Some(on)),
    };
    let start = as_of + lead * DAY;
    let end = start + horizon * DAY;
    let until = observed_until(world, table).ok_or(Immature)?;
    if end > until {
        return Err(Immature);
    }
    let mut outcomes = BTreeMap::new();
    let life = |known| table.map_or(BTreeMap::new(), |on| signs_of_life(world, on, known));
    let (life_then, life_later) = (life(as_of), life(until));
    let none = Vec::new();
    let before = |moment: Option<i64>, limit: i64| moment.is_some_and(|moment| moment < limit);
    for customer in customers::in_a_spell(world, as_of) {
        let Some(seen) = customers::seen(world, customer, as_of) else {
            continue;
        };
        if before(seen.churned_at, as_of) {
            continue;
        }
        let churned_at = customers::true_churned_at(world, seen);
        let outcome = match definition {
            Definition::Cancellation { .. } => {
                if before(seen.notice_at, as_of) {
                    continue;
                }
                if before(churned_at, as_of) {
                    Outcome::ChurnedBefore
                } else if before(churned_at, start) {
                    Outcome::ChurnedInLead
                } else if before(churned_at, end) {
                    Outcome::Churned(churned_at)
                } else {
                    Outcome::Retained(None)
                }
            }
            Definition::Inactivity { active_within, .. } => {
                let recently = |at: &i64| within(*at, as_of, active_within);
                if !life_then.get(customer).unwrap_or(&none).iter().any(recently) {
                    continue;
                }
                if before(churned_at, as_of) {
                    outcomes.insert(customer.to_owned(), Outcome::ChurnedBefore);
                    continue;
                }
                let mut later = life_later.get(customer).unwrap_or(&none).iter();
                match later.find(|&&at| start <= at && at < end) {
                    Some(&at) => Outcome::Retained(Some(at)),
                    None => Outcome::Churned(None),
                }
            }
        };
        outcomes.insert(customer.to_owned(), outcome);
    }
    Ok(outcomes)
}

/// Returns, for each customer, the times of the events that count as activity. Only events that are known before the
/// date `known` are included. The times are in ascending order.
fn signs_of_life(world: &World, on: Table, known: i64) -> BTreeMap<&str, Vec<i64>> {
    match (on, &world.payments, &world.activities) {
        (Table::Payments, Some(table), _) => {
            let paid = |rows: &[Given<'_, PaymentRow>]| {
                let seen = payments::seen(table, rows, known).into_iter();
                seen.filter(|p| p.state == State::Paid).map(|p| p.due_at).collect()
            };
            let visible = visible(&table.rows, known).into_iter();
            visible.map(|(customer, rows)| (customer, paid(&rows))).collect()
        }
        (Table::Activities, _, Some(table)) => {
            let times = |rows: &[Given<'_, ActivityRow>]| rows.iter().map(|a| a.row.at).collect();
            let visible = visible(&table.rows, known).into_iter();
            visible.map(|(customer, rows)| (customer, times(&rows))).collect()
        }
        _ => BTreeMap::new(),
    }
}

/// Returns the end of the observed history. If the caller does not give this end, it is one microsecond after the
/// latest event that has no far (implausibly late) date. For inactivity, only events of the table `on` count. A payment
/// that stays pending is not an event.
pub fn observed_until(world: &World, on: Option<Table>) -> Option<i64> {
    let all = i64::MAX;
    let payments = world.payments.iter().flat_map(|table| {
        let seen = visible(&table.rows, all);
        let seen = seen.values().flat_map(|rows| payments::seen(table, rows, all));
        let events = seen.filter(|payment| payment.state != State::Pending);
        events.map(|payment| payment.due_at).collect::<Vec<i64>>()
    });
    let payments = latest(payments.collect());
    let tickets = world.tickets.as_ref().and_then(|table| latest(times(&table.rows, all)));
    let activities = world
        .activities
        .as_ref()
        .and_then(|table| latest(times(&table.rows, all)));
    let latest = match on {
        Some(Table::Payments) => payments,
        Some(Table::Activities) => activities,
        None => payments.max(tickets).max(activities),
    };
    world.observed_until.or(latest.map(|latest| latest + 1))
}

/// Returns the latest time that is not a far (implausibly late) date. To find far dates, the latest 0.1 % of the times
/// (at least one) are set aside. A time is a far date if it is more than 365 days after the latest of the remaining
/// times.
fn latest(mut times: Vec<i64>) -> Option<i64> {
    times.sort_unstable();
    let last = (times.len() / 1000).max(1);
    let usual = times.iter().rev().nth(last).copied();
    let near = |at: &i64| usual.is_none_or(|usual| *at <= usual + 365 * DAY);
    times.into_iter().rfind(near)
}

fn times<R: Event>(rows: &[R], as_of: i64) -> Vec<i64> {
    let visible = visible(rows, as_of);
    visible.values().flatten().map(|event| event.row.at()).collect()
}
