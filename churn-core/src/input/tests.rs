//! These tests check that every input format gives the same records, that every invalid value is reported, and that no
//! row is lost.

use proptest::prelude::*;

use super::*;
use crate::error::{Error, ErrorKind, IssueCode, RecordKind, ValidationReport};
use crate::record::{StaticAttributes, TenantId, TenantRecords};
use crate::time::Timestamp;

const CUSTOMERS: &str =
    r#"[{"customer_id": "a", "signed_up_at": "2024-01-01"}, {"customer_id": "b", "signed_up_at": "2024-01-01"}]"#;

fn json(text: &str) -> Table {
    Table::from_json(text.as_bytes()).unwrap()
}

fn build(kind: RecordKind, text: &str, policy: OnInvalid) -> Result<(TenantRecords, ValidationReport), Error> {
    let builder = TenantRecords::builder("acme").on_invalid(policy);
    let builder = if kind == RecordKind::Customers {
        builder
    } else {
        builder.customers(json(CUSTOMERS))
    };
    builder.table(kind, json(text)).build()
}

/// Returns the row, the column and the code of every issue, in the order of the report.
fn issues(kind: RecordKind, text: &str) -> Vec<(Option<u64>, String, &'static str)> {
    let (_, report) = build(kind, text, OnInvalid::Quarantine).unwrap();
    report
        .issues
        .iter()
        .map(|issue| {
            (
                issue.row,
                issue.column.as_deref().unwrap_or("").to_owned(),
                issue.code.as_str(),
            )
        })
        .collect()
}

