//! Synthetic B2B tenants with known risk: the true churn probability of every customer is known at every date.
//!
//! [`WorldOptions`], which include the seed, determine a world exactly: the same options give the same rows on any
//! machine and for any number of threads. Customers are simulated day by day. Each morning, the probability that a
//! customer decides to leave depends on what has been recorded about them so far: the decline of their use of the
//! product, failed charges, bad support, returned seats, the approaching renewal, their plan and their tenure. These
//! effects are nonlinear and interact. Circumstances that are not recorded, such as fading interest or a card that is
//! about to expire, have no direct effect on this probability. These circumstances only change what is recorded on
//! later days.
//!
//! **The true risk** at a date is the probability that a customer leaves in the label period, given everything that
//! happened to them before the date. The simulation replays the customer's life up to the date, and then continues the
//! life along [`WorldOptions::paths`] paths with independent random numbers. On each path, the probability of leaving
//! is computed from the daily probabilities instead of being sampled. The risk is the mean over all paths. This
//! estimate is unbiased: over many customers, the mean risk equals the churn rate up to sampling error. A model that
//! sees only the records cannot predict better than the true risk, except by chance.
//!
//! With the default options, about 6 % of customers churn within 90 days, and the AUC of the true risk is about 0.8.
//! The defaults will not change. Other options make prediction harder: they add unrecorded reasons to leave, columns
//! that leak the target, drift, a shift of the churn rate, or faulty rows.
//!
//! ```
//! use churn_core::synthetic::{WorldOptions, world};
//!
//! let world = world(&WorldOptions::default().with_seed(1).with_tenants(2).with_customers(50))?;
//! for tenant in world.tenants() {
//!     let (records, report) = tenant.records()?.build()?;
//!     assert!(report.is_clean() && records.n_customers() == 50);
//! }
//! let truth = world.truth(world.dates()[0])?;
//! assert!(truth.iter().all(|risk| risk.probability > 0.0 && risk.probability < 1.0));
//! # Ok::<(), churn_core::Error>(())
//! ```
//!
//! # Large worlds
//!
//! A world stores no rows. It generates rows when they are requested. [`WorldTenant::batches`] generates the rows of a
//! limited number of customers at a time, so memory use depends only on the size of a batch. [`WorldOptions::scale`]
//! returns options that give each customer 10 payments, 2 tickets and 5 activities on average:
//!
//! ```
//! use churn_core::synthetic::{WorldOptions, world};
//!
//! let world = world(&WorldOptions::scale(2_000))?; // for example 1_000_000
//! let tenant = &world.tenants()[0];
//! let mut builder = tenant.empty_records();
//! for batch in tenant.batches(500) {
//!     builder = batch?.add_to(builder);
//! }
//! assert_eq!(builder.build()?.0.n_customers(), 2_000);
//! # Ok::<(), churn_core::Error>(())
//! ```

mod faults;
mod leaks;
mod life;
mod options;
mod profile;
mod recorder;
mod table;
mod truth;
mod world;

pub use leaks::PlantedLeak;
pub use options::WorldOptions;
pub use table::{WorldColumn, WorldTable, WorldTables};
pub use truth::TrueRisk;
pub use world::{Batches, World, WorldTenant, world};
