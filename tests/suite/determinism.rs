//! Tests that the results for a customer at a date do not depend on the number of threads, on other customers, or on
//! other dates. Also tests that a matrix has exactly one row for each pair of a customer and a date.

use std::collections::BTreeSet;

use churn_core::{ChurnModel, Execution, TrainOptions, synthetic};
use churn_tests::future::SPELL_COLUMNS;
use churn_tests::library::{as_of, bits, matrix, rows, same, valid_records};
use churn_tests::raw::World;
use churn_tests::reference::{self, Value};
use churn_tests::worlds::{Shape, world};

const WORLDS: u64 = 300;

/// Returns pairs of a seed and the random tenant (the "world") of this seed. A tenant has up to 40 customers.
fn worlds(moves: bool) -> impl Iterator<Item = (u64, World)> {
    let shape = move |seed| Shape {
        customers: 1 + (seed as i64 % 40),
        moves,
    };
    (0..WORLDS).map(move |seed| (seed, world(seed, shape(seed))))
}

#[test]
fn one_thread_equals_two() {
    for (seed, world) in worlds(true) {
        let records = valid_records(&world, seed);
        let one = matrix(&records, &world.dates, 1);
        assert!(bits(&one) == bits(&matrix(&records, &world.dates, 2)), "seed {seed}");
        assert!(bits(&one) == bits(&matrix(&records, &world.dates, 3)), "seed {seed}");
    }
}

#[test]
fn one_row_for_every_customer_and_date() {
    for (seed, world) in worlds(true) {
        let dates: BTreeSet<i64> = world.dates.iter().copied().collect();
        let dates: Vec<i64> = dates.into_iter().rev().collect();
        let matrix = matrix(&valid_records(&world, seed), &dates, 2);
        let found: Vec<(i64, &str)> = (0..matrix.n_rows())
            .map(|row| (matrix.as_of()[row].as_micros(), matrix.customer_id(row)))
            .collect();
        let expected: Vec<(i64, String)> = dates
            .iter()
            .flat_map(|&date| {
                reference::features(&world, date)
                    .rows
                    .into_keys()
                    .map(move |id| (date, id))
            })
            .collect();
        let expected: Vec<(i64, &str)> = expected.iter().map(|(date, id)| (*date, id.as_str())).collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}

#[test]
fn a_date_given_twice_has_its_rows_twice() {
    let (seed, world) = worlds(true).nth(20).unwrap();
    let records = valid_records(&world, seed);
    let date = world.dates[0];
    let (once, twice) = (matrix(&records, &[date], 1), matrix(&records, &[date, date], 1));
    let rows: Vec<usize> = (0..once.n_rows()).chain(0..once.n_rows()).collect();
    assert!(once.n_rows() > 0);
    assert!(bits(&twice) == bits(&once.select(&rows)));
}

#[test]
fn one_date_equals_the_same_date_among_many() {
    for (seed, world) in worlds(true) {
        let records = valid_records(&world, seed);
        let many = matrix(&records, &world.dates, 2);
        for &date in &world.dates {
            let alone = matrix(&records, &[date], 1);
            assert_eq!(alone.feature_names(), many.feature_names(), "seed {seed}");
            assert_eq!(alone.plan_fingerprint(), many.plan_fingerprint(), "seed {seed}");
            assert!(alone.as_of().iter().all(|&d| d == as_of(date)), "seed {seed}");
            let (alone, among) = (rows(&alone, date), rows(&many, date));
            assert_eq!(alone.len(), among.len(), "seed {seed}");
            for (id, values) in &alone {
                let equal = values.iter().zip(&among[id]).all(|(a, b)| same(a, b));
                assert!(equal, "seed {seed} as of {date}, '{id}'");
            }
        }
    }
}

/// Returns a copy of the world that contains only the customer `id`.
fn alone(world: &World, id: &str) -> World {
    let mut world = world.clone();
    world.customers.rows.retain(|row| row.customer_id == id);
    if let Some(table) = &mut world.payments {
        table.rows.retain(|row| row.customer_id == id);
    }
    if let Some(table) = &mut world.tickets {
        table.rows.retain(|row| row.customer_id == id);
    }
    if let Some(table) = &mut world.activities {
        table.rows.retain(|row| row.customer_id == id);
    }
    world
}

#[test]
fn one_customer_alone_equals_the_same_customer_in_the_batch() {
    let mut compared = 0;
    for (seed, world) in worlds(false).filter(|(seed, _)| seed % 3 == 0) {
        let batch = matrix(&valid_records(&world, seed), &world.dates, 2);
        let ids: BTreeSet<&String> = world.customers.rows.iter().map(|row| &row.customer_id).collect();
        for id in ids {
            let own = matrix(&valid_records(&alone(&world, id), seed), &world.dates, 1);
            for &date in &world.dates {
                let (batch_rows, own_rows) = (rows(&batch, date), rows(&own, date));
                let (Some(in_batch), Some(by_himself)) = (batch_rows.get(id), own_rows.get(id)) else {
                    assert_eq!(batch_rows.contains_key(id), own_rows.contains_key(id));
                    continue;
                };
                for (name, a) in batch.feature_names().iter().zip(in_batch) {
                    // An attribute without values has no type and does not become a feature. The world with a single
                    // customer may therefore lack a feature that the whole world has.
                    let b = own.feature_names().iter().position(|n| n == name);
                    let b = b.map_or(Value::Text(None), |at| by_himself[at].clone());
                    // The spell features exist only if some customer has two spells (periods as a customer).
                    if SPELL_COLUMNS.contains(&name.as_str()) && !own.feature_names().contains(name) {
                        continue;
                    }
                    let both_missing = missing(a) && missing(&b);
                    assert!(
                        both_missing || same(a, &b),
                        "seed {seed} as of {date}, '{id}', {name}: {a:?} in the batch, {b:?} alone"
                    );
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 300_000, "only {compared} values compared");
}

fn missing(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_nan(),
        Value::Text(text) => text.is_none(),
    }
}

#[test]
fn one_artifact_whatever_the_threads_and_however_often() {
    // Training includes all default members, the out-of-time test, the calibration and the report. The model files
    // must be equal byte for byte.
    let world = synthetic::world(
        &synthetic::WorldOptions::default()
            .with_seed(9)
            .with_tenants(1)
            .with_customers(150)
            .with_risk(1.0),
    );
    let records = world.unwrap().tenants()[0].records().unwrap().build().unwrap().0;
    let file = |threads, seed| {
        let mut options = TrainOptions::default()
            .with_seed(seed)
            .with_execution(Execution::new().threads(threads));
        // A few trees are enough for this test, because the threads share the work on every single tree.
        options.ensemble.folds = 2;
        options.ensemble.boosting.as_mut().unwrap().n_trees = 40;
        options.ensemble.deep_boosting.as_mut().unwrap().n_trees = 20;
        options.ensemble.forest.as_mut().unwrap().n_trees = 10;
        ChurnModel::train(&records, &options).unwrap().to_bytes()
    };
    let one = file(1, 3);
    assert!(one == file(1, 3), "two runs with one thread differ");
    assert!(one == file(2, 3), "one and two threads differ");
    assert!(one != file(2, 4), "the seed has no effect");
}
