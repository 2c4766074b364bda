//! Reads extra columns as attributes: numbers, texts or bools.

use crate::error::Result;
use crate::input::content::Values;
use crate::input::fields::{AttributeType, attribute_bool, attribute_number, attribute_text, text};
use crate::input::order::gather;
use crate::input::reader::TableReader;
use crate::input::schema::{is_attribute, is_text_attribute};
use crate::input::table::Cell;
use crate::input::texts::TextDraft;
use crate::parallel::Workers;
use crate::record::{Attribute, AttributeValues};

enum Draft {
    Number(Vec<f64>),
    Text(TextDraft),
    Bool(Vec<u8>),
}

/// The attribute columns of a table, in the order of the input.
pub(crate) struct AttributeDrafts(Vec<(String, Draft)>);

impl AttributeDrafts {
    /// Finds the attribute columns of all batches, determines their types and reads them.
    pub(crate) fn read(reader: &mut TableReader<'_>) -> Result<Self> {
        let mut drafts = vec![];
        let names: Vec<_> = reader
            .names()
            .iter()
            .filter(|name| is_attribute(reader.kind(), name))
            .cloned()
            .collect();
        for name in names {
            let draft = if is_text_attribute(reader.kind(), &name) {
                Draft::Text(reader.texts(&name, text)?)
            } else {
                match type_of(&name, reader)? {
                    AttributeType::Number => Draft::Number(reader.values(&name, f64::NAN, attribute_number)?),
                    AttributeType::Text => Draft::Text(reader.texts(&name, attribute_text)?),
                    AttributeType::Bool => Draft::Bool(reader.values(&name, 2, attribute_bool)?),
                }
            };
            drafts.push((name.to_string(), draft));
        }
        Ok(Self(drafts))
    }

    /// The values of the attribute columns, sorted by column name.
    pub(crate) fn values(&self) -> Vec<Values<'_>> {
        let mut columns: Vec<&(String, Draft)> = self.0.iter().collect();
        columns.sort_by_key(|(name, _)| name);
        let values = columns.into_iter().map(|(_, draft)| match draft {
            Draft::Number(numbers) => Values::Numbers(numbers),
            Draft::Text(texts) => Values::Texts(texts),
            Draft::Bool(bools) => Values::Bools(bools),
        });
        values.collect()
    }

    /// Copies the given rows of every attribute column, in the given order. Each source column is freed as soon as it
    /// has been copied.
    pub(crate) fn gather(self, rows: &[u32], workers: &Workers) -> Result<Vec<Attribute>> {
        let gathered = self.0.into_iter().map(|(name, draft)| {
            let values = match draft {
                Draft::Number(numbers) => AttributeValues::Number(gather(&numbers, rows, workers)?),
                Draft::Text(texts) => AttributeValues::Text(texts.gather(rows, workers)?),
                Draft::Bool(bools) => AttributeValues::Bool(gather(&bools, rows, workers)?),
            };
            Ok(Attribute { name, values })
        });
        gathered.collect()
    }
}

/// The type of an attribute column. It is the type of the first value. If the values come from a text file such as CSV,
/// the type is number if all values are numbers, bool if all values are bools, and text otherwise.
fn type_of(name: &str, reader: &TableReader<'_>) -> Result<AttributeType> {
    let mut from_file: Option<AttributeType> = None;
    for batch in reader.batches() {
        let Some(column) = batch.column(name) else {
            continue;
        };
        for row in 0..batch.n_rows() {
            if row % 65_536 == 0 {
                reader.workers.check()?;
            }
            let cell = column.cell(batch.position(row));
            let Some(found) = AttributeType::of(cell) else {
                continue;
            };
            if !matches!(cell, Cell::TextFile(_)) {
                return Ok(from_file.unwrap_or(found));
            }
            match from_file {
                _ if found == AttributeType::Text => return Ok(found),
                Some(before) if before != found => return Ok(AttributeType::Text),
                _ => from_file = Some(found),
            }
        }
    }
    // A column without values is a number column in which every value is missing.
    Ok(from_file.unwrap_or(AttributeType::Number))
}
