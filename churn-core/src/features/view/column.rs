//! Columns that features look up by name.

use crate::error::RecordKind;
use crate::features::view::Row;
use crate::record::{AttributeValues, MISSING_CODE, TenantRecords, TextColumn};

/// A column of a table. Only the values of visible rows can be read.
#[derive(Clone, Copy)]
pub(crate) struct ColumnView<'a>(Values<'a>);

#[derive(Clone, Copy)]
enum Values<'a> {
    Numbers(&'a [f64]),
    Texts(&'a TextColumn),
    Bools(&'a [u8]),
}

/// The type of values in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// The column has numbers, or bools, which are read as 0 and 1.
    Numbers,
    Texts,
    /// The column has only missing values, so it can be used as numbers and as texts.
    Nothing,
}

impl<'a> ColumnView<'a> {
    /// Finds a column by its name: an attribute, or the kind of an activity. `None` if there is no such column.
    pub(crate) fn find(records: &'a TenantRecords, table: RecordKind, name: &str) -> Option<Self> {
        let attribute = match table {
            RecordKind::Customers => records.customers.attribute(name),
            RecordKind::Activities if name == "kind" => {
                let kind = records.activities.as_ref()?.kind.as_ref()?;
                return Some(Self(Values::Texts(kind)));
            }
            _ => records.events(table)?.attribute(name),
        };
        Some(Self(match &attribute?.values {
            AttributeValues::Number(values) => Values::Numbers(values),
            AttributeValues::Text(values) => Values::Texts(values),
            AttributeValues::Bool(values) => Values::Bools(values),
        }))
    }

    /// Whether the column contains texts, even if all of them are missing.
    pub(crate) fn is_text(self) -> bool {
        matches!(self.0, Values::Texts(_))
    }

    pub(crate) fn holds(self) -> Holds {
        match self.0 {
            Values::Texts(text) if text.levels.len() > 0 => Holds::Texts,
            Values::Numbers(values) if values.iter().any(|value| !value.is_nan()) => Holds::Numbers,
            Values::Bools(values) if values.iter().any(|&value| value < 2) => Holds::Numbers,
            _ => Holds::Nothing,
        }
    }

    /// The number in a row. A bool gives 0 or 1. `None` if the value is missing or a text.
    pub(crate) fn number(self, row: Row) -> Option<f64> {
        match self.0 {
            Values::Numbers(values) => Some(values[row.position()]).filter(|value| !value.is_nan()),
            Values::Bools(values) => Some(values[row.position()]).filter(|&value| value < 2).map(f64::from),
            Values::Texts(_) => None,
        }
    }

    /// The text in a row, as a position among [`levels`](Self::levels); `None` if the value is missing or not a text.
    pub(crate) fn text(self, row: Row) -> Option<u32> {
        match self.0 {
            Values::Texts(text) => Some(text.codes[row.position()]).filter(|&code| code != MISSING_CODE),
            _ => None,
        }
    }

    /// A code for the value in a row. Equal values of the column have equal codes. `None` if the value is missing.
    pub(crate) fn code(self, row: Row) -> Option<i64> {
        match self.0 {
            Values::Texts(_) => self.text(row).map(i64::from),
            // Adding 0 maps -0 to 0.
            _ => self.number(row).map(|number| (number + 0.0).to_bits() as i64),
        }
    }

    /// All texts of the column, including texts of rows that are not visible. The code of a text is its position in
    /// this list. A feature matrix contains a text only if a visible row has this text.
    pub(crate) fn levels(self) -> impl Iterator<Item = &'a str> {
        let levels = match self.0 {
            Values::Texts(text) => Some(text.levels.iter()),
            _ => None,
        };
        levels.into_iter().flatten()
    }
}

/// Whether records have a column with this name.
pub(crate) fn has_column(records: &TenantRecords, table: RecordKind, name: &str) -> bool {
    ColumnView::find(records, table, name).is_some()
}
