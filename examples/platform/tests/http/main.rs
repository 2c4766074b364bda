//! Tests of the platform. Most tests send HTTP requests directly to the router, without a network. Each test has its
//! own copy of a data folder with demo companies.
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
