//! Tests that the mean predicted probability is close to the mean true risk on every day of the billing cycle,
//! including the day on which invoices are due. If the horizon is too short for the billing cycle, the training report
//! must contain a warning.
//!
//! The benchmark `benches/everyday` measures all billing cycles and several horizons with larger tenants.

use churn_core::{
    AsOf, ChurnDefinition, ChurnModel, EnsembleOptions, Execution, RecordKind, TrainOptions, WarningCode,
};
use churn_tests::everyday::{Cycle, Everyday, as_of};
use churn_tests::library::linear_alone;

fn options(horizon: u32, ensemble: EnsembleOptions) -> TrainOptions {
    TrainOptions::default()
        .with_definition(ChurnDefinition::inactivity(horizon, RecordKind::Payments))
        .with_ensemble(ensemble)
        .with_execution(Execution::new().threads(2))
}

#[test]
fn the_level_is_right_on_the_day_of_the_invoices() {
    let ensemble = EnsembleOptions::default()
        .with_deep_boosting(None)
        .with_forest(None)
        .with_folds(3);
    for (cycle, due) in [(Cycle::Monthly(1), 17), (Cycle::Monthly(15), 0)] {
        let tenant = Everyday::new(cycle, 1000, 1);
        let model = ChurnModel::train(&tenant.records(tenant.today), &options(60, ensemble.clone())).unwrap();
        let all = tenant.records(tenant.today + 31);
        // The three days are an invoice day, the day after it, and a later day without invoices.
        for day in [due, due + 1, due + 9].map(|day| tenant.today + day) {
            let figures = tenant.judge(&model.score(&all, as_of(day)).unwrap(), day, 60);
            let off = (figures.predicted - figures.risk).abs();
            assert!(
                off < 0.06 && figures.excess < 0.0,
                "{cycle:?}, {}: {figures:?}",
                as_of(day)
            );
        }
        let report = model.report();
        let test = report.out_of_time.as_ref().unwrap();
        assert!(test.test_dates.len() >= 25 && test.test_dates.last() == Some(&test.test_date));
        assert!(test.test_dates[0] >= test.proof.test_date && test.proof.holds());
        assert!(report.dates.iter().all(|date| date.first.is_some()));
        assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    }
}

#[test]
fn a_horizon_below_the_usual_gap_is_reported() {
    let tenant = Everyday::new(Cycle::AnnualOwnDay, 600, 1);
    let past = tenant.records(tenant.today);
    let definition = ChurnDefinition::inactivity(180, RecordKind::Payments).active_within(360);
    let wide = options(180, linear_alone()).with_definition(definition);
    let model = ChurnModel::train(&past, &wide).unwrap();
    let codes: Vec<&str> = model
        .report()
        .warnings
        .iter()
        .map(|warning| warning.code.as_str())
        .collect();
    assert!(codes.contains(&"gap_exceeds_horizon"), "{codes:?}");
    let card = model.card().to_markdown();
    assert!(
        card.contains("gap_exceeds_horizon") && card.contains("365 days"),
        "{card}"
    );
    // Customers pay once a year, so a customer who paid in the 90 days before a date makes no payment in the 90 days
    // after the date. All eligible customers therefore churn. Training fails, and the error says why.
    let error = ChurnModel::train(&past, &options(90, linear_alone())).unwrap_err();
    assert!(
        error.code() == "single_class" && error.to_string().contains("365 days"),
        "{error}"
    );
}

#[test]
fn a_date_at_which_every_customer_churned_is_reported() {
    // At the date 2024-07-02, the next invoice is due in 30 days. The label period ends before this invoice, so
    // all customers count as churned at this date.
    let tenant = Everyday::new(Cycle::Monthly(1), 600, 1);
    let past = tenant.records(tenant.today);
    let dates = ["2024-04-10", "2024-05-10", "2024-07-02", "2024-09-10"];
    let dates = dates.map(|date| date.parse::<AsOf>().unwrap());
    let options = options(30, linear_alone()).with_as_of(dates);
    let report = ChurnModel::train(&past, &options).unwrap().report().clone();
    let uniform = report
        .warnings
        .iter()
        .find(|warning| warning.code == WarningCode::UniformTrainingDate);
    assert_eq!(uniform.unwrap().dates, [dates[2]]);
    // Training must use exactly the dates that the caller gives.
    assert_eq!(report.training_dates, dates);
    assert!(report.dates.iter().all(|date| date.first.is_none()));
}
