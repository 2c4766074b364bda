//! A platform with demo data for tests, and clients that send requests to it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use churn_platform::app::App;
use churn_platform::clock::{self, Clock};
use churn_platform::config::{Given, Settings};
use churn_platform::jobs::work_off;
use churn_platform::router::router;
use churn_platform::services::{auth, demo};
use tower::ServiceExt as _;

pub(crate) const PASSWORD: &str = "demo churn password";

static FOLDERS: AtomicUsize = AtomicUsize::new(0);

/// A temporary folder, which is deleted when this value is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("churn-platform-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn settings(folder: &Path, more: &str) -> Settings {
    let file = format!(
        "data_dir = \"{}\"\ndemo_customers = 200\nthreads = 2\n{}{more}",
        folder.display(),
        if more.contains("worker =") {
            ""
        } else {
            "worker = false\n"
        }
    );
    Settings::new(&Given::merge(Some(&file), []).unwrap()).unwrap()
}

/// Returns a data folder with the three demo companies. The folder is created once per test run.
fn seeded() -> &'static Path {
    static SEEDED: OnceLock<Folder> = OnceLock::new();
    let made = SEEDED.get_or_init(|| {
        let folder = Folder::new();
        let settings = settings(folder.path(), "");
        let seed = async {
            let app = App::open(settings, Clock::default()).await.unwrap();
            assert!(demo::begin(&app).await.unwrap());
            assert!(!demo::begin(&app).await.unwrap(), "a second start seeds nothing");
            work_off(&app).await.unwrap();
            for (company, _) in demo::COMPANIES {
                for job in app.control.jobs_of(company, 10).await.unwrap() {
                    assert_eq!(job.status.as_str(), "done", "{company}: {:?}", job.error);
                }
            }
            app.close().await;
        };
        // A test already runs inside an async runtime, and a second runtime needs its own thread.
        std::thread::scope(|scope| {
            let run = || tokio::runtime::Runtime::new().unwrap().block_on(seed);
            scope.spawn(run).join().unwrap();
        });
        folder
    });
    made.path()
}

pub(crate) struct Site {
    pub(crate) app: App,
    router: Router,
    _folder: Option<Folder>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    pub(crate) cookie: String,
    pub(crate) token: String,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn cookies(&self) -> Vec<&str> {
        let all = self.headers.get_all(header::SET_COOKIE).iter();
        all.map(|cookie| cookie.to_str().unwrap()).collect()
    }
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// Creates a platform with a copy of the demo data. `more` contains additional settings in TOML.
    pub(crate) async fn with(more: &str) -> Self {
        let folder = Folder::new();
        let from = seeded().to_owned();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
        Self::open(folder, more).await
    }

    /// Creates a platform without companies and accounts.
    pub(crate) async fn empty() -> Self {
        Self::open(Folder::new(), "").await
    }

    async fn open(folder: Folder, more: &str) -> Self {
        let app = App::open(settings(folder.path(), more), Clock::default())
            .await
            .unwrap();
        Self {
            router: router(app.clone()),
            app,
            _folder: Some(folder),
        }
    }

    /// Wraps an `App` that was opened again on this site's folder, as after a restart.
    pub(crate) fn reopened(&self, app: App) -> Self {
        Self {
            router: router(app.clone()),
            app,
            _folder: None,
        }
    }

    pub(crate) fn https(&self) -> bool {
        self.app.settings.https
    }

    fn session_cookie(&self) -> &'static str {
        if self.https() {
            "__Host-churn_session"
        } else {
            "churn_session"
        }
    }

    /// Creates a client with a session of the account. The session is stored directly, without a login.
    pub(crate) async fn client(&self, email: &str) -> Client {
        let account = self.app.control.account_by_email(email).await.unwrap().unwrap();
        let secret = clock::random_hex::<32>().unwrap();
        let now = self.app.clock.micros();
        let ends = now + clock::micros(self.app.settings.session_life);
        let hash = auth::session_hash(&secret);
        self.app
            .control
            .add_session(&hash, &account.account_id, now, ends)
            .await
            .unwrap();
        Client {
            cookie: format!("{}={secret}", self.session_cookie()),
            token: auth::form_token(&secret),
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 10 << 20).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Sends a GET request as a program does: without the header `Accept`.
    pub(crate) async fn get(&self, path: &str, client: &Client) -> Answer {
        let request = Request::get(path).header(header::COOKIE, &client.cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Sends a GET request as a browser does.
    pub(crate) async fn page(&self, path: &str, client: &Client) -> Answer {
        let request = Request::get(path)
            .header(header::COOKIE, &client.cookie)
            .header(header::ACCEPT, "text/html,application/xhtml+xml");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, client: &Client, fields: &[(&str, &str)]) -> Answer {
        self.send(post(path, client, fields)).await
    }

    /// Logs in with the form, as a browser does. Returns the response and the logged-in client.
    pub(crate) async fn log_in(&self, email: &str, password: &str) -> (Answer, Client) {
        let form = self.page("/login", &Client::default()).await;
        assert_eq!(form.status, 200);
        let cookie = form.cookies()[0].split(';').next().unwrap().to_owned();
        let token = form.body.split("name=\"form_token\" value=\"").nth(1).unwrap();
        let token = token.split('"').next().unwrap().to_owned();
        let client = Client { cookie, token };
        let answer = self
            .post("/login", &client, &[("email", email), ("password", password)])
            .await;
        let session = answer
            .cookies()
            .into_iter()
            .find(|cookie| cookie.contains("churn_session"));
        let session = session.map(|cookie| cookie.split(';').next().unwrap().to_owned());
        let cookie = session.unwrap_or_default();
        let secret = cookie.split('=').nth(1).unwrap_or_default();
        let token = auth::form_token(secret);
        (answer, Client { cookie, token })
    }
}

/// Creates the request that a browser sends for a form of this platform.
pub(crate) fn post(path: &str, client: &Client, fields: &[(&str, &str)]) -> Request<Body> {
    let encode = churn_platform::views::format::encode;
    let mut body = format!("form_token={}", client.token);
    for (name, value) in fields {
        body.push_str(&format!("&{}={}", encode(name), encode(value)));
    }
    Request::post(path)
        .header(header::COOKIE, &client.cookie)
        .header(header::HOST, "127.0.0.1:8080")
        .header(header::ORIGIN, "http://127.0.0.1:8080")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body))
        .unwrap()
}

/// Replaces the HTML escapes in a text by the characters that a browser shows.
pub(crate) fn unescaped(html: &str) -> String {
    let mut text = html.to_owned();
    for (escaped, c) in [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
    ] {
        text = text.replace(escaped, c);
    }
    text
}
