//! Benchmarks of `churn-core`: criterion benchmarks for each stage, and the data of the scale benchmark.

pub mod scale;
