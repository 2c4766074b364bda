//! Compares rows of one table by all their values.

use std::cmp::Ordering;

use crate::input::texts::TextDraft;

/// The values of a column that has already been read, in the order of the input.
pub(crate) enum Values<'a> {
    Moments(&'a [i64]),
    Numbers(&'a [f64]),
    Texts(&'a TextDraft),
    Bools(&'a [u8]),
    /// A function that returns an integer code for the value in each row. Rows are compared by these codes.
    Codes(Box<dyn Fn(usize) -> u8 + Sync + 'a>),
}

impl Values<'_> {
    /// Compares the values of two rows in this column. Missing texts come first, and missing numbers come last.
    pub(crate) fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            Self::Moments(values) => values[a].cmp(&values[b]),
            Self::Numbers(values) => values[a].total_cmp(&values[b]),
            Self::Texts(texts) => texts.get(a).cmp(&texts.get(b)),
            Self::Bools(values) => values[a].cmp(&values[b]),
            Self::Codes(code) => code(a).cmp(&code(b)),
        }
    }
}

/// Compares two rows by their values in the first column, then by those in the second column, and so on.
pub(crate) fn compare(columns: &[Values<'_>], a: u32, b: u32) -> Ordering {
    let orders = columns.iter().map(|column| column.compare(a as usize, b as usize));
    orders.fold(Ordering::Equal, Ordering::then)
}
