//! The store of many tenants. Calls return promises and do not block the event loop. Records, models and numbers of
//! rows are returned as such. All other results are JSON, which the TypeScript code in `lib/` parses.

mod company;
mod models;
mod records;
mod scores;

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use churn_store::RecordsOptions;
use napi::bindgen_prelude::{Object, PromiseRaw, ToNapiValue};
use napi::{Env, Result};
use napi_derive::napi;

use crate::error::{cancelled, internal, invalid_option, raise_store, to_json};
use crate::options;
use crate::records::Records;
use crate::task::Cancel;
use company::{NativeApiKeys, NativeAudit, NativeCompany, NativeCursors, NativeUsers};
use models::NativeModels;
use records::NativeRecords;
use scores::{NativeOutcomes, NativeScores};

/// The interval at which a long call checks whether it was cancelled.
const TICK: Duration = Duration::from_millis(25);

/// Runs a future on the Tokio runtime. Returns a promise of the result.
fn begin<'env, T, W>(env: &'env Env, work: W) -> Result<PromiseRaw<'env, T>>
where
    T: ToNapiValue + Send + 'static,
    W: Future<Output = Result<T>> + Send + 'static,
{
    env.spawn_future(async move {
        let lost = |_| internal("the work ended in a panic; please report it");
        tokio::spawn(work).await.map_err(lost)?
    })
}

/// Runs a future until it ends or is cancelled. If it is cancelled, its open transaction is rolled back.
async fn unless_cancelled<T>(cancel: Cancel, work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut work = pin!(work);
    loop {
        if cancel.token.is_cancelled() {
            return Err(cancelled());
        }
        if let Ok(done) = tokio::time::timeout(TICK, &mut work).await {
            return done;
        }
    }
}

/// Reads the option `at`, the current time. It is required, because the store reads no clock.
fn at(given: &Object<'_>) -> Result<churn_core::Timestamp> {
    options::moment(given, "at")?.ok_or_else(|| invalid_option("at", "is required"))
}

/// Reads the option `limit`: the maximum number of rows. The store itself checks that the number is in range.
fn limit(given: &Object<'_>, default: usize) -> Result<usize> {
    Ok(options::whole(given, "limit")?.map_or(default, |limit| usize::try_from(limit).unwrap_or(usize::MAX)))
}

/// A database with the data of many tenants.
#[napi]
pub struct NativeStore {
    own: churn_store::Store,
}

/// Opens a store, and creates or updates its tables if `migrate` is true.
#[napi(catch_unwind)]
pub fn open_store(env: &Env, url: String, migrate: bool) -> Result<PromiseRaw<'_, NativeStore>> {
    begin(env, async move {
        let own = churn_store::Store::open(&url).await.map_err(raise_store)?;
        if migrate {
            own.migrate().await.map_err(raise_store)?;
        }
        Ok(NativeStore { own })
    })
}

#[napi]
impl NativeStore {
    /// The kind of database: `sqlite` or `postgres`.
    #[napi(getter, catch_unwind)]
    pub fn backend(&self) -> &'static str {
        self.own.backend().as_str()
    }

    /// Creates or updates the tables of the store.
    #[napi(catch_unwind)]
    pub fn migrate<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        let own = self.own.clone();
        begin(env, async move { own.migrate().await.map_err(raise_store) })
    }

    /// Returns the version of the store's tables in the database.
    #[napi(catch_unwind)]
    pub fn version<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, i64>> {
        let own = self.own.clone();
        begin(env, async move { own.version().await.map_err(raise_store) })
    }

    /// Grants a Postgres role the privileges that the application needs.
    #[napi(catch_unwind)]
    pub fn grant_to<'env>(&self, env: &'env Env, role: String) -> Result<PromiseRaw<'env, ()>> {
        let own = self.own.clone();
        begin(env, async move { own.grant_to(&role).await.map_err(raise_store) })
    }

    /// Verifies that no tenant can access the data of another tenant. Returns the report as JSON.
    #[napi(catch_unwind)]
    pub fn attest<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, String>> {
        let own = self.own.clone();
        begin(env, async move {
            let report = own.attest().await.map_err(raise_store)?;
            let (passed, text) = (report.passed(), report.to_string());
            to_json(&serde_json::json!({ "passed": passed, "text": text, "report": report }))
        })
    }

    /// Closes all connections.
    #[napi(catch_unwind)]
    pub fn close<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        let own = self.own.clone();
        begin(env, async move {
            own.close().await;
            Ok(())
        })
    }

    /// Gives access to the data of one tenant.
    #[napi(catch_unwind)]
    pub fn tenant(&self, tenant: String) -> NativeTenant {
        NativeTenant {
            own: self.own.tenant(tenant),
        }
    }
}

