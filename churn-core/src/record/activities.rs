//! Activities of customers.

use crate::record::{Events, TextColumn};

/// The activities of all customers. Rows are sorted as described at [`Events`]. The event time is the input column
/// `at`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Activities {
    pub(crate) events: Events,
    /// The kind of each activity. If the input does not have the column, it is `None` and all activities are of the
    /// same kind.
    pub(crate) kind: Option<TextColumn>,
    /// The quantity of each activity. If the input does not have the column, it is `None` and every quantity is 1.
    /// Values are finite. A null is stored as 1.
    pub(crate) quantity: Option<Vec<f64>>,
}
