//! Customers, payments, tickets and activities: written as the core checked them, loaded as the core's records.

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
    /// Which records.
    pub fn kind(&self) -> RecordKind {
        self.kind
    }

    /// Whose records.
    pub fn tenant(&self) -> &TenantId {
        self.tenant.tenant()
    }

    /// Begins an import: one transaction that takes the batch in chunks, so that it need not fit into memory. Nothing is kept
    /// unless [`Import::commit`] is called.
    ///
    /// # Errors
    /// `store_unavailable`, `store_busy`, `store_not_migrated`.
    pub async fn import(&self, on_invalid: OnInvalid) -> Result<Import> {
        Ok(Import::begin(self, on_invalid))
    }

    /// Takes a batch in one transaction. A row that is there already is replaced where it differs: the same batch twice
    /// changes nothing, a late correction replaces. Rows are the same if they have the same id and `known_at`; customers, if
    /// they have the same `customer_id`, `signed_up_at`, `valid_from` and `known_at`; rows without an id, if all they hold
    /// is the same (the n-th of equal rows of a batch is the n-th). So give ids to what may be corrected.
    ///
    /// A table without rows is noted as given and empty.
    ///
    /// # Errors
    /// Rows that are not valid are refused, all at once, with the code, table, row and column of the first; nothing is kept.
    /// What only shows beside other rows (unknown customers, mixed currencies) shows when records are loaded.
    pub async fn upsert(&self, rows: impl IntoTable) -> Result<Upserted> {
        let mut import = self.import(OnInvalid::Refuse).await?;
        import.write(rows).await?;
        import.commit().await
    }

    /// Checks a batch as [`upsert`](Self::upsert) would, without keeping anything: `rows_changed` is 0, and the report names
    /// every row that is not valid.
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

    /// Number of rows, versions included.
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
