//! Tests every route for every kind of client: a client that is not logged in, an account with each role, and an
//! account of another company.

use churn_platform::repositories::jobs::NewJob;
use churn_platform::router::routes;

use crate::site::{Answer, Client, Site};

/// The e-mail addresses of the clients, in the order of the statuses in `EXPECTED`. The first client is not logged in.
const CLIENTS: [&str; 6] = [
    "",
    "viewer@demo.example",
    "analyst@demo.example",
    "admin@demo.example",
    "owner@demo.example",
    "harbor@demo.example", // a member of t002 only
];

/// The expected HTTP status of each route for each client. In the paths, `{company}` is replaced by `t001`.
const EXPECTED: [(&str, &str, [u16; 6]); 20] = [
    ("GET", "/healthz", [200, 200, 200, 200, 200, 200]),
    ("GET", "/readyz", [200, 200, 200, 200, 200, 200]),
    ("GET", "/static/main.css", [200, 200, 200, 200, 200, 200]),
    ("GET", "/login", [200, 303, 303, 303, 303, 303]),
    ("POST", "/login", [403, 403, 403, 403, 403, 403]), // without the token of the login form
    ("POST", "/logout", [401, 303, 303, 303, 303, 303]),
    ("GET", "/", [401, 303, 303, 303, 303, 303]),
    ("GET", "/companies", [401, 200, 200, 200, 200, 200]),
    ("POST", "/companies", [401, 303, 303, 303, 303, 404]),
    ("GET", "/c/{company}/risk", [401, 200, 200, 200, 200, 404]),
    ("GET", "/c/{company}/customers", [401, 200, 200, 200, 200, 404]),
    (
        "GET",
        "/c/{company}/customers/{customer}",
        [401, 200, 200, 200, 200, 404],
    ),
    ("GET", "/c/{company}/models", [401, 200, 200, 200, 200, 404]),
    ("GET", "/c/{company}/models/{model}", [401, 200, 200, 200, 200, 404]),
    (
        "POST",
        "/c/{company}/models/{model}/promote",
        [401, 403, 403, 303, 303, 404],
    ),
    ("GET", "/c/{company}/jobs", [401, 200, 200, 200, 200, 404]),
    ("POST", "/c/{company}/jobs/score", [401, 403, 303, 303, 303, 404]),
    ("POST", "/c/{company}/jobs/train", [401, 403, 403, 303, 303, 404]),
    ("POST", "/c/{company}/jobs/{job}/cancel", [401, 403, 303, 303, 303, 404]),
    ("GET", "/c/{company}/data", [401, 200, 200, 200, 200, 404]),
];

