//! Flat tables: any columns, no schema.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, IssueCode, Result, excerpt};
use crate::input::fields::decimal;
use crate::input::interner::Interner;
use crate::input::table::{Cell, Column, Table};
use crate::input::texts::TextDraft;
use crate::parallel::Workers;
use crate::record::{AttributeValues, MISSING_CODE};
use crate::time::Timestamp;

/// How a column of a flat table is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FlatKind {
    /// Numbers; bools as 0 and 1, moments as days since 1970-01-01, texts as the numbers they spell, blank ones missing.
    Number,
    /// Texts; numbers and bools among them as they are written.
    Text,
}

const MICROS_PER_DAY: f64 = 86_400_000_000.0;

/// The kind of every column: numbers if each value there is one or spells one, otherwise texts.
pub(crate) fn kinds(table: &Table, workers: &Workers) -> Result<Vec<FlatKind>> {
    let columns: Vec<&Column> = columns(table).map(|(_, column)| column).collect();
    workers.map(0..columns.len(), |number| {
        let column = columns[number];
        if let Column::Floats(_) | Column::NullableFloats(_) | Column::Ints(_) | Column::Bools(_) = column {
            return Ok(FlatKind::Number);
        }
        let spelled = |row: usize| as_number(column.cell(table.position(row)));
        let numbers = (0..table.rows()).all(|row| spelled(row) != Err(IssueCode::BadType));
        Ok(if numbers { FlatKind::Number } else { FlatKind::Text })
    })
}

/// The columns, read as kinds that were settled before.
///
/// # Errors
/// `not_finite`, `bad_type`, `bad_timestamp`, with row and column.
pub(crate) fn read(table: &Table, kinds: &[FlatKind], workers: &Workers) -> Result<Vec<AttributeValues>> {
    let columns: Vec<(&str, &Column)> = columns(table).collect();
    let rows: Vec<u32> = (0..table.rows() as u32).collect();
    workers.map(0..columns.len().min(kinds.len()), |number| {
        let (name, column) = columns[number];
        let cells = (0..table.rows()).map(|row| (row, column.cell(table.position(row))));
        match kinds[number] {
            FlatKind::Number => {
                let values = cells.map(|(row, cell)| {
                    as_number(cell).map_err(|code| {
                        let message = format!("column '{}' holds {} in row {row}", excerpt(name), describe(cell, code));
                        Error::new(ErrorKind::InvalidRecords(code), message).at(None, Some(row as u64), Some(name))
                    })
                });
                Ok(AttributeValues::Number(values.collect::<Result<_>>()?))
            }
            FlatKind::Text => {
                let (mut interner, mut buffer) = (Interner::default(), String::new());
                let codes = cells.map(|(row, cell)| match as_text(cell, &mut buffer) {
                    Ok(Some(text)) => Ok(interner.code(text)),
                    Ok(None) => Ok(MISSING_CODE),
                    Err(code) => {
                        let message = format!("column '{}' holds {} in row {row}", excerpt(name), describe(cell, code));
                        Err(Error::new(ErrorKind::InvalidRecords(code), message).at(None, Some(row as u64), Some(name)))
                    }
                });
                let codes = codes.collect::<Result<_>>()?;
                let draft = TextDraft::new(codes, interner);
                Ok(AttributeValues::Text(draft.gather(&rows, &Workers::inline())?))
            }
        }
    })
}

fn columns(table: &Table) -> impl Iterator<Item = (&str, &Column)> {
    table
        .column_names()
        .filter_map(|name| table.column(name).map(|column| (name, column)))
}

/// A finite number; NaN where missing.
fn as_number(cell: Cell<'_>) -> std::result::Result<f64, IssueCode> {
    let value = match cell {
        Cell::Null => f64::NAN,
        Cell::Bool(value) => f64::from(u8::from(value)),
        Cell::Int(value) => value as f64,
        Cell::UInt(value) => value as f64,
        Cell::Float(value) => value,
        Cell::Decimal(value, scale) => decimal(value, scale),
        Cell::Text(text) | Cell::TextFile(text) => match text.trim() {
            "" => f64::NAN,
            text => {
                let value: f64 = text.parse().map_err(|_| IssueCode::BadType)?;
                // "inf" and "nan" are words before they are numbers.
                if !value.is_finite() {
                    return Err(IssueCode::BadType);
                }
                value
            }
        },
        Cell::Timestamp(micros) => match Timestamp::from_micros(micros) {
            Some(at) => at.as_micros() as f64 / MICROS_PER_DAY,
            None => return Err(IssueCode::BadTimestamp),
        },
        Cell::Unsupported(_) => return Err(IssueCode::BadType),
    };
    if value.is_infinite() {
        Err(IssueCode::NotFinite)
    } else {
        Ok(value)
    }
}

