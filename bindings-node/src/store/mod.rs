//! The store, which keeps the data of many tenants. Calls return promises and do not block the event loop. Most results
//! are JSON, which the TypeScript code in `lib/` parses. Records, models and row counts are not returned as JSON.

mod company;
mod models;
mod records;
mod scores;
mod transaction;

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use churn_store::{RecordsOptions, StoreOptions};
use napi::bindgen_prelude::{Object, PromiseRaw, ToNapiValue};
use napi::{Env, Result};
use napi_derive::napi;

use crate::error::{cancelled, internal, invalid_option, raise, to_json};
use crate::options;
use crate::records::Records;
use crate::task::Cancel;
use company::{NativeApiKeys, NativeAudit, NativeCompany, NativeCursors, NativeUsers};
use models::NativeModels;
use records::NativeRecords;
use scores::{NativeOutcomes, NativeScores};
use transaction::NativeTransaction;

/// The interval at which a long call checks whether it was cancelled.
const TICK: Duration = Duration::from_millis(25);

/// Runs a future on the Tokio runtime. Returns a promise of its result.
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

/// Runs a future until it ends or is cancelled. If the future is cancelled, its open transaction is rolled back.
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

/// Reads the option `limit`: the maximum number of rows. The store itself checks the range of this number.
fn limit(given: &Object<'_>, default: usize) -> Result<usize> {
    Ok(options::whole(given, "limit")?.map_or(default, |limit| usize::try_from(limit).unwrap_or(usize::MAX)))
}

/// Reads an option that is true or false.
fn flag(given: &Object<'_>, name: &str) -> Result<Option<bool>> {
    match options::value(given, name)? {
        None => Ok(None),
        Some(churn_core::Value::Bool(flag)) => Ok(Some(flag)),
        Some(_) => Err(invalid_option(name, "must be true or false")),
    }
}

/// A database with the data of many tenants.
#[napi]
pub struct NativeStore {
    own: churn_store::Store,
}

/// Reads an option that is a whole number of at most 32 bits.
fn count(given: &Object<'_>, name: &str) -> Result<Option<u32>> {
    let too_large = |_| invalid_option(name, "is too large");
    let count = options::whole(given, name)?.map(|count| u32::try_from(count).map_err(too_large));
    count.transpose()
}

fn store_options(given: &Object<'_>) -> Result<StoreOptions> {
    let mut wanted = StoreOptions::default();
    wanted.readers = count(given, "readers")?.unwrap_or(wanted.readers);
    wanted.writers = count(given, "writers")?.unwrap_or(wanted.writers);
    let timeout = |name| Ok::<_, napi::Error>(options::whole(given, name)?.map(Duration::from_millis));
    wanted.connect_timeout = timeout("connectTimeout")?.unwrap_or(wanted.connect_timeout);
    wanted.wait_timeout = timeout("waitTimeout")?.unwrap_or(wanted.wait_timeout);
    wanted.statement_timeout = timeout("statementTimeout")?;
    wanted.max_pages = count(given, "maxPages")?;
    Ok(wanted)
}

