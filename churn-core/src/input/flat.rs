//! Flat tables, as a classifier reads them: each row is one example, and each column may have any name and any type.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, IssueCode, Result, excerpt};
use crate::input::fields::decimal;
use crate::input::interner::Interner;
use crate::input::table::{Cell, Column, Data, Table};
use crate::input::texts::TextDraft;
use crate::parallel::Workers;
use crate::record::{AttributeValues, MISSING_CODE};
use crate::time::Timestamp;

/// How a column of a flat table is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FlatKind {
    /// The column is read as numbers. Bools become 0 and 1, timestamps become days since 1970-01-01, texts are parsed
    /// as numbers, and blank texts are missing.
    Number,
    /// The column is read as texts. Numbers and bools are converted to texts.
    Text,
    /// The column had no value in any row when the classifier was fitted, so every later value counts as missing.
    Empty,
}

const MICROS_PER_DAY: f64 = 86_400_000_000.0;

/// A note about a column of a flat table. The column may have been read differently than the caller intended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ColumnNote {
    /// The name of the column.
    pub column: String,
    /// The code of the note: `texts_as_numbers`, `numbers_as_texts` or `empty_column`.
    pub code: String,
    /// What was noticed, and what to do about it.
    pub message: String,
}

/// If at least this fraction of the values of a text column are numbers or texts that spell numbers, the column was
/// probably intended to contain numbers.
const MOST: f64 = 0.8;

/// Statistics about the values of a column, computed in one pass over the values.
#[derive(Default)]
struct Spelling {
    values: usize,
    texts: usize,
    numbers: usize,
    /// The first value that does not spell a number, with its row.
    word: Option<(usize, String)>,
    /// The first text that spells a number with a leading zero. If no text has a leading zero, it is the first text
    /// that spells a number.
    spelled: Option<String>,
    zeros: bool,
    /// Whether every text comes from a text file such as CSV. In such a file, numbers are stored as texts, too.
    from_file: bool,
}

impl Spelling {
    fn of(table: &Table, column: &Data) -> Self {
        let mut found = Self {
            from_file: true,
            ..Self::default()
        };
        for row in 0..table.n_rows() {
            let cell = column.cell(table.position(row));
            let text = match cell {
                Cell::Text(text) | Cell::TextFile(text) => Some(text.trim()),
                _ => None,
            };
            if cell.is_missing() || text == Some("") {
                continue;
            }
            found.values += 1;
            found.texts += usize::from(text.is_some());
            found.from_file &= !matches!(cell, Cell::Text(_));
            if as_number(cell) == Err(IssueCode::BadType) {
                if found.word.is_none() {
                    found.word = Some((row, excerpt(text.unwrap_or_default())));
                }
                continue;
            }
            found.numbers += 1;
            if let Some(text) = text {
                let digits = text.trim_start_matches(['-', '+']).as_bytes();
                let zeros = matches!(digits, [b'0', b'0'..=b'9', ..]);
                if found.spelled.is_none() || zeros && !found.zeros {
                    found.spelled = Some(excerpt(text));
                }
                found.zeros |= zeros;
            }
        }
        found
    }

    /// Returns the default kind of the column, and a note if the caller may have intended another kind.
    fn judge(self, name: &str) -> (FlatKind, Option<ColumnNote>) {
        let note = |code: &str, message: String| {
            Some(ColumnNote {
                column: name.to_owned(),
                code: code.to_owned(),
                message,
            })
        };
        if self.values == 0 {
            let why = "no row has a value, so nothing is learnt from this column, whatever it holds later".to_owned();
            return (FlatKind::Empty, note("empty_column", why));
        }
        match (self.word, self.spelled) {
            (None, Some(spelled)) if self.zeros || !self.from_file => {
                let message = format!(
                    "its texts, such as '{spelled}', are read as numbers: name the column in `categorical` if they are codes"
                );
                (FlatKind::Number, note("texts_as_numbers", message))
            }
            (None, _) => (FlatKind::Number, None),
            (Some((row, word)), _) if self.numbers as f64 >= MOST * self.values as f64 && self.numbers > 1 => {
                let message = format!(
                    "{} of {} values spell numbers, but row {row} holds '{word}', so all are read as texts: make such values missing if the column holds numbers",
                    self.numbers, self.values
                );
                (FlatKind::Text, note("numbers_as_texts", message))
            }
            (Some(_), _) => (FlatKind::Text, None),
        }
    }
}

/// The kind of every column, and notes about columns that may be read differently than the caller intended.
///
/// A column is read as numbers if each of its values is a number or a text that spells a number. Otherwise, it is read
/// as texts. A column that is named in `categorical` is always read as texts.
pub(crate) fn kinds(
    table: &Table,
    categorical: &[String],
    workers: &Workers,
) -> Result<(Vec<FlatKind>, Vec<ColumnNote>)> {
    let columns: Vec<(&str, &Data)> = columns(table).collect();
    if let Some(name) = categorical
        .iter()
        .find(|name| columns.iter().all(|(known, _)| known != name))
    {
        let message = format!("categorical: there is no column '{}'", excerpt(name));
        return Err(Error::new(ErrorKind::InvalidOption, message).at(None, None, Some("categorical")));
    }
    let judged = workers.map(0..columns.len(), |number| {
        let (name, column) = columns[number];
        if categorical.iter().any(|known| known == name) {
            return Ok((FlatKind::Text, None));
        }
        let has_number = match column {
            Data::Plain(Column::Floats(values) | Column::NullableFloats(values)) => {
                values.iter().any(|value| !value.is_nan())
            }
            Data::Plain(Column::Ints(values)) => !values.is_empty(),
            Data::Plain(Column::Bools(values)) => !values.is_empty(),
            _ => false,
        };
        Ok(match has_number && !table.is_selection() {
            true => (FlatKind::Number, None),
            false => Spelling::of(table, column).judge(name),
        })
    })?;
    let (kinds, notes): (Vec<_>, Vec<_>) = judged.into_iter().unzip();
    Ok((kinds, notes.into_iter().flatten().collect()))
}

