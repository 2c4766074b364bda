//! All the records of one tenant.

use std::fmt;

use crate::error::RecordKind;
use crate::record::{Activities, Currency, Customers, Events, Payments, TenantId, Tickets};
use crate::time::Timestamp;

/// Which undated attributes never change, so that today's value was true in the past.
///
/// An attribute is any column of the customers table that [`columns_of`](crate::columns_of) does not name. It is undated if
/// the table has no `valid_from` column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StaticAttributes {
    /// None: without a `valid_from` column no attribute enters features.
    #[default]
    None,
    /// These columns (attributes, or `renews_at`).
    Named(Vec<String>),
    /// All of them.
    All,
}

impl StaticAttributes {
    /// Whether a column was declared static.
    pub fn includes(&self, column: &str) -> bool {
        match self {
            Self::None => false,
            Self::Named(names) => names.iter().any(|name| name == column),
            Self::All => true,
        }
    }
}

/// The customers, payments, tickets and activities of one tenant: validated, columnar, sorted by customer
/// and then by time, never changed again.
#[derive(Clone, PartialEq)]
pub struct TenantRecords {
    pub(crate) tenant: TenantId,
    pub(crate) currency: Currency,
    pub(crate) customers: Customers,
    /// `None`: not given. Given and empty is `Some` with no rows. So for the other two.
    pub(crate) payments: Option<Payments>,
    pub(crate) tickets: Option<Tickets>,
    pub(crate) activities: Option<Activities>,
    pub(crate) static_attributes: StaticAttributes,
    /// As the caller said.
    pub(crate) observed_from: Option<Timestamp>,
    pub(crate) observed_until: Option<Timestamp>,
    /// What each table observed, in the order of [`RecordKind::ALL`]; `None` without an event.
    pub(crate) spans: [Option<EventSpan>; 4],
}

/// The first and the last moment that the events of a table observed: last versions, pending payments and far dates left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventSpan {
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// Where the event of the last moment stands in what the caller gave.
    pub(crate) last_row: u64,
}

impl TenantRecords {
    /// Whose records these are.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The currency of all amounts.
    pub fn currency(&self) -> &Currency {
        &self.currency
    }

    /// Number of customers, however many rows (versions, spells) each has.
    pub fn customers(&self) -> usize {
        self.customers.len()
    }

    /// Customer ids, sorted by bytes.
    pub fn customer_ids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.customers.ids.iter()
    }

    /// The customer of a code, as in [`Label::customer`](crate::Label::customer); `None` if there is no such customer.
    pub fn customer_id(&self, code: u32) -> Option<&str> {
        ((code as usize) < self.customers.len()).then(|| self.customers.ids.get(code as usize))
    }

    /// Number of rows of a table; `None` if it was not given.
    pub fn rows(&self, kind: RecordKind) -> Option<usize> {
        match kind {
            RecordKind::Customers => Some(self.customers.signed_up_at.len()),
            _ => self.events(kind).map(Events::len),
        }
    }

    /// The shared columns of an event table; `None` for customers and for a table that was not given.
    pub(crate) fn events(&self, kind: RecordKind) -> Option<&Events> {
        match kind {
            RecordKind::Customers => None,
            RecordKind::Payments => self.payments.as_ref().map(|table| &table.events),
            RecordKind::Tickets => self.tickets.as_ref().map(|table| &table.events),
            RecordKind::Activities => self.activities.as_ref().map(|table| &table.events),
        }
    }

    /// Where the history begins: as the caller said, else the earliest event time of any table.
    pub fn observed_from(&self) -> Option<Timestamp> {
        let earliest = || self.spans.iter().flatten().map(|span| span.first).min();
        self.observed_from
            .or_else(|| earliest().and_then(Timestamp::from_micros))
    }

    /// The end of what was observed: as the caller said, else one microsecond after the latest event of `table`, or of any
    /// table where none is named.
    ///
    /// Events are the `due_at` of payments that are not pending, the `opened_at` of tickets and the `at` of activities.
    /// Far dates do not count: an event more than 365 days after the latest of all but the last 0.1 % (at least one) of
    /// its table's events is the finding `far_date`.
    pub fn observed_until(&self, table: Option<RecordKind>) -> Option<Timestamp> {
        let latest = || Timestamp::from_micros(self.latest(table)?.1.last.saturating_add(1));
        self.observed_until.or_else(latest)
    }

    /// The row that [`observed_until`](Self::observed_until) comes from: its table, and its 0-based position in what the
    /// caller gave. `None` if the caller said `observed_until`, or no event was given.
    pub fn observed_until_row(&self, table: Option<RecordKind>) -> Option<(RecordKind, u64)> {
        match self.observed_until {
            Some(_) => None,
            None => self.latest(table).map(|(kind, span)| (kind, span.last_row)),
        }
    }

    /// Where [`observed_until`](Self::observed_until) comes from, for messages.
    pub(crate) fn observed_until_source(&self, table: Option<RecordKind>) -> String {
        match self.observed_until_row(table) {
            None if self.observed_until.is_some() => "the observed_until that was given".to_owned(),
            None => "no event was given".to_owned(),
            Some((kind, row)) => format!("the latest event is row {row} of {kind}"),
        }
    }

    /// The table with the latest event among some, and what it observed. Of equal ones the first.
    fn latest(&self, table: Option<RecordKind>) -> Option<(RecordKind, EventSpan)> {
        let wanted = |kind: &RecordKind| table.is_none_or(|table| table == *kind);
        let spans = RecordKind::ALL
            .into_iter()
            .zip(self.spans)
            .filter(|(kind, _)| wanted(kind));
        let spans = spans.filter_map(|(kind, span)| Some((kind, span?)));
        spans.reduce(|best, next| if next.1.last > best.1.last { next } else { best })
    }
}

impl fmt::Debug for TenantRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TenantRecords");
        shown
            .field("tenant", &self.tenant)
            .field("customers", &self.customers());
        for kind in [RecordKind::Payments, RecordKind::Tickets, RecordKind::Activities] {
            if let Some(rows) = self.rows(kind) {
                shown.field(kind.as_str(), &rows);
            }
        }
        shown.finish_non_exhaustive()
    }
}
