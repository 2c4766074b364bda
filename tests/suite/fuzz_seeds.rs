//! Runs the fuzz targets on their seed inputs. This also proves that the targets compile with the current API.

use std::path::Path;

#[path = "../fuzz/src/lib.rs"]
mod targets;

/// Calls a target with every file of a folder. Returns the number of files.
fn run(target: fn(&[u8]), folder: &str) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(folder).expect("a folder");
    files
        .map(|file| target(&std::fs::read(file.expect("a file").path()).expect("its bytes")))
        .count()
}

#[test]
fn every_target_accepts_its_seeds() {
    assert!(run(targets::artifact, "fuzz/corpus/artifact") >= 4);
    assert!(run(targets::csv, "fuzz/corpus/csv") >= 4);
    assert!(run(targets::json, "fuzz/corpus/json") >= 4);
    assert!(run(targets::arrow, "fuzz/corpus/arrow") >= 9);
    assert!(run(targets::interface, "fuzz/corpus/interface") >= 16);
    assert!(run(targets::trees, "fixtures/models") >= 4);
}
