//! What the targets share: a table of any kind on its way to features.

use churn_core::{
    Execution, FeaturePlan, OnInvalid, RecordKind, StaticAttributes, Table, TenantRecords, Timestamp, features,
};

/// Two customers whom events may belong to.
const CUSTOMERS: &[u8] =
    br#"[{"customer_id":"a","signed_up_at":"2024-01-01"},{"customer_id":"b","signed_up_at":"2024-03-01"}]"#;

/// Takes the table as each of the four, sets bad rows aside, and computes features of what is left.
///
/// # Panics
/// Where the library breaks its word: rows are lost, or what it let in has no features.
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
