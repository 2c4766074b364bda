//! Benchmarks of `churn-core`. This library crate contains the generated data that the scale benchmark uses.

pub mod scale;
