//! Spells, versions and attributes.

use std::collections::BTreeSet;

use super::{Row, Value, WINDOWS, days};
use crate::raw::{Attribute, AttributeType, CustomerRow, CustomerTable, DAY, World};

/// Null `valid_from`: from the start of the spell.
fn valid_from(row: &CustomerRow) -> i64 {
    row.valid_from.unwrap_or(row.signed_up_at)
}

/// The rows of a customer's spells in the order in which they are true: spell, `valid_from`, `known_at`,
/// order given.
fn history<'a>(table: &'a CustomerTable, customer: &str) -> Vec<&'a CustomerRow> {
    let mut rows: Vec<_> = table.rows.iter().filter(|r| r.customer_id == customer).collect();
    rows.sort_by_key(|row| (row.signed_up_at, valid_from(row), row.known_at));
    rows
}

fn known(row: &CustomerRow, as_of: i64) -> bool {
    row.known_at.is_none_or(|known_at| known_at < as_of)
}

/// The version a customer is seen in: of the latest spell with a visible row, the last visible row.
pub(super) fn seen<'a>(world: &'a World, customer: &str, as_of: i64) -> Option<&'a CustomerRow> {
    let visible = |row: &&CustomerRow| row.signed_up_at < as_of && valid_from(row) < as_of && known(row, as_of);
    history(&world.customers, customer).into_iter().rfind(visible)
}

/// When the current spell ends in truth, whether anyone could know it or not.
pub(super) fn true_churned_at(world: &World, seen: &CustomerRow) -> Option<i64> {
    let spell = history(&world.customers, &seen.customer_id);
    spell
        .into_iter()
        .rfind(|row| row.signed_up_at == seen.signed_up_at)?
        .churned_at
}

/// Every customer with a spell that began before `as_of`.
pub(super) fn in_a_spell(world: &World, as_of: i64) -> BTreeSet<&str> {
    let ids: BTreeSet<&str> = world
        .customers
        .rows
        .iter()
        .map(|row| row.customer_id.as_str())
        .collect();
    ids.into_iter().filter(|id| seen(world, id, as_of).is_some()).collect()
}

pub(super) fn put(row: &mut Row, world: &World, customer: Option<&str>, as_of: i64) {
    let table = &world.customers;
    let dated = table.columns.contains(&"valid_from");
    let usable = |column: &str| dated || world.statics.includes(column);
    let seen = customer.and_then(|customer| seen(world, customer, as_of));

    row.put(
        "customer_tenure_days",
        seen.map_or(f64::NAN, |seen| days(seen.signed_up_at, as_of)),
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
                let then = seen
                    .and_then(|seen| seen_earlier(table, seen, as_of, w))
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
}

/// The version of the same spell that held `w` days ago, as known at `as_of`.
fn seen_earlier<'a>(table: &'a CustomerTable, seen: &CustomerRow, as_of: i64, w: i64) -> Option<&'a CustomerRow> {
    history(table, &seen.customer_id)
        .into_iter()
        .rfind(|row| row.signed_up_at == seen.signed_up_at && valid_from(row) < as_of - w * DAY && known(row, as_of))
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
