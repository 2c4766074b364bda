//! The arguments and the result rows of statements, with the same interface for SQLite and Postgres.

use std::borrow::Cow;
use std::collections::BTreeMap;

use churn_core::{Timestamp, Value};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, Column as _, Row as _, TypeInfo as _, ValueRef as _};

use crate::error::{Error, ErrorKind, Result};

type Bound = std::result::Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// An argument of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Arg<'a> {
    /// A null of the type that the statement expects.
    Null,
    Text(Option<Cow<'a, str>>),
    Int(Option<i64>),
    Float(Option<f64>),
    Bool(bool),
    Bytes(&'a [u8]),
    /// A JSON text; `None` for null.
    Json(Option<Cow<'a, str>>),
}

/// A null whose type Postgres infers from the statement.
struct Untyped;

impl sqlx::Type<sqlx::Postgres> for Untyped {
    fn type_info() -> sqlx::postgres::PgTypeInfo {
        sqlx::postgres::PgTypeInfo::with_oid(sqlx::postgres::types::Oid(0))
    }
}

impl sqlx::Encode<'_, sqlx::Postgres> for Untyped {
    fn encode_by_ref(
        &self,
        _: &mut sqlx::postgres::PgArgumentBuffer,
    ) -> std::result::Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
        Ok(sqlx::encode::IsNull::Yes)
    }
}

/// A `jsonb` value in the binary format of Postgres: a version byte followed by the text.
struct Jsonb<'a>(&'a str);

/// The object id of the type `jsonb`. This id is the same in every Postgres server.
const JSONB: sqlx::postgres::types::Oid = sqlx::postgres::types::Oid(3802);

impl sqlx::Type<sqlx::Postgres> for Jsonb<'_> {
    fn type_info() -> sqlx::postgres::PgTypeInfo {
        sqlx::postgres::PgTypeInfo::with_oid(JSONB)
    }
}

impl sqlx::Encode<'_, sqlx::Postgres> for Jsonb<'_> {
    fn encode_by_ref(
        &self,
        buffer: &mut sqlx::postgres::PgArgumentBuffer,
    ) -> std::result::Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
        buffer.push(1);
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(sqlx::encode::IsNull::No)
    }
}

impl<'a> Arg<'a> {
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(Some(text.into()))
    }

    pub(crate) fn json(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Json(Some(text.into()))
    }

    pub(crate) fn at(moment: Timestamp) -> Self {
        Self::Int(Some(moment.as_micros()))
    }

    pub(super) fn add_sqlite(&self, to: &mut SqliteArguments) -> Bound {
        match self {
            Self::Null => Arguments::add(to, Option::<i64>::None),
            Self::Text(text) | Self::Json(text) => {
                Arguments::add(to, text.as_ref().map(|text| text.as_ref().to_owned()))
            }
            Self::Int(value) => Arguments::add(to, *value),
            Self::Float(value) => Arguments::add(to, *value),
            Self::Bool(value) => Arguments::add(to, *value),
            Self::Bytes(bytes) => Arguments::add(to, bytes.to_vec()),
        }
    }

    pub(super) fn add_postgres(&self, to: &mut PgArguments) -> Bound {
        match self {
            Self::Null => to.add(Untyped),
            Self::Text(text) => to.add(text.as_deref()),
            Self::Int(value) => to.add(*value),
            Self::Float(value) => to.add(*value),
            Self::Bool(value) => to.add(*value),
            Self::Bytes(bytes) => to.add(*bytes),
            Self::Json(text) => to.add(text.as_deref().map(Jsonb)),
        }
    }
}

impl From<i64> for Arg<'_> {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Arg<'_> {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<Option<f64>> for Arg<'_> {
    fn from(value: Option<f64>) -> Self {
        Self::Float(value)
    }
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Self::text(text)
    }
}

impl<'a> From<Option<&'a str>> for Arg<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text.map(Cow::Borrowed))
    }
}

/// A row of a query's result, from SQLite or Postgres. Columns are read by position.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! get {
    ($row:expr, $column:expr) => {
        match $row {
            Row::Sqlite(row) => row.try_get($column),
            Row::Postgres(row) => row.try_get($column),
        }
        .map_err(Error::from)
    };
}

impl Row {
    pub(crate) fn text(&self, column: usize) -> Result<&str> {
        get!(self, column)
    }

    pub(crate) fn text_or_null(&self, column: usize) -> Result<Option<&str>> {
        get!(self, column)
    }

    pub(crate) fn int(&self, column: usize) -> Result<i64> {
        get!(self, column)
    }

    pub(crate) fn int_or_null(&self, column: usize) -> Result<Option<i64>> {
        get!(self, column)
    }

    pub(crate) fn float_or_null(&self, column: usize) -> Result<Option<f64>> {
        get!(self, column)
    }

    pub(crate) fn bytes(&self, column: usize) -> Result<&[u8]> {
        get!(self, column)
    }

    pub(crate) fn count(&self, column: usize) -> Result<u64> {
        Ok(self.int(column)?.max(0) as u64)
    }

    pub(crate) fn at(&self, column: usize) -> Result<Timestamp> {
        moment(self.int(column)?)
    }

