//! The types whose fields the templates show. Askama checks the templates at compile time, and escapes all text.

pub mod customer;
pub mod format;
pub mod model_card;

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use churn_store::{StoredRecord, StoredScore, TenantStore};

use crate::app::App;
use crate::error::{Result, advice};
use crate::middleware::guard::Visitor;
use crate::repositories::jobs::Job;
use crate::services::company::{self, latest_run};
use crate::views::format::{Number, encode, moment, moment_of, short};

/// The parts that all pages of a logged-in account share, such as the title and the navigation links.
pub struct Layout {
    pub title: &'static str,
    pub account: String,
    pub company: String,
    pub role: &'static str,
    pub links: Vec<NavLink>,
    pub form_token: String,
    pub several_companies: bool,
    pub demo: bool,
    pub plain_cookie: bool,
}

pub struct NavLink {
    pub href: String,
    pub text: &'static str,
    pub current: bool,
}

impl Layout {
    pub fn new(app: &App, visitor: &Visitor, title: &'static str, current: &str) -> Self {
        let member = visitor.member.as_ref();
        let pages = [
            ("risk", "High risk"),
            ("customers", "Customers"),
            ("models", "Model"),
            ("jobs", "Jobs"),
            ("data", "Data"),
        ];
        let links = member.map_or(vec![], |member| {
            let base = format!("/c/{}", encode(&member.company.company_id));
            let link = |(path, text): (&str, &'static str)| NavLink {
                href: format!("{base}/{path}"),
                text,
                current: path == current,
            };
            pages.into_iter().map(link).collect()
        });
        Self {
            title,
            account: visitor
                .signed_in
                .as_ref()
                .map_or(String::new(), |signed_in| signed_in.account.name.clone()),
            company: member.map_or(String::new(), |member| member.company.name.clone()),
            role: member.map_or("", |member| member.role.as_str()),
            links,
            form_token: visitor.form_token.clone(),
            several_companies: visitor.companies.len() > 1,
            demo: app.settings.demo,
            plain_cookie: !app.settings.https,
        }
    }
}

/// The origin of the numbers on a page: the score run's date and model, and the end of the data.
#[derive(Clone, Debug)]
pub struct Stamp {
    pub as_of: String,
    pub saved_at: String,
    pub model: String,
    pub model_href: String,
    pub data_until: String,
    pub scored: u64,
    pub customers: u64,
    pub mean: Option<Number>,
}

impl Stamp {
    /// Describes the latest score run that is shown to users; `None` if there is no such run yet.
    pub async fn of(tenant: &TenantStore) -> Result<Option<Self>> {
        let Some(run) = latest_run(tenant).await? else {
            return Ok(None);
        };
        let settings = tenant.company().get().await?;
        let company = encode(tenant.tenant().as_str());
        Ok(Some(Self {
            as_of: moment(run.id.as_of),
            saved_at: moment(run.saved_at),
            model_href: format!("/c/{company}/models/{}", encode(&run.id.model_id)),
            model: short(&run.id.model_id),
            data_until: company::date(&settings, company::OBSERVED_UNTIL).map_or(String::new(), moment),
            scored: run.scored,
            customers: run.customers,
            mean: run.mean_probability.map(Number::percent),
        }))
    }
}

#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    pub title: &'a str,
    pub status: u16,
    pub code: &'a str,
    pub detail: &'a str,
    pub advice: &'a str,
    pub request: &'a str,
    pub demo: bool,
}

#[derive(Template)]
#[template(path = "auth/login.html")]
pub struct LoginPage {
    pub form_token: String,
    pub next: String,
    pub email: String,
    pub error: String,
    pub demo: bool,
    pub plain_cookie: bool,
    pub demo_password: String,
    pub accounts: Vec<DemoAccount>,
}

pub struct DemoAccount {
    pub email: String,
    pub roles: String,
}

#[derive(Template)]
#[template(path = "company/list.html")]
pub struct CompaniesPage {
    pub layout: Layout,
    pub companies: Vec<CompanyLine>,
}

pub struct CompanyLine {
    pub id: String,
    pub name: String,
    pub role: &'static str,
}

#[derive(Template)]
#[template(path = "predictions/high_risk.html")]
pub struct RiskPage {
    pub layout: Layout,
    pub stamp: Option<Stamp>,
    pub links: Vec<BandLink>,
    pub rows: Vec<RiskLine>,
    pub total: u64,
    pub next: String,
    pub job: Option<JobLine>,
    pub may_score: bool,
}

pub struct BandLink {
    pub href: String,
    pub text: &'static str,
    pub current: bool,
}

pub struct RiskLine {
    pub id: String,
    pub href: String,
    pub probability: Number,
    pub low: Number,
    pub high: Number,
    pub band: &'static str,
    pub reason: String,
}

