//! Tests of Arrow input: all types, several batches, files and streams, and corrupted bytes.

use std::sync::Arc;

use ::arrow::array::*;
use ::arrow::compute::cast;
use ::arrow::datatypes::{DataType, Field, Int8Type, Int32Type, Schema, TimeUnit, UnionFields, UnionMode};
use ::arrow::ipc::writer::{FileWriter, StreamWriter};

use super::*;
use crate::error::{Error, RecordKind, ValidationReport};
use crate::record::TenantRecords;

const CUSTOMERS: &str =
    r#"[{"customer_id": "1", "signed_up_at": "2024-01-01"}, {"customer_id": "2", "signed_up_at": "2024-01-01"}]"#;

fn begin() -> RecordsBuilder {
    TenantRecords::builder("acme").customers(Table::from_json(CUSTOMERS.as_bytes()).unwrap())
}

fn everything(records: &TenantRecords) -> String {
    let events = (&records.payments, &records.tickets, &records.activities);
    format!("{:?} {events:?} {:?}", records.customers, records.currency)
}

fn all_of(builder: RecordsBuilder) -> (String, ValidationReport) {
    let (records, report) = builder.on_invalid(OnInvalid::Quarantine).build().unwrap();
    (everything(&records), report)
}

fn batch(first: i64, rows: i64) -> RecordBatch {
    let at = |row: i64| 1_706_745_600_000_000 + row * 3_600_000_000;
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "customer_id",
            Arc::new(
                (first..first + rows)
                    .map(|row| Some(["1", "2", "9"][row as usize % 3]))
                    .collect::<StringArray>(),
            ),
        ),
        (
            "due_at",
            Arc::new(
                (first..first + rows)
                    .map(|row| (row % 7 != 6).then(|| at(row)))
                    .collect::<TimestampMicrosecondArray>(),
            ),
        ),
        (
            "amount",
            Arc::new(
                (first..first + rows)
                    .map(|row| row as f64 / 8.0)
                    .collect::<Float64Array>(),
            ),
        ),
        (
            "method",
            Arc::new(DictionaryArray::<Int8Type>::new(
                (first..first + rows).map(|row| (row % 2) as i8).collect(),
                Arc::new(StringArray::from(vec!["card", "cash"])),
            )),
        ),
        (
            "payment_id",
            Arc::new(
                (first..first + rows)
                    .map(|row| row / 5 * 4 + row % 5)
                    .collect::<Int64Array>(),
            ),
        ),
        (
            "net",
            Arc::new(
                Decimal128Array::from_iter_values((first..first + rows).map(i128::from))
                    .with_precision_and_scale(20, 3)
                    .unwrap(),
            ),
        ),
        (
            "flag",
            Arc::new(
                (first..first + rows)
                    .map(|row| (row % 3 != 0).then_some(row % 2 == 0))
                    .collect::<BooleanArray>(),
            ),
        ),
        (
            "day",
            Arc::new(Date32Array::from_iter_values(
                (first..first + rows).map(|row| row as i32),
            )),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn file(batches: &[RecordBatch]) -> Vec<u8> {
    let mut bytes = vec![];
    let mut writer = FileWriter::try_new(&mut bytes, &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut bytes = vec![];
    let mut writer = StreamWriter::try_new(&mut bytes, &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    drop(writer);
    bytes
}

#[test]
fn batches_in_any_format_equal_the_whole_table() {
    let whole = all_of(begin().payments(Table::from_record_batch(&batch(0, 100)).unwrap()));
    assert!(whole.1.issues.iter().any(|issue| issue.code.as_str() == "duplicate_id"));
    let parts = [batch(0, 10), batch(10, 0), batch(10, 1), batch(11, 89)];
    let together = Table::from_record_batches(&parts).unwrap();
    assert_eq!(together.n_rows(), 100);
    assert_eq!(all_of(begin().payments(together)), whole);
    for bytes in [file(&parts), stream(&parts)] {
        assert_eq!(all_of(begin().payments(Table::from_ipc(&bytes).unwrap())), whole);
        let streamed = begin().payments_batches(Table::ipc_batches(bytes.as_slice())).unwrap();
        assert_eq!(all_of(streamed), whole);
    }
    let tables = parts.iter().map(Table::from_record_batch);
    assert_eq!(all_of(begin().payments_batches(tables).unwrap()), whole);
}

#[test]
fn a_table_without_rows_keeps_its_columns() {
    for bytes in [file(&[batch(0, 0)]), stream(&[batch(0, 0)])] {
        let table = Table::from_ipc(&bytes).unwrap();
        assert_eq!((table.n_rows(), table.column_names().count()), (0, 8));
        assert_eq!(Table::ipc_batches(bytes.as_slice()).count(), 1);
    }
    let mut only_schema = vec![];
    StreamWriter::try_new(&mut only_schema, &batch(0, 0).schema())
        .unwrap()
        .finish()
        .unwrap();
    assert!(Table::from_ipc(&only_schema).unwrap().has_column("due_at"));
    let batches: Vec<Table> = Table::ipc_batches(only_schema.as_slice()).map(Result::unwrap).collect();
    assert!(batches.len() == 1 && batches[0].has_column("due_at"));
    let strange = RecordBatch::try_from_iter([("b", Arc::new(Int32Array::from(vec![1])) as ArrayRef)]).unwrap();
    let error = Table::from_record_batches(&[batch(0, 1), strange]).unwrap_err();
    assert_eq!(error.code(), "unreadable_table");
}

#[test]
fn all_types_are_accepted() {
    let built = |id: ArrayRef, at: ArrayRef, amount: ArrayRef| {
        let batch = RecordBatch::try_from_iter([("customer_id", id), ("due_at", at), ("amount", amount)]).unwrap();
        let (records, report) = begin()
            .payments(Table::from_record_batch(&batch).unwrap())
            .build()
            .unwrap();
        assert!(report.is_clean());
        let streamed = begin()
            .batches(RecordKind::Payments, [Table::from_record_batch(&batch)])
            .unwrap();
        assert_eq!(everything(&streamed.build().unwrap().0), everything(&records));
        format!("{:?}", records.payments)
    };
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![2, 1]));
    let days: ArrayRef = Arc::new(Date32Array::from(vec![19_754, 19_727]));
    let amounts: ArrayRef = Arc::new(Float64Array::from(vec![3.0, 2.0]));
    let wanted = built(ids.clone(), days.clone(), amounts.clone());
    let zone = || Some("America/New_York".into());
    let texts = [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View];
    let integers = [
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
    ];
    for kind in texts.iter().chain(&integers) {
        assert_eq!(
            built(cast(&ids, kind).unwrap(), days.clone(), amounts.clone()),
            wanted,
            "{kind}"
        );
        let coded = DataType::Dictionary(Box::new(DataType::UInt16), Box::new(kind.clone()));
        assert_eq!(
            built(cast(&ids, &coded).unwrap(), days.clone(), amounts.clone()),
            wanted,
            "{coded}"
        );
    }
    let units = [
        TimeUnit::Second,
        TimeUnit::Millisecond,
        TimeUnit::Microsecond,
        TimeUnit::Nanosecond,
    ];
    let moments = units.iter().flat_map(|unit| {
        [
            DataType::Timestamp(*unit, None),
            DataType::Timestamp(*unit, Some("+02:00".into())),
            DataType::Timestamp(*unit, zone()),
        ]
    });
    for kind in moments.chain([DataType::Date64]) {
        // The values are first cast to microseconds, because a direct cast from days to a time zone would interpret the
        // days in that zone.
        let micros = cast(
            &days,
            &DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
        )
        .unwrap();
        let moments = match kind {
            DataType::Date64 => cast(&days, &kind),
            _ => cast(&micros, &kind),
        };
        assert_eq!(built(ids.clone(), moments.unwrap(), amounts.clone()), wanted, "{kind}");
    }
    let numbers = [
        DataType::Float16,
        DataType::Float32,
        DataType::Decimal32(5, 2),
        DataType::Decimal64(5, 2),
        DataType::Decimal128(30, 20),
        DataType::Decimal256(40, 20),
    ];
    for kind in numbers.iter().chain(&integers) {
        assert_eq!(
            built(ids.clone(), days.clone(), cast(&amounts, kind).unwrap()),
            wanted,
            "{kind}"
        );
    }
}

#[test]
fn decimals_become_minor_units_exactly() {
    let values = [
        9_007_199_254_740_991_000i128,
        -9_007_199_254_740_985_000,
        4_999,
        5_000,
        -5_000,
    ];
    let amounts = Decimal128Array::from_iter_values(values)
        .with_precision_and_scale(30, 5)
        .unwrap();
    let rows = values.len();
    let batch = RecordBatch::try_from_iter([
        ("customer_id", Arc::new(StringArray::from(vec!["1"; rows])) as ArrayRef),
        ("due_at", Arc::new(Date32Array::from_iter_values(0..rows as i32))),
        ("amount", Arc::new(amounts)),
    ]);
    let table = || Table::from_record_batch(batch.as_ref().unwrap()).unwrap();
    let minors = |builder: RecordsBuilder| builder.build().unwrap().0.payments.unwrap().amount;
    // The decimals have five decimal places, so the integer 1000 stands for one cent and 500 stands for half a cent.
    let wanted = [9_007_199_254_740_991, -9_007_199_254_740_985, 5, 5, -5];
    assert_eq!(minors(begin().payments(table())), wanted);
    assert_eq!(
        minors(
            begin()
                .batches(RecordKind::Payments, [Ok::<_, Error>(table())])
                .unwrap()
        ),
        wanted
    );
}

#[test]
fn corrupted_bytes_are_refused() {
    let parts = [batch(0, 9), batch(9, 3)];
    for bytes in [file(&parts), stream(&parts)] {
        // Each byte is changed in turn. Reading the changed bytes gives an error or a table, but never panics. A table
        // never has more rows than fit into the bytes.
        for at in 0..bytes.len() {
            for wrong in [0, 0x7f, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] = wrong;
                match Table::from_ipc(&bytes) {
                    Ok(table) => assert!(table.n_rows() <= bytes.len() * 8),
                    Err(error) => assert_eq!(error.code(), "unreadable_table", "{error}"),
                }
            }
        }
        for end in 0..bytes.len() {
            let _ = Table::from_ipc(&bytes[..end]);
        }
    }
    // The array claims to have four billion rows but contains no data.
    let nothing = Arc::new(NullArray::new(4_000_000_000)) as ArrayRef;
    let schema = Schema::new(vec![Field::new("customer_id", DataType::Null, true)]);
    let promised = RecordBatch::try_new(Arc::new(schema), vec![nothing]).unwrap();
    let error = Table::from_ipc(&stream(&[promised])).unwrap_err();
    assert_eq!(error.code(), "unreadable_table", "{error}");
    let keys = Int32Array::from(vec![Some(0), None, Some(1)]);
    let values = Arc::new(StringArray::from(vec![Some("1"), None]));
    let gaps = DictionaryArray::<Int32Type>::try_new(keys, values).unwrap();
    let batch = RecordBatch::try_from_iter([("customer_id", Arc::new(gaps) as ArrayRef)]).unwrap();
    let table = Table::from_ipc(&file(&[batch])).unwrap();
    assert_eq!(
        (
            table.text_at("customer_id", 0).as_deref(),
            table.text_at("customer_id", 2)
        ),
        (Some("1"), None)
    );
}

