//! Tests the part of the training report that shows a drift of the base rate (the overall churn rate). This part
//! compares the churn rate at the test date with the mean predicted probability.

use churn_core::synthetic::{WorldOptions, world};
use churn_core::{ChurnModel, Execution, TrainOptions};
use churn_tests::library::linear_alone;

/// Trains on a synthetic tenant in which the log-odds of churn are shifted by `base_rate_shift` in the last half year
/// of the history.
fn train(seed: u64, base_rate_shift: f64) -> ChurnModel {
    let options = WorldOptions::default()
        .with_seed(seed)
        .with_tenants(1)
        .with_customers(900)
        .with_base_rate_shift(base_rate_shift);
    let world = world(&options).unwrap();
    let records = world.tenants()[0].records().unwrap().build().unwrap().0;
    // The test uses only the mean probability, so an ensemble that has only the linear member is enough.
    let ensemble = linear_alone().with_folds(2);
    let options = TrainOptions::default()
        .with_ensemble(ensemble)
        .with_execution(Execution::new().threads(2));
    ChurnModel::train(&records, &options).unwrap()
}

#[test]
fn drift_is_reported_only_if_there_is_one() {
    let drifted = |shift: f64| -> Vec<(bool, f64)> {
        let tests = (0..3).map(|seed| train(seed, shift).report().out_of_time.clone().unwrap());
        tests
            .map(|test| {
                let shift = test.measures.base_rate_shift.unwrap();
                assert!(shift.interval.contains(shift.value));
                // The reported shift must be positive if more customers churned than the model predicted.
                let more = test.measures.churned as f64 > test.measures.mean_probability * test.measures.rows as f64;
                assert_eq!(more, shift.value > 0.0);
                assert_eq!(test.base_rate_drifted(), Some(!shift.interval.contains(0.0)));
                (test.base_rate_drifted() == Some(true), shift.value)
            })
            .collect()
    };
    let (quiet, risen, fallen) = (drifted(0.0), drifted(1.5), drifted(-2.0));
    let drifted_count = |found: &[(bool, f64)]| found.iter().filter(|(drifted, _)| *drifted).count();
    assert!(drifted_count(&quiet) <= 1, "{quiet:?}");
    assert!(
        drifted_count(&risen) >= 2 && risen.iter().all(|(_, shift)| *shift > 0.0),
        "{risen:?}"
    );
    assert!(
        drifted_count(&fallen) >= 2 && fallen.iter().all(|(_, shift)| *shift < 0.0),
        "{fallen:?}"
    );
}

#[test]
fn report_and_card_show_the_rate_of_every_date() {
    let model = train(1, 1.0);
    let report = model.report();
    let dates: Vec<_> = report.dates.iter().map(|date| date.as_of).collect();
    assert_eq!(dates, report.training_dates);
    assert_eq!(report.dates.iter().map(|date| date.rows).sum::<usize>(), report.rows);
    assert_eq!(
        report.dates.iter().map(|date| date.churned).sum::<usize>(),
        report.churned
    );
    let (first, last) = (&report.dates[0], report.dates.last().unwrap());
    assert!(last.churn_rate > 1.3 * first.churn_rate, "{first:?} {last:?}");
    assert!((first.churn_rate - first.churned as f64 / first.rows as f64).abs() < 1e-12);
    // The features do not show that the base rate shifts. The mean prediction is therefore too high at the first date
    // and too low at the last date.
    assert!(first.mean_probability > first.churn_rate && last.mean_probability < last.churn_rate);
    let card = model.card().to_markdown();
    assert!(card.contains("## Churn rate at the training dates") && card.contains("| base-rate shift, log-odds |"));
    assert!(card.contains("The churn rate has drifted"), "{card}");
}
