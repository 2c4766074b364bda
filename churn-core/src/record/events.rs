//! The columns that payments, tickets and activities have in common: the customer, the event time, and the period
//! during which a row is known.

use std::ops::Range;

use crate::record::{ALWAYS, Attribute, NEVER};

/// The columns that all event tables have. The rows are sorted by customer, then by event time, then by
/// [`rank`](Self::rank) or, if there are no ranks, by input order.
///
/// Rows with the same id and different `known_at` are versions of one record. A version is in effect from its own
/// `known_at` until the `known_at` of the next version. A row is known at `as_of` if `known_at < as_of <=
/// superseded_at`, so at most one version of a record is known at any time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Events {
    /// The rows of customer `c` are `starts[c]..starts[c + 1]`. The length of this list is the number of customers plus
    /// 1.
    pub(crate) starts: Vec<u32>,
    /// The event time: `due_at` of a payment, `opened_at` of a ticket, `at` of an activity.
    pub(crate) at: Vec<i64>,
    /// The time at which the row became known; [`ALWAYS`] if the row was always known. The column is `None` if no row
    /// states such a time.
    pub(crate) known_at: Option<Vec<i64>>,
    /// The time at which the next version of the same record becomes known; [`NEVER`] for the last version of a record.
    /// The column is `None` if no record has several versions.
    pub(crate) superseded_at: Option<Vec<i64>>,
    /// The position of the row in the input.
    pub(crate) given: Vec<u32>,
    /// The rank of each row. It is the position that the row would have if the rows of its customer were sorted by
    /// record id, then by all other values. `None` if events with equal times keep their input order.
    pub(crate) rank: Option<Vec<u32>>,
    /// The extra columns and the optional columns `method`, `category` and `channel`, in the order of the input.
    pub(crate) attributes: Vec<Attribute>,
}

impl Events {
    pub(crate) fn len(&self) -> usize {
        self.at.len()
    }

    /// The rows of a customer.
    pub(crate) fn rows_of(&self, customer: usize) -> Range<usize> {
        self.starts[customer] as usize..self.starts[customer + 1] as usize
    }

    pub(crate) fn known_at(&self, row: usize) -> i64 {
        self.known_at.as_ref().map_or(ALWAYS, |known| known[row])
    }

    /// The key that orders a customer's rows if their times are equal. It is used if rows are sorted by a time other
    /// than the event time, such as the settlement time.
    pub(crate) fn tie(&self, row: usize) -> u32 {
        self.rank.as_ref().map_or(self.given[row], |rank| rank[row])
    }

    pub(crate) fn superseded_at(&self, row: usize) -> i64 {
        self.superseded_at.as_ref().map_or(NEVER, |superseded| superseded[row])
    }

    /// Whether this row is the latest version of its record among the versions that became known strictly before
    /// `as_of`.
    pub(crate) fn is_known(&self, row: usize, as_of: i64) -> bool {
        self.known_at(row) < as_of && as_of <= self.superseded_at(row)
    }

    /// Whether this row is the last version of its record.
    pub(crate) fn is_last_version(&self, row: usize) -> bool {
        self.superseded_at(row) == NEVER
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}
