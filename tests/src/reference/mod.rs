//! What every number should be, read off the specification and nothing else.
//!
//! No index, no running sum, no cleverness: every feature looks at all visible rows of its customer
//! again. Sums of money and of time are exact whole numbers.

mod activities;
mod customers;
pub mod labels;
mod payments;
mod tickets;

use std::collections::BTreeMap;

use crate::raw::{DAY, Event, World};

/// The standard windows in days.
pub const WINDOWS: [i64; 4] = [28, 91, 182, 364];

/// The value of a feature.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number, NaN where missing; bools are 0 and 1.
    Number(f64),
    /// A text, `None` where missing.
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

/// The features of one customer, in order.
#[derive(Clone, Debug, Default)]
pub struct Row(pub Vec<(String, Value)>);

impl Row {
    fn put(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.push((name.into(), value.into()));
    }
}

/// All customers at one date.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The names of the features, in order.
    pub names: Vec<String>,
    /// The values of each customer, in that order.
    pub rows: BTreeMap<String, Vec<Value>>,
}

/// The standard features of every customer at a date.
pub fn features(world: &World, as_of: i64) -> Reference {
    let payments = world.payments.as_ref().map(|t| visible(&t.rows, as_of));
    let tickets = world.tickets.as_ref().map(|t| visible(&t.rows, as_of));
    let activities = world.activities.as_ref().map(|t| visible(&t.rows, as_of));
    let row = |customer: Option<&str>| {
        let of = customer.unwrap_or_default();
        let mut row = Row::default();
        customers::put(&mut row, world, customer, as_of);
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

/// An event and its position in what was given.
#[derive(Debug)]
pub struct Given<'a, R> {
    /// 0-based.
    pub position: usize,
    /// The row.
    pub row: &'a R,
}

impl<R> Clone for Given<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Given<'_, R> {}

/// The visible events of each customer, by event time, then in the order given.
///
/// Of the versions of a record only the last known counts; it is visible if its event lies before `as_of`.
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

fn rows_of<'v, 'r, R>(
    visible: &'v BTreeMap<&'r str, Vec<Given<'r, R>>>,
    customer: &str,
) -> &'v [Given<'r, R>] {
    visible.get(customer).map_or(&[], Vec::as_slice)
}

/// Whether a moment lies in the window of `days` days before `as_of`.
fn within(moment: i64, as_of: i64, days: i64) -> bool {
    as_of - days * DAY <= moment && moment < as_of
}

/// Days from one moment to another.
fn days(from: i64, to: i64) -> f64 {
    (to - from) as f64 / DAY as f64
}

/// The sum of whole numbers divided by their count and by what makes a unit; NaN if there are none.
fn mean(whole: &[i128], unit: f64) -> f64 {
    let sum: i128 = whole.iter().sum();
    sum as f64 / unit / whole.len() as f64
}

/// The sample standard deviation of whole numbers, from exact sums; NaN if there are fewer than two.
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

/// The spans between consecutive moments, which are in order.
fn gaps(moments: &[i64]) -> Vec<i128> {
    let pairs = moments.windows(2);
    pairs.map(|pair| i128::from(pair[1] - pair[0])).collect()
}

/// What happened in the window, by what would be usual: what happened before it, evened out over the days
/// since the first event, for as many days as the window has.
fn vs_usual(in_window: f64, before: f64, first: Option<i64>, as_of: i64, window: i64) -> f64 {
    let start = as_of - window * DAY;
    match first {
        Some(first) if start - first >= window * DAY => {
            ratio(in_window, before * window as f64 / days(first, start))
        }
        _ => f64::NAN,
    }
}
