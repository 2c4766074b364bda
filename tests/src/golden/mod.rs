//! The golden cases: small tenants ("worlds") in `tests/fixtures` with all their expected numbers.
//!
//! Rust, pytest and node:test read the same files. The worlds are written by hand. `CHURN_GOLDEN=write cargo test -p
//! churn-tests --test golden` writes the expected results from the slow [`mod@crate::reference`]. Where the library
//! and the reference differ only in the last bits of a number, the library's number is written. Scores come from frozen
//! model files, one for every format version. `CHURN_GOLDEN=freeze` retrains the newest one.

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

/// Whether to write the expected results instead of comparing them.
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
