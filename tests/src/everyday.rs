//! Synthetic tenants in which all customers have the same billing cycle. The true risk of inactivity is known on every
//! day of the cycle.
//!
//! Each customer pays on schedule until they leave. After that, they neither pay nor use the product. Each customer has
//! an individual daily rate of leaving. Customers with a higher rate of leaving use the product less often. The true
//! risk of churn by inactivity at a date therefore follows from the schedule, the rate, and whether the customer has
//! already left.

use std::collections::HashMap;

use churn_core::{Activity, AsOf, Customer, Payment, ScoreRun, TenantRecords, Timestamp};

/// How often customers are invoiced, and on which day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cycle {
    /// Customers are invoiced every Monday.
    Weekly,
    /// Customers are invoiced every second week, on a Monday. Half of the customers are invoiced in even weeks, and the
    /// other customers in odd weeks.
    Biweekly,
    /// All customers are invoiced every month on this day of the month.
    Monthly(i64),
    /// Each customer is invoiced every month on an individual day of the month, from 1 to 28.
    MonthlyOwnDay,
    /// Customers are invoiced on the first of January, April, July and October.
    Quarterly,
    /// Each customer is invoiced every three months. The months and the day of the month differ between customers.
    QuarterlyOwnDay,
    /// Customers are invoiced every year on the first of January.
    Annual,
    /// Each customer is invoiced every year on an individual day of the year.
    AnnualOwnDay,
}

impl Cycle {
    /// All billing cycles with their names.
    pub const ALL: [(&'static str, Cycle); 9] = [
        ("weekly", Cycle::Weekly),
        ("biweekly", Cycle::Biweekly),
        ("monthly-1st", Cycle::Monthly(1)),
        ("monthly-15th", Cycle::Monthly(15)),
        ("monthly-own", Cycle::MonthlyOwnDay),
        ("quarterly", Cycle::Quarterly),
        ("quarterly-own", Cycle::QuarterlyOwnDay),
        ("annual", Cycle::Annual),
        ("annual-own", Cycle::AnnualOwnDay),
    ];

    /// Returns how many years of history a tenant with this cycle has.
    pub fn years(self) -> i64 {
        match self {
            Cycle::Annual | Cycle::AnnualOwnDay => 5,
            _ => 3,
        }
    }

    /// The usual number of days between two consecutive invoices.
    pub fn gap_days(self) -> f64 {
        match self {
            Cycle::Weekly => 7.0,
            Cycle::Biweekly => 14.0,
            Cycle::Monthly(_) | Cycle::MonthlyOwnDay => 31.0,
            Cycle::Quarterly | Cycle::QuarterlyOwnDay => 92.0,
            Cycle::Annual | Cycle::AnnualOwnDay => 365.0,
        }
    }

    /// Returns the invoice days of a customer from the day `first` up to, but not including, the day `last`. All days
    /// are numbers of days since 1970-01-01. The random number `lot` determines the week, month or day that differs
    /// between customers.
    fn dues(self, lot: u64, first: i64, last: i64) -> Vec<i64> {
        let months = |every: i64, offset: i64, day: i64| {
            // January 1970 has the month number 0.
            let from = first * 12 / 366 - 2;
            (from..from + (last - first) / 28 + 16)
                .filter(|month| month.rem_euclid(every) == offset)
                .map(|month| date(month, day))
                .filter(|due| (first..last).contains(due))
                .collect()
        };
        let lot_of = |bound: u64| (lot % bound) as i64;
        let weeks = |every: i64, offset: i64| {
            // Day 4 (1970-01-05) was a Monday, so the calculation begins with this day.
            let begin = first + (4 + offset - first).rem_euclid(every);
            (0..).map(|k| begin + k * every).take_while(|due| *due < last).collect()
        };
        match self {
            Cycle::Weekly => weeks(7, 0),
            Cycle::Biweekly => weeks(14, 7 * lot_of(2)),
            Cycle::Monthly(day) => months(1, 0, day),
            Cycle::MonthlyOwnDay => months(1, 0, 1 + lot_of(28)),
            Cycle::Quarterly => months(3, 0, 1),
            Cycle::QuarterlyOwnDay => months(3, lot_of(3), 1 + (lot / 3 % 28) as i64),
            Cycle::Annual => months(12, 0, 1),
            Cycle::AnnualOwnDay => months(12, lot_of(12), 1 + (lot / 12 % 28) as i64),
        }
    }
}

/// Converts a date to days since 1970-01-01. `month` is the number of months since January 1970, and `day` is the day
/// of the month.
fn date(month: i64, day: i64) -> i64 {
    let (year, month) = (1970 + month.div_euclid(12), month.rem_euclid(12) + 1);
    let at = Timestamp::from_ymd(year as i16, month as i8, day as i8).expect("a date");
    at.as_micros() / 86_400_000_000
}

/// Returns midnight at the start of a day. `day` is a number of days since 1970-01-01.
pub fn midnight(day: i64) -> Timestamp {
    Timestamp::EPOCH.plus_days(day)
}

struct Life {
    lot: u64,
    signed_up: i64,
    /// The customer's daily rate of leaving. This rate is nearly equal to the probability of leaving on a given day.
    rate: f64,
    left_at: f64,
    activities: Vec<f64>,
}

/// A tenant whose customers all have the same billing cycle.
pub struct Everyday {
    cycle: Cycle,
    lives: Vec<Life>,
    codes: HashMap<String, usize>,
    begin: i64,
    /// The first day that is scored, 2024-12-15, in days since 1970-01-01. Training uses only data from before this
    /// day.
    pub today: i64,
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    fn wait(&mut self, rate: f64) -> f64 {
        -(1.0 - self.unit()).ln() / rate
    }
}

impl Everyday {
    /// Creates a synthetic tenant. `customers` is the number of customers over the whole history, including those who
    /// left.
    pub fn new(cycle: Cycle, customers: usize, seed: u64) -> Self {
        let today = date((2024 - 1970) * 12 + 11, 15);
        let begin = today - cycle.years() * 365;
        let mut random = Random(seed.wrapping_mul(0x1000_0001) ^ 77);
        let monthly = match cycle {
            Cycle::Annual | Cycle::AnnualOwnDay => 0.015,
            Cycle::Weekly => 0.05,
            _ => 0.04,
        };
        let lives: Vec<Life> = (0..customers)
            .map(|_| {
                let lot = random.next();
                // Some customers signed up before the history begins.
                let signed_up = begin - 200 + (random.unit() * (today - begin + 140) as f64) as i64;
                let own = random.bell();
                let rate = monthly / 30.4 * (0.7 * own - 0.245).exp();
                let left_at = signed_up as f64 + random.wait(rate);
                let use_rate = 0.08 * (-0.6 * own).exp();
                let mut activities = vec![];
                let mut at = signed_up as f64;
                loop {
                    at += random.wait(use_rate);
                    if at >= left_at.min(today as f64 + 40.0) {
                        break;
                    }
                    if at >= begin as f64 {
                        activities.push(at);
                    }
                }
                Life {
                    lot,
                    signed_up,
                    rate,
                    left_at,
                    activities,
                }
            })
            .collect();
        let codes = (0..customers).map(|code| (id(code), code)).collect();
        Self {
            cycle,
            lives,
            codes,
            begin,
            today,
        }
    }

