//! Converts an input value to a typed value, or to an issue.

use std::fmt::Write;

use crate::error::{IssueCode, excerpt};
use crate::input::table::Cell;
use crate::record::Currency;
use crate::time::Timestamp;

/// What is wrong with a value.
pub(crate) struct Problem {
    pub(crate) code: IssueCode,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(code: IssueCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

pub(crate) type Field<T> = Result<Option<T>, Problem>;

fn describe(cell: Cell<'_>) -> String {
    match cell {
        Cell::Null => "nothing".to_owned(),
        Cell::Bool(value) => format!("the bool {value}"),
        Cell::Int(value) => format!("the integer {value}"),
        Cell::UInt(value) => format!("the integer {value}"),
        // The float 1.0 is shown as "1.0", so that a reader sees that it is not an integer.
        Cell::Float(value) => format!("the number {value:?}"),
        Cell::Decimal(value, scale) => format!("the number {}", decimal(value, scale)),
        Cell::Text(value) | Cell::TextFile(value) => format!("the text '{}'", excerpt(value)),
        Cell::Timestamp(micros) => Timestamp::from_micros(micros)
            .map_or("a timestamp outside the years 1 to 9999".to_owned(), |at| {
                format!("the timestamp {at}")
            }),
        Cell::Unsupported(what) => what.to_owned(),
    }
}

fn bad_type<T>(wanted: &str, cell: Cell<'_>) -> Field<T> {
    Err(Problem::new(
        IssueCode::BadType,
        format!("{wanted} was expected, not {}", describe(cell)),
    ))
}

/// Reads an id. A text is used unchanged. An integer becomes its decimal text, which is written to `buffer`. An empty
/// text counts as missing.
pub(crate) fn id<'a>(cell: Cell<'a>, buffer: &'a mut String) -> Field<&'a str> {
    match cell {
        Cell::Null | Cell::Text("") => Ok(None),
        // pandas uses NaN for a missing text or timestamp.
        _ if cell.is_missing() => Ok(None),
        Cell::Text(text) | Cell::TextFile(text) => Ok(Some(text)),
        Cell::Int(value) => Ok(Some(integer(buffer, value))),
        Cell::UInt(value) => Ok(Some(integer(buffer, value))),
        Cell::Decimal(..) => match cell.whole() {
            Some(value) => Ok(Some(integer(buffer, value))),
            None => bad_type("an id (text or integer)", cell),
        },
        // Floating-point numbers cannot represent all large integers, so two ids could become equal.
        Cell::Float(_) => bad_type("an id (text or integer: convert the column to integers or texts)", cell),
        _ => bad_type("an id (text or integer)", cell),
    }
}

/// Writes an integer into the buffer.
fn integer(buffer: &mut String, value: impl itoa::Integer) -> &str {
    buffer.clear();
    buffer.push_str(itoa::Buffer::new().format(value));
    buffer
}

fn written(buffer: &mut String, value: impl std::fmt::Display) -> &str {
    buffer.clear();
    // Writing to a String cannot fail.
    let _ = write!(buffer, "{value}");
    buffer
}

/// Reads a timestamp and returns it in microseconds since 1970-01-01 UTC.
pub(crate) fn timestamp(cell: Cell<'_>) -> Field<i64> {
    let bad = |message: String| Err(Problem::new(IssueCode::BadTimestamp, message));
    match cell {
        _ if cell.is_missing() => Ok(None),
        Cell::Timestamp(micros) => match Timestamp::from_micros(micros) {
            Some(at) => Ok(Some(at.as_micros())),
            None => bad("the timestamp lies outside the years 1 to 9999".to_owned()),
        },
        Cell::Text(text) | Cell::TextFile(text) => match text.parse::<Timestamp>() {
            Ok(at) => Ok(Some(at.as_micros())),
            Err(error) => bad(error.to_string()),
        },
        _ => bad_type("a timestamp (ISO-8601 text)", cell),
    }
}

/// The floating-point number nearest to the decimal `value` / 10^`scale`.
pub(crate) fn decimal(value: i128, scale: i8) -> f64 {
    format!("{value}e{}", -i32::from(scale)).parse().unwrap_or(f64::NAN)
}

/// Reads a finite number.
pub(crate) fn number(cell: Cell<'_>) -> Field<f64> {
    match any_number(cell)? {
        Some(value) if !value.is_finite() => Err(Problem::new(
            IssueCode::NotFinite,
            format!("{value} is not a finite number"),
        )),
        value => Ok(value),
    }
}

/// The largest absolute value that a column accepts. With this limit, sums and differences of values stay finite.
const MAX_NUMBER: f64 = 1e300;

/// Reads a number whose absolute value is at most [`MAX_NUMBER`].
pub(crate) fn bounded_number(cell: Cell<'_>) -> Field<f64> {
    bounded(number(cell)?)
}

fn bounded(number: Option<f64>) -> Field<f64> {
    match number {
        Some(value) if value.abs() > MAX_NUMBER => Err(Problem::new(
            IssueCode::OutOfRange,
            format!("{value:e} exceeds the largest number, {MAX_NUMBER:e}"),
        )),
        number => Ok(number),
    }
}

/// Reads a number, including NaN and infinities.
fn any_number(cell: Cell<'_>) -> Field<f64> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Int(value) => Ok(Some(value as f64)),
        Cell::UInt(value) => Ok(Some(value as f64)),
        Cell::Float(value) => Ok(Some(value)),
        Cell::Decimal(value, scale) => Ok(Some(decimal(value, scale))),
        Cell::TextFile(text) => match text.trim().parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => bad_type("a number", cell),
        },
        _ => bad_type("a number", cell),
    }
}

