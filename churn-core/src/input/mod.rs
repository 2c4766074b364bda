//! Reads and validates input tables: JSON, CSV, Arrow and typed rows. No other module reads external values.

mod activities;
#[cfg(feature = "arrow")]
mod arrow;
#[cfg(test)]
#[cfg(feature = "arrow")]
mod arrow_tests;
mod attributes;
mod builder;
mod check;
mod checked;
mod content;
#[cfg(feature = "csv")]
mod csv;
mod currency;
mod customers;
mod directory;
mod event_times;
mod events;
mod fields;
mod flat;
#[cfg(feature = "arrow-ffi")]
mod interface;
#[cfg(test)]
#[cfg(feature = "arrow-ffi")]
mod interface_tests;
mod interner;
#[cfg(feature = "arrow")]
mod ipc;
mod json;
mod kept;
mod order;
mod partition;
mod payments;
mod quality;
mod reader;
mod rows;
mod schema;
mod serial;
#[cfg(test)]
mod stream_tests;
mod subscriptions;
mod table;
#[cfg(test)]
mod tests;
mod texts;
mod tickets;
mod usual_days;

pub use builder::{OnInvalid, RecordsBuilder, Ties};
pub use checked::{CheckedBatch, CheckedColumn};
#[cfg(feature = "csv")]
pub use csv::CsvBatches;
pub use flat::ColumnNote;
pub(crate) use flat::{FlatKind, kinds, read};
#[cfg(feature = "arrow")]
pub use ipc::IpcBatches;
pub use partition::Partition;
pub use reader::MOST_COLUMNS;
pub use rows::{Activity, AttributeMap, Customer, Payment, Ticket};
pub(crate) use schema::nearest_given;
pub use schema::{ColumnSpec, ColumnType, columns_of, subscription_columns};
pub use subscriptions::{subscriptions_to_customers, subscriptions_to_customers_with};
#[doc(hidden)]
pub use table::Cell;
pub(crate) use table::Data;
pub use table::{Column, IntoTable, Table, Value};
