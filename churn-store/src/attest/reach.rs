//! Checks that the role of the application can reach only the objects in Postgres that an allow-list contains. In each
//! query, `$1` is a JSON array of the allowed tables.

use crate::attest::{Checks, HostTables};
use crate::engine::{Arg, Tx, to_json};
use crate::error::Result;
use crate::tenant::TABLES;

/// The columns, indexes and constraints of the store's tables, as Postgres prints them.
const SCHEMA: &str = include_str!("postgres_schema.txt");

const ALLOWED: &str = "SELECT to_regclass(quote_ident(name))::oid FROM jsonb_array_elements_text($1::jsonb) AS name";

/// The checks of what the role can reach. Each check has a description of what is allowed, and a query that finds
/// everything else.
const REACH: &[(&str, &str)] = &[
    (
        "the serving role reaches no table, view or sequence beside the store's and the host's named ones",
        "SELECT c.oid::regclass::text
         FROM pg_class AS c
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
           AND n.nspname NOT LIKE 'pg\\_temp%' AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
           AND c.oid NOT IN (SELECT oid FROM allowed WHERE oid IS NOT NULL)
           AND CASE c.relkind
             WHEN 'S' THEN has_sequence_privilege(c.oid, 'USAGE, SELECT, UPDATE')
             ELSE has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
               OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
           END",
    ),
    (
        "the serving role can call no function beside Postgres' own and those of extensions, and none of these with others' rights",
        "SELECT p.oid::regprocedure::text
         FROM pg_proc AS p
         JOIN pg_namespace AS n ON n.oid = p.pronamespace
         WHERE p.oid >= 16384 AND has_function_privilege(p.oid, 'EXECUTE')
           AND (p.prosecdef OR NOT EXISTS (
             SELECT 1 FROM pg_depend AS d
             WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
           ))",
    ),
    (
        "the privileges on Postgres' own tables are those it came with",
        "SELECT c.oid::regclass::text
         FROM pg_class AS c
         WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.oid < 16384
           AND c.relkind IN ('r', 'v') AND c.relacl::text IS DISTINCT FROM (
             SELECT i.initprivs::text FROM pg_init_privs AS i
             WHERE i.objoid = c.oid AND i.classoid = 'pg_class'::regclass AND i.objsubid = 0
           )
         UNION ALL
         SELECT a.attrelid::regclass::text || '.' || a.attname
         FROM pg_attribute AS a
         WHERE a.attrelid < 16384 AND a.attacl IS NOT NULL AND a.attacl::text IS DISTINCT FROM (
           SELECT i.initprivs::text FROM pg_init_privs AS i
           WHERE i.objoid = a.attrelid AND i.classoid = 'pg_class'::regclass AND i.objsubid = a.attnum
         )",
    ),
    (
        "the privileges on Postgres' own functions are those it came with",
        "SELECT p.oid::regprocedure::text
         FROM pg_proc AS p
         WHERE p.oid < 16384 AND p.proacl::text IS DISTINCT FROM (
           SELECT i.initprivs::text FROM pg_init_privs AS i
           WHERE i.objoid = p.oid AND i.classoid = 'pg_proc'::regclass AND i.objsubid = 0
         )",
    ),
    (
        "the serving role is a member of no role",
        "SELECT m.roleid::regrole::text
         FROM pg_auth_members AS m
         WHERE m.member IN (SELECT oid FROM pg_roles WHERE rolname IN (current_user, session_user))",
    ),
    (
        "the serving role has no attribute but LOGIN",
        "SELECT concat_ws(' ',
           CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
           CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
           CASE WHEN rolreplication THEN 'REPLICATION' END)
         FROM pg_roles
         WHERE rolname IN (current_user, session_user)
           AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)",
    ),
    (
        "the serving role owns nothing, no policy names it, and nothing is granted to it beside the allowed tables",
        "SELECT d.deptype::text || ': ' || pg_describe_object(d.classid, d.objid, d.objsubid)
         FROM pg_shdepend AS d
         WHERE d.refclassid = 'pg_authid'::regclass
           AND d.refobjid IN (SELECT oid FROM pg_roles WHERE rolname IN (current_user, session_user))
           AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
           AND NOT (d.deptype = 'a' AND d.objsubid = 0 AND (
             d.classid IN ('pg_database'::regclass, 'pg_namespace'::regclass)
             OR (d.classid = 'pg_class'::regclass AND d.objid IN (SELECT oid FROM allowed WHERE oid IS NOT NULL))
           ))",
    ),
    (
        "the serving role cannot make anything in a schema or in the database",
        "SELECT 'schema ' || nspname
         FROM pg_namespace
         WHERE nspname NOT LIKE 'pg\\_temp%' AND nspname NOT LIKE 'pg\\_toast\\_temp%' AND has_schema_privilege(oid, 'CREATE')
         UNION ALL
         SELECT 'database ' || current_database() WHERE has_database_privilege(current_database(), 'CREATE')",
    ),
    (
        "the serving role can use no foreign server, no untrusted language and no large object of others",
        "SELECT 'server ' || srvname FROM pg_foreign_server WHERE has_server_privilege(oid, 'USAGE')
         UNION ALL
         SELECT 'foreign-data wrapper ' || fdwname
         FROM pg_foreign_data_wrapper
         WHERE has_foreign_data_wrapper_privilege(oid, 'USAGE')
         UNION ALL
         SELECT 'language ' || lanname
         FROM pg_language
         WHERE oid >= 16384 AND NOT lanpltrusted AND has_language_privilege(oid, 'USAGE')
         UNION ALL
         SELECT 'large object ' || m.oid
         FROM pg_largeobject_metadata AS m, aclexplode(m.lomacl) AS acl
         WHERE acl.grantee = 0
         UNION ALL
         SELECT 'user mapping for ' || srvname FROM pg_user_mappings WHERE usename IN ('public', current_user)",
    ),
    (
        "no setting of the role or the database changes what statements mean",
        "SELECT setting
         FROM pg_db_role_setting AS s, unnest(s.setconfig) AS setting
         WHERE s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
           AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
           AND lower(split_part(setting, '=', 1)) NOT IN (
             'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout',
             'transaction_timeout', 'work_mem', 'maintenance_work_mem', 'temp_buffers', 'timezone', 'datestyle',
             'intervalstyle', 'client_encoding', 'application_name', 'log_statement', 'log_min_duration_statement', 'jit',
             'random_page_cost', 'seq_page_cost', 'effective_cache_size', 'effective_io_concurrency',
             'max_parallel_workers_per_gather', 'synchronous_commit'
           )",
    ),
    (
        "no event trigger looks on",
        "SELECT evtname::text FROM pg_event_trigger WHERE evtenabled <> 'D'",
    ),
    (
        "no operator, cast or collation of others changes how texts compare",
        "SELECT 'operator ' || o.oid::regoperator::text
         FROM pg_operator AS o
         WHERE o.oid >= 16384 AND o.oprname IN ('=', '<>', '<', '>', '<=', '>=', '@>')
           AND 'text'::regtype IN (o.oprleft, o.oprright)
         UNION ALL
         SELECT 'cast from text to ' || format_type(c.casttarget, NULL)
         FROM pg_cast AS c
         WHERE c.oid >= 16384 AND c.castsource = 'text'::regtype
         UNION ALL
         SELECT 'collation ' || collname FROM pg_collation WHERE oid >= 16384 AND collname = 'C'",
    ),
];

