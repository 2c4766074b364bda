//! The store of one tenant. Only the type [`TenantStore`] gives access to data.

pub(crate) mod audit;
pub(crate) mod company;
pub(crate) mod models;
pub(crate) mod outcomes;
pub(crate) mod people;
pub(crate) mod scores;
pub(crate) mod transaction;

pub use audit::{AuditEntry, AuditPage, AuditQuery, AuditStore};
pub use company::{Company, CompanyStore, CursorStore, SyncCursor};
pub use models::{ModelStore, Stage, StoredModel};
pub use outcomes::{OutcomeStore, ScoredOutcome, StoredOutcome};
pub(crate) use people::parse_key;
pub use people::{ApiKey, ApiKeyStore, NewApiKey, Role, User, UserStore};
pub use scores::{
    BandMove, HighRisk, ReasonsFor, RiskPage, RunChanges, RunId, RunPurpose, RunSummary, SaveRun, ScoreChange,
    ScoreCursor, ScoreOrder, ScorePage, ScoreQuery, ScoreStore, StoredReason, StoredScore,
};

pub use transaction::{HostRow, TenantTransaction};

pub(crate) use scores::Rows as ScoreRows;
pub(crate) use transaction::Session;

use churn_core::{RecordKind, TenantId};

use crate::engine::{Access, TenantTx};
use crate::error::{Error, Result};
use crate::records::RecordStore;
use crate::store::Store;

/// All tables whose rows belong to tenants.
pub(crate) const TABLES: [&str; 16] = [
    "churn_companies",
    "churn_record_columns",
    "churn_customers",
    "churn_payments",
    "churn_tickets",
    "churn_activities",
    "churn_models",
    "churn_score_runs",
    "churn_scores",
    "churn_outcomes",
    "churn_settings",
    "churn_users",
    "churn_api_keys",
    "churn_audit",
    "churn_audit_heads",
    "churn_sync_cursors",
];

/// Gives access to the records, models, scores and settings of one tenant. A `TenantStore` cannot read or change data
/// of other tenants.
#[derive(Clone)]
pub struct TenantStore {
    store: Store,
    tenant: TenantId,
    /// The transaction that all calls share; `None` if each call begins its own transaction.
    shared: Option<transaction::SharedTx>,
}

impl std::fmt::Debug for TenantStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TenantStore")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

impl TenantStore {
    pub(crate) fn new(store: Store, tenant: TenantId) -> Self {
        Self {
            store,
            tenant,
            shared: None,
        }
    }

    pub(crate) fn joined(store: Store, tenant: TenantId, shared: transaction::SharedTx) -> Self {
        Self {
            store,
            tenant,
            shared: Some(shared),
        }
    }

    /// Begins a transaction that can contain several calls. Either the changes of all these calls are stored, or none
    /// of them.
    ///
    /// # Errors
    /// `invalid_option` if this `TenantStore` already belongs to a transaction; `store_busy`, `store_unavailable`.
    pub async fn begin(&self) -> Result<TenantTransaction> {
        if self.shared.is_some() {
            return Err(Error::option(
                "transaction",
                "a transaction cannot begin within another one",
            ));
        }
        check_tenant(&self.tenant)?;
        let tx = self.store.pool.begin_tenant(&self.tenant, Access::Write).await?;
        Ok(TenantTransaction::new(self.store.clone(), self.tenant.clone(), tx))
    }

    /// The id of the tenant.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The records of customers. Each row is one version of a customer.
    pub fn customers(&self) -> RecordStore {
        self.table(RecordKind::Customers)
    }

    /// The records of payments.
    pub fn payments(&self) -> RecordStore {
        self.table(RecordKind::Payments)
    }

    /// The records of support tickets.
    pub fn tickets(&self) -> RecordStore {
        self.table(RecordKind::Tickets)
    }

    /// The records of activities.
    pub fn activities(&self) -> RecordStore {
        self.table(RecordKind::Activities)
    }

    /// The records of the given kind, such as payments.
    pub fn table(&self, kind: RecordKind) -> RecordStore {
        RecordStore {
            tenant: self.clone(),
            kind,
        }
    }

