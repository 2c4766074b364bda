//! Payments: the amount due and how each payment was settled.

use crate::record::Events;

/// The final status of a payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum PaymentStatus {
    /// The payment was not settled: `settled_at` is `NEVER`.
    #[default]
    Pending,
    /// The payment was paid at `settled_at`. If `refunded_at` is set, it was refunded at that time.
    Paid,
    /// The payment failed at `settled_at`.
    Failed,
}

/// Payments, sorted like [`Events`]; the event time is `due_at`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Payments {
    pub(crate) events: Events,
    /// Amounts in minor units of the tenant's currency.
    pub(crate) amount: Vec<i64>,
    /// The final status. Before `settled_at`, a payment counts as pending whatever its final status is.
    pub(crate) status: Vec<PaymentStatus>,
    /// `NEVER` while the payment is pending. If the column was not given, paid and failed payments have their `due_at`
    /// here.
    pub(crate) settled_at: Vec<i64>,
    /// `NEVER` if the payment was not refunded. A payment with the input status `refunded` is stored as paid, with this
    /// time set.
    pub(crate) refunded_at: Vec<i64>,
}
