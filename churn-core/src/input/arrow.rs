//! Tables from Arrow. Arrays with common layouts are read in place, without a copy. Arrays with other layouts are cast
//! once to a common layout.
//!
//! Arrays that are created by safe Rust or decoded from IPC bytes are valid. Arrays from the C data interface may be
//! invalid, so `interface.rs` validates them first.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, LargeStringArray,
    PrimitiveArray, RecordBatch, RecordBatchOptions, StringArray, StringViewArray, TimestampMicrosecondArray,
    UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Field, Schema, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow::error::ArrowError;

use crate::error::{Error, ErrorKind, IssueCode, Result, excerpt};
use crate::input::table::{Cell, Data, Table, Value};
use crate::time::MICROS_PER_DAY;

/// The number of cells of a batch must not exceed `MOST_CELLS_PER_BYTE` times the number of its bytes, plus
/// `SMALL_TABLE`. One byte can contain eight values of the smallest type. The factor is larger than eight because
/// columns of nulls need no bytes.
const MOST_CELLS_PER_BYTE: i64 = 64;
const SMALL_TABLE: i64 = 1 << 22;

/// Returns whether a batch claims more cells than its bytes can contain. Every cell can cause an issue in the report,
/// so the number of cells must be bounded by the size of the input.
pub(super) fn too_many_cells(rows: i64, columns: i64, bytes: usize) -> bool {
    rows.saturating_mul(columns)
        > MOST_CELLS_PER_BYTE
            .saturating_mul(bytes as i64)
            .saturating_add(SMALL_TABLE)
}

/// A column whose values are stored in several Arrow arrays. The arrays are read in place, without a copy.
#[derive(Clone, Debug)]
pub(crate) struct ArrowColumn {
    parts: Vec<Layout>,
    /// For each array, the position in the column at which the array ends.
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
    /// A dictionary array. The first field contains, for each row, a position in the dictionary. The second field
    /// contains the values of the dictionary.
    Coded(UInt64Array, Box<Layout>),
    Nulls,
    Unsupported(&'static str),
}

impl ArrowColumn {
    /// Creates a column from several arrays without copying them.
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
    /// Appends the cells (values) of a range of rows to `cells`. The memory layout is determined once for the range,
    /// not once per cell.
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

    /// Appends the cells (values) of a range of rows to `cells`, as [`cell`](Self::cell) returns them. For common
    /// layouts, the layout is determined once for the range, not once per cell.
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
        // A timestamp that does not fit into 64-bit microseconds lies far outside the years 1 to 9999.
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
    /// Reads a record batch. Text columns may have the type `Utf8`, `LargeUtf8` or `Utf8View`, or be a dictionary with
    /// values of such a type. Timestamp columns may have any `Timestamp` type, `Date32` or `Date64`. Index columns of a
    /// pandas data frame are skipped.
    ///
    /// # Errors
    /// `unreadable_table` if two columns have the same name.
    pub fn from_record_batch(batch: &RecordBatch) -> Result<Self> {
        Self::from_record_batches(std::slice::from_ref(batch))
    }

    /// Reads the batches of one table. Arrays with common layouts are not copied. If there are no batches, the table
    /// has no columns. To pass an empty table that has columns, pass one batch without rows.
    ///
    /// # Errors
    /// `unreadable_table` if the batches have different columns, or if two columns have the same name.
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
            table.with_data(name, Data::Arrow(ArrowColumn::of(&arrays)?))
        })?;
        Ok(table.with_index(index))
    }

    /// Converts the table to one record batch. A column of texts gets the type `Utf8`, and a column of timestamps gets
    /// `Timestamp(Microsecond, "UTC")`. A column of bools gets `Boolean`. A column of integers gets `Int64`, or
    /// `UInt64` if integers are too large for `Int64`. A column of other numbers gets `Float64`. A column without
    /// values gets `Utf8`.
    ///
    /// ```
    /// use arrow::datatypes::DataType;
    /// use churn_core::Table;
    ///
    /// let table = Table::from_json(br#"[{"customer_id": "C-1", "seats": 3}, {"customer_id": "C-2", "seats": 2.5}]"#)?;
    /// let batch = table.to_record_batch()?;
    /// assert_eq!(batch.num_rows(), 2);
    /// assert_eq!(batch.schema().field(1).data_type(), &DataType::Float64);
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `bad_type` if a column contains values of several types, such as texts and numbers, or a value that no column
    /// accepts. The error names the row and the column.
    pub fn to_record_batch(&self) -> Result<RecordBatch> {
        let mut fields = Vec::with_capacity(self.column_names().count());
        let mut arrays = Vec::with_capacity(fields.capacity());
        for name in self.column_names() {
            let array = array_of(name, self.cells(name).into_iter().flatten())?;
            fields.push(Field::new(name, array.data_type().clone(), true));
            arrays.push(array);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.n_rows()));
        Ok(RecordBatch::try_new_with_options(
            Arc::new(Schema::new(fields)),
            arrays,
            &options,
        )?)
    }
}

