//! Tests hostile input. Every case of `fixtures/hostile.json` must have the expected error or result, and no case may
//! cause a panic. The Python and Node tests read the same file. The expected results were derived from the
//! specification, not copied from the output of the library.
//!
//! A case contains tables as JSON rows. Three notations represent what JSON cannot express:
//! - `{"$number": "NaN"}` represents a number that JSON cannot contain.
//! - `{"$repeat": [text, times]}` represents a long text, in which `text` is repeated `times` times.
//! - `{"$rows": count, "row": {..}}` represents `count` copies of a row. In the texts of the row, `{i}` is replaced by
//!   the number of the copy, also in the names of its columns.
//! - `"$columns": [count, cell]` in a row represents `count` more columns, `column 0`, `column 1` and so on, which have
//!   the same cell.
//!
//! The field `then` states what the test computes from the tables: features at a date, labels at a date, or a trained
//! model.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use churn_core::{
    AsOf, ChurnDefinition, ChurnModel, Execution, FeaturePlan, OnInvalid, RecordKind, StaticAttributes, Table,
    TenantRecords, TrainOptions, ValidationReport, Value, features, labels,
};
use churn_tests::library::value;
use churn_tests::reference;
use serde_json::Value as Json;

fn text(json: &Json) -> &str {
    json.as_str().expect("a text")
}

/// Converts a JSON cell to the value that a caller would pass to the library. `number` is the number of the row.
fn cell(json: &Json, number: usize) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(value) => match (value.as_i64(), value.as_u64()) {
            (Some(int), _) => Value::Int(int),
            (None, Some(int)) => Value::UInt(int),
            _ => Value::Float(value.as_f64().expect("a number")),
        },
        Json::String(value) => Value::Text(value.replace("{i}", &number.to_string())),
        Json::Array(_) => Value::Unsupported("a list"),
        Json::Object(word) => match (word.get("$number"), word.get("$repeat")) {
            (Some(number), _) => Value::Float(match text(number) {
                "NaN" => f64::NAN,
                "Infinity" => f64::INFINITY,
                _ => f64::NEG_INFINITY,
            }),
            (_, Some(repeat)) => {
                let times = repeat[1].as_u64().expect("a count") as usize;
                Value::Text(text(&repeat[0]).repeat(times))
            }
            _ => Value::Unsupported("an object"),
        },
    }
}

fn row(json: &Json, number: usize) -> Vec<(String, Value)> {
    let cells = json.as_object().expect("a row").iter();
    let columns = cells.flat_map(|(name, json)| match name.as_str() {
        "$columns" => {
            let count = json[0].as_u64().expect("a count") as usize;
            let column = |column| (format!("column {column}"), cell(&json[1], number));
            (0..count).map(column).collect()
        }
        name => vec![(name.replace("{i}", &number.to_string()), cell(json, number))],
    });
    columns.collect()
}

fn table(json: &Json) -> churn_core::Result<Table> {
    match json {
        Json::Array(rows) => Table::from_values(rows.iter().map(|json| row(json, 0))),
        _ => {
            let count = json["$rows"].as_u64().expect("a count") as usize;
            Table::from_values((0..count).map(|number| row(&json["row"], number)))
        }
    }
}

fn records(given: &Json) -> churn_core::Result<(TenantRecords, ValidationReport)> {
    let mut builder = TenantRecords::builder("t");
    for kind in RecordKind::ALL {
        if let Some(rows) = given.get(kind.as_str()) {
            builder = builder.table(kind, table(rows)?);
        }
    }
    if given["on_invalid"] == "quarantine" {
        builder = builder.on_invalid(OnInvalid::Quarantine);
    }
    let named = |json: &Json| text(json).to_owned();
    match &given["static_attributes"] {
        Json::Array(names) => {
            builder = builder.static_attributes(StaticAttributes::Named(names.iter().map(named).collect()))
        }
        Json::String(_) => builder = builder.static_attributes(StaticAttributes::All),
        _ => {}
    }
    builder.build()
}

fn definition(json: &Json) -> ChurnDefinition {
    let days = |name: &str| json[name].as_u64().unwrap_or(0) as u32;
    let definition = match text(&json["kind"]) {
        "cancellation" => ChurnDefinition::cancellation(days("horizon")),
        _ => {
            let on = RecordKind::ALL.into_iter().find(|kind| json["on"] == kind.as_str());
            ChurnDefinition::inactivity(days("horizon"), on.expect("a table"))
        }
    };
    definition.with_lead(days("lead"))
}

/// The actual result of a case, in the same form as the expected result in the file.
#[derive(Default)]
struct Outcome {
    tables: BTreeMap<String, [u64; 3]>,
    issues: Vec<(String, Option<u64>, Option<String>, String)>,
    names: Vec<String>,
    features: Option<Vec<(String, BTreeMap<String, reference::Value>)>>,
    labels: Option<BTreeMap<String, bool>>,
}

