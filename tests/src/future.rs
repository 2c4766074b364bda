//! Takes a random tenant (a "world"), and rewrites the rows that could not be known at a date. Tests use this module to
//! check that features and labels do not use the future.
//!
//! Rows whose event happened at or after the date, and rows that became known at or after the date, are changed,
//! deleted or added at random. Rows that were visible before the date stay bit-identical.

use std::collections::BTreeSet;

use crate::dice::Dice;
use crate::raw::{ActivityRow, CustomerRow, CustomerTable, DAY, Event, PaymentRow, TicketRow, World};
use crate::worlds::{Maker, Shape, Version, attribute};

/// Feature columns that exist only if some customer has two spells (periods as a customer). The second spell may begin
/// after the date. The values of these columns depend only on the past, but whether the columns exist depends on the
/// whole history.
pub const SPELL_COLUMNS: [&str; 3] = [
    "customer_earlier_spells",
    "customer_days_since_last_end",
    "customer_days_since_first_sign_up",
];

/// Returns a world in which the rows that were known before `as_of` are unchanged, and all other rows are rewritten at
/// random.
pub fn rewrite(world: &World, as_of: i64, seed: u64) -> World {
    let shape = Shape {
        customers: 1,
        moves: true,
    };
    let maker = Maker::new(Dice::new(seed), shape, vec![as_of]);
    let mut rewriter = Rewriter {
        as_of,
        maker,
        customers: Vec::new(),
        fresh: 0,
    };
    let mut world = world.clone();
    world.customers = rewriter.customers(&world);
    let ids: BTreeSet<String> = world.customers.rows.iter().map(|r| r.customer_id.clone()).collect();
    rewriter.customers = ids.into_iter().collect();
    if let Some(table) = &mut world.payments {
        table.rows = rewriter.events(&table.columns, &table.rows);
    }
    if let Some(table) = &mut world.tickets {
        table.rows = rewriter.events(&table.columns, &table.rows);
    }
    if let Some(table) = &mut world.activities {
        table.rows = rewriter.events(&table.columns, &table.rows);
    }
    world
}

struct Rewriter {
    as_of: i64,
    maker: Maker,
    /// The ids of all customers of the new world.
    customers: Vec<String>,
    /// The number of records that were added so far. The next new record gets an id that contains this number.
    fresh: usize,
}

/// A row of an event table. The methods rewrite a row that was not fully known at a date.
trait Rewrite: Event + Clone {
    /// Creates a row of the same table with random values.
    fn another(maker: &mut Maker, like: &Self, columns: &[&str], customer: &str, v: Version) -> Self;
    /// Shifts all timestamps of the row by `by` microseconds.
    fn shift(&mut self, by: i64);
    /// Sets `known_at`, the time at which the row became known.
    fn learn(&mut self, known_at: i64);
    /// Rewrites the fields of the row that were still empty or unknown at `as_of`, such as the time of a refund.
    fn fill_in(&mut self, maker: &mut Maker, columns: &[&str], as_of: i64);
}

