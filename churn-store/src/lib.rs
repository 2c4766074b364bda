//! Stores the records, models and scores of many tenants in SQLite or Postgres, and verifies that tenants are isolated.
//!
//! ```text
//! Store::open(url) ── migrate()                                     SQLite file, SQLite memory, Postgres
//!       │
//!       └─ tenant("acme") ─> TenantStore ── customers() payments() tickets() activities()   upsert, page, of_customer
//!                                        ── records()        all records, as churn_core::TenantRecords
//!                                        ── models()         model files, metadata, champion and challengers
//!                                        ── scores()         runs, queries, changes, histories
//!                                        ── outcomes()       whether customers churned after past dates
//!                                        ── company() users() api_keys() cursors() audit()
//!                                        ── begin()          all of these in one transaction
//! ```
//!
//! Only [`TenantStore`] has methods that read or write data. A [`TenantStore`] has access to the data of one tenant
//! only. A single function runs every SQL statement on tenant data, and passes the tenant's id as the first argument.
//! In Postgres, row-level security also limits a transaction to the rows of its own tenant, even if a statement has no
//! tenant condition. [`Store::attest`] verifies tenant isolation and returns a report. [`hosting`] is a guide for
//! applications that embed the store.
//!
//! # Example
//!
//! ```
//! use churn_core::{Customer, Payment};
//! use churn_store::{RecordsOptions, Store};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let store = Store::open("sqlite::memory:").await?;
//! store.migrate().await?;
//! let acme = store.tenant("acme");
//! let customer = Customer::new("C-1", "2024-01-01".parse()?);
//! let payment = Payment::new("C-1", "2024-02-01".parse()?, 12.5).with_payment_id("P-1");
//! acme.customers().upsert(vec![customer]).await?;
//! acme.payments().upsert(vec![payment.clone()]).await?;
//! assert_eq!(acme.payments().upsert(vec![payment]).await?.rows_changed, 0); // the same batch again
//! let (records, report) = acme.records(&RecordsOptions::default()).await?;
//! assert!(report.is_clean() && records.n_customers() == 1);
//! assert_eq!(store.tenant("other").customers().count().await?, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Transactions
//!
//! Each call is one transaction: either all of its changes are stored or none. [`TenantStore::begin`] combines several
//! calls into one transaction. Transactions that write data of the same tenant run one after another. Transactions that
//! write data of different tenants run one after another in SQLite, and concurrently in Postgres. A transaction that
//! only reads sees the data as they were when the transaction began.
//!
//! # What the store does not do
//!
//! The store does not read the clock or generate random numbers. The caller passes times and secrets as arguments. The
//! store does not encrypt data. Use the encryption of the database or the disk.

#[doc = include_str!("../HOSTING.md")]
pub mod hosting {}

mod attest;
mod engine;
mod error;
mod records;
mod store;
mod tenant;

pub use attest::{Attestation, Check};
pub use engine::{Backend, ConnectionStatistics, StoreOptions};
pub use error::{Error, ErrorKind, Result};
pub use records::{
    CustomerPage, CustomerQuery, Import, RecordPage, RecordStore, RecordsOptions, StoredRecord, Upserted,
};
pub use store::Store;
pub use tenant::*;
