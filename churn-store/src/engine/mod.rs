//! A common interface to SQLite and Postgres. [`TenantTx`] runs every statement on tenant data, and passes the tenant's
//! id as the first argument, so that no caller can forget this argument.

mod bulk;
mod migrations;
mod options;
mod pool;
#[cfg(test)]
pub(crate) mod sabotage;
mod value;

use churn_core::{TenantId, names};
use futures_util::stream::{BoxStream, StreamExt};
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe};

pub(crate) use bulk::{Holds, Stored, Target};
pub(crate) use migrations::{current, migrate, migrations};
pub use options::{ConnectionStatistics, StoreOptions};
use pool::Lease;
pub(crate) use pool::{Connection, Pool};
pub(crate) use value::{Arg, Row, from_json, to_json};

use crate::error::{Error, ErrorKind, Result};

names! {
    /// The kind of database.
    #[non_exhaustive]
    pub enum Backend: "backend" {
        /// SQLite, in a file or in memory.
        Sqlite = "sqlite",
        /// PostgreSQL.
        Postgres = "postgres",
    }
}

/// Whether a transaction reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    /// The transaction writes little, such as one audit entry. It does not wait for other writers of the tenant.
    Note,
}

/// A transaction. If it is dropped without a commit, it is rolled back.
pub(crate) struct Tx {
    lease: Lease,
}

impl Pool {
    /// Begins a transaction without a tenant. Migrations and the attestation of tenant isolation use this method.
    pub(crate) async fn begin(&self, access: Access) -> Result<Tx> {
        self.begin_for(None, access).await
    }

    /// Begins a transaction that sees the rows of one tenant only.
    pub(crate) async fn begin_tenant(&self, tenant: &TenantId, access: Access) -> Result<TenantTx> {
        let mut tx = self.begin_for(Some(tenant), access).await?;
        tx.become_tenant(tenant.as_str()).await?;
        Ok(TenantTx {
            tx,
            tenant: tenant.clone(),
            unfinished: false,
        })
    }
}

impl Tx {
    pub(crate) fn backend(&self) -> Backend {
        match self.lease.connection_ref() {
            Some(Connection::Postgres(_)) => Backend::Postgres,
            _ => Backend::Sqlite,
        }
    }

    pub(crate) fn connection(&mut self) -> Result<&mut Connection> {
        self.lease.connection()
    }

    /// Converts an error of the database. If the connection was lost, the message also names the address of the
    /// database.
    pub(crate) fn error(&self, error: sqlx::Error) -> Error {
        self.lease.error(error)
    }

    /// Sets the tenant of the transaction. Postgres then limits the transaction to the rows of this tenant.
    /// `set_config(.., true)` has the effect of `SET LOCAL`, but also accepts arguments.
    pub(crate) async fn become_tenant(&mut self, tenant: &str) -> Result<()> {
        if self.backend() == Backend::Postgres {
            let name = "SELECT set_config('churn.tenant_id', $1, true)";
            self.execute(name, &[Arg::text(tenant)]).await?;
        }
        Ok(())
    }

    /// Runs a script of several statements without arguments.
    pub(crate) async fn script(&mut self, sql: &str) -> Result<()> {
        let done = self.lease.connection()?.script(sql).await;
        done.map_err(|error| self.lease.error(error))
    }

    /// Runs a statement and returns the number of affected rows. In Postgres, the statement is an unnamed prepared
    /// statement.
    pub(crate) async fn execute(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<u64> {
        let sql = AssertSqlSafe(sql.to_owned());
        let done = match self.lease.connection()? {
            Connection::Sqlite(connection) => sqlx::query_with(sql, sqlite(args)?)
                .execute(connection)
                .await
                .map(|done| done.rows_affected()),
            Connection::Postgres(connection) => sqlx::query_with(sql, postgres(args)?)
                .persistent(false)
                .execute(connection)
                .await
                .map(|done| done.rows_affected()),
        };
        done.map_err(|error| self.lease.error(error))
    }

    /// Returns all rows of a query.
    pub(crate) async fn rows(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Row>> {
        let mut rows = vec![];
        let failed = {
            let mut stream = self.raw_stream(sql, args)?;
            loop {
                match stream.next().await {
                    None => break None,
                    Some(Ok(row)) => rows.push(row),
                    Some(Err(error)) => break Some(error),
                }
            }
        };
        match failed {
            None => Ok(rows),
            Some(error) => Err(self.lease.error(error)),
        }
    }

    fn raw_stream<'t>(
        &'t mut self,
        sql: &str,
        args: &[Arg<'_>],
    ) -> Result<BoxStream<'t, std::result::Result<Row, sqlx::Error>>> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(match self.lease.connection()? {
            Connection::Sqlite(connection) => sqlx::query_with(sql, sqlite(args)?)
                .fetch(connection)
                .map(|row| Ok(Row::Sqlite(row?)))
                .boxed(),
            Connection::Postgres(connection) => sqlx::query_with(sql, postgres(args)?)
                .persistent(false)
                .fetch(connection)
                .map(|row| Ok(Row::Postgres(row?)))
                .boxed(),
        })
    }

    /// Returns the rows of a query as a stream.
    pub(crate) fn stream<'t>(&'t mut self, sql: &str, args: &[Arg<'_>]) -> Result<BoxStream<'t, Result<Row>>> {
        Ok(self.raw_stream(sql, args)?.map(|row| Ok(row?)).boxed())
    }

    pub(crate) async fn commit(self) -> Result<()> {
        self.lease.end("COMMIT").await
    }

    pub(crate) async fn rollback(self) -> Result<()> {
        self.lease.end("ROLLBACK").await
    }
}

