//! The visible version of a customer. A version is one row of the customers table, and is valid from its `valid_from`.
//! A spell is an uninterrupted period as a customer. A customer who returns after churn has several spells.

use crate::features::view::Row;
use crate::record::{Customers, NEVER, Spell, TenantRecords};
use crate::time::{AsOf, MICROS_PER_DAY};

/// The view of a customer at a point in time (the view's time). It contains the version that was valid and known at
/// this time.
#[derive(Clone, Copy)]
pub(crate) struct CustomerView<'a> {
    customers: &'a Customers,
    as_of: i64,
    /// The range of all rows of the customer.
    rows: (usize, usize),
    /// The range of rows that have the same sign-up time as the current spell (the current uninterrupted period as a
    /// customer). The range begins at the first row of the spell.
    spell: (usize, usize),
    /// The start of the current spell (the current uninterrupted period as a customer).
    start: i64,
    /// The row of the visible version (the version that was valid and known at the view's time).
    row: usize,
}

impl<'a> CustomerView<'a> {
    /// Creates the view of a customer at a point in time; `None` if no row of the customer is visible at this time.
    pub(crate) fn new(records: &'a TenantRecords, customer: u32, as_of: i64) -> Option<Self> {
        let customers = &records.customers;
        let rows = customers.rows_of(customer as usize);
        // Rows are sorted by `signed_up_at`, then by `valid_from`, then by `known_at`. The last visible row is
        // therefore the visible version of the latest spell.
        let row = rows.clone().rev().find(|&row| is_visible(customers, row, as_of))?;
        let signed_up = &customers.signed_up_at[rows.clone()];
        let first = rows.start + signed_up.partition_point(|&at| at < customers.signed_up_at[row]);
        let end = rows.start + signed_up.partition_point(|&at| at <= customers.signed_up_at[row]);
        let mut view = Self {
            customers,
            as_of,
            rows: (rows.start, rows.end),
            spell: (first, end),
            start: customers.signed_up_at[row],
            row,
        };
        if customers.reopened {
            let mut before = None;
            for row in view.visible(first) {
                if let Some(start) = customers.opens_spell(before, row) {
                    (view.start, view.spell.0) = (start, row);
                }
                before = Some(row);
            }
        }
        Some(view)
    }

    /// The visible rows of the customer, from the row `first` to the row of the visible version.
    fn visible(&self, first: usize) -> impl Iterator<Item = usize> + use<'a> {
        let (customers, as_of) = (self.customers, self.as_of);
        (first..=self.row).filter(move |&row| is_visible(customers, row, as_of))
    }

    /// All visible spells (uninterrupted periods as a customer), ordered by their start. The last one is the current
    /// spell.
    fn spells(&self) -> impl Iterator<Item = Spell> + use<'a> {
        self.customers.spells(self.visible(self.rows.0))
    }

    /// Number of spells (uninterrupted periods as a customer) before the current one.
    pub(crate) fn earlier_spells(&self) -> usize {
        self.spells().count() - 1
    }

    /// The latest end of a spell (uninterrupted period as a customer) before the current one. Ends at or after the
    /// view's time are ignored.
    pub(crate) fn last_end(&self) -> Option<i64> {
        let earlier = self.spells().count() - 1;
        let ends = self.spells().take(earlier).map(|spell| spell.end);
        ends.filter(|&end| end < self.as_of).max()
    }

    /// The start of the first visible spell (uninterrupted period as a customer).
    pub(crate) fn first_sign_up(&self) -> i64 {
        self.spells().next().map_or(self.start, |spell| spell.start)
    }

    /// The row of the version that was valid and known at the view's time. Attribute columns are read with this row.
    pub(crate) fn version(&self) -> Row {
        Row::new(self.row)
    }

    /// The row of the version that was valid `micros` microseconds before the view's time. Only versions known at the
    /// view's time are considered. `None` if no version of the current spell (uninterrupted period as a customer) was
    /// valid then.
    pub(crate) fn version_before(&self, micros: i64) -> Option<Row> {
        let moment = self.as_of.saturating_sub(micros);
        (self.spell.0..self.spell.1)
            .rev()
            .find(|&row| is_visible(self.customers, row, self.as_of) && self.customers.valid_from[row] < moment)
            .map(Row::new)
    }

    /// The start of the current spell (the current uninterrupted period as a customer).
    pub(crate) fn spell_start(&self) -> i64 {
        self.start
    }

    pub(crate) fn valid_from(&self) -> i64 {
        self.customers.valid_from[self.row]
    }

    /// The renewal date according to the visible version. The date may lie after the view's time.
    pub(crate) fn renews_at(&self) -> Option<i64> {
        self.customers
            .renews_at
            .as_ref()
            .map(|renews| renews[self.row])
            .filter(|&at| at != NEVER)
    }

    /// Whether the customer had churned before the view's time, according to the visible version.
    pub(crate) fn has_churned(&self) -> bool {
        self.customers.churned_at[self.row] < self.as_of
    }

    pub(crate) fn has_given_notice(&self) -> bool {
        self.customers.notice_at[self.row] < self.as_of
    }
}

/// The actual end of the spell (uninterrupted period as a customer) that is current at a time. The end may have become
/// known only after that time, so only labels use it. Features use a [`CustomerView`], which does not expose the end.
pub(crate) struct SpellTruth {
    /// The end of the spell (uninterrupted period as a customer); `NEVER` if the spell does not end.
    pub(crate) churned_at: i64,
}

impl SpellTruth {
    /// Finds the end of the spell (uninterrupted period as a customer) that is current at a time. Returns `None` if no
    /// row of the customer is visible at the time.
    pub(crate) fn new(records: &TenantRecords, customer: u32, as_of: i64) -> Option<Self> {
        let view = CustomerView::new(records, customer, as_of)?;
        let customers = view.customers;
        let end = match customers.reopened {
            false => view.spell.1,
            // The current spell ends at the next row that begins a spell. All rows are searched, including those that
            // are not visible.
            true => (view.row + 1..view.spell.1)
                .find(|&row| customers.opens_spell(Some(row - 1), row).is_some())
                .unwrap_or(view.spell.1),
        };
        Some(Self {
            churned_at: customers.churned_at[end - 1],
        })
    }
}

fn is_visible(customers: &Customers, row: usize, as_of: i64) -> bool {
    customers.signed_up_at[row] < as_of && customers.valid_from[row] < as_of && customers.known_at(row) < as_of
}

/// Days since the start of the current spell (uninterrupted period as a customer); 0 if the customer is not known.
pub(crate) fn tenure_days(records: &TenantRecords, customer: u32, as_of: AsOf) -> f64 {
    let view = CustomerView::new(records, customer, as_of.as_micros());
    view.map_or(0.0, |view| {
        (as_of.as_micros() - view.spell_start()) as f64 / MICROS_PER_DAY as f64
    })
}