/// Reads a text. An integer becomes its decimal text.
pub(crate) fn text<'a>(cell: Cell<'a>, buffer: &'a mut String) -> Field<&'a str> {
    match cell {
        _ if cell.is_missing() => Ok(None),
        Cell::Text(text) | Cell::TextFile(text) => Ok(Some(text)),
        Cell::Int(value) => Ok(Some(integer(buffer, value))),
        Cell::UInt(value) => Ok(Some(integer(buffer, value))),
        _ => bad_type("a text", cell),
    }
}

/// Reads a currency code. Leading and trailing blanks are removed, and letters become upper case. The code must have
/// three letters. An empty code counts as missing.
pub(crate) fn currency<'a>(cell: Cell<'a>, buffer: &'a mut String) -> Field<&'a str> {
    match cell {
        _ if cell.is_missing() => Ok(None),
        Cell::Text(text) | Cell::TextFile(text) => {
            buffer.clear();
            buffer.push_str(text.trim());
            buffer.make_ascii_uppercase();
            match buffer.is_empty() || Currency::is_code(buffer) {
                true => Ok(Some(buffer.as_str()).filter(|code| !code.is_empty())),
                false => bad_type("a currency code of three letters (ISO 4217)", cell),
            }
        }
        _ => bad_type("a currency code", cell),
    }
}

/// Reads a word that must be one of a list of accepted words. Blanks at both ends and the case of letters are ignored.
/// An empty word counts as missing.
pub(crate) fn word<T>(cell: Cell<'_>, unknown: IssueCode, words: &[(&'static str, T)]) -> Field<T>
where
    T: Copy,
{
    let text = match cell {
        _ if cell.is_missing() => return Ok(None),
        Cell::Text(text) | Cell::TextFile(text) => text.trim(),
        _ => return bad_type("a text", cell),
    };
    if text.is_empty() {
        return Ok(None);
    }
    let known = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    match known {
        Some((_, value)) => Ok(Some(*value)),
        None => {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Err(Problem::new(
                unknown,
                format!("'{}' is none of {}", excerpt(text), names.join(", ")),
            ))
        }
    }
}

/// The type of an attribute column. In a text file such as CSV, a column of numbers has the type number, a column of
/// bools has the type bool, and any other column has the type text. In other input, the type is that of the first
/// value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttributeType {
    Number,
    Text,
    Bool,
}

impl AttributeType {
    /// The type of one value; `None` for null.
    pub(crate) fn of(cell: Cell<'_>) -> Option<Self> {
        match cell {
            _ if cell.is_missing() => None,
            Cell::Null => None,
            Cell::Bool(_) => Some(Self::Bool),
            Cell::Int(_) | Cell::UInt(_) | Cell::Float(_) | Cell::Decimal(..) => Some(Self::Number),
            Cell::Text(_) | Cell::Timestamp(_) | Cell::Unsupported(_) => Some(Self::Text),
            Cell::TextFile(text) if file_bool(text).is_some() => Some(Self::Bool),
            Cell::TextFile(text) if text.trim().parse::<f64>().is_ok() => Some(Self::Number),
            Cell::TextFile(_) => Some(Self::Text),
        }
    }
}

fn file_bool(text: &str) -> Option<bool> {
    match text.trim() {
        t if t.eq_ignore_ascii_case("true") => Some(true),
        t if t.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Reads the value of a number attribute. NaN counts as missing, and an infinity is invalid.
pub(crate) fn attribute_number(cell: Cell<'_>) -> Field<f64> {
    match any_number(cell)? {
        Some(value) if value.is_nan() => Ok(None),
        Some(value) if value.is_infinite() => Err(Problem::new(
            IssueCode::NotFinite,
            format!("{value} is not a finite number"),
        )),
        value => bounded(value),
    }
}

/// Reads the value of a bool attribute as 0 or 1.
pub(crate) fn attribute_bool(cell: Cell<'_>) -> Field<u8> {
    match cell {
        _ if cell.is_missing() => Ok(None),
        Cell::Bool(value) => Ok(Some(u8::from(value))),
        Cell::TextFile(text) => {
            file_bool(text).map_or_else(|| bad_type("a bool", cell), |value| Ok(Some(u8::from(value))))
        }
        _ => bad_type("a bool", cell),
    }
}

/// Reads the value of a text attribute. A timestamp becomes ISO-8601 text.
pub(crate) fn attribute_text<'a>(cell: Cell<'a>, buffer: &'a mut String) -> Field<&'a str> {
    match cell {
        _ if cell.is_missing() => Ok(None),
        Cell::Text(text) | Cell::TextFile(text) => Ok(Some(text)),
        Cell::Timestamp(_) => Ok(timestamp(cell)?
            .and_then(Timestamp::from_micros)
            .map(|at| written(buffer, at))),
        _ => bad_type("a text", cell),
    }
}
