//! Cleans and validates activities.

use crate::error::{RecordKind, Result};
use crate::input::assemble::{EventDraft, gather};
use crate::input::attributes::{Attributes, TextValues};
use crate::input::check::{CHECK_EVERY, TableCheck};
use crate::input::fields::{id, number, text, timestamp};
use crate::input::table::{Cell, Table};
use crate::parallel::Workers;
use crate::record::{Activities, Customers, TenantId};

pub(crate) fn clean(
    batches: Vec<Table>,
    tenant: &TenantId,
    customers: &Customers,
    workers: &Workers,
) -> Result<(Activities, TableCheck)> {
    let mut check = TableCheck::new(RecordKind::Activities, &batches);
    let any = |name: &str| batches.iter().any(|batch| batch.has_column(name));
    let mut attributes = Attributes::find(RecordKind::Activities, &batches);
    let mut events = EventDraft::new(any("activity_id"), any("known_at"));
    let mut kinds = any("kind").then(TextValues::default);
    let mut quantities = any("quantity").then(Vec::new);
    let mut given = 0u64;
    let complete = check.has_required_columns(&batches);
    for batch in batches.iter().filter(|_| complete) {
        let names = ["customer_id", "at", "activity_id", "kind", "quantity", "known_at"];
        let known = names.map(|name| batch.column(name));
        let tenant_column = batch.column("tenant_id");
        let extra = attributes.columns_of(batch);
        for index in 0..batch.rows() {
            if index % CHECK_EVERY == 0 {
                workers.check()?;
            }
            let position = batch.position(index);
            let cell = |field: usize| known[field].map_or(Cell::Null, |column| column.cell(position));
            let mut row = check.row(given);
            row.tenant(tenant_column, position, tenant);
            let customer = row.required(names[0], id(cell(0)));
            let customer = customer.and_then(|customer| row.customer(&customer, customers));
            let at = row.required(names[1], timestamp(cell(1)));
            let activity_id = row.field(names[2], id(cell(2)));
            let kind = row.field(names[3], text(cell(3)));
            let quantity = row.field(names[4], number(cell(4)));
            let known_at = row.field(names[5], timestamp(cell(5)));
            attributes.check(&extra, position, &mut row);
            if let (true, Some(customer), Some(at)) = (row.is_good(), customer, at) {
                events.push(customer, at, known_at, activity_id.as_deref(), given);
                if let Some(kinds) = &mut kinds {
                    kinds.push(kind.as_deref());
                }
                if let Some(quantities) = &mut quantities {
                    quantities.push(quantity.unwrap_or(1.0));
                }
                attributes.push(&extra, position);
            }
            given += 1;
        }
    }
    let (events, rows) = events.assemble(customers, attributes, "activity_id", &mut check, workers);
    let activities = Activities {
        events,
        kind: kinds.map(|kinds| kinds.gather(&rows)),
        quantity: quantities.map(|quantities| gather(&quantities, &rows)),
    };
    Ok((activities, check))
}
