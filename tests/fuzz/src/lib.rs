//! The functions that the fuzz targets call. Each function passes bytes from an untrusted source to the library, and
//! uses everything that the library returns. The targets pass inputs of the fuzzer to these functions, and the tests
//! pass the seed inputs.

use std::panic::catch_unwind;

use arrow::array::{Array, ArrayData, StringArray};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, TimeUnit};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use churn_core::ensemble::{LinearModel, TreeEnsemble};
use churn_core::{
    ChurnClassifier, ChurnModel, CustomerRows, Execution, FeaturePlan, OnInvalid, RecordKind, StaticAttributes, Table,
    TenantRecords, Timestamp, features,
};
use ndarray::{Array2, s};
use sha2::{Digest, Sha256};

/// Reads the bytes as a CSV table.
pub fn csv(data: &[u8]) {
    if let Ok(table) = Table::from_csv(data) {
        everywhere(&table);
    }
}

/// Reads the bytes as a JSON table.
pub fn json(data: &[u8]) {
    if let Ok(table) = Table::from_json(data) {
        everywhere(&table);
    }
}

/// Reads the bytes as an Arrow file or stream.
///
/// # Panics
/// Panics if the library does not catch a panic of the Arrow crate.
pub fn arrow(data: &[u8]) {
    let outcome = catch_unwind(|| {
        if let Ok(table) = Table::from_ipc(data) {
            everywhere(&table);
        }
    });
    assert!(outcome.is_ok(), "reading Arrow data panicked");
}

/// Makes an array from the bytes, and passes it through the C data interface as the ids of a table. The first two bytes
/// change one count of the structure. Nothing has validated the array.
///
/// # Panics
/// Panics if the library does not catch a panic of the Arrow crate.
#[allow(unsafe_code)]
pub fn interface(data: &[u8]) {
    let outcome = catch_unwind(|| {
        let (change, value) = (
            data.first().copied().unwrap_or(0),
            data.get(1).copied().unwrap_or(0) as i8,
        );
        let column = unchecked(data.get(2..).unwrap_or_default());
        let fields = ["customer_id", "due_at"].map(|name| Field::new(name, column.data_type().clone(), true));
        let rows = DataType::Struct(fields.into_iter().collect());
        let schema = FFI_ArrowSchema::try_from(&rows).expect("the type can be exported");
        let data = ArrayData::builder(rows)
            .len(column.len())
            .add_child_data(column.clone())
            .add_child_data(column);
        // SAFETY: both children have as many rows as the struct.
        let mut array = FFI_ArrowArray::new(&unsafe { data.build_unchecked() });
        // SAFETY: an array with two children has pointers to two children.
        let child = unsafe { &mut **array.children };
        let value = i64::from(value);
        // Lengths are not made larger, because a consumer cannot know the lengths of buffers.
        match change % 8 {
            1 => child.length = value.min(child.length),
            2 => child.offset = value.min(0),
            3 => child.null_count = value,
            4 => child.n_buffers = value.min(child.n_buffers),
            5 => child.n_children = value.min(child.n_children),
            6 => array.length = value.min(array.length),
            7 => child.buffers = std::ptr::null_mut(),
            _ => {}
        }
        // SAFETY: all pointers are those of a real array, or null.
        if let Ok(table) = unsafe { Table::from_c_array(array, &schema) } {
            everywhere(&table);
        }
    });
    assert!(outcome.is_ok(), "reading an array panicked");
}

/// Makes an array of at most 32 rows. The first four bytes choose the type, the number of rows, the stated number of
/// nulls, and whether there is a validity bitmap. The other bytes fill the buffers.
#[allow(unsafe_code)]
fn unchecked(data: &[u8]) -> ArrayData {
    let mut rest = data.iter().copied();
    let mut byte = || rest.next().unwrap_or(0);
    let (kind, rows, nulls, masked) = (byte(), usize::from(byte() % 33), usize::from(byte()), byte() % 2 == 1);
    let mut buffer = |length: usize| {
        let bytes: Vec<u8> = (0..length).map(|_| rest.next().unwrap_or(0)).collect();
        // Arrow copies the bytes, and aligns the copy for every type.
        Buffer::from_slice_ref(&bytes)
    };
    let mask = masked.then(|| buffer(rows.div_ceil(8)));
    let (kind, fixed, children) = match kind % 9 {
        0 => (DataType::Utf8, 4 * (rows + 1), vec![]),
        1 => (DataType::LargeUtf8, 8 * (rows + 1), vec![]),
        2 => (DataType::Binary, 4 * (rows + 1), vec![]),
        3 => (DataType::Utf8View, 16 * rows, vec![]),
        4 => (DataType::Int64, 8 * rows, vec![]),
        5 => (DataType::Timestamp(TimeUnit::Millisecond, None), 8 * rows, vec![]),
        6 => (DataType::Boolean, rows.div_ceil(8), vec![]),
        7 => (DataType::Decimal128(38, 2), 16 * rows, vec![]),
        _ => {
            let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            (
                kind,
                4 * rows,
                vec![StringArray::from(vec!["2024-01-01", "b"]).into_data()],
            )
        }
    };
    let mut buffers = vec![buffer(fixed)];
    if matches!(
        kind,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::Utf8View
    ) {
        buffers.push(buffer(64));
    }
    let mut builder = ArrayData::builder(kind)
        .len(rows)
        .buffers(buffers)
        .child_data(children)
        .null_bit_buffer(mask);
    if masked {
        builder = builder.null_count(nulls);
    }
    // SAFETY: the buffers have the lengths that the type and the number of rows require, and nothing reads their
    // content before the library validates it.
    unsafe { builder.build_unchecked() }
}

