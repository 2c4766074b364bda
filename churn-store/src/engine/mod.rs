//! A common interface to both databases. Every statement on tenant data goes through [`TenantTx`], which binds the
//! tenant as the first argument, so that no caller can forget it.

mod bulk;
mod migrations;
#[cfg(test)]
pub(crate) mod sabotage;
mod value;

use std::str::FromStr;
use std::time::Duration;

use churn_core::{TenantId, names};
use futures_util::stream::{BoxStream, StreamExt};
use sqlx::postgres::{PgArguments, PgPoolOptions};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Arguments, AssertSqlSafe, Executor, PgPool, Postgres, Sqlite, SqlitePool, Transaction};

pub(crate) use bulk::{Holds, Stored, Target};
pub(crate) use migrations::{current, migrate, migrations};
pub(crate) use value::{Arg, Row, to_json};

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

/// Connections to one database.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    /// Connects to a database. An in-memory database has a single connection, which stays open.
    pub(crate) async fn open(url: &str, most_pages: Option<u32>) -> Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = sqlx::postgres::PgConnectOptions::from_str(url)?;
            let pool = PgPoolOptions::new()
                .max_connections(8)
                .acquire_timeout(Duration::from_secs(30))
                .connect_with(options)
                .await;
            return Ok(Self::Postgres(pool.map_err(unavailable)?));
        }
        if !url.starts_with("sqlite:") {
            return Err(Error::option(
                "url",
                "a store's address begins with 'sqlite:' or 'postgres:'",
            ));
        }
        let memory = url.contains(":memory:") || url.contains("mode=memory");
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(30));
        // With these settings, readers continue while another connection writes, and a commit is on disk when it
        // returns.
        let options = match memory {
            true => options,
            false => options
                .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
                .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
                .pragma("cache_size", "-65536"),
        };
        let options = match most_pages {
            None => options,
            Some(pages) => options.pragma("max_page_count", pages.to_string()),
        };
        let pool = match memory {
            true => SqlitePoolOptions::new()
                .max_connections(1)
                .idle_timeout(None)
                .max_lifetime(None),
            false => SqlitePoolOptions::new()
                .max_connections(8)
                .acquire_timeout(Duration::from_secs(30)),
        };
        Ok(Self::Sqlite(pool.connect_with(options).await.map_err(unavailable)?))
    }

    pub(crate) fn backend(&self) -> Backend {
        match self {
            Self::Sqlite(_) => Backend::Sqlite,
            Self::Postgres(_) => Backend::Postgres,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }

    /// A transaction without a tenant, for migrations and the attestation.
    pub(crate) async fn begin(&self, access: Access) -> Result<Tx> {
        Ok(match (self, access) {
            (Self::Sqlite(pool), Access::Read) => Tx::Sqlite(pool.begin().await?),
            // The transaction takes the write lock at once, so that a second writer waits instead of failing later.
            (Self::Sqlite(pool), Access::Write) => Tx::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            // The transaction reads all tables from one snapshot.
            (Self::Postgres(pool), Access::Read) => Tx::Postgres(
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .await?,
            ),
            (Self::Postgres(pool), Access::Write) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// A transaction that sees one tenant only.
    pub(crate) async fn begin_tenant(&self, tenant: &TenantId, access: Access) -> Result<TenantTx> {
        let mut tx = self.begin(access).await?;
        tx.become_tenant(tenant.as_str()).await?;
        Ok(TenantTx {
            tx,
            tenant: tenant.clone(),
        })
    }
}

fn unavailable(source: sqlx::Error) -> Error {
    let error = Error::from(source);
    match error.kind() {
        ErrorKind::StoreUnavailable => error,
        _ => Error::new(
            ErrorKind::StoreUnavailable,
            format!("the database cannot be opened: {error}"),
        )
        .caused_by(error),
    }
}

/// What a transaction is allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// A transaction, which is rolled back unless committed.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Sets the tenant whose rows the database shows. `set_config(.., true)` has the effect of `SET LOCAL`, which does
    /// not accept arguments.
    pub(crate) async fn become_tenant(&mut self, tenant: &str) -> Result<()> {
        if let Self::Postgres(tx) = self {
            sqlx::query("SELECT set_config('churn.tenant_id', $1, true)")
                .bind(tenant)
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }

    /// Runs a script of several statements without arguments.
    pub(crate) async fn script(&mut self, sql: &str) -> Result<()> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(tx) => {
                tx.execute(sqlx::raw_sql(sql)).await?;
            }
            Self::Postgres(tx) => {
                tx.execute(sqlx::raw_sql(sql)).await?;
            }
        }
        Ok(())
    }

    /// Runs a statement and returns the number of affected rows.
    pub(crate) async fn execute(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<u64> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(match self {
            Self::Sqlite(tx) => sqlx::query_with(sql, sqlite(args)?)
                .execute(&mut **tx)
                .await?
                .rows_affected(),
            Self::Postgres(tx) => sqlx::query_with(sql, postgres(args)?)
                .execute(&mut **tx)
                .await?
                .rows_affected(),
        })
    }

    /// Returns all rows of a query.
    pub(crate) async fn rows(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Row>> {
        let mut stream = self.stream(sql, args)?;
        let mut rows = vec![];
        while let Some(row) = stream.next().await {
            rows.push(row?);
        }
        Ok(rows)
    }

    /// Streams the rows of a query.
    pub(crate) fn stream<'t>(&'t mut self, sql: &str, args: &[Arg<'_>]) -> Result<BoxStream<'t, Result<Row>>> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(match self {
            Self::Sqlite(tx) => sqlx::query_with(sql, sqlite(args)?)
                .fetch(&mut **tx)
                .map(|row| Ok(Row::Sqlite(row?)))
                .boxed(),
            Self::Postgres(tx) => sqlx::query_with(sql, postgres(args)?)
                .fetch(&mut **tx)
                .map(|row| Ok(Row::Postgres(row?)))
                .boxed(),
        })
    }

    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub(crate) async fn rollback(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await?,
            Self::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
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

/// The statement to run, which tests may replace.
fn statement(sql: &str) -> String {
    #[cfg(not(test))]
    return sql.to_owned();
    #[cfg(test)]
    sabotage::statement(sql)
}

/// A transaction of one tenant. In every statement, `$1` is the tenant, and the caller's arguments start at `$2`.
pub(crate) struct TenantTx {
    tx: Tx,
    tenant: TenantId,
}

impl TenantTx {
    pub(crate) fn backend(&self) -> Backend {
        match self.tx {
            Tx::Sqlite(_) => Backend::Sqlite,
            Tx::Postgres(_) => Backend::Postgres,
        }
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

    /// The underlying transaction, for statements with array arguments. The caller must bind the tenant as `$1`.
    pub(crate) fn inner(&mut self) -> &mut Tx {
        &mut self.tx
    }

    /// Switches to another tenant; used only by the attestation.
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
