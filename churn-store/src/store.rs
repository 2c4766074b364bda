//! The database as a whole: open, migrate, attest. [`TenantStore`] gives access to the data.

use crate::engine::{Access, Backend, Pool, current, migrate, migrations};
use crate::error::{Error, ErrorKind, Result};
use crate::tenant::TenantStore;

/// A database of many tenants. Clones share its connections. Only [`Store::tenant`] gives access to data.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: Pool,
}

impl Store {
    /// Opens `sqlite:///path/to/file.db` (created if it does not exist), `sqlite::memory:` or
    /// `postgres://user@host/database`.
    ///
    /// # Errors
    /// `invalid_option` for another address; `store_unavailable`; `store_newer` if a newer version of this library
    /// migrated it; `store_damaged` if its schema is not this library's.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(url, None).await
    }

    /// Like [`open`](Self::open), but limits the size of a SQLite file. `pages` is the maximum size in pages of 4096
    /// bytes. Writes that would exceed it fail with `store_full`. This is useful for tests of full disks, and for hosts
    /// that limit the size of a tenant's file.
    ///
    /// # Errors
    /// See [`open`](Self::open).
    pub async fn open_limited(url: &str, pages: u32) -> Result<Self> {
        Self::open_with(url, Some(pages)).await
    }

    async fn open_with(url: &str, most_pages: Option<u32>) -> Result<Self> {
        let pool = Pool::open(url, most_pages).await?;
        current(&pool).await?;
        Ok(Self { pool })
    }

    /// Creates or updates the tables. Does nothing if they are up to date. The applied migrations are recorded in the
    /// table `churn_migrations`, separately from migrations of the host application.
    ///
    /// In Postgres, use two roles: one that owns the tables and runs this method, and another one for all other work.
    /// See [`Store::grant_to`].
    ///
    /// # Errors
    /// `store_newer`, `store_damaged`, `store_refused` if the role may not create tables, `store_unavailable`.
    pub async fn migrate(&self) -> Result<()> {
        self.migrate_to(migrations().len() as i64).await
    }

    /// Like [`migrate`](Self::migrate), but stops at an earlier version. For tests of updates.
    #[doc(hidden)]
    pub async fn migrate_to(&self, version: i64) -> Result<()> {
        migrate(&self.pool, version).await
    }

    /// The version of the existing schema; 0 before the first [`migrate`](Self::migrate).
    ///
    /// # Errors
    /// `store_newer`, `store_damaged`, `store_unavailable`.
    pub async fn version(&self) -> Result<i64> {
        current(&self.pool).await
    }

    /// The kind of database.
    pub fn backend(&self) -> Backend {
        self.pool.backend()
    }

    /// The store of one tenant. If the id is blank or too long, the first method that is called on the result returns
    /// an error.
    pub fn tenant(&self, tenant: impl AsRef<str>) -> TenantStore {
        TenantStore::new(self.clone(), churn_core::private::tenant(tenant))
    }

    /// In Postgres, grants a role the privileges that the application needs, and no others. The role may read and write
    /// rows of all tables, but it may not change audit entries, truncate tables or change the schema. Call this method
    /// as the owner of the tables, after [`migrate`](Self::migrate). In SQLite, which has no roles, it does nothing.
    ///
    /// # Errors
    /// `invalid_option` if the role's name has other characters than letters, digits and `_`; `store_refused` if the
    /// role does not exist.
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

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Fails if the schema is not at the version of this library.
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
