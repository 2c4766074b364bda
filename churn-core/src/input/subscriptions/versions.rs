//! Converts the subscriptions of a customer to versions of the customer. A version states what is true of the customer
//! from a point in time on.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::rc::Rc;

use crate::error::Result;
use crate::parallel::Workers;

use super::source::Subscription;

/// The key of a customer's version: the start of the spell (uninterrupted period as a customer), and the time since
/// which the version is true.
pub(super) type VersionKey = (i64, i64);

/// The values of a customer's version.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Version {
    pub(super) churned_at: i64,
    pub(super) mrr: f64,
    pub(super) plan: Option<Rc<str>>,
    pub(super) seats: Option<f64>,
}

/// A row of the result for one customer: the key of a version, the time at which the version became known, and the
/// values of the version.
pub(super) type VersionRow = (VersionKey, i64, Version);

/// The versions of one customer. `moments` are additional times at which an attribute of the customer changes.
pub(super) fn versions(subscriptions: &[Subscription], moments: &[i64], workers: &Workers) -> Result<Vec<VersionRow>> {
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
        let mut sweeps: BTreeMap<i64, Sweep<'_>> = spells.iter().map(|spell| (spell.start, spell.sweep())).collect();
        // The keys are in ascending order, so each sweep only moves forward.
        for (start, at) in keys {
            workers.check()?;
            let version = match sweeps.get_mut(&start) {
                Some(sweep) => sweep.at(at),
                // An earlier row stated that a spell began at this time, but later information contradicts it. The new
                // row cancels the spell: `churned_at` equals the start of the spell, so the spell has no length.
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
    Ok(rows)
}

/// For each subscription, the last version that was known at the time `known_at`.
pub(super) fn as_known(subscriptions: &[Subscription], known_at: i64) -> Vec<&Subscription> {
    let known = subscriptions.iter().filter(|own| own.known_at <= known_at);
    let (named, mut all): (Vec<_>, Vec<_>) = known.partition(|own| own.id.is_some());
    let mut last: BTreeMap<&Option<Rc<str>>, &Subscription> = BTreeMap::new();
    for own in named {
        let known = last.entry(&own.id).or_insert(own);
        if own.known_at > known.known_at {
            *known = own;
        }
    }
    all.extend(last.into_values());
    // The order of floating-point additions affects the sum. The subscriptions are therefore sorted, so that sums do
    // not depend on the input order.
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

/// A spell (an uninterrupted period as a customer): a series of subscriptions without a gap between them.
pub(super) struct Spell<'a> {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) subscriptions: Vec<&'a Subscription>,
}

pub(super) fn spells<'a>(sorted: &[&'a Subscription]) -> Vec<Spell<'a>> {
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
    fn sweep(&self) -> Sweep<'_> {
        let started = self.subscriptions.iter().map(|own| own.started_at).max();
        Sweep {
            last: started.unwrap_or(self.start).max(self.end - 1),
            end: self.end,
            subscriptions: &self.subscriptions,
            begun: 0,
            active: BTreeSet::new(),
            ends: BinaryHeap::new(),
        }
    }
}

/// Moves forward in time through a spell, and keeps the set of active subscriptions.
struct Sweep<'a> {
    /// The last time at which a version of the spell can begin. It is one microsecond before the end of the spell, or
    /// the latest start of a subscription if that start is later.
    last: i64,
    end: i64,
    /// The subscriptions of the spell, sorted by start.
    subscriptions: &'a [&'a Subscription],
    /// The number of subscriptions that have begun.
    begun: usize,
    /// The positions of the active subscriptions. They are visited in ascending order, so that the sums of
    /// floating-point numbers do not depend on the order of the ends.
    active: BTreeSet<usize>,
    /// The ends of the active subscriptions with their positions. The earliest end comes first.
    ends: BinaryHeap<Reverse<(i64, usize)>>,
}

impl Sweep<'_> {
    /// The values of the customer's version that begins at `moment`, or at the last possible time if that is earlier.
    /// `moment` must not lie before the one of an earlier call.
    fn at(&mut self, moment: i64) -> Version {
        let moment = moment.min(self.last);
        while let Some(own) = self.subscriptions.get(self.begun)
            && own.started_at <= moment
        {
            self.active.insert(self.begun);
            self.ends.push(Reverse((own.ended_at, self.begun)));
            self.begun += 1;
        }
        // A subscription without length is active only at the time at which it starts and ends.
        let mut momentary = vec![];
        while let Some(&Reverse((ended_at, position))) = self.ends.peek()
            && ended_at <= moment
        {
            self.ends.pop();
            if self.subscriptions[position].started_at == moment && ended_at == moment {
                momentary.push(Reverse((ended_at, position)));
            } else {
                self.active.remove(&position);
            }
        }
        self.ends.extend(momentary);
        let own = || self.active.iter().map(|&position| self.subscriptions[position]);
        let main = own().max_by(|a, b| {
            let began = || a.started_at.cmp(&b.started_at);
            a.mrr.total_cmp(&b.mrr).then_with(began).then_with(|| a.id.cmp(&b.id))
        });
        let seats = own().filter_map(|own| own.seats);
        Version {
            churned_at: self.end,
            mrr: own().map(|own| own.mrr).sum::<f64>() + 0.0,
            plan: main.and_then(|main| main.plan.clone()),
            seats: seats.fold(None, |sum, seats| Some(sum.unwrap_or(0.0) + seats)),
        }
    }
}
