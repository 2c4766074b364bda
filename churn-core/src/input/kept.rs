//! Tables that are given batch by batch. A batch is parsed when it is added by
//! [`RecordsBuilder::push`](crate::RecordsBuilder::push), and is kept in compact form until the table is complete.
//!
//! A compact column returns the same values as the original column, but some values have another type: a timestamp that
//! was given as text becomes a timestamp, and an id that was given as an integer becomes a text. A value that cannot be
//! parsed is kept unchanged, so the report can describe it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::RecordKind;
use crate::input::fields::{id, number, text, timestamp};
use crate::input::interner::Interner;
use crate::input::schema::{ColumnType, columns_of, is_text_attribute};
use crate::input::table::{Cell, Data, Table, Texts, Value};
use crate::record::{Ids, MISSING_CODE, NEVER};

/// A column of a batch in compact form.
#[derive(Clone, Debug)]
pub(crate) struct KeptColumn {
    values: Kept,
    /// The values that could not be parsed. They are kept unchanged, each with its row, in ascending order of the rows.
    others: Vec<(u32, Value)>,
}

#[derive(Clone, Debug)]
enum Kept {
    /// Timestamps, with [`NEVER`] for a missing value.
    Moments(Vec<i64>),
    /// Numbers, with NaN for a missing value.
    Numbers(Vec<f64>),
    Ints(Vec<i64>),
    /// Bools as 0 or 1, with 2 for a missing value.
    Bools(Vec<u8>),
    /// Exact decimals as integers, and the number of decimal places that all of them have.
    Decimals(Vec<i128>, i8),
    /// Texts, with an empty text for a missing value.
    Texts(Texts),
    /// The first field contains the codes of texts, with [`MISSING_CODE`] for a missing value. The second field
    /// contains the distinct texts. The third field states whether the texts come from a text file.
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

/// For each text column, the distinct texts of all batches of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pools(BTreeMap<String, Interner>);

impl Pools {
    /// Returns the batch with its columns in compact form. The texts of the batch are added to the texts of earlier
    /// batches. [`seal`](Self::seal) later attaches them to the columns.
    pub(crate) fn keep(&mut self, kind: RecordKind, batch: Table) -> Table {
        batch.map_columns(|name, column| Some(Data::Kept(self.column(kind, name, column)?)))
    }

    /// The compact form of a column; `None` if the column is kept unchanged.
    fn column(&mut self, kind: RecordKind, name: &str, column: &Data) -> Option<KeptColumn> {
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
                        // A text that spells a non-finite number, such as `inf`, is kept as this number, so that it is
                        // reported as not finite.
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
            // A pool stores each distinct text once, so it saves memory only if texts repeat. Record ids usually do not
            // repeat, so they are not stored in a pool.
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

    /// The compact form of an attribute column; `None` if the column is kept unchanged. Values are not converted to the
    /// type of the attribute here, because this type is determined only when the table is complete.
    fn plain(&mut self, name: &str, column: &Data, other: &mut dyn FnMut(usize, Cell<'_>)) -> Option<Kept> {
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
            // `Kept::Ints` cannot represent a missing value. It is therefore used only if every row has an integer.
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

    /// Attaches the collected texts to the columns of all batches.
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
