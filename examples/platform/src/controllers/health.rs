//! Serves the style sheet, and the health checks for load balancers and process supervisors.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use crate::app::App;
use crate::error::{Problem, Result};

/// Reports that the process is alive. Does not use the databases.
pub async fn live() -> &'static str {
    "alive\n"
}

/// Reports whether the process can serve requests. This is the case if both databases answer and are migrated, and no
/// shutdown has begun.
pub async fn ready(State(app): State<App>) -> Result<&'static str> {
    if app.is_draining() {
        return Err(Problem::new(503, "draining", "The process ends."));
    }
    app.control.ping().await?;
    app.store.ping().await?;
    let outdated = |what| Problem::new(503, "store_not_migrated", format!("{what} is not migrated"));
    if app.control.version().await? != crate::repositories::ControlPlane::newest_version() {
        return Err(outdated("the control plane"));
    }
    if app.store.version().await? == 0 {
        return Err(outdated("the store"));
    }
    Ok("ready\n")
}

pub async fn style() -> Response {
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    let keep = HeaderValue::from_static("public, max-age=300");
    let css = include_str!("../../static/main.css");
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, keep)], css).into_response()
}
