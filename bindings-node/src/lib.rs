//! The native half of the Node module `churn-core`: it converts JavaScript values, calls the library, and maps errors.
//! The TypeScript of `lib/` wraps it; `types/` declares what users see.

// Exported items must be `pub` for the macro.
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
mod synthetic;
mod task;
mod trees;
mod values;
