//! Transactions that consist of several calls. Each call in such a transaction has a savepoint.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use churn_core::{TenantId, Value};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};

use crate::engine::{Access, Arg, Row, TenantTx};
use crate::error::{Error, ErrorKind, Result};
use crate::tenant::TenantStore;

/// The transaction that the calls of a [`TenantTransaction`] share.
pub(crate) type SharedTx = Arc<Mutex<Option<TenantTx>>>;

/// The statement that sets a savepoint before each call within a transaction. If the call fails, the transaction is
/// rolled back to this savepoint.
const SAVEPOINT: &str = "SAVEPOINT churn_call";
const RELEASE: &str = "RELEASE SAVEPOINT churn_call";
const UNDO: &str = "ROLLBACK TO SAVEPOINT churn_call; RELEASE SAVEPOINT churn_call";

/// The transaction in which a call runs: a transaction of its own, or one that it shares with other calls.
pub(crate) enum Session {
    Own(TenantTx),
    Joined(OwnedMappedMutexGuard<Option<TenantTx>, TenantTx>, Access),
}

impl Session {
    pub(crate) async fn join(shared: &SharedTx, access: Access, wait: Duration) -> Result<Self> {
        let guard = tokio::time::timeout(wait, Arc::clone(shared).lock_owned()).await;
        let busy = |_| {
            Error::transient(
                ErrorKind::StoreBusy,
                "another call of this transaction is still under way",
            )
        };
        let guard = guard.map_err(busy)?;
        let mut tx = OwnedMutexGuard::try_map(guard, Option::as_mut).map_err(|_| ended())?;
        undo_unfinished(&mut tx).await?;
        if access != Access::Read {
            tx.unfinished = true;
            tx.inner().script(SAVEPOINT).await?;
        }
        Ok(Self::Joined(tx, access))
    }

    /// Commits the transaction if it belongs to this call alone. If several calls share the transaction, keeps the
    /// changes of this call without committing them.
    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Self::Own(tx) => tx.commit().await,
            Self::Joined(mut tx, Access::Write | Access::Note) => {
                tx.inner().script(RELEASE).await?;
                tx.unfinished = false;
                Ok(())
            }
            Self::Joined(_, Access::Read) => Ok(()),
        }
    }

    /// Ends a call and rolls back its changes.
    pub(crate) async fn rollback(self) -> Result<()> {
        match self {
            Self::Own(tx) => tx.rollback().await,
            Self::Joined(mut tx, Access::Write | Access::Note) => undo_unfinished(&mut tx).await,
            Self::Joined(_, Access::Read) => Ok(()),
        }
    }
}

/// Rolls back the changes of the previous call in this transaction if that call failed or was cancelled.
async fn undo_unfinished(tx: &mut TenantTx) -> Result<()> {
    if tx.unfinished {
        tx.inner().script(UNDO).await?;
        tx.unfinished = false;
    }
    Ok(())
}

impl Deref for Session {
    type Target = TenantTx;

    fn deref(&self) -> &TenantTx {
        match self {
            Self::Own(tx) => tx,
            Self::Joined(tx, _) => tx,
        }
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut TenantTx {
        match self {
            Self::Own(tx) => tx,
            Self::Joined(tx, _) => tx,
        }
    }
}

fn ended() -> Error {
    Error::option("transaction", "the transaction has ended")
}

/// A row of an application's table (not of the store's tables). The keys are column names.
pub type HostRow = BTreeMap<String, Value>;

/// A transaction that can contain several calls for one tenant. Either the changes of all these calls are stored, or
/// none of them. A `TenantTransaction` has the same methods as [`TenantStore`]. If a transaction is dropped without
/// [`commit`](Self::commit), it is rolled back.
///
/// A failed call rolls back only its own changes, and the transaction can continue. Calls run one after another. Until
/// the transaction ends, no other call can write data of the same tenant. In SQLite, no other call can write data of
/// any tenant. Therefore, keep transactions short.
///
/// ```
/// # use churn_store::{AuditEntry, Store};
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # let store = Store::open("sqlite::memory:").await?;
/// # store.migrate().await?;
/// # let at = "2026-01-01".parse()?;
/// let acme = store.tenant("acme");
/// let tx = acme.begin().await?;
/// tx.company().rename("Acme").await?;
/// tx.audit().append(&AuditEntry::new(at, "ada", "company.renamed")).await?;
/// tx.commit().await?;
/// assert_eq!(acme.company().get().await?.name.as_deref(), Some("Acme"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a transaction that is not committed is rolled back"]
pub struct TenantTransaction {
    tenant: TenantStore,
    shared: SharedTx,
}

impl std::fmt::Debug for TenantTransaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TenantTransaction")
            .field("tenant", self.tenant.tenant())
            .finish_non_exhaustive()
    }
}

impl Deref for TenantTransaction {
    type Target = TenantStore;

    /// Returns a store of the tenant. Calls on this store take part in the transaction.
    fn deref(&self) -> &TenantStore {
        &self.tenant
    }
}

