//! All the records of one tenant.

use std::fmt;

use crate::error::RecordKind;
use crate::record::{
    Activities, Currency, Customers, Events, NEVER, PaymentStatus, Payments, Priority, TenantId, Tickets,
};
use crate::time::Timestamp;

/// Declares which undated attributes never change. Today's value of such an attribute was also true in the past, so the
/// attribute may be used as a feature.
///
/// An attribute is any column of the customers table that [`columns_of`](crate::columns_of) does not list. Attributes
/// are undated if the customers table has no `valid_from` column: their values are those of today.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StaticAttributes {
    /// No attribute is static. If the customers table has no `valid_from` column, no attribute is used as a feature.
    #[default]
    None,
    /// The named columns are static. Each is an attribute or `renews_at`.
    Named(Vec<String>),
    /// All attributes and `renews_at` are static.
    All,
}

impl StaticAttributes {
    /// Whether a column was declared static, which means that its values never change.
    pub fn includes(&self, column: &str) -> bool {
        match self {
            Self::None => false,
            Self::Named(names) => names.iter().any(|name| name == column),
            Self::All => true,
        }
    }
}

/// The customers, payments, tickets and activities of one tenant. Records are validated and immutable. Every table is
/// stored by column, and its rows are sorted by customer and then by time.
#[derive(Clone, PartialEq)]
pub struct TenantRecords {
    pub(crate) tenant: TenantId,
    pub(crate) currency: Currency,
    pub(crate) customers: Customers,
    /// The payments; `None` if the caller gave no payments table. An empty payments table is stored as `Some`. The same
    /// holds for `tickets` and `activities`.
    pub(crate) payments: Option<Payments>,
    pub(crate) tickets: Option<Tickets>,
    pub(crate) activities: Option<Activities>,
    pub(crate) static_attributes: StaticAttributes,
    /// The start of the observed history; `None` if the caller did not set it. `observed_until` is the end of the
    /// observed history; `None` if the caller did not set it.
    pub(crate) observed_from: Option<Timestamp>,
    pub(crate) observed_until: Option<Timestamp>,
    /// The times of the first and the last observed event of each table, in the order of [`RecordKind::ALL`]; `None`
    /// for a table without events.
    pub(crate) spans: [Option<EventSpan>; 4],
}

/// The first and the last observed event time of a table. Superseded versions (rows that a newer version replaced),
/// pending payments and far dates are not counted. [`TenantRecords::observed_until`] explains far dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventSpan {
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// The row of the latest event: its 0-based position in the input.
    pub(crate) last_row: u64,
    /// The number of observed events, including those with far dates.
    pub(crate) events: usize,
}

impl TenantRecords {
    /// The tenant that these records belong to.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The currency of all amounts.
    pub fn currency(&self) -> &Currency {
        &self.currency
    }

    /// Number of customers. A customer with several rows in the customers table counts once.
    pub fn n_customers(&self) -> usize {
        self.customers.len()
    }

