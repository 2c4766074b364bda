//! Category sets. A split on a category set tests whether a value is one of several categories.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The set of the categories that a split sends to the right child. Categories are integers from 0. A value that is not
/// an integer is truncated to an integer before it is looked up in the set.
///
/// All clones of a set share the memory of its bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Categories {
    /// One bit for each category. The bit is 1 if the category is in the set.
    words: Arc<[u64]>,
    /// The lower bound of the set. Values below this number are not in the set, even if they would be truncated to 0.
    least: f64,
}

impl Categories {
    /// Creates a set from its bits. Values below `least` are not in the set. `least` must be above -1 and at most 0.
    pub(crate) fn new(words: impl Into<Arc<[u64]>>, least: f64) -> Self {
        Self {
            words: words.into(),
            least,
        }
    }

    /// Whether `least` (the smallest number that can be in the set) is above -1 and at most 0.
    pub(super) fn is_valid(&self) -> bool {
        self.least > -1.0 && self.least <= 0.0
    }

    /// Returns whether a split on the set sends a value right. `missing_left` states whether the split sends missing
    /// values left.
    pub(super) fn sends_right(&self, value: f64, missing_left: bool) -> bool {
        match value.is_nan() {
            true => !missing_left,
            false => self.contains(value),
        }
    }

    /// Returns whether a value is in the set. NaN is in no set.
    pub(crate) fn contains(&self, value: f64) -> bool {
        // The comparison is false for NaN. A value that is too large for an integer is converted to the largest
        // integer, which is in no set.
        value >= self.least && {
            let category = value as usize;
            let word = self.words.get(category / 64);
            word.is_some_and(|word| word >> (category % 64) & 1 == 1)
        }
    }
}
