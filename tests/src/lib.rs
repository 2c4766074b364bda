//! Tests of guarantees that involve several crates, and tools for these tests. A "world" is a tenant as plain rows, in
//! a form that does not depend on the library.
//!
//! - [`raw`] represents a tenant as plain rows.
//! - [`worlds`] creates random tenants that contain many unusual cases.
//! - [`everyday`] creates tenants whose customers have a billing cycle. The customers' true risks are known on every
//!   day.
//! - [`mod@reference`] is a slow and simple implementation of the specification.
//! - [`future`] rewrites those rows of a world that could not be known at a date.
//! - [`golden`] reads test cases together with their expected results.
//! - [`library`] computes the records, features and labels of a world with the library under test.
//! - [`public_api`] lists the public API of the Rust crates.
//! - [`types`] writes the Python and TypeScript types of reports.

pub mod civil;
pub mod dice;
#[allow(clippy::disallowed_methods, reason = "synthetic data, compared within a tolerance")]
pub mod everyday;
pub mod future;
pub mod golden;
pub mod journey;
pub mod json;
pub mod library;
pub mod public_api;
pub mod raw;
pub mod reference;
pub mod types;
pub mod worlds;
