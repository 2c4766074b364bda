//! Cleans and validates tickets.

use crate::error::{IssueCode, RecordKind, Result, excerpt};
use crate::input::assemble::{EventDraft, gather};
use crate::input::attributes::Attributes;
use crate::input::check::{CHECK_EVERY, Row, TableCheck};
use crate::input::fields::{id, number, timestamp, word};
use crate::input::table::{Cell, Table};
use crate::parallel::Workers;
use crate::record::{Customers, NEVER, Priority, TenantId, Tickets};

pub(crate) fn clean(
    batches: Vec<Table>,
    tenant: &TenantId,
    customers: &Customers,
    workers: &Workers,
) -> Result<(Tickets, TableCheck)> {
    let mut check = TableCheck::new(RecordKind::Tickets, &batches);
    let any = |name: &str| batches.iter().any(|batch| batch.has_column(name));
    let mut attributes = Attributes::find(RecordKind::Tickets, &batches);
    let mut events = EventDraft::new(any("ticket_id"), any("known_at"));
    let mut drafts = Tickets::default();
    let mut given = 0u64;
    let complete = check.has_required_columns(&batches);
    for batch in batches.iter().filter(|_| complete) {
        let names = [
            "customer_id",
            "opened_at",
            "ticket_id",
            "first_response_at",
            "resolved_at",
            "reopened_at",
            "priority",
            "satisfaction",
            "satisfaction_at",
            "known_at",
        ];
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
            let opened_at = row.required(names[1], timestamp(cell(1)));
            let ticket_id = row.field(names[2], id(cell(2)));
            let first_response_at = row.field(names[3], timestamp(cell(3)));
            let resolved_at = row.field(names[4], timestamp(cell(4)));
            let reopened_at = row.field(names[5], timestamp(cell(5)));
            let priority = row
                .field(names[6], word(cell(6)))
                .map_or(Priority::Normal, |priority| read_priority(&priority, &mut row));
            let satisfaction = row.field(names[7], number(cell(7)));
            let satisfaction_at = row.field(names[8], timestamp(cell(8)));
            let known_at = row.field(names[9], timestamp(cell(9)));
            for (name, moment) in [
                (names[3], first_response_at),
                (names[4], resolved_at),
                (names[5], reopened_at),
                (names[8], satisfaction_at),
            ] {
                row.order(name, moment, names[1], opened_at);
            }
            if let Some(wrong) = satisfaction.filter(|value| !(1.0..=5.0).contains(value)) {
                row.wrong(
                    names[7],
                    IssueCode::OutOfRange,
                    format!("a satisfaction of {wrong} is not between 1 and 5"),
                );
            }
            attributes.check(&extra, position, &mut row);
            if let (true, Some(customer), Some(opened_at)) = (row.is_good(), customer, opened_at) {
                events.push(customer, opened_at, known_at, ticket_id.as_deref(), given);
                drafts.first_response_at.push(first_response_at.unwrap_or(NEVER));
                drafts.resolved_at.push(resolved_at.unwrap_or(NEVER));
                drafts.reopened_at.push(reopened_at.unwrap_or(NEVER));
                drafts.priority.push(priority);
                drafts.satisfaction.push(satisfaction.unwrap_or(f64::NAN));
                drafts
                    .satisfaction_at
                    .push(satisfaction_at.or(resolved_at).unwrap_or(NEVER));
                attributes.push(&extra, position);
            }
            given += 1;
        }
    }
    let (events, rows) = events.assemble(customers, attributes, "ticket_id", &mut check, workers);
    let tickets = Tickets {
        events,
        first_response_at: gather(&drafts.first_response_at, &rows),
        resolved_at: gather(&drafts.resolved_at, &rows),
        reopened_at: gather(&drafts.reopened_at, &rows),
        priority: gather(&drafts.priority, &rows),
        satisfaction: gather(&drafts.satisfaction, &rows),
        satisfaction_at: gather(&drafts.satisfaction_at, &rows),
    };
    Ok((tickets, check))
}

fn read_priority(priority: &str, row: &mut Row<'_>) -> Priority {
    match priority {
        "low" => Priority::Low,
        "normal" => Priority::Normal,
        "high" => Priority::High,
        "urgent" => Priority::Urgent,
        other => {
            row.wrong(
                "priority",
                IssueCode::UnknownPriority,
                format!("'{}' is not low, normal, high or urgent", excerpt(other)),
            );
            Priority::Normal
        }
    }
}
