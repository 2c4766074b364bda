//! HTTP in, services, pages out. No SQL and no rules.

pub mod auth;
pub mod company;
pub mod data;
pub mod health;
pub mod jobs;
pub mod model;
pub mod predictions;

use askama::Template;
use axum::response::{Html, IntoResponse as _, Redirect, Response};

use crate::error::Result;

/// Renders a template.
fn page(template: &impl Template) -> Result<Response> {
    Ok(Html(template.render()?).into_response())
}

/// After a form: the browser gets a page, and a reload does not repeat the form.
fn see(path: &str) -> Response {
    Redirect::to(path).into_response()
}
