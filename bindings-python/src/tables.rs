//! Conversion of frames, rows, columns and dates of Python to tables of `churn-core`.

use std::collections::HashMap;
use std::rc::Rc;

use churn_core::{
    AsOf, Column, ColumnType, MOST_COLUMNS, RecordKind, Table, Timestamp, Value, columns_of, subscription_columns,
};
use numpy::{PyArray1, PyArrayMethods};
use pyo3::exceptions::{PyException, PyKeyboardInterrupt};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};

use crate::capsules::{Foreign, arrow_table, has_arrow};
use crate::errors::{OrRaise, refuse, refuse_at};

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Maximum number of objects that wrap a row, such as a row of SQLAlchemy.
const MOST_WRAPPERS: usize = 8;
/// The value of Python's `date.toordinal()` for 1970-01-01.
const EPOCH_ORDINAL: i64 = 719_163;

/// The Python types that the conversion of values checks for. They are looked up only once per process.
struct Types {
    datetime: Py<PyAny>,
    date: Py<PyAny>,
    decimal: Py<PyAny>,
    uuid: Py<PyAny>,
    generic: Py<PyAny>,
    masked: Py<PyAny>,
    masked_array: Py<PyAny>,
    utc_epoch: Py<PyAny>,
    naive_epoch: Py<PyAny>,
}

