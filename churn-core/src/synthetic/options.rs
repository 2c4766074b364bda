//! Options of a synthetic world.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::options::{Given, Options, builders, from_value, json_methods};
use crate::parallel::Execution;
use crate::synthetic::leaks::PlantedLeak;
use crate::time::Timestamp;

/// Options of [`world`](crate::synthetic::world). Equal options give equal worlds.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct WorldOptions {
    /// Seed of all random numbers in the world.
    pub seed: u64,
    /// Number of tenants. Their ids are `t001`, `t002` and so on. Default: 3.
    pub tenants: usize,
    /// Number of customers of each tenant over the whole history, including those who leave. Default: 1000.
    pub customers: usize,
    /// The start of the history. It must be a midnight in UTC. Default: 2023-01-02.
    pub start: Timestamp,
    /// Length of the history in days. The history ends at `start + days`. Default: 910.
    pub days: u32,
    /// Fraction of customers who signed up before the start of the history. The sign-ups of all other customers are
    /// spread evenly over the history. Default: 0.5.
    pub initial_customers: f64,
    /// Average number of activities per customer and working day. Default: 0.5.
    pub activities_per_day: f64,
    /// Average number of tickets per customer and day. Default: 0.012.
    pub tickets_per_day: f64,
    /// Days between two bills, at least 7. Default: 30.
    pub billing_days: u32,
    /// The risk level. Each morning, there is a small probability that a customer decides to leave. This number is
    /// added to the logarithm of that probability. Positive numbers therefore raise the churn rate. Default: 0.
    pub risk: f64,
    /// Share of churned customers who sign up again two to ten months after they left. Default: 0.1.
    pub returning: f64,
    /// Fraction of rows that become known late, between one hour and about nine days after the event. This number is
    /// also the fraction of paid invoices that are corrected later. Default: 0.02.
    pub late_known: f64,
    /// Whether the customers table has dated versions, that is, one row for each state of a customer, with the time
    /// from which the state is valid. If false, each spell (the time from a sign-up to the cancellation that follows
    /// it) has a single row with the state at the end of the spell, and the table has no `valid_from` and `known_at`.
    /// Default: true.
    pub dated: bool,
    /// How strongly unrecorded reasons to leave differ between customers. For each customer, a fixed number that no
    /// table contains is added to the logarithm of their daily probability of leaving. This option is the standard
    /// deviation of these numbers. Default: 0.
    pub hidden: f64,
    /// How much the causes of churn change over the history, from 0 (no change) to 1. With drift, the effect of bad
    /// support becomes smaller over time, and the effects of failed charges and renewals become larger. Default: 0.
    pub drift: f64,
    /// A shift of the churn rate near the end of the history. On each of the last 182 days, this number is added to the
    /// logarithm of the probability that a customer decides to leave on that day. Default: 0.
    pub base_rate_shift: f64,
    /// Fraction of rows that occur twice, in each of the four tables. Default: 0.
    pub duplicates: f64,
    /// Fraction of event rows whose `customer_id` is not in the customers table. Default: 0.
    pub events_without_customer: f64,
    /// Fraction of event rows that state another tenant in `tenant_id`. If this fraction is above 0, all tables have a
    /// `tenant_id` column. Default: 0.
    pub unknown_ids: f64,
    /// Planted leaks: columns with information that is not available at prediction time. They are added to the
    /// customers table. Default: none.
    pub leaks: Vec<PlantedLeak>,
    /// Number of paths (simulated continuations of a customer's life) from which one true risk is computed. Default:
    /// 64.
    pub paths: u32,
    /// Settings for threads, progress reports and cancellation. They never change the result.
    #[serde(skip)]
    pub execution: Execution,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            tenants: 3,
            customers: 1000,
            start: Timestamp::from_ymd(2023, 1, 2).unwrap_or(Timestamp::EPOCH),
            days: 910,
            initial_customers: 0.5,
            activities_per_day: 0.5,
            tickets_per_day: 0.012,
            billing_days: 30,
            risk: 0.0,
            returning: 0.1,
            late_known: 0.02,
            dated: true,
            hidden: 0.0,
            drift: 0.0,
            base_rate_shift: 0.0,
            duplicates: 0.0,
            events_without_customer: 0.0,
            unknown_ids: 0.0,
            leaks: vec![],
            paths: 64,
            execution: Execution::default(),
        }
    }
}

