//! Gives every request an id, and logs the status and the duration of the request. The log contains no names,
//! addresses, query strings or customer ids.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::clock;

#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The route of a request, such as `/c/{company}/risk`.
#[derive(Clone, Debug)]
pub struct Route(pub String);

pub async fn request_id(State(_): State<App>, mut request: Request, next: Next) -> Response {
    let id = clock::random_hex::<8>().unwrap_or_default();
    let method = request.method().clone();
    request.extensions_mut().insert(RequestId(id.clone()));
    let begin = Instant::now();
    let mut response = next.run(request).await;
    let route = response
        .extensions()
        .get::<Route>()
        .map_or("", |Route(route)| route.as_str())
        .to_owned();
    let (status, millis) = (response.status().as_u16(), begin.elapsed().as_millis() as u64);
    tracing::info!(request = id, %method, route, status, millis, "request");
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

/// Stores the request's route in the response. Only layers inside the router know the route, and the log needs it.
pub async fn note_route(request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(Route(route));
    }
    response
}