    pub(crate) fn at_or_null(&self, column: usize) -> Result<Option<Timestamp>> {
        self.int_or_null(column)?.map(moment).transpose()
    }

    /// Returns the values of all columns by name, for tables of the application.
    pub(crate) fn values(&self) -> Result<BTreeMap<String, Value>> {
        match self {
            Self::Sqlite(row) => row.columns().iter().map(|column| sqlite_value(row, column)).collect(),
            Self::Postgres(row) => row.columns().iter().map(|column| postgres_value(row, column)).collect(),
        }
    }

    /// Returns the stored JSON text of a column.
    pub(crate) fn json_text(&self, column: usize) -> Result<Option<&str>> {
        match self {
            Self::Sqlite(row) => Ok(row.try_get(column)?),
            Self::Postgres(row) => {
                let value = row.try_get_raw(column)?;
                if value.is_null() {
                    return Ok(None);
                }
                let damaged = || Error::new(ErrorKind::StoreDamaged, "stored JSON cannot be read");
                let bytes = value.as_bytes().map_err(|e| damaged().caused_by(e))?;
                let text = bytes.strip_prefix(&[1]).unwrap_or(bytes);
                Ok(Some(std::str::from_utf8(text).map_err(|e| damaged().caused_by(e))?))
            }
        }
    }

    /// Parses the stored JSON of a column. A database null is treated as JSON `null`.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<T> {
        from_json(self.json_text(column)?.unwrap_or("null"))
    }
}

fn unreadable(name: &str, of: &str) -> Error {
    let why = format!("column '{name}' has the type {of}: cast it to a number, a text or a timestamp");
    Error::option("sql", why)
}

fn sqlite_value(row: &SqliteRow, column: &sqlx::sqlite::SqliteColumn) -> Result<(String, Value)> {
    let (position, name) = (column.ordinal(), column.name());
    let raw = row.try_get_raw(position)?;
    let of = raw.type_info().into_owned();
    let value = match (raw.is_null(), of.name()) {
        (true, _) => Value::Null,
        (_, "INTEGER" | "BOOLEAN") => Value::Int(row.try_get_unchecked(position)?),
        (_, "REAL") => Value::Float(row.try_get_unchecked(position)?),
        (_, "TEXT") => Value::Text(row.try_get_unchecked(position)?),
        (_, other) => return Err(unreadable(name, other)),
    };
    Ok((name.to_owned(), value))
}

/// Microseconds from 1970-01-01 to 2000-01-01, the epoch of Postgres.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

fn postgres_value(row: &PgRow, column: &sqlx::postgres::PgColumn) -> Result<(String, Value)> {
    let (position, name) = (column.ordinal(), column.name());
    let raw = row.try_get_raw(position)?;
    let value = match (raw.is_null(), column.type_info().name()) {
        (true, _) => Value::Null,
        (_, "BOOL") => Value::Bool(row.try_get(position)?),
        (_, "INT2") => Value::Int(row.try_get::<i16, _>(position)?.into()),
        (_, "INT4") => Value::Int(row.try_get::<i32, _>(position)?.into()),
        (_, "INT8") => Value::Int(row.try_get(position)?),
        (_, "FLOAT4") => Value::Float(row.try_get::<f32, _>(position)?.into()),
        (_, "FLOAT8") => Value::Float(row.try_get(position)?),
        (_, "TEXT" | "VARCHAR" | "CHAR" | "NAME") => Value::Text(row.try_get(position)?),
        (_, "JSONB" | "JSON") => {
            let bytes = raw.as_bytes().map_err(|e| unreadable(name, "JSON").caused_by(e))?;
            let text = bytes.strip_prefix(&[1]).unwrap_or(bytes);
            Value::Text(String::from_utf8_lossy(text).into_owned())
        }
        (_, "TIMESTAMPTZ" | "TIMESTAMP") => {
            let bytes = raw.as_bytes().map_err(|e| unreadable(name, "TIMESTAMP").caused_by(e))?;
            let micros = <[u8; 8]>::try_from(bytes).map(i64::from_be_bytes);
            let micros = micros.ok().and_then(|micros| micros.checked_add(POSTGRES_EPOCH));
            Value::Timestamp(micros.ok_or_else(|| unreadable(name, "TIMESTAMP"))?)
        }
        (_, other) => return Err(unreadable(name, other)),
    };
    Ok((name.to_owned(), value))
}

pub(crate) fn moment(micros: i64) -> Result<Timestamp> {
    Timestamp::from_micros(micros).ok_or_else(|| {
        Error::new(
            ErrorKind::StoreDamaged,
            "a stored timestamp is out of range (years 1-9999)",
        )
    })
}

/// Parses stored JSON.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|e| Error::new(ErrorKind::StoreDamaged, "stored JSON cannot be read").caused_by(e))
}

/// Serializes JSON for storage.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<String> {
    let text = serde_json::to_string(value)
        .map_err(|e| Error::new(ErrorKind::InvalidOption, "the value cannot be written as JSON").caused_by(e))?;
    Ok(text)
}
