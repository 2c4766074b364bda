//! Evaluation: training and test dates, customer folds, and metrics with confidence intervals.

mod dates;
mod folds;
mod measures;

pub use dates::PurgeProof;
pub(crate) use dates::{DateSpan, choose_dates, most_recent, purge};
pub(crate) use folds::grouped_folds;
pub use measures::Measures;
pub(crate) use measures::measure;
