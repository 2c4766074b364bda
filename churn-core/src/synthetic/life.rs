//! Simulates a customer day by day: what the customer does on each day, and the daily probability that they decide to
//! leave.

use std::ops::ControlFlow;

use crate::numeric::{SplitMix, exp};
use crate::synthetic::options::WorldOptions;
use crate::synthetic::profile::{Profile, Trade, Use};
use crate::time::{MICROS_PER_DAY, MICROS_PER_HOUR};

/// The length of an annual contract in days. It is a whole number of weeks.
const TERM: i32 = 364;
/// Notice period of an annual contract in days. Other contracts have no notice period.
const NOTICE: i32 = 30;
/// Days between two attempts to charge a card for one bill.
const RETRY_AFTER: i32 = 4;
/// Maximum number of attempts to charge a card for one bill.
const MOST_ATTEMPTS: u8 = 3;

/// The weight of the recorded risk factors in the logarithm of the daily probability of leaving. The weight is large
/// enough for a model to learn the risk factors, and small enough for churn to stay uncertain.
const SHOWN: f64 = 0.85;

/// The fixed inputs of a customer's simulation. They stay the same over the customer's whole life.
pub(super) struct Circumstances<'a> {
    pub(super) options: &'a WorldOptions,
    pub(super) trade: &'a Trade,
    pub(super) profile: &'a Profile,
}

/// The state of a customer on the morning of one day. The fields that affect the probability of leaving on this day are
/// determined by what was recorded before this morning. The other fields affect only later days.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    /// The current day, counted from the start of the simulation.
    pub(super) day: i32,
    signed_up_day: i32,
    pub(super) plan: u8,
    pub(super) seats: u32,
    pub(super) renews_in: i32,
    /// The customer's current mean number of activities per working day.
    rate: f64,
    /// Whether the customer is losing interest, so that their activity falls over time.
    fading: bool,
    /// Whether the customer is gaining interest, so that their activity rises over time.
    growing: bool,
    /// Short-term moving average of the number of activities per working day.
    short: f64,
    /// Long-term moving average of the number of activities per working day.
    long: f64,
    /// Whether the customer has problems with the product.
    trouble: bool,
    pub(super) open: u8,
    pain: f64,
    /// Whether charges to the customer's card are likely to fail, because the customer is short of money or the card
    /// does not work.
    short_of_money: bool,
    due_in: i32,
    attempt: u8,
    retry_in: i32,
    /// Days since the open invoice was sent, or -1 if no invoice is open.
    open_invoice: i32,
    refundable: bool,
    fails: f64,
    late: f64,
    shrinkage: f64,
}

/// What happens to a charge or an invoice on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bill {
    /// An invoice was sent.
    Sent,
    /// The open invoice was paid.
    Settled,
    /// The open invoice was written off.
    WrittenOff,
    /// The charge to the customer's card succeeded at this attempt. Attempts are counted from 1.
    Charged(u8),
    /// The charge to the customer's card was refused at this attempt. Attempts are counted from 1.
    Refused(u8),
}

/// What happens to a ticket on the day on which the ticket is resolved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolution {
    pub(super) rating: Option<u8>,
    pub(super) reopened: bool,
}

/// What happens to a customer on one day.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Today {
    pub(super) activities: u32,
    /// The priority of the ticket that is opened, from 0 (low) to 3 (urgent); `None` if no ticket is opened.
    pub(super) opened: Option<u8>,
    pub(super) resolved: Option<Resolution>,
    pub(super) bill: Option<Bill>,
    pub(super) refunded: bool,
    /// Whether the customer's seats, plan or renewal date changed during the day.
    pub(super) changed: bool,
}

/// One spell: the time from a sign-up to the cancellation that follows it. A customer who comes back has a second
/// spell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spell {
    /// The time of the sign-up, in microseconds since 1970-01-01.
    pub(super) signed_up_at: i64,
    /// The time at which the sign-up became known; `None` if it was known at once.
    pub(super) known_at: Option<i64>,
    pub(super) decided_at: Option<i64>,
    pub(super) churned_at: Option<i64>,
}

/// An observer of the simulated life of one customer. If `morning` returns `Break`, the simulation ends.
pub(super) trait Witness {
    fn begins(&mut self, _: &Spell, _: &State) {}
    fn morning(&mut self, _: &Spell, _: &State) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    fn decides(&mut self, _: &Spell, _: &State) {}
    /// This method is called after each day, with the state on the next morning.
    fn lived(&mut self, _: &Spell, _: &State, _: &Today) {}
    fn ends(&mut self, _: &Spell) {}
}