/// The Arrow type to which the column of a table is converted.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Bool,
    Int,
    UInt,
    Float,
    Text,
    Moment,
}

/// Converts the cells of one column to an Arrow array.
fn array_of<'a>(name: &str, cells: impl Iterator<Item = Cell<'a>>) -> Result<ArrayRef> {
    let values: Vec<Value> = cells.map(Cell::to_value).collect();
    let mut common: Option<Kind> = None;
    let mut negative = false;
    for (row, value) in values.iter().enumerate() {
        let refuse = |what: &str| {
            let why = format!(
                "column '{}' row {row}: {what}, which an Arrow column cannot hold",
                excerpt(name)
            );
            Err(Error::new(ErrorKind::InvalidRecords(IssueCode::BadType), why).at(None, Some(row as u64), Some(name)))
        };
        let own = match value {
            Value::Null => continue,
            Value::Bool(_) => Kind::Bool,
            Value::Int(value) => {
                negative |= *value < 0;
                Kind::Int
            }
            Value::UInt(_) => Kind::UInt,
            Value::Float(_) => Kind::Float,
            Value::Text(_) => Kind::Text,
            Value::Timestamp(_) => Kind::Moment,
            Value::Unsupported(what) => return refuse(what),
        };
        common = match (common, own) {
            (None, own) => Some(own),
            (Some(common), own) if common == own => Some(own),
            (Some(Kind::Int | Kind::UInt), Kind::Int | Kind::UInt) => Some(Kind::UInt),
            (Some(Kind::Int | Kind::UInt | Kind::Float), Kind::Int | Kind::UInt | Kind::Float) => Some(Kind::Float),
            _ => return refuse("values of several types"),
        };
    }
    if common == Some(Kind::UInt) && negative {
        common = Some(Kind::Float);
    }
    let number = |value: &Value| match value {
        Value::Int(value) => Some(*value as f64),
        Value::UInt(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    };
    let values = values.iter();
    Ok(match common {
        Some(Kind::Bool) => Arc::new(BooleanArray::from_iter(values.map(|value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }))),
        Some(Kind::Int) => Arc::new(Int64Array::from_iter(values.map(|value| match value {
            Value::Int(value) => Some(*value),
            _ => None,
        }))),
        Some(Kind::UInt) => Arc::new(UInt64Array::from_iter(values.map(|value| match value {
            Value::Int(value) => u64::try_from(*value).ok(),
            Value::UInt(value) => Some(*value),
            _ => None,
        }))),
        Some(Kind::Float) => Arc::new(Float64Array::from_iter(values.map(number))),
        Some(Kind::Moment) => {
            let moments = values.map(|value| match value {
                Value::Timestamp(micros) => Some(*micros),
                _ => None,
            });
            Arc::new(TimestampMicrosecondArray::from_iter(moments).with_timezone("UTC"))
        }
        Some(Kind::Text) | None => Arc::new(StringArray::from_iter(values.map(|value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        }))),
    })
}

impl From<ArrowError> for Error {
    /// Converts an Arrow error to an `unreadable_table` error.
    /// [`RecordsBuilder::batches`](crate::RecordsBuilder::batches) can therefore read directly from an Arrow reader.
    fn from(e: ArrowError) -> Self {
        Self::new(ErrorKind::UnreadableTable, format!("the table cannot be read: {e}")).caused_by(e)
    }
}

/// Converts an array of 16-byte UUIDs to an array of texts. Returns any other array unchanged.
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

fn cannot(e: ArrowError, array: &dyn Array) -> Error {
    let why = format!("an Arrow column of type {} cannot be read", array.data_type());
    Error::new(ErrorKind::UnreadableTable, why).caused_by(e)
}

/// The columns that pandas metadata lists as the index of the data frame.
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
