//! Tests how often the interval of a score contains the true risk. The tenants are synthetic, so their true risks are
//! known.

use std::collections::HashMap;

use churn_core::synthetic::{WorldOptions, world};
use churn_core::{ChurnModel, EnsembleOptions, Execution, TrainOptions};
use churn_tests::library::linear_alone;

/// A group of customers with similar scores. It holds the number of customers, and the means of their true risks, of
/// their probabilities and of their interval bounds.
struct Group {
    customers: usize,
    risk: f64,
    probability: f64,
    low: f64,
    high: f64,
}

/// Trains on `customers` customers of a tenant, scores `others` further customers, and divides the scored customers
/// into quintiles by their scores. `others` must be large, so that the mean true risk of a group is nearly exact.
fn groups(seed: u64, customers: usize, others: usize, ensemble: &EnsembleOptions) -> Vec<Group> {
    let options = WorldOptions::default()
        .with_seed(seed)
        .with_customers(customers + others)
        .with_tenants(1)
        .with_paths(12);
    let world = world(&options).unwrap();
    let tenant = &world.tenants()[0];
    let mut known = tenant.empty_records();
    let mut fresh = tenant.empty_records();
    for (number, batch) in tenant.batches(customers).enumerate() {
        let batch = batch.unwrap();
        if number == 0 {
            known = batch.add_to(known);
        } else {
            fresh = batch.add_to(fresh);
        }
    }
    let (known, fresh) = (known.build().unwrap().0, fresh.build().unwrap().0);
    let options = TrainOptions::default()
        .with_ensemble(ensemble.clone())
        .with_execution(Execution::new().threads(1));
    let model = ChurnModel::train(&known, &options).unwrap();
    let mut rows: Vec<[f64; 4]> = vec![];
    for &as_of in &model.report().training_dates {
        // A customer who had left before the date has a score if their cancellation was not known at the date. Such a
        // customer has no true risk.
        let truth = tenant.truth(as_of).unwrap();
        let truth: HashMap<&str, f64> = (truth.iter())
            .map(|risk| (risk.customer_id.as_str(), risk.probability))
            .collect();
        for score in model.score(&fresh, as_of).unwrap().scores() {
            assert_eq!(score.interval().is_some(), score.probability().is_some());
            let risk = truth.get(score.customer_id.as_str());
            if let (Some(&risk), Some(probability), Some(interval)) = (risk, score.probability(), score.interval()) {
                assert!(interval.contains(probability));
                rows.push([risk, probability, interval.low, interval.high]);
            }
        }
    }
    rows.sort_by(|a, b| a[1].total_cmp(&b[1]));
    let of = |rows: &[[f64; 4]]| {
        let mean = |column: usize| rows.iter().map(|row| row[column]).sum::<f64>() / rows.len() as f64;
        Group {
            customers: rows.len(),
            risk: mean(0),
            probability: mean(1),
            low: mean(2),
            high: mean(3),
        }
    };
    rows.chunks(rows.len().div_ceil(5)).map(of).collect()
}

/// Returns two shares of the groups: those whose mean true risk lies within the mean interval, and those whose mean
/// true risk would also lie within this interval if both bounds were half as far from the mean probability.
fn held(groups: &[Group]) -> (f64, f64) {
    let share = |part: f64| {
        let inside = |group: &&Group| {
            let to = |end: f64| group.probability + part * (end - group.probability);
            to(group.low) <= group.risk && group.risk <= to(group.high)
        };
        groups.iter().filter(inside).count() as f64 / groups.len() as f64
    };
    (share(1.0), share(0.5))
}

/// Returns the groups of customers of several synthetic tenants. The customers of each tenant are divided into five
/// groups by their scores.
fn fifths(seeds: u64, customers: usize, others: usize) -> Vec<Group> {
    // The test is about calibration, so an ensemble that has only the fast linear member is enough.
    let groups = (0..seeds).flat_map(|seed| groups(seed, customers, others, &linear_alone()));
    groups.collect()
}

#[test]
fn intervals_cover_the_true_risk_and_are_not_too_wide() {
    let (whole, half) = held(&fifths(5, 1000, 2000));
    println!("whole {whole}, half {half}");
    assert!(whole >= 0.6, "{whole}");
    assert!(half <= whole - 0.2, "{half} of {whole}");
}

/// Tests the coverage on many tenants. Run it with `cargo test --release -p churn-tests --test suite intervals --
/// --ignored --nocapture`.
#[test]
#[ignore = "minutes: forty tenants"]
fn full_coverage_experiment() {
    for customers in [300, 1000] {
        let groups = fifths(20, customers, 2000);
        let (whole, half) = held(&groups);
        let size = groups.iter().map(|group| group.customers).sum::<usize>() / groups.len();
        let width = groups.iter().map(|group| group.high - group.low).sum::<f64>() / groups.len() as f64;
        println!("{customers} customers: held {whole}, half as wide {half}; {size} rows a group, {width} wide");
        assert!(whole >= 0.7, "{customers}: {whole}");
    }
}
