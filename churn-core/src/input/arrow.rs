//! Records in from Arrow. Arrays of the usual layouts are read in place, without a copy; others are cast once.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, LargeStringArray, PrimitiveArray, RecordBatch,
    StringArray, StringViewArray, UInt64Array,
};
use arrow::compute::{cast, concat};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};

use crate::error::{Error, ErrorKind, Result};
use crate::input::table::{Cell, Column, Table};
use crate::time::MICROS_PER_DAY;

/// An Arrow array in one of the layouts that are read in place.
#[derive(Clone, Debug)]
pub struct ArrowColumn(Layout);

#[derive(Clone, Debug)]
enum Layout {
    Bool(BooleanArray),
    Int(Int64Array),
    UInt(UInt64Array),
    Float(Float64Array),
    Text(StringArray),
    LargeText(LargeStringArray),
    TextView(StringViewArray),
    Seconds(PrimitiveArray<TimestampSecondType>),
    Millis(PrimitiveArray<TimestampMillisecondType>),
    Micros(PrimitiveArray<TimestampMicrosecondType>),
    Nanos(PrimitiveArray<TimestampNanosecondType>),
    Days(PrimitiveArray<Date32Type>),
    DateMillis(PrimitiveArray<Date64Type>),
    Nulls(usize),
    Unsupported(usize, &'static str),
}

impl ArrowColumn {
    /// An array of any type; one that no column may have reads as unsupported values, not as an error.
    pub fn new(array: &ArrayRef) -> Result<Self> {
        let cast_to = |wanted: &DataType| {
            cast(array, wanted).map_err(|e| {
                Error::new(
                    ErrorKind::UnreadableTable,
                    format!("an Arrow column of type {} cannot be read", array.data_type()),
                )
                .caused_by(e)
            })
        };
        Ok(Self(match array.data_type() {
            DataType::Null => Layout::Nulls(array.len()),
            DataType::Boolean => Layout::Bool(array.as_boolean().clone()),
            DataType::Int64 => Layout::Int(array.as_primitive().clone()),
            DataType::UInt64 => Layout::UInt(array.as_primitive().clone()),
            DataType::Float64 => Layout::Float(array.as_primitive().clone()),
            kind if kind.is_integer() => Layout::Int(cast_to(&DataType::Int64)?.as_primitive().clone()),
            DataType::Float16
            | DataType::Float32
            | DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => Layout::Float(cast_to(&DataType::Float64)?.as_primitive().clone()),
            DataType::Utf8 => Layout::Text(array.as_string().clone()),
            DataType::LargeUtf8 => Layout::LargeText(array.as_string().clone()),
            DataType::Utf8View => Layout::TextView(array.as_string_view().clone()),
            DataType::Dictionary(_, values) => return Self::new(&cast_to(values)?),
            DataType::Timestamp(TimeUnit::Second, _) => Layout::Seconds(array.as_primitive().clone()),
            DataType::Timestamp(TimeUnit::Millisecond, _) => Layout::Millis(array.as_primitive().clone()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Layout::Micros(array.as_primitive().clone()),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => Layout::Nanos(array.as_primitive().clone()),
            DataType::Date32 => Layout::Days(array.as_primitive().clone()),
            DataType::Date64 => Layout::DateMillis(array.as_primitive().clone()),
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
                Layout::Unsupported(array.len(), "a list")
            }
            DataType::Struct(_) | DataType::Map(..) => Layout::Unsupported(array.len(), "an object"),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                Layout::Unsupported(array.len(), "bytes")
            }
            _ => Layout::Unsupported(array.len(), "a value of an unknown type"),
        }))
    }

    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Layout::Bool(array) => array.len(),
            Layout::Int(array) => array.len(),
            Layout::UInt(array) => array.len(),
            Layout::Float(array) => array.len(),
            Layout::Text(array) => array.len(),
            Layout::LargeText(array) => array.len(),
            Layout::TextView(array) => array.len(),
            Layout::Seconds(array) => array.len(),
            Layout::Millis(array) => array.len(),
            Layout::Micros(array) => array.len(),
            Layout::Nanos(array) => array.len(),
            Layout::Days(array) => array.len(),
            Layout::DateMillis(array) => array.len(),
            Layout::Nulls(length) | Layout::Unsupported(length, _) => *length,
        }
    }

    pub(crate) fn cell(&self, row: usize) -> Cell<'_> {
        // A moment that microseconds cannot hold lies far outside the years 1 to 9999.
        let scaled = |value: i64, factor: i64| Cell::Timestamp(value.checked_mul(factor).unwrap_or(i64::MAX));
        match &self.0 {
            Layout::Bool(array) if array.is_valid(row) => Cell::Bool(array.value(row)),
            Layout::Int(array) if array.is_valid(row) => Cell::Int(array.value(row)),
            Layout::UInt(array) if array.is_valid(row) => Cell::UInt(array.value(row)),
            Layout::Float(array) if array.is_valid(row) => Cell::Float(array.value(row)),
            Layout::Text(array) if array.is_valid(row) => Cell::Text(array.value(row)),
            Layout::LargeText(array) if array.is_valid(row) => Cell::Text(array.value(row)),
            Layout::TextView(array) if array.is_valid(row) => Cell::Text(array.value(row)),
            Layout::Seconds(array) if array.is_valid(row) => scaled(array.value(row), 1_000_000),
            Layout::Millis(array) if array.is_valid(row) => scaled(array.value(row), 1000),
            Layout::Micros(array) if array.is_valid(row) => Cell::Timestamp(array.value(row)),
            Layout::Nanos(array) if array.is_valid(row) => Cell::Timestamp(array.value(row).div_euclid(1000)),
            Layout::Days(array) if array.is_valid(row) => scaled(i64::from(array.value(row)), MICROS_PER_DAY),
            Layout::DateMillis(array) if array.is_valid(row) => scaled(array.value(row), 1000),
            Layout::Unsupported(_, what) => Cell::Unsupported(what),
            _ => Cell::Null,
        }
    }
}

