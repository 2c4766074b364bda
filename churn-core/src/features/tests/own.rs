//! Tests of features that the user declares.

use serde_json::json;

use super::world::{matrix, number, one_customer, records};
use crate::error::RecordKind;
use crate::features::{ChurnDefinition, Condition, Feature, FeaturePlan, Function, Measure, labels};
use crate::input::Table;
use crate::parallel::Execution;
use crate::record::{StaticAttributes, TenantRecords};

const DAY: &str = "2024-03-01";

fn value(kind: RecordKind, rows: serde_json::Value, feature: Feature) -> f64 {
    let plan = FeaturePlan::empty().with(feature);
    let records = records(one_customer(), &[(kind, rows)]);
    number(&matrix(&records, &plan, &[DAY]), 0, "f")
}

#[test]
fn the_sum_of_gaps() {
    let rows = json!([{"customer_id":"C","at":"2024-02-01"},{"customer_id":"C","at":"2024-02-03"},{"customer_id":"C","at":"2024-02-08"}]);
    let feature = Feature::new("f", RecordKind::Activities).measure(Measure::GapDays);
    assert_eq!(value(RecordKind::Activities, rows, feature), 7.0);
}

#[test]
fn a_record_without_the_measure_is_skipped() {
    let rows = json!([
        {"customer_id":"C","opened_at":"2024-02-01","resolved_at":"2024-02-01T04:00:00"},
        {"customer_id":"C","opened_at":"2024-02-02"},
    ]);
    let feature = Feature::new("f", RecordKind::Tickets)
        .measure(Measure::ResolutionHours)
        .function(Function::Mean);
    assert_eq!(value(RecordKind::Tickets, rows, feature), 4.0);
}

#[test]
fn a_sum_over_nothing_is_plus_zero() {
    let feature = Feature::new("f", RecordKind::Activities).measure(Measure::Quantity);
    assert_eq!(
        value(RecordKind::Activities, json!([]), feature).to_bits(),
        0.0f64.to_bits()
    );
}

#[test]
fn a_condition_on_no_column_is_refused() {
    let feature = Feature::new("f", RecordKind::Payments).filter([Condition::OneOf {
        column: "metod".into(),
        values: vec!["card".into()],
    }]);
    let plan = FeaturePlan::empty().with(feature);
    let rows = json!([{"customer_id":"C","due_at":"2024-02-01","amount":1,"method":"card"}]);
    let error = plan
        .resolve(&records(one_customer(), &[(RecordKind::Payments, rows)]))
        .unwrap_err();
    assert_eq!(error.code(), "invalid_option");
}

#[test]
fn a_window_of_no_days_is_refused() {
    assert!(
        FeaturePlan::empty()
            .with(Feature::new("f", RecordKind::Payments).window(0))
            .validate()
            .is_err()
    );
    let plan = FeaturePlan::empty().with(Feature::new("f", RecordKind::Payments).window(7));
    let text = serde_json::to_string(&plan).unwrap();
    let plan: FeaturePlan = serde_json::from_str(&text.replace("\"window\":7", "\"window\":0")).unwrap();
    let rows = json!([]);
    assert!(
        plan.resolve(&records(one_customer(), &[(RecordKind::Payments, rows)]))
            .is_err()
    );
}

#[test]
fn a_threshold_that_is_not_finite_is_refused() {
    let feature = Feature::new("f", RecordKind::Payments).filter([Condition::AtLeast {
        column: "amount".into(),
        value: f64::NAN,
    }]);
    assert!(FeaturePlan::empty().with(feature).validate().is_err());
}

#[test]
fn an_undated_renewal_is_refused_unless_declared_static() {
    let plan = FeaturePlan::empty().with(Feature::new("f", RecordKind::Customers).measure(Measure::DaysToRenewal));
    let customers = br#"[{"customer_id":"C","signed_up_at":"2024-01-01","renews_at":"2024-06-01"}]"#;
    let builder = || TenantRecords::builder("t").customers(Table::from_json(customers).unwrap());
    let (undated, _) = builder().build().unwrap();
    assert_eq!(plan.resolve(&undated).unwrap_err().code(), "invalid_option");
    let (declared, _) = builder().static_attributes(StaticAttributes::All).build().unwrap();
    assert_eq!(number(&matrix(&declared, &plan, &[DAY]), 0, "f"), 92.0);
}

#[test]
fn spans_beyond_the_calendar_are_refused() {
    let (records, _) = TenantRecords::builder("t")
        .customers(Table::new())
        .payments(Table::new())
        .build()
        .unwrap();
    for definition in [
        ChurnDefinition::cancellation(u32::MAX),
        ChurnDefinition::cancellation(30).with_lead(u32::MAX),
        ChurnDefinition::inactivity(30, RecordKind::Payments).active_within(u32::MAX),
        ChurnDefinition::inactivity(u32::MAX / 2, RecordKind::Payments),
    ] {
        let error = labels(&records, &[DAY.parse().unwrap()], &definition, &Execution::new()).unwrap_err();
        assert_eq!(error.code(), "invalid_option");
    }
}