builders!(WorldOptions {
    with_seed(seed: u64),
    with_tenants(tenants: usize),
    with_customers(customers: usize),
    with_start(start: Timestamp),
    with_days(days: u32),
    with_initial_customers(initial_customers: f64),
    with_activities_per_day(activities_per_day: f64),
    with_tickets_per_day(tickets_per_day: f64),
    with_billing_days(billing_days: u32),
    with_risk(risk: f64),
    with_returning(returning: f64),
    with_late_known(late_known: f64),
    with_dated(dated: bool),
    with_hidden(hidden: f64),
    with_drift(drift: f64),
    with_base_rate_shift(base_rate_shift: f64),
    with_duplicates(duplicates: f64),
    with_events_without_customer(events_without_customer: f64),
    with_unknown_ids(unknown_ids: f64),
    with_leaks(leaks: Vec<PlantedLeak>),
    with_paths(paths: u32),
    with_execution(execution: Execution),
});
json_methods!(WorldOptions);

impl Options for WorldOptions {
    /// Reads the options from JSON. The value of `leaks` is a list of names, or `"all"`.
    fn read(&mut self, given: &mut Given) -> Result<()> {
        given.set("seed", &mut self.seed)?;
        given.set("tenants", &mut self.tenants)?;
        given.set("customers", &mut self.customers)?;
        given.set("start", &mut self.start)?;
        given.set("days", &mut self.days)?;
        given.set("initial_customers", &mut self.initial_customers)?;
        given.set("activities_per_day", &mut self.activities_per_day)?;
        given.set("tickets_per_day", &mut self.tickets_per_day)?;
        given.set("billing_days", &mut self.billing_days)?;
        given.set("risk", &mut self.risk)?;
        given.set("returning", &mut self.returning)?;
        given.set("late_known", &mut self.late_known)?;
        given.set("dated", &mut self.dated)?;
        given.set("hidden", &mut self.hidden)?;
        given.set("drift", &mut self.drift)?;
        given.set("base_rate_shift", &mut self.base_rate_shift)?;
        given.set("duplicates", &mut self.duplicates)?;
        given.set("events_without_customer", &mut self.events_without_customer)?;
        given.set("unknown_ids", &mut self.unknown_ids)?;
        let mut leaks: Option<Value> = None;
        given.set("leaks", &mut leaks)?;
        match leaks {
            None => {}
            Some(Value::String(all)) if all == "all" => self.leaks = PlantedLeak::all().collect(),
            Some(names) => {
                self.leaks = serde_json::from_value(names).map_err(|error| given.wrong("leaks", error))?;
            }
        }
        given.set("paths", &mut self.paths)
    }
}

impl<'de> Deserialize<'de> for WorldOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        from_value(Self::default(), Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl WorldOptions {
    /// Returns options for one tenant with this number of customers over two years. On average, each customer has 10
    /// payments, 2 tickets and 5 activities.
    pub fn scale(customers: usize) -> Self {
        Self {
            tenants: 1,
            customers,
            days: 728,
            activities_per_day: 0.0169,
            tickets_per_day: 0.0045,
            billing_days: 42,
            ..Self::default()
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let wrong = |name: &str, why: &str| {
            Err(Error::new(ErrorKind::InvalidOption, format!("{name} {why}")).at(None, None, Some(name)))
        };
        let shares = [
            ("initial_customers", self.initial_customers),
            ("returning", self.returning),
            ("late_known", self.late_known),
            ("drift", self.drift),
            ("duplicates", self.duplicates),
            ("events_without_customer", self.events_without_customer),
            ("unknown_ids", self.unknown_ids),
        ];
        if let Some((name, _)) = shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return wrong(name, "must be a share from 0 to 1");
        }
        let sizes = [
            ("activities_per_day", self.activities_per_day, 50.0),
            ("tickets_per_day", self.tickets_per_day, 0.5),
            ("hidden", self.hidden, 10.0),
        ];
        if let Some((name, _, most)) = sizes.iter().find(|(_, size, most)| !(0.0..=*most).contains(size)) {
            return wrong(name, &format!("must be from 0 to {most}"));
        }
        for (name, shift) in [("risk", self.risk), ("base_rate_shift", self.base_rate_shift)] {
            if !(-20.0..=20.0).contains(&shift) {
                return wrong(name, "must be log-odds from -20 to 20");
            }
        }
        if self.start.as_micros().rem_euclid(crate::time::MICROS_PER_DAY) != 0 {
            return wrong("start", "must be a midnight");
        }
        let years = Timestamp::from_ymd(1000, 1, 1)..Timestamp::from_ymd(9000, 1, 1);
        if !years.contains(&Some(self.start)) {
            return wrong("start", "must lie in the years 1000 to 9000");
        }
        if !(1..=36_500).contains(&self.days) {
            return wrong("days", "must be from 1 to 36500");
        }
        if !(7..=366).contains(&self.billing_days) {
            return wrong("billing_days", "must be from 7 to 366");
        }
        if !(1..=999).contains(&self.tenants) {
            return wrong("tenants", "must be from 1 to 999");
        }
        if self.customers > 9_999_999 {
            return wrong("customers", "must be at most 9999999");
        }
        if self.paths == 0 {
            return wrong("paths", "must be at least 1");
        }
        Ok(())
    }
}
