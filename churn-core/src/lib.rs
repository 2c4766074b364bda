//! Churn prediction. The input is the records of customers. The output is a calibrated churn probability for each
//! customer, with reasons.
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
//! // 90 customers pay once a month. Every third customer stops after a few months.
//! let start: Timestamp = "2024-01-01".parse()?;
//! let day = |offset| start.plus_days(offset);
//! let (mut customers, mut payments) = (vec![], vec![]);
//! for number in 0..90 {
//!     let customer_id = format!("C-{number}");
//!     let months = if number % 3 == 0 { 3 + number % 7 } else { 20 };
//!     customers.push(Customer::new(customer_id.clone(), day(number)));
//!     for month in 0..months {
//!         payments.push(Payment::new(customer_id.clone(), day(number + 30 * month), 9.9));
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
//! | split tables that contain several tenants | [`RecordsBuilder::partition`] |
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
//! - A [`Timestamp`] is a point in time in UTC, in microseconds. A date without a time means midnight UTC. A date-time
//!   without an offset is in UTC. A day has 86 400 s.
//! - `as_of` is the prediction time. A record is visible only if it happened, and was known, **strictly before**
//!   `as_of`. Some fields of a record become known later than the record: for example, the time at which a ticket was
//!   resolved. Such a field is hidden until it is known.
//! - A window of `w` days is the history in `[as_of - w days, as_of)`.
//! - The label period is `[as_of + lead, as_of + lead + horizon)`. A label states whether a customer churned in the label
//!   period.
//! - A label is mature if its label period ends at or before `observed_until`, the end of the observed history. An
//!   immature label is not known, so a call that needs this label returns an error. A customer with an immature label
//!   is never counted as retained.
//! - An undated attribute holds today's value, and the records do not state since when this value has been true. The
//!   attribute is used as a feature only if you declare it static, which means that its value never changes.
//! - The crate reads no clock: the current time is always an argument.
//!
//! # Units
//!
//! Amounts of money are in major units (12.34) in inputs and results. Internally, they are summed in whole minor units
//! (1234). Durations are in days or hours, and the name of a feature states its unit. Contributions of features to a
//! score are in log-odds. Probabilities are calibrated and lie in [0, 1].
//!
//! # Reproducibility
//!
//! The same records, options and seed give the same model file, byte for byte, for any number of threads. The score of
//! a customer is bit-identical whether all customers are scored or only this one. Saving and loading a model does not
//! change its scores.
//!
//! # Threads, progress and cancellation
//!
//! An [`Execution`] sets the number of threads, the progress callback and the cancellation token of a long call. If the
//! call takes options, the execution is one of the options. Set it with the method `with_execution` of
//! [`TrainOptions`], [`BacktestOptions`], [`ClassifierOptions`] or [`WorldOptions`](synthetic::WorldOptions), or with
//! the method `execution` of [`RecordsBuilder`]. Any other long call takes `&Execution` as its last argument.
//! [`Execution::default`] uses all cores. Calls that accept no [`Execution`] are short. The only exception is
//! [`ChurnModel::score`], which calls [`score_with`](ChurnModel::score_with) with the default execution.
//!
//! # Names of counts
//!
//! A method that returns a count is named after what it counts: `n_rows`, `n_customers`, `n_features` or `n_trees`. The
//! method that counts the items of a list is named `len`. A method whose name is a plural noun returns a slice or an
//! iterator.
//!
//! # What it does not do
//!
//! - The crate does not read a clock, environment variables, a network or a database. No thread that the crate starts
//!   outlives the call that started it.
//! - The crate does not state the cause of churn. A reason names recorded behaviour that raises or lowers the score.
//! - The crate does not merge tenants. [`TenantRecords`] hold the records of one tenant. A model scores only the tenant
//!   that it was trained on, unless it was trained with the option `shared`.
//! - The crate does not repair records. By default, an invalid value is an error. If you choose to quarantine invalid
//!   rows, these rows are skipped, counted and listed in the report.
//! - The crate does not guess. If the history is insufficient, the result is [`Outcome::NotScored`] or an error, and
//!   both state the reason.
//!
//! # Untrusted files and tables
//!
//! The following holds for files and tables from untrusted sources:
//!
//! - A malformed file or table causes an error, not a panic.
//! - Opening or importing a model file needs an amount of memory that is at most 32 times the size of the file plus 32
//!   MiB.
//! - Building records takes memory in proportion to the size of the tables, even if many rows are invalid. A table with
//!   too many columns or cells for its size is refused.
//! - No result depends on the order in which a hash table lists its entries, so an attacker who chooses ids with
//!   colliding hashes cannot change a result.
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

// The modules are listed by layer, the lowest layer first. A module imports only modules that come earlier in this
// list.
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

/// Items for the code that the exported macros `names!`, `error_kinds!` and `error_type!` generate.
#[doc(hidden)]
pub mod private {
    pub use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub use crate::error::{
        AnyError, Codes, Error, Named, Parts, RecordKind, ValidationReport, deserialize, parse, unknown,
    };

    /// Creates a tenant id without validating it. The caller must validate it later.
    pub fn tenant(id: impl AsRef<str>) -> crate::TenantId {
        crate::TenantId::unchecked(id)
    }
}

// Every public name of the crate is re-exported here.
#[cfg(feature = "arrow")]
pub use arrow;
pub use ndarray;

#[doc(hidden)] // only the language bindings need `read_file`
pub use artifact::read_file;
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
#[cfg(feature = "arrow")]
pub use input::IpcBatches;
pub use input::{
    Activity, AttributeMap, CheckedBatch, CheckedColumn, Column, ColumnNote, ColumnSpec, ColumnType, Customer,
    IntoTable, OnInvalid, Partition, Payment, RecordsBuilder, Table, Ticket, Ties, Value, columns_of,
    subscription_columns, subscriptions_to_customers, subscriptions_to_customers_with,
};
#[doc(hidden)] // only `churn-store` and the language bindings need these
pub use input::{Cell, MOST_COLUMNS};
pub use leakage::{LeakageAction, LeakageEvidence, LeakageFinding, LeakagePolicy};
pub use metrics::{Estimate, Interval};
pub use model::{
    Backtest, BacktestOptions, BandCalibration, CardCalibration, CardData, CardFeatures, CardMetrics, CardPopulation,
    ChurnModel, ChurnRateAt, CustomerRows, CustomerScore, Direction, DroppedMember, EnsembleOptions, Explanation,
    MeasuresByActivity, MemberReport, ModelCard, Monotonicity, OutOfTime, Outcome, Prediction, Reason, ReasonValue,
    RiskBand, RiskBands, Score, ScoreRun, ScoreStatus, TrainOptions, TrainReport, Warning, WarningCode,
};
pub use parallel::{CancelToken, Execution, Progress};
pub use record::{Currency, StaticAttributes, TenantId, TenantRecords};
pub use time::{AsOf, Horizon, Timestamp};
