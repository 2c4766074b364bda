//! Records simulated lives as rows of the four tables.

use crate::numeric::{SplitMix, exp};
use crate::synthetic::leaks::{Fate, LeakColumn, PlantedLeak};
use crate::synthetic::life::{Bill, Circumstances, Spell, State, Today, Witness, late_by, live, moment};
use crate::synthetic::options::WorldOptions;
use crate::synthetic::profile::{PLANS, Profile, SEAT_PRICES, Trade, Use, bell};
use crate::synthetic::table::{WorldColumn, WorldTable, WorldTables};
use crate::time::MICROS_PER_HOUR;

type Texts = Vec<Box<str>>;
type Moments = Vec<Option<i64>>;

#[derive(Default)]
struct Customers {
    customer_id: Texts,
    signed_up_at: Moments,
    churned_at: Moments,
    notice_at: Moments,
    renews_at: Moments,
    valid_from: Moments,
    known_at: Moments,
    plan: Texts,
    seats: Vec<f64>,
    contract: Texts,
    billing: Texts,
    industry: Texts,
    region: Texts,
    discount: Vec<f64>,
}

#[derive(Default)]
struct Payments {
    payment_id: Texts,
    customer_id: Texts,
    due_at: Moments,
    amount: Vec<f64>,
    settled_at: Moments,
    status: Texts,
    refunded_at: Moments,
    method: Texts,
    known_at: Moments,
}

#[derive(Default)]
struct Tickets {
    ticket_id: Texts,
    customer_id: Texts,
    opened_at: Moments,
    first_response_at: Moments,
    resolved_at: Moments,
    reopened_at: Moments,
    priority: Texts,
    category: Texts,
    channel: Texts,
    satisfaction: Vec<f64>,
    satisfaction_at: Moments,
    known_at: Moments,
}

#[derive(Default)]
struct Activities {
    activity_id: Texts,
    customer_id: Texts,
    at: Moments,
    kind: Texts,
    quantity: Vec<f64>,
    known_at: Moments,
}

