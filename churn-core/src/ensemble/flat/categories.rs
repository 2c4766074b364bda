//! Sets of categories, for splits that ask whether a value is one of several.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The categories that go right. Categories are whole numbers from 0 on; a value is truncated to one.
///
/// The bits are shared: a clone costs no memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Categories {
    /// One bit for each category.
    words: Arc<[u64]>,
    /// Smaller values are in no set.
    least: f64,
}

impl Categories {
    /// A set from its bits, for values of at least `least`, which is above -1.
    pub(crate) fn new(words: impl Into<Arc<[u64]>>, least: f64) -> Self {
        Self {
            words: words.into(),
            least,
        }
    }

    /// Whether the smallest value lies in the valid range.
    pub(super) fn is_valid(&self) -> bool {
        self.least > -1.0 && self.least <= 0.0
    }

    /// Whether a split on the set sends a value right. Missing values go where the split sends them.
    pub(super) fn sends_right(&self, value: f64, missing_left: bool) -> bool {
        match value.is_nan() {
            true => !missing_left,
            false => self.contains(value),
        }
    }

    /// Whether a value is in the set; NaN is not.
    pub(crate) fn contains(&self, value: f64) -> bool {
        // The comparison is false for NaN. Values too large for an integer saturate, and no set reaches that far.
        value >= self.least && {
            let category = value as usize;
            let word = self.words.get(category / 64);
            word.is_some_and(|word| word >> (category % 64) & 1 == 1)
        }
    }
}
