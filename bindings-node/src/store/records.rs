//! The tables of a tenant's records in the store.

use std::sync::Arc;

use churn_core::{RecordKind, Table};
use churn_store::{Import, RecordStore, Upserted};
use napi::bindgen_prelude::{Object, PromiseRaw};
use napi::{Env, Result};
use napi_derive::napi;
use serde_json::json;
use tokio::sync::Mutex;

use super::{begin, limit, unless_cancelled};
use crate::error::{internal, raise, raise_store, to_json};
use crate::options;
use crate::records::{Slices, lone_table};
use crate::report::validation;
use crate::task::Cancel;

/// One table of a tenant's records in the store.
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
    /// Upserts a batch of rows in one transaction: inserts new rows and replaces stored rows.
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
            let mut import = own.import(policy).await.map_err(raise_store)?;
            import.write(table).await.map_err(raise_store)?;
            let upserted = import.commit().await.map_err(raise_store)?;
            Ok(done(&upserted))
        };
        begin(env, unless_cancelled(cancel, work))
    }

    /// Upserts rows that JavaScript passed in slices. All slices are written in one transaction.
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
            let mut import = own.import(policy).await.map_err(raise_store)?;
            import.write(table).await.map_err(raise_store)?;
            let upserted = import.commit().await.map_err(raise_store)?;
            Ok(done(&upserted))
        };
        begin(env, unless_cancelled(cancel, work))
    }

    /// Begins an upsert of several batches in one transaction.
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
            let import = own.import(policy).await.map_err(raise_store)?;
            Ok(NativeImport {
                kind: own.kind(),
                own: Arc::new(Mutex::new(Some(import))),
            })
        };
        begin(env, unless_cancelled(cancel, work))
    }

    /// Returns the number of rows. Each version of a customer or event is a row.
    #[napi(catch_unwind)]
    pub fn count<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, i64>> {
        let own = self.own.clone();
        begin(env, async move { Ok(own.count().await.map_err(raise_store)? as i64) })
    }

    /// Returns a page of rows in the order in which they were first stored, as JSON.
    #[napi(catch_unwind)]
    pub fn page<'env>(&self, env: &'env Env, given: Object<'_>) -> Result<PromiseRaw<'env, String>> {
        let after = options::whole(&given, "after")?.map(|after| i64::try_from(after).unwrap_or(i64::MAX));
        let (own, limit) = (self.own.clone(), limit(&given, 1000)?);
        begin(env, async move {
            let page = own.page(after, limit).await.map_err(raise_store)?;
            let rows: Vec<_> = page.rows.iter().map(|row| &row.values).collect();
            to_json(&json!({ "rows": rows, "next": page.next }))
        })
    }

    /// Returns all rows of one customer, as JSON.
    #[napi(catch_unwind)]
    pub fn of_customer<'env>(&self, env: &'env Env, customer_id: String) -> Result<PromiseRaw<'env, String>> {
        let own = self.own.clone();
        begin(env, async move {
            let found = own.of_customer(&customer_id).await.map_err(raise_store)?;
            let rows: Vec<_> = found.iter().map(|row| &row.values).collect();
            to_json(&rows)
        })
    }
}

/// An upsert of several batches in one transaction.
#[napi]
pub struct NativeImport {
    kind: RecordKind,
    own: Arc<Mutex<Option<Import>>>,
}

#[napi]
impl NativeImport {
    /// Upserts one batch in the transaction.
    #[napi(catch_unwind)]
    pub fn write<'env>(&self, env: &'env Env, rows: Object<'_>, cancel: &Cancel) -> Result<PromiseRaw<'env, ()>> {
        let (own, cancel) = (Arc::clone(&self.own), cancel.clone());
        let table = lone_table(&rows, self.kind)?;
        let work = async move {
            match &mut *own.lock().await {
                Some(import) => import.write(table).await.map_err(raise_store),
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
            Ok(done(&import.commit().await.map_err(raise_store)?))
        })
    }

    /// Rolls the transaction back. Nothing of the upsert is stored.
    #[napi(catch_unwind)]
    pub fn give_up<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        let own = Arc::clone(&self.own);
        begin(env, async move {
            drop(own.lock().await.take());
            Ok(())
        })
    }
}