/// The query for the columns, indexes and constraints of the store's tables. Each row of the result is one line of
/// text.
const LINES: &str = "
    SELECT line FROM (
      SELECT c.relname || ' column ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
        || COALESCE(' collate ' || (SELECT l.collname FROM pg_collation AS l WHERE l.oid = a.attcollation), '')
        || COALESCE(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
        || CASE WHEN a.attgenerated <> '' OR a.attidentity <> '' THEN ' generated' ELSE '' END AS line
      FROM pg_class AS c
      JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
      WHERE c.oid IN (SELECT oid FROM allowed)
      UNION ALL
      SELECT c.relname || ' index ' || replace(pg_get_indexdef(i.indexrelid), quote_ident(n.nspname) || '.', '')
        || CASE WHEN i.indisvalid AND i.indisready THEN '' ELSE ' invalid' END
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_index AS i ON i.indrelid = c.oid
      WHERE c.oid IN (SELECT oid FROM allowed)
      UNION ALL
      SELECT c.relname || ' constraint ' || k.conname || ' ' || replace(pg_get_constraintdef(k.oid), quote_ident(n.nspname) || '.', '')
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_constraint AS k ON k.conrelid = c.oid AND k.contype <> 'n'
      WHERE c.oid IN (SELECT oid FROM allowed)
    ) AS all_lines
    ORDER BY line COLLATE \"C\"";

/// Returns the privileges that the role of the application needs on a table of the store.
fn verbs(table: &str) -> &'static [&'static str] {
    match table {
        "churn_migrations" => &["SELECT"],
        "churn_audit" => &["SELECT", "INSERT"],
        _ => &["SELECT", "INSERT", "UPDATE", "DELETE"],
    }
}

