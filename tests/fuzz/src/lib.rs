//! Code that several fuzz targets use. It computes features from a table, and scores rows with trees.

use churn_core::ensemble::TreeEnsemble;
use churn_core::{
    Execution, FeaturePlan, OnInvalid, RecordKind, StaticAttributes, Table, TenantRecords, Timestamp, features,
};
use ndarray::{Array2, s};

/// A customers table with two customers, to whom the events of a fuzzed table may belong.
const CUSTOMERS: &[u8] =
    br#"[{"customer_id":"a","signed_up_at":"2024-01-01"},{"customer_id":"b","signed_up_at":"2024-03-01"}]"#;

/// Reads the table as each of the four kinds of records. Invalid rows are quarantined, and features are computed from
/// the valid rows.
///
/// # Panics
/// If the report does not count every row as accepted or quarantined, or if the feature matrix has more rows than there
/// are customers.
pub fn everywhere(table: &Table) {
    for kind in RecordKind::ALL {
        let mut builder = TenantRecords::builder("fuzz")
            .on_invalid(OnInvalid::Quarantine)
            .static_attributes(StaticAttributes::All)
            .execution(Execution::new().threads(1));
        if kind != RecordKind::Customers {
            builder = builder.customers(Table::from_json(CUSTOMERS).expect("two customers"));
        }
        let Ok((records, report)) = builder.table(kind, table.clone()).build() else {
            continue;
        };
        let counts = report.table(kind).expect("a table that was given is in the report");
        assert_eq!(counts.rows_in, counts.rows_accepted + counts.rows_quarantined);
        assert_eq!(counts.rows_in, table.rows() as u64);
        let date = Timestamp::from_ymd(2025, 1, 1).expect("a date").into();
        let plan = FeaturePlan::standard(&[28]).expect("a window");
        if let Ok(matrix) = features(&records, &[date], &plan, &Execution::new().threads(1)) {
            assert!(matrix.rows() <= records.customers());
        }
    }
}

/// Scores rows of extreme values and explains the scores.
///
/// # Panics
/// If trees that were imported without an error fail to score rows, or return NaN.
pub fn score(trees: &TreeEnsemble) {
    // A file may declare so many columns that even a few rows would need too much memory. Such a file is skipped.
    if trees.n_features() > 1 << 12 {
        return;
    }
    let extremes = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1e300, 1.0];
    let rows = Array2::from_shape_fn((extremes.len(), trees.n_features()), |(row, _)| extremes[row]);
    let one = Execution::new().threads(1);
    let all = trees.predict_proba(rows.view(), &one).expect("scores");
    assert!(all.iter().all(|score| !score.is_nan()), "{all:?}");
    let alone = trees.predict_proba(rows.slice(s![..1, ..]), &one).expect("a score");
    assert_eq!(alone[0].to_bits(), all[0].to_bits());
    let _ = trees.explain(rows.view(), &one);
}
