//! Benchmarks of `churn-core`. This library crate contains the generator of the data for the scale benchmark.

pub mod scale;
