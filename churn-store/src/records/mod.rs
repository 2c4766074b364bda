//! Customers, payments, tickets and activities: validated by the core when they are written, and loaded as the core's
//! records.

mod door;
mod find;
mod layout;
mod load;
mod read;
mod write;

pub use find::{CustomerPage, CustomerQuery};
pub use load::RecordsOptions;
pub use read::{RecordPage, StoredRecord};
pub use write::{Import, Upserted};

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

/// One table of a tenant's records.
#[derive(Clone, Debug)]
pub struct RecordStore {
    pub(crate) tenant: TenantStore,
    pub(crate) kind: RecordKind,
}

impl RecordStore {
    /// The kind of records.
    pub fn kind(&self) -> RecordKind {
        self.kind
    }

    /// The tenant of the records.
    pub fn tenant(&self) -> &TenantId {
        self.tenant.tenant()
    }

    /// Begins an import: a single transaction to which data are written in chunks, so that they need not fit into
    /// memory at once. Nothing is stored until [`Import::commit`] is called.
    ///
    /// # Errors
    /// `store_unavailable`, `store_busy`, `store_not_migrated`.
    pub async fn import(&self, on_invalid: OnInvalid) -> Result<Import> {
        Ok(Import::begin(self, on_invalid))
    }

    /// Upserts a batch in one transaction: new rows are added, and an existing row is replaced if it differs. A later
    /// batch can therefore correct earlier rows, and storing the same batch again changes nothing.
    ///
    /// Event rows are the same if they have the same id and `known_at`. Customer rows are the same if they have the
    /// same `customer_id`, `signed_up_at`, `valid_from` and `known_at`. Event rows without an id are the same if all
    /// their values are equal. If several rows of a batch are identical, the first of them matches the first such row
    /// of another batch, the second matches the second, and so on. Rows without an id cannot be corrected, so give ids
    /// to rows that you may want to correct.
    ///
    /// If the batch has no rows, the store remembers that the table was given, but is empty.
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

    /// Validates a batch as [`upsert`](Self::upsert) would, without storing anything. `rows_changed` is 0, and the
    /// report lists every invalid row.
    ///
    /// # Errors
    /// A missing required column, or an unreadable table; `store_unavailable`, `store_not_migrated`.
    pub async fn check(&self, rows: impl IntoTable) -> Result<Upserted> {
        let mut tx = self.tenant.begin_session(Access::Read).await?;
        let mut writer = BatchWriter::new(self.kind, OnInvalid::Quarantine);
        writer.check(&mut tx, rows.into_table()).await?;
        tx.rollback().await?;
        Ok(writer.done())
    }

    /// Number of rows, including all versions.
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
