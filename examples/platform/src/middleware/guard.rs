//! Decides whether a request may use its route. The guard checks the session, the membership in the company, the role,
//! and the origin of a form.

use axum::Form;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest as _, RawPathParams, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use churn_store::Role;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::middleware::cookies::Cookie;
use crate::middleware::error_handler::wants_page;
use crate::repositories::accounts::CompanyName;
use crate::services::access::{Operation, allows};
use crate::services::auth::{self, SignedIn};
use crate::views::format::encode;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody may use the route.
    Open,
    /// Everybody may use the route. A submitted form must contain the token of the login form.
    Login,
    /// Every account that is logged in may use the route.
    Account,
    /// Members of the company that the path names may use the route, if their role allows the operation.
    Company(Operation),
}

/// The company that the path names, and the account's role in this company.
#[derive(Clone, Debug)]
pub struct Member {
    pub company: CompanyName,
    pub role: Role,
}

/// The sender of a request.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    pub signed_in: Option<SignedIn>,
    /// The secret from the session cookie; `None` if the request has no session cookie.
    pub secret: Option<String>,
    pub companies: Vec<CompanyName>,
    pub member: Option<Member>,
    /// The token that forms of this visitor must contain.
    pub form_token: String,
}

impl Visitor {
    /// # Errors
    /// `unauthenticated` if the visitor is not logged in.
    pub fn account(&self) -> Result<&SignedIn> {
        self.signed_in.as_ref().ok_or_else(Problem::unauthenticated)
    }

    /// # Errors
    /// `not_found` if the route's path names no company.
    pub fn member(&self) -> Result<&Member> {
        self.member.as_ref().ok_or_else(Problem::not_found)
    }

    pub fn may(&self, operation: Operation) -> bool {
        self.member
            .as_ref()
            .is_some_and(|member| allows(member.role, operation))
    }
}

/// The maximum size of a form in bytes.
const LARGEST_FORM: usize = 64 * 1024;

pub async fn guard(
    State((app, access)): State<(App, Access)>,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let settings = &app.settings;
    let mut visitor = Visitor {
        secret: Cookie::Session.read(request.headers(), settings),
        ..Visitor::default()
    };
    if access != Access::Open
        && let Some(secret) = &visitor.secret
    {
        visitor.signed_in = auth::session(&app, secret).await?;
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match access {
        Access::Open => {}
        Access::Login => visitor.form_token = login_token(request.headers(), &app),
        Access::Account | Access::Company(_) => {
            let (Some(signed_in), Some(secret)) = (&visitor.signed_in, &visitor.secret) else {
                if reads && wants_page(request.headers()) {
                    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
                    return Ok(Redirect::to(&format!("/login?next={}", encode(path))).into_response());
                }
                return Err(Problem::unauthenticated());
            };
            visitor.form_token = auth::form_token(secret);
            visitor.companies = app.control.companies_of(&signed_in.account.account_id).await?;
            if let Access::Company(operation) = access {
                let wanted = params
                    .iter()
                    .find(|(name, _)| *name == "company")
                    .map(|(_, id)| id.to_owned());
                let member = match wanted {
                    Some(id) => member(&app, &visitor, &id).await?,
                    None => None,
                };
                // The response is the same whether the company does not exist or the account is not a member of it.
                let member = member.ok_or_else(Problem::not_found)?;
                if !allows(member.role, operation) {
                    return Err(Problem::forbidden());
                }
                visitor.member = Some(member);
            }
        }
    }
    if !reads {
        request = check_form(request, &visitor).await?;
    }
    request.extensions_mut().insert(visitor);
    Ok(next.run(request).await)
}

async fn member(app: &App, visitor: &Visitor, company_id: &str) -> Result<Option<Member>> {
    let account = &visitor.account()?.account;
    let role = auth::role(app, &account.account_id, &visitor.companies, company_id).await?;
    let company = visitor
        .companies
        .iter()
        .find(|company| company.company_id == company_id);
    Ok(role.zip(company).map(|(role, company)| Member {
        company: company.clone(),
        role,
    }))
}

/// Returns the token of the login form. The token is empty if the browser has not opened the form.
fn login_token(headers: &HeaderMap, app: &App) -> String {
    let secret = Cookie::Login.read(headers, &app.settings);
    secret.map_or(String::new(), |secret| auth::form_token(&secret))
}

/// Checks that a form was sent by a page of this platform.
async fn check_form(request: Request, visitor: &Visitor) -> Result<Request> {
    let forged = || {
        Problem::new(
            403,
            "forged_request",
            "The form was not sent by a page of this platform, or it is too old.",
        )
    };
    if !same_origin(request.headers()) {
        return Err(forged());
    }
    let (parts, body) = request.into_parts();
    let too_large = |_| Problem::new(413, "too_large", "The form is too large.");
    let bytes = to_bytes(body, LARGEST_FORM).await.map_err(too_large)?;
    let copy = Request::from_parts(parts.clone(), Body::from(bytes.clone()));
    let form = Form::<Vec<(String, String)>>::from_request(copy, &()).await;
    let Form(fields) = form.map_err(|e| match e.into_response().status().as_u16() {
        415 => Problem::new(
            415,
            "unsupported_type",
            "Send a form (application/x-www-form-urlencoded).",
        ),
        _ => Problem::new(400, "malformed_request", "The form is malformed."),
    })?;
    let token = fields
        .iter()
        .find(|(name, _)| name == "form_token")
        .map(|(_, token)| token.as_str());
    let known = !visitor.form_token.is_empty();
    match token.is_some_and(|token| known && auth::equal(token, &visitor.form_token)) {
        true => Ok(Request::from_parts(parts, Body::from(bytes))),
        false => Err(forged()),
    }
}

/// Returns whether the request was sent by a page of this origin, according to the headers `Sec-Fetch-Site` and
/// `Origin`. Browsers send at least one of them with a form.
fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    match (text("origin"), text(header::HOST.as_str())) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, of)| of == host),
        (Some(_), None) => false,
    }
}
