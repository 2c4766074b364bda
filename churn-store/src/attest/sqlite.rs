//! Compares all objects in a SQLite database (such as tables and triggers) with the objects that the migrations create.

use std::collections::BTreeSet;

use crate::attest::{Checks, HostTables};
use crate::engine::{Access, Pool, StoreOptions, Tx, migrate, migrations};
use crate::error::Result;

/// Returns the kind, table, name and SQL text of every object in a database.
async fn objects(tx: &mut Tx) -> Result<BTreeSet<(String, String, String, String)>> {
    const OBJECTS: &str = "
        SELECT type, tbl_name, name, COALESCE(sql, '')
        FROM sqlite_master
        WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\'";
    let rows = tx.rows(OBJECTS, &[]).await?;
    let text = |row: &crate::engine::Row, column| Ok::<_, crate::Error>(row.text(column)?.to_owned());
    rows.iter()
        .map(|row| Ok((text(row, 0)?, text(row, 1)?, text(row, 2)?, text(row, 3)?)))
        .collect()
}

/// Runs all checks of this module.
pub(crate) async fn look(tx: &mut Tx, checks: &mut Checks, host: &HostTables<'_>) -> Result<()> {
    let fresh = Pool::open("sqlite::memory:", &StoreOptions::default()).await?;
    migrate(&fresh, migrations().len() as i64).await?;
    let mut made = fresh.begin(Access::Read).await?;
    let wanted = objects(&mut made).await?;
    made.rollback().await?;
    fresh.close().await;

    let found = objects(tx).await?;
    // A table of the application may have indexes, but no triggers.
    let of_host = |(kind, table, ..): &(String, String, String, String)| {
        matches!(kind.as_str(), "table" | "index") && host.names().any(|name| name == table)
    };
    let extra = found.difference(&wanted).filter(|object| !of_host(object));
    let extra = extra.map(|(kind, table, name, _)| format!("{kind} '{name}' on '{table}' is not the schema's"));
    let missing = wanted.difference(&found);
    let missing =
        missing.map(|(kind, table, name, _)| format!("{kind} '{name}' on '{table}' is not as the schema has it"));
    let wrong: Vec<String> = extra.chain(missing).collect();
    checks.add(
        "tables, indexes, views and triggers are exactly those of the migrations and the host's named ones",
        None,
        wrong.is_empty(),
        wrong.join("; "),
    );

    let attached = tx
        .rows(
            "SELECT name FROM pragma_database_list WHERE name NOT IN ('main', 'temp')",
            &[],
        )
        .await?;
    checks.add("no other file is attached", None, attached.is_empty(), "there is one");
    let temporary = tx.rows("SELECT name FROM sqlite_temp_master", &[]).await?;
    checks.add(
        "no temporary table, view or trigger hides another",
        None,
        temporary.is_empty(),
        "there is one",
    );
    let keys = tx.rows("SELECT foreign_keys FROM pragma_foreign_keys", &[]).await?;
    let on = keys.first().map_or(Ok(0), |row| row.int(0))? == 1;
    checks.add("foreign keys are enforced", None, on, "they are not");
    for name in host.names() {
        let sql = "SELECT 1 FROM pragma_table_info(?1) WHERE name = 'tenant_id' AND \"notnull\" = 1";
        let rows = tx.rows(sql, &[name.into()]).await?;
        checks.add(
            "the host's table has a tenant in every row",
            Some(name),
            !rows.is_empty(),
            "it has no column tenant_id that is NOT NULL",
        );
    }
    Ok(())
}
