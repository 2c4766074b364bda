//! Sets of categories that a node may ask for.

use serde::{Deserialize, Serialize};

/// The categories that go right; they are whole numbers from 0 on, and a value is cut off to one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Categories {
    /// One bit for each category.
    words: Vec<u64>,
    /// Smaller values are in no set.
    least: f64,
}

impl Categories {
    /// A set by its bits, of values that are at least `least`, which is above -1.
    pub(crate) fn new(words: Vec<u64>, least: f64) -> Self {
        Self { words, least }
    }

    /// Whether its values begin where they may.
    pub(super) fn is_valid(&self) -> bool {
        self.least > -1.0 && self.least <= 0.0
    }

    /// Whether a split on the set sends a value right; missing ones go where the split says.
    pub(super) fn sends_right(&self, value: f64, missing_left: bool) -> bool {
        match value.is_nan() {
            true => !missing_left,
            false => self.contains(value),
        }
    }

    /// Whether a value is in the set; NaN is not.
    pub(crate) fn contains(&self, value: f64) -> bool {
        // The comparison is false for NaN. What is too large for a word is cut to the largest, which no set reaches.
        value >= self.least && {
            let category = value as usize;
            let word = self.words.get(category / 64);
            word.is_some_and(|word| word >> (category % 64) & 1 == 1)
        }
    }
}
