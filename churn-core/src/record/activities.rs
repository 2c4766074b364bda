//! Activities of customers.

use crate::record::{Events, TextColumn};

/// The activities of all customers. Rows are sorted as described at [`Events`]. The event time is the input column
/// `at`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Activities {
    pub(crate) events: Events,
    /// The kind of each activity; `None` if the input has no column `kind`. All activities are then of the same kind.
    pub(crate) kind: Option<TextColumn>,
    /// The quantity of each activity; `None` if the input has no column `quantity`. Every quantity is then 1. Values
    /// are finite. A null is stored as 1.
    pub(crate) quantity: Option<Vec<f64>>,
}
