//! The validated records of a tenant: columns, sorted by customer and then by time.
//!
//! The code of a customer is its rank among all customer ids, sorted by bytes. The rows of one customer are contiguous,
//! and there is no heap object per row. Fields are private to the crate: records are created by the builder of
//! [`crate::TenantRecords`] and read only through an as-of view.

mod activities;
mod attribute;
mod customers;
mod events;
mod ids;
mod money;
mod payments;
mod tenant;
mod tenant_records;
mod tickets;

pub(crate) use activities::Activities;
pub(crate) use attribute::{Attribute, AttributeValues, MISSING_CODE, TextColumn, is_reserved};
pub(crate) use customers::{Customers, Spell};
pub(crate) use events::Events;
pub(crate) use ids::Ids;
pub use money::Currency;
pub(crate) use payments::{PaymentStatus, Payments};
pub use tenant::TenantId;
pub(crate) use tenant_records::EventSpan;
pub use tenant_records::{StaticAttributes, TenantRecords};
pub(crate) use tickets::{Priority, Tickets};

/// A time in the infinite future: the field is not set. Greater than every timestamp.
pub(crate) const NEVER: i64 = i64::MAX;
/// A time in the infinite past: known from the beginning. Smaller than every timestamp.
pub(crate) const ALWAYS: i64 = i64::MIN;
