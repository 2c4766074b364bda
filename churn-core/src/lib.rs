//! Which customers will leave, and why: raw records in, calibrated scores and their reasons out.
//!
//! ```text
//! JSON objects ─┐                       as_of, windows                                          one .churn file
//! Arrow batches ┼> input ─> record ───────────> features ───> preprocess ─> ensemble ─> calibration ─> model ─> Score
//! Rust structs ─┘  checks   TenantRecords       FeaturePlan   fitted on     linear,     strictly        ChurnModel
//! CSV              ValidationReport             FeatureMatrix training      boosting,   monotone        ScoreRun
//!                                               Labels        rows only     forest                      Reason
//! ```
//!
//! # Example
//!
//! ```
//! use churn_core::{AsOf, ChurnDefinition, ChurnModel, Customer, Payment, RecordKind, TenantRecords, Timestamp, TrainOptions};
//!
//! // Customers who pay once a month; every third stops early.
//! let day = |offset| Timestamp::from_ymd(2024, 1, 1).map(|start| start.plus_days(offset)).unwrap_or_default();
//! let (mut customers, mut payments) = (vec![], vec![]);
//! for number in 0..90 {
//!     let customer_id = format!("C-{number}");
//!     let months = if number % 3 == 0 { 3 + number % 7 } else { 20 };
//!     customers.push(Customer { customer_id: customer_id.clone(), signed_up_at: day(number), ..Customer::default() });
//!     for month in 0..months {
//!         payments.push(Payment { customer_id: customer_id.clone(), due_at: day(number + 30 * month), amount: 9.9, ..Payment::default() });
//!     }
//! }
//! let (records, report) = TenantRecords::builder("acme").customers(customers).payments(payments).build()?;
//! assert!(report.is_clean());
//!
//! let definition = ChurnDefinition::inactivity(60, RecordKind::Payments);
//! let model = ChurnModel::train(&records, &TrainOptions::default().with_definition(definition))?;
//! let run = model.score(&records, "2025-06-01".parse::<AsOf>()?)?;
//! for score in run.riskiest(3) {
//!     println!("{} {:?} {:?}", score.customer_id, score.probability(), run.reasons(&score.customer_id, 2)?);
//! }
//! let bytes = model.to_bytes();
//! assert_eq!(ChurnModel::from_bytes(&bytes)?.id(), model.id());
//! # Ok::<(), churn_core::Error>(())
//! ```
//!
//! # Where to begin
//!
//! | to | take |
//! |---|---|
//! | bring records in | [`TenantRecords::builder`]; [`Customer`], [`Payment`], [`Ticket`], [`Activity`], or a [`Table`] of CSV, JSON or Arrow with the columns of [`columns_of`] |
//! | see what was wrong with them | [`ValidationReport`]; [`OnInvalid`] to set bad rows aside |
//! | split mixed tables by tenant | [`RecordsBuilder::partition`] |
//! | say what churn is | [`ChurnDefinition`] |
//! | train, and test on a later date | [`ChurnModel::train`], [`TrainOptions`]; [`TrainReport`], [`Measures`], [`ModelCard`]; [`Backtest`] for several dates |
//! | score, and say why | [`ChurnModel::score`], [`ScoreRun`], [`Reason`]; [`ChurnModel::score_customer`] for one customer |
//! | keep a model | [`ChurnModel::save`] and [`load`](ChurnModel::load), [`to_bytes`](ChurnModel::to_bytes) and [`from_bytes`](ChurnModel::from_bytes) |
//! | have features and labels alone | [`features()`], [`FeaturePlan`], [`FeatureMatrix`]; [`labels()`] |
//! | declare a feature | [`Feature`] |
//! | learn from a flat table | [`ChurnClassifier`]; [`fit_grouped`](ChurnClassifier::fit_grouped) for several rows per customer |
//! | use trees of other libraries, or the members alone | [`ensemble`] |
//! | limit threads, hear of progress, cancel | [`Execution`] |
//! | handle errors | [`Error`], [`ErrorKind`], [`IssueCode`] |
//! | try it without data | [`synthetic`] |
//!
//! # Time
//!
//! - A [`Timestamp`] is UTC in microseconds. A date is midnight UTC; a date-time without an offset is UTC; a day has 86 400 s.
//! - `as_of` is the moment we pretend it is. A record is visible only if it happened, and was known, **strictly before** it.
//!   A field that became known later (a resolution, a settlement, a rating) is hidden until then.
//! - A window of `w` days is `[as_of - w days, as_of)`; the label period is `[as_of + lead, as_of + lead + horizon)`.
//! - A label is mature only if its period ends by `observed_until`. An immature label is an error, never "stayed".
//! - Attributes without a date tell what is true today. They enter features only if the caller names them static.
//! - There is no clock here. "Now" is always an argument.
//!
//! # Units
//!
//! Money goes in and comes out in major units (12.34) and is summed in whole minor units. Durations are days or hours, as the
//! feature's name says. Contributions are log-odds; a probability is calibrated and lies in [0, 1].
//!
//! # Bits
//!
//! The same records, options and seed give the same model file, byte for byte, for any number of threads; one customer alone
//! gets the bits of the batch; a reloaded model scores the bits of the one that was saved.
//!
//! # What it does not do
//!
//! - It reads no clock, no environment, no network and no database, and starts no thread that outlives a call.
//! - It does not tell why a customer leaves, only which of his recorded behaviour the model answers to.
//! - It does not merge tenants: a container holds one, and a model scores the tenant it was trained on unless made to be shared.
//! - It does not repair records: a bad value is refused, or set aside and counted.
//! - It does not guess: too thin a history is [`Outcome::NotScored`], too short a one an error or a named reason.
//!
//! # Features of the crate
//!
//! `csv` (default): tables from CSV. `arrow`: tables from Arrow record batches and IPC.

// Rooms, lowest first: none imports one that stands below it in this list.
mod error;
mod numeric;
mod options;
mod parallel;
mod time;

mod record;

mod input;

pub mod synthetic;

mod features;

mod preprocess;

pub mod metrics;

mod leakage;

pub mod ensemble;

mod calibration;

mod explain;

mod artifact;

mod evaluate;

mod model;

mod classifier;

pub use classifier::{ChurnClassifier, ClassWeights, ClassifierOptions, ClassifierPart, ClassifierReport};
pub use error::{Error, ErrorKind, IssueCode, RecordKind, Result, TableReport, ValidationIssue, ValidationReport};
pub use evaluate::{Measures, PurgeProof};
pub use features::{
    Axis, ChurnDefinition, Condition, Feature, FeatureColumn, FeatureKind, FeatureMatrix, FeaturePlan, Function, Label,
    LabelRule, Labels, Measure, ResolvedPlan, features, labels,
};
pub use input::*;
pub use leakage::{LeakageAction, LeakageEvidence, LeakageFinding, LeakagePolicy};
pub use metrics::{Estimate, Interval};
pub use model::*;
pub use parallel::{CancelToken, Execution, Progress};
pub use record::{Currency, StaticAttributes, TenantId, TenantRecords};
pub use time::{AsOf, Horizon, Timestamp};
