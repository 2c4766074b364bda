//! Benchmarks of `churn-core`. This library crate contains the generated data of the scale benchmark.

pub mod scale;
