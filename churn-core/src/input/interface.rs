//! Tables from the [Arrow C data interface](https://arrow.apache.org/docs/format/CDataInterface.html), through which
//! two libraries in one process pass arrays to each other as pointers.
//!
//! Arrow's own import trusts the counts and pointers of the structures, and follows a null pointer. This module
//! therefore checks every structure before Arrow imports it, and validates every array before its values are read.

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, StructArray, layout};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use arrow::ffi_stream::FFI_ArrowArrayStream;

use crate::error::{Error, ErrorKind, Result, excerpt};
use crate::input::arrow::too_many_cells;
use crate::input::table::Table;

/// The maximum depth of nested types. Arrow reads types recursively, so a deeper type could overflow the stack.
const MAX_DEPTH: usize = 64;
/// The maximum number of children of one type.
const MAX_CHILDREN: usize = 100_000;
/// The maximum number of types in a schema.
const MOST_TYPES: usize = 100_000;
/// The maximum number of characters of the error text of a stream that a message shows.
const LONGEST_REASON: usize = 2000;
/// The maximum length plus offset of an array. Sizes of buffers in bits stay below the largest integer.
const MAX_ROWS: i64 = 1 << 48;

impl Table {
    /// Reads one table from an Arrow C stream. Returns the table and the number of record batches in the stream.
    ///
    /// All counts, pointers, offsets, views, dictionary indexes, null counts and texts are checked before any value is
    /// used. The checks read every buffer once. The interface does not transmit the lengths of most buffers, so a
    /// buffer that is shorter than its array claims is not detected.
    ///
    /// # Errors
    /// `unreadable_table` if the stream returns an error, if an array is invalid, if a row of the stream is null, if
    /// types are nested more than 64 levels deep, or if two columns have the same name.
    ///
    /// # Safety
    /// The pointers in the stream, and in the structures that it returns, must be null or point to what the
    /// specification requires.
    #[doc(hidden)]
    #[allow(unsafe_code)]
    pub unsafe fn from_c_stream(mut stream: FFI_ArrowArrayStream) -> Result<(Self, usize)> {
        caught(move || {
            let (Some(get_schema), Some(get_next), Some(_)) = (stream.get_schema, stream.get_next, stream.release)
            else {
                return Err(unreadable("its Arrow stream is already released"));
            };
            let mut schema = FFI_ArrowSchema::empty();
            // SAFETY: the caller promises that the stream is valid. It is not released, as checked above.
            if unsafe { get_schema(&raw mut stream, &raw mut schema) } != 0 {
                return Err(last_error(&mut stream));
            }
            let schema = schema_of(&schema)?;
            let mut batches = vec![];
            loop {
                let mut array = FFI_ArrowArray::empty();
                // SAFETY: as above.
                if unsafe { get_next(&raw mut stream, &raw mut array) } != 0 {
                    return Err(last_error(&mut stream));
                }
                if array.is_released() {
                    break;
                }
                // SAFETY: the caller promises that the pointers in the array are valid.
                batches.push(unsafe { import(array, &schema)? });
            }
            let count = batches.len();
            if batches.is_empty() {
                batches.push(RecordBatch::new_empty(schema));
            }
            Ok((Self::from_record_batches(&batches)?, count))
        })
    }

    /// Reads one table from an Arrow C array of structs, as [`from_c_stream`](Self::from_c_stream) reads a stream.
    ///
    /// # Errors
    /// As [`from_c_stream`](Self::from_c_stream).
    ///
    /// # Safety
    /// The pointers in the two structures must be null or point to what the specification requires.
    #[doc(hidden)]
    #[allow(unsafe_code)]
    pub unsafe fn from_c_array(array: FFI_ArrowArray, schema: &FFI_ArrowSchema) -> Result<Self> {
        caught(move || {
            if array.is_released() {
                return Err(unreadable("its Arrow array is already released"));
            }
            // SAFETY: the caller promises that the pointers in the array are valid.
            let batch = unsafe { import(array, &schema_of(schema)?)? };
            Self::from_record_batch(&batch)
        })
    }
}

/// Calls `read`. Arrow panics on some contradictions, which becomes an error here.
fn caught<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(unreadable("its Arrow arrays are inconsistent")))
}

fn unreadable(why: &str) -> Error {
    Error::new(ErrorKind::UnreadableTable, format!("the table cannot be read: {why}"))
}

