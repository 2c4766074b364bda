//! Logging in and out, sessions, and form tokens.

use std::time::Duration;

use churn_store::Role;
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::clock;
use crate::error::{Problem, Result};
use crate::repositories::accounts::{Account, CompanyName};
use crate::repositories::buckets::Limit;
use crate::repositories::sessions::Session;

/// The time of a session's last request is updated only if the stored time is older than this many microseconds.
const TOUCH_AFTER: i64 = 60_000_000;

/// A valid session and its account.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub session: Session,
    pub account: Account,
}

/// Checks the password and begins a session. Returns the secret for the session cookie. If the login fails, neither the
/// response nor its duration reveals whether the account exists. `planted` is the secret of a session cookie that the
/// browser already had.
///
/// # Errors
/// `too_many_requests`, `wrong_credentials`.
pub async fn log_in(app: &App, email: &str, password: &str, address: &str, planted: Option<&str>) -> Result<String> {
    let now = app.clock.micros();
    let email = email.trim().to_lowercase();
    let burst = app.settings.login_burst;
    let limits = [
        (
            format!("login-address:{}", clock::hash("bucket", address)),
            burst.saturating_mul(10),
            6,
        ),
        (format!("login-account:{}", clock::hash("bucket", &email)), burst, 60),
    ];
    for (bucket, burst, seconds) in limits {
        let every = Duration::from_secs(seconds);
        if !app.control.take(&bucket, Limit { burst, every }, now).await? {
            return Err(Problem {
                retry_after: Some(seconds),
                ..Problem::new(429, "too_many_requests", "Too many attempts to log in.")
            });
        }
    }
    let account = app.control.account_by_email(&email).await?;
    let hash = account.as_ref().map(|account| account.password_hash.as_str());
    // A password of more than 1000 bytes is never accepted.
    let verified = app
        .passwords
        .verify(password, hash.filter(|_| password.len() <= 1000))
        .await?;
    let Some(account) = account.filter(|_| verified) else {
        return Err(Problem::new(
            401,
            "wrong_credentials",
            "The e-mail address or the password is wrong.",
        ));
    };
    // If the browser already had a session cookie, the session of this cookie ends. Somebody else may have planted the
    // cookie and know its secret.
    if let Some(planted) = planted {
        app.control.end_session(&session_hash(planted)).await?;
    }
    let secret = clock::random_hex::<32>()?;
    let ends_at = now + clock::micros(app.settings.session_life);
    app.control
        .add_session(&session_hash(&secret), &account.account_id, now, ends_at)
        .await?;
    Ok(secret)
}

/// Returns the session that belongs to a cookie's secret. Returns `None` if there is no such session, or if the session
/// has ended.
pub async fn session(app: &App, secret: &str) -> Result<Option<SignedIn>> {
    let now = app.clock.micros();
    let Some(session) = app.control.session(&session_hash(secret)).await? else {
        return Ok(None);
    };
    if now >= session.ends_at || now >= session.seen_at + clock::micros(app.settings.session_idle) {
        app.control.end_session(&session.session_hash).await?;
        return Ok(None);
    }
    if now - session.seen_at > TOUCH_AFTER {
        app.control.touch_session(&session.session_hash, now).await?;
    }
    let account = app.control.account(&session.account_id).await?;
    Ok(account.map(|account| SignedIn { session, account }))
}

pub async fn log_out(app: &App, signed_in: &SignedIn) -> Result<()> {
    app.control.end_session(&signed_in.session.session_hash).await
}

/// Returns the role of an account in a company; `None` if the account is not a member of the company.
pub async fn role(app: &App, account_id: &str, companies: &[CompanyName], company_id: &str) -> Result<Option<Role>> {
    if !companies.iter().any(|company| company.company_id == company_id) {
        return Ok(None);
    }
    let user = app.store.tenant(company_id).users().get(account_id).await?;
    Ok(user.map(|user| user.role))
}

pub fn session_hash(secret: &str) -> String {
    clock::hash("session", secret)
}

/// Returns the token that the forms of a session must contain. The token is a hash of the session's secret. Pages of
/// other sites cannot read this secret, so they cannot compute the token.
pub fn form_token(secret: &str) -> String {
    clock::hash("form", secret)
}

/// Compares two texts in constant time.
pub fn equal(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
