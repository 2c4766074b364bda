//! The node of a tree. A node is a split or a leaf.

use serde::{Deserialize, Serialize};

use super::categories::Categories;

/// One node of a tree: a split or a leaf. A node takes 16 bytes. The two children of a node are adjacent and come after
/// the node.
///
/// A split at a threshold sends all values up to and including the threshold to the left child. A flag states to which
/// child missing values go. A split on a category set stores the index of the set in `number`, and sends the categories
/// in the set to the right child. A leaf is stored as its own child, so a walk down the tree stays at the leaf.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Node {
    /// For a split at a threshold, the threshold. For a split on a category set, the index of the set. For a leaf, the
    /// value of the leaf.
    number: f64,
    /// For a split, the index of its feature combined with the flags that are defined below. For a leaf, [`LEAF`].
    look: u32,
    /// The index of the left child within the tree. The right child comes directly after the left child. For a leaf,
    /// `left` is the index of the leaf itself.
    left: u32,
}

/// The flag of a split that sends missing values left.
const MISSING_LEFT: u32 = 1 << 31;
/// The flag of a leaf. A leaf has no other flags.
const LEAF: u32 = 1 << 30;
/// The flag of a split on a set of categories.
const CATEGORIES: u32 = 1 << 29;
const FEATURE: u32 = CATEGORIES - 1;

/// An ensemble must have fewer features than this number.
pub(crate) const MOST_FEATURES: usize = FEATURE as usize;

impl Node {
    /// Creates a leaf. `place` is the index of the leaf in its tree.
    pub(crate) fn leaf(place: u32, value: f64) -> Self {
        Self {
            number: value,
            look: LEAF,
            left: place,
        }
    }

    /// Creates a split at a threshold. `left` is the index of the left child.
    pub(crate) fn split(feature: u32, threshold: f64, missing_left: bool, left: u32) -> Self {
        let missing = if missing_left { MISSING_LEFT } else { 0 };
        Self {
            number: threshold,
            look: feature & FEATURE | missing,
            left,
        }
    }

    /// Creates a split on a category set. `set` is the index of the set in the ensemble.
    pub(crate) fn split_on_set(feature: u32, set: u32, missing_left: bool, left: u32) -> Self {
        let mut node = Self::split(feature, f64::from(set), missing_left, left);
        node.look |= CATEGORIES;
        node
    }

    /// The index of the node's category set in the ensemble, or `None` if the node does not split on a category set.
    pub(crate) fn set(self) -> Option<usize> {
        (self.look & CATEGORIES != 0).then_some(self.number as usize)
    }

    /// Whether a split sends missing values left.
    pub(crate) fn missing_left(self) -> bool {
        self.look & MISSING_LEFT != 0
    }

    pub(crate) fn is_leaf(self) -> bool {
        self.look & LEAF != 0
    }

    /// The value of a leaf, or the threshold of a split that is not categorical.
    pub(crate) fn number(self) -> f64 {
        self.number
    }

    /// The index of the feature that a split tests; 0 for a leaf.
    pub(crate) fn feature(self) -> usize {
        (self.look & FEATURE) as usize
    }

    /// The index of a split's left child within the tree.
    pub(crate) fn left(self) -> usize {
        self.left as usize
    }

    /// Returns the index of the node to which a split at a threshold sends `value`. For a leaf, returns the
    /// index of the leaf itself. The code has no branches that depend on the value.
    pub(crate) fn next(self, value: f64) -> usize {
        let missing = value.is_nan() & (self.look & MISSING_LEFT == 0);
        let right = ((value > self.number) | missing) & (self.look & LEAF == 0);
        self.left as usize + usize::from(right)
    }

    /// Returns the index of the node to which a split on the category set `set` sends `value`.
    pub(crate) fn next_by_set(self, value: f64, set: &Categories) -> usize {
        self.left() + usize::from(set.sends_right(value, self.missing_left()))
    }

    /// Returns whether the node is valid at index `place` of a tree. `nodes` is the number of nodes of the tree. The
    /// index of the node's feature must be less than `features`, and the index of its category set must be less than
    /// `sets`.
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
    /// Returns a copy of the node with another number, other flags or another child, for tests of damaged trees.
    pub(super) fn damaged(self, number: Option<f64>, look: Option<u32>, left: Option<u32>) -> Self {
        Self {
            number: number.unwrap_or(self.number),
            look: look.unwrap_or(self.look),
            left: left.unwrap_or(self.left),
        }
    }
}
