//! The records of a tenant: customers, payments, tickets and activities. `churn_core` validates the records when they
//! are written. They are loaded as `TenantRecords` of `churn_core`.

mod delete;
mod door;
mod find;
mod layout;
mod load;
mod read;
mod removed;
mod write;

pub use find::{CustomerPage, CustomerQuery};
pub use load::RecordsOptions;
pub use read::{RecordPage, StoredRecord};
pub use write::{Import, Upserted};

pub(crate) use delete::delete;
pub(crate) use door::no_zero_byte;
pub(crate) use find::{count_customers, find};
pub(crate) use layout::RECORD_TABLES;
pub(crate) use load::{given_columns, load_all};
pub(crate) use read::{check_limit, count_rows, customer_rows, page_rows};
pub(crate) use write::{BatchWriter, ensure_company, forget_unused_columns, off_thread, places};

use churn_core::{IntoTable, OnInvalid, RecordKind, TenantId};

use crate::engine::Access;
use crate::error::Result;
use crate::tenant::TenantStore;

/// One table of a tenant's records, such as payments.
#[derive(Clone, Debug)]
pub struct RecordStore {
    pub(crate) tenant: TenantStore,
    pub(crate) kind: RecordKind,
}

impl RecordStore {
    /// The kind of records in the table, such as payments.
    pub fn kind(&self) -> RecordKind {
        self.kind
    }

    /// The tenant to whom the records belong.
    pub fn tenant(&self) -> &TenantId {
        self.tenant.tenant()
    }

    /// Begins an import, which writes many rows in one transaction. The rows are passed in chunks, so they need not all
    /// fit into memory at once. Nothing is stored until [`Import::commit`] is called.
    ///
    /// # Errors
    /// `store_unavailable`, `store_busy`, `store_not_migrated`.
    pub async fn import(&self, on_invalid: OnInvalid) -> Result<Import> {
        Ok(Import::begin(self, on_invalid))
    }

    /// Stores a batch in one transaction. Each row has a key. A row with a new key is added, and a row with the key of
    /// a stored row replaces the stored row. A later batch can therefore correct earlier rows. Storing the same batch
    /// again changes nothing.
    ///
    /// The key of an event with an id is the id and `known_at`. The key of a customer row is `customer_id`,
    /// `signed_up_at`, `valid_from` and `known_at`. The key of an event without an id consists of all its values. If a
    /// batch contains several identical events without an id, these events are numbered, and the number is part of the
    /// key. An event without an id cannot be corrected, so give ids to events that you may want to correct.
    ///
    /// Rows that the batch does not contain stay stored, even if the batch is a complete export. [`delete`](Self::delete)
    /// deletes the records that the source has removed.
    ///
    /// A batch may have no rows. If the tenant's table has no other rows either, the loaded records then contain an
    /// empty table instead of no table.
    ///
    /// # Errors
    /// If rows are invalid, the whole batch is refused with the code, table, row and column of the first issue, and
    /// nothing is stored. Conflicts with other rows (unknown customers, mixed currencies) are reported when records are
    /// loaded.
    pub async fn upsert(&self, rows: impl IntoTable) -> Result<Upserted> {
        let mut import = self.import(OnInvalid::Refuse).await?;
        import.write(rows).await?;
        import.commit().await
    }

    /// Validates a batch as [`upsert`](Self::upsert) would, without storing anything. In the result, `rows_changed` is
    /// 0, and the report lists every invalid row.
    ///
    /// # Errors
    /// An error if a required column is missing or the table cannot be read; also `store_unavailable`,
    /// `store_not_migrated`.
    pub async fn check(&self, rows: impl IntoTable) -> Result<Upserted> {
        let mut tx = self.tenant.begin_session(Access::Read).await?;
        let mut writer = BatchWriter::new(self.kind, OnInvalid::Quarantine);
        writer.check(&mut tx, rows.into_table()).await?;
        tx.rollback().await?;
        Ok(writer.done())
    }

    /// Returns the number of rows. Each version of a customer or event is a row.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn count(&self) -> Result<u64> {
        let mut tx = self.tenant.begin_session(Access::Read).await?;
        let count = count_rows(&mut tx, self.kind).await?;
        tx.rollback().await?;
        Ok(count)
    }
}