async fn texts(tx: &mut Tx, sql: &str, args: &[Arg<'_>]) -> Result<Vec<String>> {
    let rows = tx.rows(sql, args).await?;
    rows.iter()
        .map(|row| Ok(row.text_or_null(0)?.unwrap_or("?").to_owned()))
        .collect()
}

fn with_allowed(sql: &str) -> String {
    format!("WITH allowed (oid) AS ({ALLOWED}) {sql}")
}

/// Runs all checks of this module.
pub(crate) async fn look(tx: &mut Tx, checks: &mut Checks, host: &HostTables<'_>) -> Result<()> {
    let store: Vec<&str> = TABLES.into_iter().chain(["churn_migrations"]).collect();
    let all: Vec<&str> = store.iter().copied().chain(host.names()).collect();
    let allowed = to_json(&all)?;
    for (name, sql) in REACH {
        let sql = match sql.contains("allowed") {
            true => with_allowed(sql),
            // All queries get the list of allowed tables as an argument. A query that does not use the list is
            // extended, because otherwise Postgres would refuse the argument.
            false => with_allowed(&format!("SELECT found.* FROM ({sql}) AS found")),
        };
        let found = texts(tx, &sql, &[Arg::text(allowed.as_str())]).await?;
        checks.add(name, None, found.is_empty(), found.join(", "));
    }
    let own = to_json(&store)?;
    let lines = texts(tx, &with_allowed(LINES), &[Arg::text(own)]).await?;
    let wanted: Vec<&str> = SCHEMA.lines().collect();
    let extra = lines.iter().map(String::as_str).filter(|line| !wanted.contains(line));
    let extra: Vec<String> = extra.map(|line| format!("there is {line}")).collect();
    let missing = wanted.iter().filter(|line| !lines.iter().any(|own| own == *line));
    let missing: Vec<String> = missing.map(|line| format!("there is no {line}")).collect();
    let found = [extra, missing].concat();
    checks.add(
        "columns, indexes and constraints are exactly those of the schema",
        None,
        found.is_empty(),
        found.join("; "),
    );
    for table in &store {
        let found = texts(
            tx,
            "SELECT verb FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS verb
             WHERE has_table_privilege(current_user, $1::regclass, verb)",
            &[Arg::text(*table)],
        )
        .await?;
        let more: Vec<&str> = found
            .iter()
            .map(String::as_str)
            .filter(|verb| !verbs(table).contains(verb))
            .collect();
        checks.add(
            "the serving role has exactly the rights it needs",
            Some(table),
            more.is_empty(),
            more.join(", "),
        );
    }
    for table in &all {
        let found = texts(
            tx,
            "SELECT 'column ' || attname FROM pg_attribute WHERE attrelid = to_regclass(quote_ident($1)) AND attacl IS NOT NULL
             UNION ALL
             SELECT acl.privilege_type || ' with grant option'
             FROM pg_class, aclexplode(relacl) AS acl
             WHERE oid = to_regclass(quote_ident($1)) AND acl.is_grantable AND acl.grantee <> relowner",
            &[Arg::text(*table)],
        )
        .await?;
        checks.add(
            "no column is granted, and nothing with the right to grant it on",
            Some(table),
            found.is_empty(),
            found.join(", "),
        );
    }
    Ok(())
}

/// Returns the actual schema, from which the file with the expected schema is written.
#[cfg(test)]
pub(crate) async fn schema(tx: &mut Tx) -> Result<Vec<String>> {
    let store: Vec<&str> = TABLES.into_iter().chain(["churn_migrations"]).collect();
    texts(tx, &with_allowed(LINES), &[Arg::text(to_json(&store)?)]).await
}
