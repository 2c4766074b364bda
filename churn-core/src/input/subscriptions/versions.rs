//! Converts the subscriptions of a customer to versions of the customer. A version states what is true of the customer
//! from a point in time on.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Subscription;

/// The key of a customer's version: the start of the spell (uninterrupted period as a customer), and the time since
/// which the version is true.
pub(super) type VersionKey = (i64, i64);

/// The values of a customer's version.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Version {
    pub(super) churned_at: i64,
    pub(super) mrr: f64,
    pub(super) plan: Option<String>,
    pub(super) seats: Option<f64>,
}

/// The versions of one customer. Each item consists of the key of a version, the time at which the version became
/// known, and the values of the version. `moments` are additional times at which an attribute of the customer changes.
pub(super) fn versions(subscriptions: &[Subscription], moments: &[i64]) -> Vec<(VersionKey, i64, Version)> {
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
    rows
}

/// For each subscription, the last version that was known at the time `known_at`.
pub(super) fn as_known(subscriptions: &[Subscription], known_at: i64) -> Vec<&Subscription> {
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
    start: i64,
    end: i64,
    subscriptions: Vec<&'a Subscription>,
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
    /// The last time at which a version of this spell can begin. It is one microsecond before the end of the spell, or
    /// the latest start of a subscription if that start is later.
    pub(super) fn last(&self) -> i64 {
        self.subscriptions
            .iter()
            .map(|own| own.started_at)
            .max()
            .unwrap_or(self.start)
            .max(self.end - 1)
    }

    /// The values of the customer's version that begins at `moment`, a time within the spell.
    pub(super) fn at(&self, moment: i64) -> Version {
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
