//! Random tenants ("worlds") that contain many unusual cases. All of their rows are valid.
//!
//! The worlds contain returning customers, versions that correct earlier versions, and missing columns. They also
//! contain columns that have only nulls, events exactly at the bounds of a window, and events with the same time. There
//! are refunds, credit notes, ratings before the resolution of a ticket, events before sign-up, and ids in many
//! scripts.

use std::collections::BTreeSet;

use crate::dice::Dice;
use crate::raw::{
    ActivityRow, ActivityTable, Attribute, AttributeType, CustomerRow, CustomerTable, DAY, Decimal, HOUR, PaymentRow,
    PaymentTable, Statics, TicketRow, TicketTable, World,
};

/// The start of random histories: 2015-01-01.
pub const START: i64 = 16_436 * DAY;
/// The length of the histories in days.
pub const LENGTH: i64 = 900;

/// Options of a random world.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The maximum number of customers of the world.
    pub customers: i64,
    /// Whether a later version of an event may assign the event to another customer.
    pub moves: bool,
}

impl Shape {
    /// Returns the options for a seed. Small seeds create small worlds, so that the first failure of a test is easy to
    /// understand.
    pub fn of_seed(seed: u64) -> Self {
        Self {
            customers: 1 + (seed as i64 / 8).min(39),
            moves: true,
        }
    }
}

/// Creates a random world. The seed determines all of its rows.
pub fn world(seed: u64, shape: Shape) -> World {
    let mut dice = Dice::new(seed);
    let dates = dates(&mut dice);
    let mut maker = Maker::new(dice, shape, dates);
    let customers = maker.customers();
    let payments = maker.table(Maker::payments);
    let tickets = maker.table(Maker::tickets);
    let activities = maker.table(Maker::activities);
    let statics = maker.statics(&customers);
    let until = START + LENGTH * DAY;
    let observed_until = maker.dice.maybe(60, |dice| until + dice.between(-300, 100) * DAY);
    let dates = maker.dates;
    World {
        customers,
        payments,
        tickets,
        activities,
        statics,
        observed_until,
        dates,
    }
}

fn dates(dice: &mut Dice) -> Vec<i64> {
    let date = |dice: &mut Dice| {
        let midnight = START + dice.between(30, LENGTH - 100) * DAY;
        match dice.chance(70) {
            true => midnight,
            false => midnight + dice.between(0, DAY),
        }
    };
    (0..dice.between(2, 4)).map(|_| date(dice)).collect()
}

/// Creates a random value of an attribute.
pub fn attribute(kind: AttributeType, dice: &mut Dice) -> Attribute {
    match kind {
        AttributeType::Number => Attribute::Number(match dice.between(0, 4) {
            0 => 0.0,
            1 => dice.between(-5, 5) as f64,
            2 => dice.between(-1000, 1000) as f64 / 8.0,
            3 => dice.between(0, 1_000_000) as f64 * 0.01,
            _ => dice.between(1, 3) as f64,
        }),
        AttributeType::Text => {
            let texts = ["basic", "pro", "Pro", "größer", "企业", " spaced ", "\"quoted\""];
            Attribute::Text((*dice.pick(&texts)).to_owned())
        }
        AttributeType::Bool => Attribute::Bool(dice.chance(50)),
    }
}

/// Generates the random rows of a world.
#[derive(Debug)]
pub struct Maker {
    /// The random generator from which all values are drawn.
    pub dice: Dice,
    shape: Shape,
    /// The dates at which tests compute features and labels. Some events happen exactly at these dates.
    dates: Vec<i64>,
    /// Timestamps that were already used. Some of them are used again, so that events with the same time occur.
    recent: Vec<i64>,
    /// The ids of all customers that were created so far.
    ids: Vec<String>,
}

