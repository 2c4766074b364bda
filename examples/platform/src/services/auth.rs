//! Log in, log out, sessions and form tokens.

use std::time::Duration;

use churn_store::Role;
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::clock;
use crate::error::{Problem, Result};
use crate::repositories::accounts::{Account, CompanyName};
use crate::repositories::buckets::Limit;
use crate::repositories::sessions::Session;

/// How much older the stored time of the last request must be before it is updated.
const TOUCH_AFTER: i64 = 60_000_000;

/// A valid session and its account.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub session: Session,
    pub account: Account,
}

/// Checks the password and begins a session. Returns the secret for the cookie. The answer and its time do not depend
/// on whether the account exists.
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
    // Longer passwords would only cost time.
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
    // A session id from before the login, which somebody else may know, is not used any longer.
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

/// The session of a cookie's secret; `None` if there is none or it has ended.
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

/// The role of an account in one of its companies; `None` if it is not a member.
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

/// The token in the forms of a session. It is a hash of the secret, which a page of another site cannot read.
pub fn form_token(secret: &str) -> String {
    clock::hash("form", secret)
}

/// Compares in constant time.
pub fn equal(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
