//! Tests of faults: killed writers, full disks, lost connections and concurrent writers. No batch may be lost, and no
//! batch may be stored in part.

use std::time::Duration;

use churn_core::{OnInvalid, Payment, RecordKind};
use churn_store::{RecordsOptions, Store, StoreOptions};
use sqlx::Executor;

use crate::conformance::{day, store, tables};
use crate::everywhere;
use crate::isolation::nightly;
use crate::world::{World, admin};

const BATCH: usize = 3000;

/// Creates a batch. The ids of its payments contain the number of the batch.
fn batch(number: usize) -> Vec<Payment> {
    (0..BATCH)
        .map(|row| Payment::new("C-0", day(row as i64 % 300), number as f64).with_payment_id(format!("{number}-{row}")))
        .collect()
}

/// Returns the number of stored rows for each batch.
async fn counts(store: &Store) -> std::collections::BTreeMap<String, usize> {
    let mut counts = std::collections::BTreeMap::new();
    let (payments, mut after) = (store.tenant("acme").payments(), None);
    loop {
        let page = payments.page(after, 10_000).await.unwrap();
        for row in page.rows {
            let churn_core::Value::Text(id) = &row.values["payment_id"] else {
                panic!("an id is a text")
            };
            *counts.entry(id.split('-').next().unwrap().to_owned()).or_default() += 1;
        }
        after = page.next;
        if after.is_none() {
            return counts;
        }
    }
}

/// The next test runs this function in a separate process, and then kills this process. The process prints the number
/// of each batch that it committed. Without the environment variable `CHURN_STORE_WRITER`, this function does nothing.
#[tokio::test]
async fn writer_to_be_killed() {
    let Ok(url) = std::env::var("CHURN_STORE_WRITER") else {
        return;
    };
    let payments = Store::open(&url).await.unwrap().tenant("acme").payments();
    let mut number: usize = std::env::var("CHURN_STORE_FROM").unwrap().parse().unwrap();
    loop {
        let mut import = payments.import(OnInvalid::Refuse).await.unwrap();
        for piece in batch(number).chunks(500) {
            import.write(piece).await.unwrap();
        }
        import.commit().await.unwrap();
        eprintln!("kept {number}");
        number += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_writer_leaves_whole_batches() {
    let mut worlds = vec![World::sqlite_file().await];
    worlds.extend(World::postgres().await);
    for world in worlds {
        let kills = if nightly() { 100 } else { 20 };
        let mut kept: Vec<usize> = vec![];
        let mut cut_short = 0;
        for kill in 0..kills {
            let mut writer = tokio::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "faults::writer_to_be_killed", "--nocapture"])
                .env("CHURN_STORE_WRITER", &world.url)
                .env("CHURN_STORE_FROM", (kill * 1000).to_string())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .unwrap();
            // The process is killed after a different time in each round. Every tenth round waits much longer, so that
            // the process can commit batches on a slow machine too.
            let late = if kill % 10 == 9 { 2000 } else { 60 };
            tokio::time::sleep(Duration::from_millis(late + 17 * (kill as u64 % 20))).await;
            // This call sends SIGKILL.
            writer.start_kill().unwrap();
            let said = writer.wait_with_output().await.unwrap().stderr;
            let said = String::from_utf8_lossy(&said);
            assert!(!said.contains("panicked"), "{said}");
            let own: Vec<usize> = said
                .lines()
                .filter_map(|line| line.strip_prefix("kept ")?.parse().ok())
                .collect();
            cut_short += usize::from(own.is_empty());
            kept.extend(own);
        }
        assert!(
            !kept.is_empty() && cut_short < kills,
            "{}: no writer came to write",
            world.name
        );
        let found = counts(&world.store).await;
        // Each batch is stored completely or not at all, and all batches that the writers reported are stored.
        assert!(found.values().all(|rows| *rows == BATCH), "{}: {found:?}", world.name);
        assert!(
            kept.iter().all(|number| found.contains_key(&number.to_string())),
            "{}",
            world.name
        );
        println!("{}: {kills} kills, {} batches kept", world.name, found.len());
        // The next writer is not blocked. When it stores the same batches again, nothing changes.
        for number in kept.iter().take(2) {
            let again = world
                .store
                .tenant("acme")
                .payments()
                .upsert(batch(*number))
                .await
                .unwrap();
            assert_eq!(again.rows_changed, 0);
        }
        world.end().await;
    }
}

#[tokio::test]
async fn a_full_disk_keeps_what_was_there() {
    let world = World::sqlite_file().await;
    let payments = world.store.tenant("acme").payments();
    payments.upsert(batch(1)).await.unwrap();
    world.store.close().await;
    // The size limit of the database is slightly above its current size.
    let plain = Store::open(&world.url).await.unwrap();
    let pages = std::fs::metadata(world.url.trim_start_matches("sqlite://"))
        .unwrap()
        .len()
        / 4096
        + 20;
    plain.close().await;
    let store = Store::open_with(&world.url, &StoreOptions::default().with_max_pages(pages as u32))
        .await
        .unwrap();
    let error = store.tenant("acme").payments().upsert(batch(2)).await.unwrap_err();
    assert_eq!(error.code(), "store_full", "{error}");
    assert_eq!(counts(&store).await, [("1".to_owned(), BATCH)].into());
    store.close().await;
    // After the size limit is raised, writing works again.
    let store = Store::open(&world.url).await.unwrap();
    store.tenant("acme").payments().upsert(batch(2)).await.unwrap();
    assert_eq!(counts(&store).await.len(), 2);
    store.close().await;
    world.end().await;
}

