//! JSON input, and input from rows of named values.

use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result, excerpt};
use crate::input::table::{Column, Table, Value};

impl Table {
    /// Reads a JSON array with one object per row. Every key that occurs in any row becomes a column. If a key is
    /// missing in a row, the row has a null in that column.
    ///
    /// # Errors
    /// `unreadable_table` if the text is not an array of objects, if a row has the same key twice, or if a large table
    /// has almost no keys that occur in several rows. Keys that occur in only one row are probably data, not column
    /// names.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let mut columns = Columns::default();
        let unreadable = |e: serde_json::Error| {
            Error::new(
                ErrorKind::UnreadableTable,
                format!("the table is not a JSON array of objects: {e}"),
            )
            .caused_by(e)
        };
        let read = Rows(&mut columns).deserialize(&mut deserializer);
        if let Some(error) = columns.error.take() {
            return Err(error);
        }
        read.map_err(unreadable)?;
        deserializer.end().map_err(unreadable)?;
        columns.into_table()
    }

    /// Creates a table from rows of named values. Every name that occurs in any row becomes a column. If a name is
    /// missing in a row, the row has a null in that column.
    ///
    /// # Errors
    /// `unreadable_table` if there are too many rows, if a row has the same name twice, or if a large table has almost
    /// no names that occur in several rows.
    pub fn from_values<N: AsRef<str>>(rows: impl IntoIterator<Item = Vec<(N, Value)>>) -> Result<Self> {
        let mut columns = Columns::default();
        for row in rows {
            for (name, value) in row {
                columns.set(name.as_ref(), value)?;
            }
            columns.end_row();
        }
        columns.into_table()
    }
}

/// The number of cells of a table must not exceed `MOST_ROOM_PER_VALUE` times the number of values in the input, plus
/// `SMALL_TABLE`. Otherwise, the table is refused. Every key needs a cell in every row, so rows with different keys
/// need many more cells than there are values.
const MOST_ROOM_PER_VALUE: usize = 64;
const SMALL_TABLE: usize = 1 << 22;

/// Columns that are built row by row. A column can have fewer values than there are rows. Such a column is padded with
/// nulls before its next value is written, and at the end.
#[derive(Default)]
pub(crate) struct Columns {
    rows: usize,
    given: usize,
    positions: HashMap<String, usize>,
    columns: Vec<(String, Vec<Value>)>,
    /// The error that stopped the JSON reader. It is stored here because the error type of the JSON reader cannot carry
    /// it.
    error: Option<Error>,
}

impl Columns {
    /// Sets a value in the current row.
    pub(crate) fn set(&mut self, name: &str, value: Value) -> Result<()> {
        let row = self.rows;
        let refuse =
            |why: String| Err(Error::new(ErrorKind::UnreadableTable, why).at(None, Some(row as u64), Some(name)));
        let position = match self.positions.get(name) {
            Some(&position) => position,
            None => {
                let room = (self.columns.len() + 1).saturating_mul(row + 1);
                if room
                    > (self.given + 1)
                        .saturating_mul(MOST_ROOM_PER_VALUE)
                        .saturating_add(SMALL_TABLE)
                {
                    let columns = self.columns.len();
                    return refuse(format!(
                        "row {row} adds the key '{}' to {columns} others: the rows of a table must have keys in common",
                        excerpt(name)
                    ));
                }
                self.positions.insert(name.to_owned(), self.columns.len());
                self.columns.push((name.to_owned(), vec![]));
                self.columns.len() - 1
            }
        };
        let values = &mut self.columns[position].1;
        if values.len() > row {
            return refuse(format!("row {row} has the key '{}' twice", excerpt(name)));
        }
        values.resize(row, Value::Null);
        values.push(value);
        self.given += 1;
        Ok(())
    }

    pub(crate) fn end_row(&mut self) {
        self.rows += 1;
    }

    pub(crate) fn into_table(self) -> Result<Table> {
        let rows = self.rows;
        if self.columns.is_empty() && rows > 0 {
            // Objects without keys count as rows, although they add no columns.
            return Ok(Table::of_rows(rows));
        }
        let room = self.columns.len().saturating_mul(rows);
        if room
            > self
                .given
                .saturating_mul(MOST_ROOM_PER_VALUE)
                .saturating_add(SMALL_TABLE)
        {
            let why = format!(
                "{rows} rows have {} keys and almost none in common: the rows of a table must have keys in common",
                self.columns.len()
            );
            return Err(Error::new(ErrorKind::UnreadableTable, why));
        }
        self.columns
            .into_iter()
            .try_fold(Table::new(), |table, (name, mut values)| {
                values.resize(rows, Value::Null);
                table.with_column(name, Column::Values(values))
            })
    }
}

struct Rows<'a>(&'a mut Columns);

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while rows.next_element_seed(Row(self.0))?.is_some() {
            self.0.end_row();
        }
        Ok(())
    }
}

struct Row<'a>(&'a mut Columns);

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut row: A) -> Result<(), A::Error> {
        while let Some(name) = row.next_key::<std::borrow::Cow<'de, str>>()? {
            let value: serde_json::Value = row.next_value()?;
            if let Err(error) = self.0.set(&name, value.into()) {
                self.0.error = Some(error);
                return Err(serde::de::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Self::Int(value),
                (_, Some(value)) => Self::UInt(value),
                _ => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(value) => Self::Text(value),
            serde_json::Value::Array(_) => Self::Unsupported("a list"),
            serde_json::Value::Object(_) => Self::Unsupported("an object"),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null | Self::Unsupported(_) => serializer.serialize_none(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::UInt(value) => serializer.serialize_u64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Timestamp(micros) => match crate::time::Timestamp::from_micros(*micros) {
                Some(at) => serializer.collect_str(&at),
                None => serializer.serialize_none(),
            },
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_json::Value::deserialize(deserializer).map(Self::from)
    }
}
