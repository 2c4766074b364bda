//! Extra columns, growing row by row.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::RecordKind;
use crate::input::check::Row;
use crate::input::fields::{AttributeType, attribute_bool, attribute_number, attribute_text};
use crate::input::schema::is_attribute;
use crate::input::table::{Cell, Column, Table};
use crate::record::{Attribute, AttributeValues, Ids, MISSING_CODE, TextColumn};

/// Texts that repeat, each kept once.
#[derive(Default)]
pub(crate) struct TextValues {
    codes: Vec<u32>,
    known: HashMap<Box<str>, u32>,
}

impl TextValues {
    pub(crate) fn push(&mut self, text: Option<&str>) {
        let code = match text {
            None => MISSING_CODE,
            Some(text) => match self.known.get(text) {
                Some(&code) => code,
                None => {
                    let code = self.known.len() as u32;
                    self.known.insert(text.into(), code);
                    code
                }
            },
        };
        self.codes.push(code);
    }

    /// The chosen rows, in order; levels sorted by bytes, only those that are used.
    pub(crate) fn gather(&self, rows: &[u32]) -> TextColumn {
        let mut used = vec![false; self.known.len()];
        for &row in rows {
            if let Some(used) = used.get_mut(self.codes[row as usize] as usize) {
                *used = true;
            }
        }
        let mut levels: Vec<(&str, u32)> = self
            .known
            .iter()
            .map(|(text, &code)| (&**text, code))
            .filter(|&(_, code)| used[code as usize])
            .collect();
        levels.sort_unstable();
        let mut rank = vec![MISSING_CODE; self.known.len()];
        for (position, &(_, code)) in levels.iter().enumerate() {
            rank[code as usize] = position as u32;
        }
        let codes = rows
            .iter()
            .map(|&row| {
                rank.get(self.codes[row as usize] as usize)
                    .copied()
                    .unwrap_or(MISSING_CODE)
            })
            .collect();
        TextColumn {
            codes,
            levels: levels.iter().map(|(text, _)| text).collect::<Ids>(),
        }
    }
}

enum Values {
    Number(Vec<f64>),
    Text(TextValues),
    Bool(Vec<u8>),
}

/// The attribute columns of a table.
pub(crate) struct Attributes {
    columns: Vec<(Arc<str>, Values)>,
}

impl Attributes {
    /// Finds the attribute columns of all batches of a table, and their types.
    pub(crate) fn find(kind: RecordKind, batches: &[Table]) -> Self {
        let mut columns: Vec<(Arc<str>, Values)> = vec![];
        for batch in batches {
            for name in batch.column_names().filter(|name| is_attribute(kind, name)) {
                if columns.iter().any(|(known, _)| &**known == name) {
                    continue;
                }
                let values = match type_of(name, batches) {
                    AttributeType::Number => Values::Number(vec![]),
                    AttributeType::Text => Values::Text(TextValues::default()),
                    AttributeType::Bool => Values::Bool(vec![]),
                };
                columns.push((name.into(), values));
            }
        }
        Self { columns }
    }

    /// The columns of one batch, in the order of the attributes.
    pub(crate) fn columns_of<'a>(&self, batch: &'a Table) -> Vec<Option<&'a Column>> {
        self.columns.iter().map(|(name, _)| batch.column(name)).collect()
    }

    /// Looks for what is wrong with a row's attributes.
    pub(crate) fn check(&self, columns: &[Option<&Column>], position: usize, row: &mut Row<'_>) {
        for ((name, values), column) in self.columns.iter().zip(columns) {
            let cell = column.map_or(Cell::Null, |column| column.cell(position));
            match values {
                Values::Number(_) => row.field(name, attribute_number(cell)).is_some(),
                Values::Text(_) => row.field(name, attribute_text(cell)).is_some(),
                Values::Bool(_) => row.field(name, attribute_bool(cell)).is_some(),
            };
        }
    }

    /// Takes a row that was checked.
    pub(crate) fn push(&mut self, columns: &[Option<&Column>], position: usize) {
        for ((_, values), column) in self.columns.iter_mut().zip(columns) {
            let cell = column.map_or(Cell::Null, |column| column.cell(position));
            match values {
                Values::Number(numbers) => numbers.push(attribute_number(cell).ok().flatten().unwrap_or(f64::NAN)),
                Values::Text(texts) => texts.push(attribute_text(cell).ok().flatten().as_deref()),
                Values::Bool(bools) => bools.push(attribute_bool(cell).ok().flatten().map_or(2, u8::from)),
            }
        }
    }

    /// The chosen rows, in order.
    pub(crate) fn gather(self, rows: &[u32]) -> Vec<Attribute> {
        let gathered = self.columns.into_iter().map(|(name, values)| {
            let values = match values {
                Values::Number(numbers) => {
                    AttributeValues::Number(rows.iter().map(|&row| numbers[row as usize]).collect())
                }
                Values::Text(texts) => AttributeValues::Text(texts.gather(rows)),
                Values::Bool(bools) => AttributeValues::Bool(rows.iter().map(|&row| bools[row as usize]).collect()),
            };
            Attribute {
                name: name.to_string(),
                values,
            }
        });
        gathered.collect()
    }
}

/// The type of the first value; a text file's column is of the strictest type that all its values have.
fn type_of(name: &str, batches: &[Table]) -> AttributeType {
    let mut from_file: Option<AttributeType> = None;
    for batch in batches {
        let Some(column) = batch.column(name) else {
            continue;
        };
        for row in 0..batch.rows() {
            let cell = column.cell(batch.position(row));
            let Some(found) = AttributeType::of(cell) else {
                continue;
            };
            if !matches!(cell, Cell::TextFile(_)) {
                return found;
            }
            match from_file {
                Some(before) if before != found => return AttributeType::Text,
                _ if found == AttributeType::Text => return AttributeType::Text,
                _ => from_file = Some(found),
            }
        }
    }
    // A column without a value is a number that is missing everywhere.
    from_file.unwrap_or(AttributeType::Number)
}
