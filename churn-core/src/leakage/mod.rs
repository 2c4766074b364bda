//! Target leakage: finds columns that leak the target before a model learns from them.
//!
//! Each column is tested alone: how well it predicts the target, whether it has values for only one class, and whether
//! it is an id. A statistic counts only if it beats a permutation test, and only with at least 20 rows of each class.
//! Attributes hold a state without stating since when, so they are tested more strictly than features of dated events.
//! A leaking attribute refuses training; a leaking feature of events is only a warning.

mod examine;
mod finding;
mod statistic;
#[cfg(test)]
mod tests;

pub(crate) use examine::{Origin, Question, Suspect, examine, examine_table};
pub(crate) use finding::decide;
pub use finding::{LeakageAction, LeakageEvidence, LeakageFinding, LeakagePolicy};
