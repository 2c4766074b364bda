//! Handlers that list, start and cancel jobs.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;

use crate::app::App;
use crate::controllers::{page, see};
use crate::error::{Problem, Result};
use crate::jobs::{Kind, start};
use crate::middleware::guard::Visitor;
use crate::services::access::Operation;
use crate::views::format::encode;
use crate::views::{JobLine, JobsPage, Layout, Stamp};

pub async fn list(State(app): State<App>, Extension(visitor): Extension<Visitor>) -> Result<Response> {
    let company = &visitor.member()?.company;
    let tenant = app.store.tenant(&company.company_id);
    let users = tenant.users().list().await?;
    let names: BTreeMap<String, String> = users
        .into_iter()
        .map(|user| (user.user_id, user.name.unwrap_or(user.email)))
        .collect();
    let jobs = app.control.jobs_of(&company.company_id, 50).await?;
    page(&JobsPage {
        layout: Layout::new(&app, &visitor, "Jobs", "jobs"),
        stamp: Stamp::of(&tenant).await?,
        may_score: visitor.may(Operation::Score),
        may_train: visitor.may(Operation::Train),
        unfinished: jobs.iter().any(|job| job.status.is_unfinished()),
        jobs: jobs
            .iter()
            .map(|job| JobLine::new(job, &names, visitor.may(Operation::Score)))
            .collect(),
    })
}

pub async fn score(State(app): State<App>, Extension(visitor): Extension<Visitor>) -> Result<Response> {
    begin(&app, &visitor, Kind::Score).await
}

pub async fn train(State(app): State<App>, Extension(visitor): Extension<Visitor>) -> Result<Response> {
    begin(&app, &visitor, Kind::Train).await
}

async fn begin(app: &App, visitor: &Visitor, kind: Kind) -> Result<Response> {
    let company = &visitor.member()?.company.company_id;
    let account = &visitor.account()?.account.account_id;
    start(&app.control, &app.clock, company, kind, account).await?;
    app.job_added.notify_one();
    Ok(see(&format!("/c/{}/jobs", encode(company))))
}

pub async fn cancel(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    Path((_, job)): Path<(String, String)>,
) -> Result<Response> {
    let company = &visitor.member()?.company.company_id;
    let found = app.control.cancel(company, &job, app.clock.micros()).await?;
    match found {
        Some(_) => Ok(see(&format!("/c/{}/jobs", encode(company)))),
        None => Err(Problem::not_found()),
    }
}
