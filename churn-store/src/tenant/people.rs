//! Users and API keys.

use churn_core::{TenantId, Timestamp, names};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine::{Access, Arg, Row, TenantTx, from_json, to_json};
use crate::error::{Error, ErrorKind, Result};
use crate::records::no_zero_byte;
use crate::tenant::TenantStore;

names! {
    /// The role of a user or an API key. The store does not enforce roles: the application decides what each role may
    /// do.
    #[derive(PartialOrd, Ord)]
    pub enum Role: "role" {
        /// A role that may read.
        Viewer = "viewer",
        /// A role that may work with records and scores.
        Analyst = "analyst",
        /// A role that may manage models, settings and users.
        Admin = "admin",
        /// A role that may do everything, including managing the company itself.
        Owner = "owner",
    }
}

/// A user of the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id of the user.
    pub user_id: String,
    /// The e-mail address; unique within the tenant.
    pub email: String,
    /// The user's name.
    pub name: Option<String>,
    /// The user's role.
    pub role: Role,
}

/// The users of a tenant.
#[derive(Clone, Debug)]
pub struct UserStore(pub(crate) TenantStore);

impl UserStore {
    /// Adds a user, or replaces the user with this id.
    ///
    /// # Errors
    /// `store_refused` if another user has this e-mail address; `invalid_option` if a text contains U+0000;
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn upsert(&self, user: &User) -> Result<()> {
        for (name, text) in [("user_id", &user.user_id), ("email", &user.email)] {
            no_zero_byte(name, text)?;
        }
        no_zero_byte("name", user.name.as_deref().unwrap_or_default())?;
        let mut tx = self.0.begin_session(Access::Write).await?;
        upsert_user(&mut tx, user).await?;
        tx.commit().await
    }

    /// Returns the user with this id; `None` if there is no such user.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn get(&self, user_id: &str) -> Result<Option<User>> {
        let mut tx = self.0.begin_session(Access::Read).await?;
        let user = user_by_id(&mut tx, user_id).await?;
        tx.rollback().await?;
        Ok(user)
    }

    /// Returns the user with this e-mail address, in exactly this spelling; `None` if there is no such user.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn by_email(&self, email: &str) -> Result<Option<User>> {
        let mut tx = self.0.begin_session(Access::Read).await?;
        let user = user_by_email(&mut tx, email).await?;
        tx.rollback().await?;
        Ok(user)
    }

    /// Returns all users, sorted by id.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn list(&self) -> Result<Vec<User>> {
        let mut tx = self.0.begin_session(Access::Read).await?;
        let users = users(&mut tx).await?;
        tx.rollback().await?;
        Ok(users)
    }

    /// Removes a user. Returns whether the user existed.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn remove(&self, user_id: &str) -> Result<bool> {
        let mut tx = self.0.begin_session(Access::Write).await?;
        let there = remove_user(&mut tx, user_id).await?;
        tx.commit().await?;
        Ok(there > 0)
    }
}

pub(crate) async fn upsert_user(tx: &mut TenantTx, user: &User) -> Result<()> {
    const UPSERT: &str = "
        INSERT INTO churn_users AS t (tenant_id, user_id, email, name, role)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (tenant_id, user_id) DO UPDATE
        SET email = excluded.email, name = excluded.name, role = excluded.role";
    let args = [
        user.user_id.as_str().into(),
        user.email.as_str().into(),
        user.name.as_deref().into(),
        user.role.as_str().into(),
    ];
    tx.execute(UPSERT, &args).await?;
    Ok(())
}

fn user(row: &Row) -> Result<User> {
    Ok(User {
        user_id: row.text(0)?.to_owned(),
        email: row.text(1)?.to_owned(),
        name: row.text_or_null(2)?.map(str::to_owned),
        role: row.text(3)?.parse()?,
    })
}

pub(crate) async fn users(tx: &mut TenantTx) -> Result<Vec<User>> {
    const USERS: &str = "
        SELECT user_id, email, name, role
        FROM churn_users
        WHERE tenant_id = $1
        ORDER BY user_id";
    tx.rows(USERS, &[]).await?.iter().map(user).collect()
}

pub(crate) async fn user_by_id(tx: &mut TenantTx, user_id: &str) -> Result<Option<User>> {
    const BY_ID: &str = "
        SELECT user_id, email, name, role
        FROM churn_users
        WHERE tenant_id = $1 AND user_id = $2";
    tx.row(BY_ID, &[user_id.into()]).await?.as_ref().map(user).transpose()
}

pub(crate) async fn user_by_email(tx: &mut TenantTx, email: &str) -> Result<Option<User>> {
    const BY_EMAIL: &str = "
        SELECT user_id, email, name, role
        FROM churn_users
        WHERE tenant_id = $1 AND email = $2";
    tx.row(BY_EMAIL, &[email.into()]).await?.as_ref().map(user).transpose()
}

