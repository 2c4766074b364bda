//! Mutation tests of the statements: the tenant condition is removed from one statement at a time, and the attestation
//! must detect it. In SQLite, these conditions are the only safeguard.

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
    // One query is skipped: the attestation itself uses it to read all rows of a tenant.
    for statement in statements
        .into_iter()
        .filter(|statement| !statement.starts_with("SELECT quote("))
    {
        for (at, scope) in statement.match_indices("tenant_id = $1") {
            // The mutant still uses the parameter, because the statement could not run otherwise.
            let (before, after) = (&statement[..at], &statement[at + scope.len()..]);
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
