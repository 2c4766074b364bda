//! Tests the layers of the platform. Controllers and views must not use SQL, services and repositories must not use
//! HTTP, and only jobs may use the long calls of `churn_core` (training and scoring).

use std::path::Path;

/// Returns all source files in a folder of `src`, as pairs of path and text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    let mut sources = vec![];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        sources.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
    }
    assert!(!sources.is_empty());
    sources
}

#[test]
fn each_folder_imports_only_its_layers() {
    for (folder, forbidden) in [
        (
            "controllers",
            &[
                "sqlx",
                "ChurnModel::",
                ".train(",
                "score_with",
                ".records(&",
                "TenantRecords",
            ][..],
        ),
        (
            "views",
            &[
                "sqlx",
                "axum",
                "ChurnModel::",
                "score_with",
                ".records(&",
                "TenantRecords",
            ],
        ),
        (
            "services",
            &[
                "sqlx",
                "axum",
                "crate::controllers",
                "crate::middleware",
                "crate::views",
                "score_with",
            ],
        ),
        (
            "repositories",
            &[
                "axum",
                "churn_store",
                "crate::controllers",
                "crate::services",
                "crate::views",
                "crate::middleware",
            ],
        ),
        (
            "jobs",
            &[
                "sqlx",
                "axum",
                "crate::controllers",
                "crate::views",
                "crate::middleware",
            ],
        ),
        ("middleware", &["sqlx", "churn_core", "crate::controllers"]),
    ] {
        for (file, text) in sources(folder) {
            for word in forbidden {
                assert!(!text.contains(word), "{file} uses {word}");
            }
        }
    }
}

#[test]
fn only_the_clock_reads_the_time_and_draws_random_numbers() {
    for folder in [
        "controllers",
        "views",
        "services",
        "repositories",
        "jobs",
        "middleware",
        "commands",
        "config",
    ] {
        for (file, text) in sources(folder) {
            for word in ["SystemTime", "getrandom", "Timestamp::now"] {
                assert!(!text.contains(word), "{file} uses {word}");
            }
        }
    }
}
