//! Tests the conversion of subscriptions to customers, with every case of `fixtures/subscriptions.json`. The Python and
//! Node tests read the same file.

use churn_core::{Cell, Error, StaticAttributes, Table, TenantRecords, Timestamp, subscriptions_to_customers};
use serde_json::{Value as Json, json};

fn table(rows: &Json) -> Table {
    Table::from_json(rows.to_string().as_bytes()).expect("a table")
}

fn static_attributes(given: &Json) -> StaticAttributes {
    match given {
        Json::Null => StaticAttributes::None,
        Json::String(_) => StaticAttributes::All,
        names => StaticAttributes::Named(serde_json::from_value(names.clone()).expect("names")),
    }
}

/// Returns the rows of a table as JSON. Numbers are floats, and timestamps are texts.
fn rows(table: &Table) -> Vec<Json> {
    let mut rows = vec![serde_json::Map::new(); table.n_rows()];
    for name in table.column_names() {
        for (row, cell) in rows.iter_mut().zip(table.cells(name).expect("a column")) {
            let value = match cell {
                Cell::Null => Json::Null,
                Cell::Bool(value) => json!(value),
                Cell::Int(value) => json!(value as f64),
                Cell::Float(value) => json!(value),
                Cell::Text(text) => json!(text),
                Cell::Timestamp(micros) => json!(Timestamp::from_micros(micros).expect("a moment")),
                other => panic!("{name}: {other:?}"),
            };
            row.insert(name.to_owned(), value);
        }
    }
    rows.into_iter().map(Json::Object).collect()
}

fn with_floats(row: &Json) -> Json {
    let cells = row.as_object().expect("a row").iter();
    let value = |value: &Json| value.as_f64().map_or_else(|| value.clone(), |number| json!(number));
    Json::Object(cells.map(|(name, cell)| (name.clone(), value(cell))).collect())
}

fn fault(error: &Error) -> Json {
    json!([
        error.code(),
        error.table().map(|table| table.as_str()),
        error.row(),
        error.column()
    ])
}

#[test]
fn every_case_gives_its_customers_or_its_error() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/subscriptions.json");
    let cases: Vec<Json> = serde_json::from_slice(&std::fs::read(path).expect("the fixture")).expect("JSON");
    assert!(cases.len() >= 17);
    for case in &cases {
        let name = &case["name"];
        let joined = case.get("joined").map(table);
        let made = subscriptions_to_customers(
            table(&case["subscriptions"]),
            joined,
            &static_attributes(&case["static_attributes"]),
        );
        let (customers, findings) = match (made, case.get("error")) {
            (Err(error), Some(expected)) => {
                assert_eq!(fault(&error), *expected, "{name}: {error}");
                continue;
            }
            (Err(error), None) => panic!("{name}: {error}"),
            (Ok(_), Some(expected)) => panic!("{name}: no error, but {expected}"),
            (Ok(made), None) => made,
        };
        let expected: Vec<Json> = case["customers"]
            .as_array()
            .expect("rows")
            .iter()
            .map(with_floats)
            .collect();
        assert_eq!(rows(&customers), expected, "{name}");
        let found: Vec<Json> = findings
            .iter()
            .map(|finding| json!([finding.code, finding.column, finding.rows, finding.examples]))
            .collect();
        assert_eq!(json!(found), case["findings"], "{name}");

        let (_, report) = TenantRecords::builder("acme")
            .customers(customers)
            .build()
            .expect("records");
        assert!(report.is_clean(), "{name}: {report}");
    }
}
