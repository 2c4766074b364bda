use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayDataBuilder, ArrayRef, BinaryArray, BooleanArray, Decimal128Array, DictionaryArray,
    Float64Array, Int64Array, LargeStringArray, ListArray, NullArray, RecordBatch, RecordBatchIterator, StringArray,
    StringViewArray, StructArray, TimestampMillisecondArray,
};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Schema};
use arrow::error::ArrowError;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::ffi_stream::FFI_ArrowArrayStream;

use crate::error::{Error, Result};
use crate::input::table::Table;

/// The structure and the schema of a table with one column.
#[allow(unsafe_code)]
fn exported(column: ArrayData) -> (FFI_ArrowArray, FFI_ArrowSchema) {
    let rows = DataType::Struct(Fields::from(vec![Field::new(
        "customer_id",
        column.data_type().clone(),
        true,
    )]));
    let schema = FFI_ArrowSchema::try_from(&rows).unwrap();
    let data = ArrayData::builder(rows).len(column.len()).add_child_data(column);
    // SAFETY: the child has as many rows as the struct.
    (FFI_ArrowArray::new(&unsafe { data.build_unchecked() }), schema)
}

#[allow(unsafe_code)]
fn read((array, schema): (FFI_ArrowArray, FFI_ArrowSchema)) -> Result<Table> {
    // SAFETY: the pointers are those of real arrays, or null.
    unsafe { Table::from_c_array(array, &schema) }
}

/// The only column of a structure.
#[allow(unsafe_code)]
fn column(array: &mut FFI_ArrowArray) -> &mut FFI_ArrowArray {
    // SAFETY: the structure was exported with one child.
    unsafe { &mut **array.children }
}

fn valid() -> Vec<ArrayRef> {
    let long = "a text that is longer than twelve bytes";
    let coded: DictionaryArray<Int32Type> = vec![Some("x"), None, Some("y"), Some("x")].into_iter().collect();
    vec![
        Arc::new(StringArray::from(vec![Some("a"), None, Some(""), Some(long)])),
        Arc::new(LargeStringArray::from(vec![Some("a"), None, Some(""), Some(long)])),
        Arc::new(StringViewArray::from(vec![Some("a"), None, Some(""), Some(long)])),
        Arc::new(StringViewArray::from(vec!["a", "b", "c", "d"])),
        Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(4)])),
        Arc::new(Float64Array::from(vec![0.5, 1.5, 2.5, 3.5])),
        Arc::new(BooleanArray::from(vec![true, false, true, true])),
        Arc::new(
            Decimal128Array::from(vec![1, 2, 3, 4])
                .with_precision_and_scale(38, 2)
                .unwrap(),
        ),
        Arc::new(TimestampMillisecondArray::from(vec![1, 2, 3, 4]).with_timezone("UTC")),
        Arc::new(BinaryArray::from(vec![&b"a"[..], b"b", b"c", b"d"])),
        Arc::new(NullArray::new(4)),
        Arc::new(coded),
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(
            (0..4).map(|n| Some(vec![Some(n)])),
        )),
    ]
}

#[test]
fn every_type_arrives_as_it_was_given() {
    for array in valid() {
        for array in [Arc::clone(&array), array.slice(1, 2), array.slice(4, 0)] {
            let expected =
                Table::from_record_batch(&RecordBatch::try_from_iter([("customer_id", Arc::clone(&array))]).unwrap());
            let found = read(exported(array.to_data())).unwrap();
            assert_eq!(found.n_rows(), array.len(), "{}", array.data_type());
            let shown = |table: &Table| format!("{:?}", table.cells("customer_id").unwrap().collect::<Vec<_>>());
            assert_eq!(shown(&found), shown(&expected.unwrap()), "{}", array.data_type());
        }
    }
}

#[test]
fn a_structure_that_contradicts_its_type_is_refused() {
    type Change = fn(&mut FFI_ArrowArray);
    let changes: [(&str, Change); 9] = [
        ("a negative length", |array| array.length = -1),
        ("a huge length", |array| array.length = i64::MAX),
        ("a negative offset", |array| array.offset = -1),
        ("an offset that overflows", |array| array.offset = i64::MAX),
        ("a negative number of nulls", |array| array.null_count = -2),
        ("more nulls than rows", |array| array.null_count = array.length + 1),
        ("a negative number of buffers", |array| array.n_buffers = -1),
        ("a negative number of children", |array| array.n_children = -1),
        ("no children", |array| {
            array.n_children += 1;
            array.children = std::ptr::null_mut();
        }),
    ];
    for array in valid() {
        for (name, change) in changes {
            let mut whole = exported(array.to_data());
            change(column(&mut whole.0));
            let error = read(whole).expect_err(name);
            assert_eq!(error.code(), "unreadable_table", "{name}: {}", array.data_type());
            assert!(
                !error.to_string().contains("inconsistent"),
                "Arrow panicked on {name} of {}",
                array.data_type()
            );
            let mut whole = exported(array.to_data());
            change(&mut whole.0);
            assert_eq!(read(whole).expect_err(name).code(), "unreadable_table", "{name}");
        }
    }
}

