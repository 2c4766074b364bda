//! Writes many rows with one statement. In Postgres, each argument is an array that contains a column's values. In
//! SQLite, each value is a separate argument.

use std::ops::Range;
use std::sync::Arc;

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe};

use crate::engine::{Connection, TenantTx, unbound};
use crate::error::Result;

/// Number of rows per SQLite statement. A SQLite statement may have at most 32 766 arguments.
const SQLITE_ROWS: usize = 128;
/// Number of rows per Postgres statement.
const POSTGRES_ROWS: usize = 16_384;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    Text,
    /// A column of integers, or of timestamps in microseconds.
    Int,
    Number,
    Json,
}

/// The values to write to one column.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    Texts(Vec<Option<Arc<str>>>),
    Ints(Vec<Option<i64>>),
    Numbers(Vec<Option<f64>>),
}

/// The table and the columns that rows are written to. All names come from the code, never from a caller.
pub(crate) struct Target<'a> {
    pub(crate) table: &'static str,
    /// The columns to write, each with its type. The column `tenant_id` is written too, and comes before them.
    pub(crate) columns: &'a [(&'static str, Holds)],
    /// The `ON CONFLICT` clause. The clause says what happens if a stored row has the same key as a new row. The
    /// clause may be empty.
    pub(crate) on_conflict: &'a str,
}

impl Target<'_> {
    fn names(&self) -> String {
        self.columns
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Returns the statement for SQLite. It has one list of parameters per row: the tenant's id, and then one value per
    /// column. The parameters have neither names nor numbers, because looking these up would take time.
    fn values(&self, rows: usize) -> String {
        let row = format!("(?{})", ", ?".repeat(self.columns.len()));
        let rows = vec![row; rows].join(", ");
        let (table, names, then) = (self.table, self.names(), self.on_conflict);
        format!("INSERT INTO {table} AS t (tenant_id, {names}) VALUES {rows} {then}")
    }

    /// Returns the statement for Postgres. Its parameters are the tenant's id and one array per column.
    fn arrays(&self) -> String {
        let arrays = self.columns.iter().enumerate().map(|(index, (_, holds))| {
            let of = match holds {
                Holds::Text | Holds::Json => "text",
                Holds::Int => "bigint",
                Holds::Number => "float8",
            };
            format!("${}::{of}[]", index + 2)
        });
        let arrays = arrays.collect::<Vec<_>>().join(", ");
        let columns = self.columns.iter().map(|(name, holds)| match holds {
            Holds::Json => format!("{name}::jsonb"),
            _ => (*name).to_owned(),
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let (table, names, then) = (self.table, self.names(), self.on_conflict);
        format!(
            "INSERT INTO {table} AS t (tenant_id, {names}) SELECT $1, {columns} FROM UNNEST({arrays}) AS given ({names}) {then}"
        )
    }

    /// Writes rows in chunks. For each chunk, `chosen` returns the rows to write. Returns the number of rows
    /// that are new or changed.
    pub(crate) async fn write(
        &self,
        tx: &mut TenantTx,
        columns: &[Stored],
        rows: usize,
        chosen: impl Fn(Range<usize>) -> Vec<usize>,
    ) -> Result<u64> {
        let tenant: Arc<str> = tx.tenant().as_str().into();
        let mut changed = 0;
        let mut start = 0;
        while start < rows {
            let done = match tx.inner().connection()? {
                Connection::Sqlite(connection) => {
                    let rows = chosen(start..(start + SQLITE_ROWS).min(rows));
                    start += SQLITE_ROWS;
                    let query = sqlx::query_with(
                        AssertSqlSafe(self.values(rows.len())),
                        sqlite_rows(&tenant, columns, &rows)?,
                    );
                    let query = query.persistent(rows.len() == SQLITE_ROWS);
                    query.execute(connection).await.map(|done| done.rows_affected())
                }
                Connection::Postgres(connection) => {
                    let rows = chosen(start..(start + POSTGRES_ROWS).min(rows));
                    start += POSTGRES_ROWS;
                    let query =
                        sqlx::query_with(AssertSqlSafe(self.arrays()), postgres_arrays(&tenant, columns, &rows)?);
                    let query = query.persistent(false);
                    query.execute(connection).await.map(|done| done.rows_affected())
                }
            };
            changed += done.map_err(|error| tx.inner().error(error))?;
        }
        Ok(changed)
    }
}

fn sqlite_rows(tenant: &Arc<str>, columns: &[Stored], rows: &[usize]) -> Result<SqliteArguments> {
    let mut args = SqliteArguments::default();
    args.reserve(rows.len() * (columns.len() + 1), 0);
    for &row in rows {
        Arguments::add(&mut args, Arc::clone(tenant)).map_err(unbound)?;
        for column in columns {
            match column {
                Stored::Texts(values) => Arguments::add(&mut args, values[row].clone()),
                Stored::Ints(values) => Arguments::add(&mut args, values[row]),
                Stored::Numbers(values) => Arguments::add(&mut args, values[row]),
            }
            .map_err(unbound)?;
        }
    }
    Ok(args)
}

fn postgres_arrays(tenant: &Arc<str>, columns: &[Stored], rows: &[usize]) -> Result<PgArguments> {
    let mut args = PgArguments::default();
    args.add(&**tenant).map_err(unbound)?;
    for column in columns {
        match column {
            Stored::Texts(values) => args.add(rows.iter().map(|&row| values[row].as_deref()).collect::<Vec<_>>()),
            Stored::Ints(values) => args.add(rows.iter().map(|&row| values[row]).collect::<Vec<_>>()),
            Stored::Numbers(values) => args.add(rows.iter().map(|&row| values[row]).collect::<Vec<_>>()),
        }
        .map_err(unbound)?;
    }
    Ok(args)
}
