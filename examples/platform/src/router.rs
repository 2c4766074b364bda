//! The list of all routes, and the router with its middleware layers.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, get, post};

use crate::app::App;
use crate::controllers::{auth, company, data, health, jobs, model, predictions};
use crate::error::Problem;
use crate::middleware::error_handler::error_handler;
use crate::middleware::guard::{Access, guard};
use crate::middleware::headers::headers;
use crate::middleware::request_id::{note_route, request_id};
use crate::services::access::Operation;

/// A route: its method, its path and who may use it.
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub access: Access,
    handler: MethodRouter<App>,
}

/// Returns every route of the platform. The router is built only from this list, and the tests call every route in the
/// list.
pub fn routes() -> Vec<Route> {
    use Access::{Account, Company, Login, Open};
    use Operation::{Read, Score, Train};
    let route = |method, path, access, handler| Route {
        method,
        path,
        access,
        handler,
    };
    vec![
        route("GET", "/healthz", Open, get(health::live)),
        route("GET", "/readyz", Open, get(health::ready)),
        route("GET", "/static/main.css", Open, get(health::style)),
        route("GET", "/login", Login, get(auth::form)),
        route("POST", "/login", Login, post(auth::log_in)),
        route("POST", "/logout", Account, post(auth::log_out)),
        route("GET", "/", Account, get(company::home)),
        route("GET", "/companies", Account, get(company::list)),
        route("POST", "/companies", Account, post(company::switch)),
        route("GET", "/c/{company}/risk", Company(Read), get(predictions::high_risk)),
        route(
            "GET",
            "/c/{company}/customers",
            Company(Read),
            get(predictions::customers),
        ),
        route(
            "GET",
            "/c/{company}/customers/{customer}",
            Company(Read),
            get(predictions::customer),
        ),
        route("GET", "/c/{company}/models", Company(Read), get(model::champion)),
        route("GET", "/c/{company}/models/{model}", Company(Read), get(model::card)),
        route(
            "POST",
            "/c/{company}/models/{model}/promote",
            Company(Train),
            post(model::promote),
        ),
        route("GET", "/c/{company}/jobs", Company(Read), get(jobs::list)),
        route("POST", "/c/{company}/jobs/score", Company(Score), post(jobs::score)),
        route("POST", "/c/{company}/jobs/train", Company(Train), post(jobs::train)),
        route(
            "POST",
            "/c/{company}/jobs/{job}/cancel",
            Company(Score),
            post(jobs::cancel),
        ),
        route("GET", "/c/{company}/data", Company(Read), get(data::counts)),
    ]
}

/// Builds the router and its middleware layers.
pub fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let guarded = from_fn_with_state((app.clone(), route.access), guard);
        router = router.route(route.path, route.handler.route_layer(guarded));
    }
    router
        .route_layer(from_fn(note_route))
        .fallback(|| async { Problem::not_found() })
        // The layer that is added last is the outermost layer.
        .layer(from_fn_with_state(app.clone(), error_handler))
        .layer(from_fn_with_state(app.clone(), headers))
        .layer(from_fn_with_state(app.clone(), request_id))
        .with_state(app)
}