pub(crate) async fn remove_user(tx: &mut TenantTx, user_id: &str) -> Result<u64> {
    const REMOVE: &str = "
        DELETE FROM churn_users
        WHERE tenant_id = $1 AND user_id = $2";
    tx.execute(REMOVE, &[user_id.into()]).await
}

/// An API key without its secret. The store keeps only a hash of the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ApiKey {
    /// The id of the key.
    pub key_id: String,
    /// The role of the key.
    pub role: Role,
    /// The display name of the key; `None` if the key has no name.
    pub label: Option<String>,
    /// The names of the actions that the key is limited to. The application defines these names. With `None`, the key
    /// may do everything that its role may do.
    pub scopes: Option<Vec<String>>,
    /// When the key was created.
    pub created_at: Timestamp,
    /// When the key expires; `None` if it never expires.
    pub expires_at: Option<Timestamp>,
    /// When the key was last used, accurate to a minute; `None` if it was never used.
    pub used_at: Option<Timestamp>,
    /// When the key was revoked; `None` if it was not revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Returns whether the key is valid at the time `at`. A valid key is neither revoked nor expired.
    pub fn works_at(&self, at: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| at < end)
    }

    /// Returns whether the key may be used for this scope. This is the case if the key's scopes include it, or if the
    /// key has no scopes and is therefore not limited.
    pub fn allows(&self, scope: &str) -> bool {
        self.scopes
            .as_ref()
            .is_none_or(|scopes| scopes.iter().any(|own| own == scope))
    }
}

/// An API key to create. See [`ApiKeyStore::issue`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewApiKey {
    /// The id of the key within the tenant: letters, digits and `-`.
    pub key_id: String,
    /// The secret: at least 24 random letters and digits (128 bits or more), without `_`.
    pub secret: String,
    /// The role of the key.
    pub role: Role,
    /// The display name of the key; `None` if the key has no name.
    pub label: Option<String>,
    /// The names of the actions that the key is limited to. Default: everything that the role may do.
    pub scopes: Option<Vec<String>>,
    /// When the key expires. Default: never.
    pub expires_at: Option<Timestamp>,
}

impl NewApiKey {
    /// Creates a key without a label, scopes or an expiry time.
    pub fn new(key_id: impl Into<String>, secret: impl Into<String>, role: Role) -> Self {
        Self {
            key_id: key_id.into(),
            secret: secret.into(),
            role,
            label: None,
            scopes: None,
            expires_at: None,
        }
    }

    /// Sets the display name of the key.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets the scopes: the names of the actions that the key is limited to.
    #[must_use]
    pub fn with_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the time at which the key expires.
    #[must_use]
    pub fn with_expiry(mut self, at: Timestamp) -> Self {
        self.expires_at = Some(at);
        self
    }
}

/// The API keys of a tenant.
#[derive(Clone, Debug)]
pub struct ApiKeyStore(pub(crate) TenantStore);

/// The minimum length of a secret in bytes. A shorter secret could be guessed from its hash.
const SHORTEST_SECRET: usize = 24;

/// The time of a key's last use is updated at most once in this many microseconds.
const USE_RESOLUTION: i64 = 60_000_000;

impl ApiKeyStore {
    /// Creates a key and returns its text, which a program sends to authenticate itself. The text has the form
    /// `churn_<tenant>_<key id>_<secret>`, with the tenant's id in base32.
    /// [`Store::authenticate`](crate::Store::authenticate) finds the tenant and the key by this text. Show the text to
    /// the user at once: it cannot be shown again later, because the store keeps only the SHA-256 of the secret.
    /// Storing a plain SHA-256 is safe for random secrets that cannot be guessed, but not for passwords.
    ///
    /// # Errors
    /// `invalid_option` if the secret is too short, or if the key's id or secret contains an invalid character;
    /// `store_refused` if the key or the secret exists already; `store_unavailable`, `store_not_migrated`.
    pub async fn issue(&self, key: &NewApiKey, at: Timestamp) -> Result<String> {
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
        for (name, text) in [("key_id", &key.key_id), ("secret", &key.secret)] {
            if !plain(text) {
                return Err(Error::option(
                    name,
                    format!("{name} must consist of letters, digits and '-'"),
                ));
            }
        }
        check_secret(&key.secret)?;
        no_zero_byte("label", key.label.as_deref().unwrap_or_default())?;
        for scope in key.scopes.iter().flatten() {
            no_zero_byte("scopes", scope)?;
        }
        let mut tx = self.0.begin_session(Access::Write).await?;
        create_key(&mut tx, key, at).await?;
        tx.commit().await?;
        Ok(key_text(self.0.tenant(), &key.key_id, &key.secret))
    }

