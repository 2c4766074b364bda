//! Generates the tables of a tenant of any size. Customers come and go over time. The events of all customers are
//! sorted by time, as in a log file, so the events of one customer are not adjacent.
//!
//! The data are meant for measurements of speed and are not realistic. The only difference between customers is that
//! customers who are about to leave have fewer events than the others.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray,
    TimestampMicrosecondBuilder,
};
use arrow::error::ArrowError;
use churn_core::{Error, StaticAttributes, Table, TenantRecords};

const DAY: i64 = 86_400_000_000;
/// The start of the history, 2022-01-01.
const START: i64 = 18_993 * DAY;
/// The length of the history in days.
pub const DAYS: i64 = 900;
const NEVER: i64 = i64::MAX;

/// The number of rows of each table of a tenant.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// The number of customers.
    pub customers: usize,
    /// The number of payments.
    pub payments: usize,
    /// The number of tickets.
    pub tickets: usize,
    /// The number of activities.
    pub activities: usize,
}

impl Size {
    /// The size of a tenant with ten payments, two tickets and five activities per customer.
    pub fn of(customers: usize) -> Self {
        Self {
            customers,
            payments: customers * 10,
            tickets: customers * 2,
            activities: customers * 5,
        }
    }

    /// The number of events: the total number of payments, tickets and activities.
    pub fn events(&self) -> usize {
        self.payments + self.tickets + self.activities
    }
}

/// The four tables in the order customers, payments, tickets and activities.
pub type Batches = [RecordBatch; 4];

/// The random number generator SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    /// Returns a random duration in microseconds. The argument is the maximum in days.
    fn days(&mut self, days: i64) -> i64 {
        self.below((days * DAY) as usize) as i64
    }
}

struct World {
    random: Random,
    /// For each customer, the time of the sign-up and the time at which the customer left.
    lives: Vec<(i64, i64)>,
}

impl World {
    /// Returns a random customer who has signed up by the time `at` and has not left yet. Customers who are about to
    /// leave are chosen half as often as the others.
    fn somebody(&mut self, at: i64) -> usize {
        let mut who = 0;
        for _ in 0..16 {
            who = self.random.below(self.lives.len());
            let (from, to) = self.lives[who];
            let leaving = to != NEVER && to - at < 60 * DAY;
            if from < at && at < to && !(leaving && self.random.one_in(2)) {
                break;
            }
        }
        who
    }

    fn leaving(&self, who: usize, at: i64) -> bool {
        let to = self.lives[who].1;
        to != NEVER && to - at < 60 * DAY
    }
}

/// Creates the id of a customer or an event. As in real systems, the order of the ids is not related to the order of
/// the rows.
fn id(prefix: &str, number: usize) -> String {
    let mixed = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    format!("{prefix}_{:010x}", mixed & 0xff_ffff_ffff)
}

fn moment(index: usize, count: usize, random: &mut Random) -> i64 {
    let step = DAYS * DAY / count.max(1) as i64;
    START + index as i64 * step + random.below(step.max(1) as usize) as i64
}

fn moments(values: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values))
}

/// Creates the tables of a tenant. The seed determines all random values.
///
/// # Errors
/// Returns an error if a table is longer than Arrow allows.
pub fn batches(size: Size, seed: u64) -> Result<Batches, ArrowError> {
    let mut random = Random(seed);
    let lives = (0..size.customers).map(|_| {
        let from = START + random.days(DAYS - 200);
        let to = from + 30 * DAY + random.days(2 * DAYS);
        (from, if to < START + DAYS * DAY { to } else { NEVER })
    });
    let lives: Vec<(i64, i64)> = lives.collect();
    let ids: Vec<String> = (0..size.customers).map(|who| id("cus", who)).collect();
    let mut world = World { random, lives };
    Ok([
        customers(&mut world, &ids)?,
        payments(&mut world, &ids, size.payments)?,
        tickets(&mut world, &ids, size.tickets)?,
        activities(&mut world, &ids, size.activities)?,
    ])
}

fn customers(world: &mut World, ids: &[String]) -> Result<RecordBatch, ArrowError> {
    let mut plans = StringBuilder::new();
    let mut seats = vec![];
    for _ in ids {
        plans.append_value(["free", "team", "business", "enterprise"][world.random.below(4)]);
        seats.push((1 + world.random.below(50)) as f64);
    }
    let came = world.lives.iter().map(|life| Some(life.0)).collect();
    let left = world.lives.iter().map(|life| Some(life.1).filter(|&at| at != NEVER));
    RecordBatch::try_from_iter([
        ("customer_id", Arc::new(StringArray::from_iter_values(ids)) as ArrayRef),
        ("signed_up_at", moments(came)),
        ("churned_at", moments(left.collect())),
        ("plan", Arc::new(plans.finish())),
        ("seats", Arc::new(Float64Array::from(seats))),
    ])
}

