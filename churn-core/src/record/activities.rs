//! Activities of customers.

use crate::record::{Events, TextColumn};

/// Activities, sorted like [`Events`]; the event time is `at`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Activities {
    pub(crate) events: Events,
    /// The kind of each activity. `None` if the column was not given, so that all activities are of the same kind.
    pub(crate) kind: Option<TextColumn>,
    /// The quantity of each activity. `None` if the column was not given, so that every quantity is 1. Values are
    /// finite, and null is stored as 1.
    /// finite, and null is stored as 1.
    pub(crate) quantity: Option<Vec<f64>>,
}
