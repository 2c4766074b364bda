//! Tests of migrations. They migrate an empty database, databases of every earlier version, and a database that is
//! already migrated. A database of a newer version must be refused.

use churn_core::{Customer, Timestamp, Value};
use churn_store::{AuditEntry, RunPurpose, ScoreQuery, Store};
use sqlx::{AssertSqlSafe, Connection, Executor, Row, SqliteConnection};

use crate::conformance::{store, tables};
use crate::everywhere;
use crate::world::{World, admin, run};

async fn owner(world: &World) -> Store {
    let url = world
        .postgres
        .as_ref()
        .map_or(&world.url, |postgres| &postgres.owner_url);
    Store::open(url).await.unwrap()
}

async fn raw(world: &World, sql: &str) {
    match &world.postgres {
        Some(postgres) => run(&mut admin(&postgres.admin_url).await, sql).await,
        None => {
            let mut connection = SqliteConnection::connect(&world.url).await.unwrap();
            connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

/// Returns the whole schema as text.
async fn schema(world: &World) -> Vec<String> {
    match &world.postgres {
        Some(postgres) => {
            let mut connection = admin(&postgres.admin_url).await;
            let sql = "SELECT table_name || '.' || column_name || ' ' || data_type || is_nullable FROM information_schema.columns WHERE table_schema = 'public' UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL SELECT tablename || policyname || qual FROM pg_policies ORDER BY 1";
            let rows = connection.fetch_all(sql).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        }
        None => {
            let mut connection = SqliteConnection::connect(&world.url).await.unwrap();
            let sql = "SELECT COALESCE(sql, name) FROM sqlite_master ORDER BY type, name";
            let rows = connection.fetch_all(sql).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        }
    }
}

async fn on_disk() -> Vec<World> {
    let mut worlds = vec![World::sqlite_file().await];
    worlds.extend(World::postgres().await);
    worlds
}

everywhere!(migrating_again_changes_nothing, world => {
    let acme = world.store.tenant("acme");
    store(&acme, &tables(3)).await;
    if world.name != "sqlite memory" {
        let (before, owner) = (schema(&world).await, owner(&world).await);
        let (first, second) = tokio::join!(owner.migrate(), owner.migrate());
        first.unwrap();
        second.unwrap();
        assert_eq!(schema(&world).await, before);
        owner.close().await;
    }
    assert_eq!(world.store.version().await.unwrap(), 4);
    assert_eq!(acme.customers().count().await.unwrap(), tables(3).customers.len() as u64);
});

/// Inserts rows into the tables of version 1.
const OLD_ROWS: &str = "
    INSERT INTO churn_companies (tenant_id, next_seq) VALUES ('acme', 9);
    INSERT INTO churn_record_columns (tenant_id, kind, column_name, place) VALUES
      ('acme', 'customers', '', 1), ('acme', 'customers', 'customer_id', 2), ('acme', 'customers', 'signed_up_at', 3),
      ('acme', 'customers', 'plan', 4), ('acme', 'customers', 'seats', 5), ('acme', 'customers', 'trial', 6),
      ('acme', 'payments', '', 7), ('acme', 'payments', 'payment_id', 8);
    INSERT INTO churn_customers (tenant_id, seq, customer_id, signed_up_at, valid_from, known_at, attributes) VALUES
      ('acme', 1, 'C-0', 0, 0, -9223372036854775808, '{\"plan\":\"pro\",\"seats\":5.5,\"trial\":true}'),
      ('acme', 2, 'C-1', 0, 0, -9223372036854775808, NULL);";

/// Inserts models, scores, outcomes and audit entries into the tables of version 3.
const OLD_SCORES: &str = "
    INSERT INTO churn_score_runs
      (tenant_id, model_id, as_of, saved_at, definition, customers, scored, mean_probability, low, medium, high, critical)
      VALUES ('acme', 'm', 86400000000, 86400000000, 'd', 2, 1, 0.5, 0, 1, 0, 0);
    INSERT INTO churn_scores (tenant_id, model_id, as_of, customer_id, probability, risk_band, status, evidence) VALUES
      ('acme', 'm', 86400000000, 'C-0', 0.5, 'medium', 'scored', NULL),
      ('acme', 'm', 86400000000, 'C-1', NULL, NULL, 'not_enough_evidence', 'too short a history');
    INSERT INTO churn_outcomes (tenant_id, as_of, definition, customer_id, churned, rule, event_at) VALUES
      ('acme', 86400000000, 'd', 'C-0', 1, 'cancelled', NULL), ('acme', 86400000000, 'd', 'C-1', 1, 'cancelled', NULL);
    INSERT INTO churn_audit (tenant_id, seq, at, actor, action) VALUES ('acme', 7, 0, 'ada', 'old');";

#[tokio::test]
async fn every_earlier_version_is_migrated_with_its_data() {
    for fresh in on_disk().await {
        let wanted = schema(&fresh).await;
        for version in 0..4 {
            let old = match fresh.postgres {
                Some(_) => World::empty_postgres().await.unwrap(),
                None => World::empty_sqlite().await,
            };
            let owner = owner(&old).await;
            owner.migrate_to(version).await.unwrap();
            assert_eq!(owner.version().await.unwrap(), version);
            let tenant = owner.tenant("acme");
            let code = tenant.customers().upsert(tables(1).customers).await.unwrap_err();
            assert_eq!(code.code(), "store_not_migrated");
            if version > 0 {
                raw(&old, OLD_ROWS).await;
            }
            if version == 3 {
                raw(&old, OLD_SCORES).await;
            }
            owner.migrate().await.unwrap();
            assert_eq!(schema(&old).await, wanted, "from version {version}");
            if version > 0 {
                assert_eq!(tenant.customers().count().await.unwrap(), 2);
                let rows = tenant.customers().of_customer("C-0").await.unwrap();
                assert_eq!(rows[0].values["seats"], Value::Float(5.5));
                // The store knows the types of attributes after the migration. It refuses values of another type, and
                // storing the same rows again changes nothing.
                let customer = |seats: Value| {
                    Customer::new("C-0", Timestamp::EPOCH)
                        .with_attribute("plan", "pro")
                        .with_attribute("seats", seats)
                        .with_attribute("trial", true)
                };
                let error = tenant
                    .customers()
                    .upsert(vec![customer(Value::Text("5".into()))])
                    .await
                    .unwrap_err();
                assert_eq!((error.code(), error.column()), ("bad_type", Some("seats")));
                let again = tenant
                    .customers()
                    .upsert(vec![customer(Value::Float(5.5))])
                    .await
                    .unwrap();
                assert_eq!(again.rows_changed, 0);
            }
            if version == 3 {
                let page = tenant.scores().query(&ScoreQuery::default()).await.unwrap();
                assert_eq!(page.scores.len(), 2);
                assert_eq!(page.scores[1].not_scored_reason.as_deref(), Some("too short a history"));
                let run = &tenant.scores().runs(1).await.unwrap()[0];
                assert_eq!((run.outcomes, run.purpose), ((1, 1), RunPurpose::Served));
                let entry = AuditEntry::new(Timestamp::EPOCH, "bob", "new");
                tenant.audit().append(&entry).await.unwrap();
                let page = tenant.audit().page(Some(7), 10).await.unwrap();
                assert_eq!(page.entries, [entry], "behind the old entries");
            }
            assert!(tenant.users().list().await.unwrap().is_empty());
            owner.close().await;
            old.end().await;
        }
        fresh.end().await;
    }
}

#[tokio::test]
async fn a_newer_or_foreign_schema_is_refused() {
    for world in on_disk().await {
        raw(
            &world,
            "INSERT INTO churn_migrations (version, name, checksum) VALUES (99, 'tomorrow', 'x')",
        )
        .await;
        let error = Store::open(&world.url).await.unwrap_err();
        assert_eq!(error.code(), "store_newer");
        assert!(error.to_string().contains("version 99 ('tomorrow')"), "{error}");
        assert_eq!(world.store.migrate().await.unwrap_err().code(), "store_newer");
        raw(&world, "DELETE FROM churn_migrations WHERE version = 99").await;
        raw(&world, "UPDATE churn_migrations SET checksum = 'y' WHERE version = 2").await;
        assert_eq!(Store::open(&world.url).await.unwrap_err().code(), "store_damaged");
        world.end().await;
    }
}

#[tokio::test]
async fn errors_of_opening_name_the_cause() {
    for (url, code) in [
        ("mysql://x", "invalid_option"),
        ("sqlite:///no/such/folder/x.db", "store_unavailable"),
        ("sqlite:", "invalid_option"),
        ("sqlite://", "invalid_option"),
        ("sqlite:?mode=rwc", "invalid_option"),
        ("postgres://nobody@127.0.0.1:1/x", "store_unavailable"),
    ] {
        let begun = std::time::Instant::now();
        let error = Store::open(url).await.unwrap_err();
        assert_eq!(error.code(), code, "{url}");
        assert!(begun.elapsed().as_secs() < 5, "{url}: {:?}", begun.elapsed());
        if url.starts_with("postgres") {
            let text = error.to_string();
            assert!(
                text.contains("127.0.0.1:1") && text.contains("refused") && error.retryable(),
                "{text}"
            );
        }
    }
}
