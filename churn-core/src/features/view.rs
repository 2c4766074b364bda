//! What is known at `as_of`. Feature code sees records only through these views.
//!
//! A view is made for one customer and one moment. Everything it hands out happened, and was known, strictly
//! before that moment: a field that became known later reads as not set. The records stay private to it.

use crate::error::RecordKind;
use crate::record::{Activities, Customers, Events, PaymentStatus, Payments, Priority, TenantRecords, Tickets};

/// The rows of one event table of one customer that are visible at a moment.
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

/// How a payment stands at the view's moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PaymentState {
    Pending,
    Failed,
    Paid,
    /// Paid, and refunded since.
    Refunded,
}

impl<'a> StreamView<'a> {
    /// `None` for customers and for a table that was not given.
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

    /// The visible rows of a customer, in order of time, then of being given.
    pub(crate) fn rows(&self, customer: u32) -> impl Iterator<Item = usize> + use<'a> {
        let (events, as_of) = (self.events(), self.as_of);
        let all = events.rows_of(customer as usize);
        let past = events.at[all.clone()].partition_point(|&at| at < as_of);
        (all.start..all.start + past).filter(move |&row| events.is_known(row, as_of))
    }

    /// The event time of a visible row.
    pub(crate) fn at(&self, row: usize) -> i64 {
        self.events().at[row]
    }

    /// The position at which the row was given.
    pub(crate) fn given(&self, row: usize) -> u32 {
        self.events().given[row]
    }

    /// A moment of the row other than its event time, if it has come and is known.
    fn past(&self, moment: i64) -> Option<i64> {
        (moment < self.as_of).then_some(moment)
    }

    /// How a payment stands; other records read as paid.
    pub(crate) fn payment_state(&self, row: usize) -> PaymentState {
        let StreamTable::Payments(payments) = self.table else {
            return PaymentState::Paid;
        };
        if self.past(payments.settled_at[row]).is_none() {
            return PaymentState::Pending;
        }
        match payments.status[row] {
            PaymentStatus::Pending => PaymentState::Pending,
            PaymentStatus::Failed => PaymentState::Failed,
            PaymentStatus::Paid if self.past(payments.refunded_at[row]).is_some() => PaymentState::Refunded,
            PaymentStatus::Paid => PaymentState::Paid,
        }
    }

    /// When a payment was refunded, if it was.
    pub(crate) fn refunded_at(&self, row: usize) -> Option<i64> {
        match self.table {
            StreamTable::Payments(payments) if self.payment_state(row) == PaymentState::Refunded => {
                Some(payments.refunded_at[row])
            }
            _ => None,
        }
    }

    /// Minor units of a payment.
    pub(crate) fn amount(&self, row: usize) -> Option<i64> {
        match self.table {
            StreamTable::Payments(payments) => Some(payments.amount[row]),
            _ => None,
        }
    }

    /// How late a payment was settled, in microseconds; 0 if early, `None` while pending.
    pub(crate) fn lateness(&self, row: usize) -> Option<i64> {
        match self.table {
            StreamTable::Payments(payments) => self
                .past(payments.settled_at[row])
                .map(|settled| (settled - payments.events.at[row]).max(0)),
            _ => None,
        }
    }

    /// When a ticket was first answered, if it was.
    pub(crate) fn first_response_at(&self, row: usize) -> Option<i64> {
        self.ticket(|tickets| tickets.first_response_at[row])
    }

    /// When a ticket was resolved, if it was.
    pub(crate) fn resolved_at(&self, row: usize) -> Option<i64> {
        self.ticket(|tickets| tickets.resolved_at[row])
    }

    /// When a ticket was reopened, if it was.
    pub(crate) fn reopened_at(&self, row: usize) -> Option<i64> {
        self.ticket(|tickets| tickets.reopened_at[row])
    }

    /// When the satisfaction with a ticket became visible, if it was rated and did.
    pub(crate) fn satisfaction_at(&self, row: usize) -> Option<i64> {
        let rated = matches!(self.table, StreamTable::Tickets(tickets) if !tickets.satisfaction[row].is_nan());
        if rated {
            self.ticket(|tickets| tickets.satisfaction_at[row])
        } else {
            None
        }
    }

    /// The satisfaction with a ticket, 1 to 5, once visible.
    pub(crate) fn satisfaction(&self, row: usize) -> Option<f64> {
        self.satisfaction_at(row)?;
        match self.table {
            StreamTable::Tickets(tickets) => Some(tickets.satisfaction[row]),
            _ => None,
        }
    }

    fn ticket(&self, moment: impl Fn(&Tickets) -> i64) -> Option<i64> {
        match self.table {
            StreamTable::Tickets(tickets) => self.past(moment(tickets)),
            _ => None,
        }
    }

    /// A ticket's priority.
    pub(crate) fn priority(&self, row: usize) -> Option<Priority> {
        match self.table {
            StreamTable::Tickets(tickets) => Some(tickets.priority[row]),
            _ => None,
        }
    }

    /// The quantity of an activity: 1 where none was given.
    pub(crate) fn quantity(&self, row: usize) -> Option<f64> {
        match self.table {
            StreamTable::Activities(activities) => {
                Some(activities.quantity.as_ref().map_or(1.0, |quantity| quantity[row]))
            }
            _ => None,
        }
    }

    /// The code of an activity's kind; without a kind column all are of one kind.
    pub(crate) fn kind(&self, row: usize) -> Option<u32> {
        match self.table {
            StreamTable::Activities(activities) => Some(activities.kind.as_ref().map_or(0, |kind| kind.codes[row])),
            _ => None,
        }
    }
}

