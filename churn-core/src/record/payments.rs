//! Payments: the amount due and how each payment was settled.

use crate::record::Events;

/// The final status of a payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum PaymentStatus {
    /// Not settled: `settled_at` is `NEVER`.
    #[default]
    Pending,
    /// Paid at `settled_at`; refunded since `refunded_at`, if that is set.
    Paid,
    /// Failed at `settled_at`.
    Failed,
}

/// Payments, sorted like [`Events`]; the event time is `due_at`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Payments {
    pub(crate) events: Events,
    /// Amounts in minor units of the tenant's currency.
    pub(crate) amount: Vec<i64>,
    /// The final status. Before `settled_at`, the payment is pending whatever this status is.
    pub(crate) status: Vec<PaymentStatus>,
    /// `NEVER` while pending. If the column was not given, `due_at` for paid and failed payments.
    pub(crate) settled_at: Vec<i64>,
    /// `NEVER` if not refunded. The input status `refunded` is stored as paid with this time set.
    pub(crate) refunded_at: Vec<i64>,
}
