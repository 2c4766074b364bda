//! Attributes: the columns of a table that are not built into the library. The values of an attribute are numbers,
//! texts or bools.

use crate::record::Ids;

/// The code that is stored in a row whose text is missing.
pub(crate) const MISSING_CODE: u32 = u32::MAX;

/// A dictionary-encoded text column, which stores every distinct text (level) once. Each row has a code. The code is
/// the position of the row's text in the levels, or [`MISSING_CODE`] if the text is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TextColumn {
    pub(crate) codes: Vec<u32>,
    /// The distinct texts, sorted by bytes. Each level is used by at least one row.
    pub(crate) levels: Ids,
}

/// The values of an attribute, one per row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AttributeValues {
    /// Finite numbers, with NaN for a missing value.
    Number(Vec<f64>),
    Text(TextColumn),
    /// Bools as 0 or 1, with 2 for a missing value.
    Bool(Vec<u8>),
}

/// An attribute: the name that its column has in the input, and its values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) values: AttributeValues,
}

impl Attribute {
    /// Whether this attribute has a value in a row.
    pub(crate) fn has_value(&self, row: usize) -> bool {
        match &self.values {
            AttributeValues::Number(values) => !values[row].is_nan(),
            AttributeValues::Text(text) => text.codes[row] != MISSING_CODE,
            AttributeValues::Bool(values) => values[row] < 2,
        }
    }
}

/// Names of customer attributes that are never used as features. The feature of such an attribute would have the same
/// name as a feature that the library computes. For example, the attribute `tenure_days` would become the feature
/// `customer_tenure_days`.
const RESERVED: [&str; 6] = [
    "tenure_days",
    "days_to_renewal",
    "days_since_change",
    "earlier_spells",
    "days_since_last_end",
    "days_since_first_sign_up",
];

/// Whether a name is reserved. A customer attribute with a reserved name does not become a feature.
pub(crate) fn is_reserved(attribute: &str) -> bool {
    RESERVED.contains(&attribute)
}
