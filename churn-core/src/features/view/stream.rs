//! The visible rows of one event table.

use crate::error::RecordKind;
use crate::features::view::Row;
use crate::record::{Activities, Events, PaymentStatus, Payments, Priority, TenantRecords, Tickets};
use crate::time::AsOf;

/// The rows of one event table that are visible at a point in time (the view's time). A row is visible if its event
/// happened, and was known, before this time.
#[derive(Clone, Copy)]
pub(crate) struct StreamView<'a> {
    table: StreamTable<'a>,
    as_of: i64,
}

#[derive(Clone, Copy)]
enum StreamTable<'a> {
    Payments(&'a Payments),
    Tickets(&'a Tickets),
    Activities(&'a Activities),
}

/// The state of a payment at the view's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PaymentState {
    Pending,
    Failed,
    Paid,
    /// The payment was paid and later refunded.
    Refunded,
}

impl PaymentState {
    /// The state as a number with one bit set. A set of states can then be stored as one number.
    pub(crate) fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl<'a> StreamView<'a> {
    /// Creates the view of an event table; `None` for the customers table and for a table that was not given.
    pub(crate) fn new(records: &'a TenantRecords, kind: RecordKind, as_of: i64) -> Option<Self> {
        let table = match kind {
            RecordKind::Customers => return None,
            RecordKind::Payments => StreamTable::Payments(records.payments.as_ref()?),
            RecordKind::Tickets => StreamTable::Tickets(records.tickets.as_ref()?),
            RecordKind::Activities => StreamTable::Activities(records.activities.as_ref()?),
        };
        Some(Self { table, as_of })
    }

    fn events(&self) -> &'a Events {
        match self.table {
            StreamTable::Payments(table) => &table.events,
            StreamTable::Tickets(table) => &table.events,
            StreamTable::Activities(table) => &table.events,
        }
    }

    /// Calls `each` for every visible row of a customer, with the event time and the row. Rows are sorted by event
    /// time. Rows with the same time are in input order or, if the option `ties` is `content`, are sorted by content.
    pub(crate) fn rows(&self, customer: u32, mut each: impl FnMut(i64, Row)) {
        let (events, as_of) = (self.events(), self.as_of);
        let all = events.rows_of(customer as usize);
        let past = events.at[all.clone()].partition_point(|&at| at < as_of);
        let past = all.start..all.start + past;
        if events.known_at.is_none() && events.superseded_at.is_none() {
            for (&at, row) in events.at[past.clone()].iter().zip(past) {
                each(at, Row::new(row));
            }
        } else {
            for row in past.filter(|&row| events.is_known(row, as_of)) {
                each(events.at[row], Row::new(row));
            }
        }
    }

    /// The time of a customer's last visible event.
    pub(crate) fn last(&self, customer: u32) -> Option<i64> {
        let (events, as_of) = (self.events(), self.as_of);
        let all = events.rows_of(customer as usize);
        let past = events.at[all.clone()].partition_point(|&at| at < as_of);
        let last = (all.start..all.start + past)
            .rev()
            .find(|&row| events.is_known(row, as_of));
        last.map(|row| events.at[row])
    }

    /// An upper bound on the number of visible rows of a customer. It is computed without reading the rows.
    pub(crate) fn most(&self, customer: u32) -> usize {
        self.events().rows_of(customer as usize).len()
    }

    /// The event time of a visible row.
    pub(crate) fn at(&self, row: Row) -> i64 {
        self.events().at[row.position()]
    }

    /// The key that orders the rows of a customer that have the same time. The key is the position in the input or, if
    /// the option `ties` is `content`, the position after sorting by content.
    pub(crate) fn tie(&self, row: Row) -> u32 {
        self.events().tie(row.position())
    }

    /// Returns `moment` if it lies before the view's time; otherwise `None`. `moment` is a time in a row, such as the
    /// settlement time.
    fn past(&self, moment: i64) -> Option<i64> {
        (moment < self.as_of).then_some(moment)
    }

    /// The state of a payment at the view's time. For records of other tables, it is `Paid`.
    pub(crate) fn payment_state(&self, row: Row) -> PaymentState {
        let StreamTable::Payments(payments) = self.table else {
            return PaymentState::Paid;
        };
        if self.past(payments.settled_at[row.position()]).is_none() {
            return PaymentState::Pending;
        }
        match payments.status[row.position()] {
            PaymentStatus::Pending => PaymentState::Pending,
            PaymentStatus::Failed => PaymentState::Failed,
            PaymentStatus::Paid if self.past(payments.refunded_at[row.position()]).is_some() => PaymentState::Refunded,
            PaymentStatus::Paid => PaymentState::Paid,
        }
    }

    /// The refund time of a payment; `None` if it was not refunded before the view's time.
    pub(crate) fn refunded_at(&self, row: Row) -> Option<i64> {
        match self.table {
            StreamTable::Payments(payments) if self.payment_state(row) == PaymentState::Refunded => {
                Some(payments.refunded_at[row.position()])
            }
            _ => None,
        }
    }

    /// The amount of a payment in minor units.
    pub(crate) fn amount(&self, row: Row) -> Option<i64> {
        match self.table {
            StreamTable::Payments(payments) => Some(payments.amount[row.position()]),
            _ => None,
        }
    }

    /// How late a payment was settled, in microseconds; 0 if the payment was settled early. `None` if the payment is
    /// pending at the view's time.
    pub(crate) fn lateness(&self, row: Row) -> Option<i64> {
        match self.table {
            StreamTable::Payments(payments) => self
                .past(payments.settled_at[row.position()])
                .map(|settled| (settled - payments.events.at[row.position()]).max(0)),
            _ => None,
        }
    }

    /// The time of the first response to a ticket; `None` if there was no response before the view's time.
    pub(crate) fn first_response_at(&self, row: Row) -> Option<i64> {
        self.ticket(|tickets| tickets.first_response_at[row.position()])
    }

    /// The resolution time of a ticket; `None` if it was not resolved before the view's time.
    pub(crate) fn resolved_at(&self, row: Row) -> Option<i64> {
        self.ticket(|tickets| tickets.resolved_at[row.position()])
    }

    /// The time at which a ticket was reopened; `None` if it was not reopened before the view's time.
    pub(crate) fn reopened_at(&self, row: Row) -> Option<i64> {
        self.ticket(|tickets| tickets.reopened_at[row.position()])
    }

    /// The time at which the satisfaction rating of a ticket became known; `None` if the rating was not known at the
    /// view's time.
    pub(crate) fn satisfaction_at(&self, row: Row) -> Option<i64> {
        let rated =
            matches!(self.table, StreamTable::Tickets(tickets) if !tickets.satisfaction[row.position()].is_nan());
        if rated {
            self.ticket(|tickets| tickets.satisfaction_at[row.position()])
        } else {
            None
        }
    }

    /// The satisfaction rating of a ticket, from 1 to 5; `None` if it was not known at the view's time.
    pub(crate) fn satisfaction(&self, row: Row) -> Option<f64> {
        self.satisfaction_at(row)?;
        match self.table {
            StreamTable::Tickets(tickets) => Some(tickets.satisfaction[row.position()]),
            _ => None,
        }
    }

    fn ticket(&self, moment: impl Fn(&Tickets) -> i64) -> Option<i64> {
        match self.table {
            StreamTable::Tickets(tickets) => self.past(moment(tickets)),
            _ => None,
        }
    }

    /// The priority of a ticket.
    pub(crate) fn priority(&self, row: Row) -> Option<Priority> {
        match self.table {
            StreamTable::Tickets(tickets) => Some(tickets.priority[row.position()]),
            _ => None,
        }
    }

    /// The quantity of an activity; 1 if no quantity was given.
    pub(crate) fn quantity(&self, row: Row) -> Option<f64> {
        match self.table {
            StreamTable::Activities(activities) => Some(
                activities
                    .quantity
                    .as_ref()
                    .map_or(1.0, |quantity| quantity[row.position()]),
            ),
            _ => None,
        }
    }

    /// The code of an activity's kind. If the table has no `kind` column, all activities have the same code.
    pub(crate) fn kind(&self, row: Row) -> Option<u32> {
        match self.table {
            StreamTable::Activities(activities) => {
                Some(activities.kind.as_ref().map_or(0, |kind| kind.codes[row.position()]))
            }
            _ => None,
        }
    }
}

/// Returns whether an event of a customer is visible at a time; `None` if no event table was given.
pub(crate) fn has_visible_event(records: &TenantRecords, customer: u32, as_of: AsOf) -> Option<bool> {
    let views = RecordKind::ALL
        .iter()
        .filter_map(|&kind| StreamView::new(records, kind, as_of.as_micros()));
    views.fold(None, |found, view| {
        Some(found.unwrap_or(false) || view.last(customer).is_some())
    })
}
