//! Category sets, for splits that test whether a value is one of several categories.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The set of the categories that a split sends right. Categories are integers from 0. Other values are truncated to an
/// integer.
///
/// The bits are shared, so a clone costs no memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Categories {
    /// One bit for each category.
    words: Arc<[u64]>,
    /// Values below this number are not in the set.
    least: f64,
}

impl Categories {
    /// Creates a set from its bits. Values below `least` are not in the set; `least` must be above -1.
    pub(crate) fn new(words: impl Into<Arc<[u64]>>, least: f64) -> Self {
        Self {
            words: words.into(),
            least,
        }
    }

    /// Whether `least` lies in the valid range.
    pub(super) fn is_valid(&self) -> bool {
        self.least > -1.0 && self.least <= 0.0
    }

    /// Whether a split on the set sends a value right. Missing values go in the direction that the split states.
    pub(super) fn sends_right(&self, value: f64, missing_left: bool) -> bool {
        match value.is_nan() {
            true => !missing_left,
            false => self.contains(value),
        }
    }

    /// Whether a value is in the set; NaN is not.
    pub(crate) fn contains(&self, value: f64) -> bool {
        // The comparison is false for NaN. Values that are too large for an integer become the largest integer, which
        // is in no set.
        value >= self.least && {
            let category = value as usize;
            let word = self.words.get(category / 64);
            word.is_some_and(|word| word >> (category % 64) & 1 == 1)
        }
    }
}
