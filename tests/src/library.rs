//! Computes the records and features of a random tenant (a "world") with the library under test.

use std::collections::BTreeMap;

use churn_core::{
    AsOf, EnsembleOptions, Execution, FeatureColumn, FeatureMatrix, FeaturePlan, StaticAttributes, Table,
    TenantRecords, Timestamp, ValidationReport, features,
};

use crate::dice::Dice;
use crate::json;
use crate::raw::{Statics, World};
use crate::reference::Value;

/// Returns the options of an ensemble with only the linear member. Such an ensemble is fast to train.
pub fn linear_alone() -> EnsembleOptions {
    EnsembleOptions::default()
        .with_boosting(None)
        .with_deep_boosting(None)
        .with_forest(None)
}

/// Converts microseconds since 1970-01-01 to a date.
pub fn as_of(micros: i64) -> AsOf {
    AsOf::new(timestamp(micros))
}

fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).expect("within the calendar")
}

/// Writes a world as JSON, and builds the library's records and the validation report from the JSON. The seed
/// determines how the values are written in JSON.
pub fn records(world: &World, seed: u64) -> churn_core::Result<(TenantRecords, ValidationReport)> {
    let dice = &mut Dice::new(seed);
    let statics = match &world.statics {
        Statics::None => StaticAttributes::None,
        Statics::Named(names) => StaticAttributes::Named(names.clone()),
        Statics::All => StaticAttributes::All,
    };
    let mut builder = TenantRecords::builder("acme")
        .customers(Table::from_json(&json::customers(&world.customers, dice))?)
        .static_attributes(statics);
    if let Some(table) = &world.payments {
        let bytes = json::payments(&table.columns, &table.rows, dice);
        builder = builder.payments(Table::from_json(&bytes)?);
    }
    if let Some(table) = &world.tickets {
        let bytes = json::tickets(&table.columns, &table.rows, dice);
        builder = builder.tickets(Table::from_json(&bytes)?);
    }
    if let Some(table) = &world.activities {
        let bytes = json::activities(&table.columns, &table.rows, dice);
        builder = builder.activities(Table::from_json(&bytes)?);
    }
    if let Some(until) = world.observed_until {
        builder = builder.observed_until(timestamp(until));
    }
    builder.build()
}

/// Builds the library's records of a world, and checks that all rows are valid.
pub fn valid_records(world: &World, seed: u64) -> TenantRecords {
    match records(world, seed) {
        Ok((records, report)) => {
            assert!(report.is_clean(), "seed {seed}: {report}");
            records
        }
        Err(error) => panic!(
            "seed {seed}: {error}\n{}",
            error.report().map(ToString::to_string).unwrap_or_default()
        ),
    }
}

/// Computes the matrix of the standard features at the given dates.
pub fn matrix(records: &TenantRecords, dates: &[i64], threads: usize) -> FeatureMatrix {
    let dates: Vec<AsOf> = dates.iter().map(|&date| as_of(date)).collect();
    let execution = Execution::new().threads(threads);
    features(records, &dates, &FeaturePlan::default(), &execution).expect("the standard plan fits")
}

/// Returns the value of a feature in one row of a matrix.
pub fn value(column: &FeatureColumn, row: usize) -> Value {
    match column {
        FeatureColumn::Number(values) => Value::Number(values[row]),
        FeatureColumn::Text { codes, levels } => match codes[row] {
            FeatureColumn::MISSING => Value::Text(None),
            code => Value::Text(Some(levels[code as usize].clone())),
        },
        other => panic!("a column of a new kind: {other:?}"),
    }
}

/// Returns the rows of a feature matrix at one date, by customer id. The values of a row are in the order of the
/// features.
pub fn rows(matrix: &FeatureMatrix, date: i64) -> BTreeMap<String, Vec<Value>> {
    let at_date = (0..matrix.n_rows()).filter(|&row| matrix.as_of()[row] == as_of(date));
    let rows = at_date.map(|row| {
        let values = matrix.columns().iter().map(|column| value(column, row));
        (matrix.customer_id(row).to_owned(), values.collect())
    });
    rows.collect()
}

/// Returns the whole content of a matrix as bytes. Equal bytes mean that two matrices are bit-identical.
pub fn bits(matrix: &FeatureMatrix) -> Vec<u8> {
    let mut bits = matrix.plan_fingerprint().as_bytes().to_vec();
    bits.extend(bits_without(matrix, &[]));
    bits
}

/// Returns the content of a matrix as bytes, like [`bits`], but without the columns `names` and without the fingerprint
/// of the plan.
pub fn bits_without(matrix: &FeatureMatrix, names: &[&str]) -> Vec<u8> {
    let mut bits = Vec::new();
    bits.extend(matrix.tenant().to_string().bytes());
    for row in 0..matrix.n_rows() {
        bits.extend(matrix.customer_id(row).bytes().chain([0]));
        bits.extend(matrix.as_of()[row].as_micros().to_le_bytes());
    }
    for (name, column) in matrix.feature_names().iter().zip(matrix.columns()) {
        if names.contains(&name.as_str()) {
            continue;
        }
        bits.extend(name.bytes().chain([0]));
        match column {
            FeatureColumn::Number(values) => {
                bits.extend(values.iter().flat_map(|value| value.to_bits().to_le_bytes()));
            }
            FeatureColumn::Text { codes, levels } => {
                bits.extend(codes.iter().flat_map(|code| code.to_le_bytes()));
                bits.extend(levels.iter().flat_map(|level| level.bytes().chain([0])));
            }
            other => panic!("a column of a new kind: {other:?}"),
        }
    }
    bits
}

/// Returns whether two values are bit-identical.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}
