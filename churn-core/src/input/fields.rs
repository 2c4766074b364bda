//! From an outside value to a typed one, or to what is wrong with it.

use std::borrow::Cow;

use crate::error::{IssueCode, excerpt};
use crate::input::table::Cell;
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
        Cell::Float(value) => format!("the number {value}"),
        Cell::Text(value) | Cell::TextFile(value) => format!("the text '{}'", excerpt(value)),
        Cell::Timestamp(micros) => Timestamp::from_micros(micros)
            .map_or("a moment outside the years 1 to 9999".to_owned(), |at| {
                format!("the moment {at}")
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

/// An id: text as it stands, or the decimal text of an integer. The empty text is no id.
pub(crate) fn id(cell: Cell<'_>) -> Field<Cow<'_, str>> {
    match cell {
        Cell::Null | Cell::Text("") => Ok(None),
        Cell::Text(text) | Cell::TextFile(text) => Ok(Some(Cow::Borrowed(text))),
        Cell::Int(value) => Ok(Some(Cow::Owned(value.to_string()))),
        Cell::UInt(value) => Ok(Some(Cow::Owned(value.to_string()))),
        _ => bad_type("an id (text or integer)", cell),
    }
}

/// A moment, in microseconds.
pub(crate) fn timestamp(cell: Cell<'_>) -> Field<i64> {
    let bad = |message: String| Err(Problem::new(IssueCode::BadTimestamp, message));
    match cell {
        Cell::Null => Ok(None),
        Cell::Timestamp(micros) => match Timestamp::from_micros(micros) {
            Some(at) => Ok(Some(at.as_micros())),
            None => bad("the moment lies outside the years 1 to 9999".to_owned()),
        },
        Cell::Text(text) | Cell::TextFile(text) => match text.parse::<Timestamp>() {
            Ok(at) => Ok(Some(at.as_micros())),
            Err(error) => bad(error.to_string()),
        },
        _ => bad_type("a moment (ISO-8601 text)", cell),
    }
}

/// A finite number.
pub(crate) fn number(cell: Cell<'_>) -> Field<f64> {
    match any_number(cell)? {
        Some(value) if !value.is_finite() => Err(Problem::new(
            IssueCode::NotFinite,
            format!("{value} is not a finite number"),
        )),
        value => Ok(value),
    }
}

/// A number; NaN and infinities too.
fn any_number(cell: Cell<'_>) -> Field<f64> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Int(value) => Ok(Some(value as f64)),
        Cell::UInt(value) => Ok(Some(value as f64)),
        Cell::Float(value) => Ok(Some(value)),
        Cell::TextFile(text) => match text.trim().parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => bad_type("a number", cell),
        },
        _ => bad_type("a number", cell),
    }
}

/// A text; integers become their decimal text.
pub(crate) fn text(cell: Cell<'_>) -> Field<Cow<'_, str>> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Text(text) | Cell::TextFile(text) => Ok(Some(Cow::Borrowed(text))),
        Cell::Int(value) => Ok(Some(Cow::Owned(value.to_string()))),
        Cell::UInt(value) => Ok(Some(Cow::Owned(value.to_string()))),
        _ => bad_type("a text", cell),
    }
}

/// A word from a closed list: trimmed, lower case; the empty word is none.
pub(crate) fn word(cell: Cell<'_>) -> Field<Cow<'_, str>> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Text(text) | Cell::TextFile(text) => {
            let text = text.trim();
            let lower = if text.bytes().any(|b| !b.is_ascii_lowercase()) {
                Cow::Owned(text.to_lowercase())
            } else {
                Cow::Borrowed(text)
            };
            Ok(Some(lower).filter(|word| !word.is_empty()))
        }
        _ => bad_type("a text", cell),
    }
}

/// The type of an attribute column: that of its first value. In a text file, the strictest that all values have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttributeType {
    Number,
    Text,
    Bool,
}

impl AttributeType {
    /// What one value can be; `None` for null.
    pub(crate) fn of(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Null => None,
            Cell::Bool(_) => Some(Self::Bool),
            Cell::Int(_) | Cell::UInt(_) | Cell::Float(_) => Some(Self::Number),
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

/// A number attribute: NaN is missing, an infinity is wrong.
pub(crate) fn attribute_number(cell: Cell<'_>) -> Field<f64> {
    match any_number(cell)? {
        Some(value) if value.is_nan() => Ok(None),
        Some(value) if value.is_infinite() => Err(Problem::new(
            IssueCode::NotFinite,
            format!("{value} is not a finite number"),
        )),
        value => Ok(value),
    }
}

/// A bool attribute.
pub(crate) fn attribute_bool(cell: Cell<'_>) -> Field<bool> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Bool(value) => Ok(Some(value)),
        Cell::TextFile(text) => file_bool(text).map_or_else(|| bad_type("a bool", cell), |value| Ok(Some(value))),
        _ => bad_type("a bool", cell),
    }
}

/// A text attribute; a moment becomes ISO-8601 text.
pub(crate) fn attribute_text(cell: Cell<'_>) -> Field<Cow<'_, str>> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Text(text) | Cell::TextFile(text) => Ok(Some(Cow::Borrowed(text))),
        Cell::Timestamp(_) => Ok(timestamp(cell)?
            .and_then(Timestamp::from_micros)
            .map(|at| Cow::Owned(at.to_string()))),
        _ => bad_type("a text", cell),
    }
}
