//! The commands with which an operator runs one task, such as `migrate` and `backup`.

use std::path::Path;

use crate::clock::Clock;
use crate::commands::open;
use crate::config::Settings;
use crate::error::{Problem, Result};
use crate::jobs::{Kind, start, work_off};
use crate::repositories::ControlPlane;
use crate::repositories::jobs::Status;
use crate::services::demo;

pub(super) async fn seed(settings: Settings) -> Result<()> {
    if !settings.demo {
        return Err(Problem::new(
            409,
            "invalid_option",
            "seed creates accounts with a known password: it needs demo = true",
        ));
    }
    let alone = open(settings).await?;
    let app = &alone.app;
    if !demo::begin(app).await? {
        println!("There are accounts already; only unfinished jobs are run.");
    }
    loop {
        work_off(app).await?;
        if app.control.unfinished().await? == 0 {
            break;
        }
        // If a job failed, its next attempt may not be due yet, so this loop waits.
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    let mut failed = 0;
    for company in app.control.companies().await? {
        for job in app.control.jobs_of(&company.company_id, 100).await? {
            if job.kind == "seed" {
                println!("{} ({}): {}", company.company_id, company.name, job.status.as_str());
                failed += usize::from(job.status != Status::Done);
            }
        }
    }
    app.close().await;
    match failed {
        0 => Ok(()),
        n => Err(Problem::internal(format!("{n} demo companies are not complete"))),
    }
}

pub(super) async fn migrate(settings: Settings, role: Option<&str>) -> Result<()> {
    let alone = open(settings).await?;
    // For a Postgres store, the role in the store's URL must own the tables, because other roles cannot migrate them.
    alone.app.store.migrate().await?;
    if let Some(role) = role {
        alone.app.store.grant_to(role).await?;
    }
    println!(
        "control plane: version {}; store: version {}",
        alone.app.control.version().await?,
        alone.app.store.version().await?
    );
    alone.app.close().await;
    Ok(())
}

/// Adds a training job. This command opens only the control plane (the database of jobs), so it can be used while
/// the platform is running.
pub(super) async fn retrain(settings: Settings, company: &str) -> Result<()> {
    let path = settings.data_dir.join("platform.db");
    if !path.exists() {
        return Err(Problem::internal(format!(
            "there is no '{}': run serve or migrate first",
            path.display()
        )));
    }
    let control = ControlPlane::open(&path).await?;
    let known = control
        .companies()
        .await?
        .iter()
        .any(|known| known.company_id == company);
    if !known {
        return Err(Problem::new(
            404,
            "not_found",
            format!("there is no company '{company}'"),
        ));
    }
    let id = start(&control, &Clock::default(), company, Kind::Train, "operator").await?;
    println!("job {id} waits; the worker of the running platform takes it");
    control.close().await;
    Ok(())
}

pub(super) async fn backup(settings: Settings, folder: &str) -> Result<()> {
    let alone = open(settings).await?;
    let folder = Path::new(folder);
    std::fs::create_dir(folder).map_err(|e| Problem::internal(format!("'{}': {e}", folder.display())))?;
    alone.app.control.backup(&folder.join("platform.db")).await?;
    alone.app.store.backup(folder.join("churn.db")).await?;
    println!("{}", folder.display());
    alone.app.close().await;
    Ok(())
}

pub(super) async fn attest(settings: Settings) -> Result<()> {
    let alone = open(settings).await?;
    let attestation = alone.app.store.attest().await?;
    println!("{attestation}");
    alone.app.close().await;
    Ok(attestation.sign_off()?)
}
