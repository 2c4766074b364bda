//! Python values in: frames, rows, columns, dates.

use churn_core::{AsOf, Column, Table, Timestamp, Value};
use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use pyo3_arrow::input::AnyRecordBatch;

use crate::errors::{OrRaise, refuse};

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Python's ordinal of 1970-01-01.
const EPOCH_ORDINAL: i64 = 719_163;

/// The types that values are told apart by, looked up once.
struct Types {
    datetime: Py<PyAny>,
    date: Py<PyAny>,
    decimal: Py<PyAny>,
    uuid: Py<PyAny>,
    generic: Py<PyAny>,
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
        Ok(Types {
            datetime: datetime.unbind(),
            date: module.getattr("date")?.unbind(),
            decimal: py.import("decimal")?.getattr("Decimal")?.unbind(),
            uuid: py.import("uuid")?.getattr("UUID")?.unbind(),
            generic: py.import("numpy")?.getattr("generic")?.unbind(),
            utc_epoch: utc_epoch.unbind(),
            naive_epoch: naive_epoch.unbind(),
        })
    })
}

/// One value. With `nan_is_null` a NaN reads as null, as in a pandas column of objects.
fn value(object: &Bound<'_, PyAny>, nan_is_null: bool) -> PyResult<Value> {
    let py = object.py();
    if object.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(text) = object.cast::<PyString>() {
        // A lone surrogate is no text that can be kept.
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
    if name == "NaTType" || name == "NAType" {
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
        let number: f64 = object.call_method0("__float__")?.extract()?;
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

/// A `datetime`: naive is UTC.
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

/// A table of any supported shape; `name` is for messages.
pub(crate) fn table(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Table> {
    let py = object.py();
    let unreadable = |why: String| {
        let message = format!("the {name} table cannot be read: {why}");
        refuse(py, "unreadable_table", &message, None)
    };
    let pandas = is_pandas(object)?;
    if !pandas && object.cast::<PyDict>().is_ok() {
        return dict_of_columns(object.cast::<PyDict>()?, &unreadable);
    }
    if pandas && !arrow_ready(object) {
        return pandas_columns(object, &unreadable);
    }
    if object.hasattr("__arrow_c_stream__")? || object.hasattr("__arrow_c_array__")? {
        return match arrow_table(object) {
            Ok(table) => Ok(table),
            // pyarrow refuses columns of mixed types; read them value by value.
            Err(Foreign::Refused(_)) if pandas => pandas_columns(object, &unreadable),
            Err(Foreign::Refused(error)) => Err(unreadable(error.to_string())),
            Err(Foreign::Invalid(error)) => Err(error).or_raise(py),
        };
    }
    if object.hasattr("collect")? && object.hasattr("lazy")? {
        return Err(unreadable("it is lazy; collect() it first".to_owned()));
    }
    let is_text = object.cast::<PyString>().is_ok() || object.cast::<PyBytes>().is_ok();
    if let (false, Ok(rows)) = (is_text, object.try_iter()) {
        return list_of_dicts(rows, &unreadable);
    }
    Err(unreadable(format!(
        "a {} is neither a data frame nor a list of dicts",
        object.get_type().name()?
    )))
}

/// Why a table did not come through the Arrow C interface.
enum Foreign {
    /// Its producer refused.
    Refused(PyErr),
    /// What it wrote is not valid.
    Invalid(churn_core::Error),
}

/// A table from the Arrow C interface, validated: another library wrote it.
fn arrow_table(object: &Bound<'_, PyAny>) -> Result<Table, Foreign> {
    let mut refused = None;
    let table = Table::from_foreign_batches(|| {
        let read = object
            .extract::<AnyRecordBatch>()
            .and_then(|batches| Ok(batches.into_table()?));
        match read {
            Ok(table) => {
                let (batches, schema) = table.into_inner();
                let none = batches.is_empty();
                Ok(if none {
                    vec![arrow_array::RecordBatch::new_empty(schema)]
                } else {
                    batches
                })
            }
            Err(error) => {
                refused = Some(error);
                Ok(vec![])
            }
        }
    });
    match refused {
        Some(error) => Err(Foreign::Refused(error)),
        None => table.map_err(Foreign::Invalid),
    }
}

/// One row, or several, of one customer.
pub(crate) fn rows_of_one(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Table> {
    if object.cast::<PyDict>().is_ok() {
        return table(PyList::new(object.py(), [object])?.as_any(), name);
    }
    table(object, name)
}

fn is_pandas(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let kind = object.get_type();
    let module: String = kind.getattr("__module__")?.extract().unwrap_or_default();
    Ok(module.split('.').next() == Some("pandas") && object.hasattr("dtypes")? && object.hasattr("iloc")?)
}

/// Whether a pandas frame leaves as Arrow: not without pyarrow.
fn arrow_ready(object: &Bound<'_, PyAny>) -> bool {
    object.hasattr("__arrow_c_stream__").unwrap_or(false) && object.py().import("pyarrow").is_ok()
}

fn list_of_dicts(rows: Bound<'_, pyo3::types::PyIterator>, unreadable: &dyn Fn(String) -> PyErr) -> PyResult<Table> {
    let py = rows.py();
    let mut read: Vec<Vec<(String, Value)>> = vec![];
    for (number, row) in rows.enumerate() {
        listen(py, number)?;
        let row = row?;
        let dict = match row.cast::<PyDict>() {
            Ok(dict) => dict.clone(),
            Err(_) if row.hasattr("keys")? => PyDict::from_sequence(
                row.call_method0("items")?
                    .try_iter()?
                    .collect::<PyResult<Vec<_>>>()
                    .and_then(|items| PyList::new(py, items))?
                    .as_any(),
            )?,
            Err(_) => {
                return Err(unreadable(format!(
                    "row {number} is a {}, not a dict",
                    row.get_type().name()?
                )));
            }
        };
        let mut values = Vec::with_capacity(dict.len());
        for (key, object) in dict.iter() {
            let Ok(key) = key.extract::<String>() else {
                return Err(unreadable(format!("row {number} has a key that is not a text")));
            };
            values.push((key, value(&object, false)?));
        }
        read.push(values);
    }
    Table::from_values(read).or_raise(py)
}

fn dict_of_columns(columns: &Bound<'_, PyDict>, unreadable: &dyn Fn(String) -> PyErr) -> PyResult<Table> {
    columns.iter().try_fold(Table::new(), |table, (name, values)| {
        let Ok(name) = name.extract::<String>() else {
            return Err(unreadable("a column's name is not a text".to_owned()));
        };
        let pandas = values.hasattr("iloc")?;
        let column =
            if values.hasattr("dtype")? && values.hasattr("to_numpy")? || values.hasattr("__array_interface__")? {
                array_column(&values, pandas)?
            } else if values.cast::<PyString>().is_ok() || values.try_iter().is_err() {
                let message =
                    format!("column '{name}' is not a list of values; a table is a list of dicts or a dict of lists");
                return Err(unreadable(message));
            } else {
                objects(&values, false)?
            };
        table.with_column(name, column).or_raise(columns.py())
    })
}

/// Column by column through numpy. The index is not a column.
fn pandas_columns(frame: &Bound<'_, PyAny>, unreadable: &dyn Fn(String) -> PyErr) -> PyResult<Table> {
    let py = frame.py();
    let names: Vec<Bound<'_, PyAny>> = frame.getattr("columns")?.try_iter()?.collect::<PyResult<_>>()?;
    let iloc = frame.getattr("iloc")?;
    let all = pyo3::types::PySlice::full(py);
    names
        .into_iter()
        .enumerate()
        .try_fold(Table::new(), |table, (position, name)| {
            let Ok(name) = name.extract::<String>() else {
                return Err(unreadable(format!("column {position} has a name that is not a text")));
            };
            let series = iloc.get_item((&all, position))?;
            table.with_column(name, array_column(&series, true)?).or_raise(py)
        })
}

/// A pandas Series or numpy array; in pandas, NaN is null.
fn array_column(array: &Bound<'_, PyAny>, pandas: bool) -> PyResult<Column> {
    let py = array.py();
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
            Ok(if pandas {
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
        _ if array.hasattr("tolist")? => objects(&array.call_method0("tolist")?, pandas),
        _ => objects(array, pandas),
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

/// Lets Ctrl-C through once in a while.
fn listen(py: Python<'_>, row: usize) -> PyResult<()> {
    if row % 4096 == 4095 { py.check_signals() } else { Ok(()) }
}

/// A moment: ISO text, `date`, `datetime`, pandas `Timestamp` or numpy `datetime64`; `option` is for messages.
pub(crate) fn timestamp(object: &Bound<'_, PyAny>, option: &str) -> PyResult<Timestamp> {
    let py = object.py();
    let wrong = |message: &str| refuse(py, "invalid_option", &format!("{option}: {message}"), Some(option));
    match value(object, false)? {
        Value::Text(text) => text
            .parse()
            .map_err(|error: churn_core::Error| wrong(&error.to_string())),
        Value::Timestamp(micros) => {
            Timestamp::from_micros(micros).ok_or_else(|| wrong("the moment lies outside the years 1 to 9999"))
        }
        _ => Err(wrong("give an ISO-8601 text, a date or a datetime")),
    }
}

/// One date or several.
pub(crate) fn dates(object: &Bound<'_, PyAny>) -> PyResult<Vec<AsOf>> {
    let is_text = object.cast::<PyString>().is_ok();
    // A numpy scalar has no length either.
    let several = !is_text && object.hasattr("__len__")? && object.len().is_ok();
    if several {
        return object
            .try_iter()?
            .map(|date| Ok(AsOf::new(timestamp(&date?, "as_of")?)))
            .collect();
    }
    Ok(vec![AsOf::new(timestamp(object, "as_of")?)])
}