fn types(py: Python<'_>) -> PyResult<&'static Types> {
    static TYPES: PyOnceLock<Types> = PyOnceLock::new();
    TYPES.get_or_try_init(py, || {
        let module = py.import("datetime")?;
        let datetime = module.getattr("datetime")?;
        let utc = module.getattr("timezone")?.getattr("utc")?;
        let naive_epoch = datetime.call1((1970, 1, 1))?;
        let keywords = PyDict::new(py);
        keywords.set_item("tzinfo", &utc)?;
        let utc_epoch = naive_epoch.call_method("replace", (), Some(&keywords))?;
        let numpy = py.import("numpy")?;
        let masked = numpy.getattr("ma")?;
        Ok(Types {
            datetime: datetime.unbind(),
            date: module.getattr("date")?.unbind(),
            decimal: py.import("decimal")?.getattr("Decimal")?.unbind(),
            uuid: py.import("uuid")?.getattr("UUID")?.unbind(),
            generic: numpy.getattr("generic")?.unbind(),
            masked: masked.getattr("masked")?.unbind(),
            masked_array: masked.getattr("MaskedArray")?.unbind(),
            utc_epoch: utc_epoch.unbind(),
            naive_epoch: naive_epoch.unbind(),
        })
    })
}

/// Converts a Python value to a value of `churn-core`. If `nan_is_null` is true, NaN becomes null.
pub(crate) fn value(object: &Bound<'_, PyAny>, nan_is_null: bool) -> PyResult<Value> {
    let py = object.py();
    if object.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(text) = object.cast::<PyString>() {
        // A text with a lone surrogate cannot be encoded as UTF-8, so `extract` fails.
        return Ok(text
            .extract::<String>()
            .map_or(Value::Unsupported("a text that is not Unicode"), Value::Text));
    }
    if let Ok(value) = object.cast::<PyBool>() {
        return Ok(Value::Bool(value.is_true()));
    }
    if object.cast::<PyInt>().is_ok() {
        return Ok(match (object.extract::<i64>(), object.extract::<u64>()) {
            (Ok(value), _) => Value::Int(value),
            (_, Ok(value)) => Value::UInt(value),
            _ => Value::Unsupported("an integer beyond 64 bits"),
        });
    }
    if let Ok(number) = object.cast::<PyFloat>() {
        let number = number.value();
        return Ok(if number.is_nan() && nan_is_null {
            Value::Null
        } else {
            Value::Float(number)
        });
    }
    let types = types(py)?;
    let is = |kind: &Py<PyAny>| object.is_instance(kind.bind(py));
    let name = object.get_type().name()?;
    if name == "NaTType" || name == "NAType" || object.is(types.masked.bind(py)) {
        return Ok(Value::Null);
    }
    if is(&types.datetime)? {
        return moment(object, types);
    }
    if is(&types.date)? {
        let ordinal: i64 = object.call_method0("toordinal")?.extract()?;
        return Ok(Value::Timestamp((ordinal - EPOCH_ORDINAL) * MICROS_PER_DAY));
    }
    if is(&types.generic)? {
        let kind: String = object.getattr("dtype")?.getattr("kind")?.extract()?;
        if kind == "M" {
            let micros = object
                .call_method1("astype", ("datetime64[us]",))?
                .call_method1("astype", ("int64",))?;
            let micros: i64 = micros.extract()?;
            return Ok(if micros == i64::MIN {
                Value::Null
            } else {
                Value::Timestamp(micros)
            });
        }
        if kind != "m" && kind != "V" {
            return value(&object.call_method0("item")?, nan_is_null);
        }
    }
    if is(&types.decimal)? {
        // The conversion of a decimal to an integer takes a time that is quadratic in the exponent. A decimal with a
        // large exponent has no value that a float can hold, and numbers that are not finite are reported.
        if object.call_method0("is_finite")?.is_truthy()? && object.call_method0("adjusted")?.extract::<i64>()? > 400 {
            return Ok(Value::Float(f64::INFINITY));
        }
        // Databases may return whole numbers as decimals. A decimal such as 7.00 is therefore read as the integer 7.
        let whole =
            object.call_method0("is_finite")?.is_truthy()? && object.eq(object.call_method0("to_integral_value")?)?;
        if whole && let Ok(number) = object.call_method0("__int__")?.extract::<i64>() {
            return Ok(Value::Int(number));
        }
        // The conversion of a signalling NaN to a float raises an exception, so NaN is handled separately.
        let number: f64 = match object.call_method0("is_nan")?.is_truthy()? {
            true => f64::NAN,
            false => object.call_method0("__float__")?.extract()?,
        };
        return Ok(if number.is_nan() && nan_is_null {
            Value::Null
        } else {
            Value::Float(number)
        });
    }
    if is(&types.uuid)? {
        return Ok(Value::Text(object.str()?.extract()?));
    }
    Ok(Value::Unsupported(
        if object.cast::<PyList>().is_ok() || object.cast::<PyTuple>().is_ok() {
            "a list"
        } else if object.cast::<PyDict>().is_ok() {
            "an object"
        } else if object.cast::<PyBytes>().is_ok() {
            "bytes"
        } else {
            "a value of an unknown type"
        },
    ))
}

/// Converts a `datetime`. A `datetime` without a time zone is taken as UTC.
fn moment(object: &Bound<'_, PyAny>, types: &Types) -> PyResult<Value> {
    let py = object.py();
    let naive = object.call_method0("utcoffset")?.is_none();
    let since = match naive {
        true => {
            let keywords = PyDict::new(py);
            let plain = if object.getattr("tzinfo")?.is_none() {
                object.clone()
            } else {
                keywords.set_item("tzinfo", py.None())?;
                object.call_method("replace", (), Some(&keywords))?
            };
            plain.sub(types.naive_epoch.bind(py))?
        }
        false => object.sub(types.utc_epoch.bind(py))?,
    };
    let part = |name: &str| -> PyResult<i64> { since.getattr(name)?.extract() };
    Ok(Value::Timestamp(
        part("days")? * MICROS_PER_DAY + part("seconds")? * 1_000_000 + part("microseconds")?,
    ))
}

/// The kind of a table. The kind determines which name the table has in error messages, and in which columns NaN is a
/// missing value.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Records(RecordKind),
    Subscriptions,
    /// A flat table, in which NaN is a missing value in every column.
    Flat,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Records(kind) => kind.as_str(),
            Self::Subscriptions => "subscriptions",
            Self::Flat => "X",
        }
    }

    /// Returns whether NaN is a missing value in this column. In a numeric column of records, NaN is an error
    /// (`not_finite`).
    fn nan_is_null(self, column: &str) -> bool {
        let columns = match self {
            Self::Flat => return true,
            Self::Records(kind) => columns_of(kind),
            Self::Subscriptions => subscription_columns(),
        };
        !columns
            .iter()
            .any(|known| known.name == column && known.column_type == ColumnType::Number)
    }

    fn unreadable(self, py: Python<'_>, why: &str) -> PyErr {
        let message = format!("the {} table cannot be read: {why}", self.name());
        let table = (!matches!(self, Self::Flat)).then(|| self.name());
        refuse_at(py, "unreadable_table", &message, table, None, None)
    }
}

