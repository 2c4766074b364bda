//! Every standard feature equals a slow, independent implementation of the specification.

use churn_tests::library::{matrix, rows, valid_records};
use churn_tests::raw::World;
use churn_tests::reference::{self, Value};
use churn_tests::worlds::{Shape, world};

/// Set `CHURN_WORLDS` to look at more.
fn seeds() -> std::ops::Range<u64> {
    let worlds = std::env::var("CHURN_WORLDS")
        .ok()
        .and_then(|n| n.parse().ok());
    0..worlds.unwrap_or(400)
}

fn is_count(name: &str) -> bool {
    ["_count", "_active_days_", "_kinds_", "_streak"]
        .iter()
        .any(|part| name.contains(part))
        && !name.contains("vs_usual")
}

fn agree(name: &str, expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Number(a), Value::Number(b)) if a.is_nan() || b.is_nan() => {
            a.is_nan() && b.is_nan()
        }
        (Value::Number(a), Value::Number(b)) if is_count(name) => a == b,
        (Value::Number(a), Value::Number(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        (a, b) => a == b,
    }
}

/// Compares all values at some dates; returns how many were compared.
fn compare(world: &World, seed: u64, dates: &[i64]) -> usize {
    let records = valid_records(world, seed);
    let matrix = matrix(&records, dates, 1);
    let mut compared = 0;
    for &date in dates {
        let expected = reference::features(world, date);
        assert_eq!(matrix.feature_names(), expected.names, "seed {seed}");
        let found = rows(&matrix, date);
        let customers: Vec<&String> = expected.rows.keys().collect();
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            customers,
            "seed {seed} as of {date}"
        );
        for (customer, values) in &expected.rows {
            for ((name, expected), found) in expected.names.iter().zip(values).zip(&found[customer])
            {
                assert!(
                    agree(name, expected, found),
                    "seed {seed} as of {date}, '{customer}', {name}: expected {expected:?}, found {found:?}"
                );
                compared += 1;
            }
        }
    }
    compared
}

#[test]
fn on_random_worlds() {
    let mut compared = 0;
    for seed in seeds() {
        let world = world(seed, Shape::of_seed(seed));
        compared += compare(&world, seed, &world.dates);
    }
    assert!(compared > 1_000_000, "only {compared} values compared");
}
