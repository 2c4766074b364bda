//! What customers did.

use crate::record::{Events, TextColumn};

/// Activities, sorted as [`Events`]; the event time is `at`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Activities {
    pub(crate) events: Events,
    /// `None` where the column was not given: all of one kind.
    pub(crate) kind: Option<TextColumn>,
    /// `None` where the column was not given: 1 each. Finite; 1 where null.
    pub(crate) quantity: Option<Vec<f64>>,
}
