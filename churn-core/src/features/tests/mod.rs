//! Tests of features through the public API, with small records and expected values that are computed by hand.

mod own;
mod records;
mod world;
