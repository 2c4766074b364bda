//! Reads the subscriptions table.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use crate::error::{Error, ErrorKind, Finding, FindingCode, IssueCode, RecordKind, Result, excerpt};
use crate::input::fields::{Field, Problem, bounded_number, currency, id, text, timestamp, word};
use crate::input::schema::{known_among, nearest_subscription_column, subscription_columns};
use crate::input::table::{Cell, Table};
use crate::parallel::Workers;
use crate::record::{ALWAYS, NEVER};

/// The billing intervals, each with its average number of charges per month.
const INTERVALS: &[(&str, f64)] = &[
    ("day", 365.0 / 12.0),
    ("week", 52.0 / 12.0),
    ("month", 1.0),
    ("quarter", 1.0 / 3.0),
    ("year", 1.0 / 12.0),
];

/// One row of the subscriptions table, which is one version of a subscription.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    pub(super) row: usize,
    pub(super) id: Option<Rc<str>>,
    pub(super) started_at: i64,
    /// The end of the subscription; `NEVER` if the subscription has not ended.
    pub(super) ended_at: i64,
    pub(super) mrr: f64,
    pub(super) plan: Option<Rc<str>>,
    pub(super) seats: Option<f64>,
    pub(super) known_at: i64,
}

/// The subscriptions table. Its columns are accessed by their known names.
pub(super) struct Source<'a> {
    table: &'a Table,
    /// Maps each known name to the name that the column has in the input.
    columns: BTreeMap<&'static str, String>,
    extra: Vec<String>,
}

impl<'a> Source<'a> {
    pub(super) fn new(table: &'a Table) -> Result<Self> {
        let (mut columns, mut extra) = (BTreeMap::new(), vec![]);
        for name in table.column_names() {
            match known_among(subscription_columns(), name) {
                None => extra.push(name.to_owned()),
                Some(known) => {
                    if let Some(other) = columns.insert(known, name.to_owned()) {
                        let why = format!("'{}' and '{}' are both '{known}'", excerpt(&other), excerpt(name));
                        return Err(refuse(IssueCode::DuplicateColumn, None, known, &why));
                    }
                }
            }
        }
        let missing = subscription_columns()
            .iter()
            .find(|column| column.required && !columns.contains_key(column.name));
        match missing {
            Some(column) if table.n_rows() > 0 || table.column_names().next().is_some() => {
                let near = extra
                    .iter()
                    .find(|name| nearest_subscription_column(name) == Some(column.name));
                let why = match near {
                    Some(near) => format!(
                        "the required column is missing; there is '{}': rename it",
                        excerpt(near)
                    ),
                    None => "the required column is missing".to_owned(),
                };
                Err(refuse(IssueCode::MissingColumn, None, column.name, &why))
            }
            _ => Ok(Self { table, columns, extra }),
        }
    }

    pub(super) fn has(&self, known: &str) -> bool {
        self.columns.contains_key(known)
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let rows = self.table.n_rows() as u64;
        let unused = self.extra.iter().map(|name| {
            let message = match nearest_subscription_column(name).filter(|known| !self.has(known)) {
                Some(known) => format!("this column of subscriptions is not used; did you mean '{known}'? Rename it"),
                None => {
                    "this column of subscriptions is not used: join it to customers if it is an attribute".to_owned()
                }
            };
            let (code, table) = (FindingCode::UnusedColumn, RecordKind::Customers);
            Finding::new(code, table, Some(name), rows, vec![], message)
        });
        unused.collect()
    }