#[test]
#[allow(unsafe_code)]
fn a_missing_buffer_is_refused() {
    for array in valid() {
        let count = column(&mut exported(array.to_data()).0).n_buffers;
        // A view array whose texts are all short has no sizes of other buffers.
        let is_short = array.data_type() == &DataType::Utf8View && count == 3;
        for number in 1..count - i64::from(is_short) {
            let mut whole = exported(array.to_data());
            let own = column(&mut whole.0);
            // SAFETY: the structure has `count` pointers to buffers.
            unsafe { *own.buffers.add(number as usize) = std::ptr::null() };
            let error = read(whole).expect_err("a buffer is missing");
            assert_eq!(
                error.code(),
                "unreadable_table",
                "buffer {number} of {}",
                array.data_type()
            );
        }
        let mut whole = exported(array.to_data());
        column(&mut whole.0).buffers = std::ptr::null_mut();
        let outcome = read(whole);
        assert_eq!(
            outcome.is_err(),
            array.data_type() != &DataType::Null,
            "{}",
            array.data_type()
        );
    }
    let texts = StringArray::from(vec!["", ""]).to_data();
    let mut whole = exported(texts);
    // SAFETY: a text array has three buffers. The last may be null, because both texts are empty.
    unsafe { *column(&mut whole.0).buffers.add(2) = std::ptr::null() };
    assert_eq!(read(whole).unwrap().n_rows(), 2);
}

#[test]
#[allow(unsafe_code)]
fn negative_sizes_and_offsets_are_refused() {
    let views = StringViewArray::from(vec!["a text that is longer than twelve bytes"]).to_data();
    let mut whole = exported(views);
    let sizes = [-1i64];
    // SAFETY: a view array with one variadic buffer has four buffers, of which the last contains the sizes.
    unsafe { *column(&mut whole.0).buffers.add(3) = sizes.as_ptr().cast() };
    assert!(read(whole).unwrap_err().to_string().contains("is -1"));

    let mut whole = exported(StringArray::from(vec!["abc"]).to_data());
    let offsets = [0i32, -1];
    // SAFETY: the second buffer of a text array contains the offsets.
    unsafe { *column(&mut whole.0).buffers.add(1) = offsets.as_ptr().cast() };
    assert!(read(whole).unwrap_err().to_string().contains("last offset is -1"));

    let mut whole = exported(StringArray::from(vec!["abc"]).to_data());
    let offsets = [0i32, 0, 3, 0];
    // SAFETY: the pointer is one byte after the start of four offsets, so two offsets can be read there.
    unsafe { *column(&mut whole.0).buffers.add(1) = offsets.as_ptr().cast::<u8>().add(1).cast() };
    assert!(read(whole).unwrap_err().to_string().contains("not aligned"));
}

#[test]
fn deep_types_are_refused() {
    let nested = |depth: usize| {
        (0..depth).fold(DataType::Int64, |inner, _| {
            DataType::List(Arc::new(Field::new("item", inner, true)))
        })
    };
    let batch = |depth: usize| {
        let schema = Arc::new(Schema::new(vec![Field::new("customer_id", nested(depth), true)]));
        let reader = RecordBatchIterator::new(Vec::<Result<RecordBatch, ArrowError>>::new(), schema);
        stream(FFI_ArrowArrayStream::new(Box::new(reader)))
    };
    assert_eq!(batch(60).unwrap().1, 0);
    for depth in [100, 2000] {
        let error = batch(depth).unwrap_err();
        assert!(error.to_string().contains("64 levels"), "{error}");
    }
}

#[allow(unsafe_code)]
fn stream(stream: FFI_ArrowArrayStream) -> Result<(Table, usize)> {
    // SAFETY: the stream was exported by the Arrow crate.
    unsafe { Table::from_c_stream(stream) }
}

#[test]
fn a_stream_arrives_with_all_its_batches() {
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let batch = RecordBatch::try_from_iter([("customer_id", ids)]).unwrap();
    let of = |batches: Vec<Result<RecordBatch, ArrowError>>| {
        let reader = RecordBatchIterator::new(batches, batch.schema());
        stream(FFI_ArrowArrayStream::new(Box::new(reader)))
    };
    let (table, batches) = of(vec![Ok(batch.clone()), Ok(batch.slice(1, 1))]).unwrap();
    assert_eq!((table.n_rows(), batches), (3, 2));
    let (table, batches) = of(vec![]).unwrap();
    assert_eq!((table.n_rows(), batches, table.has_column("customer_id")), (0, 0, true));
    let failed = of(vec![
        Ok(batch.clone()),
        Err(ArrowError::ComputeError("the disk is full".to_owned())),
    ]);
    assert!(failed.unwrap_err().to_string().contains("the disk is full"));
    let released = stream(FFI_ArrowArrayStream::empty());
    assert!(released.unwrap_err().to_string().contains("already released"));
}

