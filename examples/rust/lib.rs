//! Reads the data sets that are bundled with the examples.

pub mod journey;
