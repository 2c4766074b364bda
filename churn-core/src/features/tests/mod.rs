//! Tests of features through the public API. The records are small, and the expected values are computed by hand.

mod findings;
mod own;
mod records;
mod world;