/// The rows of some customers of one tenant.
pub(super) struct Recorder<'a> {
    options: &'a WorldOptions,
    trade: &'a Trade,
    customers: Customers,
    payments: Payments,
    tickets: Tickets,
    activities: Activities,
    leaks: Vec<(PlantedLeak, LeakColumn)>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(options: &'a WorldOptions, trade: &'a Trade) -> Self {
        Self {
            options,
            trade,
            customers: Customers::default(),
            payments: Payments::default(),
            tickets: Tickets::default(),
            activities: Activities::default(),
            leaks: options.leaks.iter().map(|leak| (*leak, leak.column())).collect(),
        }
    }

    /// Simulates one customer and records their rows.
    pub(super) fn record(&mut self, customer: u32) {
        let profile = Profile::draw(self.options, self.trade, customer);
        let life = Circumstances {
            options: self.options,
            trade: self.trade,
            profile: &profile,
        };
        let mut scribe = Scribe {
            random: self.trade.random(customer, Use::Records, 0),
            leaked: self.trade.random(customer, Use::Leaks, 0),
            end: moment(self.options, self.options.days as i32, 0.0),
            customer,
            spell_rows: self.customers.customer_id.len(),
            bills: 0,
            open_bill: None,
            last_paid: None,
            asked: 0,
            open_tickets: vec![],
            done: 0,
            profile: &profile,
            all: self,
        };
        live(&life, customer, &mut scribe);
    }

    pub(super) fn finish(self) -> WorldTables {
        let currency = vec![Box::from(self.trade.currency); self.payments.payment_id.len()];
        let mut customers = WorldTable {
            columns: vec![
                ("customer_id", WorldColumn::Texts(self.customers.customer_id)),
                ("signed_up_at", WorldColumn::Moments(self.customers.signed_up_at)),
                ("churned_at", WorldColumn::Moments(self.customers.churned_at)),
                ("notice_at", WorldColumn::Moments(self.customers.notice_at)),
                ("renews_at", WorldColumn::Moments(self.customers.renews_at)),
                ("valid_from", WorldColumn::Moments(self.customers.valid_from)),
                ("known_at", WorldColumn::Moments(self.customers.known_at)),
                ("plan", WorldColumn::Texts(self.customers.plan)),
                ("seats", WorldColumn::Numbers(self.customers.seats)),
                ("contract", WorldColumn::Texts(self.customers.contract)),
                ("billing", WorldColumn::Texts(self.customers.billing)),
                ("industry", WorldColumn::Texts(self.customers.industry)),
                ("region", WorldColumn::Texts(self.customers.region)),
                ("discount", WorldColumn::Numbers(self.customers.discount)),
            ],
        };
        if !self.options.dated {
            customers
                .columns
                .retain(|(name, _)| !matches!(*name, "valid_from" | "known_at"));
        }
        let leaks = self
            .leaks
            .into_iter()
            .map(|(leak, column)| (leak.name(), column.into()));
        customers.columns.extend(leaks);
        let payments = WorldTable {
            columns: vec![
                ("payment_id", WorldColumn::Texts(self.payments.payment_id)),
                ("customer_id", WorldColumn::Texts(self.payments.customer_id)),
                ("due_at", WorldColumn::Moments(self.payments.due_at)),
                ("amount", WorldColumn::Numbers(self.payments.amount)),
                ("settled_at", WorldColumn::Moments(self.payments.settled_at)),
                ("status", WorldColumn::Texts(self.payments.status)),
                ("refunded_at", WorldColumn::Moments(self.payments.refunded_at)),
                ("currency", WorldColumn::Texts(currency)),
                ("method", WorldColumn::Texts(self.payments.method)),
                ("known_at", WorldColumn::Moments(self.payments.known_at)),
            ],
        };
        let tickets = WorldTable {
            columns: vec![
                ("ticket_id", WorldColumn::Texts(self.tickets.ticket_id)),
                ("customer_id", WorldColumn::Texts(self.tickets.customer_id)),
                ("opened_at", WorldColumn::Moments(self.tickets.opened_at)),
                (
                    "first_response_at",
                    WorldColumn::Moments(self.tickets.first_response_at),
                ),
                ("resolved_at", WorldColumn::Moments(self.tickets.resolved_at)),
                ("reopened_at", WorldColumn::Moments(self.tickets.reopened_at)),
                ("priority", WorldColumn::Texts(self.tickets.priority)),
                ("category", WorldColumn::Texts(self.tickets.category)),
                ("channel", WorldColumn::Texts(self.tickets.channel)),
                ("satisfaction", WorldColumn::Numbers(self.tickets.satisfaction)),
                ("satisfaction_at", WorldColumn::Moments(self.tickets.satisfaction_at)),
                ("known_at", WorldColumn::Moments(self.tickets.known_at)),
            ],
        };
        let activities = WorldTable {
            columns: vec![
                ("activity_id", WorldColumn::Texts(self.activities.activity_id)),
                ("customer_id", WorldColumn::Texts(self.activities.customer_id)),
                ("at", WorldColumn::Moments(self.activities.at)),
                ("kind", WorldColumn::Texts(self.activities.kind)),
                ("quantity", WorldColumn::Numbers(self.activities.quantity)),
                ("known_at", WorldColumn::Moments(self.activities.known_at)),
            ],
        };
        WorldTables {
            customers,
            payments,
            tickets,
            activities,
        }
    }
}

/// An observer that records the simulated life of one customer as table rows.
struct Scribe<'a, 'b> {
    all: &'a mut Recorder<'b>,
    profile: &'a Profile,
    random: SplitMix,
    leaked: SplitMix,
    /// The end of the simulation, in microseconds.
    end: i64,
    customer: u32,
    /// The first row of the current spell (the time from a sign-up to the following cancellation) in the customers
    /// table.
    spell_rows: usize,
    bills: u32,
    /// The row of the open invoice in the payments table; `None` if no invoice is open.
    open_bill: Option<usize>,
    /// The row, in the payments table, of the payment that may be refunded; `None` if there is no such payment.
    last_paid: Option<usize>,
    asked: u32,
    /// The rows of open tickets in the tickets table, oldest first.
    open_tickets: Vec<usize>,
    done: u32,
}

