//! Raw customer records in, calibrated churn scores and their reasons out.

// Rooms, lowest first: none imports one that stands below it in this list.
mod error;
mod numeric;
mod parallel;
mod time;

mod record;

mod input;

mod features;

pub mod ensemble;

mod explain;

mod artifact;

pub use error::{
    Error, ErrorKind, IssueCode, RecordKind, Result, TableReport, ValidationIssue, ValidationReport,
};
pub use features::*;
pub use input::*;
pub use parallel::{CancelToken, Execution, Progress};
pub use record::{Currency, StaticAttributes, TenantId, TenantRecords};
pub use time::{AsOf, Horizon, Timestamp, Window};
