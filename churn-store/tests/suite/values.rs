//! Tests values of every type that `churn_core` accepts. The store must store each value bit for bit, or refuse the
//! value with an error that names the table, row and column.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{Field, Int32Type, Schema};
use churn_core::{
    AsOf, Column, Execution, FeaturePlan, OnInvalid, RecordKind, StaticAttributes, Table, TenantRecords, Value,
    features,
};
use churn_store::{RecordsOptions, TenantStore, Upserted};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use crate::conformance::day;
use crate::world::World;

fn table(columns: Vec<(&str, ArrayRef)>) -> Table {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    Table::from_record_batch(&batch).unwrap()
}

/// Creates a column of texts in one of Arrow's layouts.
fn texts(layout: u8, texts: &[Option<String>]) -> ArrayRef {
    let texts = texts.iter().map(Option::as_deref);
    match layout % 4 {
        0 => Arc::new(texts.collect::<StringArray>()),
        1 => Arc::new(texts.collect::<LargeStringArray>()),
        2 => Arc::new(texts.collect::<StringViewArray>()),
        _ => Arc::new(texts.collect::<DictionaryArray<Int32Type>>()),
    }
}

/// Creates a column of timestamps at midnight, in one of Arrow's units or as text.
fn moments(layout: u8, days: &[Option<i64>]) -> ArrayRef {
    let scaled = |by: i64| days.iter().map(move |day| day.map(|day| day * by));
    match layout % 8 {
        0 => Arc::new(scaled(86_400).collect::<TimestampSecondArray>()),
        1 => Arc::new(scaled(86_400_000).collect::<TimestampMillisecondArray>()),
        2 => Arc::new(scaled(86_400_000_000).collect::<TimestampMicrosecondArray>()),
        3 => Arc::new(scaled(86_400_000_000_000).collect::<TimestampNanosecondArray>()),
        4 => Arc::new(
            scaled(86_400_000_000)
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        ),
        5 => Arc::new(
            days.iter()
                .map(|day| day.map(|day| day as i32))
                .collect::<Date32Array>(),
        ),
        6 => Arc::new(scaled(86_400_000).collect::<Date64Array>()),
        _ => {
            let text = |day: &Option<i64>| day.map(|day| churn_core::Timestamp::EPOCH.plus_days(day).to_string());
            texts(2, &days.iter().map(text).collect::<Vec<_>>())
        }
    }
}

/// Creates a column of numbers in one of Arrow's types.
fn numbers(layout: u8, hundredths: &[Option<i64>]) -> ArrayRef {
    let whole = || hundredths.iter().map(|value| value.map(|value| value / 100));
    match layout % 8 {
        0 => Arc::new(
            hundredths
                .iter()
                .map(|value| value.map(|value| value as f64 / 7.0))
                .collect::<Float64Array>(),
        ),
        1 => Arc::new(
            hundredths
                .iter()
                .map(|value| value.map(|value| value as f32 / 7.0))
                .collect::<Float32Array>(),
        ),
        2 => Arc::new(whole().collect::<Int64Array>()),
        3 => Arc::new(
            whole()
                .map(|value| value.map(|value| value as i16))
                .collect::<Int16Array>(),
        ),
        // The values include unsigned numbers that a signed type cannot represent.
        4 => {
            let large = whole().map(|value| value.map(|value| u64::MAX - value.unsigned_abs()));
            Arc::new(large.collect::<UInt64Array>())
        }
        5 => {
            let values = hundredths.iter().map(|value| value.map(i128::from));
            Arc::new(
                values
                    .collect::<Decimal128Array>()
                    .with_precision_and_scale(20, 2)
                    .unwrap(),
            )
        }
        6 => {
            let values = hundredths
                .iter()
                .map(|value| value.map(|value| arrow::datatypes::i256::from_i128(value.into())));
            Arc::new(
                values
                    .collect::<Decimal256Array>()
                    .with_precision_and_scale(30, 3)
                    .unwrap(),
            )
        }
        _ => Arc::new(
            whole()
                .map(|value| value.map(|value| value as u8))
                .collect::<UInt8Array>(),
        ),
    }
}

type Rows = Vec<(Option<i64>, Option<i64>, Option<String>, Option<bool>)>;

fn rows() -> impl Strategy<Value = Rows> {
    let row = (
        proptest::option::weighted(0.8, -1_000_000i64..1_000_000_000),
        proptest::option::weighted(0.8, 0i64..1000),
        proptest::option::weighted(0.8, "[a-zäß日 '\"\\\\{}]{0,12}"),
        proptest::option::weighted(0.8, any::<bool>()),
    );
    proptest::collection::vec(row, 1..30)
}

