//! Computes spells (uninterrupted periods as a customer), versions and attributes of customers.

use std::collections::BTreeSet;

use super::{Row, Value, WINDOWS, days};
use crate::raw::{Attribute, AttributeType, CustomerRow, CustomerTable, DAY, World};

/// Returns the time from which a customer row is valid. If `valid_from` is null, the row is valid from the sign-up.
fn valid_from(row: &CustomerRow) -> i64 {
    row.valid_from.unwrap_or(row.signed_up_at)
}

/// Returns the rows of a customer, sorted by sign-up, then by `valid_from`, then by `known_at`, then by input order.
fn history<'a>(table: &'a CustomerTable, customer: &str) -> Vec<&'a CustomerRow> {
    let mut rows: Vec<_> = table.rows.iter().filter(|r| r.customer_id == customer).collect();
    rows.sort_by_key(|row| (row.signed_up_at, valid_from(row), row.known_at));
    rows
}

fn known(row: &CustomerRow, as_of: i64) -> bool {
    row.known_at.is_none_or(|known_at| known_at < as_of)
}

/// Returns the rows of a customer that are visible at a date, in the order of [`history`].
fn visible<'a>(table: &'a CustomerTable, customer: &str, as_of: i64) -> Vec<&'a CustomerRow> {
    let visible = |row: &&CustomerRow| row.signed_up_at < as_of && valid_from(row) < as_of && known(row, as_of);
    history(table, customer).into_iter().filter(visible).collect()
}

/// A spell (an uninterrupted period as a customer), with its start and its rows (versions).
struct Spell<'a> {
    start: i64,
    versions: Vec<&'a CustomerRow>,
}

impl Spell<'_> {
    /// Returns the end of the spell (the `churned_at` of its last version), or `None` if the spell has not ended.
    fn churned_at(&self) -> Option<i64> {
        self.versions.last()?.churned_at
    }
}

/// Returns the spells of a customer. The rows must be in the order of [`history`].
///
/// A row whose sign-up is later than the sign-up of the previous row begins a new spell. A row with the same sign-up
/// also begins a new spell if two conditions hold. The previous spell must have ended at or before the row's
/// `valid_from`, and the row must be open. A row is open if it has no end, or if its end lies after its `valid_from`.
fn spells<'a>(rows: &[&'a CustomerRow]) -> Vec<Spell<'a>> {
    let mut spells: Vec<Spell<'a>> = Vec::new();
    for &row in rows {
        let open = |start| Spell {
            start,
            versions: vec![row],
        };
        match spells.last_mut() {
            Some(current) if current.versions[0].signed_up_at == row.signed_up_at => {
                let open_again = row.churned_at.is_none_or(|end| end > valid_from(row));
                let ended = current.churned_at().filter(|_| open_again);
                match ended {
                    Some(end) if end <= valid_from(row) => spells.push(open(valid_from(row))),
                    _ => current.versions.push(row),
                }
            }
            _ => spells.push(open(row.signed_up_at)),
        }
    }
    spells
}

/// Returns the row that describes a customer at a date. It is the last visible row of the latest spell that has a
/// visible row.
pub(super) fn seen<'a>(world: &'a World, customer: &str, as_of: i64) -> Option<&'a CustomerRow> {
    visible(&world.customers, customer, as_of).pop()
}

/// Returns the true end of the spell that contains the row `seen`. This end may have become known only later than the
/// row.
pub(super) fn true_churned_at(world: &World, seen: &CustomerRow) -> Option<i64> {
    let all = spells(&history(&world.customers, &seen.customer_id));
    let own = |spell: &&Spell<'_>| spell.versions.iter().any(|&row| std::ptr::eq(row, seen));
    all.iter().find(own)?.churned_at()
}

/// Returns whether any customer has two or more spells.
pub(super) fn anyone_returned(table: &CustomerTable) -> bool {
    let ids: BTreeSet<&str> = table.rows.iter().map(|row| row.customer_id.as_str()).collect();
    ids.len() < table.rows.len() && ids.into_iter().any(|id| spells(&history(table, id)).len() > 1)
}

