//! Batches of a stream: read when they arrive, kept small until the table is complete.
//!
//! A kept column answers with the values of the column it was made of, but for spelling: a moment given as text is a
//! moment, an id given as integer a text. What cannot be read stays as it was given, so that the report is the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::RecordKind;
use crate::input::fields::{id, number, text, timestamp};
use crate::input::interner::Interner;
use crate::input::schema::{ColumnType, columns_of, is_text_attribute};
use crate::input::table::{Cell, Column, Table, Texts, Value};
use crate::record::{Ids, MISSING_CODE, NEVER};

/// Values of a batch that was read when it arrived. Made by [`RecordsBuilder::push`](crate::RecordsBuilder::push).
#[derive(Clone, Debug)]
pub struct KeptColumn {
    values: Kept,
    /// Values that stay as they were given, by row, ascending.
    others: Vec<(u32, Value)>,
}

#[derive(Clone, Debug)]
enum Kept {
    /// [`NEVER`] where there is none.
    Moments(Vec<i64>),
    /// NaN where there is none.
    Numbers(Vec<f64>),
    Ints(Vec<i64>),
    /// 2 where there is none.
    Bools(Vec<u8>),
    /// An exact decimal, and the digits behind its point.
    Decimals(Vec<i128>, i8),
    /// Empty where there is none.
    Texts(Texts),
    /// Codes of the pool, [`MISSING_CODE`] where there is none; whether the texts come from a text file.
    Codes(Vec<u32>, Arc<Ids>, bool),
}

impl KeptColumn {
    pub(crate) fn len(&self) -> usize {
        match &self.values {
            Kept::Moments(values) | Kept::Ints(values) => values.len(),
            Kept::Numbers(values) => values.len(),
            Kept::Bools(values) => values.len(),
            Kept::Decimals(values, _) => values.len(),
            Kept::Texts(texts) => texts.len(),
            Kept::Codes(codes, ..) => codes.len(),
        }
    }

    pub(crate) fn is_decimal(&self) -> bool {
        matches!(self.values, Kept::Decimals(..))
    }

    pub(crate) fn cell(&self, row: usize) -> Cell<'_> {
        if !self.others.is_empty()
            && let Ok(at) = self.others.binary_search_by_key(&(row as u32), |(row, _)| *row)
        {
            return self.others[at].1.cell();
        }
        match &self.values {
            Kept::Moments(values) if values[row] != NEVER => Cell::Timestamp(values[row]),
            Kept::Numbers(values) if !values[row].is_nan() => Cell::Float(values[row]),
            Kept::Ints(values) => Cell::Int(values[row]),
            Kept::Bools(values) if values[row] != 2 => Cell::Bool(values[row] == 1),
            Kept::Decimals(values, scale) => Cell::Decimal(values[row], *scale),
            Kept::Texts(texts) if !texts.get(row).is_empty() => Cell::Text(texts.get(row)),
            Kept::Codes(codes, texts, file) if codes[row] != MISSING_CODE => {
                let text = texts.get(codes[row] as usize);
                if *file { Cell::TextFile(text) } else { Cell::Text(text) }
            }
            _ => Cell::Null,
        }
    }
}

/// The distinct texts of each column, through all batches of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pools(BTreeMap<String, Interner>);

impl Pools {
    /// The batch with every column as small as it gets. Its texts are in the pools until [`seal`](Self::seal).
    pub(crate) fn keep(&mut self, kind: RecordKind, batch: Table) -> Table {
        batch.map_columns(|name, column| Some(Column::Kept(self.column(kind, name, column)?)))
    }

