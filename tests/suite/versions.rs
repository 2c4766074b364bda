//! Tests that all packages have the version that `[workspace.package]` in `Cargo.toml` states.

use std::fs;
use std::path::Path;

use serde_json::Value;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_npm_package_has_the_version_of_the_workspace() {
    let package: Value = serde_json::from_str(&read("bindings-node/package.json")).unwrap();
    let lock: Value = serde_json::from_str(&read("bindings-node/package-lock.json")).unwrap();
    for found in [&package["version"], &lock["version"], &lock["packages"][""]["version"]] {
        assert_eq!(found, VERSION);
    }
    for (_, dependency) in package["optionalDependencies"].as_object().into_iter().flatten() {
        assert_eq!(dependency, VERSION);
    }
}

#[test]
fn the_wheel_reads_the_workspace_version() {
    let project = read("bindings-python/pyproject.toml");
    assert!(project.contains("dynamic = [\"version\"]") && !project.contains("\nversion ="));
}

#[test]
fn the_workspace_depends_on_its_own_version() {
    let manifest = read("Cargo.toml");
    let own = manifest
        .lines()
        .filter(|line| line.starts_with("churn-") && line.contains("version ="));
    let wrong: Vec<&str> = own
        .filter(|line| !line.contains(&format!("version = \"{VERSION}\"")))
        .collect();
    assert_eq!(wrong, [] as [&str; 0]);
}