#[test]
fn each_code_names_its_row_and_column() {
    use RecordKind::{Activities, Customers, Payments, Tickets};
    let cases: &[(RecordKind, &str, Option<u64>, &str, IssueCode)] = &[
        (
            Payments,
            r#"[{"customer_id": "a", "amount": 1}]"#,
            None,
            "due_at",
            IssueCode::MissingColumn,
        ),
        (
            Payments,
            r#"[{"customer_id": "a", "due_at": "2024-02-01", "amount": 1}, {"customer_id": null, "due_at": "2024-02-01", "amount": 1}]"#,
            Some(1),
            "customer_id",
            IssueCode::MissingValue,
        ),
        (
            Customers,
            r#"[{"customer_id": "", "signed_up_at": "2024-02-01"}]"#,
            Some(0),
            "customer_id",
            IssueCode::MissingValue,
        ),
        (
            Payments,
            r#"[{"customer_id": "a", "due_at": "2024-02-01", "amount": "much"}]"#,
            Some(0),
            "amount",
            IssueCode::BadType,
        ),
        (
            Customers,
            r#"[{"customer_id": 1.5, "signed_up_at": "2024-02-01"}]"#,
            Some(0),
            "customer_id",
            IssueCode::BadType,
        ),
        (
            Customers,
            r#"[{"customer_id": true, "signed_up_at": "2024-02-01"}]"#,
            Some(0),
            "customer_id",
            IssueCode::BadType,
        ),
        (
            Customers,
            r#"[{"customer_id": "x", "signed_up_at": 20240201}]"#,
            Some(0),
            "signed_up_at",
            IssueCode::BadType,
        ),
        (
            Customers,
            r#"[{"customer_id": "x", "signed_up_at": "2024-02-01", "seats": 1}, {"customer_id": "y", "signed_up_at": "2024-02-01", "seats": "two"}]"#,
            Some(1),
            "seats",
            IssueCode::BadType,
        ),
        (
            Customers,
            r#"[{"customer_id": "x", "signed_up_at": "2024-02-01", "tags": ["a"]}]"#,
            Some(0),
            "tags",
            IssueCode::BadType,
        ),
        (
            Customers,
            r#"[{"customer_id": "x", "signed_up_at": "01/02/2024"}]"#,
            Some(0),
            "signed_up_at",
            IssueCode::BadTimestamp,
        ),
        (
            Tickets,
            r#"[{"customer_id": "a", "opened_at": "2024-02-01", "satisfaction": 6}]"#,
            Some(0),
            "satisfaction",
            IssueCode::OutOfRange,
        ),
        (
            Payments,
            r#"[{"customer_id": "a", "due_at": "2024-02-01", "amount": 1e300}]"#,
            Some(0),
            "amount",
            IssueCode::OutOfRange,
        ),
        (
            Payments,
            r#"[{"customer_id": "a", "due_at": "2024-02-01", "amount": 1, "status": "gone"}]"#,
            Some(0),
            "status",
            IssueCode::UnknownStatus,
        ),
        (
            Tickets,
            r#"[{"customer_id": "a", "opened_at": "2024-02-01", "priority": "huge"}]"#,
            Some(0),
            "priority",
            IssueCode::UnknownPriority,
        ),
        (
            Activities,
            r#"[{"customer_id": "a", "at": "2024-02-01", "activity_id": 7}, {"customer_id": "b", "at": "2024-03-01", "activity_id": "7"}]"#,
            Some(1),
            "activity_id",
            IssueCode::DuplicateId,
        ),
        (
            Customers,
            r#"[{"customer_id": "x", "signed_up_at": "2024-02-01"}, {"customer_id": "x", "signed_up_at": "2024-02-01"}]"#,
            Some(1),
            "customer_id",
            IssueCode::DuplicateVersion,
        ),
        (
            Activities,
            r#"[{"customer_id": "nobody", "at": "2024-02-01"}]"#,
            Some(0),
            "customer_id",
            IssueCode::UnknownCustomer,
        ),
        (
            Tickets,
            r#"[{"customer_id": "a", "opened_at": "2024-02-02", "resolved_at": "2024-02-01"}]"#,
            Some(0),
            "resolved_at",
            IssueCode::EndsBeforeStart,
        ),
        (
            Customers,
            r#"[{"customer_id": "x", "signed_up_at": "2024-02-01", "churned_at": "2024-01-31"}]"#,
            Some(0),
            "churned_at",
            IssueCode::EndsBeforeStart,
        ),
        (
            Payments,
            r#"[{"customer_id": "a", "due_at": "2024-02-01", "amount": 1, "refunded_at": "2024-01-01"}]"#,
            Some(0),
            "refunded_at",
            IssueCode::EndsBeforeStart,
        ),
        (
            Payments,
            r#"[{"customer_id": "a", "due_at": "2024-02-01", "amount": 1, "status": "pending", "settled_at": "2024-02-01"}]"#,
            Some(0),
            "status",
            IssueCode::InconsistentStatus,
        ),
        (
            Payments,
            r#"[{"customer_id": "a", "due_at": "2024-02-01", "amount": 1, "currency": "EUR"}, {"customer_id": "a", "due_at": "2024-02-01", "amount": 1, "currency": "usd"}]"#,
            Some(1),
            "currency",
            IssueCode::MixedCurrency,
        ),
        (
            Payments,
            r#"[{"customer_id": "a", "due_at": "2024-02-01", "amount": 1, "status": "paid", "Status": "failed"}]"#,
            None,
            "status",
            IssueCode::DuplicateColumn,
        ),
        (
            Activities,
            r#"[{"customer_id": "a", "at": "2024-02-01", "tenant_id": "other"}]"#,
            Some(0),
            "tenant_id",
            IssueCode::WrongTenant,
        ),
    ];
    for (kind, text, row, column, code) in cases {
        assert_eq!(
            issues(*kind, text),
            [(*row, (*column).to_owned(), code.as_str())],
            "{text}"
        );
        let error = build(*kind, text, OnInvalid::Refuse).unwrap_err();
        assert_eq!(
            (error.kind(), error.table(), error.row(), error.column()),
            (ErrorKind::InvalidRecords(*code), Some(*kind), *row, Some(*column))
        );
        assert_eq!(error.report().unwrap().issues.len(), 1);
    }
    let covered = |code: &IssueCode| *code == IssueCode::NotFinite || cases.iter().any(|case| case.4 == *code);
    assert!(IssueCode::ALL.iter().all(covered));
}

