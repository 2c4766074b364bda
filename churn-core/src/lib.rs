//! Churn prediction: the input is customer records, the output is calibrated churn probabilities with reasons.
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
//! # Where to start
//!
//! | task | items |
//! |---|---|
//! | read records | [`TenantRecords::builder`]; [`Customer`], [`Payment`], [`Ticket`], [`Activity`], or a [`Table`] of CSV, JSON or Arrow with the columns of [`columns_of`] |
//! | find invalid records | [`ValidationReport`]; [`OnInvalid`] to quarantine invalid rows |
//! | split mixed tables by tenant | [`RecordsBuilder::partition`] |
//! | define churn | [`ChurnDefinition`] |
//! | train a model with an out-of-time test | [`ChurnModel::train`], [`TrainOptions`]; [`TrainReport`], [`Measures`], [`ModelCard`]; [`Backtest`] for several test dates |
//! | score customers and explain scores | [`ChurnModel::score`], [`ScoreRun`], [`Reason`]; [`ChurnModel::score_customer`] for one customer |
//! | save and load a model | [`ChurnModel::save`] and [`load`](ChurnModel::load), [`to_bytes`](ChurnModel::to_bytes) and [`from_bytes`](ChurnModel::from_bytes) |
//! | compute features and labels without a model | [`features()`], [`FeaturePlan`], [`FeatureMatrix`]; [`labels()`] |
//! | declare a feature | [`Feature`] |
//! | fit a classifier to a flat table | [`ChurnClassifier`], [`Dataset`] |
//! | use tree models of other libraries, or single base learners | [`ensemble`] |
//! | limit threads, report progress, cancel calls | [`Execution`] |
//! | handle errors | [`Error`], [`ErrorKind`], [`IssueCode`] |
//! | generate synthetic data | [`synthetic`] |
//!
//! # Time
//!
//! - A [`Timestamp`] is UTC in microseconds. A date is midnight UTC; a date-time without an offset is UTC; a day has 86 400 s.
//! - `as_of` is the prediction time. A record is visible only if it happened, and was known, **strictly before** it.
//!   A field that became known later (a resolution, a settlement, a rating) is hidden until then.
//! - A window of `w` days is `[as_of - w days, as_of)`; the label period is `[as_of + lead, as_of + lead + horizon)`.
//! - A label is mature only if its period ends by `observed_until`. An immature label is an error; it never counts as retained.
//! - Undated attributes hold the values of today. They enter features only if you declare them static.
//! - The crate reads no clock: the current time is always an argument.
//!
//! # Units
//!
//! Amounts of money are in major units (12.34) in inputs and results, and are summed in whole minor units. Durations
//! are in days or hours; the name of the feature states which. Contributions are in log-odds. Probabilities are
//! calibrated and lie in [0, 1].
//!
//! # Reproducibility
//!
//! The same records, options and seed give the same model file, byte for byte, for any number of threads. The score of
//! a single customer and the scores of a reloaded model are bit-identical to those of a whole run.
//!
//! # What it does not do
//!
//! - It reads no clock, no environment, no network and no database, and starts no thread that outlives a call.
//! - It does not state the cause of churn. Reasons name the recorded behaviour that the model responds to.
//! - It does not merge tenants: [`TenantRecords`] hold one tenant, and a model scores only the tenant it was trained on
//!   unless it is shared.
//! - It does not repair records: an invalid value is an error, or its row is quarantined and counted.
//! - It does not guess: if the history is insufficient, the result is [`Outcome::NotScored`] or an error, with the reason.
//!
//! # Crate features
//!
//! | feature | adds |
//! |---|---|
//! | `csv` (default) | tables from CSV |
//! | `arrow` | tables from Arrow record batches and IPC; [`arrow`](https://docs.rs/arrow) is re-exported |
//! | `schema` | `schemars::JsonSchema` of reports and options |
//!
//! [`ndarray`] is re-exported so that callers can use the version that appears in the signatures.

// Modules, lowest layer first: a module imports only modules above it in this list.
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

// Every public name is listed here.
#[cfg(feature = "arrow")]
pub use arrow;
pub use ndarray;

pub use classifier::{
    ChurnClassifier, ClassLabel, ClassWeights, ClassifierOptions, ClassifierPart, ClassifierReport, ClassifierSchema,
    Dataset, FlatType,
};
pub use error::{
    Error, ErrorKind, Finding, FindingCode, IssueCode, RecordKind, Result, TableReport, ValidationIssue,
    ValidationReport,
};
pub use evaluate::{Measures, PurgeProof};
pub use features::{
    Axis, ChurnDefinition, Condition, Feature, FeatureColumn, FeatureKind, FeatureMatrix, FeaturePlan, Function, Label,
    LabelRule, Labels, Measure, ResolvedPlan, eligible_features, features, labels, usual_gap_days,
};
#[cfg(feature = "csv")]
pub use input::CsvBatches;
pub use input::{
    Activity, AttributeMap, Cell, CheckedBatch, CheckedColumn, Column, ColumnNote, ColumnSpec, ColumnType, Customer,
    IntoTable, KeptColumn, OnInvalid, Partition, Payment, RecordsBuilder, Table, Texts, Ticket, Ties, Value,
    columns_of, subscription_columns, subscriptions_to_customers,
};
#[cfg(feature = "arrow")]
pub use input::{ArrowColumn, IpcBatches};
pub use leakage::{LeakageAction, LeakageEvidence, LeakageFinding, LeakagePolicy};
pub use metrics::{Estimate, Interval};
pub use model::{
    Backtest, BacktestOptions, BandCalibration, CardCalibration, CardData, CardFeatures, CardMetrics, CardPopulation,
    ChurnModel, ChurnRateAt, CustomerRows, CustomerScore, Direction, DroppedMember, EnsembleOptions, Explanation,
    MeasuresByActivity, MemberReport, ModelCard, Monotonicity, OutOfTime, Outcome, Prediction, Reason, ReasonValue,
    RiskBand, RiskBands, Score, ScoreRun, TrainOptions, TrainReport, Warning, WarningCode,
};
pub use parallel::{CancelToken, Execution, Progress};
pub use record::{Currency, StaticAttributes, TenantId, TenantRecords};
pub use time::{AsOf, Horizon, Timestamp};
