//! Tests of the job queue and the worker.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use churn_platform::jobs::{Kind, start, work, work_off};
use churn_platform::repositories::accounts::CompanyName;
use churn_platform::repositories::jobs::{Beat, NewJob, Status};
use tokio::sync::watch;

use crate::site::Site;

const LEASE: Duration = Duration::from_secs(60);

fn job<'a>(company_id: &'a str, unique_key: &'a str) -> NewJob<'a> {
    NewJob {
        company_id,
        kind: "test",
        unique_key,
        payload: "{}".to_owned(),
        created_by: "test",
    }
}

async fn companies(site: &Site, count: usize) {
    for number in 0..count {
        let company = CompanyName {
            company_id: format!("c{number:02}"),
            name: "Company".to_owned(),
        };
        site.app.control.add_company(&company, 0).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_workers_claim_each_job_once() {
    let site = Site::empty().await;
    companies(&site, 10).await;
    for number in 0..10 {
        site.app
            .control
            .enqueue(&job(&format!("c{number:02}"), "once"), 5)
            .await
            .unwrap();
    }
    let claims = (0..40).map(|_| {
        let control = site.app.control.clone();
        tokio::spawn(async move { control.claim(LEASE, 10).await.unwrap() })
    });
    let claims: Vec<_> = claims.collect();
    let mut claimed = vec![];
    for claim in claims {
        claimed.extend(claim.await.unwrap().map(|job| job.job_id));
    }
    assert_eq!(claimed.len(), 10);
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), 10);
}

#[tokio::test]
async fn a_lost_lease_ends_the_rights_of_the_first_worker() {
    let site = Site::empty().await;
    companies(&site, 1).await;
    let control = &site.app.control;
    control.enqueue(&job("c00", "k"), 0).await.unwrap();
    let first = control.claim(LEASE, 0).await.unwrap().unwrap();
    assert_eq!(
        control.claim(LEASE, 59_000_000).await.unwrap().map(|job| job.job_id),
        None,
        "the lease holds"
    );
    assert_eq!(
        control.beat(&first, 0.5, "half", LEASE, 50_000_000).await.unwrap(),
        Beat::Held
    );
    assert!(
        control.claim(LEASE, 100_000_000).await.unwrap().is_none(),
        "it was renewed"
    );
    let second = control.claim(LEASE, 111_000_000).await.unwrap().unwrap();
    assert_eq!((second.job_id.as_str(), second.attempts), (first.job_id.as_str(), 2));
    assert_eq!(
        control.beat(&first, 0.9, "late", LEASE, 112_000_000).await.unwrap(),
        Beat::Lost
    );
    assert!(
        !control
            .finish(&first, Status::Done, None, Some("late"), 112_000_000)
            .await
            .unwrap()
    );
    assert!(!control.give_back(&first, false, 0, None).await.unwrap());
    assert!(
        control
            .finish(&second, Status::Done, None, Some("right"), 113_000_000)
            .await
            .unwrap()
    );
    let stored = control.job("c00", &first.job_id).await.unwrap().unwrap();
    assert_eq!((stored.status, stored.result.as_deref()), (Status::Done, Some("right")));
}

#[tokio::test]
async fn a_job_that_ends_its_workers_is_dead_after_five_attempts() {
    let site = Site::empty().await;
    companies(&site, 1).await;
    let control = &site.app.control;
    let (id, _) = control.enqueue(&job("c00", "k"), 0).await.unwrap();
    for attempt in 1..=5 {
        let claimed = control.claim(LEASE, attempt * 100_000_000).await.unwrap().unwrap();
        assert_eq!(claimed.attempts, attempt);
    }
    assert!(control.claim(LEASE, 600_000_000).await.unwrap().is_none());
    let stored = control.job("c00", &id).await.unwrap().unwrap();
    assert_eq!(
        (stored.status, stored.error_code.as_deref()),
        (Status::Dead, Some("worker_lost"))
    );
    assert!(
        control.claim(LEASE, i64::MAX / 2).await.unwrap().is_none(),
        "it stays dead"
    );
}

#[tokio::test]
async fn an_error_of_the_platform_is_tried_five_times_and_one_of_the_data_once() {
    let site = Site::empty().await;
    companies(&site, 2).await;
    let control = &site.app.control;
    // There are no jobs of the kind `test`, so this job fails with an internal error.
    let (broken, _) = control.enqueue(&job("c00", "k"), 0).await.unwrap();
    for _ in 0..6 {
        work_off(&site.app).await.unwrap();
        site.app.clock.advance(Duration::from_secs(3600));
    }
    let stored = control.job("c00", &broken).await.unwrap().unwrap();
    assert_eq!((stored.status, stored.attempts), (Status::Dead, 5));
    assert!(
        !stored.error.unwrap().contains("'test'"),
        "details of server errors stay in the log"
    );
    // The company has no records, so this job fails with the error `no_data`, and is not tried again.
    let id = start(control, &site.app.clock, "c01", Kind::Train, "test")
        .await
        .unwrap();
    work_off(&site.app).await.unwrap();
    let stored = control.job("c01", &id).await.unwrap().unwrap();
    assert_eq!(
        (stored.status, stored.attempts, stored.error_code.as_deref()),
        (Status::Failed, 1, Some("no_data"))
    );
}