#[test]
fn nan_is_not_finite_in_known_columns_and_missing_in_attributes() {
    let payment = |amount| vec![Payment::new("a", Timestamp::EPOCH, amount)];
    for amount in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = TenantRecords::builder("acme")
            .customers(json(CUSTOMERS))
            .payments(payment(amount))
            .build()
            .unwrap_err();
        assert_eq!((error.code(), error.column()), ("not_finite", Some("amount")));
    }
    let customer = |seats| {
        let table = json(r#"[{"customer_id": "a", "signed_up_at": "2024-01-01"}]"#);
        TenantRecords::builder("acme")
            .customers(table.with_column("seats", Column::Floats(vec![seats])).unwrap())
            .build()
    };
    assert!(customer(f64::NAN).is_ok());
    assert_eq!(customer(f64::INFINITY).unwrap_err().code(), "not_finite");
}

#[test]
fn every_bad_value_of_a_row_is_reported_and_its_events_follow() {
    let customers = r#"[{"customer_id": "a", "signed_up_at": "never", "churned_at": 5}, {"customer_id": "b", "signed_up_at": "2024-01-01"}]"#;
    let payments = r#"[{"customer_id": "a", "due_at": "2024-02-01", "amount": 1}, {"customer_id": "b", "due_at": "2023-02-01", "amount": 1}]"#;
    let (records, report) = TenantRecords::builder("acme")
        .customers(json(customers))
        .payments(json(payments))
        .on_invalid(OnInvalid::Quarantine)
        .build()
        .unwrap();
    let codes: Vec<&str> = report.issues.iter().map(|issue| issue.code.as_str()).collect();
    assert_eq!(codes, ["bad_timestamp", "bad_type", "unknown_customer"]);
    let payments = report.table(RecordKind::Payments).unwrap();
    assert_eq!(
        (
            payments.rows_in,
            payments.rows_accepted,
            payments.rows_quarantined,
            payments.quarantined.as_slice()
        ),
        (2, 1, 1, &[0u64][..])
    );
    assert_eq!(payments.events_before_sign_up, 1);
    assert_eq!(
        (
            records.n_customers(),
            records.n_rows(RecordKind::Payments),
            records.n_rows(RecordKind::Tickets)
        ),
        (1, Some(1), None)
    );
}

#[test]
fn versions_supersede_each_other() {
    let text = r#"[{"customer_id": "a", "at": "2024-02-01", "activity_id": 1, "known_at": "2024-03-01"},
                   {"customer_id": "b", "at": "2024-02-05", "activity_id": 1},
                   {"customer_id": "a", "at": "2024-02-09", "activity_id": 1, "known_at": "2024-04-01"}]"#;
    let (records, _) = build(RecordKind::Activities, text, OnInvalid::Refuse).unwrap();
    let events = records.events(RecordKind::Activities).unwrap();
    let known_on = |moment: &str| {
        (0..3)
            .filter(|&row| events.is_known(row, moment.parse::<Timestamp>().unwrap().as_micros()))
            .map(|row| events.given[row])
            .collect::<Vec<_>>()
    };
    assert_eq!(
        [
            known_on("2024-02-20"),
            known_on("2024-03-01"),
            known_on("2024-03-02"),
            known_on("2024-04-01"),
            known_on("2024-04-02")
        ],
        [[1], [1], [0], [0], [2]]
    );
}

#[test]
fn money_is_converted_where_there_is_a_rate() {
    let payments = json(
        r#"[{"customer_id": "a", "due_at": "2024-02-01", "amount": 10, "currency": "usd"}, {"customer_id": "a", "due_at": "2024-02-02", "amount": 1.005}]"#,
    );
    let builder = TenantRecords::builder("acme")
        .customers(json(CUSTOMERS))
        .payments(payments)
        .currency("EUR")
        .conversion_rate("USD", 0.5);
    let (records, _) = builder.build().unwrap();
    assert_eq!(records.payments.unwrap().amount, [500, 101]);
}

