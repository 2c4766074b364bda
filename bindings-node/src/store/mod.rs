//! The store: what is kept of many tenants. Every call is a promise, off the event loop; what it found comes as JSON of which
//! `store.js` makes objects, unless it is records, a model or a count.

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
use serde::Serialize;

use crate::error::{cancelled, internal, invalid_option, raise_store};
use crate::options;
use crate::records::Records;
use crate::task::Cancel;
use company::{NativeApiKeys, NativeAudit, NativeCompany, NativeCursors, NativeUsers};
use models::NativeModels;
use records::NativeRecords;
use scores::{NativeOutcomes, NativeScores};

/// How often long work looks whether it was cancelled.
const TICK: Duration = Duration::from_millis(25);

/// Begins the work on threads of its own; what comes back is a promise.
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

/// Work that ends early when it is cancelled: what it did not commit is taken back.
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

/// What was found, as JSON.
fn told(found: &impl Serialize) -> Result<String> {
    serde_json::to_string(found).map_err(|error| internal(&error.to_string()))
}

/// `at`, which must be there: the store reads no clock.
fn at(given: &Object<'_>) -> Result<churn_core::Timestamp> {
    options::moment(given, "at")?.ok_or_else(|| invalid_option("at", "was not given"))
}

/// How many rows; the store says which numbers will do.
fn limit(given: &Object<'_>, default: usize) -> Result<usize> {
    Ok(options::whole(given, "limit")?.map_or(default, |limit| usize::try_from(limit).unwrap_or(usize::MAX)))
}

/// A word of a few: a stage, a role.
fn word<T: std::str::FromStr<Err = churn_store::Error>>(given: &Object<'_>, name: &str) -> Result<Option<T>> {
    options::text(given, name)?
        .map(|word| word.parse().map_err(raise_store))
        .transpose()
}

/// A database of many tenants.
#[napi]
pub struct NativeStore {
    own: churn_store::Store,
}

/// Opens a store, and makes or updates its tables where wanted.
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
    /// `sqlite` or `postgres`.
    #[napi(getter, catch_unwind)]
    pub fn backend(&self) -> &'static str {
        self.own.backend().as_str()
    }

    /// Makes or updates the tables.
    #[napi(catch_unwind)]
    pub fn migrate<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        let own = self.own.clone();
        begin(env, async move { own.migrate().await.map_err(raise_store) })
    }

    /// The version of the tables that are there.
    #[napi(catch_unwind)]
    pub fn version<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, i64>> {
        let own = self.own.clone();
        begin(env, async move { own.version().await.map_err(raise_store) })
    }

    /// Gives the serving role what it needs.
    #[napi(catch_unwind)]
    pub fn grant_to<'env>(&self, env: &'env Env, role: String) -> Result<PromiseRaw<'env, ()>> {
        let own = self.own.clone();
        begin(env, async move { own.grant_to(&role).await.map_err(raise_store) })
    }

    /// Tries to get across; the report as JSON.
    #[napi(catch_unwind)]
    pub fn attest<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, String>> {
        let own = self.own.clone();
        begin(env, async move {
            let report = own.attest().await.map_err(raise_store)?;
            let (passed, text) = (report.passed(), report.to_string());
            told(&serde_json::json!({ "passed": passed, "text": text, "report": report }))
        })
    }

    /// Gives up all connections.
    #[napi(catch_unwind)]
    pub fn close<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        let own = self.own.clone();
        begin(env, async move {
            own.close().await;
            Ok(())
        })
    }

    /// One tenant's part.
    #[napi(catch_unwind)]
    pub fn tenant(&self, tenant: String) -> NativeTenant {
        NativeTenant {
            own: self.own.tenant(tenant),
        }
    }
}

/// One tenant's part of a store.
#[napi]
pub struct NativeTenant {
    own: churn_store::TenantStore,
}

#[napi]
impl NativeTenant {
    /// Whose part it is.
    #[napi(getter, catch_unwind)]
    pub fn tenant(&self) -> String {
        self.own.tenant().to_string()
    }

    /// Records of one kind.
    #[napi(catch_unwind)]
    pub fn table(&self, table: String) -> Result<NativeRecords> {
        let kind = crate::records::kind_of(&table)?;
        Ok(NativeRecords {
            own: self.own.table(kind),
        })
    }

    /// Models.
    #[napi(catch_unwind)]
    pub fn models(&self) -> NativeModels {
        NativeModels { own: self.own.models() }
    }

    /// Score runs and scores.
    #[napi(catch_unwind)]
    pub fn scores(&self) -> NativeScores {
        NativeScores { own: self.own.scores() }
    }

    /// What became of customers who were scored.
    #[napi(catch_unwind)]
    pub fn outcomes(&self) -> NativeOutcomes {
        NativeOutcomes {
            own: self.own.outcomes(),
        }
    }

    /// The company itself.
    #[napi(catch_unwind)]
    pub fn company(&self) -> NativeCompany {
        NativeCompany {
            own: self.own.company(),
        }
    }

    /// Users.
    #[napi(catch_unwind)]
    pub fn users(&self) -> NativeUsers {
        NativeUsers { own: self.own.users() }
    }

    /// Keys of programs.
    #[napi(catch_unwind)]
    pub fn api_keys(&self) -> NativeApiKeys {
        NativeApiKeys {
            own: self.own.api_keys(),
        }
    }

    /// Where each source stands.
    #[napi(catch_unwind)]
    pub fn cursors(&self) -> NativeCursors {
        NativeCursors {
            own: self.own.cursors(),
        }
    }

    /// Who did what.
    #[napi(catch_unwind)]
    pub fn audit(&self) -> NativeAudit {
        NativeAudit { own: self.own.audit() }
    }

    /// All the tenant's records.
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

    /// Deletes all that is kept of one customer.
    #[napi(catch_unwind)]
    pub fn erase_customer<'env>(&self, env: &'env Env, customer_id: String) -> Result<PromiseRaw<'env, i64>> {
        let own = self.own.clone();
        begin(env, async move {
            let deleted = own.erase_customer(&customer_id).await.map_err(raise_store)?;
            Ok(deleted as i64)
        })
    }
}