    /// Creates a key without a label, scopes or an expiry time. Pass its secret to [`verify`](Self::verify) to find the
    /// key.
    ///
    /// # Errors
    /// `invalid_option` if the secret has fewer than 24 bytes; `store_refused` if the key or the secret exists already;
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn create(&self, key_id: &str, secret: &str, role: Role, at: Timestamp) -> Result<()> {
        check_secret(secret)?;
        no_zero_byte("key_id", key_id)?;
        let mut tx = self.0.begin_session(Access::Write).await?;
        create_key(&mut tx, &NewApiKey::new(key_id, secret, role), at).await?;
        tx.commit().await
    }

    /// Returns the key with this secret; `None` if there is no such key, or if it was revoked. This call does not check
    /// whether the key has expired: use [`works_at`](ApiKey::works_at).
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn verify(&self, secret: &str) -> Result<Option<ApiKey>> {
        let mut tx = self.0.begin_session(Access::Read).await?;
        let key = verify_key(&mut tx, secret).await?;
        tx.rollback().await?;
        Ok(key)
    }

    /// Returns the key with this id and secret, if it is valid at `at`. Updates the time of the last use at most once a
    /// minute.
    pub(crate) async fn authenticate(&self, key_id: &str, secret: &str, at: Timestamp) -> Result<Option<ApiKey>> {
        let mut tx = self.0.begin_session(Access::Read).await?;
        let found = key_with_hash(&mut tx, key_id).await?;
        tx.rollback().await?;
        // The secret is hashed even if the key does not exist, so that the duration reveals little about which keys
        // exist.
        let (key, stored) = found.map_or((None, String::new()), |(key, stored)| (Some(key), stored));
        let equal = equal_in_constant_time(&hash(secret), &stored);
        let Some(key) = key.filter(|key| equal && key.works_at(at)) else {
            return Ok(None);
        };
        let stale = |used: Timestamp| at.as_micros().saturating_sub(used.as_micros()) >= USE_RESOLUTION;
        if key.used_at.is_none_or(stale) {
            let mut tx = self.0.begin_session(Access::Write).await?;
            touch_key(&mut tx, key_id, at).await?;
            tx.commit().await?;
        }
        Ok(Some(key))
    }

    /// Returns all keys, sorted by id, including revoked keys.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn list(&self) -> Result<Vec<ApiKey>> {
        let mut tx = self.0.begin_session(Access::Read).await?;
        let keys = keys(&mut tx).await?;
        tx.rollback().await?;
        Ok(keys)
    }

    /// Revokes a key. Revoking it again has no effect.
    ///
    /// # Errors
    /// `not_found` if the key does not exist; `store_unavailable`, `store_not_migrated`.
    pub async fn revoke(&self, key_id: &str, at: Timestamp) -> Result<()> {
        let mut tx = self.0.begin_session(Access::Write).await?;
        match revoke_key(&mut tx, key_id, at).await? {
            0 => Err(Error::new(ErrorKind::NotFound, format!("there is no key '{key_id}'"))),
            _ => tx.commit().await,
        }
    }
}

fn check_secret(secret: &str) -> Result<()> {
    match secret.len() < SHORTEST_SECRET {
        true => Err(Error::option("secret", "a secret has at least 24 bytes")),
        false => Ok(()),
    }
}

/// The base32 alphabet of RFC 4648 in lower case. No padding is used.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut buffer, mut bits) = (0u32, 0);
    for &byte in bytes {
        buffer = (buffer << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(BASE32[(buffer >> bits) as usize & 31]));
        }
    }
    if bits > 0 {
        text.push(char::from(BASE32[(buffer << (5 - bits)) as usize & 31]));
    }
    text
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![];
    let (mut buffer, mut bits) = (0u32, 0);
    for letter in text.bytes() {
        let value = BASE32.iter().position(|known| *known == letter)? as u32;
        buffer = (buffer << 5) | value;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
        }
    }
    // Several texts could decode to the same bytes. Only the standard encoding of the bytes is accepted.
    (base32(&bytes) == text).then_some(bytes)
}

fn key_text(tenant: &TenantId, key_id: &str, secret: &str) -> String {
    format!("churn_{}_{key_id}_{secret}", base32(tenant.as_str().as_bytes()))
}