pub(crate) fn sqlite(args: &[Arg<'_>]) -> Result<SqliteArguments> {
    let mut bound = SqliteArguments::default();
    bound.reserve(args.len(), 0);
    for arg in args {
        arg.add_sqlite(&mut bound).map_err(unbound)?;
    }
    Ok(bound)
}

fn postgres(args: &[Arg<'_>]) -> Result<PgArguments> {
    let mut bound = PgArguments::default();
    for arg in args {
        arg.add_postgres(&mut bound).map_err(unbound)?;
    }
    Ok(bound)
}

pub(crate) fn unbound(source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::new(ErrorKind::Internal, "an argument cannot be bound").caused_by(source)
}

/// Returns the statement to run. This crate's own tests remove the tenant condition from a statement here, to check
/// that the attestation detects this.
fn statement(sql: &str) -> String {
    #[cfg(not(test))]
    return sql.to_owned();
    #[cfg(test)]
    sabotage::statement(sql)
}

/// A transaction of one tenant. In every statement, `$1` is the tenant's id, and the caller's arguments start at `$2`.
pub(crate) struct TenantTx {
    tx: Tx,
    tenant: TenantId,
    /// Whether a call within the transaction failed or was cancelled. If so, the transaction must be rolled back to the
    /// call's savepoint before the next call.
    pub(crate) unfinished: bool,
}

impl TenantTx {
    pub(crate) fn backend(&self) -> Backend {
        self.tx.backend()
    }

    pub(crate) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    fn with_tenant<'a>(tenant: &'a TenantId, args: &[Arg<'a>]) -> Vec<Arg<'a>> {
        let mut all = Vec::with_capacity(args.len() + 1);
        #[cfg(not(test))]
        all.push(Arg::text(tenant.as_str()));
        #[cfg(test)]
        all.push(Arg::text(sabotage::tenant(tenant.as_str())));
        all.extend(args.iter().cloned());
        all
    }

    pub(crate) async fn execute<'a>(&'a mut self, sql: &str, args: &[Arg<'a>]) -> Result<u64> {
        let args = Self::with_tenant(&self.tenant, args);
        self.tx.execute(&statement(sql), &args).await
    }

    pub(crate) async fn rows<'a>(&'a mut self, sql: &str, args: &[Arg<'a>]) -> Result<Vec<Row>> {
        let args = Self::with_tenant(&self.tenant, args);
        self.tx.rows(&statement(sql), &args).await
    }

    pub(crate) async fn row<'a>(&'a mut self, sql: &str, args: &[Arg<'a>]) -> Result<Option<Row>> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    pub(crate) fn stream<'a>(&'a mut self, sql: &str, args: &[Arg<'a>]) -> Result<BoxStream<'a, Result<Row>>> {
        let args = Self::with_tenant(&self.tenant, args);
        self.tx.stream(&statement(sql), &args)
    }

    /// Returns the underlying transaction, for statements with array arguments. The caller must pass the tenant's id as
    /// `$1`.
    pub(crate) fn inner(&mut self) -> &mut Tx {
        &mut self.tx
    }

    /// Changes the tenant of the transaction. Only the attestation of tenant isolation uses this method.
    pub(crate) async fn become_other(&mut self, tenant: &TenantId) -> Result<()> {
        self.tx.become_tenant(tenant.as_str()).await?;
        self.tenant = tenant.clone();
        Ok(())
    }

    pub(crate) async fn commit(self) -> Result<()> {
        self.tx.commit().await
    }

    pub(crate) async fn rollback(self) -> Result<()> {
        self.tx.rollback().await
    }
}
