//! Converts subscriptions to dated versions of customers.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, ErrorKind, Finding, FindingCode, IssueCode, RecordKind, Result, excerpt};
use crate::input::fields::{Field, Problem, bounded_number, currency, id, text, timestamp, word};
use crate::input::quality::Rows;
use crate::input::schema::{columns_of, known_among, subscription_columns};
use crate::input::table::{Cell, Column, IntoTable, Table, Value};
use crate::record::{ALWAYS, NEVER, StaticAttributes};

/// Billing intervals, each with the number of charges per month.
const INTERVALS: &[(&str, f64)] = &[
    ("day", 365.0 / 12.0),
    ("week", 52.0 / 12.0),
    ("month", 1.0),
    ("quarter", 1.0 / 3.0),
    ("year", 1.0 / 12.0),
];

/// One version of one subscription.
#[derive(Clone, Debug)]
struct Subscription {
    row: usize,
    id: Option<String>,
    started_at: i64,
    /// `NEVER` while the subscription is active.
    ended_at: i64,
    mrr: f64,
    plan: Option<String>,
    seats: Option<f64>,
    known_at: i64,
}

/// The key of a customer's version: the start of the spell, and the time since which the version is true.
type VersionKey = (i64, i64);

/// The content of a customer's version.
#[derive(Clone, Debug, PartialEq)]
struct Version {
    churned_at: i64,
    mrr: f64,
    plan: Option<String>,
    seats: Option<f64>,
}