/// Reads a table of any supported type.
pub(crate) fn table(object: &Bound<'_, PyAny>, kind: Kind) -> PyResult<Table> {
    let py = object.py();
    let pandas = is_pandas(object)?;
    not_too_wide(object, pandas, kind)?;
    if let (false, Ok(columns)) = (pandas, object.cast::<PyDict>()) {
        return dict_of_columns(columns, kind);
    }
    if pandas {
        not_in_the_index(object, kind)?;
        if !arrow_ready(object) {
            return pandas_columns(object, kind);
        }
    }
    if !pandas && object.hasattr("iloc")? {
        let why =
            "a pandas Series is a single row or column: pass a data frame, or a list that contains the row as a dict";
        return Err(kind.unreadable(py, why));
    }
    if has_arrow(object)? {
        let plain = without_pandas_index(object)?;
        // A stream can be read only once. On a second reading, pyarrow returns no batches, as if the table were empty.
        let once = object.hasattr("read_next_batch")?;
        return match arrow_table(&plain, once) {
            Ok(table) => Ok(table),
            // Ctrl-C and exits of the process are not reasons to read the table in another way.
            Err(Foreign::Refused(error)) if !error.is_instance_of::<PyException>(py) => Err(error),
            // pyarrow refuses columns with values of several types. A pandas frame with such a column is read value by
            // value instead.
            Err(Foreign::Refused(_)) if pandas => pandas_columns(object, kind),
            Err(Foreign::Refused(error)) => Err(kind.unreadable(py, &error.to_string())),
            Err(Foreign::Invalid(error)) => Err(error).or_raise(py),
            Err(Foreign::Exhausted) => {
                let why =
                    "the stream has no batches: it can be read only once. Pass a table, such as reader.read_all()";
                Err(kind.unreadable(py, why))
            }
        };
    }
    if object.hasattr("collect")? && object.hasattr("lazy")? {
        return Err(kind.unreadable(py, "it is lazy; collect() it first"));
    }
    let is_text = object.cast::<PyString>().is_ok() || object.cast::<PyBytes>().is_ok();
    if let Ok(frame) = object.getattr("gi_frame")
        && frame.is_none()
    {
        let why = "the generator has already been read to its end: pass a list";
        return Err(kind.unreadable(py, why));
    }
    if let (false, Ok(rows)) = (is_text, object.try_iter()) {
        return list_of_dicts(rows, kind);
    }
    let what = object.get_type().name()?;
    Err(kind.unreadable(py, &format!("a {what} is neither a data frame nor a list of dicts")))
}

/// Refuses a frame or a dict of columns with too many columns before any column is converted, because each conversion of
/// a column takes a fixed time.
fn not_too_wide(object: &Bound<'_, PyAny>, pandas: bool, kind: Kind) -> PyResult<()> {
    let columns = match (pandas, object.cast::<PyDict>()) {
        (true, _) => object.getattr("columns")?.len()?,
        (false, Ok(columns)) => columns.len(),
        (false, Err(_)) => return Ok(()),
    };
    if matches!(kind, Kind::Flat) || columns <= MOST_COLUMNS {
        return Ok(());
    }
    let why = format!("it may have at most {MOST_COLUMNS} columns, not {columns}");
    Err(kind.unreadable(object.py(), &why))
}

/// Reads the rows of one customer. `object` is a table or a single row.
pub(crate) fn rows_of_one(object: &Bound<'_, PyAny>, kind: RecordKind) -> PyResult<Table> {
    let kind = Kind::Records(kind);
    if !is_pandas(object)? && as_dict(object)?.is_some() && !holds_columns(object) {
        return table(PyList::new(object.py(), [object])?.as_any(), kind);
    }
    table(object, kind)
}

/// Returns whether a mapping is a dict of columns, which is the case if all its values are lists or arrays.
fn holds_columns(object: &Bound<'_, PyAny>) -> bool {
    let listed = |value: &Bound<'_, PyAny>| {
        value.is_instance_of::<PyList>()
            || value.is_instance_of::<PyTuple>()
            || value.hasattr("dtype").unwrap_or(false) && value.len().is_ok()
    };
    let columns = object.cast::<PyDict>();
    columns.is_ok_and(|columns| !columns.is_empty() && columns.values().iter().all(|value| listed(&value)))
}

