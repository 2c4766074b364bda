//! Support tickets.

use crate::record::Events;

/// The priority of a ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Priority {
    Low,
    #[default]
    Normal,
    High,
    Urgent,
}

/// Tickets, sorted like [`Events`]; the event time is `opened_at`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tickets {
    pub(crate) events: Events,
    /// `NEVER` if null. The same holds for the next two columns.
    pub(crate) first_response_at: Vec<i64>,
    pub(crate) resolved_at: Vec<i64>,
    pub(crate) reopened_at: Vec<i64>,
    /// `Normal` if null or not given.
    pub(crate) priority: Vec<Priority>,
    /// From 1 to 5; NaN if the ticket was not rated.
    pub(crate) satisfaction: Vec<f64>,
    /// The time at which the satisfaction became visible. It is `satisfaction_at` if given, otherwise `resolved_at`,
    /// otherwise `NEVER`.
    pub(crate) satisfaction_at: Vec<i64>,
}
