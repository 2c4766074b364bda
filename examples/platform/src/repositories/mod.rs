//! The control plane: the database of accounts, sessions, jobs and rate limits. Only this module contains SQL. The data
//! of companies are stored with `churn-store` instead.

pub mod accounts;
pub mod buckets;
pub mod jobs;
pub mod sessions;

use std::path::Path;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::error::{Problem, Result};

const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/sqlite/0001_control.sql")];

/// The database of accounts, sessions, jobs and rate limits.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    pub(crate) pool: SqlitePool,
}

impl ControlPlane {
    /// Opens the SQLite file, and creates it if it does not exist.
    ///
    /// # Errors
    /// Returns an error if the file cannot be created or opened.
    pub async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5))
            .foreign_keys(true);
        private(path)?;
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await?;
        Ok(Self { pool })
    }

    /// Creates or updates the tables.
    ///
    /// # Errors
    /// Returns an error if a newer version of the platform migrated the database, or the database fails.
    pub async fn migrate(&self) -> Result<()> {
        sqlx::query("CREATE TABLE IF NOT EXISTS platform_migrations (version INTEGER PRIMARY KEY NOT NULL) STRICT")
            .execute(&self.pool)
            .await?;
        let version = self.version().await?;
        for (number, script) in (1i64..).zip(MIGRATIONS) {
            if number > version {
                let mut tx = self.pool.begin().await?;
                sqlx::raw_sql(script).execute(&mut *tx).await?;
                sqlx::query("INSERT INTO platform_migrations (version) VALUES ($1)")
                    .bind(number)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }

    /// Returns the version of the schema; 0 before the first migration.
    ///
    /// # Errors
    /// Returns an error if a newer version of the platform migrated the database, or the database fails.
    pub async fn version(&self) -> Result<i64> {
        let known: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'platform_migrations'",
        )
        .fetch_one(&self.pool)
        .await?;
        if known == 0 {
            return Ok(0);
        }
        let version: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM platform_migrations")
            .fetch_one(&self.pool)
            .await?;
        match version > MIGRATIONS.len() as i64 {
            true => Err(Problem::internal(
                "a newer version of the platform migrated platform.db",
            )),
            false => Ok(version),
        }
    }

    pub fn newest_version() -> i64 {
        MIGRATIONS.len() as i64
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// Returns an error if the database does not answer.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Writes a snapshot of the database to a new file.
    ///
    /// # Errors
    /// Returns an error if the file exists or cannot be written.
    pub async fn backup(&self, path: &Path) -> Result<()> {
        let text = path.to_str().ok_or_else(|| Problem::internal("the path is not text"))?;
        if path.exists() {
            return Err(Problem::internal(format!("'{text}' exists already")));
        }
        private(path)?;
        sqlx::query("VACUUM INTO $1").bind(text).execute(&self.pool).await?;
        Ok(())
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// If the file does not exist, creates an empty file that only its owner can read.
fn private(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let named = |e: std::io::Error| Problem::internal(format!("'{}': {e}", path.display()));
    options.open(path).map(drop).map_err(named)
}