fn is_pandas(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    // A subclass of another package, such as a GeoDataFrame, is a pandas frame too.
    for class in object.get_type().mro() {
        let module: String = class.getattr("__module__")?.extract().unwrap_or_default();
        if module.split('.').next() == Some("pandas") {
            return Ok(object.hasattr("dtypes")? && object.hasattr("columns")?);
        }
    }
    Ok(false)
}

/// Refuses a pandas frame of records if a known column is in its index instead of its columns. The index is not read,
/// so the column would be missing.
fn not_in_the_index(frame: &Bound<'_, PyAny>, kind: Kind) -> PyResult<()> {
    let columns = match kind {
        Kind::Records(records) => columns_of(records),
        Kind::Subscriptions => subscription_columns(),
        Kind::Flat => return Ok(()),
    };
    for name in frame.getattr("index")?.getattr("names")?.try_iter()? {
        let Ok(name) = name?.extract::<String>() else { continue };
        let known = columns.iter().any(|known| known.name == name);
        if known && !frame.getattr("columns")?.contains(&name)? {
            let message = format!(
                "{}: '{name}' is the index of the pandas frame, and the index is not read; \
                 call reset_index() to make it a column",
                kind.name()
            );
            let table = Some(kind.name());
            return Err(refuse_at(
                frame.py(),
                "missing_column",
                &message,
                table,
                None,
                Some(&name),
            ));
        }
    }
    Ok(())
}

/// Removes pandas' metadata from an Arrow table if the metadata mark a column as an index. That column is then
/// read like the other columns.
fn without_pandas_index<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if is_pandas(object)? || !object.hasattr("replace_schema_metadata")? {
        return Ok(object.clone());
    }
    let metadata = object.getattr("schema")?.getattr("metadata")?;
    let Ok(metadata) = metadata.cast::<PyDict>() else {
        return Ok(object.clone());
    };
    let named = match metadata.get_item(PyBytes::new(object.py(), b"pandas"))? {
        Some(pandas) => pandas.extract::<Vec<u8>>().is_ok_and(|pandas| has_named_index(&pandas)),
        None => false,
    };
    match named {
        true => object.call_method1("replace_schema_metadata", (object.py().None(),)),
        false => Ok(object.clone()),
    }
}

fn has_named_index(pandas: &[u8]) -> bool {
    let metadata: serde_json::Value = serde_json::from_slice(pandas).unwrap_or_default();
    let columns = metadata.get("index_columns").and_then(|columns| columns.as_array());
    columns.is_some_and(|columns| {
        columns
            .iter()
            .filter_map(|column| column.as_str())
            .any(|name| !name.starts_with("__index_level_"))
    })
}

/// Returns whether a pandas frame can be converted to Arrow, which requires pyarrow.
fn arrow_ready(object: &Bound<'_, PyAny>) -> bool {
    object.hasattr("__arrow_c_stream__").unwrap_or(false) && object.py().import("pyarrow").is_ok()
}

/// Converts a row to a dict. A row is a mapping, a row of sqlite3 or SQLAlchemy, a named tuple, a dataclass, or a
/// pandas Series.
fn as_dict<'py>(row: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyDict>>> {
    as_dict_within(row, MOST_WRAPPERS)
}

/// Converts a row to a dict. At most `wrappers` objects may wrap the dict, because an object can wrap itself.
fn as_dict_within<'py>(row: &Bound<'py, PyAny>, wrappers: usize) -> PyResult<Option<Bound<'py, PyDict>>> {
    let py = row.py();
    if let Ok(dict) = row.cast::<PyDict>() {
        return Ok(Some(dict.clone()));
    }
    if row.hasattr("__dataclass_fields__")? {
        let dict = PyDict::new(py);
        for name in row.getattr("__dataclass_fields__")?.try_iter()? {
            let name: String = name?.extract()?;
            dict.set_item(&name, row.getattr(name.as_str())?)?;
        }
        return Ok(Some(dict));
    }
    for (mapping, call) in [("_mapping", false), ("_asdict", true), ("model_dump", true)] {
        if wrappers > 0 && row.hasattr(mapping)? && !row.is_instance_of::<PyType>() {
            let found = match call {
                true => row.call_method0(mapping)?,
                false => row.getattr(mapping)?,
            };
            return as_dict_within(&found, wrappers - 1);
        }
    }
    if row.hasattr("keys")? && row.hasattr("__getitem__")? && !row.hasattr("columns")? {
        let dict = PyDict::new(py);
        for key in row.call_method0("keys")?.try_iter()? {
            let key = key?;
            dict.set_item(&key, row.get_item(&key)?)?;
        }
        return Ok(Some(dict));
    }
    Ok(None)
}