impl Rewriter {
    fn events<R: Rewrite>(&mut self, columns: &[&str], rows: &[R]) -> Vec<R> {
        // A row that was known before the date is kept if its record has several versions. If this row were deleted, an
        // earlier version of the record could become visible.
        let versions = |row: &R| rows.iter().filter(|r| r.id().is_some() && r.id() == row.id()).count();
        let unknowable = |row: &R| {
            row.known_at().is_some_and(|known_at| known_at >= self.as_of)
                || (row.at() >= self.as_of && versions(row) <= 1)
        };
        let hidden: Vec<bool> = rows.iter().map(unknowable).collect();
        let mut rewritten: Vec<R> = Vec::new();
        for (row, hidden) in rows.iter().zip(hidden) {
            match (hidden, self.maker.dice.between(0, 9)) {
                (true, 0..=3) => {}
                (true, 4..=7) => {
                    let version = Version {
                        id: row.id().map(str::to_owned),
                        known_at: row.known_at(),
                    };
                    rewritten.push(self.unknowable(columns, row, version));
                }
                (true, _) => rewritten.push(row.clone()),
                (false, _) => {
                    let mut row = row.clone();
                    row.fill_in(&mut self.maker, columns, self.as_of);
                    rewritten.push(row);
                }
            }
        }
        let dated = columns.contains(&"known_at");
        for _ in 0..rows.len().min(8) {
            let like = self.maker.dice.pick(rows).clone();
            let correction = dated && like.id().is_some() && self.maker.dice.chance(50);
            let row = if correction {
                let version = Version {
                    id: like.id().map(str::to_owned),
                    known_at: Some(self.maker.later(self.as_of)),
                };
                self.unknowable(columns, &like, version)
            } else {
                self.fresh += 1;
                let id = like.id().map(|_| format!("fresh-{}", self.fresh));
                self.unknowable(columns, &like, Version { id, known_at: None })
            };
            let told_apart = row.id().is_none()
                || !rewritten
                    .iter()
                    .any(|r| r.id() == row.id() && r.known_at() == row.known_at());
            if told_apart {
                rewritten.insert(self.maker.dice.below(rewritten.len() + 1), row);
            }
        }
        rewritten
    }

    /// Creates an event row of a random customer. The event happens at or after the date, or the row becomes known at
    /// or after the date.
    fn unknowable<R: Rewrite>(&mut self, columns: &[&str], like: &R, version: Version) -> R {
        let known_late = version.known_at.is_some_and(|known_at| known_at >= self.as_of);
        let customer = self.maker.dice.pick(&self.customers).clone();
        let mut row = R::another(&mut self.maker, like, columns, &customer, version);
        if known_late {
            return row;
        }
        let target = self.maker.later(self.as_of);
        if row.known_at().is_none() && columns.contains(&"known_at") && self.maker.dice.chance(50) {
            row.learn(target);
        } else {
            row.shift(target - row.at());
        }
        row
    }

    fn customers(&mut self, world: &World) -> CustomerTable {
        let mut table = world.customers.clone();
        let (columns, attributes) = (&table.columns, &table.attributes);
        let as_of = self.as_of;
        let unknowable = |row: &CustomerRow| {
            let late = |moment: Option<i64>| moment.is_some_and(|moment| moment >= as_of);
            row.signed_up_at >= as_of || late(row.valid_from) || late(row.known_at)
        };
        let owners = owners(world);
        let mut rows = table.rows.clone();

        let mut position = 0;
        while position < rows.len() {
            let row = &rows[position];
            let last = rows.iter().filter(|r| r.customer_id == row.customer_id).count() == 1;
            let needed = last && owners.contains(&row.customer_id);
            if unknowable(row) && !needed && self.maker.dice.chance(40) {
                rows.remove(position);
                continue;
            }
            let hidden = unknowable(row);
            let row = &mut rows[position];
            for (column, moment) in [("churned_at", &mut row.churned_at), ("notice_at", &mut row.notice_at)] {
                if columns.contains(&column) && moment.is_none_or(|moment| moment >= as_of) {
                    *moment = self.maker.maybe_later(60, as_of.max(row.signed_up_at));
                }
            }
            if hidden {
                for (value, (_, kind)) in row.attributes.iter_mut().zip(attributes) {
                    *value = Some(attribute(*kind, &mut self.maker.dice));
                }
            }
            position += 1;
        }

        for number in 0..4 {
            let like = self.maker.dice.pick(&table.rows).clone();
            let customer_id = match self.maker.dice.chance(50) {
                true => like.customer_id.clone(),
                false => format!("another-{number}"),
            };
            let signed_up_at = self.maker.later(as_of);
            let mut added = self.maker.spell(&customer_id, signed_up_at, columns, attributes);
            let mut version = like.clone();
            version.attributes = attributes
                .iter()
                .map(|(_, kind)| Some(attribute(*kind, &mut self.maker.dice)))
                .collect();
            let target = Some(self.maker.later(as_of));
            match (columns.contains(&"valid_from"), columns.contains(&"known_at")) {
                (true, true) if self.maker.dice.chance(50) => version.known_at = target,
                (true, _) => version.valid_from = target,
                (false, true) => version.known_at = target,
                (false, false) => version.signed_up_at = signed_up_at + DAY,
            }
            version.churned_at = version.churned_at.map(|at| at.max(version.signed_up_at));
            added.push(version);
            for row in added {
                let key = |row: &CustomerRow| {
                    let valid_from = row.valid_from.unwrap_or(row.signed_up_at);
                    (row.customer_id.clone(), row.signed_up_at, valid_from, row.known_at)
                };
                if unknowable(&row) && !rows.iter().any(|r| key(r) == key(&row)) {
                    rows.insert(self.maker.dice.below(rows.len() + 1), row);
                }
            }
        }

        // The type of an attribute is determined by its first values. A row far in the future therefore has a value for
        // every attribute, so that no attribute loses its type.
        let far = as_of + 4_000 * DAY;
        let mut last = self.maker.spell("zz-last", far, columns, attributes).swap_remove(0);
        last.attributes = attributes
            .iter()
            .map(|(_, kind)| Some(attribute(*kind, &mut self.maker.dice)))
            .collect();
        rows.push(last);
        table.rows = rows;
        table
    }
}

