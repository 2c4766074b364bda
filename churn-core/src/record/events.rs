//! The columns that payments, tickets and activities share: the customer, the event time, and the time range in which a
//! row is known.

use std::ops::Range;

use crate::record::{ALWAYS, Attribute, NEVER};

/// The shared columns of an event table, sorted by customer, then by time, then by input order.
///
/// Rows with the same id and different `known_at` are versions of one record. Each version holds from its own
/// `known_at` until the `known_at` of the next version. A row is known at `as_of` if `known_at < as_of <=
/// superseded_at`, so at most one version of a record is known at any time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Events {
    /// `starts[c]..starts[c + 1]` are the rows of customer `c`. The length is the number of customers plus 1.
    pub(crate) starts: Vec<u32>,
    /// The event time: `due_at` of a payment, `opened_at` of a ticket, `at` of an activity.
    pub(crate) at: Vec<i64>,
    /// [`ALWAYS`] if null. The column is `None` if no row has a value.
    pub(crate) known_at: Option<Vec<i64>>,
    /// The time at which the next version becomes known; [`NEVER`] for the last version. The column is `None` if no
    /// record has several versions.
    pub(crate) superseded_at: Option<Vec<i64>>,
    /// The position of the row in the input.
    pub(crate) given: Vec<u32>,
    /// The rank of each row among the rows of its customer, ordered by id, then by all values. `None` if ties are in
    /// input order.
    pub(crate) rank: Option<Vec<u32>>,
    /// Extra columns and the optional descriptive columns (`method`, `category`, `channel`), in column order.
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

    /// The key that orders rows whose times are equal on an axis other than the event time.
    pub(crate) fn tie(&self, row: usize) -> u32 {
        self.rank.as_ref().map_or(self.given[row], |rank| rank[row])
    }

    pub(crate) fn superseded_at(&self, row: usize) -> i64 {
        self.superseded_at.as_ref().map_or(NEVER, |superseded| superseded[row])
    }

    /// Whether this row is the version of its record that was known strictly before `as_of`.
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
