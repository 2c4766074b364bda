//! The audit log. Entries are only added, never changed. In Postgres, the role of the application has no privilege to
//! change entries.

use churn_core::Timestamp;
use serde::Serialize;

use crate::engine::{Access, Arg, Row, TenantTx};
use crate::error::Result;
use crate::records::{check_limit, no_zero_byte};
use crate::tenant::TenantStore;
use crate::tenant::company::checked_json;

/// An audit entry: an action, with its time and the person or program that performed it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditEntry {
    /// When the action happened.
    pub at: Timestamp,
    /// Who performed the action.
    pub actor: String,
    /// The action, such as `"model.promoted"`.
    pub action: String,
    /// The id of the object that the action changed, such as a model id; `None` if the entry has no subject.
    pub subject: Option<String>,
    /// Any further data about the action, as JSON.
    pub details: serde_json::Value,
}

impl AuditEntry {
    /// Creates an entry without a subject or details.
    pub fn new(at: Timestamp, actor: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            at,
            actor: actor.into(),
            action: action.into(),
            subject: None,
            details: serde_json::Value::Null,
        }
    }
}

/// A page of audit entries.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AuditPage {
    /// The entries, in the requested order.
    pub entries: Vec<AuditEntry>,
    /// Pass this value as `after` to read the next page. It is `None` on the last page.
    pub next: Option<i64>,
}

/// Filters of an audit query. See [`AuditStore::query`].
#[derive(Clone, Debug, PartialEq)]
pub struct AuditQuery {
    /// Only entries with this actor; `None` for all actors.
    pub actor: Option<String>,
    /// Only entries with this action; `None` for all actions.
    pub action: Option<String>,
    /// Only entries with this subject; `None` for all subjects.
    pub subject: Option<String>,
    /// Only entries from this time on.
    pub since: Option<Timestamp>,
    /// Only entries before this time.
    pub until: Option<Timestamp>,
    /// Whether the newest entries come first.
    pub newest_first: bool,
    /// The value of `next` from the previous page; `None` for the first page.
    pub after: Option<i64>,
    /// The maximum number of entries per page (1 to 10 000).
    pub limit: usize,
}

impl Default for AuditQuery {
    /// Returns the query for the 100 newest entries, newest first.
    fn default() -> Self {
        Self {
            actor: None,
            action: None,
            subject: None,
            since: None,
            until: None,
            newest_first: true,
            after: None,
            limit: 100,
        }
    }
}

/// The audit log of a tenant.
#[derive(Clone, Debug)]
pub struct AuditStore(pub(crate) TenantStore);

impl AuditStore {
    /// Adds an entry. In Postgres, this call does not wait for imports of the same tenant, because audit entries have
    /// their own sequence numbers.
    ///
    /// # Errors
    /// `invalid_option` if a text contains U+0000; `store_unavailable`, `store_not_migrated`.
    pub async fn append(&self, entry: &AuditEntry) -> Result<()> {
        no_zero_byte("actor", &entry.actor)?;
        no_zero_byte("action", &entry.action)?;
        no_zero_byte("subject", entry.subject.as_deref().unwrap_or_default())?;
        checked_json(&entry.details)?;
        let mut tx = self.0.begin_session(Access::Note).await?;
        append(&mut tx, entry).await?;
        tx.commit().await
    }

    /// Returns at most `limit` entries (1 to 10 000) whose sequence number is greater than `after`, oldest first.
    ///
    /// # Errors
    /// `invalid_option`, `store_unavailable`, `store_not_migrated`.
    pub async fn page(&self, after: Option<i64>, limit: usize) -> Result<AuditPage> {
        let query = AuditQuery {
            after,
            limit,
            newest_first: false,
            ..AuditQuery::default()
        };
        self.query(&query).await
    }

    /// Returns a page of the entries that match a query.
    ///
    /// # Errors
    /// `invalid_option`, `store_unavailable`, `store_not_migrated`.
    pub async fn query(&self, query: &AuditQuery) -> Result<AuditPage> {
        check_limit(query.limit)?;
        let mut tx = self.0.begin_session(Access::Read).await?;
        let page = page(&mut tx, query).await?;
        tx.rollback().await?;
        Ok(page)
    }
}

pub(crate) async fn append(tx: &mut TenantTx, entry: &AuditEntry) -> Result<()> {
    const PLACE: &str = "
        INSERT INTO churn_audit_heads AS t (tenant_id, last_seq)
        VALUES ($1, $2)
        ON CONFLICT (tenant_id) DO UPDATE
        SET last_seq = t.last_seq + 1
        RETURNING last_seq";
    const APPEND: &str = "
        INSERT INTO churn_audit (tenant_id, seq, at, actor, action, subject, details)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let place = tx.row(PLACE, &[1.into()]).await?.map_or(Ok(1), |row| row.int(0))?;
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

pub(crate) async fn page(tx: &mut TenantTx, query: &AuditQuery) -> Result<AuditPage> {
    let (compare, order, beginning) = match query.newest_first {
        true => ("<", "DESC", i64::MAX),
        false => (">", "ASC", i64::MIN),
    };
    let mut args: Vec<Arg<'_>> = vec![query.after.unwrap_or(beginning).into()];
    let mut conditions = String::new();
    let texts = [
        ("actor", &query.actor),
        ("action", &query.action),
        ("subject", &query.subject),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            args.push(text.as_str().into());
            conditions.push_str(&format!(" AND {name} = ${}", args.len() + 1));
        }
    }
    for (moment, compare) in [(query.since, ">="), (query.until, "<")] {
        if let Some(moment) = moment {
            args.push(Arg::at(moment));
            conditions.push_str(&format!(" AND at {compare} ${}", args.len() + 1));
        }
    }
    args.push((query.limit as i64 + 1).into());
    let sql = format!(
        "
        SELECT at, actor, action, subject, details, seq
        FROM churn_audit
        WHERE tenant_id = $1 AND seq {compare} $2{conditions}
        ORDER BY seq {order}
        LIMIT ${}",
        args.len() + 1
    );
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
    let rows = tx.rows(&sql, &args).await?;
    let mut entries = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    let more = entries.len() > query.limit;
    entries.truncate(query.limit);
    let next = entries.last().filter(|_| more).map(|(_, place)| *place);
    Ok(AuditPage {
        entries: entries.into_iter().map(|(entry, _)| entry).collect(),
        next,
    })
}
