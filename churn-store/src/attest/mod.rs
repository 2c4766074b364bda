//! Verifies tenant isolation: runs reads and writes for several tenants, and checks the safeguards of the database.

mod interference;
mod postgres;
mod probe;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::engine::{Access, Backend};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Store;

/// A single check of an attestation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// What was checked, such as `"row security is forced"`.
    pub name: String,
    /// The table that was checked; `None` for the database or the role.
    pub table: Option<String>,
    /// Whether the check passed.
    pub passed: bool,
    /// What was found, if the check failed.
    pub detail: String,
}

/// The report of an attestation. [`sign_off`](Self::sign_off) succeeds if every check passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Attestation {
    /// `"sqlite"` or `"postgres"`.
    pub backend: String,
    /// The database role of the connection that was checked; empty in SQLite, which has no roles.
    pub role: String,
    /// The version of the schema.
    pub schema: i64,
    /// The version of this library.
    pub library: String,
    /// All checks.
    pub checks: Vec<Check>,
    /// SHA-256 of all other fields, so equal reports have equal fingerprints.
    pub fingerprint: String,
}

impl Attestation {
    /// Whether every check passed.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }

    /// The checks that did not pass.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.passed)
    }

    /// Returns an error unless every check passed.
    ///
    /// # Errors
    /// `not_isolated`, with the first failures.
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

/// Collects checks.
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

impl Store {
    /// Verifies tenant isolation by running every read and write on every table for synthetic tenants. It uses the
    /// statements of this library and, in Postgres, also statements without a tenant condition, and checks policies,
    /// owners, roles and privileges. Everything runs in one transaction that is rolled back, so nothing is left behind.
    /// Before the call, open the store with the database role that the application uses.
    ///
    /// # Errors
    /// `store_not_migrated`, `store_unavailable`. A failed check is not an error; it is listed in the report.
    pub async fn attest(&self) -> Result<Attestation> {
        self.check_migrated().await?;
        let mut checks = Checks::default();
        let mut role = String::new();
        if self.backend() == Backend::Postgres {
            let mut tx = self.pool.begin(Access::Read).await?;
            role = postgres::look(&mut tx, &mut checks).await?;
            tx.rollback().await?;
        }
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
        let mut report = Attestation {
            backend: self.backend().as_str().to_owned(),
            role,
            schema: self.version().await?,
            library: env!("CARGO_PKG_VERSION").to_owned(),
            checks: checks.0,
            fingerprint: String::new(),
        };
        let digest = Sha256::digest(report.to_string().as_bytes());
        report.fingerprint = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(report)
    }
}
