//! Category sets, for splits that test whether a value is one of several categories.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A set of the categories that go right. Categories are integers from 0; a value is truncated to one.
///
/// The bits are shared, so a clone costs no memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Categories {
    /// One bit for each category.
    words: Arc<[u64]>,
    /// Values below this are in no set.
    least: f64,
}

impl Categories {
    /// Creates a set from its bits, for values of at least `least`, which must be above -1.
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
        // The comparison is false for NaN. Values too large for an integer saturate, and no set reaches that far.
        value >= self.least && {
            let category = value as usize;
            let word = self.words.get(category / 64);
            word.is_some_and(|word| word >> (category % 64) & 1 == 1)
        }
    }
}
