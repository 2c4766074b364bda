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

/// The tickets of all customers. Rows are sorted as described at [`Events`]. The event time is the input column
/// `opened_at`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tickets {
    pub(crate) events: Events,
    /// The time of the first response. In this column, in `resolved_at` and in `reopened_at`, a null is stored as
    /// `NEVER`.
    pub(crate) first_response_at: Vec<i64>,
    pub(crate) resolved_at: Vec<i64>,
    pub(crate) reopened_at: Vec<i64>,
    /// The priority. If it is null or the column was not given, `Normal` is stored.
    pub(crate) priority: Vec<Priority>,
    /// The satisfaction rating of the ticket, from 1 to 5; NaN if the ticket was not rated.
    pub(crate) satisfaction: Vec<f64>,
    /// The time at which the satisfaction rating became known. It is the input's `satisfaction_at` or, if this is
    /// missing, `resolved_at`. It is `NEVER` if both are missing.
    pub(crate) satisfaction_at: Vec<i64>,
}