impl Drop for TenantTransaction {
    fn drop(&mut self) {
        // The transaction ends here, even if a value that was obtained from the transaction still exists, such as a
        // `RecordStore`.
        if let Ok(mut tx) = self.shared.try_lock() {
            tx.take();
        }
    }
}

impl TenantTransaction {
    pub(crate) fn new(store: crate::Store, tenant: TenantId, tx: TenantTx) -> Self {
        let shared = Arc::new(Mutex::new(Some(tx)));
        Self {
            tenant: TenantStore::joined(store, tenant, Arc::clone(&shared)),
            shared,
        }
    }

    /// Commits all changes.
    ///
    /// # Errors
    /// `invalid_option` if the transaction has ended; `store_unavailable`, `store_full`.
    pub async fn commit(self) -> Result<()> {
        let mut tx = self.shared.lock().await.take().ok_or_else(ended)?;
        undo_unfinished(&mut tx).await?;
        tx.commit().await
    }

    /// Rolls back all changes.
    ///
    /// # Errors
    /// `invalid_option` if the transaction has ended; `store_unavailable`.
    pub async fn rollback(self) -> Result<()> {
        let tx = self.shared.lock().await.take().ok_or_else(ended)?;
        tx.rollback().await
    }
}

impl TenantStore {
    /// Runs a statement on tables of the application (not on the store's tables). Returns the number of affected rows.
    /// `$1` is the tenant's id and must occur in the statement. `args` are the values of `$2`, `$3` and so on. Outside
    /// of a [`TenantTransaction`], the statement is a transaction of its own.
    ///
    /// ```sql
    /// INSERT INTO tasks (tenant_id, task_id, title) VALUES ($1, $2, $3)
    /// ```
    ///
    /// In Postgres, protect the table with the same row-level security policy as the store's tables (see
    /// [`hosting`](crate::hosting)), and pass the table's name to [`Store::attest_with`](crate::Store::attest_with). In
    /// SQLite, only the statement's own condition on `$1` isolates tenants.
    ///
    /// # Errors
    /// `invalid_option` if `$1` does not occur or an argument has an unsupported type; `store_refused` if the database
    /// refuses the statement; other errors of the database.
    pub async fn execute(&self, sql: &str, args: &[Value]) -> Result<u64> {
        let args = bound(sql, args)?;
        let mut session = self.begin_session(Access::Write).await?;
        let touched = session.execute(sql, &args).await.map_err(of_host)?;
        session.commit().await?;
        Ok(touched)
    }

    /// Runs a query on tables of the application (not on the store's tables). Returns the rows. `$1` is the tenant's id
    /// and must occur in the query. `args` are the values of `$2`, `$3` and so on.
    ///
    /// # Errors
    /// See [`execute`](Self::execute). Also returns `invalid_option` if the type of a column is not bool, number, text,
    /// JSON or timestamp. Cast such a column in the query.
    pub async fn query(&self, sql: &str, args: &[Value]) -> Result<Vec<HostRow>> {
        let args = bound(sql, args)?;
        let mut session = self.begin_session(Access::Write).await?;
        let rows = session.rows(sql, &args).await.map_err(of_host)?;
        let rows = rows.iter().map(Row::values).collect::<Result<Vec<_>>>()?;
        session.commit().await?;
        Ok(rows)
    }
}

/// Converts an error that the application's statement caused. If the statement names an unknown table or column, the
/// error gets the code `store_refused` instead of `store_not_migrated`.
fn of_host(error: Error) -> Error {
    match error.kind() {
        ErrorKind::StoreNotMigrated => Error::new(ErrorKind::StoreRefused, error.to_string()).caused_by(error),
        _ => error,
    }
}

fn bound<'a>(sql: &str, args: &'a [Value]) -> Result<Vec<Arg<'a>>> {
    let bytes = sql.as_bytes();
    let names_the_tenant = sql
        .match_indices("$1")
        .any(|(at, _)| !bytes.get(at + 2).is_some_and(u8::is_ascii_digit));
    if !names_the_tenant {
        return Err(Error::option("sql", "the statement must name the tenant as $1"));
    }
    let arg = |(position, value): (usize, &'a Value)| {
        Ok(match value {
            Value::Null => Arg::Null,
            Value::Bool(value) => Arg::Bool(*value),
            Value::Int(value) => Arg::Int(Some(*value)),
            Value::UInt(value) => {
                let why = || Error::option("args", format!("argument ${} is beyond 64 signed bits", position + 2));
                Arg::Int(Some(i64::try_from(*value).map_err(|_| why())?))
            }
            Value::Float(value) => Arg::Float(Some(*value)),
            Value::Text(text) => Arg::text(text.as_str()),
            Value::Timestamp(micros) => Arg::Int(Some(*micros)),
            other => {
                let why = format!("argument ${} is of a type that no column has: {other:?}", position + 2);
                return Err(Error::option("args", why));
            }
        })
    };
    args.iter().enumerate().map(arg).collect()
}