/// Converts a day and an hour of the simulation to microseconds since 1970-01-01.
pub(super) fn moment(options: &WorldOptions, day: i32, hour: f64) -> i64 {
    options.start.as_micros() + i64::from(day) * MICROS_PER_DAY + (hour * MICROS_PER_HOUR as f64) as i64
}

/// The notice period of a customer in days.
pub(super) fn notice_days(profile: &Profile) -> i32 {
    if profile.annual { NOTICE } else { 0 }
}

/// Draws the time at which a sign-up becomes known. The result is `None` if the sign-up is known at once. If the
/// drawn time is not before the end of the simulation, the sign-up is known at once. The sign-ups of initial customers
/// are known at once too, because these customers were imported at the start. If the option `dated` is false, the table
/// has no `known_at` column, so no sign-up becomes known late.
fn known_late(options: &WorldOptions, signed_up_at: i64, random: &mut SplitMix) -> Option<i64> {
    let (late, known_at) = (random.unit() < options.late_known, signed_up_at + late_by(random));
    let founder = signed_up_at < options.start.as_micros();
    let end = moment(options, options.days as i32, 0.0);
    (late && options.dated && !founder && known_at < end).then_some(known_at)
}

/// A random delay in microseconds, between one hour and about nine days.
pub(super) fn late_by(random: &mut SplitMix) -> i64 {
    MICROS_PER_HOUR + (random.unit() * 9.0 * MICROS_PER_DAY as f64) as i64
}

/// Simulates a customer from the start to the end of the simulation.
pub(super) fn live(life: &Circumstances<'_>, customer: u32, witness: &mut impl Witness) {
    let Circumstances {
        options,
        trade,
        profile,
    } = *life;
    let mut random = trade.random(customer, Use::Life, 0);
    let mut signed_up_day = profile.signed_up_day;
    let last = options.days as i32;
    // The loop simulates at most two spells, because a customer comes back at most once.
    for spell_number in 0..2 {
        let signed_up_at = moment(options, signed_up_day, 8.0 + 12.0 * random.unit());
        let mut spell = Spell {
            signed_up_at,
            known_at: known_late(options, signed_up_at, &mut random),
            decided_at: None,
            churned_at: None,
        };
        let mut state = State::new(life, signed_up_day, spell_number > 0, &mut random);
        witness.begins(&spell, &state);
        let mut left_on = i32::MAX;
        while state.day < last && state.day < left_on {
            if witness.morning(&spell, &state).is_break() {
                return;
            }
            if spell.decided_at.is_none() && random.unit() < state.hazard(life) {
                let at = moment(options, state.day, 8.0 + 4.0 * random.unit());
                left_on = state.day + notice_days(profile);
                spell.decided_at = Some(at);
                spell.churned_at = Some(at + i64::from(notice_days(profile)) * MICROS_PER_DAY);
                witness.decides(&spell, &state);
                if left_on == state.day {
                    break;
                }
            }
            let today = state.live(life, &mut random);
            witness.lived(&spell, &state, &today);
        }
        witness.ends(&spell);
        if left_on >= last || spell_number > 0 || random.unit() >= options.returning {
            return;
        }
        signed_up_day = left_on + 60 + random.below(240) as i32;
        if signed_up_day >= last {
            return;
        }
    }
}

impl State {
    fn new(life: &Circumstances<'_>, signed_up_day: i32, again: bool, random: &mut SplitMix) -> Self {
        let Circumstances { options, profile, .. } = *life;
        let day = (signed_up_day + 1).max(0);
        let tenure = day - signed_up_day;
        Self {
            day,
            signed_up_day,
            plan: profile.plan,
            seats: if again {
                profile.seats.div_ceil(2)
            } else {
                profile.seats
            },
            renews_in: TERM - tenure % TERM,
            rate: profile.activity,
            fading: false,
            growing: false,
            short: profile.activity,
            long: profile.activity,
            trouble: false,
            open: 0,
            pain: 0.0,
            short_of_money: false,
            due_in: match signed_up_day < 0 {
                true => random.below(options.billing_days as usize) as i32,
                false => 0,
            },
            attempt: 0,
            retry_in: 0,
            open_invoice: -1,
            refundable: false,
            fails: 0.0,
            late: 0.0,
            shrinkage: 0.0,
        }
    }