fn payments(world: &mut World, ids: &[String], count: usize) -> Result<RecordBatch, ArrowError> {
    let (mut own, mut who, mut status) = (StringBuilder::new(), StringBuilder::new(), StringBuilder::new());
    let (mut due, mut settled) = (TimestampMicrosecondBuilder::new(), TimestampMicrosecondBuilder::new());
    let mut refunded = TimestampMicrosecondBuilder::new();
    let mut amounts = Vec::with_capacity(count);
    for index in 0..count {
        let at = moment(index, count, &mut world.random);
        let customer = world.somebody(at);
        let failures = if world.leaving(customer, at) { 4 } else { 20 };
        let late = at + world.random.days(12) - 3 * DAY;
        own.append_value(id("pay", index));
        who.append_value(&ids[customer]);
        due.append_value(at);
        amounts.push((900 + customer % 40 * 250 + world.random.below(500)) as f64 / 100.0);
        let outcome = match world.random.below(100) {
            0..2 => "pending",
            _ if world.random.one_in(failures) => "failed",
            _ => "paid",
        };
        status.append_value(outcome);
        settled.append_option((outcome != "pending").then_some(late));
        let back = outcome == "paid" && world.random.one_in(50);
        refunded.append_option(back.then(|| late + world.random.days(30)));
    }
    RecordBatch::try_from_iter([
        ("payment_id", Arc::new(own.finish()) as ArrayRef),
        ("customer_id", Arc::new(who.finish())),
        ("due_at", Arc::new(due.finish())),
        ("settled_at", Arc::new(settled.finish())),
        ("refunded_at", Arc::new(refunded.finish())),
        ("status", Arc::new(status.finish())),
        ("amount", Arc::new(Float64Array::from(amounts))),
    ])
}

fn tickets(world: &mut World, ids: &[String], count: usize) -> Result<RecordBatch, ArrowError> {
    let (mut own, mut who, mut priority) = (StringBuilder::new(), StringBuilder::new(), StringBuilder::new());
    let (mut opened, mut answered) = (TimestampMicrosecondBuilder::new(), TimestampMicrosecondBuilder::new());
    let mut resolved = TimestampMicrosecondBuilder::new();
    let mut satisfaction = Vec::with_capacity(count);
    for index in 0..count {
        let at = moment(index, count, &mut world.random);
        let customer = world.somebody(at);
        own.append_value(id("tic", index));
        who.append_value(&ids[customer]);
        opened.append_value(at);
        let first = at + world.random.days(2);
        answered.append_value(first);
        let open = world.random.one_in(12);
        resolved.append_option((!open).then(|| first + world.random.days(6)));
        priority.append_value(["low", "normal", "normal", "high", "urgent"][world.random.below(5)]);
        let rating = (!open && world.random.one_in(3)).then(|| (1 + world.random.below(5)) as f64);
        satisfaction.push(rating);
    }
    RecordBatch::try_from_iter([
        ("ticket_id", Arc::new(own.finish()) as ArrayRef),
        ("customer_id", Arc::new(who.finish())),
        ("opened_at", Arc::new(opened.finish())),
        ("first_response_at", Arc::new(answered.finish())),
        ("resolved_at", Arc::new(resolved.finish())),
        ("priority", Arc::new(priority.finish())),
        ("satisfaction", Arc::new(Float64Array::from(satisfaction))),
    ])
}

fn activities(world: &mut World, ids: &[String], count: usize) -> Result<RecordBatch, ArrowError> {
    let (mut who, mut kinds) = (StringBuilder::new(), StringBuilder::new());
    let mut moments = TimestampMicrosecondBuilder::new();
    let mut quantities = Vec::with_capacity(count);
    for index in 0..count {
        let at = moment(index, count, &mut world.random);
        let customer = world.somebody(at);
        who.append_value(&ids[customer]);
        moments.append_value(at);
        kinds.append_value(["login", "export", "invite", "report", "api"][world.random.below(5)]);
        quantities.push(1.0 + world.random.below(90) as f64 / 8.0);
    }
    RecordBatch::try_from_iter([
        ("customer_id", Arc::new(who.finish()) as ArrayRef),
        ("at", Arc::new(moments.finish())),
        ("kind", Arc::new(kinds.finish())),
        ("quantity", Arc::new(Float64Array::from(quantities))),
    ])
}

/// Builds the library's validated records from the tables.
///
/// # Errors
/// See [`churn_core::RecordsBuilder::build`].
pub fn records(batches: &Batches, execution: churn_core::Execution) -> Result<TenantRecords, Error> {
    let [customers, payments, tickets, activities] = batches;
    let (records, _) = TenantRecords::builder("scale")
        .customers(Table::from_record_batch(customers)?)
        .payments(Table::from_record_batch(payments)?)
        .tickets(Table::from_record_batch(tickets)?)
        .activities(Table::from_record_batch(activities)?)
        .static_attributes(StaticAttributes::All)
        .execution(execution)
        .build()?;
    Ok(records)
}

/// Returns `count` dates that lie 30 days apart. The first date is 90 days before the end of the history, and each
/// further date is 30 days before the previous one.
pub fn dates(count: i64) -> Vec<churn_core::AsOf> {
    let end = churn_core::Timestamp::from_micros(START + (DAYS - 90) * DAY).unwrap_or(churn_core::Timestamp::EPOCH);
    (0..count)
        .map(|step| churn_core::AsOf::new(end.plus_days(-30 * step)))
        .collect()
}
