//! Tests of logins, sessions, rate limits, cookies, errors, and pages of companies without data.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use churn_platform::jobs::work_off;
use churn_platform::repositories::accounts::{Account, CompanyName};
use churn_store::{Role, User};

use crate::site::{Client, PASSWORD, Site};

#[tokio::test]
async fn log_in_use_and_log_out() {
    let site = Site::new().await;
    let anonymous = Client::default();
    let answer = site.page("/c/t001/risk?band=high", &anonymous).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, "/login?next=%2Fc%2Ft001%2Frisk%3Fband%3Dhigh")
    );

    let (answer, client) = site.log_in("Owner@Demo.Example ", PASSWORD).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/"));
    let home = site.page("/", &client).await;
    assert_eq!(
        (home.status, home.header("location")),
        (303, "/c/t002/risk"),
        "the first by name"
    );
    let page = site.page("/c/t001/risk", &client).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Northwind Software") && page.body.contains("Olga Owner (owner)"));
    assert!(page.body.contains("Scored as of"));

    let answer = site.post("/logout", &client, &[]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/login"));
    assert!(answer.cookies()[0].ends_with("Max-Age=0"));
    assert_eq!(
        site.get("/c/t001/risk", &client).await.status,
        401,
        "the session has ended on the server"
    );
}

#[tokio::test]
async fn the_company_that_was_chosen_last_is_the_first_page() {
    let site = Site::new().await;
    let client = site.client("owner@demo.example").await;
    let list = site.page("/companies", &client).await;
    for name in ["Northwind Software", "Harbor Analytics", "Juniper Desk"] {
        assert!(list.body.contains(name));
    }
    let answer = site.post("/companies", &client, &[("company", "t003")]).await;
    assert_eq!(answer.header("location"), "/c/t003/risk");
    assert_eq!(site.page("/", &client).await.header("location"), "/c/t003/risk");
}

#[tokio::test]
async fn the_login_does_not_tell_whether_an_account_exists() {
    let site = Site::new().await;
    let mut bodies = vec![];
    for email in ["owner@demo.example", "nobody@demo.example"] {
        let before = site.app.passwords.verified();
        let (answer, client) = site.log_in(email, "a wrong password").await;
        assert_eq!(
            site.app.passwords.verified(),
            before + 1,
            "both take the time of one hash"
        );
        assert_eq!(answer.status, 401);
        assert_eq!(client.cookie, "");
        bodies.push(answer.body);
    }
    assert_eq!(bodies[0], bodies[1]);
    assert!(bodies[0].contains("wrong_credentials"));
}

#[tokio::test]
async fn a_login_begins_a_new_session_and_ends_a_planted_one() {
    let site = Site::new().await;
    let planted = site.client("viewer@demo.example").await;
    let form = site.page("/login", &Client::default()).await;
    let cookie = form.cookies()[0].split(';').next().unwrap();
    let token = form
        .body
        .split("name=\"form_token\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let client = Client {
        cookie: format!("{cookie}; {}", planted.cookie),
        token: token.to_owned(),
    };
    let fields = [("email", "owner@demo.example"), ("password", PASSWORD)];
    let answer = site.post("/login", &client, &fields).await;
    assert_eq!(answer.status, 303);
    assert!(
        !answer
            .cookies()
            .iter()
            .any(|cookie| cookie.starts_with(&planted.cookie))
    );
    assert_eq!(site.get("/companies", &planted).await.status, 401);
}

#[tokio::test]
async fn sessions_end_when_idle_and_in_any_case() {
    let site = Site::with("session_idle_minutes = 10\nsession_hours = 1").await;
    let client = site.client("owner@demo.example").await;
    for _ in 0..6 {
        assert_eq!(site.get("/companies", &client).await.status, 200);
        site.app.clock.advance(Duration::from_secs(9 * 60));
    }
    assert_eq!(
        site.get("/companies", &client).await.status,
        200,
        "54 minutes, never idle"
    );
    site.app.clock.advance(Duration::from_secs(7 * 60));
    assert_eq!(site.get("/companies", &client).await.status, 401, "an hour");
    let client = site.client("owner@demo.example").await;
    site.app.clock.advance(Duration::from_secs(11 * 60));
    assert_eq!(site.get("/companies", &client).await.status, 401, "idle");
}