/// Returns the ids of a customer, a model and a job that exist in a company.
async fn ids(site: &Site, company: &str) -> [(&'static str, String); 3] {
    let tenant = site.app.store.tenant(company);
    let run = tenant.scores().query(&Default::default()).await.unwrap();
    let job = site.app.control.jobs_of(company, 1).await.unwrap().remove(0);
    [
        ("{customer}", run.scores[0].customer_id.clone()),
        ("{model}", run.run.model_id.clone()),
        ("{job}", job.job_id),
    ]
}

fn fill(path: &str, company: &str, ids: &[(&str, String)]) -> String {
    let mut path = path.replace("{company}", company);
    for (name, id) in ids {
        path = path.replace(name, id);
    }
    path
}

async fn call(site: &Site, method: &str, path: &str, client: &Client, company: &str) -> Answer {
    match method {
        "GET" => site.get(path, client).await,
        "POST" => site.post(path, client, &[("company", company)]).await,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_route_answers_every_client_as_the_table_says() {
    let site = Site::new().await;
    let ids = ids(&site, "t001").await;
    let mut seen = 0;
    for route in routes() {
        let expected = EXPECTED
            .iter()
            .find(|(method, path, _)| (*method, *path) == (route.method, route.path));
        let Some((method, path, statuses)) = expected else {
            panic!(
                "{} {} is not in the table: state who may use it",
                route.method, route.path
            );
        };
        seen += 1;
        for (email, status) in CLIENTS.into_iter().zip(statuses) {
            let client = match email {
                "" => Client::default(),
                email => site.client(email).await,
            };
            let answer = call(&site, method, &fill(path, "t001", &ids), &client, "t001").await;
            assert_eq!(answer.status, *status, "{method} {path} for '{email}': {}", answer.body);
            assert!(
                answer
                    .header("content-security-policy")
                    .starts_with("default-src 'none'"),
                "{method} {path}"
            );
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{method} {path}");
            let kept = answer.header("cache-control");
            assert_eq!(
                kept == "no-store",
                *path != "/static/main.css",
                "{method} {path}: {kept}"
            );
            assert_eq!(answer.header("x-request-id").len(), 16);
        }
    }
    assert_eq!(seen, EXPECTED.len(), "the table has routes that the router has not");
}

/// The response for an object of another company must equal the response for an unknown object: the same bytes and the
/// same headers, except the request id.
#[tokio::test]
async fn unknown_and_foreign_ids_give_equal_bytes() {
    let site = Site::new().await;
    let foreign = ids(&site, "t002").await;
    let unknown = [
        ("{customer}", "c9999999".to_owned()),
        ("{model}", "0".repeat(64)),
        ("{job}", "0".repeat(32)),
    ];
    // The synthetic companies use the same customer ids. The test therefore adds a customer whose id exists only in the
    // company t002.
    let customer = churn_core::Customer::new("only-in-t002", "2024-01-01".parse().unwrap());
    site.app
        .store
        .tenant("t002")
        .customers()
        .upsert(vec![customer])
        .await
        .unwrap();
    let foreign: Vec<_> = foreign
        .into_iter()
        .map(|(name, id)| {
            (
                name,
                if name == "{customer}" {
                    "only-in-t002".to_owned()
                } else {
                    id
                },
            )
        })
        .collect();
    let compare = |one: Answer, other: Answer, what: &str| {
        assert_eq!((one.status, other.status), (404, 404), "{what}");
        assert_eq!(one.body, other.body, "{what}");
        let without_id = |answer: &Answer| {
            let mut headers = answer.headers.clone();
            headers.remove("x-request-id");
            headers
        };
        assert_eq!(without_id(&one), without_id(&other), "{what}");
    };
    let owner = site.client("owner@demo.example").await;
    let analyst = site.client("analyst@demo.example").await;
    let mut compared = 0;
    for route in routes().iter().filter(|route| route.path.starts_with("/c/")) {
        let own = ids(&site, "t001").await;
        // The account is not a member of the first company, and the second company does not exist.
        let path = |company| fill(route.path, company, &own);
        let one = call(&site, route.method, &path("t003"), &analyst, "t003").await;
        let other = call(&site, route.method, &path("nobody"), &analyst, "nobody").await;
        compare(one, other, route.path);
        // The pages for browsers must be equal too.
        if route.method == "GET" {
            let one = site.page(&path("t003"), &analyst).await;
            let other = site.page(&path("nobody"), &analyst).await;
            compare(one, other, route.path);
        }
        if route.path.matches('{').count() == 2 {
            let one = call(&site, route.method, &fill(route.path, "t001", &foreign), &owner, "t001").await;
            let other = call(&site, route.method, &fill(route.path, "t001", &unknown), &owner, "t001").await;
            compare(one, other, route.path);
            compared += 1;
        }
    }
    assert_eq!(compared, 4);
    let one = site.post("/companies", &analyst, &[("company", "t003")]).await;
    let other = site.post("/companies", &analyst, &[("company", "nobody")]).await;
    compare(one, other, "POST /companies");
}

/// A form is refused if another site sent it, if it has no token, or if it has the token of another session.
#[tokio::test]
async fn forms_of_other_sites_change_nothing() {
    use axum::body::Body;
    use axum::http::header;

    let site = Site::new().await;
    let ids = ids(&site, "t001").await;
    let owner = site.client("owner@demo.example").await;
    let other = site.client("owner@demo.example").await;
    let job = NewJob {
        company_id: "t001",
        kind: "none",
        unique_key: "none",
        payload: String::new(),
        created_by: "test",
    };
    site.app.control.enqueue(&job, i64::MAX / 2).await.unwrap();
    let before = site.app.control.unfinished().await.unwrap();
    for route in routes().iter().filter(|route| route.method == "POST") {
        let path = fill(route.path, "t001", &ids);
        let good = || crate::site::post(&path, &owner, &[("company", "t001")]);
        let changed = |change: &dyn Fn(&mut axum::http::HeaderMap)| {
            let mut request = good();
            change(request.headers_mut());
            request
        };
        let set = |headers: &mut axum::http::HeaderMap, name: &'static str, value: &'static str| {
            headers.insert(name, header::HeaderValue::from_static(value));
        };
        let requests = [
            ("cross-site", changed(&|h| set(h, "sec-fetch-site", "cross-site"))),
            ("same-site", changed(&|h| set(h, "sec-fetch-site", "same-site"))),
            (
                "another origin",
                changed(&|h| {
                    h.remove("sec-fetch-site");
                    set(h, "origin", "http://127.0.0.1:8081");
                }),
            ),
            (
                "null origin",
                changed(&|h| {
                    h.remove("sec-fetch-site");
                    set(h, "origin", "null");
                }),
            ),
            ("no token", {
                let mut request = good();
                *request.body_mut() = Body::from("company=t001");
                request
            }),
            ("empty token", {
                let mut request = good();
                *request.body_mut() = Body::from("form_token=&company=t001");
                request
            }),
            ("another session's token", {
                let mut request = good();
                *request.body_mut() = Body::from(format!("form_token={}&company=t001", other.token));
                request
            }),
        ];
        for (what, request) in requests {
            let answer = site.send(request).await;
            assert_eq!(answer.status, 403, "{path}: {what}: {}", answer.body);
            assert!(answer.body.contains("forged_request"), "{path}: {what}");
        }
        let json = changed(&|h| set(h, "content-type", "application/json"));
        assert_eq!(site.send(json).await.status, 415, "{path}");
    }
    assert_eq!(site.app.control.unfinished().await.unwrap(), before);
    assert_eq!(
        site.get("/companies", &owner).await.status,
        200,
        "the session was not ended"
    );
}