impl Scribe<'_, '_> {
    fn at(&mut self, day: i32, from_hour: f64, to_hour: f64) -> i64 {
        let hour = from_hour + (to_hour - from_hour) * self.random.unit();
        moment(self.all.options, day, hour)
    }

    /// Draws the `known_at` of a row whose event happened at `at`. The result is `None` if the row is known at once. If
    /// the drawn time is not before the end of the simulation, the row is known at once.
    fn late(&mut self, at: i64) -> Option<i64> {
        let late = self.random.unit() < self.all.options.late_known;
        let by = late_by(&mut self.random);
        (late && at + by < self.end).then_some(at + by)
    }

    fn id(&self) -> Box<str> {
        self.profile.id.as_str().into()
    }

    fn numbered(&self, prefix: char, number: u32) -> Box<str> {
        format!("{prefix}{}-{number}", self.customer + 1).into()
    }

    /// Adds a version of the customer (a row with the state that is valid from `valid_from`). A version never becomes
    /// known before the sign-up is known.
    fn version(&mut self, spell: &Spell, state: &State, valid_from: i64, known_at: Option<i64>) {
        let known_at = match (known_at, spell.known_at) {
            (None, Some(known)) if valid_from < known => Some(known),
            (Some(own), Some(known)) => Some(own.max(known)),
            (own, _) => own,
        };
        let id = self.id();
        // `renews_in` is the number of days from the day of the state to the renewal.
        let renews_at = self
            .profile
            .annual
            .then(|| moment(self.all.options, state.day + state.renews_in, 0.0));
        let rows = &mut self.all.customers;
        rows.customer_id.push(id);
        rows.signed_up_at.push(Some(spell.signed_up_at));
        rows.churned_at.push(spell.churned_at);
        rows.notice_at
            .push(spell.decided_at.filter(|at| Some(*at) != spell.churned_at));
        rows.renews_at.push(renews_at);
        rows.valid_from.push(Some(valid_from));
        rows.known_at.push(known_at);
        rows.plan.push(PLANS[usize::from(state.plan)].into());
        rows.seats.push(f64::from(state.seats));
        rows.contract
            .push(if self.profile.annual { "annual" } else { "monthly" }.into());
        rows.billing
            .push(if self.profile.invoice { "invoice" } else { "card" }.into());
        rows.industry.push(self.profile.industry.into());
        rows.region.push(self.profile.region.into());
        rows.discount.push(self.profile.discount);
    }

    fn amount(&self, state: &State) -> f64 {
        let price = SEAT_PRICES[usize::from(state.plan)] * self.all.trade.price;
        let days = f64::from(self.all.options.billing_days) / 30.0;
        let amount = price * f64::from(state.seats) * days * (1.0 - self.profile.discount / 100.0);
        (amount * 100.0).round() / 100.0
    }

    fn payment(&mut self, state: &State, due_at: i64, settled_at: Option<i64>, status: &str) -> usize {
        self.bills += 1;
        let (id, payment_id, amount) = (self.id(), self.numbered('p', self.bills), self.amount(state));
        let known_at = match settled_at {
            Some(at) => self.late(at),
            None => None,
        };
        let method = match self.profile.invoice {
            true => "transfer",
            false => "card",
        };
        let rows = &mut self.all.payments;
        rows.payment_id.push(payment_id);
        rows.customer_id.push(id);
        rows.due_at.push(Some(due_at));
        rows.amount.push(amount);
        rows.settled_at.push(settled_at);
        rows.status.push(status.into());
        rows.refunded_at.push(None);
        rows.method.push(method.into());
        rows.known_at.push(known_at);
        rows.payment_id.len() - 1
    }

