//! Tests that the library can open a classifier file that an older version of the library wrote. The older version
//! computed no intervals for the scores of classifiers.

use churn_core::{ChurnClassifier, Column, Execution, Table, Value};
use churn_tests::golden::{fixture, same_text};
use serde_json::{Value as Json, json};

/// Returns the table that is scored. It contains the training rows, and at its end a row that was not used for
/// training.
fn table() -> churn_core::Result<Table> {
    let minutes = (0..60).map(|row| f64::from(row * 37 % 60)).chain([f64::NAN]);
    let plans = (0..60).map(|row| ["a", "b", "b"][row % 3]).chain(["another"]);
    Table::new()
        .with_column("minutes", Column::NullableFloats(minutes.collect()))?
        .with_column(
            "plan",
            Column::Values(plans.map(|plan| Value::Text(plan.to_owned())).collect()),
        )
}

#[test]
fn an_old_file_gives_the_same_results_and_reports_what_it_lacks() -> churn_core::Result<()> {
    let (table, execution) = (table()?, Execution::default());
    let model = ChurnClassifier::load(fixture("frozen/format-1/classifier.churn"))?;
    let rows = |values: ndarray::Array2<f64>| -> Vec<Json> {
        values.rows().into_iter().map(|row| json!(row.to_vec())).collect()
    };
    let explanation = model.explain(&table, &execution)?;
    let said = json!({
        "id": model.id(),
        "probabilities": rows(model.predict_proba(&table, &execution)?),
        "log_odds": model.log_odds(&table, &execution)?,
        "base_value": explanation.base_value,
        "contributions": rows(explanation.contributions),
    });
    same_text(&fixture("frozen/format-1/classifier.json"), &format!("{said:#}\n"));

    let report = model.report();
    assert_eq!((report.rows, report.groups), (60, None));
    assert!(report.monotone_constraints.is_empty() && report.dropped_members.is_empty());
    let error = model.predict_interval(&table, &execution).unwrap_err();
    assert_eq!(error.code(), "artifact_version");
    assert!(
        error.to_string().contains("before classifiers had intervals"),
        "{error}"
    );
    Ok(())
}
