//! Tests of the attestation in real databases. It must pass, and it must fail whenever one of the safeguards is broken.

use churn_store::{Backend, Store};

use crate::conformance::{store, tables};
use crate::everywhere;
use crate::world::{World, admin, run};

everywhere!(a_clean_database_is_signed_off, world => {
    let acme = world.store.tenant("acme");
    store(&acme, &tables(5)).await;
    let report = world.store.attest().await.unwrap();
    assert!(report.passed(), "{report}");
    report.sign_off().unwrap();
    let least = if world.store.backend() == Backend::Postgres { 300 } else { 50 };
    assert!(report.checks.len() > least, "{}", report.checks.len());
    assert!(report.to_string().contains("signed off: "));
    // A second attestation gives the same report, so the first left nothing behind.
    assert_eq!(world.store.attest().await.unwrap(), report);
    assert_eq!(world.store.tenant("churn:attestation:a").customers().count().await.unwrap(), 0);
    assert_eq!(store(&acme, &tables(5)).await, 0);
});

/// Whether to run the long version.
pub(crate) fn nightly() -> bool {
    std::env::var("CHURN_NIGHTLY").is_ok_and(|value| value == "1")
}

/// The ways to break isolation, with the statements that break and repair it.
fn mutants(app: &str, owner: &str, database: &str) -> Vec<(String, String)> {
    let mut mutants: Vec<(String, String)> = vec![];
    let policy = "nullif(current_setting('churn.tenant_id', true), '')";
    for table in [
        "churn_companies",
        "churn_record_columns",
        "churn_customers",
        "churn_payments",
        "churn_tickets",
        "churn_activities",
        "churn_models",
        "churn_score_runs",
        "churn_scores",
        "churn_outcomes",
        "churn_settings",
        "churn_users",
        "churn_api_keys",
        "churn_audit",
        "churn_sync_cursors",
    ] {
        let restore = format!(
            "DROP POLICY IF EXISTS churn_tenant ON {table}; CREATE POLICY churn_tenant ON {table} USING (tenant_id = {policy}) WITH CHECK (tenant_id = {policy})"
        );
        let weaker = |using: &str, check: &str| {
            (
                format!(
                    "DROP POLICY churn_tenant ON {table}; CREATE POLICY churn_tenant ON {table} USING ({using}) WITH CHECK ({check})"
                ),
                restore.clone(),
            )
        };
        let own = format!("tenant_id = {policy}");
        mutants.extend([
            (format!("DROP POLICY churn_tenant ON {table}"), restore.clone()),
            weaker("true", &own),
            weaker(&own, "true"),
            weaker(&format!("{own} OR tenant_id = 'acme'"), &own),
            weaker(&format!("tenant_id = coalesce({policy}, tenant_id)"), &own),
            (
                format!("DROP POLICY churn_tenant ON {table}; CREATE POLICY churn_tenant ON {table} FOR SELECT USING ({own})"),
                restore.clone(),
            ),
            (
                format!("CREATE POLICY more ON {table} USING (true)"),
                format!("DROP POLICY more ON {table}"),
            ),
            (
                format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"),
                format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY"),
            ),
            (
                format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"),
                format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"),
            ),
            (
                format!("GRANT TRUNCATE ON {table} TO {app}"),
                format!("REVOKE TRUNCATE ON {table} FROM {app}"),
            ),
            (
                format!("GRANT SELECT ON {table} TO PUBLIC"),
                format!("REVOKE SELECT ON {table} FROM PUBLIC"),
            ),
            (
                format!("ALTER TABLE {table} OWNER TO {app}"),
                format!("ALTER TABLE {table} OWNER TO {owner}; GRANT SELECT, INSERT{} ON {table} TO {app}; REVOKE TRUNCATE, REFERENCES, TRIGGER ON {table} FROM {app}", if table == "churn_audit" { "" } else { ", UPDATE, DELETE" }),
            ),
        ]);
    }
    let pair = |broken: &str, mended: &str| (broken.to_owned(), mended.to_owned());
    mutants.extend([
        pair(&format!("ALTER ROLE {app} BYPASSRLS"), &format!("ALTER ROLE {app} NOBYPASSRLS")),
        pair(&format!("ALTER ROLE {app} SUPERUSER"), &format!("ALTER ROLE {app} NOSUPERUSER")),
        pair(&format!("ALTER ROLE {app} CREATEROLE"), &format!("ALTER ROLE {app} NOCREATEROLE")),
        pair(&format!("ALTER ROLE {owner} BYPASSRLS"), &format!("ALTER ROLE {owner} NOBYPASSRLS")),
        pair(&format!("GRANT {owner} TO {app}"), &format!("REVOKE {owner} FROM {app}")),
        pair(&format!("ALTER ROLE {app} SET churn.tenant_id = 'acme'"), &format!("ALTER ROLE {app} RESET churn.tenant_id")),
        pair(&format!("ALTER DATABASE {database} SET churn.tenant_id = 'acme'"), &format!("ALTER DATABASE {database} RESET churn.tenant_id")),
        pair(&format!("ALTER ROLE {app} SET row_security = off"), &format!("ALTER ROLE {app} RESET row_security")),
        pair(&format!("ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON TABLES TO {app}"), &format!("ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE SELECT ON TABLES FROM {app}")),
        pair(&format!("ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON TABLES TO PUBLIC"), &format!("ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE SELECT ON TABLES FROM PUBLIC")),
        pair(&format!("GRANT DELETE ON churn_audit TO {app}"), &format!("REVOKE DELETE ON churn_audit FROM {app}")),
        pair(&format!("GRANT INSERT ON churn_migrations TO {app}"), &format!("REVOKE INSERT ON churn_migrations FROM {app}")),
        pair("CREATE VIEW everything AS SELECT * FROM churn_payments", "DROP VIEW everything"),
        pair("CREATE MATERIALIZED VIEW copy AS SELECT * FROM churn_payments", "DROP MATERIALIZED VIEW copy"),
        pair("CREATE TABLE child () INHERITS (churn_payments)", "DROP TABLE child"),
        pair("CREATE FUNCTION leak() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER leak BEFORE INSERT ON churn_payments FOR EACH ROW EXECUTE FUNCTION leak()", "DROP TRIGGER leak ON churn_payments; DROP FUNCTION leak()"),
        pair("CREATE UNIQUE INDEX one_id ON churn_users (user_id)", "DROP INDEX one_id"),
        pair("ALTER TABLE churn_settings DROP CONSTRAINT churn_settings_pkey; ALTER TABLE churn_settings ALTER tenant_id DROP NOT NULL", "ALTER TABLE churn_settings ALTER tenant_id SET NOT NULL; ALTER TABLE churn_settings ADD PRIMARY KEY (tenant_id, setting)"),
    ]);
    mutants
}