/// Returns the columns of a table, chosen at random from `all`. Most tables have most of the columns.
fn columns(dice: &mut Dice, all: &[&'static str]) -> Vec<&'static str> {
    let every = dice.chance(25);
    all.iter().copied().filter(|_| every || dice.chance(65)).collect()
}

impl Maker {
    /// Creates a generator of rows. Many of the events are close to one of the dates in `dates`.
    pub fn new(dice: Dice, shape: Shape, dates: Vec<i64>) -> Self {
        Self {
            dice,
            shape,
            dates,
            recent: Vec::new(),
            ids: Vec::new(),
        }
    }

    /// Creates a random table. The result is `None` in some worlds, which then do not have this table. Some tables have
    /// no rows.
    fn table<T: Default>(&mut self, make: fn(&mut Self) -> T) -> Option<T> {
        match self.dice.between(0, 19) {
            0..=1 => None,
            2 => Some(T::default()),
            _ => Some(make(self)),
        }
    }

    fn statics(&mut self, customers: &CustomerTable) -> Statics {
        let names = customers.attributes.iter().map(|(name, _)| name.clone());
        match self.dice.between(0, 2) {
            0 => Statics::None,
            1 => Statics::All,
            _ => {
                let renews = customers.columns.iter().filter(|&&column| column == "renews_at");
                let mut named: Vec<String> = names.collect();
                named.extend(renews.map(|&column| column.to_owned()));
                named.retain(|_| self.dice.chance(50));
                Statics::Named(named)
            }
        }
    }

    /// Returns a random time within the history. The time often lies exactly at a bound of a feature window.
    fn moment(&mut self) -> i64 {
        let dice = &mut self.dice;
        let day = START + dice.between(0, LENGTH) * DAY;
        let moment = match dice.between(0, 99) {
            0..=29 => self.edge(),
            30..=59 => day,
            60..=74 => day + dice.between(0, 23) * HOUR,
            75..=89 if !self.recent.is_empty() => *dice.pick(&self.recent),
            _ => day + dice.between(0, DAY - 1),
        };
        self.recent.push(moment);
        if self.recent.len() > 6 {
            self.recent.remove(0);
        }
        moment
    }

    /// Returns a date at which tests compute features, or the start of a window before this date. The returned time may
    /// be one microsecond earlier or later.
    fn edge(&mut self) -> i64 {
        let window = *self.dice.pick(&[0, 0, 0, 14, 28, 56, 90, 91, 182, 364, 728]);
        let step = *self.dice.pick(&[-1, 0, 0, 1]);
        *self.dice.pick(&self.dates) - window * DAY + step
    }

    /// Returns a random time at or after `from`.
    pub fn later(&mut self, from: i64) -> i64 {
        match self.dice.between(0, 9) {
            0 => from,
            1 => from + 1,
            2..=3 => from + self.dice.between(1, 72) * HOUR,
            4..=5 => from + self.dice.between(0, 100 * DAY),
            6..=7 => self.edge().max(from),
            _ => from + self.dice.between(1, 60) * DAY,
        }
    }

    /// With a probability of `percent` %, returns a random time at or after `from`. Otherwise, returns `None`.
    pub fn maybe_later(&mut self, percent: i64, from: i64) -> Option<i64> {
        self.dice.chance(percent).then(|| self.later(from))
    }

    fn customers(&mut self) -> CustomerTable {
        let optional = ["churned_at", "notice_at", "renews_at", "valid_from", "known_at"];
        let columns = columns(&mut self.dice, &optional);
        let attributes = self.attributes();
        let mut rows = Vec::new();
        for number in 0..self.dice.between(1, self.shape.customers) {
            let customer_id = self.customer_id(number);
            self.ids.push(customer_id.clone());
            let mut signed_up_at = match self.dice.chance(20) {
                true => self.moment(),
                false => START + self.dice.between(-200, 300) * DAY,
            };
            for _ in 0..*self.dice.pick(&[1, 1, 1, 2, 3]) {
                let spell = self.spell(&customer_id, signed_up_at, &columns, &attributes);
                signed_up_at = spell
                    .iter()
                    .filter_map(|row| row.churned_at)
                    .max()
                    .unwrap_or(signed_up_at);
                signed_up_at = self.later(signed_up_at + 1);
                rows.extend(spell);
            }
        }
        // A column needs at least one value, because otherwise it has no type.
        for (position, (_, kind)) in attributes.iter().enumerate() {
            if rows.iter().all(|row| row.attributes[position].is_none()) {
                let row = self.dice.below(rows.len());
                rows[row].attributes[position] = Some(attribute(*kind, &mut self.dice));
            }
        }
        self.dice.shuffle(&mut rows);
        CustomerTable {
            columns,
            attributes,
            rows,
        }
    }

    fn attributes(&mut self) -> Vec<(String, AttributeType)> {
        let mut all = vec![
            ("seats", AttributeType::Number),
            ("plan", AttributeType::Text),
            ("größe m²", AttributeType::Number),
            ("is_partner", AttributeType::Bool),
            ("amount", AttributeType::Number),
            ("Kanal", AttributeType::Text),
        ];
        all.retain(|_| self.dice.chance(50));
        self.dice.shuffle(&mut all);
        all.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect()
    }

    fn customer_id(&mut self, number: i64) -> String {
        match self.dice.between(0, 9) {
            0 => format!("{}", number * 37 - 5),
            1 => format!("客户-{number}"),
            2 => format!("Ünï {number}"),
            3 => format!(" {number} "),
            4 => format!("q\"uo\\te\t{number}"),
            5 => format!("{number}👩‍👩‍👧"),
            6 => format!("{}{number}", "long-".repeat(20)),
            7 => format!("00{number}"),
            _ => format!("C-{number}"),
        }
    }

    /// Creates the customer rows of one spell (an uninterrupted period as a customer). Each row is a version of the
    /// same customer.
    pub fn spell(
        &mut self,
        customer_id: &str,
        signed_up_at: i64,
        columns: &[&str],
        attributes: &[(String, AttributeType)],
    ) -> Vec<CustomerRow> {
        let given = |column| columns.contains(&column);
        let versions = match given("valid_from") || given("known_at") {
            true => *self.dice.pick(&[1, 1, 2, 3, 4]),
            false => 1,
        };
        let mut rows: Vec<CustomerRow> = Vec::new();
        let mut told_apart = BTreeSet::new();
        for version in 0..versions {
            let valid_from = match given("valid_from") && (version > 0 || self.dice.chance(50)) {
                true if self.dice.chance(5) => Some(signed_up_at - self.dice.between(1, 50) * DAY),
                true if self.dice.chance(30) => Some(self.moment().max(signed_up_at)),
                true => Some(self.later(signed_up_at)),
                false => None,
            };
            let known_from = valid_from.unwrap_or(signed_up_at) - DAY;
            let percent = if version > 0 { 70 } else { 20 };
            let known_at = if given("known_at") {
                self.maybe_later(percent, known_from)
            } else {
                None
            };
            if !told_apart.insert((valid_from.unwrap_or(signed_up_at), known_at)) {
                continue;
            }
            let mut moment = |column, percent| {
                if given(column) {
                    self.maybe_later(percent, signed_up_at)
                } else {
                    None
                }
            };
            let (churned_at, notice_at) = (moment("churned_at", 40), moment("notice_at", 25));
            let renews_at = moment("renews_at", 60);
            let dice = &mut self.dice;
            let values = attributes.iter();
            let attributes = values
                .map(|(_, kind)| dice.maybe(80, |dice| attribute(*kind, dice)))
                .collect();
            rows.push(CustomerRow {
                customer_id: customer_id.to_owned(),
                signed_up_at,
                churned_at,
                notice_at,
                renews_at,
                valid_from,
                known_at,
                attributes,
            });
        }
        rows
    }

    /// Creates the versions of one event record. A version consists of the record's id and the time at which the
    /// version became known.
    fn versions(&mut self, columns: &[&str], name: &str, number: usize) -> Vec<Version> {
        let id = match columns.contains(&name) && self.dice.chance(85) {
            true if self.dice.chance(30) => Some(number.to_string()),
            true => Some(format!("r-{number}")),
            false => None,
        };
        let mut known_at = BTreeSet::new();
        if columns.contains(&"known_at") {
            let wanted = if id.is_some() {
                *self.dice.pick(&[1, 1, 1, 2, 3])
            } else {
                1
            };
            for _ in 0..wanted {
                let known = self.dice.chance(60).then(|| self.moment());
                known_at.insert(known);
            }
        } else {
            known_at.insert(None);
        }
        known_at
            .into_iter()
            .map(|known_at| Version {
                id: id.clone(),
                known_at,
            })
            .collect()
    }

    /// Creates the rows of one table, including all versions of each record.
    fn events<R: Clone>(
        &mut self,
        columns: &[&str],
        id: &str,
        mut make: impl FnMut(&mut Self, &str, Version) -> R,
    ) -> Vec<R> {
        let mut rows = Vec::new();
        let mut number = 0;
        for owner in 0..self.ids.len() {
            let busy = *self.dice.pick(&[0, 1, 3, 8, 16]);
            for _ in 0..self.dice.between(0, busy) {
                number += 1;
                for version in self.versions(columns, id, number) {
                    let moved = self.shape.moves && self.dice.chance(3);
                    let owner = if moved { self.dice.below(self.ids.len()) } else { owner };
                    let customer = self.ids[owner].clone();
                    rows.push(make(self, &customer, version));
                }
            }
        }
        // In most worlds, the rows are in random order. In the other worlds, they are sorted, as exports often are.
        if self.dice.chance(70) {
            self.dice.shuffle(&mut rows);
        }
        rows
    }

    fn payments(&mut self) -> PaymentTable {
        let optional = [
            "payment_id",
            "settled_at",
            "status",
            "refunded_at",
            "currency",
            "method",
            "known_at",
        ];
        let columns = columns(&mut self.dice, &optional);
        let (currency, digits) = match columns.contains(&"currency") {
            true => *self.dice.pick(&[("EUR", 2), ("usd", 2), ("JPY", 0), ("KWD", 3)]),
            false => ("", 2),
        };
        let rows = self.events(&columns, "payment_id", |maker, customer, version| {
            maker.payment(&columns, currency, customer, version)
        });
        PaymentTable { columns, digits, rows }
    }

    /// Creates a payment with random values.
    pub fn payment(
        &mut self,
        columns: &[&str],
        currency: &'static str,
        customer: &str,
        version: Version,
    ) -> PaymentRow {
        let given = |column| columns.contains(&column);
        let due_at = self.moment();
        let states = ["paid", "paid", "paid", "failed", "pending", "refunded"];
        let status = match given("status") && self.dice.chance(90) {
            true => Some(*self.dice.pick(&states)),
            false => None,
        };
        let settled_at = match given("settled_at") && status != Some("pending") {
            true if self.dice.chance(10) => Some(due_at - self.dice.between(0, 10 * DAY)),
            true => self.maybe_later(80, due_at),
            false => None,
        };
        let percent = if status == Some("refunded") { 60 } else { 15 };
        let refunded_at = match given("refunded_at") {
            true => self.maybe_later(percent, settled_at.unwrap_or(due_at)),
            false => None,
        };
        PaymentRow {
            payment_id: version.id,
            customer_id: customer.to_owned(),
            due_at,
            amount: amount(&mut self.dice),
            settled_at,
            status,
            refunded_at,
            currency: given("currency").then_some(currency),
            method: self.dice.chance(50).then_some("card").filter(|_| given("method")),
            known_at: version.known_at,
        }
    }

    fn tickets(&mut self) -> TicketTable {
        let optional = [
            "ticket_id",
            "first_response_at",
            "resolved_at",
            "reopened_at",
            "priority",
            "category",
            "channel",
            "satisfaction",
            "satisfaction_at",
            "known_at",
        ];
        let columns = columns(&mut self.dice, &optional);
        let rows = self.events(&columns, "ticket_id", |maker, customer, version| {
            maker.ticket(&columns, customer, version)
        });
        TicketTable { columns, rows }
    }

    /// Creates a ticket with random values.
    pub fn ticket(&mut self, columns: &[&str], customer: &str, version: Version) -> TicketRow {
        let given = |column| columns.contains(&column);
        let opened_at = self.moment();
        let mut moment = |column, percent| {
            if given(column) {
                self.maybe_later(percent, opened_at)
            } else {
                None
            }
        };
        let first_response_at = moment("first_response_at", 70);
        let resolved_at = moment("resolved_at", 70);
        let reopened_at = moment("reopened_at", 25);
        let satisfaction_at = moment("satisfaction_at", 50);
        let dice = &mut self.dice;
        let mut word = |column, percent, words: &[&'static str]| {
            (given(column) && dice.chance(percent)).then(|| *dice.pick(words))
        };
        let priority = word("priority", 80, &["low", "normal", "high", "urgent"]);
        let category = word("category", 50, &["billing", "fehler"]);
        let channel = word("channel", 50, &["mail", "phone"]);
        let satisfaction = match given("satisfaction") {
            true => dice.maybe(60, |dice| dice.between(2, 10) as f64 / 2.0),
            false => None,
        };
        TicketRow {
            ticket_id: version.id,
            customer_id: customer.to_owned(),
            opened_at,
            first_response_at,
            resolved_at,
            reopened_at,
            priority,
            category,
            channel,
            satisfaction,
            satisfaction_at,
            known_at: version.known_at,
        }
    }

    fn activities(&mut self) -> ActivityTable {
        let columns = columns(&mut self.dice, &["activity_id", "kind", "quantity", "known_at"]);
        let rows = self.events(&columns, "activity_id", |maker, customer, version| {
            maker.activity(&columns, customer, version)
        });
        ActivityTable { columns, rows }
    }

    /// Creates an activity with random values.
    pub fn activity(&mut self, columns: &[&str], customer: &str, version: Version) -> ActivityRow {
        let given = |column| columns.contains(&column);
        let at = self.moment();
        let dice = &mut self.dice;
        let kinds = ["login", "Login", "export", "ログイン"];
        let kind = (given("kind") && dice.chance(85)).then(|| (*dice.pick(&kinds)).to_owned());
        let quantity = (given("quantity") && dice.chance(85)).then(|| match dice.between(0, 4) {
            0 => 0.0,
            1 => -dice.between(1, 500) as f64 * 0.01,
            2 => dice.between(1, 100) as f64 * 0.1,
            3 => dice.between(1, 1_000_000) as f64 / 3.0,
            _ => dice.between(1, 9) as f64,
        });
        ActivityRow {
            activity_id: version.id,
            customer_id: customer.to_owned(),
            at,
            kind,
            quantity,
            known_at: version.known_at,
        }
    }
}

/// A version of a record.
#[derive(Clone, Debug)]
pub struct Version {
    /// The record's id, if it has one.
    pub id: Option<String>,
    /// The time at which this version became known, or `None` if it was always known.
    pub known_at: Option<i64>,
}

/// Creates a random amount of money. The amount may be zero, negative or large, and may have more decimal places than
/// the currency.
pub fn amount(dice: &mut Dice) -> Decimal {
    let (units, places) = match dice.between(0, 9) {
        0 => (0, 0),
        1 => (-dice.between(1, 5_000), 2),
        2 => (dice.between(-20_000, 20_000), 3),
        3 => (dice.between(0, 1_000) * 10 + 5, 3),
        4 => (dice.between(0, 99_999_999_999), 2),
        5 => (dice.between(1, 500), 0),
        6 => (1999, 2),
        _ => (dice.between(0, 20_000), 2),
    };
    Decimal { units, places }
}
