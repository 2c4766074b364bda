//! Point-in-time features, population and labels.

mod matrix;

pub use matrix::{FeatureColumn, FeatureMatrix};
