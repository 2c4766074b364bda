//! Runs statements in Postgres that have no tenant condition, or that name the wrong tenant. Only the safeguards of the
//! database itself (policies and privileges) can stop these statements.

use churn_core::TenantId;

use crate::attest::Checks;
use crate::attest::interference::{A, B, other};
use crate::engine::{Arg, TenantTx};
use crate::error::Result;
use crate::tenant::TABLES;

/// The SQLSTATE that Postgres returns if a policy or a missing privilege forbids a statement.
const FORBIDDEN: &str = "42501";

/// Runs a statement and rolls it back. Returns the number of affected rows, or the SQLSTATE of the error.
async fn attempt(tx: &mut TenantTx, sql: &str, args: &[Arg<'_>]) -> Result<std::result::Result<u64, String>> {
    tx.inner().script("SAVEPOINT churn_attempt").await?;
    let done = tx.inner().execute(sql, args).await;
    tx.inner().script("ROLLBACK TO SAVEPOINT churn_attempt").await?;
    Ok(done.map_err(|error| error.database_code().unwrap_or_else(|| error.to_string())))
}

async fn count(tx: &mut TenantTx, sql: &str, args: &[Arg<'_>]) -> Result<i64> {
    let rows = tx.inner().rows(sql, args).await?;
    rows.first().map_or(Ok(0), |row| row.int(0))
}

/// Returns whether the database refused the statement.
fn is_forbidden(done: &std::result::Result<u64, String>) -> bool {
    matches!(done, Err(code) if code == FORBIDDEN)
}

/// Returns whether the statement affected no row, or the database refused it.
fn touches_nothing(done: &std::result::Result<u64, String>) -> bool {
    matches!(done, Ok(0)) || is_forbidden(done)
}

/// Runs all statements of this module on all tables. The transaction must contain rows of the tenants `A` and `B`, and
/// `A` must be its current tenant.
pub(crate) async fn run(tx: &mut TenantTx, checks: &mut Checks) -> Result<()> {
    let (a, b) = (TenantId::new(A)?, TenantId::new(B)?);
    for table in TABLES {
        let mut check = |name: &str, passed: bool, detail: String| checks.add(name, Some(table), passed, detail);
        tx.become_other(&b).await?;
        // Reads a row of tenant `B` as JSON. The `INSERT` below inserts this row, but with the tenant id that is passed
        // as an argument.
        let row = tx
            .inner()
            .rows(&format!("SELECT to_jsonb(r)::text FROM {table} AS r LIMIT 1"), &[])
            .await?;
        let Some(row) = row.first().map(|row| row.text(0).map(str::to_owned)).transpose()? else {
            check(
                "the trial has rows in it",
                false,
                "the test tenant has no row in this table".to_owned(),
            );
            continue;
        };
        tx.become_other(&a).await?;
        let found = count(
            tx,
            &format!("SELECT COUNT(*) FROM {table} WHERE tenant_id <> $1"),
            &[Arg::text(A)],
        )
        .await?;
        check(
            "SELECT without a tenant shows own rows only",
            found == 0,
            format!("{found} rows of other tenants"),
        );
        let found = count(
            tx,
            &format!("SELECT COUNT(*) FROM {table} WHERE tenant_id = $1"),
            &[other()],
        )
        .await?;
        check(
            "SELECT of another tenant shows nothing",
            found == 0,
            format!("{found} rows"),
        );
        let done = attempt(
            tx,
            &format!("UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id <> $1"),
            &[Arg::text(A)],
        )
        .await?;
        check(
            "UPDATE of another tenant touches nothing",
            touches_nothing(&done),
            format!("{done:?}"),
        );
        let done = attempt(
            tx,
            &format!("DELETE FROM {table} WHERE tenant_id <> $1"),
            &[Arg::text(A)],
        )
        .await?;
        check(
            "DELETE of another tenant touches nothing",
            touches_nothing(&done),
            format!("{done:?}"),
        );
        let insert = format!(
            "INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, $1::jsonb || jsonb_build_object('tenant_id', $2))).*"
        );
        let done = attempt(tx, &insert, &[Arg::text(row.as_str()), other()]).await?;
        check(
            "INSERT for another tenant is refused",
            is_forbidden(&done),
            format!("{done:?}"),
        );
        let done = attempt_after_own(tx, table, &insert, &row).await?;
        check(
            "UPDATE that gives a row away is refused",
            is_forbidden(&done),
            format!("{done:?}"),
        );

        // From here on, no tenant is set. The variable `churn.tenant_id` is empty, as in a transaction that never set a
        // tenant.
        tx.inner().become_tenant("").await?;
        let found = count(tx, &format!("SELECT COUNT(*) FROM {table}"), &[]).await?;
        check(
            "SELECT without the tenant variable shows nothing",
            found == 0,
            format!("{found} rows"),
        );
        let done = attempt(tx, &format!("UPDATE {table} SET tenant_id = tenant_id"), &[]).await?;
        check(
            "UPDATE without the tenant variable touches nothing",
            touches_nothing(&done),
            format!("{done:?}"),
        );
        let done = attempt(tx, &format!("DELETE FROM {table}"), &[]).await?;
        check(
            "DELETE without the tenant variable touches nothing",
            touches_nothing(&done),
            format!("{done:?}"),
        );
        for tenant in [B, ""] {
            let done = attempt(tx, &insert, &[Arg::text(row.as_str()), Arg::text(tenant)]).await?;
            check(
                "INSERT without the tenant variable is refused",
                is_forbidden(&done),
                format!("{done:?}"),
            );
        }
        tx.become_other(&a).await?;
    }
    Ok(())
}

/// Inserts a row for the current tenant `A`, and then tries to move the row to tenant `B`.
async fn attempt_after_own(
    tx: &mut TenantTx,
    table: &str,
    insert: &str,
    row: &str,
) -> Result<std::result::Result<u64, String>> {
    tx.inner().script("SAVEPOINT churn_own").await?;
    // The `INSERT` may fail. If the new row conflicts with an existing row of the current tenant, the existing row is
    // moved instead. If the new row refers to a missing row and the table is empty, no row can be moved.
    let put = attempt_keep(tx, insert, &[Arg::text(row), Arg::text(A)]).await?;
    let there = count(tx, &format!("SELECT COUNT(*) FROM {table}"), &[]).await?;
    let done = match there {
        0 => Err(format!("no row to give away: {put:?}")),
        _ => attempt(tx, &format!("UPDATE {table} SET tenant_id = $1"), &[other()]).await?,
    };
    tx.inner().script("ROLLBACK TO SAVEPOINT churn_own").await?;
    Ok(done)
}

/// Runs a statement. If the statement succeeds, its changes are kept.
async fn attempt_keep(tx: &mut TenantTx, sql: &str, args: &[Arg<'_>]) -> Result<std::result::Result<u64, String>> {
    tx.inner().script("SAVEPOINT churn_keep").await?;
    match tx.inner().execute(sql, args).await {
        Ok(rows) => Ok(Ok(rows)),
        Err(error) => {
            tx.inner().script("ROLLBACK TO SAVEPOINT churn_keep").await?;
            Ok(Err(error.to_string()))
        }
    }
}
