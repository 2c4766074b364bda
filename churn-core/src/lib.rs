//! Raw customer records in, calibrated churn scores and their reasons out.

// Rooms, lowest first: none imports one that stands below it in this list.
mod error;
mod numeric;
mod parallel;
mod time;

mod record;

mod input;

mod features;

mod preprocess;

pub mod metrics;

pub mod ensemble;

mod calibration;

mod explain;

mod artifact;

mod evaluate;

mod model;

pub use error::{Error, ErrorKind, IssueCode, RecordKind, Result, TableReport, ValidationIssue, ValidationReport};
pub use evaluate::{Estimate, Measures, PurgeProof};
pub use features::{
    Axis, ChurnDefinition, Condition, Feature, FeatureColumn, FeatureKind, FeatureMatrix, FeaturePlan, Function, Label,
    LabelRule, Labels, Measure, ResolvedPlan, features, labels,
};
pub use input::*;
pub use model::*;
pub use parallel::{CancelToken, Execution, Progress};
pub use record::{Currency, StaticAttributes, TenantId, TenantRecords};
pub use time::{AsOf, Horizon, Timestamp, Window};
