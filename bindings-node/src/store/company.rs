//! Settings, users, API keys, sync cursors and the audit log of a tenant.

use churn_store::{
    ApiKeyStore, AuditEntry, AuditQuery, AuditStore, CompanyStore, CursorStore, NewApiKey, Role, User, UserStore,
};
use napi::bindgen_prelude::{Object, PromiseRaw};
use napi::{Env, Result};
use napi_derive::napi;
use serde_json::Value as Json;

use super::{at, begin, limit};
use crate::error::{invalid_option, raise, to_json};
use crate::options;

fn text(given: &Object<'_>, name: &str) -> Result<String> {
    options::text(given, name)?.ok_or_else(|| invalid_option(name, "is required"))
}

fn role(given: &Object<'_>) -> Result<Role> {
    crate::options::named(given, "role")?.ok_or_else(|| invalid_option("role", "is required"))
}

fn parsed(json: &str) -> Result<Json> {
    serde_json::from_str(json).map_err(|error| invalid_option("value", &error.to_string()))
}

/// The name and the settings of a tenant's company.
#[napi]
pub struct NativeCompany {
    pub(super) own: CompanyStore,
}

#[napi]
impl NativeCompany {
    /// Returns the name and the settings of the company as JSON.
    #[napi(catch_unwind)]
    pub fn get<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, String>> {
        let own = self.own.clone();
        begin(env, async move { to_json(&own.get().await.map_err(raise)?) })
    }

    /// Sets the name of the company.
    #[napi(catch_unwind)]
    pub fn rename<'env>(&self, env: &'env Env, name: String) -> Result<PromiseRaw<'env, ()>> {
        let own = self.own.clone();
        begin(env, async move { own.rename(&name).await.map_err(raise) })
    }

    /// Stores a setting. The value of the setting is given as JSON.
    #[napi(catch_unwind)]
    pub fn set<'env>(&self, env: &'env Env, setting: String, value: String) -> Result<PromiseRaw<'env, ()>> {
        let (own, value) = (self.own.clone(), parsed(&value)?);
        begin(env, async move { own.set(&setting, &value).await.map_err(raise) })
    }

    /// Removes a setting. Returns whether the setting existed.
    #[napi(catch_unwind)]
    pub fn unset<'env>(&self, env: &'env Env, setting: String) -> Result<PromiseRaw<'env, bool>> {
        let own = self.own.clone();
        begin(env, async move { own.unset(&setting).await.map_err(raise) })
    }
}

/// The users of a tenant.
#[napi]
pub struct NativeUsers {
    pub(super) own: UserStore,
}

#[napi]
impl NativeUsers {
    /// Adds a user, or replaces the stored user with the same id.
    #[napi(catch_unwind)]
    pub fn upsert<'env>(&self, env: &'env Env, given: Object<'_>) -> Result<PromiseRaw<'env, ()>> {
        let user = User {
            user_id: text(&given, "userId")?,
            email: text(&given, "email")?,
            name: options::text(&given, "name")?,
            role: role(&given)?,
        };
        let own = self.own.clone();
        begin(env, async move { own.upsert(&user).await.map_err(raise) })
    }

    /// Returns, as JSON, the user with the given id.
    #[napi(catch_unwind)]
    pub fn get<'env>(&self, env: &'env Env, user_id: String) -> Result<PromiseRaw<'env, String>> {
        let own = self.own.clone();
        begin(env, async move { to_json(&own.get(&user_id).await.map_err(raise)?) })
    }

    /// Returns, as JSON, the user with the given email address.
    #[napi(catch_unwind)]
    pub fn by_email<'env>(&self, env: &'env Env, email: String) -> Result<PromiseRaw<'env, String>> {
        let own = self.own.clone();
        begin(env, async move { to_json(&own.by_email(&email).await.map_err(raise)?) })
    }

    /// Returns all users as JSON.
    #[napi(catch_unwind)]
    pub fn list<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, String>> {
        let own = self.own.clone();
        begin(env, async move { to_json(&own.list().await.map_err(raise)?) })
    }

    /// Removes a user. Returns whether the user existed.
    #[napi(catch_unwind)]
    pub fn remove<'env>(&self, env: &'env Env, user_id: String) -> Result<PromiseRaw<'env, bool>> {
        let own = self.own.clone();
        begin(env, async move { own.remove(&user_id).await.map_err(raise) })
    }
}

/// The API keys of a tenant.
#[napi]
pub struct NativeApiKeys {
    pub(super) own: ApiKeyStore,
}

