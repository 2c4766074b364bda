//! Payments: the amounts that were due and how each payment was settled.

use crate::record::Events;

/// The final status of a payment. It does not state whether the payment was refunded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum PaymentStatus {
    /// The payment was not settled: `settled_at` is `NEVER`.
    #[default]
    Pending,
    /// The payment was paid at `settled_at`. If `refunded_at` is set, the payment was refunded at that time.
    Paid,
    /// The payment failed at `settled_at`.
    Failed,
}

/// The payments of all customers. Rows are sorted as described at [`Events`]. The event time is the input column
/// `due_at`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Payments {
    pub(crate) events: Events,
    /// Amounts in minor units of the tenant's currency.
    pub(crate) amount: Vec<i64>,
    /// The final status of each payment. Before `settled_at`, a payment counts as pending, regardless of its final
    /// status.
    pub(crate) status: Vec<PaymentStatus>,
    /// The time at which each payment was paid or failed; `NEVER` if the payment is pending. If the column was not
    /// given, the settlement time of paid and failed payments is their `due_at`.
    pub(crate) settled_at: Vec<i64>,
    /// The time of the refund; `NEVER` if the payment was not refunded. A payment with the input status `refunded` is
    /// stored with the status paid and a refund time.
    pub(crate) refunded_at: Vec<i64>,
}
