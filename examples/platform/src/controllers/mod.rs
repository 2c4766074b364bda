//! Controllers read an HTTP request, call services, and return a page. They contain no SQL and no business rules.

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

/// Renders a template as an HTML response.
fn page(template: &impl Template) -> Result<Response> {
    Ok(Html(template.render()?).into_response())
}

/// Returns a redirect, as the response to a submitted form. If the user then reloads the page, the browser does not
/// send the form again.
fn see(path: &str) -> Response {
    Redirect::to(path).into_response()
}
