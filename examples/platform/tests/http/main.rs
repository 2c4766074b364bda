//! Tests of the platform over HTTP, without a network: requests go to the router. Each test has a copy of one seeded
//! data folder.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod architecture;
mod flows;
mod jobs;
mod matrix;
mod numbers;
mod payloads;
mod process;
mod site;
