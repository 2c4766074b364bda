//! Tests of features for applications that embed the store: transactions, score queries, API keys, backups and
//! connections.

use std::time::Duration;

use churn_core::{Customer, OnInvalid, Payment, Timestamp, Value};
use churn_store::{AuditEntry, AuditQuery, CustomerQuery, NewApiKey, RecordsOptions, Role, Store, StoreOptions, User};

use crate::conformance::{day, store, tables};
use crate::everywhere;
use crate::world::{World, admin, run};

fn customer(id: &str) -> Customer {
    Customer::new(id, day(0))
}

fn user(id: &str, email: &str) -> User {
    User {
        user_id: id.into(),
        email: email.into(),
        name: None,
        role: Role::Viewer,
    }
}

everywhere!(a_transaction_keeps_all_or_nothing, world => {
    let acme = world.store.tenant("acme");
    // An in-memory database has only one connection, which the transaction occupies.
    let tx = acme.begin().await.unwrap();
    tx.customers().upsert(vec![customer("C-1")]).await.unwrap();
    tx.users().upsert(&user("u", "u@acme.example")).await.unwrap();
    assert_eq!(tx.customers().count().await.unwrap(), 1, "it sees what it wrote");
    // A call that fails within a transaction rolls back only its own changes.
    assert_eq!(tx.users().upsert(&user("v", "u@acme.example")).await.unwrap_err().code(), "store_refused");
    let mut import = tx.customers().import(OnInvalid::Refuse).await.unwrap();
    import.write(vec![customer("C-2")]).await.unwrap();
    drop(import);
    tx.audit().append(&AuditEntry::new(day(1), "u", "imported")).await.unwrap();
    assert_eq!(tx.begin().await.unwrap_err().code(), "invalid_option");
    tx.commit().await.unwrap();
    assert_eq!(acme.customers().count().await.unwrap(), 1);
    assert_eq!(acme.users().list().await.unwrap().len(), 1);
    assert_eq!(acme.audit().page(None, 10).await.unwrap().entries.len(), 1);

    let tx = acme.begin().await.unwrap();
    tx.customers().upsert(vec![customer("C-3")]).await.unwrap();
    let left = tx.customers();
    tx.rollback().await.unwrap();
    assert_eq!(left.count().await.unwrap_err().code(), "invalid_option", "the transaction has ended");
    let tx = acme.begin().await.unwrap();
    tx.customers().upsert(vec![customer("C-4")]).await.unwrap();
    drop(tx);
    assert_eq!(acme.customers().count().await.unwrap(), 1);
    assert_eq!(world.store.tenant("other").customers().count().await.unwrap(), 0);
});

const HOST_TABLE: &str = "CREATE TABLE tasks (tenant_id TEXT NOT NULL, task_id TEXT NOT NULL, points BIGINT, open BOOLEAN, PRIMARY KEY (tenant_id, task_id))";