    /// How far the recent number of activities has fallen below its long-term average, as a number from 0 to 1. A fall
    /// by at most one tenth gives 0. A fall by about two thirds or more gives 1.
    fn decline(&self, options: &WorldOptions) -> f64 {
        let floor = 0.1 * options.activities_per_day + 1e-9;
        let fallen = 1.0 - (self.short + floor) / (self.long + floor);
        let share = ((fallen - 0.1) / 0.55).clamp(0.0, 1.0);
        share * share * (3.0 - 2.0 * share)
    }

    /// The probability that, on the current day, the customer decides to leave.
    pub(super) fn hazard(&self, life: &Circumstances<'_>) -> f64 {
        let Circumstances {
            options,
            trade,
            profile,
        } = *life;
        let drift = options.drift * f64::from(self.day) / f64::from(options.days);
        let decline = self.decline(options);
        let pain = self.pain.min(6.0) * if self.plan == 3 { 1.5 } else { 1.0 };
        let fails = self.fails.min(4.0) * if profile.annual { 0.8 } else { 1.2 };
        let tenure = f64::from(self.day - self.signed_up_day);
        let mut base = -8.8 + options.risk + trade.risk + profile.hidden;
        let mut shown = 2.3 * decline;
        shown += (0.28 + 0.3 * decline) * pain * (1.0 - drift);
        shown += 0.75 * fails * (1.0 + drift);
        shown += 0.03 * self.late.min(20.0);
        shown += 2.0 * self.shrinkage.min(0.8);
        shown += [0.35, 0.0, -0.25, -0.5][usize::from(self.plan)];
        shown += 0.9 / (1.0 + tenure / 120.0);
        if profile.annual {
            shown += match self.renews_in {
                ..=75 => (1.7 + 0.7 * decline) * (1.0 + 0.5 * drift),
                _ => -0.9,
            };
        }
        if self.day >= options.days as i32 - 182 {
            base += options.base_rate_shift;
        }
        exp(base + SHOWN * shown).min(0.5)
    }

    /// Simulates the current day. Afterwards, `self` is the state on the next morning.
    pub(super) fn live(&mut self, life: &Circumstances<'_>, random: &mut SplitMix) -> Today {
        let mut today = Today::default();
        self.moods(life, random);
        self.use_product(life, &mut today, random);
        self.seek_help(life, &mut today, random);
        self.pay(life, &mut today, random);
        self.change(life, &mut today, random);
        self.day += 1;
        today
    }

    /// Updates the parts of the state that no table records, such as fading interest.
    fn moods(&mut self, life: &Circumstances<'_>, random: &mut SplitMix) {
        let mut switch = |mood: &mut bool, begins: f64, ends: f64| {
            if random.unit() < if *mood { ends } else { begins } {
                *mood = !*mood;
            }
        };
        let annoyed = if self.pain > 2.5 { 3.0 } else { 1.0 };
        switch(&mut self.fading, annoyed / 420.0, 1.0 / 130.0);
        switch(&mut self.growing, 1.0 / 500.0, 1.0 / 150.0);
        switch(&mut self.trouble, 1.0 / 380.0, 1.0 / 55.0);
        switch(&mut self.short_of_money, 1.0 / 420.0, 1.0 / 60.0);
        let level = match (self.fading, self.growing) {
            (true, _) => 0.2,
            (false, true) => 1.7,
            (false, false) => 1.0,
        };
        self.rate += 0.035 * (level * life.profile.activity - self.rate);
    }

    fn use_product(&mut self, life: &Circumstances<'_>, today: &mut Today, random: &mut SplitMix) {
        // 1970-01-01 was a Thursday.
        let epoch_day = life.options.start.as_micros() / MICROS_PER_DAY + i64::from(self.day);
        let weekend = (epoch_day + 3).rem_euclid(7) >= 5;
        let mean = if weekend { 0.2 * self.rate } else { self.rate };
        // The number of activities on one day has a geometric distribution, because activities come in bursts.
        let again = mean / (1.0 + mean);
        while random.unit() < again && today.activities < 500 {
            today.activities += 1;
        }
        if !weekend {
            self.short += 0.045 * (f64::from(today.activities) - self.short);
            self.long += 0.009 * (f64::from(today.activities) - self.long);
        }
    }

