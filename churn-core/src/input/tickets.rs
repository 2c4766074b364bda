//! Validates tickets and converts them to columns.

use crate::error::{IssueCode, RecordKind, Result};
use crate::input::builder::Ties;
use crate::input::check::Checked;
use crate::input::content::Values;
use crate::input::customers::KnownCustomers;
use crate::input::events::EventDraft;
use crate::input::fields::word;
use crate::input::order::gather;
use crate::input::reader::{PIECE, TableReader};
use crate::input::table::Table;
use crate::parallel::Workers;
use crate::record::{NEVER, Priority, TenantId, Tickets};

const PRIORITIES: &[(&str, Priority)] = &[
    ("low", Priority::Low),
    ("normal", Priority::Normal),
    ("high", Priority::High),
    ("urgent", Priority::Urgent),
];

pub(crate) fn clean(
    batches: Vec<Table>,
    tenant: &TenantId,
    known: &KnownCustomers,
    ties: Ties,
    workers: &Workers,
) -> Result<(Tickets, Checked)> {
    let mut reader = TableReader::new(RecordKind::Tickets, batches, workers)?;
    reader.require_columns();
    reader.tenant(tenant)?;
    let events = EventDraft::read(&mut reader, "opened_at", "ticket_id", known)?;
    let first_response_at = reader.moments("first_response_at")?;
    let resolved_at = reader.moments("resolved_at")?;
    let reopened_at = reader.moments("reopened_at")?;
    let mut satisfaction_at = reader.moments("satisfaction_at")?;
    for (column, moments) in [
        ("first_response_at", &first_response_at),
        ("resolved_at", &resolved_at),
        ("reopened_at", &reopened_at),
        ("satisfaction_at", &satisfaction_at),
    ] {
        reader.ends(column, moments, "opened_at", &events.at)?;
    }
    // If a ticket has a satisfaction rating but no `satisfaction_at`, the rating became known when the ticket was
    // resolved.
    workers.chunks_mut(&mut satisfaction_at, PIECE, |start, moments| {
        for (own, &resolved_at) in moments.iter_mut().zip(&resolved_at[start..]) {
            if *own == NEVER {
                *own = resolved_at;
            }
        }
        Ok(())
    })?;
    let priority = reader.values("priority", Priority::Normal, |cell| {
        word(cell, IssueCode::UnknownPriority, PRIORITIES)
    })?;
    let satisfaction = reader.numbers("satisfaction")?;
    reader.rule("satisfaction", IssueCode::OutOfRange, |row| {
        let value = satisfaction[row];
        (!value.is_nan() && !(1.0..=5.0).contains(&value)).then(|| format!("{value} is not between 1 and 5").into())
    })?;
    let values = vec![
        Values::Moments(&first_response_at),
        Values::Moments(&resolved_at),
        Values::Moments(&reopened_at),
        Values::Codes(Box::new(|row| priority[row] as u8)),
        Values::Numbers(&satisfaction),
        Values::Moments(&satisfaction_at),
    ];
    let (events, rows, checked) = events.finish(reader, &known.customers, ties, values)?;
    let moments = |column: Vec<i64>| gather(&column, &rows, workers);
    let tickets = Tickets {
        first_response_at: moments(first_response_at)?,
        resolved_at: moments(resolved_at)?,
        reopened_at: moments(reopened_at)?,
        priority: gather(&priority, &rows, workers)?,
        satisfaction: gather(&satisfaction, &rows, workers)?,
        satisfaction_at: moments(satisfaction_at)?,
        events,
    };
    Ok((tickets, checked))
}