    /// Customer ids, sorted by bytes.
    pub fn customer_ids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.customers.ids.iter()
    }

    /// The id of the customer with this code; `None` if no customer has the code. The code of a customer is the
    /// position of their id in [`customer_ids`](Self::customer_ids). For example,
    /// [`Label::customer`](crate::Label::customer) is such a code.
    pub fn customer_id(&self, code: u32) -> Option<&str> {
        ((code as usize) < self.customers.len()).then(|| self.customers.ids.get(code as usize))
    }

    /// Number of rows of a table; `None` if the table was not given.
    pub fn n_rows(&self, kind: RecordKind) -> Option<usize> {
        match kind {
            RecordKind::Customers => Some(self.customers.signed_up_at.len()),
            _ => self.events(kind).map(Events::len),
        }
    }

    /// The columns that all event tables have; `None` for the customers table and for a table that was not given.
    pub(crate) fn events(&self, kind: RecordKind) -> Option<&Events> {
        match kind {
            RecordKind::Customers => None,
            RecordKind::Payments => self.payments.as_ref().map(|table| &table.events),
            RecordKind::Tickets => self.tickets.as_ref().map(|table| &table.events),
            RecordKind::Activities => self.activities.as_ref().map(|table| &table.events),
        }
    }

    /// Returns a function that tells whether a row of an event table counts as an observed event. A superseded version (a
    /// row that a newer version replaced) and a payment that is not settled do not count. `events` are the common
    /// columns of the table.
    pub(crate) fn is_observed<'a>(
        &'a self,
        kind: RecordKind,
        events: &'a Events,
    ) -> impl Fn(usize) -> bool + Sync + Send + 'a {
        let payments = self.payments.as_ref().filter(|_| kind == RecordKind::Payments);
        move |row| events.is_last_version(row) && payments.is_none_or(|payments| payments.settled_at[row] != NEVER)
    }

    /// The optional built-in columns that affect at least one feature value, each with its table. A column in which
    /// every row has the default value is not listed, because the features would be the same without it.
    pub(crate) fn columns_in_use(&self) -> Vec<(RecordKind, &'static str)> {
        let mut columns = vec![];
        let mut add = |kind, column, in_use: bool| {
            if in_use {
                columns.push((kind, column));
            }
        };
        add(
            RecordKind::Customers,
            "churned_at",
            self.customers.churned_at.iter().any(|&end| end != NEVER),
        );
        add(
            RecordKind::Customers,
            "notice_at",
            self.customers.notice_at.iter().any(|&notice| notice != NEVER),
        );
        let moments = |values: &[i64]| values.iter().any(|&value| value != NEVER);
        if let Some(Payments {
            events,
            status,
            settled_at,
            refunded_at,
            ..
        }) = &self.payments
        {
            let mut times = settled_at.iter().zip(&events.at);
            let kind = RecordKind::Payments;
            add(
                kind,
                "settled_at",
                times.any(|(settled, due)| *settled != NEVER && settled != due),
            );
            add(kind, "status", status.contains(&PaymentStatus::Failed));
            add(kind, "refunded_at", moments(refunded_at));
        }
        if let Some(tickets) = &self.tickets {
            let kind = RecordKind::Tickets;
            add(kind, "first_response_at", moments(&tickets.first_response_at));
            add(kind, "resolved_at", moments(&tickets.resolved_at));
            add(kind, "reopened_at", moments(&tickets.reopened_at));
            let normal = |priority: &Priority| *priority == Priority::Normal;
            add(kind, "priority", !tickets.priority.iter().all(normal));
            add(
                kind,
                "satisfaction",
                !tickets.satisfaction.iter().all(|rating| rating.is_nan()),
            );
        }
        if let Some(activities) = &self.activities {
            add(RecordKind::Activities, "kind", activities.kind.is_some());
            add(RecordKind::Activities, "quantity", activities.quantity.is_some());
        }
        columns
    }

    /// The start of the observed history. It is the value that the caller set or, if the caller set none, the earliest
    /// event time of any table.
    pub fn observed_from(&self) -> Option<Timestamp> {
        let earliest = || self.spans.iter().flatten().map(|span| span.first).min();
        self.observed_from
            .or_else(|| earliest().and_then(Timestamp::from_micros))
    }

    /// The end of the observed history. It is the value that the caller set or, if the caller set none, one microsecond
    /// after the latest event of `table`. If `table` is `None`, the events of all tables count.
    ///
    /// The time of an event is the `due_at` of a payment that is not pending, the `opened_at` of a ticket or the `at`
    /// of an activity. Far dates do not count, because they are probably mistakes. To find them, the latest 0.1 % of a
    /// table's events (at least one event) are set aside. An event that is more than 365 days after the latest of the
    /// remaining events is a far date. Far dates are reported as the finding `far_date`.
    pub fn observed_until(&self, table: Option<RecordKind>) -> Option<Timestamp> {
        let latest = || Timestamp::from_micros(self.latest(table)?.1.last.saturating_add(1));
        self.observed_until.or_else(latest)
    }

    /// The row that determines [`observed_until`](Self::observed_until): its table and its 0-based position in the
    /// input. `None` if the caller set `observed_until`, or if there are no events.
    pub fn observed_until_row(&self, table: Option<RecordKind>) -> Option<(RecordKind, u64)> {
        match self.observed_until {
            Some(_) => None,
            None => self.latest(table).map(|(kind, span)| (kind, span.last_row)),
        }
    }

    /// A phrase that states how [`observed_until`](Self::observed_until) was determined. Messages contain this phrase.
    pub(crate) fn observed_until_source(&self, table: Option<RecordKind>) -> String {
        match self.observed_until_row(table) {
            None if self.observed_until.is_some() => "as set by the caller".to_owned(),
            None => "no event was given".to_owned(),
            Some((kind, row)) => format!("the latest event is row {row} of {kind}"),
        }
    }

    /// The table with the latest event, and the times of its first and last observed event. If several tables have the
    /// same latest event time, the first of these tables is returned.
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
            .field("customers", &self.n_customers());
        for kind in [RecordKind::Payments, RecordKind::Tickets, RecordKind::Activities] {
            if let Some(rows) = self.n_rows(kind) {
                shown.field(kind.as_str(), &rows);
            }
        }
        shown.finish_non_exhaustive()
    }
}
