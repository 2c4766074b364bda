//! The attestation of tenant isolation. It reads and writes data of one tenant, and checks that other tenants are not
//! affected. It also compares the objects in the database (such as tables and triggers) with the expected schema.

mod interference;
mod postgres;
mod probe;
mod reach;
mod sqlite;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::engine::{Access, Backend};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Store;

/// The result of one check of tenant isolation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// The name of the check, such as `"row security is forced"`.
    pub name: String,
    /// The table that was checked; `None` if the check does not concern a single table.
    pub table: Option<String>,
    /// Whether the check passed.
    pub passed: bool,
    /// What the check found; empty if the check passed.
    pub detail: String,
}

/// The report of an attestation, which lists all checks of tenant isolation. [`sign_off`](Self::sign_off) succeeds if
/// every check passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Attestation {
    /// The kind of database: `"sqlite"` or `"postgres"`.
    pub backend: String,
    /// The database role of the connection that was checked; empty in SQLite, which has no roles.
    pub role: String,
    /// The version of the store's tables in the database.
    pub schema: i64,
    /// The version of the library that created the report.
    pub library: String,
    /// The results of all checks.
    pub checks: Vec<Check>,
    /// Descriptions of what the attestation does not examine.
    pub not_examined: Vec<String>,
    /// The SHA-256 of all other fields. Equal reports have equal fingerprints.
    pub fingerprint: String,
}

impl Attestation {
    /// Returns whether every check passed.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }

    /// Returns the checks that did not pass.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.passed)
    }

    /// Returns an error unless every check passed.
    ///
    /// # Errors
    /// `not_isolated`. The message contains the first checks that failed.
    pub fn sign_off(&self) -> Result<()> {
        if self.passed() {
            return Ok(());
        }
        let first: Vec<String> = self.failures().take(3).map(ToString::to_string).collect();
        let message = format!("{} checks failed: {}", self.failures().count(), first.join("; "));
        Err(Error::new(ErrorKind::NotIsolated, message))
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.passed { "ok   " } else { "FAIL " })?;
        if let Some(table) = &self.table {
            write!(f, "{table}: ")?;
        }
        f.write_str(&self.name)?;
        match self.detail.is_empty() {
            true => Ok(()),
            false => write!(f, " ({})", self.detail),
        }
    }
}

impl fmt::Display for Attestation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Isolation of tenants: {}, schema {}, churn-store {}",
            self.backend, self.schema, self.library
        )?;
        if !self.role.is_empty() {
            writeln!(f, "serving role: {}", self.role)?;
        }
        for check in &self.checks {
            writeln!(f, "{check}")?;
        }
        for what in &self.not_examined {
            writeln!(f, "not examined: {what}")?;
        }
        match self.failures().count() {
            0 => writeln!(
                f,
                "signed off: {} checks passed, {}",
                self.checks.len(),
                self.fingerprint
            ),
            n => writeln!(f, "NOT signed off: {n} of {} checks failed", self.checks.len()),
        }
    }
}

/// Collects the results of checks.
#[derive(Default)]
pub(crate) struct Checks(Vec<Check>);

impl Checks {
    pub(crate) fn add(&mut self, name: &str, table: Option<&str>, passed: bool, detail: impl Into<String>) {
        self.0.push(Check {
            name: name.to_owned(),
            table: table.map(str::to_owned),
            passed,
            detail: if passed { String::new() } else { detail.into() },
        });
    }
}

/// The names of the application's tables that tenants' transactions use.
pub(crate) struct HostTables<'a>(&'a [String]);

impl<'a> HostTables<'a> {
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.iter().map(String::as_str)
    }
}

const NOT_EXAMINED_POSTGRES: [&str; 5] = [
    "superusers, the operating system, and who can read the server's files or memory",
    "roles other than the serving one",
    "other databases of the server",
    "backups, replicas and subscribers",
    "the host's own statements on its own tables",
];

const NOT_EXAMINED_SQLITE: [&str; 4] = [
    "everyone who can read or write the file",
    "other connections to the file, and other SQLite libraries in the same process",
    "backups and copies of the file",
    "the host's own statements on its own tables",
];

impl Store {
    /// Verifies tenant isolation in this database. In Postgres, open the store with the role of the application before
    /// calling this method. The method runs every statement of this library for synthetic tenants whose rows have the
    /// same ids. In Postgres, it also runs statements without a tenant condition, and checks that the role can reach
    /// only what an allow-list contains. All changes are rolled back.
    ///
    /// # Errors
    /// `store_not_migrated`, `store_unavailable`. If a check fails, this method returns no error, and the report lists
    /// the failed check.
    pub async fn attest(&self) -> Result<Attestation> {
        self.attest_with(&[]).await
    }

    /// Verifies tenant isolation like [`attest`](Self::attest), in a database that also contains tables of the
    /// application. `host_tables` are the names of these tables. In Postgres, each of these tables must be protected
    /// like the store's tables: row-level security must be enabled and forced with the policy of the store's tables,
    /// and the column `tenant_id` must be `NOT NULL`.
    ///
    /// # Errors
    /// See [`attest`](Self::attest).
    pub async fn attest_with(&self, host_tables: &[String]) -> Result<Attestation> {
        self.check_migrated().await?;
        let host = HostTables(host_tables);
        let mut checks = Checks::default();
        let mut role = String::new();
        let mut tx = self.pool.begin(Access::Read).await?;
        match self.backend() {
            Backend::Postgres => {
                role = postgres::look(&mut tx, &mut checks, &host).await?;
                reach::look(&mut tx, &mut checks, &host).await?;
            }
            Backend::Sqlite => sqlite::look(&mut tx, &mut checks, &host).await?,
        }
        tx.rollback().await?;
        let tenant = churn_core::TenantId::new(interference::A)?;
        let mut tx = self.pool.begin_tenant(&tenant, Access::Write).await?;
        let tried = interference::run(&mut tx, &mut checks).await;
        let tried = match tried {
            Ok(()) if tx.backend() == Backend::Postgres => probe::run(&mut tx, &mut checks).await,
            other => other,
        };
        tx.rollback().await?;
        if let Err(error) = tried {
            checks.add("the trial runs to its end", None, false, error.to_string());
        }
        let not_examined: &[&str] = match self.backend() {
            Backend::Postgres => &NOT_EXAMINED_POSTGRES,
            Backend::Sqlite => &NOT_EXAMINED_SQLITE,
        };
        let mut report = Attestation {
            backend: self.backend().as_str().to_owned(),
            role,
            schema: self.version().await?,
            library: env!("CARGO_PKG_VERSION").to_owned(),
            checks: checks.0,
            not_examined: not_examined.iter().map(|what| (*what).to_owned()).collect(),
            fingerprint: String::new(),
        };
        let digest = Sha256::digest(report.to_string().as_bytes());
        report.fingerprint = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(report)
    }
}
