//! The true risk: the probability of leaving, averaged over many simulated continuations of a customer's life.

use std::ops::ControlFlow;

use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Workers;
use crate::synthetic::life::{Circumstances, Spell, State, Witness, live, notice_days};
use crate::synthetic::options::WorldOptions;
use crate::synthetic::profile::{Profile, Trade, Use};
use crate::time::{AsOf, Horizon, MICROS_PER_DAY};

/// The true risk of one customer at one date: the customer's probability of leaving according to the simulation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrueRisk {
    /// The id of the tenant.
    pub tenant_id: String,
    /// The id of the customer.
    pub customer_id: String,
    /// The date for which the risk is computed.
    pub as_of: AsOf,
    /// The probability that the customer leaves in the label period, given everything that happened before the date.
    pub probability: f64,
    /// Whether the customer left in the label period; `None` if the label period ends after the end of the history.
    pub churned: Option<bool>,
}

/// One thread computes the true risks of this number of customers at a time.
const PIECE: usize = 64;

/// Computes the true risk of the tenant's eligible customers, sorted by customer id.
pub(super) fn true_risks(
    options: &WorldOptions,
    trade: &Trade,
    as_of: AsOf,
    horizon: Horizon,
    workers: &Workers,
) -> Result<Vec<TrueRisk>> {
    let since = as_of.as_micros() - options.start.as_micros();
    let day = since.div_euclid(MICROS_PER_DAY);
    let wrong = |why: String| Err(Error::new(ErrorKind::InvalidOption, why).at(None, None, Some("as_of")));
    if since.rem_euclid(MICROS_PER_DAY) != 0 {
        return wrong(format!("the true risk is known at midnights, and {as_of} is none"));
    }
    if day < 0 || day > i64::from(options.days) {
        return wrong(format!("{as_of} lies outside the world"));
    }
    if horizon.days == 0 || horizon.days > 3660 || horizon.lead > 3660 {
        let why = "a label period has 1 to 3660 days, and begins within as many";
        return Err(Error::new(ErrorKind::InvalidOption, why).at(None, None, Some("horizon")));
    }
    let found = workers.map_chunks(options.customers, PIECE, |customers| {
        let risks = customers.filter_map(|customer| {
            let profile = Profile::draw(options, trade, customer as u32);
            let life = Circumstances {
                options,
                trade,
                profile: &profile,
            };
            risk(&life, customer as u32, day as i32, as_of, horizon)
        });
        Ok(risks.collect::<Vec<_>>())
    })?;
    Ok(found.into_iter().flatten().collect())
}

fn risk(life: &Circumstances<'_>, customer: u32, day: i32, as_of: AsOf, horizon: Horizon) -> Option<TrueRisk> {
    let mut seen = Seen {
        as_of: as_of.as_micros(),
        day,
        last: life.options.days as i32,
        state: None,
        churned_at: None,
    };
    live(life, customer, &mut seen);
    let state = seen.state?;
    let (from, to) = (horizon.start(as_of.as_micros()), horizon.end(as_of.as_micros()));
    // A customer who leaves during the lead (the days between the date and the start of the label period) has no label.
    if seen.churned_at.is_some_and(|at| at < from) {
        return None;
    }
    let end = life.options.start.plus_days(i64::from(life.options.days)).as_micros();
    Some(TrueRisk {
        tenant_id: life.trade.id.clone(),
        customer_id: life.profile.id.clone(),
        as_of,
        probability: probability(life, customer, state, horizon),
        churned: (to <= end).then(|| seen.churned_at.is_some_and(|at| at < to)),
    })
}

/// Observes a simulated life, and stores the customer's state on the morning of `day`. If the customer leaves later,
/// the time at which they leave is also stored. The state is `None` if, on that morning, the customer has no known
/// spell (period as a customer) or has already decided to leave.
struct Seen {
    as_of: i64,
    day: i32,
    last: i32,
    state: Option<State>,
    churned_at: Option<i64>,
}

impl Seen {
    fn look(&mut self, spell: &Spell, state: &State) {
        let known = spell.known_at.is_none_or(|at| at < self.as_of);
        if state.day == self.day && known && spell.decided_at.is_none() {
            self.state = Some(*state);
        }
    }
}

impl Witness for Seen {
    fn begins(&mut self, spell: &Spell, state: &State) {
        self.look(spell, state);
    }

    fn morning(&mut self, spell: &Spell, state: &State) -> ControlFlow<()> {
        self.look(spell, state);
        // If the customer has no state on `self.day`, they are not eligible, so the simulation can stop.
        match state.day >= self.day && self.state.is_none() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn lived(&mut self, spell: &Spell, state: &State, _: &crate::synthetic::life::Today) {
        // `morning` is not called on the day on which the simulation ends. If the risk is computed for this
        // day, the state is stored here.
        if state.day == self.last {
            self.look(spell, state);
        }
    }

    fn ends(&mut self, spell: &Spell) {
        if self.state.is_some() && self.churned_at.is_none() {
            self.churned_at = spell.churned_at;
        }
    }
}

/// Returns the true risk: the probability of leaving in the label period, averaged over many simulated continuations of
/// the customer's life. The probability is conditional on not leaving within the lead (the days between the date and
/// the start of the label period).
fn probability(life: &Circumstances<'_>, customer: u32, state: State, horizon: Horizon) -> f64 {
    let notice = i64::from(notice_days(life.profile));
    // The customer leaves in the label period if they decide to leave on a day from `first` (inclusive) to `last`
    // (exclusive). Both days are counted from the date.
    let first = (i64::from(horizon.lead) - notice).max(0);
    let last = (i64::from(horizon.lead) + i64::from(horizon.days) - notice).max(first);
    let mut random = life.trade.random(customer, Use::Truth, state.day);
    let (mut until_first, mut until_last) = (0.0, 0.0);
    for _ in 0..life.options.paths {
        let mut path = state;
        let mut stays = 1.0;
        for day in 0..last {
            if day == first {
                until_first += stays;
            }
            stays *= 1.0 - path.hazard(life);
            path.live(life, &mut random);
        }
        until_last += stays;
        if first == last {
            until_first += stays;
        }
    }
    1.0 - until_last / until_first
}