#[test]
fn a_buffer_of_a_column_of_nulls_is_ignored() {
    // As polars exports such a column.
    let mut whole = exported(NullArray::new(3).to_data());
    let mut buffers = [std::ptr::null()];
    let own = column(&mut whole.0);
    (own.n_buffers, own.buffers) = (1, buffers.as_mut_ptr());
    assert_eq!(read(whole).unwrap().n_rows(), 3);
}

#[test]
#[allow(unsafe_code)]
fn a_schema_with_very_many_paths_is_refused() {
    // Every type has the same child twice, so the number of paths doubles with every level.
    let item = Field::new("item", DataType::Int64, true);
    let pair = |inner: Field| {
        let twice = [inner.clone().with_name("a"), inner.with_name("b")];
        Field::new("item", DataType::Struct(Fields::from(twice.to_vec())), true)
    };
    let wide = (0..17).fold(item, |inner, _| pair(inner));
    let schema = FFI_ArrowSchema::try_from(wide.data_type()).unwrap();
    let array = FFI_ArrowArray::new(&arrow::array::new_empty_array(&DataType::Int64).to_data());
    // SAFETY: the schema is refused before the array is read.
    let error = unsafe { Table::from_c_array(array, &schema) }.unwrap_err();
    assert!(error.to_string().contains("nested types"), "{error}");
}

#[test]
fn null_rows_and_rows_without_values_are_refused() {
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
    let fields = Fields::from(vec![Field::new("customer_id", DataType::Utf8, true)]);
    let rows = StructArray::new(fields, vec![ids], Some(vec![true, false, true].into()));
    let schema = FFI_ArrowSchema::try_from(rows.data_type()).unwrap();
    let error = read((FFI_ArrowArray::new(&rows.to_data()), schema)).unwrap_err();
    assert!(
        error.to_string().contains("row 1 of the Arrow struct array is null"),
        "{error}"
    );

    let error = read(exported(NullArray::new(30_000_000).to_data())).unwrap_err();
    assert!(error.to_string().contains("30000000 rows"), "{error}");
}

/// Invalid arrays that are created without validation. Another library could pass such arrays through the C data
/// interface.
#[allow(unsafe_code)]
fn lying() -> Vec<(&'static str, ArrayData)> {
    let array = |data: ArrayDataBuilder| {
        // SAFETY: the buffers have the lengths that the arrays state, and nothing reads the content before it is
        // validated.
        unsafe { data.build_unchecked() }
    };
    let text = |kind: DataType, offsets: Buffer, bytes: &[u8]| {
        array(
            ArrayData::builder(kind)
                .len(2)
                .add_buffer(offsets)
                .add_buffer(Buffer::from(bytes)),
        )
    };
    let view = |length: u32, buffer: u32, offset: u32| {
        u128::from(length) | 0x6161_6161 << 32 | u128::from(buffer) << 64 | u128::from(offset) << 96
    };
    let views = |views: [u128; 2]| {
        let builder = ArrayData::builder(DataType::Utf8View).len(2);
        array(
            builder
                .add_buffer(Buffer::from_slice_ref(views))
                .add_buffer(Buffer::from(vec![b'a'; 16])),
        )
    };
    let coded = |keys: [i32; 2]| {
        let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let values = StringArray::from(vec!["a", "b"]).into_data();
        array(
            ArrayData::builder(kind)
                .len(2)
                .add_buffer(Buffer::from_slice_ref(keys))
                .add_child_data(values),
        )
    };
    vec![
        (
            "offsets that fall",
            text(DataType::Utf8, Buffer::from_slice_ref([0i32, 3, 2]), b"abc"),
        ),
        (
            "offsets beyond the text",
            text(DataType::Utf8, Buffer::from_slice_ref([0i32, 9, 3]), b"abc"),
        ),
        (
            "negative offsets",
            text(DataType::Utf8, Buffer::from_slice_ref([0i32, -1, 3]), b"abc"),
        ),
        (
            "large offsets",
            text(DataType::LargeUtf8, Buffer::from_slice_ref([0i64, 1 << 40, 3]), b"abc"),
        ),
        (
            "no UTF-8",
            text(DataType::Utf8, Buffer::from_slice_ref([0i32, 1, 3]), b"\xff\xfea"),
        ),
        (
            "half a character",
            text(DataType::Utf8, Buffer::from_slice_ref([0i32, 1, 3]), "é1".as_bytes()),
        ),
        ("a view of no buffer", views([view(13, 7, 0), view(1, 0, 0)])),
        ("a view beyond its buffer", views([view(13, 0, 9), view(1, 0, 0)])),
        ("an index beyond the values", coded([0, 2])),
        ("a negative index", coded([-1, 0])),
    ]
}

#[test]
fn invalid_arrays_are_refused() {
    let refused = |name: &str, outcome: Result<Table, Error>| {
        let error = outcome.expect_err(name);
        assert_eq!(
            (error.code(), error.column()),
            ("unreadable_table", Some("customer_id")),
            "{name}"
        );
    };
    for (name, array) in lying() {
        refused(name, read(exported(array)));
    }
}