/// Imports the bytes as a model of another library, in XGBoost's JSON format and in LightGBM's text format.
pub fn trees(data: &[u8]) {
    if let Ok(trees) = TreeEnsemble::from_xgboost(data) {
        score(&trees);
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(trees) = TreeEnsemble::from_lightgbm(text)
    {
        score(&trees);
    }
}

/// Opens the bytes as each kind of model file. The bytes are opened unchanged, and then again with corrected lengths
/// and a corrected checksum. In this way, the fuzzer also reaches the code that runs after the checks of lengths and
/// checksum.
///
/// # Panics
/// Panics if an opened model cannot be written, or if its trees or the length of its file change when it is written.
pub fn artifact(data: &[u8]) {
    const HEADER: usize = 24;
    const CHECKSUM: usize = 32;
    open(data);
    let mut mended = data.to_vec();
    if mended.len() >= HEADER + CHECKSUM {
        let content = mended.len() - CHECKSUM;
        let metadata = u32::from_le_bytes(mended[12..16].try_into().expect("four bytes")) as usize;
        if let Some(payload) = content.checked_sub(HEADER + metadata) {
            mended[16..24].copy_from_slice(&(payload as u64).to_le_bytes());
            let checksum = Sha256::digest(&mended[..content]);
            mended[content..].copy_from_slice(&checksum);
            open(&mended);
        }
    }
}

fn open(bytes: &[u8]) {
    let one = Execution::new().threads(1);
    if let Ok(trees) = TreeEnsemble::from_bytes(bytes) {
        score(&trees);
        let written = trees.to_bytes().expect("what was read is no larger");
        assert_eq!(
            TreeEnsemble::from_bytes(&written).expect("what was written is read"),
            trees
        );
    }
    if let Ok(linear) = LinearModel::from_bytes(bytes) {
        assert!(linear.to_bytes().is_ok());
    }
    if let Ok(classifier) = ChurnClassifier::from_bytes(bytes) {
        let table = Table::from_json(br#"[{"minutes":3.5,"plan":"a"}]"#).expect("rows");
        let _ = classifier.predict_proba(&table, &one);
        let _ = classifier.predict_interval(&table, &one);
        let _ = classifier.explain(&table, &one);
    }
    let Ok(model) = ChurnModel::from_bytes(bytes) else {
        return;
    };
    assert_eq!(model.to_bytes().len(), bytes.len());
    let rows = |json: &[u8]| Table::from_json(json).expect("rows");
    let customer = CustomerRows::new(rows(br#"[{"customer_id":"a","signed_up_at":"2024-01-01"}]"#))
        .payments(rows(br#"[{"due_at":"2024-12-01","amount":3.5}]"#));
    let date: churn_core::AsOf = "2025-01-01".parse().expect("a date");
    let _ = model.score_customer(customer, date, 3);
}

/// A customers table with two customers, to whom the events of a fuzzed table may belong.
const CUSTOMERS: &[u8] =
    br#"[{"customer_id":"a","signed_up_at":"2024-01-01"},{"customer_id":"b","signed_up_at":"2024-03-01"}]"#;

/// Reads the table as each of the four kinds of records. Invalid rows are quarantined, and features are computed from
/// the valid rows.
///
/// # Panics
/// Panics if the report does not count every row as accepted or quarantined, or if the feature matrix has more rows
/// than there are customers.
fn everywhere(table: &Table) {
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
        assert_eq!(counts.rows_in, table.n_rows() as u64);
        let date = Timestamp::from_ymd(2025, 1, 1).expect("a date").into();
        let plan = FeaturePlan::standard(&[28]).expect("a window");
        if let Ok(matrix) = features(&records, &[date], &plan, &Execution::new().threads(1)) {
            assert!(matrix.n_rows() <= records.n_customers());
        }
    }
}

/// Scores rows of extreme values and explains the scores.
///
/// # Panics
/// Panics if trees that were imported without an error fail to score rows, or return NaN.
fn score(trees: &TreeEnsemble) {
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
