//! The test suite of the store. Most tests run with SQLite in a file, with SQLite in memory, and with Postgres.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conformance;
mod faults;
mod hosts;
mod isolation;
mod migrations;
mod models;
mod values;
mod world;
