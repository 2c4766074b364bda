//! Tests that the generated Python and TypeScript types of reports and options match the Rust types.

use std::path::Path;

#[test]
fn generated_types_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (path, content) in churn_tests::types::files() {
        let committed = std::fs::read_to_string(root.join(path)).unwrap();
        assert_eq!(
            committed, content,
            "{path} is out of date: cargo run -p churn-tests --bin generate_types"
        );
    }
}
