//! Tables from Arrow. Arrays of the usual layouts are read in place, without a copy; others are cast once.
//!
//! Arrays made by safe Rust and those decoded from IPC bytes are valid. Arrays that crossed the C data interface are whatever
//! their producer wrote: [`Table::from_foreign_batches`] validates them first.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, LargeStringArray,
    PrimitiveArray, RecordBatch, StringArray, StringViewArray, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow::error::ArrowError;

use crate::error::{Error, ErrorKind, Result, excerpt};
use crate::input::table::{Cell, Column, Table};
use crate::time::MICROS_PER_DAY;

/// Arrow arrays, concatenated, in the layouts that are read in place.
#[derive(Clone, Debug)]
pub struct ArrowColumn {
    parts: Vec<Layout>,
    /// Where each part ends.
    ends: Vec<usize>,
}

#[derive(Clone, Debug)]
enum Layout {
    Bool(BooleanArray),
    Int(Int64Array),
    UInt(UInt64Array),
    Float(Float64Array),
    Decimal(Decimal128Array),
    Text(StringArray),
    LargeText(LargeStringArray),
    TextView(StringViewArray),
    Seconds(PrimitiveArray<TimestampSecondType>),
    Millis(PrimitiveArray<TimestampMillisecondType>),
    Micros(PrimitiveArray<TimestampMicrosecondType>),
    Nanos(PrimitiveArray<TimestampNanosecondType>),
    Days(PrimitiveArray<Date32Type>),
    DateMillis(PrimitiveArray<Date64Type>),
    /// Positions among the values of a dictionary.
    Coded(UInt64Array, Box<Layout>),
    Nulls,
    Unsupported(&'static str),
}

impl ArrowColumn {
    /// An array of any type. Values of a type that no column can have read as unsupported values, which is not an error here.
    pub fn new(array: &ArrayRef) -> Result<Self> {
        Self::of([array])
    }

    /// Several arrays, concatenated without a copy.
    pub(crate) fn of<'a>(arrays: impl IntoIterator<Item = &'a ArrayRef>) -> Result<Self> {
        let mut column = Self {
            parts: vec![],
            ends: vec![],
        };
        let mut end = 0;
        for array in arrays {
            end += array.len();
            column.parts.push(Layout::new(array)?);
            column.ends.push(end);
        }
        Ok(column)
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    pub(crate) fn is_decimal(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Layout::Decimal(_)))
    }

    pub(crate) fn cell(&self, row: usize) -> Cell<'_> {
        match self.parts.as_slice() {
            [one] => one.cell(row),
            parts => {
                let part = self.ends.partition_point(|&end| end <= row);
                let start = part.checked_sub(1).map_or(0, |before| self.ends[before]);
                parts[part].cell(row - start)
            }
        }
    }
}

impl ArrowColumn {
    /// Appends the cells of some rows: the layout is matched once for all of them.
    pub(crate) fn append_cells<'a>(&'a self, rows: Range<usize>, cells: &mut Vec<Cell<'a>>) {
        let part = self.ends.partition_point(|&end| end <= rows.start);
        let start = part.checked_sub(1).map_or(0, |before| self.ends[before]);
        match self.parts.get(part) {
            Some(layout) if rows.end <= self.ends[part] => {
                layout.append_cells(rows.start - start..rows.end - start, cells)
            }
            _ => cells.extend(rows.map(|row| self.cell(row))),
        }
    }
}

