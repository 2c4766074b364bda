//! Tests that the public API of the Rust crates equals the list in `tests/fixtures/public_api.txt`. This test prevents
//! accidental changes of the API.

use churn_tests::golden::fixture;
use churn_tests::public_api::{FIXTURE, list};

#[test]
fn the_public_api_is_the_one_in_the_fixture() {
    let known = std::fs::read_to_string(fixture(FIXTURE)).expect("the fixture");
    let found = list();
    let blocks = |text: &str| text.split("\n\n").map(str::to_owned).collect::<Vec<_>>();
    let (known, found) = (blocks(&known), blocks(&found));
    let gone: Vec<_> = known.iter().filter(|block| !found.contains(block)).collect();
    let new: Vec<_> = found.iter().filter(|block| !known.contains(block)).collect();
    assert!(
        gone.is_empty() && new.is_empty(),
        "the public API differs; if this is intended, run `cargo run -p churn-tests --bin generate_public_api`\n\
         gone or changed: {gone:#?}\nnew or changed: {new:#?}"
    );
}