#[test]
fn empty_and_absent_are_not_the_same() {
    let (records, report) = TenantRecords::builder("acme")
        .customers(Table::new())
        .payments(json("[]"))
        .build()
        .unwrap();
    assert_eq!(
        (
            records.n_customers(),
            records.n_rows(RecordKind::Payments),
            records.n_rows(RecordKind::Activities)
        ),
        (0, Some(0), None)
    );
    assert!(report.is_clean() && report.table(RecordKind::Activities).is_none());
    assert_eq!(
        TenantRecords::builder("acme").build().unwrap_err().code(),
        "invalid_option"
    );
}

#[test]
fn undated_attributes_are_named_in_the_report() {
    let customers = || {
        json(
            r#"[{"customer_id": "a", "signed_up_at": "2024-01-01", "plan": "pro", "seats": 3, "renews_at": "2025-01-01"}]"#,
        )
    };
    let names = |attributes| {
        let (_, report) = TenantRecords::builder("acme")
            .customers(customers())
            .static_attributes(attributes)
            .build()
            .unwrap();
        report
            .undated_attributes
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(StaticAttributes::None), ["plan", "seats", "renews_at"]);
    assert_eq!(
        names(StaticAttributes::Named(vec!["seats".into()])),
        ["plan", "renews_at"]
    );
    assert!(names(StaticAttributes::All).is_empty());
    let wrong = TenantRecords::builder("acme")
        .customers(customers())
        .static_attributes(StaticAttributes::Named(vec!["colour".into()]))
        .build();
    assert_eq!(wrong.unwrap_err().code(), "invalid_option");
}

#[test]
fn malformed_tables_are_unreadable() {
    for text in ["", "{}", "[1]", "[{]", "[{\"a\": 1}] x", "null"] {
        assert_eq!(
            Table::from_json(text.as_bytes()).unwrap_err().code(),
            "unreadable_table",
            "{text}"
        );
    }
    assert_eq!(Table::from_csv(&b"a,b\n1,2\n3\n"[..]).unwrap_err().row(), Some(1));
    assert_eq!(
        Table::from_csv(&b"a,a\n1,2\n"[..]).unwrap_err().code(),
        "unreadable_table"
    );
    assert_eq!(
        Table::from_csv(&b"a\n\xff\n"[..]).unwrap_err().code(),
        "unreadable_table"
    );
    #[cfg(feature = "arrow")]
    for bytes in [
        &b""[..],
        b"nonsense",
        b"ARROW1",
        b"\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\xff\xff\xff\x7f0123",
    ] {
        let read = Table::from_ipc(bytes);
        assert!(
            bytes.is_empty() || read.is_err_and(|error| error.code() == "unreadable_table"),
            "{bytes:?}"
        );
    }
    let uneven = Table::new()
        .with_column("a", Column::Ints(vec![1]))
        .unwrap()
        .with_column("b", Column::Ints(vec![]));
    assert_eq!(uneven.unwrap_err().code(), "unreadable_table");
}

#[test]
fn csv_columns_have_the_type_of_all_their_cells() {
    let text = "customer_id,signed_up_at,kids,score,paying,note\n1,2024-01-01,1,0.5,true,\n2,2024-01-02,3+,,FALSE,x\n";
    let (from_csv, _) = TenantRecords::builder("acme")
        .customers(Table::from_csv(text.as_bytes()).unwrap())
        .build()
        .unwrap();
    let same = r#"[{"customer_id": 1, "signed_up_at": "2024-01-01", "kids": "1", "score": 0.5, "paying": true, "note": null},
                   {"customer_id": 2, "signed_up_at": "2024-01-02", "kids": "3+", "score": null, "paying": false, "note": "x"}]"#;
    let (from_json, _) = TenantRecords::builder("acme").customers(json(same)).build().unwrap();
    assert_eq!(
        format!("{:?}", from_csv.customers),
        format!("{:?}", from_json.customers)
    );
}