#[test]
fn a_type_that_no_column_accepts_is_refused() {
    let nothing = DataType::Union(UnionFields::empty(), UnionMode::Sparse);
    let schema = Schema::new(vec![Field::new("customer_id", nothing, false)]);
    let mut bytes = vec![];
    let mut writer = StreamWriter::try_new(&mut bytes, &schema).unwrap();
    writer.finish().unwrap();
    drop(writer);
    assert_eq!(Table::from_ipc(&bytes).unwrap_err().code(), "unreadable_table");
    let outcomes: Vec<_> = Table::ipc_batches(bytes.as_slice()).collect();
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].as_ref().unwrap_err().code(), "unreadable_table");
}

/// Returns every column of a table: its name and its cells.
fn cells(table: &Table) -> Vec<(String, Vec<Cell<'_>>)> {
    let column = |name: &str| (name.to_owned(), table.cells(name).unwrap().collect());
    table.column_names().map(column).collect()
}

#[test]
fn a_table_becomes_a_record_batch_and_again_the_same_table() {
    let columns = [
        (
            "customer_id",
            Column::Values(vec![Value::Text("a".into()), Value::Null]),
        ),
        ("at", Column::Timestamps(vec![None, Some(1_700_000_000_123_456)])),
        ("vip", Column::Bools(vec![true, false])),
        ("seats", Column::Ints(vec![-3, i64::MAX])),
        ("wide", Column::Values(vec![Value::UInt(u64::MAX), Value::Null])),
        ("share", Column::Floats(vec![f64::NAN, 0.1])),
        ("nothing", Column::Values(vec![Value::Null, Value::Null])),
    ];
    let table = columns
        .into_iter()
        .try_fold(Table::new(), |table, (name, column)| table.with_column(name, column));
    let table = table.unwrap();
    let batch = table.to_record_batch().unwrap();
    let again = Table::from_record_batch(&batch).unwrap();
    assert_eq!(format!("{:?}", cells(&again)), format!("{:?}", cells(&table)));

    let mixed = Table::from_json(br#"[{"n": 1, "wide": -1}, {"n": 2.5, "wide": 18446744073709551615}]"#).unwrap();
    let batch = mixed.to_record_batch().unwrap();
    let types: Vec<String> = batch
        .schema()
        .fields()
        .iter()
        .map(|field| field.data_type().to_string())
        .collect();
    assert_eq!(types, ["Float64", "Float64"]);
    assert_eq!(Table::new().to_record_batch().unwrap().num_rows(), 0);

    let refused = |json: &[u8]| {
        let error = Table::from_json(json).unwrap().to_record_batch().unwrap_err();
        (error.code(), error.row(), error.column().map(str::to_owned))
    };
    assert_eq!(
        refused(br#"[{"a": 1}, {"a": "x"}]"#),
        ("bad_type", Some(1), Some("a".to_owned()))
    );
    assert_eq!(refused(br#"[{"a": [1]}]"#), ("bad_type", Some(0), Some("a".to_owned())));
}