    /// `None` where a column stays as it is.
    fn column(&mut self, kind: RecordKind, name: &str, column: &Column) -> Option<KeptColumn> {
        let known = columns_of(kind).iter().find(|known| known.name == name);
        let cells = (0..column.len()).map(|row| column.cell(row));
        let mut others = vec![];
        let mut other = |row: usize, cell: Cell<'_>| {
            if !matches!(cell, Cell::Null) {
                others.push((row as u32, cell.to_value()));
            }
        };
        let mut buffer = String::new();
        let values = match known.map(|known| known.column_type) {
            Some(ColumnType::Timestamp) => {
                let read = cells.enumerate().map(|(row, cell)| {
                    timestamp(cell).unwrap_or_else(|_| {
                        other(row, cell);
                        None
                    })
                });
                Kept::Moments(read.map(|moment| moment.unwrap_or(NEVER)).collect())
            }
            Some(ColumnType::Number) if !column.is_decimal() => {
                let read = cells.enumerate().map(|(row, cell)| {
                    number(cell).unwrap_or_else(|_| {
                        // A word for a number that is none is refused as that number, not as a word.
                        let spelled = match cell {
                            Cell::TextFile(text) => text.trim().parse().ok(),
                            _ => None,
                        };
                        other(row, spelled.map_or(cell, Cell::Float));
                        None
                    })
                });
                Kept::Numbers(read.map(|number| number.unwrap_or(f64::NAN)).collect())
            }
            // No two records have the same id, so that a pool of them would only cost.
            Some(ColumnType::Id) if name != "customer_id" && name != "tenant_id" => {
                let mut texts = Texts::default();
                for (row, cell) in cells.enumerate() {
                    let text = id(cell, &mut buffer).unwrap_or_else(|_| {
                        other(row, cell);
                        None
                    });
                    texts.push(text.unwrap_or_default());
                }
                Kept::Texts(texts)
            }
            Some(ColumnType::Id) => {
                let pool = self.0.entry(name.to_owned()).or_default();
                let read = cells.enumerate().map(|(row, cell)| match id(cell, &mut buffer) {
                    Ok(text) => text.map_or(MISSING_CODE, |text| pool.code(text)),
                    Err(_) => {
                        other(row, cell);
                        MISSING_CODE
                    }
                });
                Kept::Codes(read.collect(), Arc::default(), false)
            }
            Some(ColumnType::Text) if name == "kind" || is_text_attribute(kind, name) => {
                let pool = self.0.entry(name.to_owned()).or_default();
                let read = cells.enumerate().map(|(row, cell)| match text(cell, &mut buffer) {
                    Ok(text) => text.map_or(MISSING_CODE, |text| pool.code(text)),
                    Err(_) => {
                        other(row, cell);
                        MISSING_CODE
                    }
                });
                Kept::Codes(read.collect(), Arc::default(), false)
            }
            _ => self.plain(name, column, &mut other)?,
        };
        Some(KeptColumn { values, others })
    }

    /// A column whose type is decided when the table is complete: by the type of its first value.
    fn plain(&mut self, name: &str, column: &Column, other: &mut dyn FnMut(usize, Cell<'_>)) -> Option<Kept> {
        let cells = || (0..column.len()).map(|row| column.cell(row));
        let first = cells().find(|cell| !matches!(cell, Cell::Null))?;
        Some(match first {
            Cell::Text(_) | Cell::TextFile(_) => {
                let file = matches!(first, Cell::TextFile(_));
                let pool = self.0.entry(name.to_owned()).or_default();
                let read = cells().enumerate().map(|(row, cell)| match (cell, file) {
                    (Cell::Text(text), false) | (Cell::TextFile(text), true) => pool.code(text),
                    _ => {
                        other(row, cell);
                        MISSING_CODE
                    }
                });
                Kept::Codes(read.collect(), Arc::default(), file)
            }
            Cell::Bool(_) => {
                let read = cells().enumerate().map(|(row, cell)| match cell {
                    Cell::Bool(value) => u8::from(value),
                    _ => {
                        other(row, cell);
                        2
                    }
                });
                Kept::Bools(read.collect())
            }
            Cell::Float(_) => {
                let read = cells().enumerate().map(|(row, cell)| match cell {
                    Cell::Float(value) if !value.is_nan() => value,
                    _ => {
                        other(row, cell);
                        f64::NAN
                    }
                });
                Kept::Numbers(read.collect())
            }
            Cell::Timestamp(_) => {
                let read = cells().enumerate().map(|(row, cell)| match cell {
                    Cell::Timestamp(micros) if micros != NEVER => micros,
                    _ => {
                        other(row, cell);
                        NEVER
                    }
                });
                Kept::Moments(read.collect())
            }
            // Without a value that stands for none, only where there is one in every row.
            Cell::Int(_) => {
                let read = cells().map(|cell| match cell {
                    Cell::Int(value) => Some(value),
                    _ => None,
                });
                Kept::Ints(read.collect::<Option<_>>()?)
            }
            Cell::Decimal(_, scale) => {
                let read = cells().map(|cell| match cell {
                    Cell::Decimal(value, own) if own == scale => Some(value),
                    _ => None,
                });
                Kept::Decimals(read.collect::<Option<_>>()?, scale)
            }
            _ => return None,
        })
    }

    /// Hands the texts to the columns; the pools are done with.
    pub(crate) fn seal(self, batches: Vec<Table>) -> Vec<Table> {
        let pools = self
            .0
            .into_iter()
            .map(|(name, pool)| (name, Arc::new(pool.into_texts())));
        let pools: BTreeMap<String, Arc<Ids>> = pools.collect();
        let sealed = batches.into_iter().map(|batch| {
            batch.map_kept(|name, kept| {
                if let (Kept::Codes(_, texts, _), Some(pool)) = (&mut kept.values, pools.get(name)) {
                    *texts = pool.clone();
                }
            })
        });
        sealed.collect()
    }
}
