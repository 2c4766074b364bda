//! The state that all requests and jobs share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use churn_store::{Store, StoreOptions};
use tokio::sync::{Notify, Semaphore};

use crate::clock::Clock;
use crate::config::Settings;
use crate::error::{Problem, Result};
use crate::repositories::ControlPlane;
use crate::services::password::Passwords;

/// The state that all requests and jobs share. A clone refers to the same state as the original.
#[derive(Clone)]
pub struct App(Arc<Inner>);

pub struct Inner {
    pub settings: Settings,
    pub control: ControlPlane,
    pub store: Store,
    pub clock: Clock,
    pub passwords: Passwords,
    /// Notifies an idle worker that a job was added.
    pub job_added: Notify,
    draining: AtomicBool,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Opens both databases. SQLite files are migrated automatically. For a Postgres store, the owner of the tables
    /// must run the command `migrate`.
    ///
    /// # Errors
    /// Returns an error if a database cannot be opened, or if a SQLite file cannot be migrated.
    pub async fn open(settings: Settings, clock: Clock) -> Result<Self> {
        std::fs::create_dir_all(&settings.data_dir)
            .map_err(|e| Problem::internal(format!("'{}': {e}", settings.data_dir.display())))?;
        let control = ControlPlane::open(&settings.data_dir.join("platform.db")).await?;
        control.migrate().await?;
        let store = Store::open_with(&settings.store_url, &StoreOptions::default()).await?;
        if store.backend() == churn_store::Backend::Sqlite {
            store.migrate().await?;
        }
        Ok(Self(Arc::new(Inner {
            settings,
            control,
            store,
            clock,
            passwords: Passwords::new(Arc::new(Semaphore::new(2)))?,
            job_added: Notify::new(),
            draining: AtomicBool::new(false),
        })))
    }

    /// Marks that the shutdown has begun. From then on, `/readyz` returns an error, so that a load balancer sends no
    /// more requests.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub async fn close(&self) {
        self.control.close().await;
        self.store.close().await;
    }
}