/// Splits the text of an API key into the tenant's id, the key's id and the secret. Returns `None` if the text is
/// malformed.
pub(crate) fn parse_key(text: &str) -> Option<(TenantId, &str, &str)> {
    let mut parts = text.split('_');
    let (Some("churn"), Some(tenant), Some(key_id), Some(secret), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let tenant = String::from_utf8(from_base32(tenant)?).ok()?;
    Some((TenantId::new(tenant).ok()?, key_id, secret))
}

/// Compares two texts in constant time. The comparison does not stop at the first difference, because its duration
/// would then reveal the position of this difference.
fn equal_in_constant_time(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let differences = one.iter().zip(other).fold(0, |all, (one, other)| all | (one ^ other));
    one.len() == other.len() && std::hint::black_box(differences) == 0
}

fn hash(secret: &str) -> String {
    Sha256::digest(secret.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

const KEY: &str = "key_id, role, label, scopes, created_at, expires_at, used_at, revoked_at";

fn key(row: &Row) -> Result<ApiKey> {
    Ok(ApiKey {
        key_id: row.text(0)?.to_owned(),
        role: row.text(1)?.parse()?,
        label: row.text_or_null(2)?.map(str::to_owned),
        scopes: row.text_or_null(3)?.map(from_json).transpose()?,
        created_at: row.at(4)?,
        expires_at: row.at_or_null(5)?,
        used_at: row.at_or_null(6)?,
        revoked_at: row.at_or_null(7)?,
    })
}

pub(crate) async fn create_key(tx: &mut TenantTx, key: &NewApiKey, at: Timestamp) -> Result<()> {
    const CREATE: &str = "
        INSERT INTO churn_api_keys (tenant_id, key_id, secret_hash, role, created_at, label, scopes, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let scopes = key.scopes.as_ref().map(to_json).transpose()?;
    let args = [
        key.key_id.as_str().into(),
        Arg::text(hash(&key.secret)),
        key.role.as_str().into(),
        Arg::at(at),
        key.label.as_deref().into(),
        scopes.as_deref().into(),
        key.expires_at.map(Timestamp::as_micros).into(),
    ];
    tx.execute(CREATE, &args).await?;
    Ok(())
}

pub(crate) async fn verify_key(tx: &mut TenantTx, secret: &str) -> Result<Option<ApiKey>> {
    let sql = format!(
        "
        SELECT {KEY}
        FROM churn_api_keys
        WHERE tenant_id = $1 AND secret_hash = $2 AND revoked_at IS NULL"
    );
    let row = tx.row(&sql, &[Arg::text(hash(secret))]).await?;
    row.as_ref().map(key).transpose()
}

pub(crate) async fn key_with_hash(tx: &mut TenantTx, key_id: &str) -> Result<Option<(ApiKey, String)>> {
    let sql = format!(
        "
        SELECT {KEY}, secret_hash
        FROM churn_api_keys
        WHERE tenant_id = $1 AND key_id = $2"
    );
    let row = tx.row(&sql, &[key_id.into()]).await?;
    row.map(|row| Ok((key(&row)?, row.text(8)?.to_owned()))).transpose()
}

pub(crate) async fn touch_key(tx: &mut TenantTx, key_id: &str, at: Timestamp) -> Result<u64> {
    const TOUCH: &str = "
        UPDATE churn_api_keys
        SET used_at = $3
        WHERE tenant_id = $1 AND key_id = $2";
    tx.execute(TOUCH, &[key_id.into(), Arg::at(at)]).await
}

pub(crate) async fn keys(tx: &mut TenantTx) -> Result<Vec<ApiKey>> {
    let sql = format!(
        "
        SELECT {KEY}
        FROM churn_api_keys
        WHERE tenant_id = $1
        ORDER BY key_id"
    );
    tx.rows(&sql, &[]).await?.iter().map(key).collect()
}

pub(crate) async fn revoke_key(tx: &mut TenantTx, key_id: &str, at: Timestamp) -> Result<u64> {
    const REVOKE: &str = "
        UPDATE churn_api_keys
        SET revoked_at = COALESCE(revoked_at, $3)
        WHERE tenant_id = $1 AND key_id = $2";
    tx.execute(REVOKE, &[key_id.into(), Arg::at(at)]).await
}

#[cfg(test)]
mod tests {
    use super::{base32, from_base32, parse_key};

    #[test]
    fn base32_comes_back() {
        // These examples are from RFC 4648, section 10.
        for (text, coded) in [("", ""), ("f", "my"), ("fo", "mzxq"), ("foobar", "mzxw6ytboi")] {
            assert_eq!(base32(text.as_bytes()), coded);
            assert_eq!(from_base32(coded).unwrap(), text.as_bytes());
        }
        for wrong in ["MY", "mz", "m1", "é", "mzxw6ytboj"] {
            assert_eq!(from_base32(wrong), None, "{wrong}");
        }
        for wrong in [
            "",
            "churn",
            "churn_my_k",
            "churn_my_k_s_",
            "other_my_k_s",
            "churn_74_k_s",
        ] {
            assert!(parse_key(wrong).is_none(), "{wrong}");
        }
    }
}
