//! Handlers that list the companies of an account, and let the account choose one of them.

use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Form};
use serde::Deserialize;

use crate::app::App;
use crate::controllers::{page, see};
use crate::error::{Problem, Result};
use crate::middleware::guard::Visitor;
use crate::services::auth;
use crate::views::format::encode;
use crate::views::{CompaniesPage, CompanyLine, Layout};

/// Redirects to the page of the company that the account last chose, or of the first company if the account has not
/// chosen one yet.
pub async fn home(Extension(visitor): Extension<Visitor>) -> Result<Response> {
    let last = visitor.account()?.session.company_id.as_deref();
    let known = visitor
        .companies
        .iter()
        .find(|company| Some(company.company_id.as_str()) == last);
    Ok(match known.or(visitor.companies.first()) {
        Some(company) => see(&format!("/c/{}/risk", encode(&company.company_id))),
        None => see("/companies"),
    })
}

pub async fn list(State(app): State<App>, Extension(visitor): Extension<Visitor>) -> Result<Response> {
    let account = &visitor.account()?.account;
    let mut companies = vec![];
    for company in &visitor.companies {
        let role = auth::role(&app, &account.account_id, &visitor.companies, &company.company_id).await?;
        if let Some(role) = role {
            companies.push(CompanyLine {
                id: company.company_id.clone(),
                name: company.name.clone(),
                role: role.as_str(),
            });
        }
    }
    page(&CompaniesPage {
        layout: Layout::new(&app, &visitor, "Companies", ""),
        companies,
    })
}

#[derive(Deserialize)]
pub struct Choice {
    company: String,
}

pub async fn switch(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    Form(choice): Form<Choice>,
) -> Result<Response> {
    let signed_in = visitor.account()?;
    let account = &signed_in.account.account_id;
    let role = auth::role(&app, account, &visitor.companies, &choice.company).await?;
    if role.is_none() {
        return Err(Problem::not_found());
    }
    app.control
        .choose_company(&signed_in.session.session_hash, &choice.company)
        .await?;
    Ok(see(&format!("/c/{}/risk", encode(&choice.company))))
}