/// Runs an import several times. In each run, the server closes the connection before a different chunk.
#[tokio::test]
async fn a_lost_connection_loses_the_batch_as_a_whole() {
    let Some(world) = World::postgres().await else { return };
    let postgres = world.postgres.as_ref().unwrap();
    let cut = async || {
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{}' AND state LIKE 'idle in transaction%'",
            postgres.app
        );
        let mut superuser = admin(&postgres.admin_url).await;
        superuser
            .execute(sqlx::AssertSqlSafe(sql))
            .await
            .unwrap()
            .rows_affected()
    };
    let payments = world.store.tenant("acme").payments();
    let rows = batch(7);
    let pieces: Vec<_> = rows.chunks(500).collect();
    // The transaction begins with the first chunk, so the connection is closed after the first chunk at the earliest.
    for at in 1..=pieces.len() {
        let mut import = payments.import(OnInvalid::Refuse).await.unwrap();
        let mut failed = None;
        for (number, piece) in pieces.iter().enumerate() {
            if number == at {
                assert_eq!(cut().await, 1);
            }
            if let Err(error) = import.write(*piece).await {
                failed = Some(error);
                break;
            }
        }
        let error = match failed {
            Some(error) => error,
            None => {
                assert_eq!(cut().await, 1);
                import.commit().await.unwrap_err()
            }
        };
        assert_eq!(error.code(), "store_unavailable", "{error}");
        assert_eq!(payments.count().await.unwrap(), 0, "cut before piece {at}");
    }
    // Other kinds of writes are interrupted at a random time. Each write must be stored completely or not at all, and
    // the store must continue to work.
    let acme = world.store.tenant("acme");
    for wait in 0..30 {
        let all = tables(40);
        let activities = acme.activities();
        let (written, ()) = tokio::join!(activities.upsert(all.activities.clone()), async {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            let sql = format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{}'",
                postgres.app
            );
            admin(&postgres.admin_url)
                .await
                .execute(sqlx::AssertSqlSafe(sql))
                .await
                .unwrap();
        });
        let there = acme.activities().count().await.unwrap();
        assert!(there == 0 || there == all.activities.len() as u64, "{there}");
        if let Err(error) = written {
            assert_eq!(error.code(), "store_unavailable", "{error}");
        }
        acme.erase_customer("C-0").await.unwrap();
        for number in 0..40 {
            acme.erase_customer(&format!("C-{number}")).await.unwrap();
        }
    }
    world.end().await;
}

everywhere!(two_writers_of_one_tenant_both_succeed, world => {
    let acme = world.store.tenant("acme");
    let write = async |writer: usize| {
        for number in 0..4 {
            // An in-memory database has only one connection, so each call waits until the previous one has finished.
            acme.payments().upsert(batch(10 * writer + number)).await.unwrap();
        }
    };
    tokio::join!(write(1), write(2), write(3));
    let found = counts(&world.store).await;
    assert!(found.len() == 12 && found.values().all(|rows| *rows == BATCH), "{found:?}");
    // The rows of two batches are not mixed: the sequence numbers of each batch are contiguous.
    let (mut after, mut order) = (None, vec![]);
    loop {
        let page = acme.payments().page(after, 10_000).await.unwrap();
        order.extend(page.rows.into_iter().map(|row| row.values["amount"].clone()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    order.dedup();
    assert_eq!(order.len(), 12);

    // If two writers store the same batch at the same time, it is stored once.
    let payments = acme.payments();
    let (one, two) = tokio::join!(payments.upsert(batch(99)), payments.upsert(batch(99)));
    assert_eq!(one.unwrap().rows_changed + two.unwrap().rows_changed, BATCH as u64);
});

everywhere!(readers_see_a_snapshot, world => {
    // In an in-memory database, calls that read and calls that write share one connection.
    let acme = world.store.tenant("acme");
    acme.customers().upsert(tables(1).customers).await.unwrap();
    acme.payments().upsert(batch(0)).await.unwrap();
    let write = async {
        for number in 1..6 {
            acme.payments().upsert(batch(number)).await.unwrap();
        }
    };
    let read = async {
        for _ in 0..10 {
            let (records, _) = acme.records(&RecordsOptions::default()).await.unwrap();
            assert_eq!(records.n_rows(RecordKind::Payments).unwrap() % BATCH, 0);
        }
    };
    tokio::join!(write, read);
});

everywhere!(a_failed_promotion_or_batch_changes_nothing, world => {
    let acme = world.store.tenant("acme");
    store(&acme, &tables(2)).await;
    let mut import = acme.payments().import(OnInvalid::Refuse).await.unwrap();
    import.write(batch(1)).await.unwrap();
    let bad = vec![Payment::new("C-0", day(0), 1.0).with_status("lost")];
    let error = import.write(bad).await.unwrap_err();
    assert_eq!((error.code(), error.row()), ("unknown_status", Some(BATCH as u64)));
    drop(import);
    assert_eq!(acme.payments().count().await.unwrap(), tables(2).payments.len() as u64);
});