#[napi]
impl NativeApiKeys {
    /// Adds an API key. Only a hash of its secret is stored.
    #[napi(catch_unwind)]
    pub fn create<'env>(
        &self,
        env: &'env Env,
        key_id: String,
        secret: String,
        given: Object<'_>,
    ) -> Result<PromiseRaw<'env, ()>> {
        let (own, role, at) = (self.own.clone(), role(&given)?, at(&given)?);
        begin(env, async move {
            own.create(&key_id, &secret, role, at).await.map_err(raise)
        })
    }

    /// Adds an API key. Returns the text of the key, which a program sends to authenticate itself.
    #[napi(catch_unwind)]
    pub fn issue<'env>(
        &self,
        env: &'env Env,
        key_id: String,
        secret: String,
        given: Object<'_>,
    ) -> Result<PromiseRaw<'env, String>> {
        let (own, at) = (self.own.clone(), at(&given)?);
        let mut key = NewApiKey::new(key_id, secret, role(&given)?);
        key.label = options::text(&given, "label")?;
        key.scopes = options::texts(&given, "scopes")?;
        key.expires_at = options::moment(&given, "expiresAt")?;
        begin(env, async move { own.issue(&key, at).await.map_err(raise) })
    }

    /// Returns, as JSON, the API key with the given secret.
    #[napi(catch_unwind)]
    pub fn verify<'env>(&self, env: &'env Env, secret: String) -> Result<PromiseRaw<'env, String>> {
        let own = self.own.clone();
        begin(env, async move { to_json(&own.verify(&secret).await.map_err(raise)?) })
    }

    /// Returns all API keys as JSON.
    #[napi(catch_unwind)]
    pub fn list<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, String>> {
        let own = self.own.clone();
        begin(env, async move { to_json(&own.list().await.map_err(raise)?) })
    }

    /// Revokes an API key.
    #[napi(catch_unwind)]
    pub fn revoke<'env>(&self, env: &'env Env, key_id: String, given: Object<'_>) -> Result<PromiseRaw<'env, ()>> {
        let (own, at) = (self.own.clone(), at(&given)?);
        begin(env, async move { own.revoke(&key_id, at).await.map_err(raise) })
    }
}

/// The sync cursors of a tenant: for each data source, the position up to which it has been read.
#[napi]
pub struct NativeCursors {
    pub(super) own: CursorStore,
}

#[napi]
impl NativeCursors {
    /// Returns, as JSON, the sync cursor of a data source.
    #[napi(catch_unwind)]
    pub fn get<'env>(&self, env: &'env Env, source: String) -> Result<PromiseRaw<'env, String>> {
        let own = self.own.clone();
        begin(env, async move { to_json(&own.get(&source).await.map_err(raise)?) })
    }

    /// Sets the sync cursor of a data source.
    #[napi(catch_unwind)]
    pub fn set<'env>(
        &self,
        env: &'env Env,
        source: String,
        position: String,
        given: Object<'_>,
    ) -> Result<PromiseRaw<'env, ()>> {
        let (own, at) = (self.own.clone(), at(&given)?);
        begin(env, async move { own.set(&source, &position, at).await.map_err(raise) })
    }
}

/// The audit log of a tenant.
#[napi]
pub struct NativeAudit {
    pub(super) own: AuditStore,
}

#[napi]
impl NativeAudit {
    /// Adds an entry to the audit log. The details of the entry are given as JSON.
    #[napi(catch_unwind)]
    pub fn append<'env>(&self, env: &'env Env, given: Object<'_>, details: String) -> Result<PromiseRaw<'env, ()>> {
        let entry = AuditEntry {
            at: at(&given)?,
            actor: text(&given, "actor")?,
            action: text(&given, "action")?,
            subject: options::text(&given, "subject")?,
            details: parsed(&details)?,
        };
        let own = self.own.clone();
        begin(env, async move { own.append(&entry).await.map_err(raise) })
    }

    /// Returns a page of entries as JSON, oldest first.
    #[napi(catch_unwind)]
    pub fn page<'env>(&self, env: &'env Env, given: Object<'_>) -> Result<PromiseRaw<'env, String>> {
        let after = options::whole(&given, "after")?.map(|after| i64::try_from(after).unwrap_or(i64::MAX));
        let (own, limit) = (self.own.clone(), limit(&given, 1000)?);
        begin(
            env,
            async move { to_json(&own.page(after, limit).await.map_err(raise)?) },
        )
    }

    /// Returns, as JSON, a page of the entries that match a query.
    #[napi(catch_unwind)]
    pub fn query<'env>(&self, env: &'env Env, given: Object<'_>) -> Result<PromiseRaw<'env, String>> {
        let query = AuditQuery {
            actor: options::text(&given, "actor")?,
            action: options::text(&given, "action")?,
            subject: options::text(&given, "subject")?,
            since: options::moment(&given, "since")?,
            until: options::moment(&given, "until")?,
            newest_first: super::flag(&given, "newestFirst")?.unwrap_or(true),
            after: options::whole(&given, "after")?.map(|after| i64::try_from(after).unwrap_or(i64::MAX)),
            limit: limit(&given, 100)?,
        };
        let own = self.own.clone();
        begin(env, async move { to_json(&own.query(&query).await.map_err(raise)?) })
    }
}
