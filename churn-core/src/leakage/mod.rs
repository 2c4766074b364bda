//! Target leakage. This module finds columns that leak the target before a model is fitted. A column leaks the target
//! if it contains information that is not available at prediction time.
//!
//! Each column is tested on its own. The tests check how well the column predicts the target, whether it has values for
//! only one class, and whether it is an id. A column is reported only if each class has at least 20 rows. Columns that
//! are not ids are reported only if permuted labels would not give the same result.
//!
//! An attribute is a column that states a property of the customer. It does not state when the property last changed.
//! Attributes are therefore tested more strictly than features that are computed from dated events. By default,
//! training fails if an attribute leaks. If a feature that is computed from events leaks, there is only a warning.

mod examine;
mod finding;
mod statistic;
#[cfg(test)]
mod tests;

pub(crate) use examine::{Origin, Question, Suspect, examine, examine_table};
pub use finding::{LeakageAction, LeakageEvidence, LeakageFinding, LeakagePolicy};
pub(crate) use finding::{allowed_exist, decide};
