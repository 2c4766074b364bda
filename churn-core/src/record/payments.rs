//! Payments: what was due, and how it ended.

use crate::record::Events;

/// How a payment ends once it is settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum PaymentStatus {
    /// Not settled: `settled_at` is `NEVER`.
    #[default]
    Pending,
    /// Paid at `settled_at`; refunded from `refunded_at` on, if that is set.
    Paid,
    /// Failed at `settled_at`.
    Failed,
}

/// Payments, sorted as [`Events`]; the event time is `due_at`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Payments {
    pub(crate) events: Events,
    /// In minor units of the tenant's currency.
    pub(crate) amount: Vec<i64>,
    /// How it ends; before `settled_at` it is pending whatever stands here.
    pub(crate) status: Vec<PaymentStatus>,
    /// `NEVER` while pending; `due_at` of a paid or failed payment where the column was not given.
    pub(crate) settled_at: Vec<i64>,
    /// `NEVER` where not refunded. Status `refunded` has been resolved to paid with this moment set.
    pub(crate) refunded_at: Vec<i64>,
}
