//! Handlers for logging in and logging out.

use axum::extract::{FromRequest as _, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Form};
use serde::Deserialize;

use crate::app::App;
use crate::clock;
use crate::controllers::{page, see};
use crate::error::{Problem, Result};
use crate::middleware::client_address::client_address;
use crate::middleware::cookies::Cookie;
use crate::middleware::error_handler::wants_page;
use crate::middleware::guard::Visitor;
use crate::services::{auth, demo};
use crate::views::{DemoAccount, LoginPage};

#[derive(Deserialize)]
pub struct NextPage {
    next: Option<String>,
}

/// Returns the path to which the browser is redirected after the login. A path that would lead to another host, such as
/// `//host` or `/\host`, is replaced by `/`.
fn local(next: Option<&str>) -> &str {
    let next = next.unwrap_or("/");
    let mut characters = next.chars();
    let local = characters.next() == Some('/')
        && !matches!(characters.next(), Some('/' | '\\'))
        && !next.chars().any(char::is_control);
    if local { next } else { "/" }
}

pub async fn form(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    Query(query): Query<NextPage>,
    headers: HeaderMap,
) -> Result<Response> {
    if visitor.signed_in.is_some() {
        return Ok(see("/"));
    }
    login_page(&app, &headers, local(query.next.as_deref()), "", None)
}

/// Renders the login form. The form contains a token that must match a cookie, so that another site cannot log the
/// browser in.
fn login_page(app: &App, headers: &HeaderMap, next: &str, email: &str, error: Option<&Problem>) -> Result<Response> {
    let secret = match Cookie::Login.read(headers, &app.settings) {
        Some(secret) => secret,
        None => clock::random_hex::<32>()?,
    };
    let settings = &app.settings;
    let accounts = demo::ACCOUNTS.iter().filter(|_| settings.demo);
    let view = LoginPage {
        form_token: auth::form_token(&secret),
        next: next.to_owned(),
        email: email.to_owned(),
        error: error
            .map(|problem| problem.public_detail().to_owned())
            .unwrap_or_default(),
        demo: settings.demo,
        plain_cookie: !settings.https,
        demo_password: if settings.demo {
            settings.demo_password.clone()
        } else {
            String::new()
        },
        accounts: accounts
            .map(|(email, _, roles)| DemoAccount {
                email: (*email).to_owned(),
                roles: demo::COMPANIES
                    .iter()
                    .zip(roles)
                    .filter_map(|((_, name), role)| Some(format!("{} of {name}", (*role)?.as_str())))
                    .collect::<Vec<_>>()
                    .join(", "),
            })
            .collect(),
    };
    let mut response = page(&view)?;
    if let Some(problem) = error {
        *response.status_mut() = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::UNAUTHORIZED);
        if let Some(seconds) = problem.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
    }
    response
        .headers_mut()
        .append(header::SET_COOKIE, Cookie::Login.set(Some(&secret), settings));
    Ok(response)
}

#[derive(Deserialize)]
pub struct Credentials {
    email: String,
    password: String,
    next: Option<String>,
}

pub async fn log_in(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let address = client_address(&parts, app.settings.trusted_proxies);
    let headers = parts.headers.clone();
    let form = Form::<Credentials>::from_request(Request::from_parts(parts, body), &()).await;
    let Form(form) = form.map_err(|_| {
        Problem::new(
            422,
            "invalid_option",
            "The form needs an e-mail address and a password.",
        )
    })?;
    let next = local(form.next.as_deref());
    let planted = visitor.secret.as_deref();
    match auth::log_in(&app, &form.email, &form.password, &address, planted).await {
        Ok(secret) => {
            let mut response = see(next);
            let headers = response.headers_mut();
            headers.append(header::SET_COOKIE, Cookie::Session.set(Some(&secret), &app.settings));
            headers.append(header::SET_COOKIE, Cookie::Login.set(None, &app.settings));
            Ok(response)
        }
        Err(problem) if problem.status < 500 && wants_page(&headers) => {
            login_page(&app, &headers, next, &form.email, Some(&problem))
        }
        Err(problem) => Err(problem),
    }
}

pub async fn log_out(State(app): State<App>, Extension(visitor): Extension<Visitor>) -> Result<Response> {
    auth::log_out(&app, visitor.account()?).await?;
    let mut response = see("/login");
    response
        .headers_mut()
        .append(header::SET_COOKIE, Cookie::Session.set(None, &app.settings));
    Ok(response.into_response())
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn the_login_leads_to_own_pages_only() {
        assert_eq!(local(Some("/c/t001/risk?band=high")), "/c/t001/risk?band=high");
        for elsewhere in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "",
            "/\t/evil.example",
            "c/t001",
        ] {
            assert_eq!(local(Some(elsewhere)), "/", "{elsewhere:?}");
        }
    }
}
