//! The native part of the Node module `churn-core`. It converts JavaScript values, calls the library, and maps errors.
//! The TypeScript code in `lib/` wraps this module, and `types/` has the public declarations.

// The macro requires exported items to be `pub`.
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
