//! One node of a tree.

use serde::{Deserialize, Serialize};

use super::categories::Categories;

/// One node: 16 bytes, children side by side, both behind it.
///
/// A split sends a row left if its value is `<= threshold`, or, where the value is missing, if the node says so. A leaf is
/// its own child, so a walk may take any number of steps too many. A third kind, the split on a set of categories, sends those
/// in the set right; its number is the place of the set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Node {
    /// Of a split: its threshold, in `f64`. Of a leaf: its value.
    number: f64,
    /// The feature, and what the bits below say. Of a leaf: [`LEAF`].
    look: u32,
    /// Of a split: the left child, numbered within the tree; the right one follows it. Of a leaf: itself.
    left: u32,
}

/// Missing values go left.
const MISSING_LEFT: u32 = 1 << 31;
/// This is a leaf; it has no other bit.
const LEAF: u32 = 1 << 30;
/// The split asks for a set of categories.
const CATEGORIES: u32 = 1 << 29;
const FEATURE: u32 = CATEGORIES - 1;

/// An ensemble may look at fewer features than this.
pub(crate) const MOST_FEATURES: usize = FEATURE as usize;

impl Node {
    /// The leaf at a place of its tree.
    pub(crate) fn leaf(place: u32, value: f64) -> Self {
        Self {
            number: value,
            look: LEAF,
            left: place,
        }
    }

    /// A split; `left` is the place of the left child.
    pub(crate) fn split(feature: u32, threshold: f64, missing_left: bool, left: u32) -> Self {
        let missing = if missing_left { MISSING_LEFT } else { 0 };
        Self {
            number: threshold,
            look: feature & FEATURE | missing,
            left,
        }
    }

    /// A split on a set of categories, which is at place `set` of the ensemble's.
    pub(crate) fn split_on_set(feature: u32, set: u32, missing_left: bool, left: u32) -> Self {
        let mut node = Self::split(feature, f64::from(set), missing_left, left);
        node.look |= CATEGORIES;
        node
    }

    /// The place of the set that the node asks for, if it does.
    pub(crate) fn set(self) -> Option<usize> {
        (self.look & CATEGORIES != 0).then_some(self.number as usize)
    }

    /// Of a split: whether missing values go left.
    pub(crate) fn missing_left(self) -> bool {
        self.look & MISSING_LEFT != 0
    }

    pub(crate) fn is_leaf(self) -> bool {
        self.look & LEAF != 0
    }

    /// Of a leaf: its value. Of a split: its threshold.
    pub(crate) fn number(self) -> f64 {
        self.number
    }

    /// The feature of a split; 0 for a leaf.
    pub(crate) fn feature(self) -> usize {
        (self.look & FEATURE) as usize
    }

    /// The place of a split's left child.
    pub(crate) fn left(self) -> usize {
        self.left as usize
    }

    /// The place that a value goes to from a leaf, which is its own child, or a split at a threshold. No branch depends on
    /// the value.
    pub(crate) fn next(self, value: f64) -> usize {
        let missing = value.is_nan() & (self.look & MISSING_LEFT == 0);
        let right = ((value > self.number) | missing) & (self.look & LEAF == 0);
        self.left as usize + usize::from(right)
    }

    /// The place that a value goes to from a split on a set of categories.
    pub(crate) fn next_by_set(self, value: f64, set: &Categories) -> usize {
        self.left() + usize::from(set.sends_right(value, self.missing_left()))
    }

    /// Whether the node may stand at a place of a tree of this many nodes.
    pub(super) fn fits(self, place: usize, nodes: usize, features: usize, sets: usize) -> bool {
        if self.is_leaf() {
            self.look == LEAF && self.left as usize == place && self.number.is_finite()
        } else {
            let inside = self.left() > place && self.left() < nodes.saturating_sub(1);
            let set = self.set().is_none_or(|set| set < sets && set as f64 == self.number);
            inside && self.feature() < features && set && !self.number.is_nan()
        }
    }
}

#[cfg(test)]
impl Node {
    /// With another number, bits or child: damage for tests.
    pub(super) fn damaged(self, number: Option<f64>, look: Option<u32>, left: Option<u32>) -> Self {
        Self {
            number: number.unwrap_or(self.number),
            look: look.unwrap_or(self.look),
            left: left.unwrap_or(self.left),
        }
    }
}
