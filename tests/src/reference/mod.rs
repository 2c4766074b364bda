//! A reference implementation of features and labels. It computes every number from the specification, without code of
//! the library.
//!
//! It is slow and simple. It uses no indexes and no cumulative sums, and for every feature of a customer, it reads all
//! visible rows of this customer again. Amounts of money and durations are added as whole numbers, so these sums are
//! exact.

mod activities;
mod customers;
pub mod labels;
mod payments;
mod tickets;

use std::collections::BTreeMap;

use crate::raw::{DAY, Event, World};

/// The lengths of the standard windows in days. A window is a period that ends at `as_of`. A feature reads the events
/// in its window.
pub const WINDOWS: [i64; 4] = [28, 91, 182, 364];

/// The value of a feature.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number. It is NaN if the value is missing. Bools are 0 and 1.
    Number(f64),
    /// A text. It is `None` if the value is missing.
    Text(Option<String>),
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Number(count as f64)
    }
}

/// The names and values of one customer's features, in order.
#[derive(Clone, Debug, Default)]
pub struct Row(pub Vec<(String, Value)>);

impl Row {
    fn put(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.push((name.into(), value.into()));
    }
}

/// The features of all customers at one date.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The names of the features, in order.
    pub names: Vec<String>,
    /// The values of each customer, in the order of `names`.
    pub rows: BTreeMap<String, Vec<Value>>,
}

/// Computes the standard features of every customer at a date.
pub fn features(world: &World, as_of: i64) -> Reference {
    let payments = world.payments.as_ref().map(|t| visible(&t.rows, as_of));
    let tickets = world.tickets.as_ref().map(|t| visible(&t.rows, as_of));
    let activities = world.activities.as_ref().map(|t| visible(&t.rows, as_of));
    let returned = customers::anyone_returned(&world.customers);
    let row = |customer: Option<&str>| {
        let of = customer.unwrap_or_default();
        let mut row = Row::default();
        customers::put(&mut row, world, customer, returned, as_of);
        if let (Some(table), Some(visible)) = (&world.payments, &payments) {
            let seen = payments::seen(table, rows_of(visible, of), as_of);
            payments::put(&mut row, &seen, table.digits, as_of);
        }
        if let Some(visible) = &tickets {
            tickets::put(&mut row, rows_of(visible, of), as_of);
        }
        if let Some(visible) = &activities {
            activities::put(&mut row, rows_of(visible, of), as_of);
        }
        row.0
    };
    let names: Vec<String> = row(None).into_iter().map(|(name, _)| name).collect();
    let mut rows = BTreeMap::new();
    for customer in customers::in_a_spell(world, as_of) {
        let (own, values): (Vec<String>, Vec<Value>) = row(Some(customer)).into_iter().unzip();
        assert_eq!(own, names, "every customer has the same features");
        rows.insert(customer.to_owned(), values);
    }
    Reference { names, rows }
}

/// An event row and its position in the input.
#[derive(Debug)]
pub struct Given<'a, R> {
    /// The position of the row in the input table, beginning with 0.
    pub position: usize,
    /// The event row.
    pub row: &'a R,
}

impl<R> Clone for Given<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Given<'_, R> {}

/// Returns the events of each customer that are visible at a date. The events are sorted by event time. Events with the
/// same time keep the order of the input.
///
/// A record may have several versions. Only the version that became known last before `as_of` counts. This version is
/// visible if its event time lies before `as_of`.
fn visible<R: Event>(rows: &[R], as_of: i64) -> BTreeMap<&str, Vec<Given<'_, R>>> {
    let known = |row: &R| row.known_at().is_none_or(|known_at| known_at < as_of);
    let mut last_known: BTreeMap<&str, Option<i64>> = BTreeMap::new();
    for row in rows.iter().filter(|row| known(row)) {
        if let Some(id) = row.id() {
            let last = last_known.entry(id).or_insert(row.known_at());
            *last = row.known_at().max(*last);
        }
    }
    let mut by_customer: BTreeMap<&str, Vec<Given<'_, R>>> = BTreeMap::new();
    for (position, row) in rows.iter().enumerate() {
        let superseded = row
            .id()
            .is_some_and(|id| known(row) && row.known_at() != last_known[id]);
        if row.at() < as_of && known(row) && !superseded {
            let customer = by_customer.entry(row.customer_id()).or_default();
            customer.push(Given { position, row });
        }
    }
    for customer in by_customer.values_mut() {
        customer.sort_by_key(|event| (event.row.at(), event.position));
    }
    by_customer
}

