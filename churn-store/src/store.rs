//! Operations on the whole database, such as opening, migrating and backing up. [`TenantStore`] gives access to the
//! data of one tenant.

use churn_core::Timestamp;

use crate::engine::{Access, Backend, ConnectionStatistics, Pool, StoreOptions, current, migrate, migrations};
use crate::error::{Error, ErrorKind, Result};
use crate::tenant::{ApiKey, TenantStore, check_tenant, parse_key};

/// A database with the data of many tenants. A clone uses the same connections as the original. To read or write data,
/// call [`Store::tenant`].
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: Pool,
}

impl Store {
    /// Opens `sqlite:///path/to/file.db`, `sqlite::memory:` or `postgres://user@host/database`. A SQLite file is
    /// created if it does not exist, and only its owner can read it. By default, a connection to a Postgres server on
    /// another host uses TLS. The URL parameter `sslmode` (`disable`, `prefer`, `require`, `verify-ca` or
    /// `verify-full`) replaces this default.
    ///
    /// # Errors
    /// `invalid_option` if the URL has none of these forms; `store_unavailable` if the database does not answer (the
    /// message names its address and the cause); `store_newer` if a newer version of this library migrated the
    /// database; `store_damaged` if the migrations that are recorded in the database are not those of this library.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(url, &StoreOptions::default()).await
    }

    /// Opens a store like [`open`](Self::open), with options for connections, timeouts and the size of a SQLite file.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open); also `invalid_option` if an option is out of range.
    pub async fn open_with(url: &str, options: &StoreOptions) -> Result<Self> {
        let pool = Pool::open(url, options).await?;
        current(&pool).await?;
        Ok(Self { pool })
    }

    /// Returns how many connections are idle, reading or writing at the moment.
    pub fn connections(&self) -> ConnectionStatistics {
        self.pool.statistics()
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// `store_unavailable` if the database does not answer (the message names its address and the cause); `store_busy`
    /// if no connection for reading becomes free in time.
    pub async fn ping(&self) -> Result<()> {
        let mut tx = self.pool.begin(Access::Read).await?;
        tx.rows("SELECT 1", &[]).await?;
        tx.rollback().await
    }

    /// Writes a snapshot of a SQLite database to a new file that only its owner can read. Until the snapshot is
    /// complete, calls that read continue, and calls that write wait. In Postgres, this method returns an error.
    ///
    /// While a store has a SQLite file open, do not copy the file in any other way. When another SQLite library in the
    /// same process, such as Python's `sqlite3`, closes the file, the operating system releases the store's locks on
    /// the file. For Postgres, use continuous archiving, or run `pg_dump` as a superuser or as a role with `BYPASSRLS`.
    /// Row-level security hides all rows from other roles, even from the owner of the tables.
    ///
    /// # Errors
    /// `invalid_option` in Postgres, or if the file exists already or cannot be created; `store_full`,
    /// `store_unavailable`.
    pub async fn backup(&self, path: impl AsRef<std::path::Path>) -> Result<()> {
        let path = path.as_ref();
        if self.backend() == Backend::Postgres {
            return Err(Error::option(
                "path",
                "a Postgres store is backed up with pg_dump or continuous archiving",
            ));
        }
        let Some(text) = path.to_str().filter(|text| !text.contains('\0')) else {
            return Err(Error::option(
                "path",
                "the path of a backup must be text without U+0000",
            ));
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let refused = |e: std::io::Error| Error::option("path", format!("cannot make '{text}': {e}")).caused_by(e);
        options.open(path).map_err(refused)?;
        let done = self
            .pool
            .outside(&format!("VACUUM INTO '{}'", text.replace('\'', "''")))
            .await;
        if done.is_err() {
            // If the snapshot fails, the incomplete file is deleted.
            let _ = std::fs::remove_file(path);
        }
        done
    }

    /// Creates or updates the store's tables. Does nothing if they are up to date. The applied migrations are recorded
    /// in the table `churn_migrations`, separately from migrations of the application.
    ///
    /// In Postgres, use two roles. One role owns the tables and runs this method. The application uses the other role
    /// for all other work. See [`Store::grant_to`].
    ///
    /// # Errors
    /// `store_newer`, `store_damaged`, `store_refused` if the role may not create tables, `store_unavailable`.
    pub async fn migrate(&self) -> Result<()> {
        self.migrate_to(migrations().len() as i64).await
    }

    /// Migrates like [`migrate`](Self::migrate), but stops at an earlier version. Tests use this method to test updates
    /// from old versions.
    #[doc(hidden)]
    pub async fn migrate_to(&self, version: i64) -> Result<()> {
        migrate(&self.pool, version).await
    }

    /// Returns the version of the store's tables in the database. It is 0 before the first [`migrate`](Self::migrate).
    ///
    /// # Errors
    /// `store_newer`, `store_damaged`, `store_unavailable`.
    pub async fn version(&self) -> Result<i64> {
        current(&self.pool).await
    }

    /// The kind of database: SQLite or Postgres.
    pub fn backend(&self) -> Backend {
        self.pool.backend()
    }

    /// Gives access to the data of one tenant. This method does not check the tenant's id. If the id is blank or too
    /// long, the first method that reads or writes data returns an error.
    pub fn tenant(&self, tenant: impl AsRef<str>) -> TenantStore {
        TenantStore::new(self.clone(), churn_core::private::tenant(tenant))
    }

    /// Authenticates an API key. `text` is the text that [`ApiKeyStore::issue`](crate::ApiKeyStore::issue) returned.
    /// Returns the store of the key's tenant, and the key. Returns `None` if the text is malformed, or if the key is
    /// unknown, wrong, revoked or expired at `at`. The result does not reveal which of these cases applies. Secrets are
    /// compared in constant time.
    ///
    /// # Errors
    /// `store_unavailable`, `store_busy`, `store_not_migrated`.
    ///
    /// ```
    /// # use churn_store::{NewApiKey, Role, Store};
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # let store = Store::open("sqlite::memory:").await?;
    /// # store.migrate().await?;
    /// # let now = "2026-01-01".parse()?;
    /// let key = NewApiKey::new("k1", "f2a9c1d47e0b4d5c8a6b3e1f90d27c54", Role::Analyst).with_scopes(["scores:read"]);
    /// let text = store.tenant("acme").api_keys().issue(&key, now).await?;
    /// assert_eq!(text, "churn_mfrw2zi_k1_f2a9c1d47e0b4d5c8a6b3e1f90d27c54");
    /// let (tenant, key) = store.authenticate(&text, now).await?.unwrap();
    /// assert!(tenant.tenant().as_str() == "acme" && key.allows("scores:read") && !key.allows("records:write"));
    /// assert!(store.authenticate("churn_mfrw2zi_k1_wrong", now).await?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn authenticate(&self, text: &str, at: Timestamp) -> Result<Option<(TenantStore, ApiKey)>> {
        let Some((tenant, key_id, secret)) = parse_key(text) else {
            return Ok(None);
        };
        let tenant = self.tenant(tenant);
        if check_tenant(tenant.tenant()).is_err() || key_id.contains('\0') {
            return Ok(None);
        }
        let key = tenant.api_keys().authenticate(key_id, secret, at).await?;
        Ok(key.map(|key| (tenant, key)))
    }

    /// In Postgres, grants a role the privileges that the application needs, and no others. The role can read and write
    /// rows of tenants, but it cannot change audit entries, truncate tables or change the schema. Call this method as
    /// the owner of the tables, after [`migrate`](Self::migrate). In SQLite, which has no roles, this method does
    /// nothing.
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

    /// Returns an error if the version of the database's schema is not the one that this library needs.
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