/// Returns the ids of all customers who have events.
fn owners(world: &World) -> BTreeSet<String> {
    let payments = world
        .payments
        .iter()
        .flat_map(|t| t.rows.iter().map(|r| &r.customer_id));
    let tickets = world.tickets.iter().flat_map(|t| t.rows.iter().map(|r| &r.customer_id));
    let activities = world
        .activities
        .iter()
        .flat_map(|t| t.rows.iter().map(|r| &r.customer_id));
    payments.chain(tickets).chain(activities).cloned().collect()
}

fn shift(moment: &mut Option<i64>, by: i64) {
    *moment = moment.map(|moment| moment + by);
}

/// Returns whether a timestamp that is filled in later (such as the time of a refund) was still empty at a date, or lay
/// at or after the date.
fn open(moment: Option<i64>, as_of: i64) -> bool {
    moment.is_none_or(|moment| moment >= as_of)
}

impl Rewrite for PaymentRow {
    fn another(maker: &mut Maker, like: &Self, columns: &[&str], customer: &str, v: Version) -> Self {
        maker.payment(columns, like.currency.unwrap_or_default(), customer, v)
    }

    fn shift(&mut self, by: i64) {
        self.due_at += by;
        shift(&mut self.settled_at, by);
        shift(&mut self.refunded_at, by);
    }

    fn learn(&mut self, known_at: i64) {
        self.known_at = Some(known_at);
    }

    fn fill_in(&mut self, maker: &mut Maker, columns: &[&str], as_of: i64) {
        let given = |column| columns.contains(&column);
        let refund = |maker: &mut Maker| match given("refunded_at") {
            true => maker.maybe_later(40, as_of),
            false => None,
        };
        if given("settled_at") && open(self.settled_at, as_of) {
            if given("status") {
                let states = [None, Some("paid"), Some("failed"), Some("pending"), Some("refunded")];
                self.status = *maker.dice.pick(&states);
            }
            self.settled_at = match self.status {
                Some("pending") => None,
                _ => maker.maybe_later(70, as_of),
            };
            let settled_at = self.settled_at.unwrap_or(as_of);
            self.refunded_at = refund(maker).map(|at| at.max(settled_at));
            return;
        }
        let refunded_at = match self.status {
            Some("refunded") => self.refunded_at.or(Some(i64::MIN)),
            Some("failed" | "pending") => return,
            _ => self.refunded_at,
        };
        // A refund must not happen before its payment is due. Without `settled_at`, the payment may be due after the
        // date.
        if given("refunded_at") && open(refunded_at, as_of) {
            self.refunded_at = refund(maker).map(|at| at.max(self.due_at));
            self.status = match self.status {
                None => None,
                Some(_) if self.refunded_at.is_some() && maker.dice.chance(50) => Some("refunded"),
                Some(_) => Some("paid"),
            };
        }
    }
}

