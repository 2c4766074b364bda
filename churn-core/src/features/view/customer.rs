//! The visible version of a customer.

use crate::features::view::Row;
use crate::record::{Customers, NEVER, TenantRecords};
use crate::time::{AsOf, MICROS_PER_DAY};

/// What is known of one customer at a moment: the version of his current spell that is visible.
#[derive(Clone, Copy)]
pub(crate) struct CustomerView<'a> {
    customers: &'a Customers,
    as_of: i64,
    /// Rows of the current spell.
    spell: (usize, usize),
    /// The visible version.
    row: usize,
}

impl<'a> CustomerView<'a> {
    /// `None` if no row of the customer is visible.
    pub(crate) fn new(records: &'a TenantRecords, customer: u32, as_of: i64) -> Option<Self> {
        let customers = &records.customers;
        let rows = customers.rows_of(customer as usize);
        // Rows are sorted by sign-up, then by version: the last visible one is the version of the latest visible spell.
        let row = rows.clone().rev().find(|&row| is_visible(customers, row, as_of))?;
        let signed_up = &customers.signed_up_at[rows.clone()];
        let first = rows.start + signed_up.partition_point(|&at| at < customers.signed_up_at[row]);
        let end = rows.start + signed_up.partition_point(|&at| at <= customers.signed_up_at[row]);
        Some(Self {
            customers,
            as_of,
            spell: (first, end),
            row,
        })
    }

    /// The visible version's row: the key to attribute columns.
    pub(crate) fn version(&self) -> Row {
        Row::new(self.row)
    }

    /// The version of the current spell that was in force `micros` before the view's moment, as known at it.
    pub(crate) fn version_before(&self, micros: i64) -> Option<Row> {
        let moment = self.as_of.saturating_sub(micros);
        (self.spell.0..self.spell.1)
            .rev()
            .find(|&row| is_visible(self.customers, row, self.as_of) && self.customers.valid_from[row] < moment)
            .map(Row::new)
    }

    pub(crate) fn signed_up_at(&self) -> i64 {
        self.customers.signed_up_at[self.row]
    }

    pub(crate) fn valid_from(&self) -> i64 {
        self.customers.valid_from[self.row]
    }

    /// When the contract renews; it may lie ahead, for it is what the visible version says.
    pub(crate) fn renews_at(&self) -> Option<i64> {
        self.customers
            .renews_at
            .as_ref()
            .map(|renews| renews[self.row])
            .filter(|&at| at != NEVER)
    }

    /// Whether the visible version says that the customer had left, or given notice, before the moment.
    pub(crate) fn has_churned(&self) -> bool {
        self.customers.churned_at[self.row] < self.as_of
    }

    pub(crate) fn has_given_notice(&self) -> bool {
        self.customers.notice_at[self.row] < self.as_of
    }
}

/// How the spell that is current at a moment ends in truth, known then or not. Labels ask; features never see it, for a
/// [`CustomerView`] does not tell.
pub(crate) struct SpellTruth {
    /// `NEVER` if it does not end.
    pub(crate) churned_at: i64,
}

impl SpellTruth {
    /// `None` if no row of the customer is visible at the moment.
    pub(crate) fn new(records: &TenantRecords, customer: u32, as_of: i64) -> Option<Self> {
        let view = CustomerView::new(records, customer, as_of)?;
        Some(Self {
            churned_at: view.customers.churned_at[view.spell.1 - 1],
        })
    }
}

fn is_visible(customers: &Customers, row: usize, as_of: i64) -> bool {
    customers.signed_up_at[row] < as_of && customers.valid_from[row] < as_of && customers.known_at(row) < as_of
}

/// Days since the start of the current spell; 0 if the customer is not known.
pub(crate) fn tenure_days(records: &TenantRecords, customer: u32, as_of: AsOf) -> f64 {
    let view = CustomerView::new(records, customer, as_of.as_micros());
    view.map_or(0.0, |view| {
        (as_of.as_micros() - view.signed_up_at()) as f64 / MICROS_PER_DAY as f64
    })
}
