//! The error handler for all requests. It renders an error as a page for browsers, and as `application/problem+json`
//! (RFC 9457) for programs.

use askama::Template as _;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

use crate::app::App;
use crate::error::Problem;
use crate::middleware::request_id::RequestId;
use crate::views::ErrorPage;

/// Returns whether the client accepts HTML, as browsers do.
pub fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

impl IntoResponse for Problem {
    /// Stores the problem in the response without rendering it. The error handler renders the problem later, because
    /// only the error handler knows the request.
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

pub async fn error_handler(State(app): State<App>, request: Request, next: Next) -> Response {
    let page = wants_page(request.headers());
    let id = request
        .extensions()
        .get::<RequestId>()
        .map_or(String::new(), |RequestId(id)| id.clone());
    // The request runs in a separate task, so that a panic becomes an error response.
    let response = match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        Err(error) => Problem::internal(format!("a controller panicked: {error}")).into_response(),
    };
    let status = response.status();
    let rendered = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if status.as_u16() < 400 || rendered {
        return response;
    }
    let problem = response.extensions().get::<Problem>().cloned();
    let problem = problem.unwrap_or_else(|| of_status(status));
    if status.is_server_error() {
        tracing::error!(
            request = id,
            code = problem.code,
            detail = problem.detail,
            "request failed"
        );
    }
    let mut answer = render(&app, &problem, page, &id);
    // The new response keeps the header `Allow` (of status 405) and the extensions of the original response. The route
    // is in these extensions.
    if let Some(allow) = response.headers().get(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, allow.clone());
    }
    if let Some(seconds) = problem.retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    *answer.extensions_mut() = response.extensions().clone();
    answer
}

/// Returns the problem for an error of the HTTP library itself, such as an unknown path, an unsupported method or a
/// malformed form.
fn of_status(status: StatusCode) -> Problem {
    match status.as_u16() {
        404 => Problem::not_found(),
        405 => Problem::new(405, "method_not_allowed", "This address does not support the method."),
        413 => Problem::new(413, "too_large", "The request is too large."),
        415 => Problem::new(
            415,
            "unsupported_type",
            "Send a form (application/x-www-form-urlencoded).",
        ),
        500.. => Problem::internal(status.to_string()),
        other => Problem::new(other, "malformed_request", "The request is malformed."),
    }
}

fn render(app: &App, problem: &Problem, page: bool, id: &str) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    // Only server errors show the request id. Other errors do not, so that the error for another company's object is
    // identical to the error for an unknown object.
    let instance = (problem.status >= 500).then_some(id);
    if page {
        let view = ErrorPage {
            title: problem.title(),
            status: problem.status,
            code: problem.code,
            detail: problem.public_detail(),
            advice: problem.advice(),
            request: instance.unwrap_or_default(),
            demo: app.settings.demo,
        };
        if let Ok(text) = view.render() {
            return (status, Html(text)).into_response();
        }
    }
    let mut body = json!({
        "type": format!("/problems/{}", problem.code),
        "title": problem.title(),
        "status": problem.status,
        "code": problem.code,
        "detail": problem.public_detail(),
        "advice": problem.advice(),
    });
    let more = [
        ("instance", instance.map(Into::into)),
        ("table", problem.table.map(Into::into)),
        ("row", problem.row.map(Into::into)),
        ("column", problem.column.clone().map(Into::into)),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    let kind = HeaderValue::from_static("application/problem+json");
    (status, [(header::CONTENT_TYPE, kind)], body.to_string()).into_response()
}
