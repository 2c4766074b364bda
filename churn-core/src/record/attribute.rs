//! Extra columns. They keep their type and are never dropped.

use crate::record::Ids;

/// The code of a missing text.
pub(crate) const MISSING_CODE: u32 = u32::MAX;

/// A text column with repeated values, dictionary-encoded: one code per row into the levels, [`MISSING_CODE`] for a
/// missing value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TextColumn {
    pub(crate) codes: Vec<u32>,
    /// Sorted by bytes; each level is used by at least one row.
    pub(crate) levels: Ids,
}

/// The values of an attribute, one per row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AttributeValues {
    /// NaN if missing; never infinite.
    Number(Vec<f64>),
    Text(TextColumn),
    /// 0 or 1; 2 if missing.
    Bool(Vec<u8>),
}

/// An extra column with the name that the caller gave it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) values: AttributeValues,
}

impl Attribute {
    /// Whether the row has a value.
    pub(crate) fn has_value(&self, row: usize) -> bool {
        match &self.values {
            AttributeValues::Number(values) => !values[row].is_nan(),
            AttributeValues::Text(text) => text.codes[row] != MISSING_CODE,
            AttributeValues::Bool(values) => values[row] < 2,
        }
    }
}

/// Attribute names that are reserved because a computed feature has the resulting name, such as `customer_tenure_days`.
const RESERVED: [&str; 6] = [
    "tenure_days",
    "days_to_renewal",
    "days_since_change",
    "earlier_spells",
    "days_since_last_end",
    "days_since_first_sign_up",
];

/// Whether the name of an attribute of customers is reserved.
pub(crate) fn is_reserved(attribute: &str) -> bool {
    RESERVED.contains(&attribute)
}
