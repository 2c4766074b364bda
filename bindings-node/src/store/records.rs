//! The tables of a tenant's records in the store.

use std::sync::Arc;

use churn_core::{RecordKind, Table};
use churn_store::{CustomerQuery, Import, RecordStore, Upserted};
use napi::bindgen_prelude::{Object, PromiseRaw};
use napi::{Env, Result};
use napi_derive::napi;
use serde_json::json;
use tokio::sync::Mutex;

use super::{begin, limit, unless_cancelled};
use crate::error::{internal, raise, to_json};
use crate::options;
use crate::records::{Slices, lone_table};
use crate::report::validation;
use crate::task::Cancel;

/// One table of a tenant's records in the store, such as payments.
#[napi]
pub struct NativeRecords {
    pub(super) own: RecordStore,
}

fn done(upserted: &Upserted) -> String {
    json!({
        "rowsIn": upserted.rows_in,
        "rowsAccepted": upserted.rows_accepted,
        "rowsChanged": upserted.rows_changed,
        "report": validation(&upserted.report),
    })
    .to_string()
}

#[napi]
impl NativeRecords {
    /// Upserts a batch in one transaction: adds its rows, and replaces stored rows that have the same key.
    #[napi(catch_unwind)]
    pub fn upsert<'env>(
        &self,
        env: &'env Env,
        rows: Object<'_>,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<PromiseRaw<'env, String>> {
        let (own, cancel) = (self.own.clone(), cancel.clone());
        let (table, policy) = (lone_table(&rows, own.kind())?, options::policy(&given)?);
        let work = async move {
            let mut import = own.import(policy).await.map_err(raise)?;
            import.write(table).await.map_err(raise)?;
            let upserted = import.commit().await.map_err(raise)?;
            Ok(done(&upserted))
        };
        begin(env, unless_cancelled(cancel, work))
    }

