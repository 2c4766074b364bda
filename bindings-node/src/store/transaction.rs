//! Transactions, which can each contain several calls for one tenant.

use std::sync::Arc;

use churn_core::Value;
use churn_store::{TenantStore, TenantTransaction};
use napi::bindgen_prelude::{Object, PromiseRaw};
use napi::{Env, Result};
use napi_derive::napi;
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::{NativeTenant, begin};
use crate::error::{invalid_option, raise};
use crate::options;

/// Reads the arguments of a statement, which are given as an array.
pub(super) fn arguments(given: &Object<'_>, count: u32) -> Result<Vec<Value>> {
    let at = |position: u32| Ok(options::value(given, &position.to_string())?.unwrap_or(Value::Null));
    (0..count).map(at).collect()
}

/// A transaction that can contain several calls for one tenant.
#[napi]
pub struct NativeTransaction {
    own: TenantStore,
    open: Arc<Mutex<Option<TenantTransaction>>>,
    threads: Handle,
}

impl NativeTransaction {
    /// Wraps an open transaction. This function must be called on a thread of the Tokio runtime.
    pub(super) fn new(open: TenantTransaction) -> Self {
        Self {
            own: (*open).clone(),
            open: Arc::new(Mutex::new(Some(open))),
            threads: Handle::current(),
        }
    }
}

#[napi]
impl NativeTransaction {
    /// Returns the tenant's store, whose calls take part in the transaction.
    #[napi(catch_unwind)]
    pub fn tenant(&self) -> NativeTenant {
        NativeTenant { own: self.own.clone() }
    }

    /// Commits all changes if `commit` is true. Otherwise, rolls them back.
    #[napi(catch_unwind)]
    pub fn end<'env>(&self, env: &'env Env, commit: bool) -> Result<PromiseRaw<'env, ()>> {
        let open = Arc::clone(&self.open);
        begin(env, async move {
            let open = open.lock().await.take();
            let open = open.ok_or_else(|| invalid_option("transaction", "has ended"))?;
            match commit {
                true => open.commit().await.map_err(raise),
                false => open.rollback().await.map_err(raise),
            }
        })
    }
}

impl Drop for NativeTransaction {
    fn drop(&mut self) {
        // The threads of the Tokio runtime roll back the transaction. JavaScript's garbage collector calls `drop` on a
        // thread outside of the runtime, so this thread enters the runtime first.
        let _threads = self.threads.enter();
        if let Ok(mut open) = self.open.try_lock() {
            open.take();
        }
    }
}
