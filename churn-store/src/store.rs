//! The database as a whole: opened, migrated, attested. It has no way to data.

use churn_core::TenantId;

use crate::engine::{Access, Backend, Pool, current, migrate, migrations};
use crate::error::{Error, ErrorKind, Result};
use crate::tenant::TenantStore;

/// A database of many tenants. Clones share its connections. Data are reached through [`Store::tenant`] alone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: Pool,
}

impl Store {
    /// Opens `sqlite:///path/to/file.db` (made if it is not there), `sqlite::memory:` or `postgres://user@host/database`.
    ///
    /// # Errors
    /// `invalid_option` for another address; `store_unavailable`; `store_newer` if a newer version of this library
    /// migrated it; `store_damaged` if its schema is not this library's.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(url, None).await
    }

    /// SQLite: as [`open`](Self::open), with room for so many pages of 4096 bytes; `store_full` beyond them. For tests of full
    /// disks, and for hosts that give a tenant's file a quota.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_limited(url: &str, pages: u32) -> Result<Self> {
        Self::open_with(url, Some(pages)).await
    }

    async fn open_with(url: &str, most_pages: Option<u32>) -> Result<Self> {
        let pool = Pool::open(url, most_pages).await?;
        current(&pool).await?;
        Ok(Self { pool })
    }

    /// Makes or updates the tables. Does nothing where they are up to date. The steps taken are written down in
    /// `churn_migrations`; a host's own migrations are not disturbed.
    ///
    /// In Postgres, let a role migrate that owns the tables, and another one serve: see [`Store::grant_to`].
    ///
    /// # Errors
    /// `store_newer`, `store_damaged`, `store_refused` if the role may not make tables, `store_unavailable`.
    pub async fn migrate(&self) -> Result<()> {
        self.migrate_to(migrations().len() as i64).await
    }

    /// As [`migrate`](Self::migrate), up to an earlier version only. For tests of updates.
    #[doc(hidden)]
    pub async fn migrate_to(&self, version: i64) -> Result<()> {
        migrate(&self.pool, version).await
    }

    /// The version of the schema that is there; 0 before the first [`migrate`](Self::migrate).
    ///
    /// # Errors
    /// `store_newer`, `store_damaged`, `store_unavailable`.
    pub async fn version(&self) -> Result<i64> {
        current(&self.pool).await
    }

    /// Which database it is.
    pub fn backend(&self) -> Backend {
        self.pool.backend()
    }

    /// One tenant's part: the only way to data.
    pub fn tenant(&self, tenant: impl Into<TenantId>) -> TenantStore {
        TenantStore::new(self.clone(), tenant.into())
    }

    /// Postgres: gives a role what it needs to serve, and no more: rows of all tables, no change of what the audit says, no
    /// `TRUNCATE`, nothing of the tables themselves. Call it as the owner, after [`migrate`](Self::migrate). In SQLite there
    /// are no roles, and nothing to do.
    ///
    /// # Errors
    /// `invalid_option` if the role's name is not a plain one; `store_refused` if there is no such role.
    pub async fn grant_to(&self, role: &str) -> Result<()> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if role.is_empty() || role.len() > 63 || !role.chars().all(plain) {
            return Err(Error::option(
                "role",
                "a role's name is made of letters, digits and '_'",
            ));
        }
        if self.backend() == Backend::Sqlite {
            return Ok(());
        }
        let mut tx = self.pool.begin(Access::Write).await?;
        let mut script = format!("GRANT SELECT ON churn_migrations TO \"{role}\";");
        for table in crate::tenant::TABLES {
            let verbs = match table {
                "churn_audit" => "SELECT, INSERT",
                _ => "SELECT, INSERT, UPDATE, DELETE",
            };
            script.push_str(&format!(
                "REVOKE ALL ON {table} FROM \"{role}\"; GRANT {verbs} ON {table} TO \"{role}\";"
            ));
        }
        tx.script(&script).await?;
        tx.commit().await
    }

    /// Gives up all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Fails where the tables are not those this library needs.
    pub(crate) async fn check_migrated(&self) -> Result<()> {
        match self.version().await? {
            version if version == migrations().len() as i64 => Ok(()),
            version => {
                let message = format!(
                    "the store is at version {version} of {}: call migrate",
                    migrations().len()
                );
                Err(Error::new(ErrorKind::StoreNotMigrated, message))
            }
        }
    }
}