/// Opens a store. If `migrate` is true, the call also creates or updates the tables of the store.
#[napi(catch_unwind)]
pub fn open_store<'env>(
    env: &'env Env,
    url: String,
    migrate: bool,
    given: Object<'_>,
) -> Result<PromiseRaw<'env, NativeStore>> {
    let wanted = store_options(&given)?;
    begin(env, async move {
        let own = churn_store::Store::open_with(&url, &wanted).await.map_err(raise)?;
        if migrate {
            own.migrate().await.map_err(raise)?;
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
        begin(env, async move { own.migrate().await.map_err(raise) })
    }

    /// Returns the version of the store's tables in the database.
    #[napi(catch_unwind)]
    pub fn version<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, i64>> {
        let own = self.own.clone();
        begin(env, async move { own.version().await.map_err(raise) })
    }

    /// Grants a Postgres role the privileges that the application needs.
    #[napi(catch_unwind)]
    pub fn grant_to<'env>(&self, env: &'env Env, role: String) -> Result<PromiseRaw<'env, ()>> {
        let own = self.own.clone();
        begin(env, async move { own.grant_to(&role).await.map_err(raise) })
    }

    /// Checks that the database answers.
    #[napi(catch_unwind)]
    pub fn ping<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        let own = self.own.clone();
        begin(env, async move { own.ping().await.map_err(raise) })
    }

    /// Returns, as JSON, the current numbers of idle connections, connections that read and connections that write.
    #[napi(catch_unwind)]
    pub fn connections(&self) -> Result<String> {
        to_json(&self.own.connections())
    }

    /// Writes a snapshot of a SQLite database to a new file.
    #[napi(catch_unwind)]
    pub fn backup<'env>(&self, env: &'env Env, path: String) -> Result<PromiseRaw<'env, ()>> {
        let own = self.own.clone();
        begin(env, async move { own.backup(&path).await.map_err(raise) })
    }

    /// Authenticates an API key from its text. Returns, as JSON, the key and the id of the tenant who owns it.
    #[napi(catch_unwind)]
    pub fn authenticate<'env>(
        &self,
        env: &'env Env,
        text: String,
        given: Object<'_>,
    ) -> Result<PromiseRaw<'env, String>> {
        let (own, at) = (self.own.clone(), at(&given)?);
        begin(env, async move {
            let found = own.authenticate(&text, at).await.map_err(raise)?;
            to_json(&found.map(|(tenant, key)| (tenant.tenant().to_string(), key)))
        })
    }

    /// Verifies tenant isolation. Returns the report as JSON.
    #[napi(catch_unwind)]
    pub fn attest<'env>(&self, env: &'env Env, host_tables: Vec<String>) -> Result<PromiseRaw<'env, String>> {
        let own = self.own.clone();
        begin(env, async move {
            let report = own.attest_with(&host_tables).await.map_err(raise)?;
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

    /// The table of records of one kind, such as payments.
    #[napi(catch_unwind)]
    pub fn table(&self, table: String) -> Result<NativeRecords> {
        let kind = crate::records::kind_of(&table)?;
        Ok(NativeRecords {
            own: self.own.table(kind),
        })
    }

    /// The stored models of the tenant.
    #[napi(catch_unwind)]
    pub fn models(&self) -> NativeModels {
        NativeModels { own: self.own.models() }
    }

    /// The stored score runs of the tenant, with their scores.
    #[napi(catch_unwind)]
    pub fn scores(&self) -> NativeScores {
        NativeScores { own: self.own.scores() }
    }

    /// The outcomes of customers. An outcome says whether a customer churned in the label period after a date.
    #[napi(catch_unwind)]
    pub fn outcomes(&self) -> NativeOutcomes {
        NativeOutcomes {
            own: self.own.outcomes(),
        }
    }

    /// The name and the settings of the tenant's company.
    #[napi(catch_unwind)]
    pub fn company(&self) -> NativeCompany {
        NativeCompany {
            own: self.own.company(),
        }
    }

    /// The users of the tenant.
    #[napi(catch_unwind)]
    pub fn users(&self) -> NativeUsers {
        NativeUsers { own: self.own.users() }
    }

    /// The API keys of the tenant.
    #[napi(catch_unwind)]
    pub fn api_keys(&self) -> NativeApiKeys {
        NativeApiKeys {
            own: self.own.api_keys(),
        }
    }

    /// The sync cursors of the tenant: for each data source, the position up to which it has been read.
    #[napi(catch_unwind)]
    pub fn cursors(&self) -> NativeCursors {
        NativeCursors {
            own: self.own.cursors(),
        }
    }

    /// The audit log of the tenant.
    #[napi(catch_unwind)]
    pub fn audit(&self) -> NativeAudit {
        NativeAudit { own: self.own.audit() }
    }

    /// Loads all records of the tenant from the database.
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
                own.records(&wanted).await.map(Records::new).map_err(raise)
            }),
        )
    }

    /// Returns a number that grows with every change of the tenant's records, models, scores and outcomes.
    #[napi(catch_unwind)]
    pub fn revision<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, i64>> {
        let own = self.own.clone();
        begin(env, async move { Ok(own.revision().await.map_err(raise)? as i64) })
    }

    /// Begins a transaction that can contain several calls.
    #[napi(catch_unwind)]
    pub fn begin<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, NativeTransaction>> {
        let own = self.own.clone();
        begin(env, async move {
            Ok(NativeTransaction::new(own.begin().await.map_err(raise)?))
        })
    }

    /// Runs a statement on tables of the application. Returns the number of affected rows.
    #[napi(catch_unwind)]
    pub fn execute<'env>(
        &self,
        env: &'env Env,
        sql: String,
        args: Object<'_>,
        n_args: u32,
    ) -> Result<PromiseRaw<'env, i64>> {
        let (own, args) = (self.own.clone(), transaction::arguments(&args, n_args)?);
        begin(
            env,
            async move { Ok(own.execute(&sql, &args).await.map_err(raise)? as i64) },
        )
    }

    /// Runs a query on tables of the application. Returns the rows as JSON.
    #[napi(catch_unwind)]
    pub fn query<'env>(
        &self,
        env: &'env Env,
        sql: String,
        args: Object<'_>,
        n_args: u32,
    ) -> Result<PromiseRaw<'env, String>> {
        let (own, args) = (self.own.clone(), transaction::arguments(&args, n_args)?);
        begin(
            env,
            async move { to_json(&own.query(&sql, &args).await.map_err(raise)?) },
        )
    }

    /// Deletes the records, scores and outcomes of one customer. Returns the number of deleted rows.
    #[napi(catch_unwind)]
    pub fn erase_customer<'env>(&self, env: &'env Env, customer_id: String) -> Result<PromiseRaw<'env, i64>> {
        let own = self.own.clone();
        begin(env, async move {
            let deleted = own.erase_customer(&customer_id).await.map_err(raise)?;
            Ok(deleted as i64)
        })
    }
}