    /// The stored models of the tenant.
    pub fn models(&self) -> ModelStore {
        ModelStore(self.clone())
    }

    /// The stored score runs of the tenant, with their scores.
    pub fn scores(&self) -> ScoreStore {
        ScoreStore(self.clone())
    }

    /// The stored outcomes of customers: whether each customer churned after a date.
    pub fn outcomes(&self) -> OutcomeStore {
        OutcomeStore(self.clone())
    }

    /// The name and the settings of the tenant's company.
    pub fn company(&self) -> CompanyStore {
        CompanyStore(self.clone())
    }

    /// The users of the tenant.
    pub fn users(&self) -> UserStore {
        UserStore(self.clone())
    }

    /// The API keys of the tenant.
    pub fn api_keys(&self) -> ApiKeyStore {
        ApiKeyStore(self.clone())
    }

    /// The sync cursors of the tenant (for each data source, the position up to which it was read).
    pub fn cursors(&self) -> CursorStore {
        CursorStore(self.clone())
    }

    /// The audit log of the tenant.
    pub fn audit(&self) -> AuditStore {
        AuditStore(self.clone())
    }

    /// Deletes all rows of one customer: records, scores and outcomes. Returns the number of deleted rows. Models, the
    /// audit log, and the counts that are stored with past score runs are not changed. Therefore, do not
    /// write names or other personal data to the audit log.
    ///
    /// In a SQLite file, the deleted content is overwritten, and the write-ahead log is truncated when no reader uses
    /// it any more. In Postgres, the next `VACUUM` removes the rows, but old files of the write-ahead log still contain
    /// them.
    /// Backups are not changed.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn erase_customer(&self, customer_id: &str) -> Result<u64> {
        let mut tx = self.begin_session(Access::Write).await?;
        let deleted = erase(&mut tx, customer_id).await?;
        tx.commit().await?;
        if self.shared.is_none() && self.store.pool.file().is_some() {
            self.store.pool.outside("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        }
        Ok(deleted)
    }

    /// Returns a number that grows with every change of the tenant's records, models, scores and outcomes. If the
    /// number is unchanged, a result that the application cached is still valid.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn revision(&self) -> Result<u64> {
        let mut tx = self.begin_session(Access::Read).await?;
        let revision = revision(&mut tx).await?;
        tx.rollback().await?;
        Ok(revision)
    }

    /// Begins the transaction of one call. If this store belongs to a [`TenantTransaction`], the call takes part in
    /// that transaction instead.
    pub(crate) async fn begin_session(&self, access: Access) -> Result<Session> {
        check_tenant(&self.tenant)?;
        match &self.shared {
            None => Ok(Session::Own(self.store.pool.begin_tenant(&self.tenant, access).await?)),
            Some(shared) => Session::join(shared, access, self.store.pool.options().wait_timeout).await,
        }
    }
}

/// Returns an error if the id of a tenant is blank, too long or contains U+0000.
pub(crate) fn check_tenant(tenant: &TenantId) -> Result<()> {
    let id = tenant.as_str();
    match id.trim().is_empty() || id.len() > 500 || id.contains('\0') {
        true => Err(Error::option(
            "tenant",
            "a tenant's id is not blank and has at most 500 bytes and no character U+0000",
        )),
        false => Ok(()),
    }
}

pub(crate) async fn revision(tx: &mut TenantTx) -> Result<u64> {
    const REVISION: &str = "
        SELECT revision
        FROM churn_companies
        WHERE tenant_id = $1";
    tx.row(REVISION, &[]).await?.map_or(Ok(0), |row| row.count(0))
}

pub(crate) async fn erase(tx: &mut TenantTx, customer_id: &str) -> Result<u64> {
    crate::records::places(tx, 0).await?;
    let mut deleted = 0;
    for table in crate::records::RECORD_TABLES
        .into_iter()
        .chain(["churn_scores", "churn_outcomes"])
    {
        let sql = format!(
            "
        DELETE FROM {table}
        WHERE tenant_id = $1 AND customer_id = $2"
        );
        deleted += tx.execute(&sql, &[customer_id.into()]).await?;
    }
    crate::records::forget_unused_columns(tx).await?;
    Ok(deleted)
}