    /// Reads a column. The result has one value per row, which is `None` if the column does not exist or the value is
    /// null.
    pub(super) fn values<T>(
        &self,
        known: &'static str,
        mut read: impl FnMut(Cell<'_>, &mut String) -> Field<T>,
    ) -> Result<Vec<Option<T>>> {
        let required = subscription_columns()
            .iter()
            .any(|column| column.required && column.name == known);
        let Some(cells) = self.columns.get(known).and_then(|name| self.table.cells(name)) else {
            return Ok((0..self.table.n_rows()).map(|_| None).collect());
        };
        let mut buffer = String::new();
        let values = cells.enumerate().map(|(row, cell)| match read(cell, &mut buffer) {
            Ok(None) if required => Err(refuse(
                IssueCode::MissingValue,
                Some(row),
                known,
                "a value is required here",
            )),
            Ok(value) => Ok(value),
            Err(Problem { code, message }) => Err(refuse(code, Some(row), known, &message)),
        });
        values.collect()
    }

    /// Reads the subscriptions table and groups its rows by customer.
    pub(super) fn read(&self, workers: &Workers) -> Result<BTreeMap<Rc<str>, Vec<Subscription>>> {
        // Equal texts share one allocation.
        let mut texts: HashSet<Rc<str>> = HashSet::new();
        let mut shared = |text: &str| match texts.get(text) {
            Some(known) => Rc::clone(known),
            None => {
                let new: Rc<str> = text.into();
                texts.insert(Rc::clone(&new));
                new
            }
        };
        let ids = self.values("customer_id", |cell, buffer| Ok(id(cell, buffer)?.map(&mut shared)))?;
        let started = self.values("started_at", |cell, _| timestamp(cell))?;
        let ended = self.values("ended_at", |cell, _| timestamp(cell))?;
        let prices = self.values("price", |cell, _| bounded_number(cell))?;
        let times = self.values("interval", |cell, _| interval(cell))?;
        let own_ids = self.values("subscription_id", |cell, buffer| Ok(id(cell, buffer)?.map(&mut shared)))?;
        let plans = self.values("plan", |cell, buffer| Ok(text(cell, buffer)?.map(&mut shared)))?;
        let seats = self.values("seats", |cell, _| bounded_number(cell))?;
        let known = self.values("known_at", |cell, _| timestamp(cell))?;
        let currencies = self.values("currency", |cell, buffer| Ok(currency(cell, buffer)?.map(&mut shared)))?;
        let mut first: Option<&Rc<str>> = None;
        for (row, code) in currencies.iter().enumerate() {
            let Some(code) = code else { continue };
            let first = first.get_or_insert(code);
            if *first != code {
                let why = format!("the price is in {code}, others are in {first}: convert them first");
                return Err(refuse(IssueCode::MixedCurrency, Some(row), "currency", &why));
            }
        }
        let mut by_customer: BTreeMap<Rc<str>, Vec<Subscription>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for row in 0..self.table.n_rows() {
            workers.check()?;
            let (Some(customer), Some(started_at), Some(price), Some(times)) =
                (&ids[row], started[row], prices[row], times[row])
            else {
                continue;
            };
            let ended_at = ended[row].unwrap_or(NEVER);
            if ended_at < started_at {
                let why = "'ended_at' lies before 'started_at'";
                return Err(refuse(IssueCode::EndsBeforeStart, Some(row), "ended_at", why));
            }
            let known_at = known[row].unwrap_or(ALWAYS);
            if let Some(own) = &own_ids[row]
                && !seen.insert((own.clone(), known_at))
            {
                let why = format!("'{}' was given before, with the same known_at", excerpt(own));
                return Err(refuse(IssueCode::DuplicateId, Some(row), "subscription_id", &why));
            }
            by_customer.entry(Rc::clone(customer)).or_default().push(Subscription {
                row,
                id: own_ids[row].clone(),
                started_at,
                ended_at,
                mrr: price * times,
                plan: plans[row].clone(),
                seats: seats[row],
                known_at,
            });
        }
        Ok(by_customer)
    }
}

pub(super) fn interval(cell: Cell<'_>) -> Field<f64> {
    word(cell, IssueCode::BadType, INTERVALS)
}

pub(super) fn refuse(code: IssueCode, row: Option<usize>, column: &str, why: &str) -> Error {
    let place = row.map_or(String::new(), |row| format!(" row {row}"));
    let message = format!("subscriptions{place} column '{column}': {why} ({code})");
    Error::new(ErrorKind::InvalidRecords(code), message).at(None, row.map(|row| row as u64), Some(column))
}