    fn seek_help(&mut self, life: &Circumstances<'_>, today: &mut Today, random: &mut SplitMix) {
        self.pain *= 0.985;
        // The open ticket that has waited longest may be resolved before a new ticket is opened.
        if self.open > 0 && random.unit() < if self.trouble { 0.12 } else { 0.3 } {
            self.open -= 1;
            let liked = random.unit() + if self.trouble { 0.0 } else { 0.35 };
            let rating = (random.unit() < 0.6).then(|| ((liked * 5.0) as u8 + 1).min(5));
            let reopened = random.unit() < if self.trouble { 0.25 } else { 0.08 };
            self.pain += if rating.is_some_and(|rating| rating <= 2) {
                1.2
            } else {
                0.0
            };
            self.pain += if reopened { 0.6 } else { 0.0 };
            if rating == Some(1) && self.refundable && random.unit() < 0.5 {
                today.refunded = true;
                self.refundable = false;
            }
            today.resolved = Some(Resolution { rating, reopened });
        }
        // A customer has problems on about an eighth of all days, so the average rate of new tickets is close to the
        // requested rate.
        let rate = life.profile.tickets * if self.trouble { 5.0 } else { 0.45 };
        if self.open < 5 && random.unit() < rate {
            let urgency = random.unit() + if self.trouble { 0.25 } else { 0.0 };
            let priority = match urgency {
                u if u < 0.25 => 0,
                u if u < 0.75 => 1,
                u if u < 0.95 => 2,
                _ => 3,
            };
            self.open += 1;
            self.pain += [0.1, 0.4, 1.0, 1.6][usize::from(priority)];
            today.opened = Some(priority);
        }
    }

    fn pay(&mut self, life: &Circumstances<'_>, today: &mut Today, random: &mut SplitMix) {
        self.fails *= 0.98;
        self.late *= 0.985;
        let billing = life.options.billing_days as i32;
        if life.profile.invoice {
            if self.open_invoice >= 0 {
                self.open_invoice += 1;
                if random.unit() < if self.short_of_money { 0.02 } else { 0.14 } {
                    today.bill = Some(Bill::Settled);
                    self.late += 0.35 * f64::from(self.open_invoice);
                    self.open_invoice = -1;
                    self.refundable = true;
                } else if self.open_invoice >= billing.min(30) - 2 {
                    today.bill = Some(Bill::WrittenOff);
                    self.fails += 1.6;
                    self.open_invoice = -1;
                }
            } else if self.due_in <= 0 {
                today.bill = Some(Bill::Sent);
                self.open_invoice = 0;
                self.due_in = billing;
            }
        } else {
            let charge = if self.due_in <= 0 {
                self.due_in = billing;
                Some(1)
            } else if self.attempt > 0 && self.retry_in <= 0 {
                Some(self.attempt + 1)
            } else {
                None
            };
            if let Some(attempt) = charge {
                self.attempt = 0;
                if random.unit() < if self.short_of_money { 0.7 } else { 0.02 } {
                    today.bill = Some(Bill::Refused(attempt));
                    self.fails += 0.7;
                    if attempt < MOST_ATTEMPTS && self.due_in > RETRY_AFTER {
                        self.attempt = attempt;
                        self.retry_in = RETRY_AFTER;
                    }
                } else {
                    today.bill = Some(Bill::Charged(attempt));
                    self.refundable = true;
                }
            }
            self.retry_in -= 1;
        }
        self.due_in -= 1;
    }

    fn change(&mut self, life: &Circumstances<'_>, today: &mut Today, random: &mut SplitMix) {
        self.shrinkage *= 0.992;
        let (less, more) = match (self.fading, self.growing) {
            (true, _) => (0.008, 0.0003),
            (false, true) => (0.0004, 0.006),
            (false, false) => (0.0008, 0.001),
        };
        let drawn = random.unit();
        if drawn < less && self.seats > 1 {
            let fewer = ((f64::from(self.seats) * (0.6 + 0.3 * random.unit())) as u32).clamp(1, self.seats - 1);
            self.shrinkage += 1.0 - f64::from(fewer) / f64::from(self.seats);
            self.seats = fewer;
            today.changed = true;
        } else if drawn > 1.0 - more {
            self.seats += 1 + (f64::from(self.seats) * 0.3 * random.unit()) as u32;
            today.changed = true;
        }
        self.renews_in -= 1;
        if self.renews_in <= 0 {
            self.renews_in = TERM;
            let up = random.unit() < if self.growing { 0.3 } else { 0.08 };
            let down = random.unit() < if self.fading { 0.3 } else { 0.04 };
            match (up, down) {
                (true, false) if self.plan < 3 => self.plan += 1,
                (false, true) if self.plan > 0 => self.plan -= 1,
                _ => {}
            }
            today.changed = today.changed || life.profile.annual || up != down;
        }
    }
}
