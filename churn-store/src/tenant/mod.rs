//! The store of one tenant. Only this type gives access to data.

pub(crate) mod audit;
pub(crate) mod company;
pub(crate) mod models;
pub(crate) mod outcomes;
pub(crate) mod people;
pub(crate) mod scores;

pub use audit::{AuditEntry, AuditPage, AuditStore};
pub use company::{Company, CompanyStore, CursorStore, SyncCursor};
pub use models::{ModelStore, Stage, StoredModel};
pub use outcomes::{OutcomeStore, ScoredOutcome, StoredOutcome};
pub use people::{ApiKey, ApiKeyStore, Role, User, UserStore};
pub use scores::{HighRisk, ReasonsFor, RiskPage, RunId, RunSummary, ScoreStore, StoredReason, StoredScore};

pub(crate) use scores::Rows as ScoreRows;

use churn_core::{RecordKind, TenantId};

use crate::engine::{Access, TenantTx};
use crate::error::{Error, Result};
use crate::records::RecordStore;
use crate::store::Store;

/// All tables that hold tenants' rows.
pub(crate) const TABLES: [&str; 15] = [
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
    "churn_sync_cursors",
];

/// The records, models, scores and settings of one tenant. It cannot read or change other tenants.
#[derive(Clone, Debug)]
pub struct TenantStore {
    store: Store,
    tenant: TenantId,
}

impl TenantStore {
    pub(crate) fn new(store: Store, tenant: TenantId) -> Self {
        Self { store, tenant }
    }

    /// The id of the tenant.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Customers and their versions.
    pub fn customers(&self) -> RecordStore {
        self.table(RecordKind::Customers)
    }

    /// Payments.
    pub fn payments(&self) -> RecordStore {
        self.table(RecordKind::Payments)
    }

    /// Support tickets.
    pub fn tickets(&self) -> RecordStore {
        self.table(RecordKind::Tickets)
    }

    /// Activities.
    pub fn activities(&self) -> RecordStore {
        self.table(RecordKind::Activities)
    }

    /// Records of one kind.
    pub fn table(&self, kind: RecordKind) -> RecordStore {
        RecordStore {
            tenant: self.clone(),
            kind,
        }
    }

    /// Models.
    pub fn models(&self) -> ModelStore {
        ModelStore(self.clone())
    }

    /// Score runs and scores.
    pub fn scores(&self) -> ScoreStore {
        ScoreStore(self.clone())
    }

    /// The outcomes of scored customers.
    pub fn outcomes(&self) -> OutcomeStore {
        OutcomeStore(self.clone())
    }

    /// The company: its name and settings.
    pub fn company(&self) -> CompanyStore {
        CompanyStore(self.clone())
    }

    /// Users.
    pub fn users(&self) -> UserStore {
        UserStore(self.clone())
    }

    /// API keys.
    pub fn api_keys(&self) -> ApiKeyStore {
        ApiKeyStore(self.clone())
    }

    /// The sync cursors of sources.
    pub fn cursors(&self) -> CursorStore {
        CursorStore(self.clone())
    }

    /// The audit log.
    pub fn audit(&self) -> AuditStore {
        AuditStore(self.clone())
    }

    /// Deletes everything that is stored about one customer: records, scores and outcomes. Models that were trained on
    /// the customer stay. Returns the number of deleted rows.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn erase_customer(&self, customer_id: &str) -> Result<u64> {
        let mut tx = self.begin(Access::Write).await?;
        let deleted = erase(&mut tx, customer_id).await?;
        tx.commit().await?;
        Ok(deleted)
    }

    pub(crate) async fn begin(&self, access: Access) -> Result<TenantTx> {
        check_tenant(&self.tenant)?;
        self.store.pool.begin_tenant(&self.tenant, access).await
    }
}

/// Checks the id of a tenant.
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

pub(crate) async fn erase(tx: &mut TenantTx, customer_id: &str) -> Result<u64> {
    let mut deleted = 0;
    for table in crate::records::RECORD_TABLES
        .into_iter()
        .chain(["churn_scores", "churn_outcomes"])
    {
        let sql = format!("DELETE FROM {table} WHERE tenant_id = $1 AND customer_id = $2");
        deleted += tx.execute(&sql, &[customer_id.into()]).await?;
    }
    Ok(deleted)
}