impl Rewrite for TicketRow {
    fn another(maker: &mut Maker, _: &Self, columns: &[&str], customer: &str, v: Version) -> Self {
        maker.ticket(columns, customer, v)
    }

    fn shift(&mut self, by: i64) {
        self.opened_at += by;
        shift(&mut self.first_response_at, by);
        shift(&mut self.resolved_at, by);
        shift(&mut self.reopened_at, by);
        shift(&mut self.satisfaction_at, by);
    }

    fn learn(&mut self, known_at: i64) {
        self.known_at = Some(known_at);
    }

    fn fill_in(&mut self, maker: &mut Maker, columns: &[&str], as_of: i64) {
        let given = |column| columns.contains(&column);
        let from = as_of.max(self.opened_at);
        let rated_at = self.satisfaction_at.or(self.resolved_at);
        let unrated = self.satisfaction.is_none() || open(rated_at, as_of);
        for (column, moment) in [
            ("first_response_at", &mut self.first_response_at),
            ("resolved_at", &mut self.resolved_at),
            ("reopened_at", &mut self.reopened_at),
        ] {
            if given(column) && open(*moment, as_of) {
                *moment = maker.maybe_later(60, from);
            }
        }
        if given("satisfaction") && unrated {
            if given("satisfaction_at") {
                self.satisfaction_at = maker.maybe_later(60, from);
            }
            let hidden = open(self.satisfaction_at.or(self.resolved_at), as_of);
            let rating = maker.dice.maybe(60, |dice| dice.between(1, 5) as f64);
            self.satisfaction = rating.filter(|_| hidden);
        }
    }
}

impl Rewrite for ActivityRow {
    fn another(maker: &mut Maker, _: &Self, columns: &[&str], customer: &str, v: Version) -> Self {
        maker.activity(columns, customer, v)
    }

    fn shift(&mut self, by: i64) {
        self.at += by;
    }

    fn learn(&mut self, known_at: i64) {
        self.known_at = Some(known_at);
    }

    fn fill_in(&mut self, _: &mut Maker, _: &[&str], _: i64) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference;
    use crate::worlds::world;

    fn without_spells(mut found: reference::Reference) -> reference::Reference {
        for name in SPELL_COLUMNS {
            if let Some(at) = found.names.iter().position(|known| known == name) {
                found.names.remove(at);
                found.rows.values_mut().for_each(|row| drop(row.remove(at)));
            }
        }
        found
    }

    /// Tests that the features of the reference implementation do not use the future. Also tests that the rewritten
    /// worlds differ from the original worlds after the date.
    #[test]
    fn what_was_known_stays() {
        let mut changed = 0;
        for seed in 0..200 {
            let before = world(seed, Shape::of_seed(seed));
            for &as_of in &before.dates {
                let after = rewrite(&before, as_of, seed);
                let (a, b) = (reference::features(&before, as_of), reference::features(&after, as_of));
                let (a, b) = (without_spells(a), without_spells(b));
                assert_eq!(a.names, b.names, "seed {seed} as of {as_of}");
                let customers = |rows: &reference::Reference| rows.rows.keys().cloned().collect::<Vec<_>>();
                assert_eq!(customers(&a), customers(&b), "seed {seed} as of {as_of}");
                for (customer, row) in &a.rows {
                    for ((name, a), b) in a.names.iter().zip(row).zip(&b.rows[customer]) {
                        let place = format!("seed {seed} as of {as_of}, {customer}, {name}");
                        assert_eq!(format!("{a:?}"), format!("{b:?}"), "{place}");
                    }
                }
                let later = as_of + 100 * DAY;
                let (a, b) = (reference::features(&before, later), reference::features(&after, later));
                changed += usize::from(format!("{a:?}") != format!("{b:?}"));
            }
        }
        assert!(changed > 300, "{changed} dates changed afterwards");
    }
}
