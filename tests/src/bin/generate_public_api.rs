//! Writes `tests/fixtures/public_api.txt`, the public API of the Rust crates.

use churn_tests::{golden, public_api};

fn main() {
    let path = golden::fixture(public_api::FIXTURE);
    std::fs::write(path, public_api::list()).expect("the fixture can be written");
}
