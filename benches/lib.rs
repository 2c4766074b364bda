//! Benches of `churn-core`: criterion per stage, and the data of the scale run.

pub mod scale;
