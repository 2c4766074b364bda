//! The golden cases. A case is a small tenant (a "world") in `tests/fixtures`, together with all expected results.
//!
//! The tests in Rust, Python (pytest) and Node (node:test) read the same files. The worlds are written by hand. The
//! expected results come from the slow implementation in [`mod@crate::reference`]. This command computes the results and writes them to
//! the files:
//!
//! ```text
//! CHURN_GOLDEN=write cargo test -p churn-tests --test suite golden
//! ```
//!
//! If the library and the reference differ only in the last bits of a number, the library's number is written. The
//! expected scores are those of frozen models, which are model files in the repository. There is one frozen model for
//! each format version. With `CHURN_GOLDEN=freeze`, the command also trains the model of the newest format again.

mod case;
pub mod crowd;
mod expected;
pub mod frozen;
mod world;

use std::path::{Path, PathBuf};

pub use case::{Case, refused};
pub use expected::Expected;

/// Returns the full path of a file or folder in `tests/fixtures`.
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}

/// Returns whether this run writes the expected results to the files, instead of comparing its results with the files.
pub fn writing() -> bool {
    std::env::var_os("CHURN_GOLDEN").is_some_and(|mode| mode == "write" || mode == "freeze")
}

/// Checks that a text is equal to the content of a file. If [`writing`] is true, writes the text to the file instead.
///
/// # Panics
/// Panics if the text differs from the content of the file.
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
