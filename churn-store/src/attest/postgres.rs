//! Checks the safeguards of tenant isolation in Postgres: the policies, owners, privileges and keys of tables, and the
//! role of the connection.

use crate::attest::{Checks, HostTables};
use crate::engine::{Arg, Row, Tx};
use crate::error::Result;
use crate::tenant::TABLES;

/// The condition of every policy, as Postgres prints it, but with all spaces and parentheses removed.
const POLICY: &str = r#"tenant_id=SELECTNULLIFcurrent_setting'churn.tenant_id'::text,true,''::textAS"nullif""#;

fn plain(expression: &str) -> String {
    expression
        .chars()
        .filter(|c| !c.is_whitespace() && !"()".contains(*c))
        .collect()
}

/// Runs a query that finds violations, and returns them. If isolation holds, the result is empty.
async fn wrong(tx: &mut Tx, sql: &str, table: Option<&str>) -> Result<Vec<String>> {
    let args: Vec<Arg<'_>> = table.map(Arg::text).into_iter().collect();
    let rows = tx.rows(sql, &args).await?;
    rows.iter()
        .map(|row| Ok(row.text_or_null(0)?.unwrap_or("?").to_owned()))
        .collect()
}

/// The checks of each table. Each check has a name, and a query that finds violations. The query's argument `$1` is the
/// name of the table.
const OF_TABLES: &[(&str, &str)] = &[
    (
        "row security is enabled",
        "SELECT 'it is not' FROM pg_class WHERE oid = $1::regclass AND NOT relrowsecurity",
    ),
    (
        "row security is forced",
        "SELECT 'its owner sees everything' FROM pg_class WHERE oid = $1::regclass AND NOT relforcerowsecurity",
    ),
    (
        "it is an ordinary table without rules, triggers, parents and children",
        "SELECT relkind::text FROM pg_class WHERE oid = $1::regclass AND relkind <> 'r' \
         UNION ALL SELECT rulename::text FROM pg_rewrite WHERE ev_class = $1::regclass \
         UNION ALL SELECT tgname::text FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal \
         UNION ALL SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::regclass OR inhrelid = $1::regclass",
    ),
    (
        "the serving role does not own it, and cannot become its owner",
        "SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE oid = $1::regclass AND pg_has_role(current_user, relowner, 'MEMBER')",
    ),
    (
        "its owner is held by row security too",
        "SELECT r.rolname::text FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner WHERE c.oid = $1::regclass AND (r.rolsuper OR r.rolbypassrls)",
    ),
    (
        "the serving role has rows only: no TRUNCATE, REFERENCES, TRIGGER",
        "SELECT verb FROM unnest(ARRAY['TRUNCATE', 'REFERENCES', 'TRIGGER']) AS verb WHERE has_table_privilege(current_user, $1::regclass, verb)",
    ),
    (
        "nothing is granted to everybody",
        "SELECT acl.privilege_type FROM pg_class, aclexplode(relacl) AS acl WHERE oid = $1::regclass AND acl.grantee = 0",
    ),
    (
        "every key begins with the tenant",
        "SELECT i.indexrelid::regclass::text FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
         WHERE i.indrelid = $1::regclass AND i.indisunique AND a.attname <> 'tenant_id' \
         UNION ALL SELECT 'no primary key' WHERE NOT EXISTS (SELECT 1 FROM pg_index WHERE indrelid = $1::regclass AND indisprimary)",
    ),
    (
        "every foreign key begins with the tenant",
        "SELECT c.conname::text FROM pg_constraint AS c JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] \
         JOIN pg_attribute AS f ON f.attrelid = c.confrelid AND f.attnum = c.confkey[1] \
         WHERE c.contype = 'f' AND (c.conrelid = $1::regclass OR c.confrelid = $1::regclass) AND (a.attname <> 'tenant_id' OR f.attname <> 'tenant_id')",
    ),
    (
        "every row has a tenant",
        "SELECT 'tenant_id may be null' FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'tenant_id' AND NOT attnotnull",
    ),
    (
        "no view shows it with its owner's eyes, and none keeps a copy",
        "SELECT DISTINCT v.oid::regclass::text FROM pg_depend AS d JOIN pg_rewrite AS w ON w.oid = d.objid AND d.classid = 'pg_rewrite'::regclass \
         JOIN pg_class AS v ON v.oid = w.ev_class JOIN pg_roles AS o ON o.oid = v.relowner \
         WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::regclass AND v.oid <> $1::regclass \
         AND (v.relkind = 'm' OR ((o.rolsuper OR o.rolbypassrls) AND NOT COALESCE(v.reloptions::text LIKE '%security_invoker=true%' OR v.reloptions::text LIKE '%security_invoker=on%', false)))",
    ),
];

