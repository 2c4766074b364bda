//! Customers, their spells and the versions of what was known of them.

use std::ops::Range;
use std::sync::Arc;

use crate::record::{ALWAYS, Attribute, Ids};

/// Customer rows, sorted by customer, then `signed_up_at`, `valid_from`, `known_at`, order given.
///
/// The rows of one customer with one `signed_up_at` are versions of one spell; a later `signed_up_at`
/// opens a new spell.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Customers {
    /// Customer ids sorted by bytes: a customer's code is its position here.
    pub(crate) ids: Arc<Ids>,
    /// `starts[c]..starts[c + 1]` are the rows of customer `c`; one longer than there are customers.
    pub(crate) starts: Vec<u32>,
    pub(crate) signed_up_at: Vec<i64>,
    /// `NEVER` where null, as in the next two.
    pub(crate) churned_at: Vec<i64>,
    pub(crate) notice_at: Vec<i64>,
    /// `None` where the column was not given.
    pub(crate) renews_at: Option<Vec<i64>>,
    /// `signed_up_at` where null or where the column was not given.
    pub(crate) valid_from: Vec<i64>,
    /// `ALWAYS` where null; `None` where no row carries one.
    pub(crate) known_at: Option<Vec<i64>>,
    /// Whether a `valid_from` column was given: then attributes are dated.
    pub(crate) dated: bool,
    /// Extra columns, in column order.
    pub(crate) attributes: Vec<Attribute>,
}

impl Customers {
    /// Number of customers.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The rows of a customer.
    pub(crate) fn rows_of(&self, customer: usize) -> Range<usize> {
        self.starts[customer] as usize..self.starts[customer + 1] as usize
    }

    pub(crate) fn known_at(&self, row: usize) -> i64 {
        self.known_at.as_ref().map_or(ALWAYS, |known| known[row])
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}
