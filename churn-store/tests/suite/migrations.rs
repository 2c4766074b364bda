//! Tests of migrations: of an empty database, from every earlier version, a second time, and of a database with a newer
//! version.

use churn_store::Store;
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

/// The whole schema as text.
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
    assert_eq!(world.store.version().await.unwrap(), 3);
    assert_eq!(acme.customers().count().await.unwrap(), tables(3).customers.len() as u64);
});

#[tokio::test]
async fn every_earlier_version_is_migrated_with_its_data() {
    for fresh in on_disk().await {
        let wanted = schema(&fresh).await;
        for version in 0..3 {
            let old = match fresh.postgres {
                Some(_) => World::empty_postgres().await.unwrap(),
                None => World::empty_sqlite().await,
            };
            let owner = owner(&old).await;
            owner.migrate_to(version).await.unwrap();
            assert_eq!(owner.version().await.unwrap(), version);
            let tenant = owner.tenant("acme");
            if version == 0 {
                assert_eq!(
                    tenant.customers().count().await.unwrap_err().code(),
                    "store_not_migrated"
                );
            } else {
                store(&tenant, &tables(5)).await;
            }
            if version < 3 {
                let code = tenant.users().list().await.unwrap_err();
                assert_eq!(code.code(), "store_not_migrated");
            }
            owner.migrate().await.unwrap();
            assert_eq!(schema(&old).await, wanted, "from version {version}");
            if version > 0 {
                assert_eq!(
                    tenant.customers().count().await.unwrap(),
                    tables(5).customers.len() as u64
                );
                assert_eq!(store(&tenant, &tables(5)).await, 0);
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
        ("postgres://nobody@127.0.0.1:1/x", "store_unavailable"),
    ] {
        assert_eq!(Store::open(url).await.unwrap_err().code(), code, "{url}");
    }
}