/// Converts subscriptions to a dated customers table for
/// [`RecordsBuilder::customers`](crate::RecordsBuilder::customers), with findings about the input.
///
/// [`subscription_columns`] lists the columns of subscriptions. The result has the columns `customer_id`,
/// `signed_up_at`, `churned_at`, `valid_from`, `mrr`, and, if the subscriptions have them, `known_at`, `plan` and
/// `seats`. The rules are:
///
/// - **Spell.** A spell is a series of subscriptions without a gap: each subscription begins at or before the latest
///   end of the earlier ones. `signed_up_at` is the start of the spell. `churned_at` is its end, or null while a
///   subscription is active.
/// - **Versions.** A spell has one row for each time at which a subscription begins or ends; `valid_from` is that time.
/// - **`mrr`.** Monthly recurring revenue: the summed monthly prices of the subscriptions that are active at that time.
///   The price is multiplied by 365/12 for a daily interval, 52/12 for a weekly one, 1 for a monthly one, 1/3 for a
///   quarterly one and 1/12 for a yearly one. Overlapping subscriptions add up.
/// - **`seats`.** The sum of the seats of these subscriptions.
/// - **`plan`.** The plan of the subscription with the largest `mrr`. Among equal ones, the subscription that began
///   last determines the plan, then the subscription with the larger id.
/// - **`known_at`.** Rows with the same `subscription_id` and different `known_at` are versions of one subscription.
///   For each time at which something became known, the result has rows with that `known_at` for all versions that
///   change.
///
/// If `customers` is given, its attributes are joined by `customer_id`. Attributes named in `static_attributes` are
/// joined unchanged. If `customers` has a `valid_from` column, every other attribute is joined with its value at each
/// time; without that column, these hold today's values and are dropped. `renews_at` is treated like an attribute.
/// `signed_up_at` and `churned_at` of `customers` are not used. `notice_at` is joined to the spell that contains it.
/// Customers without a subscription are dropped.
///
/// ```
/// use churn_core::{StaticAttributes, Table, TenantRecords, subscriptions_to_customers};
///
/// let subscriptions = Table::from_csv(&b"customer_id,started_at,ended_at,price,interval,plan
/// C-1,2024-01-01,2024-04-01,30,month,basic
/// C-1,2024-04-01,,600,year,pro
/// "[..])?;
/// let (customers, findings) = subscriptions_to_customers(subscriptions, None::<Table>, &StaticAttributes::None)?;
/// assert!(findings.is_empty());
/// assert_eq!(customers.n_rows(), 2); // 30 per month from January, 50 per month from April
/// let (records, report) = TenantRecords::builder("acme").customers(customers).build()?;
/// assert!(report.is_clean() && records.n_customers() == 1);
/// # Ok::<(), churn_core::Error>(())
/// ```
///
/// # Errors
/// `missing_column`, `duplicate_column`, `missing_value`, `bad_type`, `bad_timestamp`, `not_finite`, `out_of_range`,
/// `ends_before_start`, `duplicate_id` or `mixed_currency` for the first invalid value, with its row and column;
/// `invalid_option` if `customers` has a `known_at` column or lacks a static attribute.
pub fn subscriptions_to_customers(
    subscriptions: impl IntoTable,
    customers: Option<impl IntoTable>,
    static_attributes: &StaticAttributes,
) -> Result<(Table, Vec<Finding>)> {
    let subscriptions = subscriptions.into_table();
    let source = Source::new(&subscriptions)?;
    let mut findings = source.findings();
    let (has_plan, has_seats, has_known_at) = (source.has("plan"), source.has("seats"), source.has("known_at"));
    let by_customer = source.read()?;
    findings.extend(copies(&by_customer));
    let joined = customers
        .map(|table| {
            Joined::new(
                table.into_table().with_known_names(RecordKind::Customers),
                static_attributes,
            )
        })
        .transpose()?;
    if let Some(joined) = &joined {
        findings.extend(joined.findings(&by_customer));
    }

    let mut rows: Vec<Vec<(String, Value)>> = vec![];
    for (customer, subscriptions) in &by_customer {
        let moments = joined.as_ref().map_or(vec![], |joined| joined.moments(customer));
        for ((signed_up_at, valid_from), known_at, version) in versions(subscriptions, &moments) {
            let moment = |at: i64| {
                if at == NEVER || at == ALWAYS {
                    Value::Null
                } else {
                    Value::Timestamp(at)
                }
            };
            let mut row = vec![
                ("customer_id".to_owned(), Value::Text(customer.clone())),
                ("signed_up_at".to_owned(), moment(signed_up_at)),
                ("churned_at".to_owned(), moment(version.churned_at)),
                ("valid_from".to_owned(), moment(valid_from)),
            ];
            if has_known_at {
                row.push(("known_at".to_owned(), moment(known_at)));
            }
            row.push(("mrr".to_owned(), Value::Float(version.mrr)));
            if has_plan {
                row.push(("plan".to_owned(), version.plan.map_or(Value::Null, Value::Text)));
            }
            if has_seats {
                row.push(("seats".to_owned(), version.seats.map_or(Value::Null, Value::Float)));
            }
            if let Some(joined) = &joined {
                row.extend(joined.values(customer, signed_up_at, valid_from, version.churned_at)?);
            }
            rows.push(row);
        }
    }
    if rows.is_empty() {
        let columns = ["customer_id", "signed_up_at"].map(|name| (name.to_owned(), Column::Values(vec![]).into()));
        return Ok((Table::of_columns(0, columns), findings));
    }
    Ok((Table::from_values(rows)?, findings))
}

/// The subscriptions table, with its columns under their known names.
struct Source<'a> {
    table: &'a Table,
    /// Maps each known name to the column's name in the input.
    columns: BTreeMap<&'static str, String>,
    extra: Vec<String>,
}

