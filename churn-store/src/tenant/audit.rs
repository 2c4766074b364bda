//! The audit log. Entries are only added, never changed. In Postgres, the role of the application has no privilege to
//! change them.

use churn_core::Timestamp;
use serde::Serialize;

use crate::engine::{Access, Arg, Row, TenantTx};
use crate::error::Result;
use crate::records::{check_limit, no_zero_byte, places};
use crate::tenant::TenantStore;
use crate::tenant::company::checked_json;

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditEntry {
    /// When the action happened, as given by the caller.
    pub at: Timestamp,
    /// Who performed the action.
    pub actor: String,
    /// The action, such as `"model.promoted"`.
    pub action: String,
    /// The object of the action.
    pub subject: Option<String>,
    /// Any further data.
    pub details: serde_json::Value,
}

/// A page of entries.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AuditPage {
    /// The entries, oldest first.
    pub entries: Vec<AuditEntry>,
    /// Pass it as `after` for the next page; `None` on the last page.
    pub next: Option<i64>,
}

/// A tenant's audit log.
#[derive(Clone, Debug)]
pub struct AuditStore(pub(crate) TenantStore);

impl AuditStore {
    /// Adds an entry.
    ///
    /// # Errors
    /// `invalid_option` if a text contains U+0000; `store_unavailable`, `store_not_migrated`.
    pub async fn append(&self, entry: &AuditEntry) -> Result<()> {
        no_zero_byte("actor", &entry.actor)?;
        no_zero_byte("action", &entry.action)?;
        no_zero_byte("subject", entry.subject.as_deref().unwrap_or_default())?;
        checked_json(&entry.details)?;
        let mut tx = self.0.begin(Access::Write).await?;
        append(&mut tx, entry).await?;
        tx.commit().await
    }

    /// At most `limit` entries (1 to 10 000) after the sequence number `after`, oldest first.
    ///
    /// # Errors
    /// `invalid_option`, `store_unavailable`, `store_not_migrated`.
    pub async fn page(&self, after: Option<i64>, limit: usize) -> Result<AuditPage> {
        check_limit(limit)?;
        let mut tx = self.0.begin(Access::Read).await?;
        let page = page(&mut tx, after, limit).await?;
        tx.rollback().await?;
        Ok(page)
    }
}

pub(crate) async fn append(tx: &mut TenantTx, entry: &AuditEntry) -> Result<()> {
    const APPEND: &str = "INSERT INTO churn_audit (tenant_id, seq, at, actor, action, subject, details) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let place = places(tx, 1).await?;
    let details = checked_json(&entry.details)?;
    let args = [
        place.into(),
        Arg::at(entry.at),
        entry.actor.as_str().into(),
        entry.action.as_str().into(),
        entry.subject.as_deref().into(),
        Arg::json(details),
    ];
    tx.execute(APPEND, &args).await?;
    Ok(())
}

pub(crate) async fn page(tx: &mut TenantTx, after: Option<i64>, limit: usize) -> Result<AuditPage> {
    const PAGE: &str = "SELECT at, actor, action, subject, details, seq FROM churn_audit WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    let read = |row: &Row| {
        Ok((
            AuditEntry {
                at: row.at(0)?,
                actor: row.text(1)?.to_owned(),
                action: row.text(2)?.to_owned(),
                subject: row.text_or_null(3)?.map(str::to_owned),
                details: row.json(4)?,
            },
            row.int(5)?,
        ))
    };
    let args = [after.unwrap_or(i64::MIN).into(), (limit as i64 + 1).into()];
    let rows = tx.rows(PAGE, &args).await?;
    let mut entries = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|(_, place)| *place);
    Ok(AuditPage {
        entries: entries.into_iter().map(|(entry, _)| entry).collect(),
        next,
    })
}
