//! Pages about customers and their risk. All numbers on these pages are read from stored score runs. The handlers
//! compute no scores.

use std::collections::HashMap;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use churn_core::{RecordKind, RiskBand};
use churn_store::{CustomerQuery, ScoreCursor, ScoreQuery};
use serde::Deserialize;

use crate::app::App;
use crate::controllers::page;
use crate::error::{Problem, Result};
use crate::middleware::guard::Visitor;
use crate::repositories::jobs::Job;
use crate::services::access::Operation;
use crate::views::customer::CustomerPage;
use crate::views::format::encode;
use crate::views::{BandLink, CustomerLine, CustomersPage, JobLine, Layout, RiskLine, RiskPage, Stamp};

const PER_PAGE: usize = 50;

/// Returns the newest job of a company. If a page has no data yet, it shows this job instead.
async fn last_job(app: &App, company: &str) -> Result<Option<JobLine>> {
    let jobs = app.control.jobs_of(company, 1).await?;
    Ok(jobs
        .first()
        .map(|job: &Job| JobLine::new(job, &Default::default(), false)))
}

#[derive(Deserialize)]
pub struct RiskFilter {
    band: Option<String>,
    /// The probability of the last customer on the previous page. The field `after` contains the id of this customer.
    key: Option<f64>,
    after: Option<String>,
}

pub async fn high_risk(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    Query(filter): Query<RiskFilter>,
) -> Result<Response> {
    let company = visitor.member()?.company.company_id.as_str();
    let tenant = app.store.tenant(company);
    let base = format!("/c/{}/risk", encode(company));
    let band = filter.band.as_deref().filter(|band| !band.is_empty());
    let bands = match band {
        None => vec![RiskBand::High, RiskBand::Critical],
        Some("all") => vec![RiskBand::Low, RiskBand::Medium, RiskBand::High, RiskBand::Critical],
        Some(band) => vec![band.parse()?],
    };
    let stamp = Stamp::of(&tenant).await?;
    let links = [
        ("", "high and critical"),
        ("critical", "critical"),
        ("high", "high"),
        ("medium", "medium"),
        ("low", "low"),
        ("all", "all"),
    ];
    let mut view = RiskPage {
        layout: Layout::new(&app, &visitor, "High risk", "risk"),
        links: links
            .into_iter()
            .map(|(value, text)| BandLink {
                href: if value.is_empty() {
                    base.clone()
                } else {
                    format!("{base}?band={value}")
                },
                text,
                current: band.unwrap_or("") == value,
            })
            .collect(),
        rows: vec![],
        total: 0,
        next: String::new(),
        job: None,
        may_score: visitor.may(Operation::Score),
        stamp,
    };
    if view.stamp.is_none() {
        view.job = last_job(&app, company).await?;
        return page(&view);
    }
    let query = ScoreQuery {
        bands: Some(bands),
        limit: PER_PAGE,
        after: filter.after.map(|customer_id| ScoreCursor {
            key: filter.key,
            customer_id,
        }),
        total: true,
        ..ScoreQuery::default()
    };
    let found = tenant.scores().query(&query).await?;
    view.total = found.total.unwrap_or(0);
    view.rows = found.scores.iter().map(|score| RiskLine::new(company, score)).collect();
    if let Some(next) = found.next {
        let key = next.key.map_or(String::new(), |key| format!("&key={key}"));
        let band = band.map_or(String::new(), |band| format!("&band={}", encode(band)));
        view.next = format!("{base}?after={}{key}{band}", encode(&next.customer_id));
    }
    page(&view)
}

#[derive(Deserialize)]
pub struct CustomerFilter {
    prefix: Option<String>,
    after: Option<String>,
}

pub async fn customers(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    Query(filter): Query<CustomerFilter>,
) -> Result<Response> {
    let company = visitor.member()?.company.company_id.as_str();
    let tenant = app.store.tenant(company);
    let stamp = Stamp::of(&tenant).await?;
    let prefix = filter.prefix.unwrap_or_default();
    let query = CustomerQuery {
        prefix: prefix.clone(),
        after: filter.after,
        limit: PER_PAGE,
        ..CustomerQuery::default()
    };
    let found = tenant.customers().find(&query).await?;
    let ids: Vec<String> = found.customers.iter().map(crate::views::customer::id_of).collect();
    let mut scores = HashMap::new();
    if stamp.is_some() && !ids.is_empty() {
        let of_page = ScoreQuery {
            customer_ids: Some(ids),
            limit: PER_PAGE,
            ..ScoreQuery::default()
        };
        for score in tenant.scores().query(&of_page).await?.scores {
            scores.insert(score.customer_id.clone(), score);
        }
    }
    let base = format!("/c/{}/customers", encode(company));
    let next = found.next.map_or(String::new(), |after| {
        format!("{base}?prefix={}&after={}", encode(&prefix), encode(&after))
    });
    let total = tenant.customers().count_customers().await?;
    page(&CustomersPage {
        layout: Layout::new(&app, &visitor, "Customers", "customers"),
        rows: found
            .customers
            .iter()
            .map(|record| CustomerLine::new(company, record, &scores))
            .collect(),
        job: if total == 0 {
            last_job(&app, company).await?
        } else {
            None
        },
        stamp,
        base,
        prefix,
        total,
        next,
    })
}

pub async fn customer(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    Path((_, customer)): Path<(String, String)>,
) -> Result<Response> {
    let tenant = app.store.tenant(&visitor.member()?.company.company_id);
    if customer.contains('\0') {
        return Err(Problem::not_found());
    }
    let versions = tenant.customers().of_customer(&customer).await?;
    if versions.is_empty() {
        return Err(Problem::not_found());
    }
    let mut events = vec![];
    for kind in [RecordKind::Payments, RecordKind::Tickets, RecordKind::Activities] {
        events.push((kind, tenant.table(kind).of_customer(&customer).await?));
    }
    let history = tenant.scores().history(&customer, 60).await?;
    let outcomes = tenant.outcomes().of_customer(&customer).await?;
    page(&CustomerPage::new(
        Layout::new(&app, &visitor, "Customer", "customers"),
        Stamp::of(&tenant).await?,
        &customer,
        &versions,
        &events,
        &history,
        &outcomes,
    ))
}