fn list_of_dicts(rows: Bound<'_, pyo3::types::PyIterator>, kind: Kind) -> PyResult<Table> {
    let py = rows.py();
    let mut columns = Columns {
        kind,
        known: HashMap::new(),
    };
    let mut failed = None;
    // Every row is added to the table as soon as it is converted, so no second copy of the rows is kept.
    let converted = rows.enumerate().map_while(|(number, row)| {
        let cells = listen(py, number).and_then(|()| columns.cells(py, number, row));
        cells.map_err(|error| failed = Some(error)).ok()
    });
    let table = Table::from_values(converted);
    match failed {
        Some(error) => Err(error),
        None => table.or_raise(py),
    }
}

/// The columns of a list of dicts.
struct Columns {
    kind: Kind,
    /// For each key that was read, the name of its column, and whether NaN is a missing value in this column.
    known: HashMap<String, (Rc<str>, bool)>,
}

impl Columns {
    /// Converts one row. The row is an error if the iterator raised an exception.
    fn cells(
        &mut self,
        py: Python<'_>,
        number: usize,
        row: PyResult<Bound<'_, PyAny>>,
    ) -> PyResult<Vec<(Rc<str>, Value)>> {
        let kind = self.kind;
        let row = row.map_err(|error| match error.is_instance_of::<PyKeyboardInterrupt>(py) {
            true => error,
            false => kind.unreadable(py, &format!("row {number} could not be fetched: {error}")),
        })?;
        let Some(dict) = as_dict(&row)? else {
            let what = row.get_type().name()?;
            return Err(kind.unreadable(py, &format!("row {number} is a {what}, not a dict")));
        };
        let mut cells = Vec::with_capacity(dict.len());
        for (key, object) in dict.iter() {
            let text = key.cast::<PyString>().ok().and_then(|key| key.to_str().ok());
            let Some(key) = text else {
                return Err(kind.unreadable(py, &format!("row {number} has a key that is not a text")));
            };
            let (name, null) = match self.known.get(key) {
                Some((name, null)) => (Rc::clone(name), *null),
                None => {
                    let column = (Rc::from(key), kind.nan_is_null(key));
                    self.known.insert(key.to_owned(), column.clone());
                    column
                }
            };
            cells.push((name, value(&object, null)?));
        }
        Ok(cells)
    }
}

fn dict_of_columns(columns: &Bound<'_, PyDict>, kind: Kind) -> PyResult<Table> {
    let py = columns.py();
    columns.iter().try_fold(Table::new(), |table, (name, values)| {
        let Ok(name) = name.extract::<String>() else {
            return Err(kind.unreadable(py, "a column's name is not a text"));
        };
        let null = kind.nan_is_null(&name) || values.hasattr("iloc")?;
        let is_array =
            values.hasattr("dtype")? && values.hasattr("to_numpy")? || values.hasattr("__array_interface__")?;
        let column = if is_array {
            array_column(&values, null)?
        } else if values.cast::<PyString>().is_ok() || values.try_iter().is_err() {
            let why = format!("column '{name}' is not a list of values; a table is a list of dicts or a dict of lists");
            return Err(kind.unreadable(py, &why));
        } else {
            objects(&values, null)?
        };
        table.with_column(name, column).or_raise(py)
    })
}

/// Reads a frame column by column through numpy. The index is ignored.
fn pandas_columns(frame: &Bound<'_, PyAny>, kind: Kind) -> PyResult<Table> {
    let py = frame.py();
    let names: Vec<Bound<'_, PyAny>> = frame.getattr("columns")?.try_iter()?.collect::<PyResult<_>>()?;
    let iloc = frame.getattr("iloc")?;
    let all = pyo3::types::PySlice::full(py);
    names
        .into_iter()
        .enumerate()
        .try_fold(Table::new(), |table, (position, name)| {
            let Ok(name) = name.extract::<String>() else {
                return Err(kind.unreadable(py, &format!("column {position} has a name that is not a text")));
            };
            let series = iloc.get_item((&all, position))?;
            table.with_column(name, array_column(&series, true)?).or_raise(py)
        })
}

