//! Joins attributes of a customers table to the versions (dated rows) of customers that are computed from
//! subscriptions.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::error::{Error, ErrorKind, Finding, FindingCode, IssueCode, RecordKind, Result, excerpt};
use crate::input::fields::{id, timestamp};
use crate::input::quality::Rows;
use crate::input::schema::columns_of;
use crate::input::table::{Cell, Table, Value};
use crate::record::{ALWAYS, StaticAttributes};

use super::source::Subscription;

/// The customers table whose attributes are joined.
pub(super) struct Joined {
    table: Table,
    dated: bool,
    /// The names of the attributes that are joined.
    names: Vec<String>,
    left_out: Vec<String>,
    /// Maps each customer to their rows, sorted by `valid_from`. A row is stored as the pair (`valid_from`, row
    /// number).
    rows: BTreeMap<String, Vec<(i64, usize)>>,
}

impl Joined {
    pub(super) fn new(table: Table, static_attributes: &StaticAttributes) -> Result<Self> {
        let option = |name: &str, why: String| Error::new(ErrorKind::InvalidOption, why).at(None, None, Some(name));
        if table.has_column("known_at") {
            let why = "customers with known_at cannot be joined to subscriptions: join them afterwards".to_owned();
            return Err(option("customers", why));
        }
        let dated = table.has_column("valid_from");
        let made = ["mrr", "plan", "seats"];
        // The renewal date changes over time, as attributes do. It is therefore treated like an attribute.
        let is_extra = |name: &&str| {
            *name == "renews_at"
                || columns_of(RecordKind::Customers)
                    .iter()
                    .all(|known| known.name != *name)
        };
        let extra: Vec<String> = table.column_names().filter(is_extra).map(str::to_owned).collect();
        if let StaticAttributes::Named(names) = static_attributes
            && let Some(name) = names.iter().find(|name| !extra.contains(name))
        {
            let why = format!("the customers have no attribute '{}'", excerpt(name));
            return Err(option("static_attributes", why));
        }
        let (names, left_out) = extra
            .into_iter()
            .partition(|name| (dated || static_attributes.includes(name)) && !made.contains(&name.as_str()));
        let mut joined = Self {
            table,
            dated,
            names,
            left_out,
            rows: BTreeMap::new(),
        };
        let Some(ids) = joined.table.cells("customer_id") else {
            return Err(wrong(
                IssueCode::MissingColumn,
                None,
                "customer_id",
                "the required column is missing",
            ));
        };
        let mut buffer = String::new();
        let mut rows: BTreeMap<String, Vec<(i64, usize)>> = BTreeMap::new();
        for (row, cell) in ids.enumerate() {
            let own = id(cell, &mut buffer)
                .map_err(|problem| wrong(problem.code, Some(row), "customer_id", &problem.message))?;
            let Some(own) = own else {
                return Err(wrong(
                    IssueCode::MissingValue,
                    Some(row),
                    "customer_id",
                    "a value is required here",
                ));
            };
            let own = own.to_owned();
            let valid_from = joined.moment("valid_from", row)?.unwrap_or(ALWAYS);
            rows.entry(own).or_default().push((valid_from, row));
        }
        for (customer, rows) in &mut rows {
            rows.sort_unstable();
            if let Some(twice) = rows.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                let why = format!(
                    "customer '{}' was given before, with the same valid_from",
                    excerpt(customer)
                );
                return Err(wrong(
                    IssueCode::DuplicateVersion,
                    Some(twice[1].1),
                    "customer_id",
                    &why,
                ));
            }
        }
        joined.rows = rows;
        Ok(joined)
    }

    pub(super) fn cell(&self, name: &str, row: usize) -> Cell<'_> {
        let column = self.table.column(name);
        column.map_or(Cell::Null, |column| column.cell(self.table.position(row)))
    }

    pub(super) fn moment(&self, name: &str, row: usize) -> Result<Option<i64>> {
        timestamp(self.cell(name, row)).map_err(|problem| wrong(problem.code, Some(row), name, &problem.message))
    }

    /// The times at which the attributes of a customer may change: the `valid_from` of each of the customer's rows.
    pub(super) fn moments(&self, customer: &str) -> Vec<i64> {
        let rows = self.rows.get(customer).filter(|_| self.dated);
        rows.map_or(vec![], |rows| {
            rows.iter()
                .map(|&(from, _)| from)
                .filter(|&from| from != ALWAYS)
                .collect()
        })
    }

    /// The attribute values that are joined to a version of a customer. The version is true from `valid_from`, and its
    /// spell (uninterrupted period as a customer) lasts from `start` to `end`.
    pub(super) fn values(&self, customer: &str, start: i64, valid_from: i64, end: i64) -> Result<Vec<(String, Value)>> {
        let rows = self.rows.get(customer).map_or(&[][..], Vec::as_slice);
        let later = rows.partition_point(|(from, _)| *from <= valid_from);
        let row = later.checked_sub(1).map(|row| rows[row].1);
        let value = |name: &String| {
            let value = match row {
                None => Value::Null,
                Some(row) if name == "renews_at" => self.moment(name, row)?.map_or(Value::Null, Value::Timestamp),
                Some(row) => self.cell(name, row).to_value(),
            };
            Ok((name.clone(), value))
        };
        let mut values: Vec<(String, Value)> = self.names.iter().map(value).collect::<Result<_>>()?;
        if self.table.has_column("notice_at") {
            let notice = match row {
                Some(row) => self.moment("notice_at", row)?.filter(|&at| start <= at && at <= end),
                None => None,
            };
            values.push(("notice_at".to_owned(), notice.map_or(Value::Null, Value::Timestamp)));
        }
        Ok(values)
    }

    pub(super) fn findings(&self, by_customer: &BTreeMap<Rc<str>, Vec<Subscription>>) -> Vec<Finding> {
        let rows = self.table.n_rows() as u64;
        let left_out = self.left_out.iter().map(|name| {
            let message = match ["mrr", "plan", "seats"].contains(&name.as_str()) {
                true => "this column is computed from the subscriptions: rename the column of the customers table",
                false => "the customers table has no 'valid_from' column, so the value is that of today and the column is dropped: declare it in static_attributes if it never changes",
            };
            Finding::new(FindingCode::UnusedColumn, RecordKind::Customers, Some(name), rows, vec![], message)
        });
        let mut findings: Vec<Finding> = left_out.collect();
        for name in ["signed_up_at", "churned_at"] {
            if self.table.has_column(name) {
                let message = "the subscriptions determine when a customer begins and ends, so this column is not used";
                let (code, table) = (FindingCode::UnusedColumn, RecordKind::Customers);
                findings.push(Finding::new(code, table, Some(name), rows, vec![], message));
            }
        }
        let mut without = Rows::default();
        for (_, rows) in self
            .rows
            .iter()
            .filter(|(customer, _)| !by_customer.contains_key(customer.as_str()))
        {
            rows.iter().for_each(|&(_, row)| without.add(row as u64));
        }
        let message = "the customer has no subscription and is dropped: add the subscription if there was one";
        findings.extend(without.finding(FindingCode::NoSubscription, RecordKind::Customers, None, message));
        findings
    }
}

pub(super) fn wrong(code: IssueCode, row: Option<usize>, column: &str, why: &str) -> Error {
    let place = row.map_or(String::new(), |row| format!(" row {row}"));
    let message = format!("customers{place} column '{column}': {why} ({code})");
    Error::new(ErrorKind::InvalidRecords(code), message).at(
        Some(RecordKind::Customers),
        row.map(|row| row as u64),
        Some(column),
    )
}