impl Layout {
    fn new(array: &ArrayRef) -> Result<Self> {
        let cast_to = |wanted: &DataType| cast(array, wanted).map_err(|e| cannot(e, array));
        Ok(match array.data_type() {
            DataType::Null => Layout::Nulls,
            DataType::Boolean => Layout::Bool(array.as_boolean().clone()),
            DataType::Int64 => Layout::Int(array.as_primitive().clone()),
            DataType::UInt64 => Layout::UInt(array.as_primitive().clone()),
            DataType::Float64 => Layout::Float(array.as_primitive().clone()),
            kind if kind.is_integer() => Layout::Int(cast_to(&DataType::Int64)?.as_primitive().clone()),
            DataType::Decimal128(..) => Layout::Decimal(array.as_primitive().clone()),
            DataType::Decimal32(digits, scale) | DataType::Decimal64(digits, scale) => {
                Layout::Decimal(cast_to(&DataType::Decimal128(*digits, *scale))?.as_primitive().clone())
            }
            DataType::Float16 | DataType::Float32 | DataType::Decimal256(..) => {
                Layout::Float(cast_to(&DataType::Float64)?.as_primitive().clone())
            }
            DataType::Utf8 => Layout::Text(array.as_string().clone()),
            DataType::LargeUtf8 => Layout::LargeText(array.as_string().clone()),
            DataType::Utf8View => Layout::TextView(array.as_string_view().clone()),
            DataType::Dictionary(..) => {
                let dictionary = array.as_any_dictionary();
                let keys = cast(dictionary.keys(), &DataType::UInt64).map_err(|e| cannot(e, array))?;
                Layout::Coded(keys.as_primitive().clone(), Box::new(Self::new(dictionary.values())?))
            }
            DataType::Timestamp(TimeUnit::Second, _) => Layout::Seconds(array.as_primitive().clone()),
            DataType::Timestamp(TimeUnit::Millisecond, _) => Layout::Millis(array.as_primitive().clone()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Layout::Micros(array.as_primitive().clone()),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => Layout::Nanos(array.as_primitive().clone()),
            DataType::Date32 => Layout::Days(array.as_primitive().clone()),
            DataType::Date64 => Layout::DateMillis(array.as_primitive().clone()),
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => Layout::Unsupported("a list"),
            DataType::Struct(_) | DataType::Map(..) => Layout::Unsupported("an object"),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                Layout::Unsupported("bytes")
            }
            _ => Layout::Unsupported("a value of an unknown type"),
        })
    }

