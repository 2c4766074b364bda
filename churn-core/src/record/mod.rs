//! The validated records of a tenant. They are stored by column, sorted by customer and then by time.
//!
//! The code of a customer is its rank among all customer ids, sorted by bytes. The rows of one customer are contiguous,
//! and no row needs its own heap object. Fields are private to the crate: records are created by the builder of
//! [`crate::TenantRecords`] and are read only through a view as of a time.

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

/// A time in the infinite future, which marks a field that is not set. It is greater than every timestamp.
pub(crate) const NEVER: i64 = i64::MAX;
/// A time in the infinite past, which marks a row that was always known. It is smaller than every timestamp.
pub(crate) const ALWAYS: i64 = i64::MIN;