/// The checks of the role and the database. Each check has a name, and a query that finds violations.
const OF_ROLE: &[(&str, &str)] = &[
    (
        "the serving role is no superuser and does not bypass row security",
        "SELECT rolname::text FROM pg_roles WHERE rolname IN (current_user, session_user) AND (rolsuper OR rolbypassrls)",
    ),
    (
        "the serving role cannot make or change roles",
        "SELECT rolname::text FROM pg_roles WHERE rolname IN (current_user, session_user) AND rolcreaterole",
    ),
    (
        "the serving role cannot become one that bypasses row security",
        "SELECT rolname::text FROM pg_roles WHERE (rolsuper OR rolbypassrls OR rolcreaterole) AND pg_has_role(session_user, oid, 'MEMBER')",
    ),
    (
        "the serving role is the one that logged in",
        "SELECT session_user::text WHERE session_user <> current_user",
    ),
    (
        "row security is on for the session",
        "SELECT current_setting('row_security') WHERE current_setting('row_security') <> 'on'",
    ),
    (
        "no tenant is named before a transaction names one",
        "SELECT current_setting('churn.tenant_id', true) WHERE COALESCE(current_setting('churn.tenant_id', true), '') <> ''",
    ),
    (
        "no role and no database brings a tenant along",
        "SELECT setting FROM pg_db_role_setting, unnest(setconfig) AS setting WHERE setting LIKE 'churn.tenant_id=%' OR setting LIKE 'row_security=%' OR setting LIKE 'role=%'",
    ),
    (
        "new tables are not granted to the serving role or everybody by default",
        "SELECT pg_get_userbyid(d.defaclrole)::text FROM pg_default_acl AS d, aclexplode(d.defaclacl) AS acl \
         WHERE d.defaclobjtype = 'r' AND (acl.grantee = 0 OR (acl.grantee <> d.defaclrole AND pg_has_role(current_user, acl.grantee, 'MEMBER')))",
    ),
    (
        "what was written in the audit cannot be changed by the serving role",
        "SELECT verb FROM unnest(ARRAY['UPDATE', 'DELETE']) AS verb WHERE has_table_privilege(current_user, 'churn_audit', verb)",
    ),
    (
        "the serving role cannot write the list of migrations",
        "SELECT verb FROM unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS verb WHERE has_table_privilege(current_user, 'churn_migrations', verb)",
    ),
];

/// Runs all checks of this module. Returns the name of the role that the connection uses.
pub(crate) async fn look(tx: &mut Tx, checks: &mut Checks, host: &HostTables<'_>) -> Result<String> {
    let role = tx.rows("SELECT current_user::text", &[]).await?;
    let role = role.first().map_or(Ok(""), |row| row.text(0))?.to_owned();
    for (name, sql) in OF_ROLE {
        let found = wrong(tx, sql, None).await?;
        checks.add(name, None, found.is_empty(), found.join(", "));
    }
    for table in TABLES.into_iter().chain(host.names()) {
        // The name of a table of the application may need quotes. If the table does not exist, the policy check fails.
        let there = tx
            .rows(
                "SELECT 1 WHERE to_regclass(quote_ident($1)) IS NOT NULL",
                &[Arg::text(table)],
            )
            .await?;
        if there.is_empty() {
            checks.add("the table is there", Some(table), false, "it is not");
            continue;
        }
        for (name, sql) in OF_TABLES {
            let sql = sql.replace("$1::regclass", "to_regclass(quote_ident($1))");
            let found = wrong(tx, &sql, Some(table)).await?;
            checks.add(name, Some(table), found.is_empty(), found.join(", "));
        }
        policies(tx, table, checks).await?;
    }
    Ok(role)
}

/// Checks that the table has exactly one policy, which applies to all roles and statements and has the expected
/// condition.
async fn policies(tx: &mut Tx, table: &str, checks: &mut Checks) -> Result<()> {
    const POLICIES: &str = "SELECT polname::text, polcmd::text, polpermissive::text, polroles::text, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) FROM pg_policy WHERE polrelid = $1::regclass";
    let sql = POLICIES.replace("$1::regclass", "to_regclass(quote_ident($1))");
    let policies = tx.rows(&sql, &[Arg::text(table)]).await?;
    let fault = |row: &Row| -> Result<Option<String>> {
        let text = |column| Ok::<_, crate::Error>(row.text_or_null(column)?.unwrap_or_default().to_owned());
        let faults = [
            (text(1)? != "*", "it is not for every verb"),
            (text(2)? != "true", "it is restrictive"),
            (text(3)? != "{0}", "it is not for everybody"),
            (plain(&text(4)?) != POLICY, "it shows other rows"),
            (plain(&text(5)?) != POLICY, "it lets other rows in"),
        ];
        let found: Vec<&str> = faults
            .iter()
            .filter(|(wrong, _)| *wrong)
            .map(|(_, what)| *what)
            .collect();
        Ok((!found.is_empty()).then(|| format!("policy '{}': {}", row.text(0).unwrap_or("?"), found.join(", "))))
    };
    let mut faults = vec![];
    for policy in &policies {
        faults.extend(fault(policy)?);
    }
    if policies.len() != 1 {
        faults.push(format!("there are {} policies", policies.len()));
    }
    checks.add(
        "one policy shows a tenant its own rows",
        Some(table),
        faults.is_empty(),
        faults.join("; "),
    );
    Ok(())
}
