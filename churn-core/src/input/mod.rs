//! The one room where outside shapes come in: JSON, CSV, Arrow, typed rows. Everything is checked here.

mod activities;
#[cfg(feature = "arrow")]
mod arrow;
mod attributes;
mod builder;
mod check;
#[cfg(feature = "csv")]
mod csv;
mod currency;
mod customers;
mod events;
mod fields;
mod flat;
mod interner;
mod json;
mod order;
mod partition;
mod payments;
mod reader;
mod rows;
mod schema;
mod table;
#[cfg(test)]
mod tests;
mod texts;
mod tickets;

#[cfg(feature = "arrow")]
pub use arrow::ArrowColumn;
pub use builder::{OnInvalid, RecordsBuilder};
pub(crate) use flat::{FlatKind, kinds, read};
pub use partition::Partition;
pub use rows::{Activity, AttributeMap, Customer, Payment, Ticket};
pub use schema::{ColumnSpec, ColumnType, columns_of};
pub use table::{Cell, Column, IntoTable, Table, Value};