impl<'a> Source<'a> {
    fn new(table: &'a Table) -> Result<Self> {
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
                let why = "the required column is missing";
                Err(refuse(IssueCode::MissingColumn, None, column.name, why))
            }
            _ => Ok(Self { table, columns, extra }),
        }
    }

    fn has(&self, known: &str) -> bool {
        self.columns.contains_key(known)
    }

    fn findings(&self) -> Vec<Finding> {
        let rows = self.table.n_rows() as u64;
        let unused = self.extra.iter().map(|name| {
            let message = "a column of subscriptions that is not used: join it to customers if it is an attribute";
            let (code, table) = (FindingCode::UnusedColumn, RecordKind::Customers);
            Finding::new(code, table, Some(name), rows, vec![], message)
        });
        unused.collect()
    }

    /// One value per row; `None` if the column is missing or the value is null.
    fn values<T>(
        &self,
        known: &'static str,
        read: impl Fn(Cell<'_>, &mut String) -> Field<T>,
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

    /// Reads the subscriptions of each customer.
    fn read(&self) -> Result<BTreeMap<String, Vec<Subscription>>> {
        let owned = |read: fn(Cell<'_>, &mut String) -> Field<String>| read;
        let an_id = owned(|cell, buffer| Ok(id(cell, buffer)?.map(str::to_owned)));
        let a_text = owned(|cell, buffer| Ok(text(cell, buffer)?.map(str::to_owned)));
        let a_currency = owned(|cell, buffer| Ok(currency(cell, buffer)?.map(str::to_owned)));
        let ids = self.values("customer_id", an_id)?;
        let started = self.values("started_at", |cell, _| timestamp(cell))?;
        let ended = self.values("ended_at", |cell, _| timestamp(cell))?;
        let prices = self.values("price", |cell, _| bounded_number(cell))?;
        let times = self.values("interval", |cell, _| interval(cell))?;
        let own_ids = self.values("subscription_id", an_id)?;
        let plans = self.values("plan", a_text)?;
        let seats = self.values("seats", |cell, _| bounded_number(cell))?;
        let known = self.values("known_at", |cell, _| timestamp(cell))?;
        let currencies = self.values("currency", a_currency)?;
        let mut first: Option<&String> = None;
        for (row, code) in currencies.iter().enumerate() {
            let Some(code) = code else { continue };
            let first = first.get_or_insert(code);
            if *first != code {
                let why = format!("the price is in {code}, others are in {first}: convert them first");
                return Err(refuse(IssueCode::MixedCurrency, Some(row), "currency", &why));
            }
        }
        let mut by_customer: BTreeMap<String, Vec<Subscription>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for row in 0..self.table.n_rows() {
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
            by_customer.entry(customer.clone()).or_default().push(Subscription {
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

fn interval(cell: Cell<'_>) -> Field<f64> {
    word(cell, IssueCode::BadType, INTERVALS)
}

fn refuse(code: IssueCode, row: Option<usize>, column: &str, why: &str) -> Error {
    let place = row.map_or(String::new(), |row| format!(" row {row}"));
    let message = format!("subscriptions{place} column '{column}': {why} ({code})");
    Error::new(ErrorKind::InvalidRecords(code), message).at(None, row.map(|row| row as u64), Some(column))
}

/// The finding about rows without an id that equal another row of the same customer.
fn copies(by_customer: &BTreeMap<String, Vec<Subscription>>) -> Option<Finding> {
    let mut copies = Rows::default();
    for subscriptions in by_customer.values() {
        let mut seen = BTreeSet::new();
        for own in subscriptions.iter().filter(|own| own.id.is_none()) {
            let content = (
                own.started_at,
                own.ended_at,
                own.mrr.to_bits(),
                &own.plan,
                own.seats.map(f64::to_bits),
            );
            if !seen.insert((content, own.known_at)) {
                copies.add(own.row as u64);
            }
        }
    }
    let message = "the subscription equals another one of its customer and has no id, and both add to mrr: remove the copy, or give each its subscription_id";
    copies.finding(FindingCode::LikelyDuplicate, RecordKind::Customers, None, message)
}

/// The versions of one customer: for each, the key, the time at which it became known, and the content. `moments` are
/// additional times at which something about the customer changes.
fn versions(subscriptions: &[Subscription], moments: &[i64]) -> Vec<(VersionKey, i64, Version)> {
    let known: BTreeSet<i64> = subscriptions.iter().map(|own| own.known_at).collect();
    let mut said: BTreeMap<VersionKey, Version> = BTreeMap::new();
    let mut rows = vec![];
    for known_at in known {
        let spells = spells(&as_known(subscriptions, known_at));
        let mut keys: BTreeSet<VersionKey> = said.keys().copied().collect();
        for spell in &spells {
            let own = spell
                .subscriptions
                .iter()
                .flat_map(|own| [own.started_at, own.ended_at]);
            let within = own.chain(moments.iter().copied());
            let within = within.filter(|&at| at == spell.start || spell.start < at && at < spell.end);
            keys.extend(within.map(|at| (spell.start, at)));
        }
        for (start, at) in keys {
            let version = match spells.iter().find(|spell| spell.start == start) {
                Some(spell) => spell.at(at.min(spell.last())),
                // According to what is known now, no spell began at this time. The version therefore ends when it
                // begins.
                None => Version {
                    churned_at: start,
                    ..said[&(start, at)].clone()
                },
            };
            if said.get(&(start, at)) != Some(&version) {
                rows.push(((start, at), known_at, version.clone()));
                said.insert((start, at), version);
            }
        }
    }
    rows
}

/// The last version of each subscription that is known at a time.
fn as_known(subscriptions: &[Subscription], known_at: i64) -> Vec<&Subscription> {
    let known = subscriptions.iter().filter(|own| own.known_at <= known_at);
    let (named, mut all): (Vec<_>, Vec<_>) = known.partition(|own| own.id.is_some());
    let mut last: BTreeMap<&Option<String>, &Subscription> = BTreeMap::new();
    for own in named {
        let known = last.entry(&own.id).or_insert(own);
        if own.known_at > known.known_at {
            *known = own;
        }
    }
    all.extend(last.into_values());
    // The fixed order makes sums independent of the input order.
    all.sort_by(|a, b| {
        let key = |own: &Subscription| (own.started_at, own.ended_at);
        let mrr = || a.mrr.total_cmp(&b.mrr);
        key(a)
            .cmp(&key(b))
            .then_with(|| a.id.cmp(&b.id))
            .then_with(mrr)
            .then_with(|| a.plan.cmp(&b.plan))
    });
    all
}

/// A series of subscriptions without a gap.
struct Spell<'a> {
    start: i64,
    end: i64,
    subscriptions: Vec<&'a Subscription>,
}

fn spells<'a>(sorted: &[&'a Subscription]) -> Vec<Spell<'a>> {
    let mut spells: Vec<Spell<'a>> = vec![];
    for &own in sorted {
        match spells.last_mut() {
            Some(spell) if own.started_at <= spell.end => {
                spell.end = spell.end.max(own.ended_at);
                spell.subscriptions.push(own);
            }
            _ => spells.push(Spell {
                start: own.started_at,
                end: own.ended_at,
                subscriptions: vec![own],
            }),
        }
    }
    spells
}

impl Spell<'_> {
    /// The latest start of a subscription.
    fn last(&self) -> i64 {
        self.subscriptions
            .iter()
            .map(|own| own.started_at)
            .max()
            .unwrap_or(self.start)
            .max(self.end - 1)
    }

    /// The content of the spell at a time.
    fn at(&self, moment: i64) -> Version {
        let holds = |own: &&&Subscription| {
            own.started_at <= moment && (moment < own.ended_at || own.started_at == moment && own.ended_at == moment)
        };
        let own: Vec<&&Subscription> = self.subscriptions.iter().filter(holds).collect();
        let main = own.iter().max_by(|a, b| {
            let began = || a.started_at.cmp(&b.started_at);
            a.mrr.total_cmp(&b.mrr).then_with(began).then_with(|| a.id.cmp(&b.id))
        });
        let seats = own.iter().filter_map(|own| own.seats);
        Version {
            churned_at: self.end,
            mrr: own.iter().map(|own| own.mrr).sum::<f64>() + 0.0,
            plan: main.and_then(|main| main.plan.clone()),
            seats: seats.fold(None, |sum, seats| Some(sum.unwrap_or(0.0) + seats)),
        }
    }
}

/// The customers table whose attributes are joined.
struct Joined {
    table: Table,
    dated: bool,
    /// The attributes that are joined.
    names: Vec<String>,
    left_out: Vec<String>,
    /// The rows of each customer, by `valid_from`.
    rows: BTreeMap<String, Vec<(i64, usize)>>,
}

impl Joined {
    fn new(table: Table, static_attributes: &StaticAttributes) -> Result<Self> {
        let option = |name: &str, why: String| Error::new(ErrorKind::InvalidOption, why).at(None, None, Some(name));
        if table.has_column("known_at") {
            let why = "customers with known_at cannot be joined to subscriptions: join them afterwards".to_owned();
            return Err(option("customers", why));
        }
        let dated = table.has_column("valid_from");
        let made = ["mrr", "plan", "seats"];
        // The renewal date changes over time like an attribute, so it is joined like one.
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

    fn cell(&self, name: &str, row: usize) -> Cell<'_> {
        let column = self.table.column(name);
        column.map_or(Cell::Null, |column| column.cell(self.table.position(row)))
    }

    fn moment(&self, name: &str, row: usize) -> Result<Option<i64>> {
        timestamp(self.cell(name, row)).map_err(|problem| wrong(problem.code, Some(row), name, &problem.message))
    }

    /// The times at which something about a customer changes.
    fn moments(&self, customer: &str) -> Vec<i64> {
        let rows = self.rows.get(customer).filter(|_| self.dated);
        rows.map_or(vec![], |rows| {
            rows.iter()
                .map(|&(from, _)| from)
                .filter(|&from| from != ALWAYS)
                .collect()
        })
    }

    /// The values that are joined to a version.
    fn values(&self, customer: &str, start: i64, valid_from: i64, end: i64) -> Result<Vec<(String, Value)>> {
        let rows = self.rows.get(customer).map_or(&[][..], Vec::as_slice);
        let row = rows.iter().rfind(|(from, _)| *from <= valid_from).map(|&(_, row)| row);
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

    fn findings(&self, by_customer: &BTreeMap<String, Vec<Subscription>>) -> Vec<Finding> {
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
            .filter(|(customer, _)| !by_customer.contains_key(*customer))
        {
            rows.iter().for_each(|&(_, row)| without.add(row as u64));
        }
        let message = "the customer has no subscription and is dropped: add the subscription if there was one";
        findings.extend(without.finding(FindingCode::NoSubscription, RecordKind::Customers, None, message));
        findings
    }
}

fn wrong(code: IssueCode, row: Option<usize>, column: &str, why: &str) -> Error {
    let place = row.map_or(String::new(), |row| format!(" row {row}"));
    let message = format!("customers{place} column '{column}': {why} ({code})");
    Error::new(ErrorKind::InvalidRecords(code), message).at(
        Some(RecordKind::Customers),
        row.map(|row| row as u64),
        Some(column),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::TenantRecords;

    fn customers(csv: &str) -> Vec<String> {
        let table = Table::from_csv(csv.as_bytes()).unwrap();
        let (customers, _) = subscriptions_to_customers(table, None::<Table>, &StaticAttributes::None).unwrap();
        shown(&customers)
    }

    /// Every row as text: the dates and values of its columns.
    fn shown(table: &Table) -> Vec<String> {
        let names: Vec<String> = table.column_names().map(str::to_owned).collect();
        let cell = |name: &str, row: usize| match table.column(name).unwrap().cell(row) {
            Cell::Null => "-".to_owned(),
            Cell::Text(text) => text.to_owned(),
            Cell::Float(value) => format!("{value:.2}"),
            Cell::Timestamp(at) => crate::time::Timestamp::from_micros(at).unwrap().to_string()[..10].to_owned(),
            other => format!("{other:?}"),
        };
        let row = |row: usize| names.iter().map(|name| cell(name, row)).collect::<Vec<_>>().join(" ");
        (0..table.n_rows()).map(row).collect()
    }

    #[test]
    fn a_spell_has_no_gap_and_overlapping_subscriptions_add_up() {
        let csv = "customer_id,started_at,ended_at,price,interval,plan,seats
b,2024-01-01,2024-03-01,30,month,basic,3
b,2024-02-01,2024-04-01,600,year,pro,2
b,2024-06-01,,7,week,,
a,2024-01-01,2024-02-01,90,quarter,basic,
a,2024-02-01,,3.65,day,basic,1
";
        assert_eq!(
            customers(csv),
            [
                "a 2024-01-01 - 2024-01-01 30.00 basic -",
                "a 2024-01-01 - 2024-02-01 111.02 basic 1.00",
                "b 2024-01-01 2024-04-01 2024-01-01 30.00 basic 3.00",
                "b 2024-01-01 2024-04-01 2024-02-01 80.00 pro 5.00",
                "b 2024-01-01 2024-04-01 2024-03-01 50.00 pro 2.00",
                "b 2024-06-01 - 2024-06-01 30.33 - -",
            ]
        );
    }

    #[test]
    fn later_knowledge_is_a_row_with_a_later_known_at() {
        let csv = "customer_id,subscription_id,started_at,ended_at,price,interval,known_at
a,s,2024-01-01,,10,month,2024-01-01
a,s,2024-01-01,2024-05-01,10,month,2024-04-20
";
        assert_eq!(
            customers(csv),
            [
                "a 2024-01-01 - 2024-01-01 2024-01-01 10.00",
                "a 2024-01-01 2024-05-01 2024-01-01 2024-04-20 10.00",
            ]
        );
    }

    #[test]
    fn undated_attributes_are_joined_only_if_static() {
        let subscriptions = "customerId,startedAt,price,interval\na,2024-01-01,10,month\n";
        let people = "customer_id,country,score\na,DE,5\nz,FR,6\n";
        let table = |csv: &str| Table::from_csv(csv.as_bytes()).unwrap();
        let named = StaticAttributes::Named(vec!["country".to_owned()]);
        let (customers, findings) =
            subscriptions_to_customers(table(subscriptions), Some(table(people)), &named).unwrap();
        assert_eq!(shown(&customers), ["a 2024-01-01 - 2024-01-01 10.00 DE"]);
        let found: Vec<_> = findings.iter().map(|finding| (finding.code, finding.rows)).collect();
        assert_eq!(
            found,
            [(FindingCode::UnusedColumn, 2), (FindingCode::NoSubscription, 1)]
        );

        let dated = "customer_id,valid_from,score\na,2023-01-01,5\na,2024-02-01,7\n";
        let none = StaticAttributes::None;
        let (customers, _) = subscriptions_to_customers(table(subscriptions), Some(table(dated)), &none).unwrap();
        assert_eq!(
            shown(&customers),
            ["a 2024-01-01 - 2024-01-01 10.00 5", "a 2024-01-01 - 2024-02-01 10.00 7"]
        );
        let (records, report) = TenantRecords::builder("acme").customers(customers).build().unwrap();
        assert!(report.is_clean() && records.customers.dated);
    }

    #[test]
    fn errors_name_row_and_column() {
        let error = |csv: &str| {
            let table = Table::from_csv(csv.as_bytes()).unwrap();
            let error = subscriptions_to_customers(table, None::<Table>, &StaticAttributes::None).unwrap_err();
            (error.code(), error.row(), error.column().map(str::to_owned))
        };
        let head = "customer_id,started_at,ended_at,price,interval,currency\n";
        for (row, code, column) in [
            ("a,2024-01-01,,5,fortnight,", "bad_type", "interval"),
            ("a,2024-01-01,,much,month,", "bad_type", "price"),
            ("a,soon,,5,month,", "bad_timestamp", "started_at"),
            ("a,2024-01-01,2023-01-01,5,month,", "ends_before_start", "ended_at"),
            (
                "a,2024-01-01,,5,month,EUR\nb,2024-01-01,,5,month,USD",
                "mixed_currency",
                "currency",
            ),
            (",2024-01-01,,5,month,", "missing_value", "customer_id"),
        ] {
            let found = error(&format!("{head}{row}\n"));
            let at = u64::from(code == "mixed_currency");
            assert_eq!(found, (code, Some(at), Some(column.to_owned())), "{row}");
        }
        assert_eq!(error("customer_id,price\na,5\n").0, "missing_column");
        assert_eq!(error("customer_id,Customer ID\na,5\n").0, "duplicate_column");
    }
}