/// Reads each column as the given kind.
///
/// # Errors
/// `not_finite`, `bad_type` or `bad_timestamp` if a value cannot be read. The error names the row and the column.
pub(crate) fn read(table: &Table, kinds: &[FlatKind], workers: &Workers) -> Result<Vec<AttributeValues>> {
    let columns: Vec<(&str, &Data)> = columns(table).collect();
    let rows: Vec<u32> = (0..table.n_rows() as u32).collect();
    workers.map(0..columns.len().min(kinds.len()), |number| {
        let (name, column) = columns[number];
        let cells = (0..table.n_rows()).map(|row| (row, column.cell(table.position(row))));
        match kinds[number] {
            FlatKind::Empty => Ok(AttributeValues::Number(vec![f64::NAN; table.n_rows()])),
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

fn columns(table: &Table) -> impl Iterator<Item = (&str, &Data)> {
    table
        .column_names()
        .filter_map(|name| table.column(name).map(|column| (name, column)))
}

/// Reads a value as a finite number, or as NaN if the value is missing.
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
                // Texts such as "inf" and "nan" do not count as numbers.
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

/// Reads a value as a text, or as `None` if the value is missing.
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
        (Cell::Unsupported(what), _) => format!("{what}, which is neither a number, a text, a bool nor a timestamp,"),
        (Cell::Text(text) | Cell::TextFile(text), _) => {
            format!("the text '{}' instead of a number", excerpt(text))
        }
        (_, IssueCode::NotFinite) => "an infinity, which is not a finite number,".to_owned(),
        _ => "a timestamp outside the years 1 to 9999".to_owned(),
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
        let (kinds, _) = kinds(&table, &[], &Workers::inline())?;
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
    fn numbers_and_texts_that_spell_numbers_are_numbers() {
        assert_eq!(
            numbers(vec![Value::Int(1), Value::Float(0.5), Value::Bool(true)]),
            [1.0, 0.5, 1.0]
        );
        let values = numbers(vec![text("29.85"), text(" "), text(""), Value::Null, text("1e3")]);
        assert_eq!((values[0], values[4]), (29.85, 1000.0));
        assert!(values[1..4].iter().all(|value| value.is_nan()));
        assert_eq!(numbers(vec![Value::Timestamp(86_400_000_000 * 3 / 2)]), [1.5]);
        let (kind, empty) = one(vec![Value::Null, text(" ")]).unwrap();
        assert_eq!(kind, FlatKind::Empty);
        assert!(matches!(empty, AttributeValues::Number(values) if values.iter().all(|value| value.is_nan())));
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

    fn notes(values: Vec<Value>, categorical: &[String]) -> (FlatKind, Vec<(String, String)>) {
        let table = Table::new().with_column("c", Column::Values(values)).unwrap();
        let (kinds, notes) = kinds(&table, categorical, &Workers::inline()).unwrap();
        (
            kinds[0],
            notes.into_iter().map(|note| (note.code, note.message)).collect(),
        )
    }

    #[test]
    fn ambiguous_columns_have_a_note() {
        let (kind, found) = notes(vec![text("12"), text("0034"), text("")], &[]);
        assert_eq!((kind, found[0].0.as_str()), (FlatKind::Number, "texts_as_numbers"));
        assert!(found[0].1.contains("'0034'"), "{}", found[0].1);
        let declared = ["c".to_owned()];
        assert_eq!(
            notes(vec![text("12"), text("0034")], &declared),
            (FlatKind::Text, vec![])
        );

        let mut charges: Vec<Value> = (0..9).map(|number| text(&format!("{number}.5"))).collect();
        charges.insert(3, text("NA"));
        let (kind, found) = notes(charges, &[]);
        assert_eq!((kind, found[0].0.as_str()), (FlatKind::Text, "numbers_as_texts"));
        assert!(found[0].1.contains("row 3 holds 'NA'"), "{}", found[0].1);

        assert_eq!(notes(vec![text("a"), text("1")], &[]), (FlatKind::Text, vec![]));
        assert_eq!(notes(vec![Value::Null], &[]).1[0].0, "empty_column");
        // In a text file such as CSV, numbers are stored as texts, too, so texts that spell numbers are normal. A note
        // is useful only if leading zeros would be lost.
        let file = Table::from_csv(&b"plain,zip\n1,0034\n2,1234\n"[..]).unwrap();
        let (_, found) = kinds(&file, &[], &Workers::inline()).unwrap();
        assert_eq!(
            found.iter().map(|note| note.column.as_str()).collect::<Vec<_>>(),
            ["zip"]
        );
        let missing = kinds(&file, &["zap".to_owned()], &Workers::inline()).unwrap_err();
        assert_eq!(
            (missing.code(), missing.column()),
            ("invalid_option", Some("categorical"))
        );
    }

    #[test]
    fn errors_name_row_and_column() {
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
