//! What a tenant's records are once they are clean: columns, sorted by customer and then by time.
//!
//! A customer is a code: its rank among all customer ids, sorted by bytes. The rows of one customer stand
//! together; there is no heap object per row. Fields are private to the crate: outside, records are
//! made by the builder of [`crate::TenantRecords`] and looked at only through an as-of view.

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

/// A moment that never comes: the field is not set. Greater than every timestamp.
pub(crate) const NEVER: i64 = i64::MAX;
/// A moment before all others: known from the beginning. Smaller than every timestamp.
pub(crate) const ALWAYS: i64 = i64::MIN;