impl Table {
    /// Reads a record batch. Text may be `Utf8`, `LargeUtf8`, `Utf8View` or a dictionary of them; moments any
    /// `Timestamp`, `Date32` or `Date64`. Columns that pandas marks as its index are left out.
    ///
    /// # Errors
    /// `unreadable_table` if two columns have one name.
    pub fn from_record_batch(batch: &RecordBatch) -> Result<Self> {
        let schema = batch.schema();
        let index = schema
            .metadata()
            .get("pandas")
            .map(|pandas| index_columns(pandas))
            .unwrap_or_default();
        let columns = schema
            .fields()
            .iter()
            .zip(batch.columns())
            .filter(|(field, _)| !index.contains(field.name()));
        columns.into_iter().try_fold(Self::new(), |table, (field, array)| {
            table.with_column(field.name(), Column::Arrow(ArrowColumn::new(array)?))
        })
    }

    /// Reads the batches of one table. Several are put into one first.
    ///
    /// # Errors
    /// `unreadable_table` if the batches have different columns.
    pub fn from_record_batches(batches: &[RecordBatch]) -> Result<Self> {
        match batches {
            [] => Ok(Self::new()),
            [one] => Self::from_record_batch(one),
            [first, ..] => {
                let unreadable = |e: arrow::error::ArrowError| {
                    Error::new(
                        ErrorKind::UnreadableTable,
                        "the record batches do not belong to one table",
                    )
                    .caused_by(e)
                };
                let columns = (0..first.num_columns()).map(|column| {
                    let arrays = batches
                        .iter()
                        .map(|batch| batch.columns().get(column).map(|array| array.as_ref()))
                        .collect::<Option<Vec<&dyn Array>>>();
                    concat(&arrays.unwrap_or_default()).map_err(unreadable)
                });
                let joined =
                    RecordBatch::try_new(first.schema(), columns.collect::<Result<Vec<_>>>()?).map_err(unreadable)?;
                Self::from_record_batch(&joined)
            }
        }
    }

    /// Reads an Arrow IPC file from memory.
    ///
    /// # Errors
    /// `unreadable_table` if the bytes are not an Arrow IPC file or stream.
    pub fn from_ipc(bytes: &[u8]) -> Result<Self> {
        let unreadable = |e: arrow::error::ArrowError| {
            Error::new(
                ErrorKind::UnreadableTable,
                format!("the table is not an Arrow IPC file or stream: {e}"),
            )
            .caused_by(e)
        };
        let batches: Vec<RecordBatch> = if bytes.starts_with(b"ARROW1") {
            let cursor = std::io::Cursor::new(bytes);
            let reader = arrow::ipc::reader::FileReader::try_new(cursor, None).map_err(unreadable)?;
            reader.collect::<Result<_, _>>().map_err(unreadable)?
        } else {
            // The decoder waits for bytes that a length promises instead of making room for them.
            let mut decoder = arrow::ipc::reader::StreamDecoder::new();
            let mut rest = arrow::buffer::Buffer::from(bytes);
            let mut batches = vec![];
            while let Some(batch) = decoder.decode(&mut rest).map_err(unreadable)? {
                batches.push(batch);
            }
            decoder.finish().map_err(unreadable)?;
            batches
        };
        Self::from_record_batches(&batches)
    }
}

/// The columns that pandas' metadata names as the frame's index.
fn index_columns(pandas: &str) -> Vec<String> {
    let metadata: serde_json::Value = serde_json::from_str(pandas).unwrap_or_default();
    let index = metadata.get("index_columns").and_then(|columns| columns.as_array());
    index
        .map(|columns| {
            columns
                .iter()
                .filter_map(|column| column.as_str())
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default()
}
