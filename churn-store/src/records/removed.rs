//! Counts the ends that a batch removes. The end of a row is the `churned_at` of a customer or the `settled_at` of a
//! payment. A batch removes an end if it replaces a stored row that has an end with a row that has none. A batch that
//! removes many ends is usually an export that is older than the stored rows.

use churn_core::RecordKind;

use crate::engine::{Arg, Backend, Stored, TenantTx};
use crate::error::Result;
use crate::records::door::Batch;
use crate::records::layout::{slots, table};

/// Number of rows that one query looks up.
const ROWS: usize = 10_000;

/// Returns the name of the column with the end; `None` for tickets, which can be reopened, and for activities.
pub(crate) fn end_column(kind: RecordKind) -> Option<&'static str> {
    match kind {
        RecordKind::Customers => Some("churned_at"),
        RecordKind::Payments => Some("settled_at"),
        RecordKind::Tickets | RecordKind::Activities => None,
    }
}

/// Counts the stored rows that have an end, and that the batch replaces with a row that has none.
pub(crate) async fn removed_ends(tx: &mut TenantTx, kind: RecordKind, batch: &Batch) -> Result<u64> {
    let position = |name: &str| slots(kind).iter().position(|slot| slot.name == name);
    let Some(column) = end_column(kind) else {
        return Ok(0);
    };
    let Some(Stored::Ints(ends)) = position(column).and_then(|position| batch.columns.get(position)) else {
        return Ok(0);
    };
    let open: Vec<usize> = (0..batch.rows).filter(|&row| ends[row].is_none()).collect();
    let sql = statement(kind, column, tx.backend());
    let mut count = 0;
    for rows in open.chunks(ROWS) {
        let keys: Vec<Vec<String>> = rows.iter().map(|&row| key(kind, batch, row)).collect();
        let keys = crate::engine::to_json(&keys)?;
        let found = tx.row(&sql, &[Arg::Json(Some(keys.into()))]).await?;
        count += found.map_or(Ok(0), |row| row.int(0))? as u64;
    }
    Ok(count)
}

/// Returns the key of a row as texts.
fn key(kind: RecordKind, batch: &Batch, row: usize) -> Vec<String> {
    let columns = slots(kind).iter().zip(&batch.columns).filter(|(slot, _)| slot.key);
    let text = |column: &Stored| match column {
        Stored::Texts(values) => values[row].as_deref().unwrap_or_default().to_owned(),
        Stored::Ints(values) => values[row].unwrap_or_default().to_string(),
        Stored::Numbers(values) => values[row].unwrap_or_default().to_string(),
    };
    columns.map(|(_, column)| text(column)).collect()
}

/// The statement's parameters are the tenant's id and the keys as a JSON array of arrays of texts.
fn statement(kind: RecordKind, end: &str, backend: Backend) -> String {
    let (given, value): (&str, fn(usize, bool) -> String) = match backend {
        Backend::Sqlite => ("json_each($2)", |position, number| {
            let text = format!("json_extract(given.value, '$[{position}]')");
            if number {
                format!("CAST({text} AS INTEGER)")
            } else {
                text
            }
        }),
        Backend::Postgres => (
            "jsonb_array_elements($2::jsonb) AS given (value)",
            |position, number| {
                let text = format!("given.value->>{position}");
                if number { format!("({text})::bigint") } else { text }
            },
        ),
    };
    let given = match backend {
        Backend::Sqlite => format!("{given} AS given"),
        Backend::Postgres => given.to_owned(),
    };
    let keys = slots(kind).iter().filter(|slot| slot.key).enumerate();
    let equal = keys.map(|(position, slot)| {
        let number = slot.holds == crate::engine::Holds::Int;
        format!("t.{} = {}", slot.name, value(position, number))
    });
    format!(
        "
        SELECT COUNT(*)
        FROM {given}
        JOIN {} AS t ON t.tenant_id = $1 AND {}
        WHERE t.{end} IS NOT NULL",
        table(kind),
        equal.collect::<Vec<_>>().join(" AND ")
    )
}
