//! Tests of guarantees that involve several crates, and the tools for these tests.
//!
//! - [`raw`] is a tenant as plain rows, [`worlds`] makes random tenants with every awkward case, and [`everyday`] makes tenants by
//!   billing cycle, whose true risk is known on every day.
//! - [`mod@reference`] computes every number slowly and plainly from the specification.
//! - [`future`] rewrites everything that could not be known at a date.
//! - [`golden`] reads cases together with all their expected numbers.
//! - [`library`] passes a world through the library under test and reads the result.
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