fn records(customers: &Table, payments: &Table, activities: &Table) -> TenantRecords {
    TenantRecords::builder("acme")
        .customers(customers.clone())
        .payments(payments.clone())
        .activities(activities.clone())
        .static_attributes(StaticAttributes::All)
        .build()
        .unwrap()
        .0
}

async fn kept_as_given(acme: &TenantStore, rows: &Rows, layouts: [u8; 6]) {
    let count = rows.len();
    let ids: Vec<Option<String>> = (0..count).map(|row| Some(format!("C-{row}"))).collect();
    let past = |offset: i64| -> Vec<Option<i64>> { rows.iter().map(|row| Some(row.1.unwrap_or(7) + offset)).collect() };
    let values: Vec<Option<i64>> = rows.iter().map(|row| row.0).collect();
    let words: Vec<Option<String>> = rows.iter().map(|row| row.2.clone()).collect();
    let customers = table(vec![
        ("customer_id", texts(layouts[0], &ids)),
        ("signed_up_at", moments(layouts[1], &past(0))),
        ("seats", numbers(layouts[2], &values)),
        ("plan", texts(layouts[3], &words)),
        (
            "since",
            moments(layouts[4], &rows.iter().map(|row| row.1).collect::<Vec<_>>()),
        ),
        (
            "trial",
            Arc::new(rows.iter().map(|row| row.3).collect::<BooleanArray>()),
        ),
    ]);
    let amounts: Vec<Option<i64>> = rows.iter().map(|row| Some(row.0.unwrap_or(0) % 100_000)).collect();
    // A `u64` of 2^63 or more is not a valid amount in minor units, so another type is used.
    let layout = if layouts[5] % 8 == 4 { 5 } else { layouts[5] };
    let payments = table(vec![
        ("customer_id", texts(layouts[3], &ids)),
        ("payment_id", Arc::new((0..count as i64).collect::<Int64Array>())),
        ("due_at", moments(layouts[4], &past(10))),
        ("amount", numbers(layout, &amounts)),
        ("method", texts(layouts[1], &words)),
    ]);
    let activities = table(vec![
        ("customer_id", texts(layouts[1], &ids)),
        ("at", moments(layouts[5], &past(20))),
        ("kind", texts(layouts[2], &words)),
        (
            "quantity",
            numbers(
                layouts[0],
                &values
                    .iter()
                    .map(|value| value.map(|value| value % 1000))
                    .collect::<Vec<_>>(),
            ),
        ),
    ]);
    acme.customers().upsert(customers.clone()).await.unwrap();
    acme.payments().upsert(payments.clone()).await.unwrap();
    acme.activities().upsert(activities.clone()).await.unwrap();
    let options = RecordsOptions {
        static_attributes: StaticAttributes::All,
        ..Default::default()
    };
    let (kept, _) = acme.records(&options).await.unwrap();
    let made = records(&customers, &payments, &activities);
    // NaN is not equal to itself, so the bits of the features are compared too.
    let bits = |records: &TenantRecords| {
        let matrix = features(
            records,
            &[AsOf::new(day(3000))],
            &FeaturePlan::default(),
            &Execution::default(),
        )
        .unwrap();
        let bits: Vec<u64> = matrix.to_ndarray().iter().map(|value| value.to_bits()).collect();
        (matrix.feature_names().to_vec(), bits)
    };
    assert_eq!(bits(&kept), bits(&made));
    assert_eq!(acme.customers().upsert(customers).await.unwrap().rows_changed, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_is_kept_to_the_bit() {
    for world in World::all().await {
        let mut runner = TestRunner::new(Config {
            failure_persistence: None,
            ..Config::default()
        });
        for number in 0..24u8 {
            let rows = rows().new_tree(&mut runner).unwrap().current();
            let acme = world.store.tenant(format!("acme-{number}"));
            kept_as_given(
                &acme,
                &rows,
                [number, number / 2, number + 3, number / 3, number + 1, number * 5],
            )
            .await;
        }
        world.end().await;
    }
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_with_its_place() {
    for world in World::all().await {
        let acme = world.store.tenant("acme");
        let text = |values: &[&str]| Column::Values(values.iter().map(|text| Value::Text((*text).into())).collect());
        let at = |count: usize| Column::Timestamps(vec![Some(day(0).as_micros()); count]);
        let customers = |name: &str, column: Column| {
            let count = column.len();
            let ids: Vec<String> = (0..count).map(|row| format!("C-{row}")).collect();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            Table::new()
                .with_column("customer_id", text(&ids))
                .and_then(|table| table.with_column("signed_up_at", at(count)))
                .and_then(|table| table.with_column(name, column))
                .unwrap()
        };
        acme.customers()
            .upsert(customers("seats", Column::Floats(vec![5.0, 6.0])))
            .await
            .unwrap();
        // If a text were stored where the other values are numbers, the tenant's records could not be loaded.
        let mixed = customers("seats", Column::Values(vec![Value::Null, Value::Text("5".into())]));
        let error = acme.customers().upsert(mixed.clone()).await.unwrap_err();
        assert_eq!(
            (
                error.code(),
                error.table().map(|table| table.as_str()),
                error.row(),
                error.column()
            ),
            ("bad_type", Some("customers"), Some(1), Some("seats")),
            "{error}"
        );
        let mut import = acme.customers().import(OnInvalid::Quarantine).await.unwrap();
        import.write(mixed).await.unwrap();
        let done = import.commit().await.unwrap();
        assert_eq!((done.rows_in, done.rows_accepted, done.report.issues.len()), (2, 1, 1));
        let options = RecordsOptions {
            static_attributes: StaticAttributes::All,
            ..Default::default()
        };
        assert!(acme.records(&options).await.is_ok());

        let error = acme
            .customers()
            .upsert(customers("seats", Column::Floats(vec![1.0, -0.0])))
            .await
            .unwrap_err();
        assert_eq!(
            (error.code(), error.row(), error.column()),
            ("out_of_range", Some(1), Some("seats"))
        );
        let wide = customers(
            "wide",
            Column::Values(vec![Value::UInt(u64::MAX), Value::UInt((1 << 63) + 1)]),
        );
        acme.customers().upsert(wide).await.unwrap();
        assert_eq!(
            acme.customers().of_customer("C-0").await.unwrap()[0].values["wide"],
            Value::UInt(u64::MAX)
        );

        let long = Decimal128Array::from(vec![100_499_999_999_999_999_999_i128, 1])
            .with_precision_and_scale(38, 20)
            .unwrap();
        let payments = table(vec![
            ("customer_id", texts(0, &[Some("C-0".into()), Some("C-1".into())])),
            ("due_at", moments(0, &[Some(20_000), Some(20_000)])),
            ("amount", Arc::new(long)),
        ]);
        let error = acme.payments().upsert(payments).await.unwrap_err();
        assert_eq!(
            (error.code(), error.row(), error.column()),
            ("out_of_range", Some(0), Some("amount"))
        );

        let mut many = Table::new().with_column("customer_id", text(&["C-9"])).unwrap();
        many = many.with_column("signed_up_at", at(1)).unwrap();
        for column in 0..1100 {
            many = many
                .with_column(format!("a{column}"), Column::Floats(vec![1.0]))
                .unwrap();
        }
        assert_eq!(
            acme.customers().upsert(many).await.unwrap_err().code(),
            "unreadable_table"
        );
        // When the last row of a table is erased, the store forgets the types of the table's attributes. A text can
        // then be stored in an attribute that had another type.
        for id in ["C-0", "C-1"] {
            acme.erase_customer(id).await.unwrap();
        }
        acme.customers()
            .upsert(customers("seats", text(&["a few"])))
            .await
            .unwrap();
        world.end().await;
    }
}

/// If a batch lacks a column of earlier batches, the rows that the batch replaces lose their values in this column. The
/// report must say so.
#[tokio::test]
async fn a_column_that_earlier_batches_had_is_missed() {
    let rows = |with_end: bool| {
        let (column, value) = if with_end {
            (",churned_at", ",2024-05-01")
        } else {
            ("", "")
        };
        let csv = format!("customer_id,signed_up_at,plan{column}\nC-1,2024-01-01,pro{value}\n");
        Table::from_csv(csv.as_bytes()).unwrap()
    };
    for world in World::all().await {
        let acme = world.store.tenant("acme");
        let whole = acme.customers().upsert(rows(true)).await.unwrap();
        assert_eq!(whole.report.findings, []);
        let checked = acme.customers().check(rows(false)).await.unwrap();
        let less = acme.customers().upsert(rows(false)).await.unwrap();
        for done in [checked, less] {
            let [finding] = done.report.findings.as_slice() else {
                panic!("{:?}", done.report);
            };
            assert_eq!(
                (
                    finding.code.as_str(),
                    finding.table,
                    finding.column.as_deref(),
                    finding.rows
                ),
                ("missing_column", RecordKind::Customers, Some("churned_at"), 1)
            );
        }
        // The chunks of an import count as one batch, so a column that one chunk contains is not missing.
        let mut import = acme.customers().import(OnInvalid::Refuse).await.unwrap();
        import.write(rows(false)).await.unwrap();
        import.write(rows(true)).await.unwrap();
        assert_eq!(import.commit().await.unwrap().report.findings, []);
        world.end().await;
    }
}

/// If a batch has two different rows with the same key, only the last of them is stored. The report must say so.
#[tokio::test]
async fn conflicting_rows_of_a_batch_are_reported() {
    let table = |csv: &str| Table::from_csv(csv.as_bytes()).unwrap();
    let found = |done: &Upserted| {
        let findings = done.report.findings.iter();
        findings.map(|one| (one.code.as_str(), one.rows)).collect::<Vec<_>>()
    };
    for world in World::all().await {
        let acme = world.store.tenant("acme");
        let head = "customer_id,signed_up_at,churned_at\n";
        let twice = table(&format!(
            "{head}C-1,2024-01-01,2024-05-01\nC-2,2024-01-01,\nC-1,2024-01-01,\n"
        ));
        let checked = acme.customers().check(twice.clone()).await.unwrap();
        let stored = acme.customers().upsert(twice).await.unwrap();
        assert_eq!(
            [found(&checked), found(&stored)],
            [(); 2].map(|()| vec![("conflicting_rows", 1)])
        );
        assert_eq!((stored.rows_accepted, stored.rows_changed), (3, 2));
        // Exact copies do not conflict.
        let copies = table(&format!("{head}C-1,2024-01-01,\nC-1,2024-01-01,\n"));
        assert_eq!(found(&acme.customers().upsert(copies).await.unwrap()), []);
        let payments = "customer_id,due_at,amount,payment_id\nC-1,2024-02-01,5,P-1\nC-1,2024-02-01,6,P-1\n";
        let stored = acme.payments().upsert(table(payments)).await.unwrap();
        assert_eq!(found(&stored), [("conflicting_rows", 1)]);
    }
}

/// If an older export is stored again, customers who left after that export become active again. The report must say
/// so.
#[tokio::test]
async fn removed_ends_and_missing_ids_are_reported() {
    let table = |csv: &str| Table::from_csv(csv.as_bytes()).unwrap();
    let customers = |ends: [&str; 3]| {
        let rows = ends
            .iter()
            .enumerate()
            .map(|(row, end)| format!("C-{row},2024-01-01,{end}\n"));
        table(&format!(
            "customer_id,signed_up_at,churned_at\n{}",
            rows.collect::<String>()
        ))
    };
    let payments = |settled: &str, id: &str| {
        table(&format!(
            "customer_id,due_at,amount,settled_at,payment_id\nC-0,2024-02-01,5,{settled},{id}\n"
        ))
    };
    for world in World::all().await {
        let acme = world.store.tenant("acme");
        let first = acme
            .customers()
            .upsert(customers(["", "2024-05-01", "2024-06-01"]))
            .await
            .unwrap();
        let second = acme.payments().upsert(payments("2024-02-03", "P-1")).await.unwrap();
        assert!(first.report.findings.is_empty() && second.report.findings.is_empty());
        let checked = acme.customers().check(customers(["", "", "2024-06-02"])).await.unwrap();
        let older = acme
            .customers()
            .upsert(customers(["", "", "2024-06-02"]))
            .await
            .unwrap();
        let pending = acme.payments().upsert(payments("", "P-1")).await.unwrap();
        let nameless = acme.payments().upsert(payments("", "")).await.unwrap();
        let found = |done: &Upserted| {
            let findings = done.report.findings.iter();
            findings
                .map(|one| (one.code.as_str(), one.column.clone(), one.rows))
                .collect::<Vec<_>>()
        };
        for done in [&checked, &older] {
            assert_eq!(found(done), [("end_removed", Some("churned_at".into()), 1)]);
        }
        assert_eq!(found(&pending), [("end_removed", Some("settled_at".into()), 1)]);
        assert_eq!(found(&nameless), [("missing_id", Some("payment_id".into()), 1)]);
        // If the same batch is stored again, no further end date is removed.
        let again = acme
            .customers()
            .upsert(customers(["", "", "2024-06-02"]))
            .await
            .unwrap();
        assert_eq!(found(&again), []);
        world.end().await;
    }
}