    fn bill(&mut self, state: &State, day: i32, bill: Bill) {
        match bill {
            Bill::Sent => {
                let due_at = self.at(day, 8.0, 9.0);
                self.open_bill = Some(self.payment(state, due_at, None, "pending"));
            }
            Bill::Settled | Bill::WrittenOff => {
                let Some(row) = self.open_bill.take() else { return };
                let settled_at = self.at(day, 9.0, 18.0);
                self.all.payments.settled_at[row] = Some(settled_at);
                let paid = bill == Bill::Settled;
                self.all.payments.status[row] = if paid { "paid" } else { "failed" }.into();
                if paid {
                    self.correct(row, settled_at);
                    self.last_paid = Some(row);
                }
            }
            Bill::Charged(_) | Bill::Refused(_) => {
                let due_at = self.at(day, 2.0, 4.0);
                let settled_at = due_at + (self.random.unit() * 0.5 * MICROS_PER_HOUR as f64) as i64;
                let paid = matches!(bill, Bill::Charged(_));
                let status = if paid { "paid" } else { "failed" };
                let row = self.payment(state, due_at, Some(settled_at), status);
                if paid {
                    self.last_paid = Some(row);
                }
            }
        }
    }

    /// Corrects some of the paid invoices. A corrected invoice has a second version of its row, with an amount that is
    /// 1 % lower than in the first version. Both versions exist before the invoice can be refunded, so a refund is
    /// recorded in both.
    fn correct(&mut self, row: usize, settled_at: i64) {
        let Some(known_at) = self.late(settled_at) else { return };
        let rows = &mut self.all.payments;
        rows.payment_id.push(rows.payment_id[row].clone());
        rows.customer_id.push(rows.customer_id[row].clone());
        rows.due_at.push(rows.due_at[row]);
        rows.amount.push((rows.amount[row] * 99.0).round() / 100.0);
        rows.settled_at.push(rows.settled_at[row]);
        rows.status.push(rows.status[row].clone());
        rows.refunded_at.push(None);
        rows.method.push(rows.method[row].clone());
        rows.known_at.push(Some(known_at));
    }

    fn refund(&mut self, day: i32) {
        let Some(row) = self.last_paid.take() else { return };
        let refunded_at = self.at(day, 18.0, 20.0);
        let rows = &mut self.all.payments;
        let id = rows.payment_id[row].clone();
        // The second version of a corrected invoice is in a later row than the first version.
        for row in row..rows.payment_id.len() {
            if rows.payment_id[row] == id {
                rows.refunded_at[row] = Some(refunded_at);
                rows.status[row] = "refunded".into();
            }
        }
    }

    fn ticket(&mut self, day: i32, priority: u8) {
        self.asked += 1;
        let (id, ticket_id) = (self.id(), self.numbered('t', self.asked));
        let opened_at = self.at(day, 14.0, 19.0);
        let waits = exp(bell(&mut self.random)) * [16.0, 8.0, 4.0, 1.5][usize::from(priority)];
        let answered_at = opened_at + (waits * MICROS_PER_HOUR as f64) as i64;
        let category = ["billing", "bug", "how_to", "integration", "performance"][self.random.below(5)];
        let channel = ["chat", "email", "phone"][self.random.below(3)];
        let known_at = self.late(opened_at);
        let rows = &mut self.all.tickets;
        rows.ticket_id.push(ticket_id);
        rows.customer_id.push(id);
        rows.opened_at.push(Some(opened_at));
        rows.first_response_at
            .push(Some(answered_at).filter(|at| *at < self.end));
        rows.resolved_at.push(None);
        rows.reopened_at.push(None);
        rows.priority
            .push(["low", "normal", "high", "urgent"][usize::from(priority)].into());
        rows.category.push(category.into());
        rows.channel.push(channel.into());
        rows.satisfaction.push(f64::NAN);
        rows.satisfaction_at.push(None);
        rows.known_at.push(known_at);
        self.open_tickets.push(rows.ticket_id.len() - 1);
    }