#[tokio::test]
async fn every_broken_safeguard_is_detected() {
    let Some(world) = World::postgres().await else { return };
    let postgres = world.postgres.as_ref().unwrap();
    let mut superuser = admin(&postgres.admin_url).await;
    let mut mutants = mutants(&postgres.app, &postgres.owner, &postgres.database);
    if !nightly() {
        // The short version tests all mutants that concern roles. Of the twelve ways to break each of the fifteen
        // tables, it tests every third.
        let mut number = 0;
        mutants.retain(|_| {
            number += 1;
            number > 12 * 15 || (number + number / 12) % 3 == 0
        });
    }
    let (count, mut survivors) = (mutants.len(), vec![]);
    for (broken, mended) in mutants {
        run(&mut superuser, &broken).await;
        // The settings of a role take effect at the next login.
        let passed = match Store::open(&world.url).await {
            Ok(store) => {
                let passed = store.attest().await.is_ok_and(|report| report.passed());
                store.close().await;
                passed
            }
            Err(_) => false,
        };
        if passed {
            survivors.push(broken);
        }
        run(&mut superuser, &mended).await;
    }
    assert!(
        survivors.is_empty(),
        "{} of {count} mutants live: {survivors:#?}",
        survivors.len()
    );
    println!("{count} mutants, all found");
    let report = world.store.attest().await.unwrap();
    assert!(report.passed(), "mended: {report}");

    // As the owner or as a superuser, the attestation must fail.
    for url in [&postgres.owner_url, &postgres.admin_url] {
        let store = Store::open(url).await.unwrap();
        let report = store.attest().await.unwrap();
        assert_eq!(report.sign_off().unwrap_err().code(), "not_isolated");
        assert!(report.to_string().contains("NOT signed off"));
        store.close().await;
    }
    world.end().await;
}

/// Texts that could end a statement, a string, a comment, JSON or a Postgres array, and texts in many scripts.
pub(crate) const NASTY: &[&str] = &[
    "'; DROP TABLE churn_customers; --",
    "\"; DROP TABLE churn_customers; --",
    "' OR '1'='1",
    "') OR 1=1 --",
    "1; SELECT set_config('churn.tenant_id', 'other', false)",
    "'; SELECT pg_sleep(10); --",
    "$1",
    "$$",
    "$tag$",
    "?",
    "?1",
    ":name",
    "@p",
    "%s",
    "%00",
    "{}",
    "{\"a\": 1}",
    "{NULL}",
    "NULL",
    "null",
    "\\",
    "\\'",
    "\\N",
    "\\u0000",
    "\\.",
    "/*",
    "*/",
    "--",
    ";",
    "a,b",
    "a\"b",
    "a\tb",
    "a\nb",
    "a\r\nb",
    " leading and trailing ",
    "\u{1}",
    "\u{7f}",
    "\u{200b}",
    "\u{202e}abc",
    "é",
    "e\u{301}",
    "ß",
    "İ",
    "日本語",
    "👩‍👩‍👧‍👦",
    "\u{10ffff}",
    "0",
    "-0",
    "1e309",
    "NaN",
    "true",
    "2024-01-01",
    "%",
    "_",
    "LIKE '%'",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "x' AND tenant_id <> 'x",
];