    /// Upserts rows in one transaction. Earlier calls of `Slices.push` have passed the rows to this module.
    #[napi(catch_unwind)]
    pub fn upsert_slices<'env>(
        &self,
        env: &'env Env,
        rows: &mut Slices,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<PromiseRaw<'env, String>> {
        let (own, cancel) = (self.own.clone(), cancel.clone());
        let (rows, policy) = (rows.take(own.kind()), options::policy(&given)?);
        let work = async move {
            let table = tokio::task::spawn_blocking(|| Table::from_values(rows)).await;
            let table = table
                .map_err(|_| internal("the rows could not be read"))?
                .map_err(raise)?;
            let mut import = own.import(policy).await.map_err(raise)?;
            import.write(table).await.map_err(raise)?;
            let upserted = import.commit().await.map_err(raise)?;
            Ok(done(&upserted))
        };
        begin(env, unless_cancelled(cancel, work))
    }

    /// Begins one transaction that can upsert several batches.
    #[napi(catch_unwind)]
    pub fn import<'env>(
        &self,
        env: &'env Env,
        given: Object<'_>,
        cancel: &Cancel,
    ) -> Result<PromiseRaw<'env, NativeImport>> {
        let (own, cancel) = (self.own.clone(), cancel.clone());
        let policy = options::policy(&given)?;
        let work = async move {
            let import = own.import(policy).await.map_err(raise)?;
            Ok(NativeImport {
                kind: own.kind(),
                own: Arc::new(Mutex::new(Some(import))),
            })
        };
        begin(env, unless_cancelled(cancel, work))
    }

    /// Validates a batch without storing it.
    #[napi(catch_unwind)]
    pub fn check<'env>(&self, env: &'env Env, rows: Object<'_>, cancel: &Cancel) -> Result<PromiseRaw<'env, String>> {
        let (own, cancel) = (self.own.clone(), cancel.clone());
        let table = lone_table(&rows, own.kind())?;
        let work = async move { Ok(done(&own.check(table).await.map_err(raise)?)) };
        begin(env, unless_cancelled(cancel, work))
    }

    /// Returns a page of customers as JSON. Each customer is returned as their current version (dated row).
    /// `attributes` contains names and values of text attributes. Only customers with all these values are returned.
    #[napi(catch_unwind)]
    pub fn find<'env>(
        &self,
        env: &'env Env,
        given: Object<'_>,
        attributes: Vec<Vec<String>>,
    ) -> Result<PromiseRaw<'env, String>> {
        let pair = |pair: Vec<String>| match <[String; 2]>::try_from(pair) {
            Ok([name, value]) => Ok((name, value)),
            Err(_) => Err(internal("an attribute has a name and a value")),
        };
        let query = CustomerQuery {
            prefix: options::text(&given, "prefix")?.unwrap_or_default(),
            attributes: attributes.into_iter().map(pair).collect::<Result<_>>()?,
            churned: super::flag(&given, "churned")?,
            after: options::text(&given, "after")?,
            limit: limit(&given, 100)?,
        };
        let own = self.own.clone();
        begin(env, async move {
            let page = own.find(&query).await.map_err(raise)?;
            let customers: Vec<_> = page.customers.iter().map(|row| &row.values).collect();
            to_json(&json!({ "customers": customers, "next": page.next }))
        })
    }

    /// Returns the number of customers.
    #[napi(catch_unwind)]
    pub fn count_customers<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, i64>> {
        let own = self.own.clone();
        begin(
            env,
            async move { Ok(own.count_customers().await.map_err(raise)? as i64) },
        )
    }

    /// Returns the number of rows. A customer or event with several versions has one row for each version.
    #[napi(catch_unwind)]
    pub fn count<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, i64>> {
        let own = self.own.clone();
        begin(env, async move { Ok(own.count().await.map_err(raise)? as i64) })
    }

    /// Deletes all rows of the records with these ids. Returns the number of deleted rows.
    #[napi(catch_unwind)]
    pub fn delete<'env>(&self, env: &'env Env, ids: Vec<String>) -> Result<PromiseRaw<'env, i64>> {
        let own = self.own.clone();
        begin(env, async move { Ok(own.delete(&ids).await.map_err(raise)? as i64) })
    }

    /// Returns a page of rows as JSON, in the order in which the rows were first stored.
    #[napi(catch_unwind)]
    pub fn page<'env>(&self, env: &'env Env, given: Object<'_>) -> Result<PromiseRaw<'env, String>> {
        let after = options::whole(&given, "after")?.map(|after| i64::try_from(after).unwrap_or(i64::MAX));
        let (own, limit) = (self.own.clone(), limit(&given, 1000)?);
        begin(env, async move {
            let page = own.page(after, limit).await.map_err(raise)?;
            let rows: Vec<_> = page.rows.iter().map(|row| &row.values).collect();
            to_json(&json!({ "rows": rows, "next": page.next }))
        })
    }

    /// Returns all rows of one customer as JSON.
    #[napi(catch_unwind)]
    pub fn of_customer<'env>(&self, env: &'env Env, customer_id: String) -> Result<PromiseRaw<'env, String>> {
        let own = self.own.clone();
        begin(env, async move {
            let found = own.of_customer(&customer_id).await.map_err(raise)?;
            let rows: Vec<_> = found.iter().map(|row| &row.values).collect();
            to_json(&rows)
        })
    }
}

/// One transaction that can upsert several batches.
#[napi]
pub struct NativeImport {
    kind: RecordKind,
    own: Arc<Mutex<Option<Import>>>,
}

#[napi]
impl NativeImport {
    /// Upserts one batch: adds its rows, and replaces stored rows that have the same key.
    #[napi(catch_unwind)]
    pub fn write<'env>(&self, env: &'env Env, rows: Object<'_>, cancel: &Cancel) -> Result<PromiseRaw<'env, ()>> {
        let (own, cancel) = (Arc::clone(&self.own), cancel.clone());
        let table = lone_table(&rows, self.kind)?;
        let work = async move {
            match &mut *own.lock().await {
                Some(import) => import.write(table).await.map_err(raise),
                None => Err(internal("the batch has ended")),
            }
        };
        begin(env, unless_cancelled(cancel, work))
    }

    /// Commits the transaction.
    #[napi(catch_unwind)]
    pub fn commit<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, String>> {
        let own = Arc::clone(&self.own);
        begin(env, async move {
            let import = own.lock().await.take().ok_or_else(|| internal("the batch has ended"))?;
            Ok(done(&import.commit().await.map_err(raise)?))
        })
    }

    /// Rolls back the transaction.
    #[napi(catch_unwind)]
    pub fn give_up<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        let own = Arc::clone(&self.own);
        begin(env, async move {
            drop(own.lock().await.take());
            Ok(())
        })
    }
}