#[test]
fn a_partition_loses_no_row() {
    let customers = r#"[{"tenant_id": "x", "customer_id": 1, "signed_up_at": "2024-01-01"}, {"tenant_id": "y", "customer_id": 1, "signed_up_at": "2024-01-02"},
                        {"tenant_id": null, "customer_id": 2, "signed_up_at": "2024-01-01"}]"#;
    let payments = r#"[{"tenant_id": "y", "customer_id": 1, "due_at": "2024-02-01", "amount": 1}, {"tenant_id": "z", "customer_id": 1, "due_at": "2024-02-01", "amount": 1},
                       {"tenant_id": "x", "customer_id": 1, "due_at": "2024-02-01", "amount": 1}, {"tenant_id": "x", "customer_id": 9, "due_at": "2024-02-01", "amount": 1}]"#;
    let builder = || {
        TenantRecords::builder("all")
            .customers(json(customers))
            .payments(json(payments))
    };
    assert_eq!(builder().partition().unwrap_err().code(), "missing_value");
    let blank = customers.replace(r#""tenant_id": null"#, r#""tenant_id": " ""#);
    let refused = TenantRecords::builder("all").customers(json(&blank)).partition();
    assert_eq!(refused.unwrap_err().code(), "missing_value");
    let partition = builder().on_invalid(OnInvalid::Quarantine).partition().unwrap();
    let ids: Vec<&str> = partition.tenants.keys().map(TenantId::as_str).collect();
    assert_eq!(ids, ["x", "y", "z"]);
    let total = |kind| {
        partition
            .tenants
            .values()
            .map(|(_, report)| report)
            .chain([&partition.unassigned])
            .filter_map(|report| report.table(kind))
            .map(|table| table.rows_in)
            .sum::<u64>()
    };
    assert_eq!((total(RecordKind::Customers), total(RecordKind::Payments)), (3, 4));
    let (x, report) = &partition.tenants["x"];
    assert_eq!(
        (x.n_customers(), x.n_rows(RecordKind::Payments), report.issues[0].row),
        (1, Some(1), Some(3))
    );
    assert_eq!(partition.positions["x"][&RecordKind::Payments], [2, 3]);
}

#[cfg(feature = "arrow")]
mod arrow_door {
    use std::sync::Arc;

    use ::arrow::array::{
        ArrayRef, Date32Array, DictionaryArray, Float32Array, Int32Array, Int64Array, LargeStringArray, RecordBatch,
        StringArray, StringViewArray, TimestampMicrosecondArray, TimestampNanosecondArray, TimestampSecondArray,
    };
    use ::arrow::datatypes::{DataType, Field, Int8Type, Schema};

    use super::*;

    fn payments(columns: Vec<(&str, ArrayRef)>) -> TenantRecords {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let table = Table::from_record_batch(&batch).unwrap();
        TenantRecords::builder("acme")
            .customers(json(CUSTOMERS))
            .payments(table)
            .build()
            .unwrap()
            .0
    }