fn rows_of<'v, 'r, R>(visible: &'v BTreeMap<&'r str, Vec<Given<'r, R>>>, customer: &str) -> &'v [Given<'r, R>] {
    visible.get(customer).map_or(&[], Vec::as_slice)
}

/// Returns whether a timestamp lies in the window of `days` days before `as_of`.
fn within(moment: i64, as_of: i64, days: i64) -> bool {
    as_of - days * DAY <= moment && moment < as_of
}

/// Returns the number of days from one timestamp to another.
fn days(from: i64, to: i64) -> f64 {
    (to - from) as f64 / DAY as f64
}

/// Returns the mean of whole numbers, divided by `unit`. For example, microseconds become days if `unit` is the number
/// of microseconds in a day. The mean is NaN if there are no numbers.
fn mean(whole: &[i128], unit: f64) -> f64 {
    let sum: i128 = whole.iter().sum();
    sum as f64 / unit / whole.len() as f64
}

/// Returns the sample standard deviation of whole numbers, divided by `unit`. The result is NaN if there are fewer than
/// two numbers.
fn std(whole: &[i128], unit: f64) -> f64 {
    let n = whole.len() as i128;
    if n < 2 {
        return f64::NAN;
    }
    let sum: i128 = whole.iter().sum();
    let squares: i128 = whole.iter().map(|x| x * x).sum();
    let variance = (n * squares - sum * sum) as f64 / (n * (n - 1)) as f64;
    variance.sqrt() / unit
}

fn ratio(numerator: f64, denominator: f64) -> f64 {
    if denominator == 0.0 {
        f64::NAN
    } else {
        numerator / denominator
    }
}

/// Returns the differences between consecutive timestamps. The timestamps must be sorted.
fn gaps(moments: &[i64]) -> Vec<i128> {
    let pairs = moments.windows(2);
    pairs.map(|pair| i128::from(pair[1] - pair[0])).collect()
}

/// Returns a customer's total in the window, divided by the usual total. The usual total is the total per day before
/// the window, multiplied by the number of days in the window. The days before the window are counted from the
/// customer's first event.
fn vs_usual(in_window: f64, before: f64, first: Option<i64>, as_of: i64, window: i64) -> f64 {
    let start = as_of - window * DAY;
    match first {
        Some(first) if start - first >= window * DAY => ratio(in_window, before * window as f64 / days(first, start)),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::{
        ActivityRow, ActivityTable, CustomerRow, CustomerTable, Decimal, HOUR, PaymentRow, PaymentTable, Statics,
        TicketRow, TicketTable,
    };

    fn payment(day: i64, units: i64, settled_at: Option<i64>, status: &'static str) -> PaymentRow {
        PaymentRow {
            payment_id: None,
            customer_id: "a".into(),
            due_at: day * DAY,
            amount: Decimal { units, places: 2 },
            settled_at: settled_at.map(|day| day * DAY),
            status: Some(status),
            refunded_at: None,
            currency: None,
            method: None,
            known_at: None,
        }
    }

    fn ticket(day: i64, resolved_at: Option<i64>, rating: Option<(f64, i64)>) -> TicketRow {
        TicketRow {
            ticket_id: None,
            customer_id: "a".into(),
            opened_at: day * DAY,
            first_response_at: Some(day * DAY + 6 * HOUR),
            resolved_at: resolved_at.map(|day| day * DAY),
            reopened_at: None,
            priority: Some("urgent"),
            category: None,
            channel: None,
            satisfaction: rating.map(|(rating, _)| rating),
            satisfaction_at: rating.map(|(_, day)| day * DAY),
            known_at: None,
        }
    }

    fn activity(micros: i64, kind: Option<&str>, quantity: Option<f64>) -> ActivityRow {
        ActivityRow {
            activity_id: None,
            customer_id: "a".into(),
            at: micros,
            kind: kind.map(str::to_owned),
            quantity,
            known_at: None,
        }
    }

    fn version(from: i64, seats: f64) -> CustomerRow {
        CustomerRow {
            customer_id: "a".into(),
            signed_up_at: 0,
            churned_at: None,
            notice_at: None,
            renews_at: Some(410 * DAY),
            valid_from: Some(from * DAY),
            known_at: None,
            attributes: vec![Some(crate::raw::Attribute::Number(seats))],
        }
    }

    /// Returns a world with the short history of one customer. The expected features on day 400 were computed by hand.
    fn paper() -> World {
        let payments = vec![
            payment(100, 1000, Some(101), "paid"),
            payment(290, 2000, Some(293), "refunded"),
            payment(380, 3000, Some(380), "paid"),
            payment(385, 6000, Some(386), "paid"),
            payment(390, 500, Some(391), "failed"),
            payment(395, 700, Some(400), "paid"),
            payment(400, 900, Some(400), "paid"),
        ];
        let tickets = vec![
            ticket(350, Some(352), Some((2.0, 399))),
            ticket(372, Some(400), Some((5.0, 398))),
            ticket(371, None, None),
        ];
        let activities = vec![
            activity(399 * DAY, Some("login"), None),
            activity(399 * DAY + 1, None, Some(2.5)),
            activity(372 * DAY - 1, Some("login"), Some(-4.0)),
        ];
        let seats = ("seats".to_owned(), crate::raw::AttributeType::Number);
        World {
            customers: CustomerTable {
                columns: vec!["renews_at", "valid_from"],
                attributes: vec![seats],
                rows: vec![version(0, 3.0), version(372, 5.0), version(373, 4.0)],
            },
            payments: Some(PaymentTable {
                columns: vec!["settled_at", "status"],
                digits: 2,
                rows: payments,
            }),
            tickets: Some(TicketTable {
                columns: vec![
                    "first_response_at",
                    "resolved_at",
                    "priority",
                    "satisfaction",
                    "satisfaction_at",
                ],
                rows: tickets,
            }),
            activities: Some(ActivityTable {
                columns: vec!["kind", "quantity"],
                rows: activities,
            }),
            statics: Statics::None,
            observed_until: None,
            dates: vec![],
        }
    }

    #[test]
    fn agrees_with_paper() {
        let seen = features(&paper(), 400 * DAY);
        let row = &seen.rows["a"];
        for (name, expected) in [
            ("customer_tenure_days", 400.0),
            ("customer_days_to_renewal", 10.0),
            ("customer_seats", 4.0),
            ("customer_seats_change_28d", 1.0),
            ("customer_seats_change_364d", 1.0),
            ("customer_days_since_change", 27.0),
            ("payments_count_28d", 4.0),
            ("payments_paid_count_28d", 2.0),
            ("payments_failed_count_28d", 1.0),
            ("payments_refunded_count_91d", 0.0),
            ("payments_refunded_sum_182d", 20.0),
            ("payments_paid_sum_28d", 90.0),
            ("payments_paid_mean_28d", 45.0),
            ("payments_paid_max_28d", 60.0),
            ("payments_paid_std_28d", 450f64.sqrt()),
            ("payments_failed_share_28d", 1.0 / 3.0),
            ("payments_late_days_mean_28d", 0.5),
            ("payments_paid_sum_change_91d", 90.0 - 20.0),
            ("payments_paid_sum_vs_usual_28d", 90.0 / (30.0 * 28.0 / 272.0)),
            ("payments_paid_sum_vs_usual_182d", f64::NAN),
            ("payments_gap_days_mean_28d", 5.0),
            ("payments_gap_days_std_28d", f64::NAN),
            ("payments_lifetime_count", 6.0),
            ("payments_lifetime_paid_sum", 120.0),
            ("payments_days_since_last_paid", 15.0),
            ("payments_days_since_first_paid", 300.0),
            ("payments_last_paid_amount", 60.0),
            ("payments_overdue_count", 1.0),
            ("payments_overdue_sum", 7.0),
            ("payments_unpaid_count", 2.0),
            ("payments_unpaid_sum", 12.0),
            ("payments_failed_streak", 1.0),
            ("payments_gap_days_mean", 95.0),
            ("payments_recency_ratio", 15.0 / 95.0),
            // The gaps are 190, 90 and 5 days, and their median is 90. The next payment is due on day 385 + 90, which
            // is after `as_of`.
            ("payments_periods_missed", 0.0),
            ("tickets_count_28d", 1.0),
            ("tickets_urgent_count_91d", 3.0),
            ("tickets_resolved_count_91d", 1.0),
            ("tickets_resolution_hours_mean_91d", 48.0),
            ("tickets_satisfaction_mean_28d", 3.5),
            ("tickets_first_response_hours_mean_28d", 6.0),
            ("tickets_count_change_28d", -1.0),
            ("tickets_open_count", 2.0),
            ("tickets_oldest_open_days", 29.0),
            ("tickets_days_since_last", 28.0),
            ("tickets_last_satisfaction", 2.0),
            ("activities_count_28d", 2.0),
            ("activities_quantity_sum_28d", 3.5),
            ("activities_active_days_28d", 1.0),
            ("activities_kinds_28d", 2.0),
            ("activities_kinds_91d", 2.0),
            ("activities_quantity_sum_91d", -0.5),
            ("activities_count_change_28d", 1.0),
            ("activities_lifetime_count", 3.0),
        ] {
            let at = seen.names.iter().position(|n| n == name).expect(name);
            let Value::Number(found) = row[at] else {
                panic!("{name} is a text")
            };
            let equal = (found - expected).abs() <= 1e-12 || found.is_nan() && expected.is_nan();
            assert!(equal, "{name}: {expected} on paper, {found} found");
        }
    }
}