#[tokio::test]
async fn attempts_to_log_in_are_limited_per_account_and_per_address() {
    let site = Site::with("login_burst = 2").await;
    for _ in 0..2 {
        assert_eq!(site.log_in("owner@demo.example", "wrong").await.0.status, 401);
    }
    let (answer, _) = site.log_in("owner@demo.example", PASSWORD).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "60"));
    assert_eq!(
        site.log_in("admin@demo.example", PASSWORD).await.0.status,
        303,
        "another account"
    );
    site.app.clock.advance(Duration::from_secs(61));
    assert_eq!(
        site.log_in("owner@demo.example", PASSWORD).await.0.status,
        303,
        "a minute later"
    );
    // A client address may try 20 logins at once, and after that one login every six seconds.
    let mut refused = 0;
    for number in 0..40 {
        let (answer, _) = site.log_in(&format!("nobody{number}@demo.example"), "wrong").await;
        refused += usize::from(answer.status == 429);
    }
    assert!((15..=25).contains(&refused), "{refused}");
}

#[tokio::test]
async fn cookies_are_host_bound_and_secure_over_https_and_plain_only_in_demo_mode() {
    let plain = Site::new().await;
    let (answer, _) = plain.log_in("owner@demo.example", PASSWORD).await;
    let cookie = answer.cookies()[0].to_owned();
    assert!(
        cookie.starts_with("churn_session=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    assert_eq!(answer.header("strict-transport-security"), "");
    let login = plain.page("/login", &Client::default()).await;
    assert!(login.body.contains("plain http") && login.body.contains(PASSWORD));

    let secure = Site::with("demo = false\npublic_url = \"https://churn.example\"").await;
    let (answer, client) = secure.log_in("owner@demo.example", PASSWORD).await;
    let cookie = answer.cookies()[0].to_owned();
    assert!(cookie.starts_with("__Host-churn_session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    assert!(answer.header("strict-transport-security").starts_with("max-age="));
    assert_eq!(secure.get("/companies", &client).await.status, 200);
    let login = secure.page("/login", &Client::default()).await;
    assert!(!login.body.contains("plain http") && !login.body.contains(PASSWORD));
    // A cookie without the prefix `__Host-` is not read, because another host of the same domain could have set it.
    let renamed = Client {
        cookie: client.cookie.replace("__Host-", ""),
        ..client
    };
    assert_eq!(secure.get("/companies", &renamed).await.status, 401);
}

#[tokio::test]
async fn a_changed_role_holds_from_the_next_request_on() {
    let site = Site::new().await;
    let client = site.client("admin@demo.example").await;
    assert_eq!(site.post("/c/t001/jobs/train", &client, &[]).await.status, 303);
    let users = site.app.store.tenant("t001").users();
    let mut user = users.by_email("admin@demo.example").await.unwrap().unwrap();
    user.role = Role::Viewer;
    users.upsert(&user).await.unwrap();
    assert_eq!(site.post("/c/t001/jobs/train", &client, &[]).await.status, 403);
    assert!(!site.page("/c/t001/jobs", &client).await.body.contains("Train a model"));
    users.remove(&user.user_id).await.unwrap();
    assert_eq!(site.get("/c/t001/jobs", &client).await.status, 404);
}

#[tokio::test]
async fn people_get_pages_and_programs_get_problem_json() {
    let site = Site::new().await;
    let client = site.client("viewer@demo.example").await;
    let page = site.page("/c/t001/customers/unknown", &client).await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (404, "text/html; charset=utf-8")
    );
    assert!(page.body.contains("<h1>Not found</h1>") && page.body.contains("<code>not_found</code>"));
    let json = site.get("/c/t001/customers/unknown", &client).await;
    assert_eq!(
        (json.status, json.header("content-type")),
        (404, "application/problem+json")
    );
    let problem: serde_json::Value = serde_json::from_str(&json.body).unwrap();
    assert_eq!(
        (problem["type"].as_str(), problem["status"].as_u64()),
        (Some("/problems/not_found"), Some(404))
    );
    // For an invalid argument, the response contains the library's error code and the name of the argument.
    let json = site.get("/c/t001/risk?band=purple", &client).await;
    let problem: serde_json::Value = serde_json::from_str(&json.body).unwrap();
    assert_eq!((json.status, problem["code"].as_str()), (422, Some("invalid_option")));
    assert_eq!(problem["column"].as_str(), Some("risk_band"), "{problem}");
    // Unknown paths, unsupported methods and malformed query strings also give errors.
    assert_eq!(site.get("/nothing", &client).await.status, 404);
    let delete = Request::delete("/c/t001/risk").body(Body::empty()).unwrap();
    let answer = site.send(delete).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (405, "application/problem+json")
    );
    assert_eq!(answer.header("allow"), "GET,HEAD");
    assert_eq!(site.get("/c/t001/risk?key=much&after=x", &client).await.status, 400);
}

#[tokio::test]
async fn server_errors_show_their_request_id_and_no_details() {
    let site = Site::new().await;
    let client = site.client("viewer@demo.example").await;
    site.app.store.close().await;
    for accept in ["text/html", "*/*"] {
        let request = Request::get("/c/t001/data")
            .header(header::COOKIE, &client.cookie)
            .header(header::ACCEPT, accept);
        let answer = site.send(request.body(Body::empty()).unwrap()).await;
        assert!(answer.status >= 500, "{}", answer.status);
        assert!(answer.body.contains(answer.header("x-request-id")), "{}", answer.body);
        assert!(
            !answer.body.contains("churn.db") && !answer.body.contains("pool"),
            "{}",
            answer.body
        );
    }
    assert_eq!(site.get("/healthz", &client).await.status, 200);
    assert_eq!(site.get("/readyz", &client).await.status, 503);
}

#[tokio::test]
async fn readiness_ends_when_the_shutdown_begins() {
    let site = Site::empty().await;
    assert_eq!(site.get("/readyz", &Client::default()).await.status, 200);
    site.app.drain();
    assert_eq!(site.get("/readyz", &Client::default()).await.status, 503);
    assert_eq!(site.get("/healthz", &Client::default()).await.status, 200);
}

#[tokio::test]
async fn a_company_without_data_has_pages_that_say_what_is_missing() {
    let site = Site::empty().await;
    let account = Account {
        account_id: "a1".to_owned(),
        email: "owner@demo.example".to_owned(),
        name: "Olga".to_owned(),
        password_hash: String::new(),
    };
    site.app.control.add_account(&account, 0).await.unwrap();
    let company = CompanyName {
        company_id: "new".to_owned(),
        name: "New Company".to_owned(),
    };
    site.app.control.add_company(&company, 0).await.unwrap();
    let client = site.client("owner@demo.example").await;
    assert!(
        site.page("/companies", &client)
            .await
            .body
            .contains("Your account belongs to no company")
    );
    site.app.control.add_member("a1", "new").await.unwrap();
    assert_eq!(site.get("/c/new/risk", &client).await.status, 404, "no role yet");
    let user = User {
        user_id: "a1".to_owned(),
        email: account.email.clone(),
        name: None,
        role: Role::Owner,
    };
    site.app.store.tenant("new").users().upsert(&user).await.unwrap();
    for (page, text) in [
        ("risk", "No scores yet"),
        ("customers", "No scores yet"),
        ("models", "No model in use"),
        ("jobs", "No job has run yet"),
        ("data", "No records"),
    ] {
        let answer = site.page(&format!("/c/new/{page}"), &client).await;
        assert_eq!(answer.status, 200, "{page}");
        assert!(answer.body.contains(text), "{page}: {}", answer.body);
    }
    // The page of a failed job says why the job failed, and what the user can do.
    site.post("/c/new/jobs/score", &client, &[]).await;
    assert!(
        site.page("/c/new/risk", &client)
            .await
            .body
            .contains("A job of kind score is waiting")
    );
    work_off(&site.app).await.unwrap();
    let page = site.page("/c/new/jobs", &client).await;
    assert!(
        page.body.contains("no_model") && page.body.contains("Train a model first."),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn a_trained_challenger_is_promoted_and_used() {
    let site = Site::new().await;
    let client = site.client("admin@demo.example").await;
    site.post("/c/t001/jobs/train", &client, &[]).await;
    work_off(&site.app).await.unwrap();
    let tenant = site.app.store.tenant("t001");
    let models = tenant.models().list().await.unwrap();
    assert_eq!(models.len(), 2);
    let challenger = models
        .iter()
        .find(|model| model.stage.as_str() == "challenger")
        .unwrap();
    let page = site.page(&format!("/c/t001/models/{}", challenger.id), &client).await;
    assert!(page.body.contains("(challenger)") && page.body.contains("Use this model"));
    let answer = site
        .post(&format!("/c/t001/models/{}/promote", challenger.id), &client, &[])
        .await;
    assert_eq!(answer.status, 303);
    let champion = tenant.models().champion().await.unwrap().unwrap();
    assert_eq!(champion.id(), challenger.id);
    site.post("/c/t001/jobs/score", &client, &[]).await;
    work_off(&site.app).await.unwrap();
    let page = site.page("/c/t001/risk", &client).await;
    assert!(page.body.contains(&challenger.id[..12]), "the list is of the new model");
    let audit = tenant.audit().query(&Default::default()).await.unwrap();
    let actions: Vec<&str> = audit
        .entries
        .iter()
        .map(|entry| entry.action.as_str())
        .take(3)
        .collect();
    assert_eq!(actions, ["run.saved", "model.promoted", "model.trained"]);
}

#[tokio::test]
async fn a_restart_keeps_sessions_and_results() {
    let site = Site::new().await;
    let client = site.client("owner@demo.example").await;
    let before = site.page("/c/t001/risk", &client).await;
    let settings = site.app.settings.clone();
    site.app.close().await;
    let app = churn_platform::app::App::open(settings, Default::default())
        .await
        .unwrap();
    let again = site.reopened(app);
    let after = again.page("/c/t001/risk", &client).await;
    assert_eq!((after.status, after.body), (200, before.body));
}

#[tokio::test]
async fn the_server_listens_and_ends() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let site = Site::with("address = \"127.0.0.1:0\"\nworker = true").await;
    let server = churn_platform::commands::bind(site.app.clone()).await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("ready\n"),
        "{answer}"
    );
    let address = server.address;
    server.shut_down().await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

/// An account needs both a membership in the control plane and a role in the company's tenant. A role alone gives no
/// access.
#[tokio::test]
async fn a_role_without_a_membership_opens_nothing() {
    let site = Site::new().await;
    let client = site.client("viewer@demo.example").await;
    let account = site
        .app
        .control
        .account_by_email("viewer@demo.example")
        .await
        .unwrap()
        .unwrap();
    let user = User {
        user_id: account.account_id,
        email: account.email,
        name: None,
        role: Role::Owner,
    };
    site.app.store.tenant("t003").users().upsert(&user).await.unwrap();
    assert_eq!(site.get("/c/t003/risk", &client).await.status, 404);
    assert_eq!(
        site.post("/companies", &client, &[("company", "t003")]).await.status,
        404
    );
}