fn run(case: &Json) -> churn_core::Result<Outcome> {
    let (records, report) = records(&case["given"])?;
    let mut outcome = Outcome::default();
    for (kind, table) in &report.tables {
        let counts = [table.rows_in, table.rows_accepted, table.rows_quarantined];
        outcome.tables.insert(kind.to_string(), counts);
    }
    for issue in &report.issues {
        let column = issue.column.as_ref().map(ToString::to_string);
        let issue = (issue.table.to_string(), issue.row, column, issue.code.to_string());
        outcome.issues.push(issue);
    }
    outcome.issues.sort();
    let execution = Execution::new().threads(2);
    let date = |json: &Json| text(json).parse::<AsOf>();
    let then = &case["then"];
    if let Some(as_of) = then.get("features") {
        let matrix = features(&records, &[date(as_of)?], &FeaturePlan::default(), &execution)?;
        outcome.names = matrix.feature_names().to_vec();
        let rows = (0..matrix.n_rows()).map(|row| {
            let values = matrix.feature_names().iter().zip(matrix.columns());
            let values = values.map(|(name, column)| (name.clone(), value(column, row)));
            (matrix.customer_id(row).to_owned(), values.collect())
        });
        outcome.features = Some(rows.collect());
    }
    if let Some(as_of) = then.get("labels") {
        let labels = labels(&records, &[date(as_of)?], &definition(&then["definition"]), &execution)?;
        let ids: Vec<&str> = records.customer_ids().collect();
        let rows = labels.rows().iter();
        outcome.labels = Some(
            rows.map(|label| (ids[label.customer as usize].to_owned(), label.churned))
                .collect(),
        );
    }
    if then.get("train").is_some() {
        let options = TrainOptions::default()
            .with_definition(definition(&then["definition"]))
            .with_execution(execution);
        ChurnModel::train(&records, &options)?;
    }
    Ok(outcome)
}

fn agrees(expected: &Json, value: &reference::Value) -> bool {
    match (expected, value) {
        (Json::Null, reference::Value::Number(value)) => value.is_nan(),
        (Json::Null, reference::Value::Text(text)) => text.is_none(),
        (Json::String(expected), reference::Value::Text(text)) => text.as_ref() == Some(expected),
        (Json::Number(expected), reference::Value::Number(value)) => {
            let expected = expected.as_f64().expect("a number");
            (expected - value).abs() <= 1e-9 * expected.abs()
        }
        _ => false,
    }
}

/// Runs a case, and returns the differences between the actual and the expected result. Returns `None` if there are no
/// differences.
fn differences(case: &Json) -> Option<String> {
    let expect = &case["expect"];
    let outcome = match (run(case), expect.get("error")) {
        (Err(error), None) => return Some(format!("failed: {} {error}", error.code())),
        (Ok(_), Some(wanted)) => return Some(format!("did not fail with {wanted}")),
        (Err(error), Some(wanted)) => {
            let table = error.table().map(|table| table.to_string());
            let found = serde_json::json!({
                "code": error.code(), "table": table, "row": error.row(), "column": error.column()
            });
            // If an expected error has no table, it comes from training or labels, and only the error codes are
            // compared.
            let same = found["code"] == wanted["code"] && (wanted["table"].is_null() || found == *wanted);
            return (!same).then(|| format!("{found}, not {wanted}"));
        }
        (Ok(outcome), None) => outcome,
    };
    let tables = expect.get("tables").and_then(Json::as_object).into_iter().flatten();
    for (table, counts) in tables {
        let found = serde_json::json!(outcome.tables.get(table));
        if found != *counts {
            return Some(format!("{table}: {found} rows, not {counts}"));
        }
    }
    if let Some(issues) = expect.get("issues") {
        let found = serde_json::json!(outcome.issues);
        if found != *issues {
            return Some(format!("{found}, not {issues}"));
        }
    }
    let rows = outcome.features.as_ref().map(Vec::len);
    if let Some(wanted) = expect.get("rows")
        && wanted.as_u64() != rows.map(|rows| rows as u64)
    {
        return Some(format!("{rows:?} rows, not {wanted}"));
    }
    for name in expect["absent"].as_array().into_iter().flatten() {
        if outcome.names.iter().any(|known| known == text(name)) {
            return Some(format!("there is a {name}"));
        }
    }
    if let Some(wanted) = expect.get("features").and_then(Json::as_object) {
        let found = outcome.features.unwrap_or_default();
        let mut ids: Vec<&String> = wanted.keys().collect();
        ids.sort_by_key(|id| id.as_bytes());
        if found.iter().map(|(id, _)| id).collect::<Vec<_>>() != ids {
            return Some(format!(
                "customers {:?}",
                found.iter().map(|(id, _)| id).collect::<Vec<_>>()
            ));
        }
        for (id, values) in &found {
            for (name, expected) in wanted[id].as_object().expect("features") {
                if !values.get(name).is_some_and(|value| agrees(expected, value)) {
                    return Some(format!("{id} {name}: {:?}, not {expected}", values.get(name)));
                }
            }
        }
    }
    if let Some(wanted) = expect.get("labels") {
        let found = serde_json::json!(outcome.labels);
        if found != *wanted {
            return Some(format!("{found}, not {wanted}"));
        }
    }
    None
}

#[test]
fn every_case_has_its_expected_outcome() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hostile.json");
    let cases: Vec<Json> = serde_json::from_slice(&std::fs::read(path).expect("the fixture")).expect("JSON");
    assert!(cases.len() >= 80);
    let mut failures = vec![];
    for case in &cases {
        let failure = catch_unwind(AssertUnwindSafe(|| differences(case)));
        if let Some(why) = failure.unwrap_or_else(|_| Some("panicked".into())) {
            failures.push(format!("{}: {why}", text(&case["name"])));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}
