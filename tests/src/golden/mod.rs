//! The golden cases: small worlds in `tests/fixtures`, with every number that should come of them.
//!
//! Rust, pytest and node:test read the same files. A world is written by hand; what it should give is written by
//! `CHURN_GOLDEN=write cargo test -p churn-tests --test golden`, from the slow [`mod@crate::reference`]: the library under
//! test may only choose between numbers that differ in the last bits. Scores come from a frozen model file, one for
//! every format that was ever written; `CHURN_GOLDEN=freeze` trains the newest one again.

mod case;
pub mod crowd;
mod expected;
pub mod frozen;
mod world;

use std::path::{Path, PathBuf};

pub use case::{Case, refused};
pub use expected::Expected;

/// A path in `tests/fixtures`.
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}

/// Whether what is expected is to be written, not compared.
pub fn writing() -> bool {
    std::env::var_os("CHURN_GOLDEN").is_some_and(|mode| mode == "write" || mode == "freeze")
}

/// Compares a text with a file, or writes the file.
///
/// # Panics
/// If they differ.
pub fn same_text(path: &Path, found: &str) {
    if writing() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        std::fs::write(path, found).expect("the file can be written");
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for (number, (expected, found)) in expected.lines().zip(found.lines()).enumerate() {
        assert_eq!(found, expected, "{}, line {}", path.display(), number + 1);
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "{}", path.display());
}
