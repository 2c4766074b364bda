//! All the records of one tenant.

use std::fmt;

use crate::error::RecordKind;
use crate::record::{Activities, Currency, Customers, Events, NEVER, Payments, TenantId, Tickets};
use crate::time::Timestamp;

/// Which undated attributes the caller vouches for: they never change, so today's value was true in the past.
///
/// An attribute is any column of the customers table that [`columns_of`](crate::columns_of) does not name. It is undated if
/// the table has no `valid_from`.
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
    /// Whether a column was vouched for.
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
    /// As the caller said; the defaults are worked out on demand.
    pub(crate) observed_from: Option<Timestamp>,
    pub(crate) observed_until: Option<Timestamp>,
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
        let earliest = || {
            RecordKind::ALL
                .iter()
                .filter_map(|&kind| self.event_span(kind))
                .map(|(first, _)| first)
                .min()
        };
        self.observed_from
            .or_else(|| earliest().and_then(Timestamp::from_micros))
    }

    /// The end of what was observed: as the caller said, else one microsecond after the latest event of
    /// `table`, or of any table where none is named. Pending payments do not count.
    pub fn observed_until(&self, table: Option<RecordKind>) -> Option<Timestamp> {
        let latest = || {
            RecordKind::ALL
                .iter()
                .filter(|&&kind| table.is_none_or(|table| table == kind))
                .filter_map(|&kind| self.event_span(kind))
                .map(|(_, last)| last)
                .max()
        };
        self.observed_until
            .or_else(|| latest().and_then(|last| Timestamp::from_micros(last.saturating_add(1))))
    }

    /// First and last event time of a table, over last versions, pending payments left out.
    fn event_span(&self, kind: RecordKind) -> Option<(i64, i64)> {
        let events = self.events(kind)?;
        let settled = |row: usize| {
            kind != RecordKind::Payments
                || self
                    .payments
                    .as_ref()
                    .is_some_and(|payments| payments.settled_at[row] != NEVER)
        };
        (0..events.len())
            .filter(|&row| events.is_last_version(row) && settled(row))
            .map(|row| events.at[row])
            .fold(None, |span, at| match span {
                None => Some((at, at)),
                Some((first, last)) => Some((at.min(first), at.max(last))),
            })
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
