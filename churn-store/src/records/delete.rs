//! Deletes records by their ids. An upsert never deletes a row, so a host deletes the records that its source has
//! removed, such as void invoices.

use churn_core::RecordKind;

use crate::engine::{Access, Arg, Backend, TenantTx};
use crate::error::{Error, Result};
use crate::records::layout::{slots, table};
use crate::records::{RecordStore, forget_unused_columns, no_zero_byte, places};

/// Number of ids that one statement deletes.
const IDS: usize = 10_000;

impl RecordStore {
    /// Deletes all rows of the records with these ids, in one transaction. The ids are those of the table: `payment_id`,
    /// `ticket_id`, `activity_id` or `customer_id`. Returns the number of deleted rows. Unknown ids are ignored.
    ///
    /// An upsert never deletes rows: a row that a later export no longer contains stays stored. Use this method for
    /// records that the source has removed, such as void invoices. If a change of a customer was withdrawn, delete the
    /// rows of the customer and upsert the current rows in the same [`TenantTransaction`](crate::TenantTransaction).
    /// The customer's events, scores and outcomes stay stored; [`TenantStore::erase_customer`] deletes these too.
    ///
    /// # Errors
    /// `invalid_option` if an id is blank, because events without an id all have the blank id; also `store_unavailable`,
    /// `store_not_migrated`.
    ///
    /// [`TenantStore::erase_customer`]: crate::TenantStore::erase_customer
    pub async fn delete(&self, ids: &[impl AsRef<str>]) -> Result<u64> {
        let ids: Vec<String> = ids.iter().map(|id| id.as_ref().to_owned()).collect();
        for id in &ids {
            no_zero_byte("an id", id)?;
            if id.trim().is_empty() {
                return Err(Error::option("ids", "an id is blank"));
            }
        }
        let mut tx = self.tenant.begin_session(Access::Write).await?;
        let deleted = delete(&mut tx, self.kind, &ids).await?;
        tx.commit().await?;
        Ok(deleted)
    }
}

pub(crate) async fn delete(tx: &mut TenantTx, kind: RecordKind, ids: &[String]) -> Result<u64> {
    let Some(id) = slots(kind).first() else {
        return Ok(0);
    };
    let given = match tx.backend() {
        Backend::Sqlite => "SELECT value FROM json_each($2)",
        Backend::Postgres => "SELECT jsonb_array_elements_text($2::jsonb)",
    };
    let sql = format!(
        "
        DELETE FROM {}
        WHERE tenant_id = $1 AND {} IN ({given})",
        table(kind),
        id.name
    );
    places(tx, 0).await?;
    let mut deleted = 0;
    for ids in ids.chunks(IDS) {
        let ids = crate::engine::to_json(&ids)?;
        deleted += tx.execute(&sql, &[Arg::Json(Some(ids.into()))]).await?;
    }
    forget_unused_columns(tx).await?;
    Ok(deleted)
}
