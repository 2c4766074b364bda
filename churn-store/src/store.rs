//! The database as a whole: opened, migrated, backed up. Tenants' data are reached through [`TenantStore`] only.

use churn_core::{TenantId, Timestamp};

use crate::engine::{Access, Backend, ConnectionStatistics, Pool, StoreOptions, current, migrate, migrations};
use crate::error::{Error, ErrorKind, Result};
use crate::tenant::{ApiKey, TenantStore, check_tenant, parse_key};

/// A database of many tenants. Clones share its connections. Data are reached through [`Store::tenant`] alone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: Pool,
}

impl Store {
    /// Opens `sqlite:///path/to/file.db` (made if it is not there, readable for its owner only), `sqlite::memory:` or
    /// `postgres://user@host/database`. A Postgres server on another host is reached over TLS, unless the address says
    /// otherwise with `?sslmode=disable` (or `prefer`, `require`, `verify-ca`, `verify-full`).
    ///
    /// # Errors
    /// `invalid_option` for another address, or one of SQLite without a path; `store_unavailable` with the place and the cause
    /// if there is no answer; `store_newer` if a newer version of this library migrated it; `store_damaged` if its schema is
    /// not this library's.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(url, &StoreOptions::default()).await
    }

    /// As [`open`](Self::open), with other numbers of connections, timeouts or a quota.
    ///
    /// # Errors
    /// As [`open`](Self::open); `invalid_option` for an option out of range.
    pub async fn open_with(url: &str, options: &StoreOptions) -> Result<Self> {
        let pool = Pool::open(url, options).await?;
        current(&pool).await?;
        Ok(Self { pool })
    }

    /// How many connections are idle, read and write at this moment.
    pub fn connections(&self) -> ConnectionStatistics {
        self.pool.statistics()
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// `store_unavailable` with the place and the cause; `store_busy` if all readers are in use for too long.
    pub async fn ping(&self) -> Result<()> {
        let mut tx = self.pool.begin(Access::Read).await?;
        tx.rows("SELECT 1", &[]).await?;
        tx.rollback().await
    }

    /// SQLite: writes a copy of the whole database, as of one moment, to a new file that only its owner may read. Readers go
    /// on meanwhile; writers wait.
    ///
    /// Copy the file in no other way while a store has it open: another SQLite library in the same process (Python's
    /// `sqlite3`) releases this one's locks. For Postgres use `pg_dump` as a superuser or a role with `BYPASSRLS` (row
    /// security shows the owner of the tables no rows), or continuous archiving.
    ///
    /// # Errors
    /// `invalid_option` in Postgres, or if the file is there already or cannot be made; `store_full`, `store_unavailable`.
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
            // Half a copy is none.
            let _ = std::fs::remove_file(path);
        }
        done
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

    /// The tenant and key of an API key's text, as [`ApiKeyStore::issue`](crate::ApiKeyStore::issue) returned it; `None` if it is
    /// malformed, unknown, wrong, revoked or expired at `at`, without a difference between these. Secrets are compared in
    /// constant time.
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
