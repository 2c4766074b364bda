//! Validates activities and converts them to columns.

use crate::error::{RecordKind, Result};
use crate::input::builder::Ties;
use crate::input::check::Checked;
use crate::input::content::Values;
use crate::input::customers::KnownCustomers;
use crate::input::events::EventDraft;
use crate::input::fields::{bounded_number, text};
use crate::input::order::gather;
use crate::input::reader::TableReader;
use crate::input::table::Table;
use crate::parallel::Workers;
use crate::record::{Activities, TenantId};

pub(crate) fn clean(
    batches: Vec<Table>,
    tenant: &TenantId,
    known: &KnownCustomers,
    ties: Ties,
    workers: &Workers,
) -> Result<(Activities, Checked)> {
    let mut reader = TableReader::new(RecordKind::Activities, batches, workers)?;
    reader.require_columns();
    reader.tenant(tenant)?;
    let events = EventDraft::read(&mut reader, "at", "activity_id", known)?;
    let kinds = match reader.has("kind") {
        true => Some(reader.texts("kind", text)?),
        false => None,
    };
    let quantities = match reader.has("quantity") {
        true => Some(reader.values("quantity", 1.0, bounded_number)?),
        false => None,
    };
    let mut values: Vec<Values<'_>> = kinds.iter().map(Values::Texts).collect();
    values.extend(quantities.iter().map(|quantities| Values::Numbers(quantities)));
    let (events, rows, checked) = events.finish(reader, &known.customers, ties, values)?;
    let kind = match kinds {
        None => None,
        Some(kinds) => Some(kinds.gather(&rows, workers)?),
    };
    let quantity = match quantities {
        None => None,
        Some(quantities) => Some(gather(&quantities, &rows, workers)?),
    };
    let activities = Activities { events, kind, quantity };
    Ok((activities, checked))
}