everywhere!(no_text_is_a_statement, world => {
    use churn_core::{Activity, Customer, Payment, RecordKind, Ticket, Value};
    use churn_store::{AuditEntry, RecordsOptions, Role, User};
    use crate::conformance::day;
    // A tenant id is a text too.
    for tenant in ["acme", "'; DROP TABLE churn_customers; --", "' OR '1'='1", "x' AND tenant_id <> 'x", "👩‍👩‍👧‍👦"] {
        let own = world.store.tenant(tenant);
        let text = |text: &str| Some(text.to_owned());
        let customers: Vec<_> = NASTY.iter().map(|nasty| { let mut row = Customer::new(*nasty, day(0)); row.attributes = [("plan".to_owned(), Value::Text((*nasty).into())), ((*nasty).to_owned(), Value::Bool(true))].into(); row }).collect();
        own.customers().upsert(customers).await.unwrap();
        let payments: Vec<_> = NASTY.iter().map(|nasty| { let mut row = Payment::new(*nasty, day(1), 1.0); row.payment_id = text(nasty); row.method = text(nasty); row }).collect();
        own.payments().upsert(payments).await.unwrap();
        let tickets: Vec<_> = NASTY.iter().map(|nasty| { let mut row = Ticket::new(*nasty, day(1)); row.ticket_id = text(nasty); row.category = text(nasty); row.channel = text(nasty); row }).collect();
        own.tickets().upsert(tickets).await.unwrap();
        let activities: Vec<_> = NASTY.iter().map(|nasty| { let mut row = Activity::new(*nasty, day(1)); row.activity_id = text(nasty); row.kind = text(nasty); row }).collect();
        own.activities().upsert(activities).await.unwrap();
        for (number, nasty) in NASTY.iter().enumerate() {
            for kind in RecordKind::ALL {
                let rows = own.table(kind).of_customer(nasty).await.unwrap();
                assert_eq!(rows.len(), 1, "{nasty}");
                let texts: Vec<_> = rows[0].values.iter().filter(|(name, value)| matches!(value, Value::Text(_)) && *name != "status").collect();
                assert!(texts.len() >= 2 && texts.iter().all(|(_, value)| **value == Value::Text((*nasty).into())), "{nasty}: {texts:?}");
            }
            own.company().rename(nasty).await.unwrap();
            own.users().upsert(&User { user_id: (*nasty).into(), email: (*nasty).into(), name: text(nasty), role: Role::Viewer }).await.unwrap();
            own.cursors().set(nasty, nasty, day(0)).await.unwrap();
            own.api_keys().create(nasty, &format!("{nasty} and so on and so on and so on"), Role::Viewer, day(0)).await.unwrap();
            assert_eq!(own.company().get().await.unwrap().name.as_deref(), Some(*nasty));
            assert_eq!(own.users().get(nasty).await.unwrap().unwrap().email, *nasty);
            assert_eq!(own.cursors().get(nasty).await.unwrap().unwrap().position, *nasty);
            if *nasty != "\\u0000" {
                own.company().set(nasty, &serde_json::json!({ *nasty: nasty })).await.unwrap();
                assert_eq!(own.company().get().await.unwrap().settings[*nasty], serde_json::json!({ *nasty: nasty }));
                let entry = AuditEntry { at: day(0), actor: (*nasty).into(), action: (*nasty).into(), subject: text(nasty), details: serde_json::json!([nasty]) };
                own.audit().append(&entry).await.unwrap();
                assert!(own.audit().page(None, 10_000).await.unwrap().entries.contains(&entry));
            }
            assert_eq!(own.api_keys().list().await.unwrap().len(), number + 1);
            assert_eq!(own.models().load(nasty).await.unwrap_err().code(), "not_found");
            assert!(own.scores().history(nasty, 1).await.unwrap().is_empty());
        }
        let (records, _) = own.records(&RecordsOptions::default()).await.unwrap();
        let mut wanted = NASTY.to_vec();
        wanted.sort_unstable();
        assert_eq!(records.customer_ids().collect::<Vec<_>>(), wanted);
        assert_eq!(own.erase_customer(NASTY[2]).await.unwrap(), 4, "and no one else");
    }
    assert!(world.store.attest().await.unwrap().passed());
});
