//! Extra columns. Each keeps its type and is never dropped.

use crate::record::Ids;

/// The code of a missing text.
pub(crate) const MISSING_CODE: u32 = u32::MAX;

/// A dictionary-encoded text column, for texts that occur often. Each row has a code, which is a position in the
/// levels, or [`MISSING_CODE`] for a missing value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TextColumn {
    pub(crate) codes: Vec<u32>,
    /// The distinct texts, sorted by bytes. Each level is used by at least one row.
    pub(crate) levels: Ids,
}

/// The values of an attribute, one per row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AttributeValues {
    /// Numbers, with NaN for a missing value. They are never infinite.
    Number(Vec<f64>),
    Text(TextColumn),
    /// Bools as 0 or 1, with 2 for a missing value.
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

/// Reserved attribute names. The feature of such an attribute would have the name of a computed feature, such as
/// `customer_tenure_days`.
/// `customer_tenure_days`.
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
