//! The native half of the Node module `churn-core`: converts JavaScript values, delegates to the library, maps errors.
//! `index.js` wraps it; what users see is written down in `index.d.ts`.

// What the macro exports must be `pub`, though no Rust crate sees it.
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