    #[test]
    fn all_layouts_lead_to_the_same_records() {
        let (expected, _) = build(RecordKind::Payments, r#"[{"customer_id": "b", "due_at": "2024-02-01", "amount": 1.5, "method": "card"}, {"customer_id": "a", "due_at": "2024-01-05", "amount": 2, "method": null}]"#, OnInvalid::Refuse).unwrap();
        let days = [19_754i64, 19_727];
        let seconds = days.map(|day| day * 86_400);
        let ids: [ArrayRef; 4] = [
            Arc::new(StringArray::from(vec!["b", "a"])),
            Arc::new(LargeStringArray::from(vec!["b", "a"])),
            Arc::new(StringViewArray::from(vec!["b", "a"])),
            Arc::new(vec!["b", "a"].into_iter().collect::<DictionaryArray<Int8Type>>()),
        ];
        let moments: [ArrayRef; 4] = [
            Arc::new(TimestampSecondArray::from(seconds.to_vec())),
            Arc::new(
                TimestampMicrosecondArray::from(seconds.map(|s| s * 1_000_000).to_vec()).with_timezone("Europe/Berlin"),
            ),
            Arc::new(TimestampNanosecondArray::from(
                seconds.map(|s| s * 1_000_000_000).to_vec(),
            )),
            Arc::new(Date32Array::from(days.map(|day| day as i32).to_vec())),
        ];
        for (id, moment) in ids.iter().zip(&moments) {
            let amount: ArrayRef = Arc::new(Float32Array::from(vec![1.5, 2.0]));
            let method: ArrayRef = Arc::new(StringArray::from(vec![Some("card"), None]));
            let found = payments(vec![
                ("customer_id", id.clone()),
                ("due_at", moment.clone()),
                ("amount", amount),
                ("method", method),
            ]);
            assert_eq!(found.payments, expected.payments);
        }
    }

    #[test]
    fn moments_that_do_not_fit_and_pandas_index_are_handled() {
        let id: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
        let far: ArrayRef = Arc::new(TimestampSecondArray::from(vec![i64::MAX / 2]));
        let amount: ArrayRef = Arc::new(Int32Array::from(vec![1]));
        let index: ArrayRef = Arc::new(Int64Array::from(vec![0]));
        let fields = vec![
            Field::new("customer_id", DataType::Utf8, true),
            Field::new("due_at", far.data_type().clone(), true),
            Field::new("amount", DataType::Int32, true),
            Field::new("__index_level_0__", DataType::Int64, true),
        ];
        let metadata = [(
            "pandas".to_owned(),
            r#"{"index_columns": ["__index_level_0__"]}"#.to_owned(),
        )]
        .into();
        let batch = RecordBatch::try_new(
            Arc::new(Schema::new(fields).with_metadata(metadata)),
            vec![id, far, amount, index],
        )
        .unwrap();
        let table = Table::from_record_batch(&batch).unwrap();
        assert!(!table.has_column("__index_level_0__"));
        let error = TenantRecords::builder("acme")
            .customers(json(CUSTOMERS))
            .payments(table)
            .build()
            .unwrap_err();
        assert_eq!(error.code(), "bad_timestamp");
    }
}

fn wild() -> impl Strategy<Value = serde_json::Value> {
    let moments = prop_oneof![
        Just("2024-01-05"),
        Just("2024-03-01T12:00:00"),
        Just("0001-01-01"),
        Just("9999-12-31"),
        Just("soon")
    ];
    prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        moments.prop_map(Into::into),
        "\\PC{0,6}".prop_map(Into::into),
        prop_oneof![
            Just("a"),
            Just("b"),
            Just("paid"),
            Just("urgent"),
            Just("EUR"),
            Just("\u{0}"),
            Just("\u{202e}x")
        ]
        .prop_map(Into::into),
    ]
}

proptest! {
    #[test]
    fn for_any_input_counts_add_up_and_nothing_panics(
        rows in proptest::collection::vec(proptest::collection::hash_map(0usize..12, wild(), 0..8), 0..12),
        kind in 0usize..4,
    ) {
        let kind = RecordKind::ALL[kind];
        let names: Vec<&str> = columns_of(kind).iter().map(|column| column.name).chain(["extra"]).collect();
        let objects: Vec<serde_json::Map<String, serde_json::Value>> =
            rows.into_iter().map(|row| row.into_iter().map(|(column, value)| (names[column % names.len()].to_owned(), value)).collect()).collect();
        let text = serde_json::to_string(&objects).unwrap();
        let (records, report) = build(kind, &text, OnInvalid::Quarantine).unwrap();
        let table = report.table(kind).unwrap();
        prop_assert_eq!(table.rows_in, objects.len() as u64);
        prop_assert_eq!(table.rows_in, table.rows_accepted + table.rows_quarantined);
        prop_assert_eq!(records.n_rows(kind), Some(table.rows_accepted as usize));
        let refused = build(kind, &text, OnInvalid::Refuse);
        prop_assert_eq!(refused.is_err(), !report.is_clean());
    }
}