/// A text; `None` where missing.
fn as_text<'a>(cell: Cell<'a>, buffer: &'a mut String) -> std::result::Result<Option<&'a str>, IssueCode> {
    buffer.clear();
    // Writing to a String cannot fail.
    let _ = match cell {
        Cell::Null => return Ok(None),
        Cell::Float(value) if value.is_nan() => return Ok(None),
        Cell::Text(text) | Cell::TextFile(text) => return Ok(Some(text)),
        Cell::Bool(value) => write!(buffer, "{value}"),
        Cell::Int(value) => write!(buffer, "{value}"),
        Cell::UInt(value) => write!(buffer, "{value}"),
        Cell::Float(value) => write!(buffer, "{value}"),
        Cell::Decimal(value, scale) => write!(buffer, "{}", decimal(value, scale)),
        Cell::Timestamp(micros) => match Timestamp::from_micros(micros) {
            Some(at) => write!(buffer, "{at}"),
            None => return Err(IssueCode::BadTimestamp),
        },
        Cell::Unsupported(_) => return Err(IssueCode::BadType),
    };
    Ok(Some(buffer))
}

fn describe(cell: Cell<'_>, code: IssueCode) -> String {
    match (cell, code) {
        (Cell::Unsupported(what), _) => format!("{what}, which is neither a number, a text, a bool nor a moment,"),
        (Cell::Text(text) | Cell::TextFile(text), _) => {
            format!("the text '{}' where numbers were learnt from", excerpt(text))
        }
        (_, IssueCode::NotFinite) => "an infinity, which is not a finite number,".to_owned(),
        _ => "a moment outside the years 1 to 9999".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::table::Value;

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    fn one(values: Vec<Value>) -> Result<(FlatKind, AttributeValues)> {
        let table = Table::new().with_column("c", Column::Values(values))?;
        let kinds = kinds(&table, &Workers::inline())?;
        let mut read = read(&table, &kinds, &Workers::inline())?;
        Ok((kinds[0], read.remove(0)))
    }

    fn numbers(values: Vec<Value>) -> Vec<f64> {
        match one(values).unwrap() {
            (FlatKind::Number, AttributeValues::Number(values)) => values,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_or_spells_a_number_is_one() {
        assert_eq!(
            numbers(vec![Value::Int(1), Value::Float(0.5), Value::Bool(true)]),
            [1.0, 0.5, 1.0]
        );
        let values = numbers(vec![text("29.85"), text(" "), text(""), Value::Null, text("1e3")]);
        assert_eq!((values[0], values[4]), (29.85, 1000.0));
        assert!(values[1..4].iter().all(|value| value.is_nan()));
        assert_eq!(numbers(vec![Value::Timestamp(86_400_000_000 * 3 / 2)]), [1.5]);
        assert!(numbers(vec![Value::Null])[0].is_nan());
    }

    #[test]
    fn one_word_makes_a_column_text() {
        let (kind, values) = one(vec![
            Value::Int(7),
            text("b"),
            Value::Null,
            text("nan"),
            Value::Float(f64::NAN),
        ])
        .unwrap();
        let AttributeValues::Text(column) = values else {
            panic!("{values:?}")
        };
        assert_eq!(kind, FlatKind::Text);
        assert_eq!(column.levels.iter().collect::<Vec<_>>(), ["7", "b", "nan"]);
        assert_eq!(column.codes, [0, 1, MISSING_CODE, 2, MISSING_CODE]);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let error = one(vec![Value::Float(1.0), Value::Float(f64::INFINITY)]).unwrap_err();
        assert_eq!(error.code(), "not_finite", "{error}");
        let table = Table::new()
            .with_column("c", Column::Floats(vec![1.0, f64::INFINITY]))
            .unwrap();
        let error = read(&table, &[FlatKind::Number], &Workers::inline()).unwrap_err();
        assert_eq!(
            (error.code(), error.row(), error.column()),
            ("not_finite", Some(1), Some("c"))
        );
        let table = Table::new().with_column("c", Column::Values(vec![text("x")])).unwrap();
        let error = read(&table, &[FlatKind::Number], &Workers::inline()).unwrap_err();
        assert_eq!((error.code(), error.row()), ("bad_type", Some(0)));
    }
}