impl RiskLine {
    pub fn new(company: &str, score: &StoredScore) -> Self {
        let interval = score.interval;
        Self {
            href: format!("/c/{}/customers/{}", encode(company), encode(&score.customer_id)),
            id: score.customer_id.clone(),
            probability: score.probability.map(Number::percent).unwrap_or_default(),
            low: interval
                .map(|interval| Number::percent(interval.low))
                .unwrap_or_default(),
            high: interval
                .map(|interval| Number::percent(interval.high))
                .unwrap_or_default(),
            band: score.risk_band.map_or("", |band| band.as_str()),
            reason: score
                .reasons
                .first()
                .map(|reason| reason.text.clone())
                .unwrap_or_default(),
        }
    }
}

#[derive(Template)]
#[template(path = "predictions/customers.html")]
pub struct CustomersPage {
    pub layout: Layout,
    pub stamp: Option<Stamp>,
    pub base: String,
    pub prefix: String,
    pub rows: Vec<CustomerLine>,
    pub total: u64,
    pub next: String,
    pub job: Option<JobLine>,
}

pub struct CustomerLine {
    pub id: String,
    pub href: String,
    pub signed_up_at: String,
    pub churned_at: String,
    pub probability: Option<Number>,
    pub band: &'static str,
    pub not_scored: String,
}

impl CustomerLine {
    pub fn new(company: &str, record: &StoredRecord, scores: &HashMap<String, StoredScore>) -> Self {
        let id = customer::id_of(record);
        let score = scores.get(&id);
        Self {
            href: format!("/c/{}/customers/{}", encode(company), encode(&id)),
            signed_up_at: customer::shown(record, "signed_up_at"),
            churned_at: customer::shown(record, "churned_at"),
            probability: score.and_then(|score| score.probability).map(Number::percent),
            band: score.and_then(|score| score.risk_band).map_or("", |band| band.as_str()),
            not_scored: match score {
                Some(score) => customer::not_scored(score),
                None => "not in the latest run".to_owned(),
            },
            id,
        }
    }
}

#[derive(Template)]
#[template(path = "model/model.html")]
pub struct ModelPage {
    pub layout: Layout,
    pub stamp: Option<Stamp>,
    pub card: Option<model_card::ModelCard>,
    pub models: Vec<ModelLine>,
    pub may_train: bool,
}

pub struct ModelLine {
    pub short: String,
    pub href: String,
    pub stage: &'static str,
    pub saved_at: String,
    pub is_champion: bool,
}

#[derive(Template)]
#[template(path = "admin/jobs.html")]
pub struct JobsPage {
    pub layout: Layout,
    pub stamp: Option<Stamp>,
    pub jobs: Vec<JobLine>,
    pub unfinished: bool,
    pub may_score: bool,
    pub may_train: bool,
}

pub struct JobLine {
    pub id: String,
    pub kind: String,
    pub status: &'static str,
    pub stage: String,
    pub percent: u32,
    pub attempts: i64,
    pub created_at: String,
    pub created_by: String,
    pub finished_at: String,
    pub error: String,
    pub advice: &'static str,
    pub result: String,
    pub may_cancel: bool,
    pub unfinished: bool,
}

impl JobLine {
    pub fn new(job: &Job, names: &BTreeMap<String, String>, may_cancel: bool) -> Self {
        let code = job.error_code.as_deref();
        let error = job
            .error
            .as_deref()
            .map(|error| format!("{} ({error})", code.unwrap_or_default()));
        Self {
            id: job.job_id.clone(),
            kind: job.kind.clone(),
            status: match job.cancel_requested && job.status.is_unfinished() {
                true => "being cancelled",
                false => job.status.as_str(),
            },
            stage: job.stage.clone(),
            percent: (100.0 * job.progress.clamp(0.0, 1.0)) as u32,
            attempts: job.attempts,
            created_at: moment_of(job.created_at),
            created_by: names.get(&job.created_by).unwrap_or(&job.created_by).clone(),
            finished_at: job.finished_at.map(moment_of).unwrap_or_default(),
            error: error.unwrap_or_default(),
            advice: code.map_or("", advice),
            result: job.result.clone().unwrap_or_default(),
            may_cancel: may_cancel && job.status.is_unfinished() && !job.cancel_requested,
            unfinished: job.status.is_unfinished(),
        }
    }
}

#[derive(Template)]
#[template(path = "data/data.html")]
pub struct DataPage {
    pub layout: Layout,
    pub stamp: Option<Stamp>,
    pub tables: Vec<TableLine>,
    pub customers: u64,
    pub is_empty: bool,
    pub observed_from: String,
    pub observed_until: String,
    pub imported_at: String,
    pub revision: u64,
}

pub struct TableLine {
    pub name: &'static str,
    pub rows: u64,
}
