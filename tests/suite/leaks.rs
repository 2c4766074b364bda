//! Tests that training refuses columns that leak the target, and accepts clean columns. The columns that leak the
//! target are added to synthetic tenants (they are "planted").
//!
//! The full test covers all planted leaks, in tenants whose attributes have dates and in tenants whose attributes have
//! none. It also covers two hundred tenants without leaks. Run it with `cargo test --release -p churn-tests --test
//! suite leaks -- --ignored --nocapture`.

use churn_core::synthetic::{PlantedLeak, WorldOptions, world};
use churn_core::{ChurnModel, Error, Execution, StaticAttributes, TrainOptions};
use churn_tests::library::linear_alone;

/// Trains on one synthetic tenant. Attributes without a date are declared static, so that they become features. If
/// `dated` is true, the attributes have dates.
fn train(seed: u64, dated: bool, leaks: Vec<PlantedLeak>) -> Result<ChurnModel, Error> {
    let options = WorldOptions::default()
        .with_seed(seed)
        .with_tenants(1)
        .with_customers(800)
        .with_dated(dated)
        .with_leaks(leaks);
    let world = world(&options).unwrap();
    let mut builder = world.tenants()[0].records().unwrap();
    if !dated {
        builder = builder.static_attributes(StaticAttributes::All);
    }
    let (records, _) = builder.build().unwrap();
    // The search for leaking columns does not use the members of the ensemble, so an ensemble that has only the fast
    // linear member is enough.
    let ensemble = linear_alone().with_folds(2);
    let options = TrainOptions::default()
        .with_ensemble(ensemble)
        .with_execution(Execution::new().threads(1));
    ChurnModel::train(&records, &options)
}

/// Trains once with each planted leak. Returns the leaks that training did not refuse. If training refused another
/// column instead, the error is added to the result.
fn missed(leaks: impl Iterator<Item = PlantedLeak>, dated: bool) -> Vec<String> {
    leaks
        .enumerate()
        .filter_map(|(seed, leak)| match train(seed as u64, dated, vec![leak]) {
            Err(error) if error.code() == "leakage" && error.column() == Some(leak.name()) => None,
            Err(error) => Some(format!("{} ({error})", leak.name())),
            Ok(_) => Some(leak.name().to_owned()),
        })
        .collect()
}

/// Trains on tenants without leaks. Returns the error messages of the training runs that refused a column by mistake.
fn refused(seeds: std::ops::Range<u64>, dated: bool) -> Vec<String> {
    seeds
        .filter_map(|seed| train(seed, dated, vec![]).err())
        .map(|error| error.to_string())
        .collect()
}

#[test]
fn some_leaks_are_refused_and_clean_tenants_are_not() {
    assert_eq!(missed(PlantedLeak::all().step_by(16), true), [] as [&str; 0]);
    assert_eq!(refused(0..2, false), [] as [&str; 0]);
}

#[test]
#[ignore = "minutes: the whole bank"]
fn forty_five_of_fifty_leaks_are_refused() {
    for dated in [true, false] {
        let missed = missed(PlantedLeak::all(), dated);
        println!("dated {dated}: {} of 50 refused, missed {missed:?}", 50 - missed.len());
        assert!(missed.len() <= 5, "{missed:?}");
    }
}

#[test]
#[ignore = "minutes: two hundred tenants"]
fn two_hundred_clean_tenants_are_not_refused() {
    let (dated, undated) = (refused(1000..1100, true), refused(1100..1200, false));
    println!(
        "refused: {} of 100 dated, {} of 100 undated",
        dated.len(),
        undated.len()
    );
    assert!(dated.len() + undated.len() <= 4, "{dated:?} {undated:?}");
}
