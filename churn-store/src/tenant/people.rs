//! Users and API keys.

use churn_core::{Timestamp, names};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine::{Access, Arg, Row, TenantTx};
use crate::error::{Error, ErrorKind, Result};
use crate::records::no_zero_byte;
use crate::tenant::TenantStore;

names! {
    /// The role of a user or a key. The store does not enforce roles; the host decides what each role may do.
    #[derive(PartialOrd, Ord)]
    pub enum Role: "role" {
        /// May read.
        Viewer = "viewer",
        /// May work with records and scores.
        Analyst = "analyst",
        /// May manage models, settings and users.
        Admin = "admin",
        /// May do everything, including managing the company itself.
        Owner = "owner",
    }
}

/// A user of the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id of the user.
    pub user_id: String,
    /// The email address; unique within the tenant.
    pub email: String,
    /// The display name.
    pub name: Option<String>,
    /// The permissions of the user.
    pub role: Role,
}

/// A tenant's users.
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
        let mut tx = self.0.begin(Access::Write).await?;
        upsert_user(&mut tx, user).await?;
        tx.commit().await
    }

    /// The user with this id; `None` if there is none.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn get(&self, user_id: &str) -> Result<Option<User>> {
        Ok(self.list().await?.into_iter().find(|user| user.user_id == user_id))
    }

    /// All users, sorted by id.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn list(&self) -> Result<Vec<User>> {
        let mut tx = self.0.begin(Access::Read).await?;
        let users = users(&mut tx).await?;
        tx.rollback().await?;
        Ok(users)
    }

    /// Removes a user; returns whether the user existed.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn remove(&self, user_id: &str) -> Result<bool> {
        let mut tx = self.0.begin(Access::Write).await?;
        let there = remove_user(&mut tx, user_id).await?;
        tx.commit().await?;
        Ok(there > 0)
    }
}

pub(crate) async fn upsert_user(tx: &mut TenantTx, user: &User) -> Result<()> {
    const UPSERT: &str = "INSERT INTO churn_users AS t (tenant_id, user_id, email, name, role) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, user_id) DO UPDATE SET email = excluded.email, name = excluded.name, role = excluded.role";
    let args = [
        user.user_id.as_str().into(),
        user.email.as_str().into(),
        user.name.as_deref().into(),
        user.role.as_str().into(),
    ];
    tx.execute(UPSERT, &args).await?;
    Ok(())
}

pub(crate) async fn users(tx: &mut TenantTx) -> Result<Vec<User>> {
    const USERS: &str = "SELECT user_id, email, name, role FROM churn_users WHERE tenant_id = $1 ORDER BY user_id";
    let read = |row: &Row| {
        Ok(User {
            user_id: row.text(0)?.to_owned(),
            email: row.text(1)?.to_owned(),
            name: row.text_or_null(2)?.map(str::to_owned),
            role: row.text(3)?.parse()?,
        })
    };
    tx.rows(USERS, &[]).await?.iter().map(read).collect()
}

pub(crate) async fn remove_user(tx: &mut TenantTx, user_id: &str) -> Result<u64> {
    const REMOVE: &str = "DELETE FROM churn_users WHERE tenant_id = $1 AND user_id = $2";
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
    /// When the key was created, as given by the caller.
    pub created_at: Timestamp,
    /// When the key was revoked; `None` if it is valid.
    pub revoked_at: Option<Timestamp>,
}

/// The API keys of a tenant.
#[derive(Clone, Debug)]
pub struct ApiKeyStore(pub(crate) TenantStore);

/// The minimum length of a secret in bytes. A shorter secret could be guessed from its hash.
const SHORTEST_SECRET: usize = 24;

impl ApiKeyStore {
    /// Adds a key. The caller provides the secret: at least 24 random bytes. Only its SHA-256 is stored, which is safe
    /// for random secrets that cannot be guessed, but not for passwords.
    ///
    /// # Errors
    /// `invalid_option` if the secret is too short; `store_refused` if the key or the secret exists already;
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn create(&self, key_id: &str, secret: &str, role: Role, at: Timestamp) -> Result<()> {
        if secret.len() < SHORTEST_SECRET {
            return Err(Error::option("secret", "a secret has at least 24 bytes"));
        }
        no_zero_byte("key_id", key_id)?;
        let mut tx = self.0.begin(Access::Write).await?;
        create_key(&mut tx, key_id, secret, role, at).await?;
        tx.commit().await
    }

    /// The key with this secret; `None` if there is none, or if it was revoked.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn verify(&self, secret: &str) -> Result<Option<ApiKey>> {
        let mut tx = self.0.begin(Access::Read).await?;
        let key = verify_key(&mut tx, secret).await?;
        tx.rollback().await?;
        Ok(key)
    }

    /// All keys, sorted by id, including revoked ones.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn list(&self) -> Result<Vec<ApiKey>> {
        let mut tx = self.0.begin(Access::Read).await?;
        let keys = keys(&mut tx).await?;
        tx.rollback().await?;
        Ok(keys)
    }

    /// Revokes a key. Revoking it again has no effect.
    ///
    /// # Errors
    /// `not_found` if the key does not exist; `store_unavailable`, `store_not_migrated`.
    pub async fn revoke(&self, key_id: &str, at: Timestamp) -> Result<()> {
        let mut tx = self.0.begin(Access::Write).await?;
        match revoke_key(&mut tx, key_id, at).await? {
            0 => Err(Error::new(ErrorKind::NotFound, format!("there is no key '{key_id}'"))),
            _ => tx.commit().await,
        }
    }
}

fn hash(secret: &str) -> String {
    Sha256::digest(secret.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

const KEY: &str = "key_id, role, created_at, revoked_at";

fn key(row: &Row) -> Result<ApiKey> {
    Ok(ApiKey {
        key_id: row.text(0)?.to_owned(),
        role: row.text(1)?.parse()?,
        created_at: row.at(2)?,
        revoked_at: row.at_or_null(3)?,
    })
}

pub(crate) async fn create_key(tx: &mut TenantTx, key_id: &str, secret: &str, role: Role, at: Timestamp) -> Result<()> {
    const CREATE: &str =
        "INSERT INTO churn_api_keys (tenant_id, key_id, secret_hash, role, created_at) VALUES ($1, $2, $3, $4, $5)";
    let args = [
        key_id.into(),
        Arg::text(hash(secret)),
        role.as_str().into(),
        Arg::at(at),
    ];
    tx.execute(CREATE, &args).await?;
    Ok(())
}

pub(crate) async fn verify_key(tx: &mut TenantTx, secret: &str) -> Result<Option<ApiKey>> {
    let sql =
        format!("SELECT {KEY} FROM churn_api_keys WHERE tenant_id = $1 AND secret_hash = $2 AND revoked_at IS NULL");
    let row = tx.row(&sql, &[Arg::text(hash(secret))]).await?;
    row.as_ref().map(key).transpose()
}

pub(crate) async fn keys(tx: &mut TenantTx) -> Result<Vec<ApiKey>> {
    let sql = format!("SELECT {KEY} FROM churn_api_keys WHERE tenant_id = $1 ORDER BY key_id");
    tx.rows(&sql, &[]).await?.iter().map(key).collect()
}

pub(crate) async fn revoke_key(tx: &mut TenantTx, key_id: &str, at: Timestamp) -> Result<u64> {
    const REVOKE: &str =
        "UPDATE churn_api_keys SET revoked_at = COALESCE(revoked_at, $3) WHERE tenant_id = $1 AND key_id = $2";
    tx.execute(REVOKE, &[key_id.into(), Arg::at(at)]).await
}
