//! Tests that involve several crates. All of these tests are in one program, so only one program is linked, and long
//! tests run in parallel.

mod architecture;
mod base_rate;
mod classifier;
mod contract;
mod determinism;
mod everyday;
mod feature_meanings;
mod features_equal_reference;
mod fuzz_seeds;
mod golden;
mod hostile;
mod intervals;
mod known_world;
mod labels_equal_reference;
mod leaks;
mod memory;
mod point_in_time;
mod public_api;
mod scores;
mod subscriptions;
mod trees;
mod types;
mod versions;
mod vocabulary;
