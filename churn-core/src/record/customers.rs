//! Customers, their spells (uninterrupted periods as a customer), and the versions of each customer (rows, each
//! of which is valid from its own date).

use std::ops::Range;
use std::sync::Arc;

use crate::record::{ALWAYS, Attribute, Ids, NEVER};

/// Customer rows, sorted by customer, then by `signed_up_at`, `valid_from`, `known_at` and input order.
///
/// A spell is an uninterrupted period as a customer. Rows of one customer with the same `signed_up_at` are versions of
/// one spell: each states what was true from its `valid_from`. There is one exception. If a version states that the
/// customer has churned, and the next version states that the customer is active again, the next version begins a new
/// spell. A later `signed_up_at` always begins a new spell.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Customers {
    /// Customer ids, sorted by bytes. The code of a customer is the position of their id in this list.
    pub(crate) ids: Arc<Ids>,
    /// The rows of customer `c` are `starts[c]..starts[c + 1]`. The length of this list is the number of customers plus
    /// 1.
    pub(crate) starts: Vec<u32>,
    pub(crate) signed_up_at: Vec<i64>,
    /// The end of the spell (uninterrupted period as a customer). In this column, in `notice_at` and in `renews_at`, a
    /// null is stored as `NEVER`.
    pub(crate) churned_at: Vec<i64>,
    pub(crate) notice_at: Vec<i64>,
    /// The renewal date of the contract. The column is `None` if the input does not have it.
    pub(crate) renews_at: Option<Vec<i64>>,
    /// The time since which the values of the row are true. If the input states no `valid_from`, `signed_up_at` is
    /// stored.
    pub(crate) valid_from: Vec<i64>,
    /// The time at which the row became known; `ALWAYS` if the row was always known. The column is `None` if no row
    /// states such a time.
    pub(crate) known_at: Option<Vec<i64>>,
    /// Whether the input has a `valid_from` column. If so, attributes are dated: each version states since when its
    /// values are true.
    pub(crate) dated: bool,
    /// The extra columns, in the order of the input.
    pub(crate) attributes: Vec<Attribute>,
    /// Whether any customer has more than one spell (uninterrupted period as a customer).
    pub(crate) returning: bool,
    /// Whether any spell may begin later than its `signed_up_at`. This is the case if a version states that a customer
    /// is active, but an earlier version with the same `signed_up_at` states that the spell ended. The start of a spell
    /// must then be found among the versions.
    pub(crate) reopened: bool,
}

/// A spell: an uninterrupted period as a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spell {
    /// The start of the spell.
    pub(crate) start: i64,
    /// The end of the spell; `NEVER` if the spell has not ended.
    pub(crate) end: i64,
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

    /// The start of the spell (uninterrupted period as a customer) that `row` begins; `None` if `row` does not begin a
    /// spell. `before` is the previous known row of the same customer; `None` if there is no such row.
    ///
    /// A version with the same `signed_up_at` as the previous one begins a spell at its own `valid_from` if two
    /// conditions hold. First, the `churned_at` of the previous version is not after this `valid_from`. Second, the
    /// version's own `churned_at` is null or is after this `valid_from`. A `churned_at` after `valid_from` is treated
    /// like null, because it may have been written into the version at a later time. If it counted, the spells before a
    /// date would depend on values that became known only after the date.
    pub(crate) fn opens_spell(&self, before: Option<usize>, row: usize) -> Option<i64> {
        match before {
            Some(before) if self.signed_up_at[before] == self.signed_up_at[row] => {
                let valid_from = self.valid_from[row];
                let reactivated = self.churned_at[before] <= valid_from && valid_from < self.churned_at[row];
                reactivated.then_some(valid_from)
            }
            _ => Some(self.signed_up_at[row]),
        }
    }

    /// The spells (uninterrupted periods as a customer) that result from the given rows of one customer, ordered by
    /// their start. The rows must be in ascending order.
    pub(crate) fn spells(&self, rows: impl IntoIterator<Item = usize>) -> impl Iterator<Item = Spell> {
        let mut rows = rows.into_iter().peekable();
        let mut before = None;
        let mut start = ALWAYS;
        std::iter::from_fn(move || {
            loop {
                let row = rows.next()?;
                if let Some(opened) = self.opens_spell(before, row) {
                    start = opened;
                }
                before = Some(row);
                let ends = rows.peek().is_none_or(|&next| self.opens_spell(before, next).is_some());
                if ends {
                    let end = self.churned_at[row];
                    return Some(Spell { start, end });
                }
            }
        })
    }

    /// Computes the fields [`returning`](Self::returning) and [`reopened`](Self::reopened).
    pub(crate) fn find_spells(&mut self) {
        let of = |customer: usize| self.rows_of(customer);
        let reopened = |customer: usize| {
            // The sign-up time of the previous row, and the earliest end among the versions with this sign-up time.
            let mut ended = (ALWAYS, NEVER);
            of(customer).any(|row| {
                if ended.0 != self.signed_up_at[row] {
                    ended = (self.signed_up_at[row], NEVER);
                }
                let end = self.churned_at[row];
                let open_again = ended.1 != NEVER && end > self.valid_from[row] && end != ended.1;
                ended.1 = ended.1.min(end);
                open_again
            })
        };
        let (returning, reopened) = (
            (0..self.len()).any(|customer| of(customer).len() > 1 && self.spells(of(customer)).nth(1).is_some()),
            (0..self.len()).any(reopened),
        );
        (self.returning, self.reopened) = (returning, reopened);
    }

    pub(crate) fn known_at(&self, row: usize) -> i64 {
        self.known_at.as_ref().map_or(ALWAYS, |known| known[row])
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}
