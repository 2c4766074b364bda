//! Conversion of JavaScript values. Only this file uses `unsafe`, which napi's conversion trait requires.
#![allow(unsafe_code)]

use churn_core::{Timestamp, Value};
use napi::bindgen_prelude::{Array, BigInt, Either4, FromNapiValue, JsObjectValue, JsValue, Object, Unknown};
use napi::{JsDate, JsString, Result, ValueType, sys};

use crate::error::invalid_option;

/// The value of JavaScript's `Number.MAX_SAFE_INTEGER`. A JavaScript number represents every integer from 0 to this
/// value exactly.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

/// A value that is passed to JavaScript. `None` becomes null.
pub(crate) type Written = Option<Either4<bool, f64, BigInt, String>>;

/// Converts a cell to a value for JavaScript. A timestamp becomes an ISO-8601 text.
///
/// # Errors
/// Returns the name of the cell's type if the type is not supported.
pub(crate) fn written(cell: churn_core::Cell<'_>) -> std::result::Result<Written, &'static str> {
    use churn_core::Cell;
    Ok(Some(match cell {
        Cell::Null => return Ok(None),
        Cell::Bool(value) => Either4::A(value),
        Cell::Int(value) if value.unsigned_abs() <= MAX_SAFE as u64 => Either4::B(value as f64),
        Cell::Int(value) => Either4::C(value.into()),
        Cell::UInt(value) if value <= MAX_SAFE as u64 => Either4::B(value as f64),
        Cell::UInt(value) => Either4::C(value.into()),
        Cell::Float(value) => Either4::B(value),
        Cell::Text(text) | Cell::TextFile(text) => Either4::D(text.to_owned()),
        Cell::Timestamp(micros) => match Timestamp::from_micros(micros) {
            Some(moment) => Either4::D(moment.to_string()),
            None => return Err("a moment out of range"),
        },
        Cell::Unsupported(what) => return Err(what),
        _ => return Err("a value of an unknown type"),
    }))
}

/// One value of a row or an option, read from JavaScript.
pub(crate) struct Cell(pub(crate) Value);

impl FromNapiValue for Cell {
    unsafe fn from_napi_value(env: sys::napi_env, raw: sys::napi_value) -> Result<Self> {
        // SAFETY: napi passes a live environment and a live value. The type of the value is checked before each
        // conversion.
        let unknown = unsafe { Unknown::from_napi_value(env, raw)? };
        let value = match unknown.get_type()? {
            ValueType::Undefined | ValueType::Null => Value::Null,
            ValueType::Boolean => Value::Bool(unsafe { bool::from_napi_value(env, raw)? }),
            ValueType::Number => number(unsafe { f64::from_napi_value(env, raw)? }),
            ValueType::String => match unsafe { well_formed(env, raw)? } {
                Some(text) => Value::Text(text),
                None => Value::Unsupported("text with a lone surrogate"),
            },
            ValueType::BigInt => {
                let (wide, whole) = unsafe { BigInt::from_napi_value(env, raw)? }.get_i128();
                match (i64::try_from(wide), u64::try_from(wide)) {
                    (Ok(value), _) if whole => Value::Int(value),
                    (_, Ok(value)) if whole => Value::UInt(value),
                    _ => Value::Unsupported("a bigint beyond 64 bits"),
                }
            }
            ValueType::Object if unknown.is_date()? => {
                let millis = unsafe { JsDate::from_napi_value(env, raw)? }.value_of()?;
                // The time of an invalid Date is NaN. NaN becomes a timestamp outside the supported range, and
                // `churn-core` refuses such a timestamp.
                Value::Timestamp(if millis.is_nan() {
                    i64::MAX
                } else {
                    (millis as i64).saturating_mul(1000)
                })
            }
            ValueType::Object if unknown.is_array()? => Value::Unsupported("a list"),
            ValueType::Object => Value::Unsupported("an object"),
            ValueType::Function => Value::Unsupported("a function"),
            _ => Value::Unsupported("a value of an unknown type"),
        };
        Ok(Self(value))
    }
}

/// Reads a text. The result is `None` if the text contains a lone surrogate, which UTF-8 cannot represent. Without this
/// check, napi would replace a lone surrogate with U+FFFD, and two different ids could become equal.
///
/// # Safety
/// `raw` must be a live string of the environment `env`, which must be live too.
unsafe fn well_formed(env: sys::napi_env, raw: sys::napi_value) -> Result<Option<String>> {
    // SAFETY: the caller guarantees that `raw` and `env` are live.
    let text = unsafe { String::from_napi_value(env, raw)? };
    if !text.contains(char::REPLACEMENT_CHARACTER) {
        return Ok(Some(text));
    }
    let units = unsafe { JsString::from_napi_value(env, raw)? }.into_utf16()?;
    let whole = char::decode_utf16(units.as_slice().iter().copied()).all(|unit| unit.is_ok());
    Ok(whole.then_some(text))
}

/// Converts a JavaScript number. As in JSON, a whole number becomes an integer. All other numbers become floats, and so
/// does negative zero.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() <= MAX_SAFE && (value != 0.0 || value.is_sign_positive()) {
        Value::Int(value as i64)
    } else {
        Value::Float(value)
    }
}

/// One value or a list of values, read from JavaScript.
pub(crate) enum OneOrMany {
    One(Value),
    Many(Vec<Value>),
}

impl FromNapiValue for OneOrMany {
    unsafe fn from_napi_value(env: sys::napi_env, raw: sys::napi_value) -> Result<Self> {
        // SAFETY: napi passes a live environment and a live value.
        if unsafe { Unknown::from_napi_value(env, raw)? }.is_array()? {
            let cells = unsafe { Vec::<Cell>::from_napi_value(env, raw)? };
            return Ok(Self::Many(cells.into_iter().map(|cell| cell.0).collect()));
        }
        Ok(Self::One(unsafe { Cell::from_napi_value(env, raw)? }.0))
    }
}

/// The own enumerable properties of a plain object. The field is `None` if the JavaScript value is not a plain object.
pub(crate) struct Row(pub(crate) Option<Vec<(String, Value)>>);

impl FromNapiValue for Row {
    unsafe fn from_napi_value(env: sys::napi_env, raw: sys::napi_value) -> Result<Self> {
        // SAFETY: napi passes a live environment and a live value.
        let unknown = unsafe { Unknown::from_napi_value(env, raw)? };
        if unknown.get_type()? != ValueType::Object || unknown.is_array()? || unknown.is_date()? {
            return Ok(Self(None));
        }
        let object = unsafe { Object::from_napi_value(env, raw)? };
        let names = object.get_all_property_names(
            napi::KeyCollectionMode::OwnOnly,
            napi::KeyFilter::Enumerable,
            napi::KeyConversion::NumbersToStrings,
        )?;
        let names = unsafe { Array::from_napi_value(env, names.raw())? };
        let mut cells = Vec::with_capacity(names.len() as usize);
        for index in 0..names.len() {
            let name = match names.get(index)? {
                Some(Cell(Value::Text(name))) => name,
                Some(Cell(Value::Unsupported(_))) => {
                    return Err(invalid_option("row", "has a key with a lone surrogate"));
                }
                _ => continue, // The key is a symbol, and symbols are not column names.
            };
            let value = object.get::<Cell>(&name)?.map_or(Value::Null, |cell| cell.0);
            cells.push((name, value));
        }
        Ok(Self(Some(cells)))
    }
}
