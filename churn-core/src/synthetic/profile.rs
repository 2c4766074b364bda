//! Tenants, and the properties of their customers at sign-up.

use crate::numeric::{SplitMix, exp};
use crate::synthetic::options::WorldOptions;

pub(super) const PLANS: [&str; 4] = ["starter", "team", "business", "enterprise"];
pub(super) const SEAT_PRICES: [f64; 4] = [9.0, 14.0, 22.0, 31.0];
pub(super) const INDUSTRIES: [&str; 8] = [
    "construction",
    "education",
    "finance",
    "health",
    "logistics",
    "media",
    "retail",
    "software",
];
pub(super) const REGIONS: [&str; 5] = ["apac", "dach", "latam", "nordics", "us"];

/// A purpose for which random numbers are drawn. Each purpose has its own stream of random numbers.
#[derive(Clone, Copy)]
pub(super) enum Use {
    Profile = 0,
    Life = 1,
    Records = 2,
    Truth = 3,
    Faults = 4,
    Leaks = 5,
}

/// Returns an approximately normal random number with mean 0 and variance 1. It is computed from three uniform numbers
/// and lies between -3 and 3.
pub(super) fn bell(random: &mut SplitMix) -> f64 {
    2.0 * (random.unit() + random.unit() + random.unit() - 1.5)
}

/// The business of one tenant: its prices, the contracts of its customers, and their risk.
#[derive(Clone, Debug)]
pub(super) struct Trade {
    pub(super) id: String,
    pub(super) currency: &'static str,
    seed: u64,
    /// The risk level of the tenant. It is added to the logarithm of each customer's daily probability of leaving.
    pub(super) risk: f64,
    pub(super) price: f64,
    pub(super) activity: f64,
    pub(super) tickets: f64,
    /// Share of the tenant's customers who have an annual contract.
    annual: f64,
    /// Share of the tenant's customers who pay by invoice.
    invoice: f64,
}

impl Trade {
    pub(super) fn new(seed: u64, index: usize) -> Self {
        let mut random = SplitMix::new(seed, index as u64 + 1);
        let mut between = |low: f64, high: f64| low + (high - low) * random.unit();
        Self {
            risk: between(-0.2, 0.2),
            price: between(0.7, 1.5),
            activity: between(0.8, 1.25),
            tickets: between(0.8, 1.25),
            annual: between(0.4, 0.6),
            invoice: between(0.25, 0.45),
            currency: ["EUR", "USD", "GBP"][index % 3],
            id: format!("t{:03}", index + 1),
            seed: random.next_u64(),
        }
    }

    /// Returns the stream of random numbers of one customer for one purpose. If random numbers are drawn for this
    /// purpose at several dates, each value of `date` has its own stream. For other purposes, `date` is 0.
    pub(super) fn random(&self, customer: u32, what: Use, date: i32) -> SplitMix {
        let stream = u64::from(customer) << 32 | u64::from(date as u32 & 0x0fff_ffff) << 4 | what as u64;
        SplitMix::new(self.seed, stream)
    }
}

/// The properties of a customer that do not change.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) id: String,
    /// The day of the sign-up, counted from the start of the simulation. It is negative for initial customers.
    pub(super) signed_up_day: i32,
    pub(super) industry: &'static str,
    pub(super) region: &'static str,
    pub(super) plan: u8,
    pub(super) seats: u32,
    pub(super) annual: bool,
    pub(super) invoice: bool,
    pub(super) discount: f64,
    /// The customer's usual number of activities per working day.
    pub(super) activity: f64,
    pub(super) tickets: f64,
    /// The effect of unrecorded reasons to leave. It is added to the logarithm of the customer's daily probability of
    /// leaving.
    pub(super) hidden: f64,
}

/// Maximum number of days from the sign-up of an initial customer to the start of the simulation.
const FOUNDED: usize = 900;

impl Profile {
    pub(super) fn draw(options: &WorldOptions, trade: &Trade, customer: u32) -> Self {
        let mut random = trade.random(customer, Use::Profile, 0);
        let founder = random.unit() < options.initial_customers;
        let signed_up_day = match founder {
            true => -1 - random.below(FOUNDED) as i32,
            false => random.below(options.days as usize) as i32,
        };
        let plan = match random.unit() {
            u if u < 0.4 => 0,
            u if u < 0.7 => 1,
            u if u < 0.9 => 2,
            _ => 3,
        };
        let usual_seats = [4.0, 9.0, 22.0, 60.0][usize::from(plan)];
        let seats = (usual_seats * exp(0.5 * bell(&mut random))) as u32 + 1;
        let spread = exp(0.5 * bell(&mut random) - 0.125);
        // Customers with larger plans have more activities and tickets than customers with smaller plans, but fewer
        // activities and tickets per seat.
        let size = [0.8, 1.0, 1.2, 1.4][usize::from(plan)];
        Self {
            id: format!("c{:07}", customer + 1),
            signed_up_day,
            industry: INDUSTRIES[random.below(INDUSTRIES.len())],
            region: REGIONS[random.below(REGIONS.len())],
            plan,
            seats,
            annual: random.unit() < trade.annual,
            invoice: random.unit() < trade.invoice,
            discount: [0.0, 0.0, 0.0, 5.0, 10.0, 20.0][random.below(6)],
            activity: options.activities_per_day * trade.activity * spread * size,
            tickets: options.tickets_per_day * trade.tickets * size,
            hidden: options.hidden * bell(&mut random),
        }
    }
}