    /// As [`cell`](Self::cell), for many rows: the common layouts are matched once.
    fn append_cells<'a>(&'a self, rows: Range<usize>, cells: &mut Vec<Cell<'a>>) {
        fn all<'a>(array: &dyn Array, rows: Range<usize>, cells: &mut Vec<Cell<'a>>, cell: impl Fn(usize) -> Cell<'a>) {
            match array.nulls() {
                None => cells.extend(rows.map(cell)),
                Some(nulls) => cells.extend(rows.map(|row| if nulls.is_valid(row) { cell(row) } else { Cell::Null })),
            }
        }
        match self {
            Layout::Float(array) => all(array, rows, cells, |row| Cell::Float(array.value(row))),
            Layout::Int(array) => all(array, rows, cells, |row| Cell::Int(array.value(row))),
            Layout::Text(array) => all(array, rows, cells, |row| Cell::Text(array.value(row))),
            Layout::LargeText(array) => all(array, rows, cells, |row| Cell::Text(array.value(row))),
            Layout::TextView(array) => all(array, rows, cells, |row| Cell::Text(array.value(row))),
            Layout::Micros(array) => all(array, rows, cells, |row| Cell::Timestamp(array.value(row))),
            _ => cells.extend(rows.map(|row| self.cell(row))),
        }
    }

    fn cell(&self, row: usize) -> Cell<'_> {
        // A moment beyond 64 bits of microseconds lies far outside the years 1 to 9999.
        let scaled = |value: i64, factor: i64| Cell::Timestamp(value.checked_mul(factor).unwrap_or(i64::MAX));
        match self {
            Layout::Bool(array) if array.is_valid(row) => Cell::Bool(array.value(row)),
            Layout::Int(array) if array.is_valid(row) => Cell::Int(array.value(row)),
            Layout::UInt(array) if array.is_valid(row) => Cell::UInt(array.value(row)),
            Layout::Float(array) if array.is_valid(row) => Cell::Float(array.value(row)),
            Layout::Decimal(array) if array.is_valid(row) => Cell::Decimal(array.value(row), array.scale()),
            Layout::Coded(keys, values) if keys.is_valid(row) => values.cell(keys.value(row) as usize),
            Layout::Text(array) if array.is_valid(row) => Cell::Text(array.value(row)),
            Layout::LargeText(array) if array.is_valid(row) => Cell::Text(array.value(row)),
            Layout::TextView(array) if array.is_valid(row) => Cell::Text(array.value(row)),
            Layout::Seconds(array) if array.is_valid(row) => scaled(array.value(row), 1_000_000),
            Layout::Millis(array) if array.is_valid(row) => scaled(array.value(row), 1000),
            Layout::Micros(array) if array.is_valid(row) => Cell::Timestamp(array.value(row)),
            Layout::Nanos(array) if array.is_valid(row) => Cell::Timestamp(array.value(row).div_euclid(1000)),
            Layout::Days(array) if array.is_valid(row) => scaled(i64::from(array.value(row)), MICROS_PER_DAY),
            Layout::DateMillis(array) if array.is_valid(row) => scaled(array.value(row), 1000),
            Layout::Unsupported(what) => Cell::Unsupported(what),
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
        Self::from_record_batches(std::slice::from_ref(batch))
    }

    /// Reads the batches of one table that another library wrote through the C data interface, after full validation: of
    /// offsets, views, dictionary indexes, null counts and UTF-8. It reads every buffer once.
    ///
    /// `batches` makes the batches; a panic in it, which arrays that contradict themselves cause in Arrow, is an error too. The
    /// interface says nothing of the lengths of buffers: a producer that claims more memory than it has cannot be found out.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    /// use churn_core::Table;
    ///
    /// let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    /// let table = Table::from_foreign_batches(|| Ok(vec![RecordBatch::try_from_iter([("customer_id", ids)])?]))?;
    /// assert_eq!(table.rows(), 2);
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `unreadable_table` if an array is not valid, the batches have different columns, or two columns have one name.
    pub fn from_foreign_batches(batches: impl FnOnce() -> Result<Vec<RecordBatch>>) -> Result<Self> {
        let read = catch_unwind(AssertUnwindSafe(|| {
            let batches = batches()?;
            for batch in &batches {
                for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
                    let valid = column.to_data().validate_full();
                    valid.map_err(|e| invalid(field.name(), &e.to_string()).caused_by(e))?;
                }
            }
            Self::from_record_batches(&batches)
        }));
        read.unwrap_or_else(|_| {
            let message = "the table cannot be read: its Arrow arrays contradict themselves";
            Err(Error::new(ErrorKind::UnreadableTable, message))
        })
    }

    /// Reads the batches of one table, in place. Without any batch there are no columns either: a table that is empty
    /// but has columns is one batch without rows.
    ///
    /// # Errors
    /// `unreadable_table` if the batches have different columns, or two columns have one name.
    pub fn from_record_batches(batches: &[RecordBatch]) -> Result<Self> {
        let Some(first) = batches.first() else {
            return Ok(Self::new());
        };
        let schema = first.schema();
        let names = |batch: &RecordBatch| -> Vec<String> {
            batch
                .schema()
                .fields()
                .iter()
                .map(|field| field.name().clone())
                .collect()
        };
        let common = names(first);
        if batches.iter().any(|batch| names(batch) != common) {
            return Err(Error::new(
                ErrorKind::UnreadableTable,
                "the record batches do not belong to one table",
            ));
        }
        let index = schema
            .metadata()
            .get("pandas")
            .map(|pandas| index_columns(pandas))
            .unwrap_or_default();
        let columns = common.iter().enumerate().filter(|(_, name)| !index.contains(name));
        let table = columns.into_iter().try_fold(Self::new(), |table, (number, name)| {
            let is_uuid = schema
                .field(number)
                .metadata()
                .get("ARROW:extension:name")
                .map(String::as_str)
                == Some("arrow.uuid");
            let arrays = batches.iter().map(|batch| match is_uuid {
                true => uuid_texts(batch.column(number)),
                false => Arc::clone(batch.column(number)),
            });
            let arrays: Vec<ArrayRef> = arrays.collect();
            table.with_column(name, Column::Arrow(ArrowColumn::of(&arrays)?))
        })?;
        Ok(table.with_index(index))
    }
}

impl From<ArrowError> for Error {
    /// `unreadable_table`, so that a reader of record batches can be passed on as it is.
    fn from(e: ArrowError) -> Self {
        Self::new(ErrorKind::UnreadableTable, format!("the table cannot be read: {e}")).caused_by(e)
    }
}

/// Arrow's UUIDs of 16 bytes as texts; an array of any other layout stays as it is.
fn uuid_texts(array: &ArrayRef) -> ArrayRef {
    let Some(bytes) = array
        .as_fixed_size_binary_opt()
        .filter(|bytes| bytes.value_length() == 16)
    else {
        return Arc::clone(array);
    };
    let text = |bytes: &[u8]| {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    };
    let texts: StringArray = bytes.iter().map(|bytes| bytes.map(text)).collect();
    Arc::new(texts)
}

fn invalid(column: &str, why: &str) -> Error {
    let message = format!(
        "column '{}' is not a valid Arrow array: {}",
        excerpt(column),
        excerpt(why)
    );
    Error::new(ErrorKind::UnreadableTable, message).at(None, None, Some(column))
}

fn cannot(e: ArrowError, array: &dyn Array) -> Error {
    let why = format!("an Arrow column of type {} cannot be read", array.data_type());
    Error::new(ErrorKind::UnreadableTable, why).caused_by(e)
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