#[tokio::test]
async fn a_hosts_own_tables_take_part() {
    let mut worlds = vec![World::sqlite_file().await];
    worlds.extend(World::postgres().await);
    for world in worlds {
        match &world.postgres {
            Some(postgres) => {
                let mut owner = admin(&postgres.owner_url).await;
                let policy = "tenant_id = (SELECT nullif(current_setting('churn.tenant_id', true), ''))";
                let sql = format!(
                    "{HOST_TABLE}; ALTER TABLE tasks ENABLE ROW LEVEL SECURITY; ALTER TABLE tasks FORCE ROW LEVEL SECURITY;
                     CREATE POLICY churn_tenant ON tasks USING ({policy}) WITH CHECK ({policy});
                     GRANT SELECT, INSERT, UPDATE, DELETE ON tasks TO {}",
                    postgres.app
                );
                run(&mut owner, &sql).await;
            }
            None => {
                use sqlx::{Connection, Executor};
                let mut connection = sqlx::SqliteConnection::connect(&world.url).await.unwrap();
                connection.execute(HOST_TABLE).await.unwrap();
                connection.close().await.unwrap();
            }
        }
        let insert = "INSERT INTO tasks (tenant_id, task_id, points, open) VALUES ($1, $2, $3, $4)";
        for (tenant, points) in [("acme", 3), ("other", 5)] {
            let tx = world.store.tenant(tenant).begin().await.unwrap();
            let args = [Value::Text("t".into()), Value::Int(points), Value::Bool(true)];
            assert_eq!(tx.execute(insert, &args).await.unwrap(), 1);
            assert_eq!(
                tx.execute("DELETE FROM tasks", &[]).await.unwrap_err().code(),
                "invalid_option"
            );
            assert_eq!(
                tx.execute("DELETE FROM tasks WHERE points = $10", &[])
                    .await
                    .unwrap_err()
                    .code(),
                "invalid_option"
            );
            let nulls = [Value::Text("nulls".into()), Value::Null, Value::Null];
            assert_eq!(tx.execute(insert, &nulls).await.unwrap(), 1);
            tx.customers().upsert(vec![customer("C-1")]).await.unwrap();
            tx.commit().await.unwrap();
        }
        let tx = world.store.tenant("acme").begin().await.unwrap();
        let rows = tx
            .query(
                "SELECT task_id, points FROM tasks WHERE tenant_id = $1 ORDER BY task_id DESC",
                &[],
            )
            .await
            .unwrap();
        assert_eq!((rows.len(), &rows[1]["points"]), (2, &Value::Null));
        assert_eq!(
            (&rows[0]["task_id"], &rows[0]["points"]),
            (&Value::Text("t".into()), &Value::Int(3))
        );
        tx.rollback().await.unwrap();

        let report = world.store.attest().await.unwrap();
        assert!(!report.passed(), "an unknown table");
        let report = world.store.attest_with(&["tasks".to_owned()]).await.unwrap();
        assert!(report.passed(), "{report}");
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_given_up_leave_connections_clean() {
    for world in World::all().await {
        let acme = world.store.tenant("acme");
        store(&acme, &tables(20)).await;
        let mut cancelled = 0;
        for number in 0..300u64 {
            let wait = Duration::from_micros(number * 37 % 4000);
            let rows = tables(4).payments;
            let call = async {
                match number % 3 {
                    0 => acme.payments().upsert(rows).await.map(drop),
                    1 => acme.payments().of_customer("C-1").await.map(drop),
                    _ => acme.records(&RecordsOptions::default()).await.map(drop),
                }
            };
            match tokio::time::timeout(wait, call).await {
                Ok(done) => done.unwrap(),
                Err(_) => cancelled += 1,
            }
            if number % 10 == 0 {
                // The connections must still work after cancelled calls, so another tenant must be able to write.
                world
                    .store
                    .tenant("other")
                    .cursors()
                    .set("s", &number.to_string(), day(0))
                    .await
                    .unwrap();
            }
        }
        assert!(cancelled > 30, "{cancelled}");
        for number in 0..20 {
            acme.cursors().set("s", &number.to_string(), day(0)).await.unwrap();
            assert_eq!(
                acme.cursors().get("s").await.unwrap().unwrap().position,
                number.to_string()
            );
        }
        println!("{}: {cancelled} of 300 calls given up", world.name);
        world.end().await;
    }
}

#[tokio::test]
async fn a_tenant_that_waits_does_not_hold_up_others() {
    let options = StoreOptions::default()
        .with_readers(3)
        .with_writers(2)
        .with_wait_timeout(Duration::from_secs(2));
    let mut worlds = vec![World::sqlite_file().await];
    worlds.extend(World::postgres().await);
    for world in worlds {
        let store = Store::open_with(&world.url, &options).await.unwrap();
        let (a, b) = (store.tenant("a"), store.tenant("b"));
        b.customers().upsert(vec![customer("C-1")]).await.unwrap();
        let mut import = a.customers().import(OnInvalid::Refuse).await.unwrap();
        import.write(vec![customer("C-1")]).await.unwrap();
        // Twelve writers of the same tenant wait until the import has ended.
        let writers: Vec<_> = (0..12)
            .map(|number| {
                let a = a.clone();
                tokio::spawn(async move { a.customers().upsert(vec![customer(&format!("C-{number}"))]).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let begun = std::time::Instant::now();
        for _ in 0..50 {
            assert_eq!(b.customers().count().await.unwrap(), 1);
        }
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "{}: {:?}",
            world.name,
            begun.elapsed()
        );
        if world.postgres.is_some() {
            // During the import, another tenant can write. Adding an audit entry for the first tenant does not wait for
            // the import either.
            b.customers().upsert(vec![customer("C-2")]).await.unwrap();
            a.audit().append(&AuditEntry::new(day(0), "ada", "read")).await.unwrap();
            assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
        }
        import.commit().await.unwrap();
        for writer in writers {
            writer.await.unwrap().unwrap();
        }
        // A call that waits too long for another transaction fails with `store_busy`.
        let tx = a.begin().await.unwrap();
        let error = a.customers().upsert(vec![customer("C-1")]).await.unwrap_err();
        assert!(error.code() == "store_busy" && error.retryable(), "{error}");
        drop(tx);
        a.customers().upsert(vec![customer("C-1")]).await.unwrap();
        store.close().await;
        assert_eq!(b.customers().count().await.unwrap_err().code(), "store_unavailable");
        world.end().await;
    }
}

#[tokio::test]
async fn a_full_disk_that_has_room_again_is_written_by_the_same_store() {
    let world = World::sqlite_file().await;
    world.store.close().await;
    let pages = std::fs::metadata(world.url.trim_start_matches("sqlite://"))
        .unwrap()
        .len()
        / 4096
        + 60;
    let store = Store::open_with(&world.url, &StoreOptions::default().with_max_pages(pages as u32))
        .await
        .unwrap();
    let acme = store.tenant("acme");
    let batch = |number: usize| -> Vec<Payment> {
        (0..200)
            .map(|row| {
                Payment::new(format!("C-{number}"), day(1), 1.0)
                    .with_payment_id(format!("{number}-{row}"))
                    .with_method("x".repeat(200))
            })
            .collect()
    };
    let mut filled = 0;
    let error = loop {
        match acme.payments().upsert(batch(filled)).await {
            Ok(_) => filled += 1,
            Err(error) => break error,
        }
    };
    assert!(error.code() == "store_full" && filled > 0, "{error}");
    for _ in 0..5 {
        assert_eq!(
            acme.payments().upsert(batch(filled)).await.unwrap_err().code(),
            "store_full"
        );
    }
    // After a customer is erased, there is space for new rows.
    acme.erase_customer("C-0").await.unwrap();
    for number in 0..200 {
        acme.cursors().set("s", &number.to_string(), day(0)).await.unwrap();
    }
    acme.payments().upsert(batch(0)).await.unwrap();
    assert_eq!(acme.payments().count().await.unwrap(), 200 * filled as u64);
    store.close().await;
    world.end().await;
}

#[tokio::test]
async fn what_is_erased_is_gone_from_the_file_and_a_backup_holds_the_rest() {
    let world = World::sqlite_file().await;
    let path = world.url.trim_start_matches("sqlite://").to_owned();
    let acme = world.store.tenant("acme");
    let secret = "someone.very.special@example.com";
    acme.customers()
        .upsert(vec![customer(secret), customer("C-1")])
        .await
        .unwrap();
    acme.erase_customer(secret).await.unwrap();
    for suffix in ["", "-wal"] {
        let bytes = std::fs::read(format!("{path}{suffix}")).unwrap_or_default();
        assert!(
            !bytes.windows(secret.len()).any(|found| found == secret.as_bytes()),
            "{suffix}"
        );
    }
    let copy = format!("{path}.backup");
    world.store.backup(&copy).await.unwrap();
    assert_eq!(world.store.backup(&copy).await.unwrap_err().code(), "invalid_option");
    let restored = Store::open(&format!("sqlite://{copy}")).await.unwrap();
    assert_eq!(restored.tenant("acme").customers().count().await.unwrap(), 1);
    restored.close().await;
    #[cfg(unix)]
    for file in [path.as_str(), &copy] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{file}"
        );
    }
    world.end().await;
}

everywhere!(keys_find_their_tenant, world => {
    let acme = world.store.tenant("acmé_1");
    let secret = "0123456789abcdef0123456789abcdef";
    let key = NewApiKey::new("k1", secret, Role::Analyst).with_label("sync").with_scopes(["records:write"]).with_expiry(day(30));
    let text = acme.api_keys().issue(&key, day(0)).await.unwrap();
    assert_eq!(text.split('_').count(), 4, "{text}");
    let (tenant, found) = world.store.authenticate(&text, day(1)).await.unwrap().unwrap();
    assert_eq!((tenant.tenant(), found.key_id.as_str(), found.label.as_deref()), (acme.tenant(), "k1", Some("sync")));
    assert!(found.allows("records:write") && !found.allows("scores:read"));
    assert_eq!(acme.api_keys().list().await.unwrap()[0].used_at, Some(day(1)));
    // Keys that are expired, revoked or malformed are not accepted. Keys of another tenant are not accepted either.
    assert!(world.store.authenticate(&text, day(30)).await.unwrap().is_none());
    let other = text.replace(&text[6..text.len() - 36], "mfrw2zi");
    for wrong in [other.as_str(), "", "churn___", &text[..text.len() - 1], &text.replace("_k1_", "_k2_"), &format!("{text}_")] {
        assert!(world.store.authenticate(wrong, day(1)).await.unwrap().is_none(), "{wrong}");
    }
    acme.api_keys().revoke("k1", day(2)).await.unwrap();
    assert!(world.store.authenticate(&text, day(1)).await.unwrap().is_none());
    for (id, secret) in [("k_1", secret), ("", secret), ("k2", "short"), ("k2", "0123456789abcdef_0123456789abcdef")] {
        let error = acme.api_keys().issue(&NewApiKey::new(id, secret, Role::Viewer), day(0)).await.unwrap_err();
        assert_eq!(error.code(), "invalid_option");
    }
});

everywhere!(customers_are_found_in_their_current_version, world => {
    let acme = world.store.tenant("acme");
    store(&acme, &tables(60)).await;
    store(&world.store.tenant("other"), &tables(3)).await;
    assert_eq!(acme.customers().count_customers().await.unwrap(), 60);
    let (mut ids, mut after) = (vec![], None);
    loop {
        let page = acme.customers().find(&CustomerQuery { after, limit: 7, ..Default::default() }).await.unwrap();
        ids.extend(page.customers.into_iter().map(|row| row.values["customer_id"].clone()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(ids.len(), 60);
    let page = acme.customers().find(&CustomerQuery { prefix: "C-5".into(), ..Default::default() }).await.unwrap();
    assert_eq!(page.customers.len(), 11);
    // The customer C-5 has three versions (dated rows), and the last version is the current one.
    assert_eq!(page.customers[0].values["seats"], Value::Float(((5 * 7919 + 2 * 17) % 31) as f64 + 0.1));
    let churned = acme.customers().find(&CustomerQuery { churned: Some(true), ..Default::default() }).await.unwrap();
    assert_eq!(churned.customers.len(), 12);
    let pro = acme.customers().find(&CustomerQuery { attributes: vec![("plan".into(), "pro".into())], ..Default::default() }).await.unwrap();
    assert_eq!(pro.customers.len(), 30);
    let nasty = CustomerQuery { attributes: vec![("pl\"an'".into(), "' OR 1=1 --".into())], prefix: "%".into(), ..Default::default() };
    assert!(acme.customers().find(&nasty).await.unwrap().customers.is_empty());
});

everywhere!(a_dry_run_keeps_nothing, world => {
    let acme = world.store.tenant("acme");
    let revision = acme.revision().await.unwrap();
    let mut payments = tables(3).payments;
    payments[4].status = Some("lost".into());
    let checked = acme.payments().check(payments.clone()).await.unwrap();
    assert_eq!((checked.rows_in, checked.rows_accepted, checked.rows_changed), (21, 20, 0));
    assert_eq!(checked.report.issues[0].row, Some(4));
    assert_eq!(acme.payments().count().await.unwrap(), 0);
    assert_eq!(acme.revision().await.unwrap(), revision);
    payments.remove(4);
    acme.payments().upsert(payments).await.unwrap();
    assert!(acme.revision().await.unwrap() > revision);
});

everywhere!(the_audit_is_found_by_what_was_done, world => {
    let acme = world.store.tenant("acme");
    for number in 0..20 {
        let entry = AuditEntry { subject: Some(format!("s{}", number % 3)), ..AuditEntry::new(day(number), if number % 2 == 0 { "ada" } else { "bob" }, "read") };
        acme.audit().append(&entry).await.unwrap();
    }
    let newest = acme.audit().query(&AuditQuery { limit: 3, ..Default::default() }).await.unwrap();
    assert_eq!(newest.entries.iter().map(|entry| entry.at).collect::<Vec<_>>(), [day(19), day(18), day(17)]);
    let next = acme.audit().query(&AuditQuery { limit: 3, after: newest.next, ..Default::default() }).await.unwrap();
    assert_eq!(next.entries[0].at, day(16));
    let query = AuditQuery { actor: Some("ada".into()), subject: Some("s0".into()), since: Some(day(6)), until: Some(day(18)), ..Default::default() };
    let found = acme.audit().query(&query).await.unwrap();
    assert_eq!(found.entries.iter().map(|entry| entry.at).collect::<Vec<_>>(), [day(12), day(6)]);
    let since: Timestamp = day(100);
    assert!(acme.audit().query(&AuditQuery { since: Some(since), ..Default::default() }).await.unwrap().entries.is_empty());
    acme.users().upsert(&user("u", "u@acme.example")).await.unwrap();
    assert_eq!(acme.users().by_email("u@acme.example").await.unwrap().unwrap().user_id, "u");
    assert_eq!(acme.users().by_email("v@acme.example").await.unwrap(), None);
});
