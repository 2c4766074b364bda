//! The validated records of a tenant. Every table is stored by column, and its rows are sorted by customer and then by
//! time.
//!
//! The code of a customer is the rank of their id when all customer ids are sorted by bytes. The rows of one customer
//! are contiguous, and no row needs its own heap object. Fields are private to the crate. Records are created by the
//! builder of [`crate::TenantRecords`]. Features read records only through a view that hides everything that was not
//! known at the prediction time.

mod activities;
mod attribute;
mod customers;
mod days;
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
pub(crate) use days::{EventDays, longest_gap};
pub(crate) use events::Events;
pub(crate) use ids::Ids;
pub use money::Currency;
pub(crate) use payments::{PaymentStatus, Payments};
pub use tenant::TenantId;
pub(crate) use tenant_records::EventSpan;
pub use tenant_records::{StaticAttributes, TenantRecords};
pub(crate) use tickets::{Priority, Tickets};

/// The value that is stored for a time that is not set. It is greater than every timestamp.
pub(crate) const NEVER: i64 = i64::MAX;
/// The value that is stored as the `known_at` of a row that was always known. It is smaller than every timestamp.
pub(crate) const ALWAYS: i64 = i64::MIN;
