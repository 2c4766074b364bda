//! Target leakage: finds columns that leak the target before a model learns from them.
//!
//! Each column is tested alone: how well it predicts the target, whether it has values for only one class, and whether
//! it is an id. A column is reported only if each class has at least 20 rows and, except for ids, only if permuted
//! labels would not give the same result. An attribute does not state since when its value holds, so attributes are
//! tested more strictly than features that are computed from dated events. By default, training is refused if an
//! attribute leaks, and only a warning is given if a feature of events leaks.

mod examine;
mod finding;
mod statistic;
#[cfg(test)]
mod tests;

pub(crate) use examine::{Origin, Question, Suspect, examine, examine_table};
pub(crate) use finding::decide;
pub use finding::{LeakageAction, LeakageEvidence, LeakageFinding, LeakagePolicy};
