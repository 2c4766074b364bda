//! Target leakage: finds columns that leak the target before a model learns from them.
//!
//! Each column is tested alone: how well it predicts the target, whether it is filled for one class only, whether it is an id.
//! A statistic counts only if it beats a permutation test, and only with at least 20 rows of each class. Attributes, which hold
//! a state without saying since when, are tested more strictly than features of dated events: features only warn, attributes
//! are refused.

mod examine;
mod finding;
mod statistic;
#[cfg(test)]
mod tests;

pub(crate) use examine::{Origin, Question, Suspect, examine, examine_table};
pub(crate) use finding::decide;
pub use finding::{LeakageAction, LeakageEvidence, LeakageFinding, LeakagePolicy};
