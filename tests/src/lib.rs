//! Guarantees across crates, and what they are checked with.
//!
//! [`raw`] is a tenant as its systems hold it; [`worlds`] makes random ones with every awkward case;
//! [`mod@reference`] says, slowly and plainly, what every number should be; [`future`] rewrites all that
//! nobody could have known; [`golden`] reads cases with every number they should give; [`library`] leads a world through the library under test and back out;
//! [`types`] writes the Python and TypeScript types of reports.
//! [`everyday`] makes tenants by billing cycle, whose true risk is known on every day.

pub mod civil;
pub mod dice;
#[allow(clippy::disallowed_methods, reason = "synthetic data, compared within a tolerance")]
pub mod everyday;
pub mod future;
pub mod golden;
pub mod journey;
pub mod json;
pub mod library;
pub mod raw;
pub mod reference;
pub mod types;
pub mod worlds;
