//! Small records for the tests.

use serde_json::{Value, json};

use crate::error::RecordKind;
use crate::features::{FeatureColumn, FeatureMatrix, FeaturePlan, features};
use crate::input::Table;
use crate::parallel::Execution;
use crate::record::{StaticAttributes, TenantRecords};
use crate::time::AsOf;

/// One customer with the id "C", who signed up on 2024-01-01.
pub(super) fn one_customer() -> Value {
    json!([{"customer_id": "C", "signed_up_at": "2024-01-01"}])
}

/// Builds records from these tables, which must be valid. All undated attributes are declared static.
pub(super) fn records(customers: Value, tables: &[(RecordKind, Value)]) -> TenantRecords {
    let table = |rows: &Value| Table::from_json(rows.to_string().as_bytes()).unwrap();
    let mut builder = TenantRecords::builder("acme")
        .customers(table(&customers))
        .static_attributes(StaticAttributes::None);
    for (kind, rows) in tables {
        builder = builder.table(*kind, table(rows));
    }
    builder.build().unwrap().0
}

pub(super) fn as_of(text: &str) -> AsOf {
    text.parse().unwrap()
}

pub(super) fn matrix(records: &TenantRecords, plan: &FeaturePlan, dates: &[&str]) -> FeatureMatrix {
    let dates: Vec<AsOf> = dates.iter().map(|date| as_of(date)).collect();
    features(records, &dates, plan, &Execution::new().threads(1)).unwrap()
}

/// The value of a number feature in a row.
pub(super) fn number(matrix: &FeatureMatrix, row: usize, name: &str) -> f64 {
    match matrix.column(name).unwrap() {
        FeatureColumn::Number(values) => values[row],
        FeatureColumn::Text { .. } => panic!("{name} is text"),
    }
}
