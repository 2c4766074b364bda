//! The native part of the Node module `churn-core`. It converts JavaScript values, calls the library, and converts
//! errors. The TypeScript code in `lib/` wraps this module. `types/` contains the public TypeScript declarations.

// The macro `napi` requires that exported items are `pub`, although no other crate uses them.
#![allow(unreachable_pub)]

mod classifier;
mod error;
mod matrix;
mod model;
mod options;
mod records;
mod report;
mod run;
#[cfg(feature = "store")]
mod store;
mod subscriptions;
mod synthetic;
mod task;
mod trees;
mod values;
