//! One test suite for SQLite in a file, SQLite in memory, and Postgres.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conformance;
mod faults;
mod hosts;
mod isolation;
mod migrations;
mod models;
mod values;
mod world;