    fn resolve(&mut self, day: i32, rating: Option<u8>, reopened: bool) {
        if self.open_tickets.is_empty() {
            return;
        }
        let row = self.open_tickets.remove(0);
        let resolved_at = self.at(day, 8.0, 12.0);
        let rated_at = self.at(day, 12.0, 16.0);
        let reopened_at = self.at(day, 16.0, 18.0);
        let rated_at_once = self.random.below(3) == 0;
        let rows = &mut self.all.tickets;
        rows.resolved_at[row] = Some(resolved_at);
        // The first response to a ticket is never later than its resolution.
        rows.first_response_at[row] = Some(rows.first_response_at[row].map_or(resolved_at, |at| at.min(resolved_at)));
        rows.reopened_at[row] = reopened.then_some(reopened_at);
        if let Some(rating) = rating {
            rows.satisfaction[row] = f64::from(rating);
            rows.satisfaction_at[row] = (!rated_at_once).then_some(rated_at);
        }
    }

    fn activity(&mut self, day: i32) {
        self.done += 1;
        let (id, activity_id) = (self.id(), self.numbered('a', self.done));
        let at = self.at(day, 7.0, 21.0);
        let kind = match self.random.below(20) {
            0..9 => "login",
            9..14 => "report",
            14..17 => "export",
            17..19 => "api_call",
            _ => "invite",
        };
        let quantity = match kind {
            "api_call" => exp(2.0 + bell(&mut self.random)).round(),
            "export" => 1.0 + self.random.below(4) as f64,
            _ => f64::NAN,
        };
        let known_at = self.late(at);
        let rows = &mut self.all.activities;
        rows.activity_id.push(activity_id);
        rows.customer_id.push(id);
        rows.at.push(Some(at));
        rows.kind.push(kind.into());
        rows.quantity.push(quantity);
        rows.known_at.push(known_at);
    }

    /// Removes all versions of the current spell except the last version, which holds the state at the end of the
    /// spell. This method is called if the option `dated` is false.
    fn keep_last_version(&mut self) {
        let rows = &mut self.all.customers;
        let (first, last) = (self.spell_rows, rows.customer_id.len() - 1);
        macro_rules! keep {
            ($($column:ident)*) => {$( rows.$column.drain(first..last); )*};
        }
        keep!(customer_id signed_up_at churned_at notice_at renews_at valid_from known_at plan seats contract billing industry region discount);
    }
}

impl Witness for Scribe<'_, '_> {
    fn begins(&mut self, spell: &Spell, state: &State) {
        self.spell_rows = self.all.customers.customer_id.len();
        self.version(spell, state, spell.signed_up_at, spell.known_at);
    }

    fn decides(&mut self, spell: &Spell, state: &State) {
        let Some(at) = spell.decided_at else { return };
        // A cancellation with a notice period is known as soon as notice is given. A cancellation without a notice
        // period may become known late.
        let known_at = self.late(at).filter(|_| spell.churned_at == spell.decided_at);
        self.version(spell, state, at, known_at);
    }

    fn lived(&mut self, spell: &Spell, state: &State, today: &Today) {
        let day = state.day - 1;
        for _ in 0..today.activities {
            self.activity(day);
        }
        if let Some(resolved) = today.resolved {
            self.resolve(day, resolved.rating, resolved.reopened);
        }
        if let Some(priority) = today.opened {
            self.ticket(day, priority);
        }
        if let Some(bill) = today.bill {
            self.bill(state, day, bill);
        }
        if today.refunded {
            self.refund(day);
        }
        if today.changed {
            let at = self.at(day, 18.0, 20.0);
            let known_at = self.late(at);
            self.version(spell, state, at, known_at);
        }
    }

    fn ends(&mut self, spell: &Spell) {
        if !self.all.options.dated {
            self.keep_last_version();
        }
        let fate = Fate {
            signed_up_at: spell.signed_up_at,
            decided_at: spell.decided_at,
            churned_at: spell.churned_at,
            end: self.end,
            customer: self.customer,
            customers: self.all.options.customers,
        };
        let versions = self.all.customers.customer_id.len() - self.spell_rows;
        for (leak, column) in &mut self.all.leaks {
            leak.tell(&fate, versions, column, &mut self.leaked);
        }
        // Tickets and bills that are open when a customer leaves stay open.
        self.open_bill = None;
        self.last_paid = None;
        self.open_tickets.clear();
    }
}
