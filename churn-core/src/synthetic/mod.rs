//! A known world: made-up B2B tenants whose customers' true risk is known at every date.
//!
//! A world is named by its [`WorldOptions`], its seed among them, to the byte: the same options give the same rows on any
//! machine and with any number of threads. Customers are lived forward, day by day. Each morning a customer decides to
//! leave with a probability that depends on what his records show by then: how much less he uses the product than he
//! used to, failed charges, support that went wrong, seats given back, the renewal that comes nearer, his plan and how
//! long he has been there. The effects bend and depend on each other, so that a straight line does not catch them all. What is not on
//! record (that he has begun to lose interest, that his card is about to expire) moves only what will be on record.
//!
//! **The true risk** at a date is the probability that he leaves in the label period, given all that has happened to him
//! before the date. Up to there his life is lived again, then [`WorldOptions::paths`] lives are continued from there,
//! on random numbers of their own. Along each, the chance of having left is multiplied up day by day rather than drawn,
//! and the mean over the lives is the risk. It is unbiased: over many customers its mean is the churn rate but for sampling error.
//! A model that sees the records cannot be better than it, but for luck.
//!
//! What the defaults give is frozen: about 6 % churn within 90 days, and an AUC of the true risk of about 0.8. Switches make the
//! world worse: hidden reasons, leaks, drift, a shifted base rate, duplicates, events_without_customer, unknown_ids.
//!
//! ```
//! use churn_core::synthetic::{WorldOptions, world};
//!
//! let world = world(&WorldOptions::default().with_seed(1).with_tenants(2).with_customers(50))?;
//! for tenant in world.tenants() {
//!     let (records, report) = tenant.records()?.build()?;
//!     assert!(report.is_clean() && records.customers() == 50);
//! }
//! let truth = world.truth(world.dates()[0])?;
//! assert!(truth.iter().all(|risk| risk.probability > 0.0 && risk.probability < 1.0));
//! # Ok::<(), churn_core::Error>(())
//! ```
//!
//! # Large worlds
//!
//! A world holds no rows; they are made when asked for, and [`WorldTenant::batches`] makes them for some customers at a time, so
//! that memory stays bounded by the batch. [`WorldOptions::scale`] sets the rates for 10 payments, 2 tickets and 5
//! activities per customer:
//!
//! ```
//! use churn_core::synthetic::{WorldOptions, world};
//!
//! let world = world(&WorldOptions::scale(2_000))?; // 1_000_000 in earnest
//! let tenant = &world.tenants()[0];
//! let mut builder = tenant.empty_records();
//! for batch in tenant.batches(500) {
//!     builder = batch?.add_to(builder);
//! }
//! assert_eq!(builder.build()?.0.customers(), 2_000);
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