/// Reads a pandas Series or numpy array. Values that are hidden by a numpy mask become missing values.
fn array_column(array: &Bound<'_, PyAny>, nan_is_null: bool) -> PyResult<Column> {
    let py = array.py();
    if array.is_instance(types(py)?.masked_array.bind(py))? {
        return objects(&array.call_method0("tolist")?, nan_is_null);
    }
    let numpy = py.import("numpy")?;
    let dtype = array.getattr("dtype")?;
    let plain = dtype.is_instance(&numpy.getattr("dtype")?)?;
    let kind: String = dtype
        .getattr("kind")
        .and_then(|kind| kind.extract())
        .unwrap_or_else(|_| "O".to_owned());
    let into = |array: &Bound<'_, PyAny>, dtype: &str| -> PyResult<Py<PyAny>> {
        let array = if array.hasattr("to_numpy")? {
            array.call_method1("to_numpy", (dtype,))?
        } else {
            array.clone()
        };
        Ok(numpy.call_method1("ascontiguousarray", (array, dtype))?.unbind())
    };
    match kind.as_str() {
        "f" if plain => {
            let values = into(array, "float64")?.bind(py).cast::<PyArray1<f64>>()?.to_vec()?;
            Ok(if nan_is_null {
                Column::NullableFloats(values)
            } else {
                Column::Floats(values)
            })
        }
        "i" if plain => Ok(Column::Ints(
            into(array, "int64")?.bind(py).cast::<PyArray1<i64>>()?.to_vec()?,
        )),
        "b" if plain => Ok(Column::Bools(
            into(array, "bool")?.bind(py).cast::<PyArray1<bool>>()?.to_vec()?,
        )),
        "M" => {
            let micros = into(array, "datetime64[us]")?
                .bind(py)
                .call_method1("view", ("int64",))?;
            let micros = micros.cast::<PyArray1<i64>>()?.to_vec()?;
            Ok(Column::Timestamps(
                micros.into_iter().map(|at| (at != i64::MIN).then_some(at)).collect(),
            ))
        }
        _ if array.hasattr("tolist")? => objects(&array.call_method0("tolist")?, nan_is_null),
        _ => objects(array, nan_is_null),
    }
}

fn objects(values: &Bound<'_, PyAny>, nan_is_null: bool) -> PyResult<Column> {
    let py = values.py();
    let values = values.try_iter()?.enumerate().map(|(number, object)| {
        listen(py, number)?;
        value(&object?, nan_is_null)
    });
    Ok(Column::Values(values.collect::<PyResult<_>>()?))
}

/// Checks for Ctrl-C every 4096 rows.
fn listen(py: Python<'_>, row: usize) -> PyResult<()> {
    if row % 4096 == 4095 { py.check_signals() } else { Ok(()) }
}

/// Converts a timestamp: an ISO text, a `date`, a `datetime`, a pandas `Timestamp` or a numpy `datetime64`. `option` is
/// the name of the argument, for error messages.
pub(crate) fn timestamp(object: &Bound<'_, PyAny>, option: &str) -> PyResult<Timestamp> {
    let py = object.py();
    let wrong = |message: &str| refuse(py, "invalid_option", &format!("{option}: {message}"), Some(option));
    match value(object, false)? {
        Value::Text(text) => text
            .parse()
            .map_err(|error: churn_core::Error| wrong(&error.to_string())),
        Value::Timestamp(micros) => {
            Timestamp::from_micros(micros).ok_or_else(|| wrong("the timestamp is out of range (years 1 to 9999)"))
        }
        _ => Err(wrong("give an ISO 8601 text, a date or a datetime")),
    }
}

/// Converts one date or several dates. `option` is the name of the argument, for error messages.
pub(crate) fn dates(object: &Bound<'_, PyAny>, option: &str) -> PyResult<Vec<AsOf>> {
    let is_text = object.cast::<PyString>().is_ok();
    // A numpy scalar has no length, and is a single date.
    let several = !is_text && object.hasattr("__len__")? && object.len().is_ok();
    if let (true, Ok(dates)) = (several, object.try_iter()) {
        return dates.map(|date| Ok(AsOf::new(timestamp(&date?, option)?))).collect();
    }
    Ok(vec![AsOf::new(timestamp(object, option)?)])
}
