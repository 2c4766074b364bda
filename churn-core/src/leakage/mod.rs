//! Columns that know the label: found before a model can learn from them.
//!
//! Each column is asked alone: how much of the label does it know, is it filled only for one class, is it an id? A
//! statistic counts only where no shuffling of the labels comes near it, and only with at least 20 rows
//! of each class. What is asked of attributes, which tell a state without saying since when, is stricter than what is asked
//! of features made of dated events: those warn, attributes refuse.

mod examine;
mod finding;
mod statistic;
#[cfg(test)]
mod tests;

pub(crate) use examine::{Origin, Question, Suspect, examine, examine_table};
pub(crate) use finding::decide;
pub use finding::{LeakageAction, LeakageEvidence, LeakageFinding, LeakagePolicy};
