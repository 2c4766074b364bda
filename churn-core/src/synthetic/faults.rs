//! Adds faulty rows, as the options `duplicates`, `events_without_customer` and `unknown_ids` request.

use crate::error::RecordKind;
use crate::synthetic::options::WorldOptions;
use crate::synthetic::profile::{Trade, Use};
use crate::synthetic::table::{WorldColumn, WorldTable, WorldTables};

/// Duplicates some rows and makes some rows faulty. The options give the probability of each fault. `batch` is the
/// index of the first customer in these tables, and is used as a seed of the random numbers.
pub(super) fn add(tables: &mut WorldTables, options: &WorldOptions, trade: &Trade, batch: u32) {
    let mut random = trade.random(batch, Use::Faults, 0);
    for kind in RecordKind::ALL {
        let table = tables.table_mut(kind);
        if options.duplicates > 0.0 {
            let mut rows = vec![];
            for row in 0..table.n_rows() as u32 {
                rows.push(row);
                if random.unit() < options.duplicates {
                    rows.push(row);
                }
            }
            *table = table.pick(&rows);
        }
        let is_events = kind != RecordKind::Customers;
        if options.events_without_customer > 0.0 && is_events {
            let ids = texts(table, "customer_id");
            for (number, id) in ids.iter_mut().enumerate() {
                if random.unit() < options.events_without_customer {
                    *id = format!("nobody-{number}").into();
                }
            }
        }
        if options.unknown_ids > 0.0 {
            let mut owners: Vec<Box<str>> = vec![trade.id.as_str().into(); table.n_rows()];
            for owner in &mut owners {
                if is_events && random.unit() < options.unknown_ids {
                    *owner = if trade.id == "t001" { "t002" } else { "t001" }.into();
                }
            }
            table.columns.insert(0, ("tenant_id", WorldColumn::Texts(owners)));
        }
    }
}

fn texts<'a>(table: &'a mut WorldTable, name: &str) -> &'a mut [Box<str>] {
    let column = table.columns.iter_mut().find(|(known, _)| *known == name);
    match column {
        Some((_, WorldColumn::Texts(values))) => values,
        _ => &mut [],
    }
}