/// Number of events of a customer that are visible at a moment, over all given event tables; `None` if none was given.
pub(crate) fn visible_events(records: &TenantRecords, customer: u32, as_of: crate::time::AsOf) -> Option<usize> {
    let views = RecordKind::ALL
        .iter()
        .filter_map(|&kind| StreamView::new(records, kind, as_of.as_micros()));
    views
        .map(|view| view.rows(customer).count())
        .fold(None, |sum, rows| Some(sum.unwrap_or(0) + rows))
}

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

    /// The visible version's row: a key into attribute columns.
    pub(crate) fn version(&self) -> usize {
        self.row
    }

    /// The version of the current spell that was in force `micros` before the view's moment, as known at it.
    pub(crate) fn version_before(&self, micros: i64) -> Option<usize> {
        let moment = self.as_of.saturating_sub(micros);
        (self.spell.0..self.spell.1)
            .rev()
            .find(|&row| is_visible(self.customers, row, self.as_of) && self.customers.valid_from[row] < moment)
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
            .filter(|&at| at != crate::record::NEVER)
    }

    /// Whether the visible version says that the customer had left, or given notice, before the moment.
    pub(crate) fn has_churned(&self) -> bool {
        self.customers.churned_at[self.row] < self.as_of
    }

    pub(crate) fn has_given_notice(&self) -> bool {
        self.customers.notice_at[self.row] < self.as_of
    }

    /// When the current spell ends in truth, known or not: for labels only, never for features.
    pub(crate) fn true_churned_at(&self) -> i64 {
        self.customers.churned_at[self.spell.1 - 1]
    }
}

fn is_visible(customers: &Customers, row: usize, as_of: i64) -> bool {
    customers.signed_up_at[row] < as_of && customers.valid_from[row] < as_of && customers.known_at(row) < as_of
}

/// Days since the start of the current spell; 0 if the customer is not known.
pub(crate) fn tenure_days(records: &TenantRecords, customer: u32, as_of: crate::time::AsOf) -> f64 {
    let view = CustomerView::new(records, customer, as_of.as_micros());
    view.map_or(0.0, |view| {
        (as_of.as_micros() - view.signed_up_at()) as f64 / crate::time::MICROS_PER_DAY as f64
    })
}
