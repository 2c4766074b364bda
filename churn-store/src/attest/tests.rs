//! Mutation tests of the store's SQL statements. The tenant condition is removed from one statement at a time, and the
//! attestation must detect each removal. In SQLite, these conditions are the only safeguard.

use std::collections::BTreeSet;

use crate::engine::sabotage;
use crate::store::Store;

async fn attested() -> crate::Result<crate::Attestation> {
    let store = Store::open("sqlite::memory:").await?;
    store.migrate().await?;
    store.attest().await
}

#[tokio::test]
async fn every_statement_that_forgets_its_tenant_is_found() {
    let (clean, statements) = sabotage::recorded(attested()).await;
    let clean = clean.unwrap();
    assert!(clean.passed(), "{clean}");

    let mut mutants = BTreeSet::new();
    // The tenant condition of one query is not removed, because the attestation itself uses this query to read all rows
    // of a tenant.
    for statement in statements
        .into_iter()
        .filter(|statement| !statement.starts_with("SELECT quote("))
    {
        for (at, scope) in statement.match_indices("tenant_id = $1") {
            // The changed statement must still use the parameter `$1`, because otherwise the database would refuse the
            // argument.
            let (before, after) = (&statement[..at], &statement[at + scope.len()..]);
            // In `s.tenant_id = $1`, the prefix `s.` is removed too, because the changed statement would otherwise be
            // invalid SQL.
            let alias = before.ends_with('.') && before[..before.len() - 1].ends_with(char::is_alphabetic);
            let before = if alias { &before[..before.len() - 2] } else { before };
            mutants.insert((statement.clone(), format!("{before}$1 = $1{after}")));
        }
    }
    assert!(mutants.len() > 35, "{}", mutants.len());
    let mut survivors = vec![];
    for (statement, mutant) in mutants {
        let report = sabotage::with(&statement, &mutant, attested()).await;
        if report.is_ok_and(|report| report.passed()) {
            survivors.push(mutant);
        }
    }
    assert!(survivors.is_empty(), "{} mutants live: {survivors:#?}", survivors.len());
}

#[tokio::test]
async fn a_transaction_that_binds_another_tenant_is_found() {
    let report = sabotage::with_swapped_tenant(attested()).await;
    assert!(!report.is_ok_and(|report| report.passed()));
}

/// Compares the actual columns, indexes and constraints with the file `postgres_schema.txt`. To rewrite this file after
/// adding a migration, run
/// `CHURN_WRITE_SCHEMA=1 tests/postgres.sh cargo test -p churn-store --lib the_list`.
#[tokio::test]
async fn the_list_is_what_the_migrations_make() {
    use sqlx::{AssertSqlSafe, Connection, Executor};
    let Ok(server) = std::env::var("DATABASE_URL") else {
        eprintln!("SKIPPED: no DATABASE_URL; tests/postgres.sh sets one");
        return;
    };
    let name = format!("churn_schema_{}", std::process::id());
    let mut admin = sqlx::PgConnection::connect(&server).await.unwrap();
    let sql = |sql: String| AssertSqlSafe(sql);
    admin.execute(sql(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (place, _) = server.rsplit_once('/').unwrap();
    let store = Store::open(&format!("{place}/{name}")).await.unwrap();
    store.migrate().await.unwrap();
    let mut tx = store.pool.begin(crate::engine::Access::Read).await.unwrap();
    let lines = super::reach::schema(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    store.close().await;
    admin.execute(sql(format!("DROP DATABASE {name}"))).await.unwrap();
    if std::env::var_os("CHURN_WRITE_SCHEMA").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/attest/postgres_schema.txt");
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
        return;
    }
    let listed: Vec<&str> = include_str!("postgres_schema.txt").lines().collect();
    assert_eq!(lines, listed);
}