#[tokio::test]
async fn an_unfinished_job_is_not_added_twice() {
    let site = Site::empty().await;
    companies(&site, 2).await;
    let control = &site.app.control;
    let (first, is_new) = control.enqueue(&job("c00", "train"), 0).await.unwrap();
    assert!(is_new);
    assert_eq!(
        control.enqueue(&job("c00", "train"), 1).await.unwrap(),
        (first.clone(), false)
    );
    assert!(
        control.enqueue(&job("c01", "train"), 1).await.unwrap().1,
        "another company has its own"
    );
    let claimed = control.claim(LEASE, 2).await.unwrap().unwrap();
    assert_eq!(control.enqueue(&job("c00", "train"), 3).await.unwrap(), (first, false));
    assert!(control.finish(&claimed, Status::Done, None, None, 4).await.unwrap());
    assert!(control.enqueue(&job("c00", "train"), 5).await.unwrap().1);
}

#[tokio::test]
async fn companies_take_turns() {
    let site = Site::empty().await;
    companies(&site, 3).await;
    let control = &site.app.control;
    for number in 0..9 {
        control
            .enqueue(&job("c00", &format!("k{number}")), number)
            .await
            .unwrap();
    }
    control.enqueue(&job("c01", "late"), 20).await.unwrap();
    control.enqueue(&job("c02", "later"), 21).await.unwrap();
    let mut order = vec![];
    for turn in 0..5 {
        let claimed = control.claim(LEASE, 100 + turn).await.unwrap().unwrap();
        assert!(
            control
                .finish(&claimed, Status::Done, None, None, 100 + turn)
                .await
                .unwrap()
        );
        order.push(claimed.company_id);
    }
    assert_eq!(order, ["c00", "c01", "c02", "c00", "c00"]);
    // While a job of a company runs, the next job of this company waits, but jobs of other companies can run.
    control.enqueue(&job("c01", "again"), 200).await.unwrap();
    let claims = [
        control.claim(LEASE, 300).await.unwrap(),
        control.claim(LEASE, 301).await.unwrap(),
    ];
    let mut running: Vec<_> = claims.into_iter().flatten().map(|job| job.company_id).collect();
    running.sort();
    assert_eq!(running, ["c00", "c01"]);
    assert!(control.claim(LEASE, 302).await.unwrap().is_none());
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once() {
    let site = Site::empty().await;
    companies(&site, 2).await;
    let control = &site.app.control;
    let (id, _) = control.enqueue(&job("c00", "k"), 0).await.unwrap();
    assert_eq!(
        control.cancel("c01", &id, 1).await.unwrap(),
        None,
        "another company cannot"
    );
    assert_eq!(control.cancel("c00", &id, 1).await.unwrap(), Some(Status::Cancelled));
    assert!(control.claim(LEASE, 2).await.unwrap().is_none());
    assert_eq!(
        control.cancel("c00", &id, 3).await.unwrap(),
        Some(Status::Cancelled),
        "again changes nothing"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_training_is_cancelled_through_the_core() {
    let site = Site::new().await;
    let client = site.client("admin@demo.example").await;
    // These options train the full ensemble, which takes long enough for the test to cancel the training run.
    let tenant = site.app.store.tenant("t001");
    let options = serde_json::json!({"definition": {"kind": "cancellation", "horizon": 30}});
    tenant.company().set("train_options", &options).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(work(site.app.clone(), stopped));
    assert_eq!(site.post("/c/t001/jobs/train", &client, &[]).await.status, 303);
    let newest = async || site.app.control.jobs_of("t001", 1).await.unwrap().remove(0);
    let begin = Instant::now();
    while newest().await.progress < 0.12 {
        assert!(begin.elapsed() < Duration::from_secs(120), "{:?}", newest().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let id = newest().await.job_id;
    let page = site.page("/c/t001/jobs", &client).await;
    assert!(page.body.contains("<progress") && page.body.contains("http-equiv=\"refresh\""));
    assert_eq!(
        site.post(&format!("/c/t001/jobs/{id}/cancel"), &client, &[])
            .await
            .status,
        303
    );
    let begin = Instant::now();
    while newest().await.status == Status::Running {
        assert!(begin.elapsed() < Duration::from_secs(30), "the training does not stop");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(newest().await.status, Status::Cancelled);
    assert_eq!(tenant.models().list().await.unwrap().len(), 1, "nothing was stored");
    stop.send_replace(true);
    worker.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_gives_running_jobs_back() {
    let site = Site::new().await;
    let tenant = site.app.store.tenant("t001");
    let options = serde_json::json!({"definition": {"kind": "cancellation", "horizon": 30}});
    tenant.company().set("train_options", &options).await.unwrap();
    let id = start(&site.app.control, &site.app.clock, "t001", Kind::Train, "test")
        .await
        .unwrap();
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(work(site.app.clone(), stopped));
    let stored = async || site.app.control.job("t001", &id).await.unwrap().unwrap();
    let begin = Instant::now();
    while stored().await.progress < 0.12 {
        assert!(begin.elapsed() < Duration::from_secs(120));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.send_replace(true);
    worker.await.unwrap();
    let stored = stored().await;
    assert_eq!(
        (stored.status, stored.attempts, stored.lease),
        (Status::Waiting, 0, None)
    );
}