/// The part of a store that belongs to one tenant.
#[napi]
pub struct NativeTenant {
    own: churn_store::TenantStore,
}

#[napi]
impl NativeTenant {
    /// The tenant's id.
    #[napi(getter, catch_unwind)]
    pub fn tenant(&self) -> String {
        self.own.tenant().to_string()
    }

    /// Returns the stored table of one kind of records, such as payments.
    #[napi(catch_unwind)]
    pub fn table(&self, table: String) -> Result<NativeRecords> {
        let kind = crate::records::kind_of(&table)?;
        Ok(NativeRecords {
            own: self.own.table(kind),
        })
    }

    /// Returns the models of the tenant.
    #[napi(catch_unwind)]
    pub fn models(&self) -> NativeModels {
        NativeModels { own: self.own.models() }
    }

    /// Returns the score runs of the tenant, with their scores.
    #[napi(catch_unwind)]
    pub fn scores(&self) -> NativeScores {
        NativeScores { own: self.own.scores() }
    }

    /// Returns the outcomes of the tenant's customers: whether they churned in the label period after a date.
    #[napi(catch_unwind)]
    pub fn outcomes(&self) -> NativeOutcomes {
        NativeOutcomes {
            own: self.own.outcomes(),
        }
    }

    /// Returns the name and the settings of the tenant's company.
    #[napi(catch_unwind)]
    pub fn company(&self) -> NativeCompany {
        NativeCompany {
            own: self.own.company(),
        }
    }

    /// Returns the users of the tenant.
    #[napi(catch_unwind)]
    pub fn users(&self) -> NativeUsers {
        NativeUsers { own: self.own.users() }
    }

    /// Returns the API keys of the tenant.
    #[napi(catch_unwind)]
    pub fn api_keys(&self) -> NativeApiKeys {
        NativeApiKeys {
            own: self.own.api_keys(),
        }
    }

    /// Returns the sync cursors of the tenant's data sources. A sync cursor is a text that says how far a source has
    /// been read.
    #[napi(catch_unwind)]
    pub fn cursors(&self) -> NativeCursors {
        NativeCursors {
            own: self.own.cursors(),
        }
    }

    /// Returns the audit log of the tenant.
    #[napi(catch_unwind)]
    pub fn audit(&self) -> NativeAudit {
        NativeAudit { own: self.own.audit() }
    }

    /// Loads all records of the tenant.
    #[napi(catch_unwind)]
    pub fn records<'env>(
        &self,
        env: &'env Env,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<PromiseRaw<'env, Records>> {
        let wanted = RecordsOptions {
            on_invalid: options::policy(&given)?,
            observed_from: options::moment(&given, "observedFrom")?,
            observed_until: options::moment(&given, "observedUntil")?,
            static_attributes: options::trusted(&given)?,
            ties: options::named(&given, "ties")?.unwrap_or_default(),
            currency: options::text(&given, "currency")?,
            conversion_rates: options::rates(&given)?,
            execution: churn_core::Execution::new().cancelled_by(cancel.token.clone()),
            ..Default::default()
        };
        let (own, cancel) = (self.own.clone(), cancel.clone());
        begin(
            env,
            unless_cancelled(cancel, async move {
                own.records(&wanted).await.map(Records::new).map_err(raise_store)
            }),
        )
    }

    /// Deletes everything that is stored about one customer, except models.
    #[napi(catch_unwind)]
    pub fn erase_customer<'env>(&self, env: &'env Env, customer_id: String) -> Result<PromiseRaw<'env, i64>> {
        let own = self.own.clone();
        begin(env, async move {
            let deleted = own.erase_customer(&customer_id).await.map_err(raise_store)?;
            Ok(deleted as i64)
        })
    }
}
