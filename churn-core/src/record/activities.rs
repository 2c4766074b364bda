//! Activities of customers.

use crate::record::{Events, TextColumn};

/// Activities, sorted like [`Events`]; the event time is `at`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Activities {
    pub(crate) events: Events,
    /// `None` if the column was not given: all activities are of one kind.
    pub(crate) kind: Option<TextColumn>,
    /// `None` if the column was not given: every quantity is 1. Values are finite; null becomes 1.
    pub(crate) quantity: Option<Vec<f64>>,
}
