//! Reads rows for display: pages, and all rows of one customer.

use std::collections::BTreeMap;

use churn_core::{RecordKind, Value};
use serde::Serialize;

use crate::engine::{Access, Holds, Row, TenantTx};
use crate::error::{Error, Result};
use crate::records::layout::{ALWAYS, select_customer, select_page, slots, table};
use crate::records::{RecordStore, given_columns};

/// A stored row: its columns and attributes by name. A missing value is null. If no stored batch of the table contained
/// a column, the column has no entry.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StoredRecord {
    /// The sequence number of the row. Rows are numbered in the order in which they were first stored.
    pub place: i64,
    /// The values of the row by column name.
    pub values: BTreeMap<String, Value>,
}

/// A page of stored rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecordPage {
    /// The rows, in the order in which they were first stored.
    pub rows: Vec<StoredRecord>,
    /// Pass this value as `after` to read the next page. It is `None` on the last page.
    pub next: Option<i64>,
}

impl RecordStore {
    /// Returns at most `limit` rows (1 to 10 000) whose sequence number is greater than `after`. If rows are added
    /// between two calls, no page skips or repeats a row.
    ///
    /// # Errors
    /// `invalid_option` for an invalid limit; `store_unavailable`, `store_not_migrated`.
    pub async fn page(&self, after: Option<i64>, limit: usize) -> Result<RecordPage> {
        check_limit(limit)?;
        let mut tx = self.tenant.begin_session(Access::Read).await?;
        let page = page_rows(&mut tx, self.kind, after, limit).await?;
        tx.rollback().await?;
        Ok(page)
    }

    /// Returns all rows of one customer, in the order in which they were first stored. To pass the rows to
    /// `score_customer`, convert them to a table:
    /// `Table::from_values(rows.into_iter().map(|row| row.values.into_iter().collect()))`.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn of_customer(&self, customer_id: &str) -> Result<Vec<StoredRecord>> {
        let mut tx = self.tenant.begin_session(Access::Read).await?;
        let rows = customer_rows(&mut tx, self.kind, customer_id).await?;
        tx.rollback().await?;
        Ok(rows)
    }
}

pub(crate) async fn page_rows(
    tx: &mut TenantTx,
    kind: RecordKind,
    after: Option<i64>,
    limit: usize,
) -> Result<RecordPage> {
    let args = [after.unwrap_or(i64::MIN).into(), (limit as i64 + 1).into()];
    let found = tx.rows(&select_page(kind), &args).await?;
    let mut rows = records(tx, kind, &found).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.place);
    Ok(RecordPage { rows, next })
}

pub(crate) async fn customer_rows(tx: &mut TenantTx, kind: RecordKind, customer_id: &str) -> Result<Vec<StoredRecord>> {
    let found = tx
        .rows(&select_customer(kind, tx.backend()), &[customer_id.into()])
        .await?;
    records(tx, kind, &found).await
}

pub(super) async fn records(tx: &mut TenantTx, kind: RecordKind, rows: &[Row]) -> Result<Vec<StoredRecord>> {
    let given = given_columns(tx).await?.remove(kind.as_str()).unwrap_or_default();
    rows.iter().map(|row| record(kind, row, &given)).collect()
}

pub(crate) async fn count_rows(tx: &mut TenantTx, kind: RecordKind) -> Result<u64> {
    let sql = format!(
        "
        SELECT COUNT(*)
        FROM {}
        WHERE tenant_id = $1",
        table(kind)
    );
    tx.row(&sql, &[]).await?.map_or(Ok(0), |row| row.count(0))
}

/// Returns an error if the limit of a page is out of range.
pub(crate) fn check_limit(limit: usize) -> Result<()> {
    match (1..=10_000).contains(&limit) {
        true => Ok(()),
        false => Err(Error::option("limit", "a page has 1 to 10 000 rows")),
    }
}

fn record(kind: RecordKind, row: &Row, given: &[String]) -> Result<StoredRecord> {
    let slots = slots(kind);
    let mut values: BTreeMap<String, Value> = given.iter().map(|name| (name.clone(), Value::Null)).collect();
    for (position, slot) in slots.iter().enumerate() {
        let value = match slot.holds {
            Holds::Json => continue,
            _ if slot.name == "content_key" => continue,
            Holds::Text => row
                .text_or_null(position)?
                .filter(|text| !(slot.key && text.is_empty()))
                .map(|text| Value::Text(text.to_owned())),
            Holds::Int => row
                .int_or_null(position)?
                .filter(|&at| at != ALWAYS)
                .map(Value::Timestamp),
            Holds::Number => row.float_or_null(position)?.map(Value::Float),
        };
        if let Some(value) = value {
            values.insert(slot.name.to_owned(), value);
        }
    }
    let attributes: Option<BTreeMap<String, serde_json::Value>> = row.json(slots.len() - 1)?;
    for (name, value) in attributes.unwrap_or_default() {
        let value = match value {
            serde_json::Value::Bool(value) => Value::Bool(value),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Value::Int(value),
                (None, Some(value)) => Value::UInt(value),
                (None, None) => number.as_f64().map_or(Value::Null, Value::Float),
            },
            serde_json::Value::String(text) => Value::Text(text),
            _ => continue,
        };
        values.insert(name, value);
    }
    Ok(StoredRecord {
        place: row.int(slots.len())?,
        values,
    })
}