/// Returns the ids of all customers with a spell that began before `as_of`.
pub(super) fn in_a_spell(world: &World, as_of: i64) -> BTreeSet<&str> {
    let ids: BTreeSet<&str> = world
        .customers
        .rows
        .iter()
        .map(|row| row.customer_id.as_str())
        .collect();
    ids.into_iter().filter(|id| seen(world, id, as_of).is_some()).collect()
}

/// Adds the features that come from the customers table to `row`. `returned` states whether any customer of the tenant
/// has two or more spells.
pub(super) fn put(row: &mut Row, world: &World, customer: Option<&str>, returned: bool, as_of: i64) {
    let table = &world.customers;
    let dated = table.columns.contains(&"valid_from");
    let usable = |column: &str| dated || world.statics.includes(column);
    let seen = customer.and_then(|customer| seen(world, customer, as_of));
    let spells = spells(&customer.map_or(vec![], |customer| visible(table, customer, as_of)));
    let current = spells.last();

    row.put(
        "customer_tenure_days",
        current.map_or(f64::NAN, |spell| days(spell.start, as_of)),
    );
    if table.columns.contains(&"renews_at") && usable("renews_at") {
        let renews_at = seen.and_then(|seen| seen.renews_at);
        row.put(
            "customer_days_to_renewal",
            renews_at.map_or(f64::NAN, |at| days(as_of, at)),
        );
    }
    for (position, (name, kind)) in table.attributes.iter().enumerate() {
        if !usable(name) {
            continue;
        }
        let now = seen.and_then(|seen| seen.attributes[position].as_ref());
        row.put(format!("customer_{name}"), value(now, *kind));
        if *kind == AttributeType::Number && dated && !world.statics.includes(name) {
            for w in WINDOWS {
                let then = current
                    .and_then(|spell| seen_earlier(spell, as_of, w))
                    .and_then(|then| then.attributes[position].as_ref());
                row.put(format!("customer_{name}_change_{w}d"), number(now) - number(then));
            }
        }
    }
    if dated {
        row.put(
            "customer_days_since_change",
            seen.map_or(f64::NAN, |seen| days(valid_from(seen), as_of)),
        );
    }
    if returned {
        let earlier = spells.split_last().map_or(&[][..], |(_, earlier)| earlier);
        let ends = earlier.iter().filter_map(Spell::churned_at).filter(|&end| end < as_of);
        row.put("customer_earlier_spells", earlier.len());
        row.put(
            "customer_days_since_last_end",
            ends.max().map_or(f64::NAN, |end| days(end, as_of)),
        );
        row.put(
            "customer_days_since_first_sign_up",
            spells.first().map_or(f64::NAN, |first| days(first.start, as_of)),
        );
    }
}

/// Returns the row (version) of a spell that was valid `w` days before `as_of`. Only rows that are visible at `as_of`
/// are considered.
fn seen_earlier<'a>(spell: &Spell<'a>, as_of: i64, w: i64) -> Option<&'a CustomerRow> {
    let earlier = |row: &&&CustomerRow| valid_from(row) < as_of - w * DAY;
    spell.versions.iter().rfind(earlier).copied()
}

fn number(value: Option<&Attribute>) -> f64 {
    match value {
        Some(Attribute::Number(number)) => *number,
        _ => f64::NAN,
    }
}

fn value(value: Option<&Attribute>, kind: AttributeType) -> Value {
    match (kind, value) {
        (AttributeType::Text, Some(Attribute::Text(text))) => Value::Text(Some(text.clone())),
        (AttributeType::Text, _) => Value::Text(None),
        (AttributeType::Bool, Some(Attribute::Bool(yes))) => Value::Number(f64::from(u8::from(*yes))),
        (_, value) => Value::Number(number(value)),
    }
}