    /// Builds the library's records from the tenant's rows. Rows whose event happens on or after the day `until` are
    /// left out.
    pub fn records(&self, until: i64) -> TenantRecords {
        let (mut customers, mut payments, mut activities) = (vec![], vec![], vec![]);
        for (code, life) in self.lives.iter().enumerate().filter(|(_, life)| life.signed_up < until) {
            let customer_id = id(code);
            for due in self.cycle.dues(life.lot, life.signed_up.max(self.begin), until) {
                if (due as f64) < life.left_at {
                    payments.push(Payment::new(
                        customer_id.clone(),
                        midnight(due),
                        10.0 + (life.lot % 7) as f64 * 5.0,
                    ));
                }
            }
            for &at in life.activities.iter().filter(|at| **at < until as f64) {
                let at = Timestamp::from_micros((at * 86_400e6) as i64).expect("within the calendar");
                activities.push(Activity::new(customer_id.clone(), at));
            }
            customers.push(Customer::new(customer_id, midnight(life.signed_up)));
        }
        let builder = TenantRecords::builder("everyday")
            .customers(customers)
            .payments(payments);
        builder.activities(activities).build().expect("valid records").0
    }

    /// Returns the true probability that a customer makes no payment in the `horizon` days that begin with `day`.
    pub fn risk(&self, customer_id: &str, day: i64, horizon: i64) -> f64 {
        let life = &self.lives[self.codes[customer_id]];
        let dues = self.cycle.dues(life.lot, day.max(life.signed_up), day + horizon);
        match dues.first() {
            Some(due) if life.left_at > day as f64 => 1.0 - (-life.rate * (due - day) as f64).exp(),
            _ => 1.0,
        }
    }

    /// Compares a run's scores with the customers' true risks at the day of the run.
    pub fn judge(&self, run: &ScoreRun, day: i64, horizon: i64) -> DayFigures {
        let (mut predicted, mut risk, mut loss, mut rows) = (0.0, 0.0, 0.0, 0usize);
        let cross = |risk: f64, p: f64| {
            let p = p.clamp(1e-15, 1.0 - 1e-15);
            -risk * p.ln() - (1.0 - risk) * (1.0 - p).ln()
        };
        for score in run.scores() {
            let Some(p) = score.probability() else { continue };
            let truth = self.risk(&score.customer_id, day, horizon);
            predicted += p;
            risk += truth;
            loss += cross(truth, p);
            rows += 1;
        }
        let count = rows.max(1) as f64;
        let risk = risk / count;
        DayFigures {
            rows,
            predicted: predicted / count,
            risk,
            excess: loss / count - cross(risk, risk),
        }
    }

    /// Returns the days that are scored: the 31 days from 2024-12-15 to 2025-01-14. If all customers of the tenant have
    /// the same invoice days, at least one of the 31 days is an invoice day.
    pub fn days(&self) -> Vec<i64> {
        (self.today..self.today + 31).collect()
    }
}

/// The scores of one day, compared with the true risks.
#[derive(Clone, Copy, Debug)]
pub struct DayFigures {
    /// The number of customers to whom the run gave a probability.
    pub rows: usize,
    /// The mean of the predicted churn probabilities.
    pub predicted: f64,
    /// The mean of the true risks of the customers to whom the run gave a probability.
    pub risk: f64,
    /// The expected log-loss of the probabilities, minus the expected log-loss of the best constant prediction for the
    /// day. The difference is negative if the probabilities are better than the constant prediction.
    pub excess: f64,
}

/// Returns the `as_of` with which the customers are scored on a day.
pub fn as_of(day: i64) -> AsOf {
    AsOf::new(midnight(day))
}

fn id(code: usize) -> String {
    format!("C-{code:06}")
}
