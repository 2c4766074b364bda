//! The migrations of the store's tables. The applied migrations are recorded in the table `churn_migrations`.
//! Migrations of the application are not recorded there.

use sha2::{Digest, Sha256};

use crate::engine::{Access, Arg, Backend, Pool, Tx};
use crate::error::{Error, ErrorKind, Result};

/// A migration: SQL statements that change the tables from one version to the next.
pub(crate) struct Migration {
    pub(crate) version: i64,
    pub(crate) name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! step {
    ($version:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../../migrations/sqlite/000", $version, "_", $name, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/000", $version, "_", $name, ".sql")),
        }
    };
}

static STEPS: [Migration; 4] = [
    step!(1, "records"),
    step!(2, "models"),
    step!(3, "people"),
    step!(4, "hosts"),
];

/// All migrations, oldest first.
pub(crate) fn migrations() -> &'static [Migration] {
    &STEPS
}

impl Migration {
    fn sql(&self, backend: Backend) -> &'static str {
        match backend {
            Backend::Sqlite => self.sqlite,
            Backend::Postgres => self.postgres,
        }
    }

    fn checksum(&self, backend: Backend) -> String {
        let digest = Sha256::digest(self.sql(backend).as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS churn_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)";

/// Migrates the schema to version `wanted`. Does nothing if the schema already has this version.
pub(crate) async fn migrate(pool: &Pool, wanted: i64) -> Result<()> {
    let mut tx = pool.begin(Access::Write).await?;
    if pool.backend() == Backend::Postgres {
        // If several processes start at the same time, this lock makes them migrate one after another.
        tx.rows(
            "SELECT 1 FROM (SELECT pg_advisory_xact_lock(7165042117293)) AS held",
            &[],
        )
        .await?;
        let there = tx
            .rows("SELECT 1 WHERE to_regclass('churn_migrations') IS NOT NULL", &[])
            .await?;
        if there.is_empty() {
            tx.script(TABLE).await?;
        }
    } else {
        tx.script(TABLE).await?;
    }
    let applied = applied(&mut tx, pool.backend()).await?;
    for step in STEPS
        .iter()
        .filter(|step| step.version > applied && step.version <= wanted)
    {
        tx.script(step.sql(pool.backend())).await?;
        let checksum = step.checksum(pool.backend());
        let args = [step.version.into(), step.name.into(), Arg::text(checksum)];
        tx.execute(
            "INSERT INTO churn_migrations (version, name, checksum) VALUES ($1, $2, $3)",
            &args,
        )
        .await?;
    }
    tx.commit().await
}

/// Returns the version of the tables. Returns an error if a newer version of the library migrated the database, or if
/// the recorded migrations are not those of this library.
async fn applied(tx: &mut Tx, backend: Backend) -> Result<i64> {
    let rows = tx
        .rows(
            "SELECT version, name, checksum FROM churn_migrations ORDER BY version",
            &[],
        )
        .await?;
    let mut last = 0;
    for row in rows {
        let version = row.int(0)?;
        let Some(step) = STEPS.iter().find(|step| step.version == version) else {
            let message = format!(
                "the store is at version {version} ('{}'), this library knows versions up to {}: update the library",
                row.text(1)?,
                STEPS.len()
            );
            return Err(Error::new(ErrorKind::StoreNewer, message));
        };
        if row.text(2)? != step.checksum(backend) {
            let message = format!("step {version} of the store's schema is not the one this library knows");
            return Err(Error::new(ErrorKind::StoreDamaged, message));
        }
        last = version;
    }
    Ok(last)
}

/// Returns the version of the store's tables in the database; 0 if the tables do not exist.
pub(crate) async fn current(pool: &Pool) -> Result<i64> {
    let mut tx = pool.begin(Access::Read).await?;
    let there = match pool.backend() {
        Backend::Sqlite => "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'churn_migrations'",
        Backend::Postgres => "SELECT 1 WHERE to_regclass('churn_migrations') IS NOT NULL",
    };
    let version = match tx.rows(there, &[]).await?.is_empty() {
        true => 0,
        false => applied(&mut tx, pool.backend()).await?,
    };
    tx.rollback().await?;
    Ok(version)
}
