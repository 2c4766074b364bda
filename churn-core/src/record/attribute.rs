//! Extra columns. They keep their type and are never dropped.

use crate::record::Ids;

/// The code of a missing text.
pub(crate) const MISSING_CODE: u32 = u32::MAX;

/// Texts that repeat: a code per row into the levels, [`MISSING_CODE`] where there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TextColumn {
    pub(crate) codes: Vec<u32>,
    /// Sorted by bytes, each used by at least one row.
    pub(crate) levels: Ids,
}

/// The values of an attribute, one per row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AttributeValues {
    /// NaN where missing; never infinite.
    Number(Vec<f64>),
    Text(TextColumn),
    /// 0, 1, or 2 where missing.
    Bool(Vec<u8>),
}

/// An extra column with its name as the caller gave it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) values: AttributeValues,
}

impl Attribute {
    /// Whether a row has a value.
    pub(crate) fn has_value(&self, row: usize) -> bool {
        match &self.values {
            AttributeValues::Number(values) => !values[row].is_nan(),
            AttributeValues::Text(text) => text.codes[row] != MISSING_CODE,
            AttributeValues::Bool(values) => values[row] < 2,
        }
    }
}

/// Attribute names whose features would be named like ones that are computed: `customer_tenure_days` and its like.
const RESERVED: [&str; 6] = [
    "tenure_days",
    "days_to_renewal",
    "days_since_change",
    "earlier_spells",
    "days_since_last_end",
    "days_since_first_sign_up",
];

/// Whether an attribute of customers cannot become a feature under its own name.
pub(crate) fn is_reserved(attribute: &str) -> bool {
    RESERVED.contains(&attribute)
}
