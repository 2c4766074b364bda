//! Tests that every standard feature of the library equals the feature that the reference computes. The reference is a
//! slow and independent implementation of the specification.

use churn_core::TenantRecords;
use churn_tests::journey;
use churn_tests::library::{as_of, matrix, rows, valid_records};
use churn_tests::raw::World;
use churn_tests::reference::{self, Value};
use churn_tests::worlds::{Shape, world};

/// Returns the seeds of the random tenants ("worlds") to test. The environment variable `CHURN_WORLDS` sets their
/// number.
fn seeds() -> std::ops::Range<u64> {
    let worlds = std::env::var("CHURN_WORLDS").ok().and_then(|n| n.parse().ok());
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
        (Value::Number(a), Value::Number(b)) if a.is_nan() || b.is_nan() => a.is_nan() && b.is_nan(),
        (Value::Number(a), Value::Number(b)) if is_count(name) => a == b,
        (Value::Number(a), Value::Number(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        (a, b) => a == b,
    }
}

/// Compares all feature values of the library and of the reference at the dates `dates`. Returns the number of compared
/// values.
fn compare(place: &str, world: &World, records: &TenantRecords, dates: &[i64]) -> usize {
    let matrix = matrix(records, dates, 1);
    let mut compared = 0;
    for &date in dates {
        let place = format!("{place} as of {}", as_of(date));
        let expected = reference::features(world, date);
        assert_eq!(matrix.feature_names(), expected.names, "{place}");
        let found = rows(&matrix, date);
        let customers: Vec<&String> = expected.rows.keys().collect();
        assert_eq!(found.keys().collect::<Vec<_>>(), customers, "{place}");
        for (customer, values) in &expected.rows {
            let pairs = values.iter().zip(&found[customer]);
            for (name, (expected, found)) in expected.names.iter().zip(pairs) {
                assert!(
                    agree(name, expected, found),
                    "{place}, '{customer}', {name}: expected {expected:?}, found {found:?}"
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
        let records = valid_records(&world, seed);
        compared += compare(&format!("seed {seed}"), &world, &records, &world.dates);
    }
    assert!(compared > 1_000_000, "only {compared} values compared");
}

#[test]
fn on_complete_journey() {
    // The four dates are a time before all events, a time in the middle of a day, the exact time of a purchase, and a
    // time after all events.
    let dates = [
        "2017-01-01",
        "2017-01-02",
        "2017-05-17T10:30:00",
        "2017-12-01",
        "2018-02-01",
    ];
    let (world, records) = (journey::world(), journey::records());
    let mut dates: Vec<i64> = dates.into_iter().map(journey::moment).collect();
    let baskets = &world.payments.as_ref().unwrap().rows;
    dates.push(baskets[baskets.len() / 2].due_at);
    let compared = compare("complete journey", &world, &records, &dates);
    assert!(compared > 1_000_000, "only {compared} values compared");
}