#[allow(unsafe_code)]
fn last_error(stream: &mut FFI_ArrowArrayStream) -> Error {
    let text = stream.get_last_error.and_then(|get_last_error| {
        // SAFETY: the stream is valid, and the text stays valid until the next call of a function of the stream.
        let text = unsafe { get_last_error(stream) };
        // SAFETY: a pointer that is not null points to a text that ends with a zero byte.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    });
    // In the traceback of an exception, the reason is at the end.
    let text = text.map(|text| match text.char_indices().rev().nth(LONGEST_REASON) {
        Some((start, _)) => format!("…{}", &text[start..]),
        None => text,
    });
    unreadable(
        text.as_deref()
            .unwrap_or("its Arrow stream returned an error without a message"),
    )
}

fn invalid(column: &str, why: &str) -> Error {
    let message = format!(
        "column '{}' is not a valid Arrow array: {}",
        excerpt(column),
        excerpt(why)
    );
    Error::new(ErrorKind::UnreadableTable, message).at(None, None, Some(column))
}

/// Reads the schema, after its depth and its numbers of children are checked.
fn schema_of(schema: &FFI_ArrowSchema) -> Result<SchemaRef> {
    let (mut open, mut nodes) = (vec![(schema, 0)], 0);
    while let Some((node, depth)) = open.pop() {
        // Two types can point to the same child, so a small schema can have very many paths.
        nodes += 1;
        if nodes > MOST_TYPES {
            return Err(unreadable(&format!(
                "the table has more than {MOST_TYPES} nested types"
            )));
        }
        if depth > MAX_DEPTH {
            return Err(unreadable(&format!(
                "types are nested more than {MAX_DEPTH} levels deep"
            )));
        }
        // A negative number of children becomes a huge number.
        if node.children().size_hint().0 > MAX_CHILDREN {
            return Err(unreadable(&format!(
                "an Arrow type has more than {MAX_CHILDREN} children"
            )));
        }
        open.extend(node.children().chain(node.dictionary()).map(|child| (child, depth + 1)));
    }
    Ok(Arc::new(Schema::try_from(schema)?))
}

/// Imports one record batch.
///
/// # Safety
/// The pointers in the array must be null or point to what the specification requires.
#[allow(unsafe_code)]
unsafe fn import(array: FFI_ArrowArray, schema: &SchemaRef) -> Result<RecordBatch> {
    let rows = DataType::Struct(schema.fields().clone());
    check_structure(&array, &rows).map_err(|why| unreadable(&why))?;
    for (number, field) in schema.fields().iter().enumerate() {
        if field.data_type() == &DataType::Null && array.child(number).n_buffers == 1 {
            // Some libraries pass a buffer for a column of nulls, which Arrow refuses. The buffer is not needed.
            // SAFETY: the structure has a child for every field, and no child is null, as checked above.
            unsafe { (**array.children.add(number)).n_buffers = 0 };
        }
        let checked = check_structures(array.child(number), field.data_type());
        checked.map_err(|why| invalid(field.name(), &why))?;
    }
    if array.length == 0 {
        // In an array without rows, the offsets of a slice may point behind the texts.
        return Ok(RecordBatch::new_empty(Arc::clone(schema)));
    }
    // SAFETY: the caller promises that the pointers are valid, and the counts have been checked against the type.
    let rows = unsafe { from_ffi_and_data_type(array, rows)? };
    if let Some(row) = rows.nulls().and_then(|valid| valid.iter().position(|valid| !valid)) {
        return Err(unreadable(&format!("row {row} of the Arrow struct array is null")));
    }
    for (field, column) in schema.fields().iter().zip(rows.child_data()) {
        let valid = column.validate_full();
        valid.map_err(|e| invalid(field.name(), &e.to_string()).caused_by(e))?;
    }
    let (length, bytes) = (rows.len() as i64, rows.get_slice_memory_size().unwrap_or(0));
    if too_many_cells(length, schema.fields().len() as i64, bytes) {
        return Err(unreadable(&format!(
            "a batch has {length} rows, but its columns contain almost no values"
        )));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let (_, columns, _) = StructArray::from(rows).into_parts();
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}

/// Checks the structure of an array, of its children and of its dictionary against the type.
fn check_structures(array: &FFI_ArrowArray, data_type: &DataType) -> Result<(), String> {
    check_structure(array, data_type)?;
    for (number, child) in children(data_type).into_iter().enumerate() {
        check_structures(array.child(number), child)?;
    }
    match (data_type, array.dictionary()) {
        (DataType::Dictionary(_, values), Some(dictionary)) => check_structures(dictionary, values),
        (DataType::Dictionary(..), None) => Err("it has no dictionary".to_owned()),
        (_, Some(_)) => Err(format!("a column of type {data_type} has a dictionary")),
        (_, None) => Ok(()),
    }
}

/// Checks all that Arrow's import relies on in one structure: lengths, numbers of buffers and children, and pointers.
#[allow(unsafe_code)]
fn check_structure(array: &FFI_ArrowArray, data_type: &DataType) -> Result<(), String> {
    let (length, offset) = (array.length, array.offset);
    let end = match length.checked_add(offset) {
        Some(end) if length >= 0 && offset >= 0 && end <= MAX_ROWS => end as usize,
        _ => return Err(format!("its length is {length} and its offset is {offset}")),
    };
    if !(-1..=length).contains(&array.null_count) {
        return Err(format!("{} of its {length} values are null", array.null_count));
    }
    let layout = layout(data_type);
    let mask = usize::from(layout.can_contain_null_mask);
    let fixed = mask + layout.buffers.len();
    let buffers = usize::try_from(array.n_buffers).unwrap_or(usize::MAX);
    let enough = match layout.variadic {
        true => buffers > fixed && buffers != usize::MAX,
        false => buffers == fixed,
    };
    if !enough || buffers > 0 && array.buffers.is_null() {
        return Err(format!(
            "a column of type {data_type} has {} buffers instead of {fixed}",
            if array.buffers.is_null() { 0 } else { array.n_buffers }
        ));
    }
    let is_offsets = matches!(
        data_type,
        DataType::Utf8 | DataType::Binary | DataType::LargeUtf8 | DataType::LargeBinary
    );
    // The buffer of the bytes of texts may be null if all texts are empty.
    let required = if is_offsets { mask + 1 } else { fixed };
    if let Some(missing) = (mask..required).find(|number| end > 0 && array.buffer(*number).is_null()) {
        return Err(format!("buffer {missing} is null"));
    }
    if is_offsets && end > 0 {
        let wide = matches!(data_type, DataType::LargeUtf8 | DataType::LargeBinary);
        let offsets = array.buffer(1);
        if offsets.align_offset(if wide { 8 } else { 4 }) != 0 {
            return Err("its offsets are not aligned".to_owned());
        }
        // SAFETY: the buffer of offsets is not null, and the specification requires one offset more than rows in it.
        let last = unsafe {
            match wide {
                true => offsets.cast::<i64>().add(end).read_unaligned(),
                false => i64::from(offsets.cast::<i32>().add(end).read_unaligned()),
            }
        };
        if last < 0 {
            return Err(format!("its last offset is {last}"));
        }
    }
    if layout.variadic && buffers > fixed + 1 {
        let sizes = array.buffer(buffers - 1);
        if sizes.is_null() || sizes.align_offset(8) != 0 {
            return Err("the sizes of its buffers are missing or not aligned".to_owned());
        }
        for number in 0..buffers - fixed - 1 {
            // SAFETY: the buffer is not null, and the specification requires one size for each variadic buffer in it.
            let size = unsafe { sizes.cast::<i64>().add(number).read_unaligned() };
            if size < 0 {
                return Err(format!("the size of one of its buffers is {size}"));
            }
        }
    }
    let types = children(data_type);
    if array.n_children != types.len() as i64 || array.children.is_null() && !types.is_empty() {
        return Err(format!(
            "a column of type {data_type} has {} children instead of {}",
            array.n_children,
            types.len()
        ));
    }
    for number in 0..types.len() {
        // SAFETY: the array of children is not null, and the specification requires `n_children` pointers in it.
        if unsafe { array.children.add(number).read_unaligned() }.is_null() {
            return Err(format!("child {number} is null"));
        }
        let child = array.child(number).length;
        if matches!(data_type, DataType::Struct(_)) && child < end as i64 {
            return Err(format!("child {number} has {child} values instead of {end}"));
        }
    }
    Ok(())
}

/// The types of the children of a type.
fn children(data_type: &DataType) -> Vec<&DataType> {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => vec![item.data_type()],
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::Union(fields, _) => fields.iter().map(|(_, field)| field.data_type()).collect(),
        DataType::RunEndEncoded(ends, values) => vec![ends.data_type(), values.data_type()],
        _ => vec![],
    }
}
