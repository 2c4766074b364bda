//! Converts a tree of another library to the flat layout, in which this crate stores and scores trees.

use std::collections::VecDeque;

use super::super::flat::{Categories, FlatTrees, Node};

/// One node of an imported tree. `left` and `right` are the indexes of its children in the list of the tree's nodes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// A leaf with its value.
    Leaf(f64),
    /// A split at a threshold. Values that are at most the threshold go left.
    Split {
        feature: i64,
        threshold: f64,
        missing_left: bool,
        left: i64,
        right: i64,
    },
    /// A split on a category set. Values in the set go right. `set` is an index into the sets of the tree, and several
    /// splits may use the same set.
    Set {
        feature: i64,
        set: usize,
        missing_left: bool,
        left: i64,
        right: i64,
    },
}

/// An imported tree. The first node is the root. Nodes that cannot be reached from the root are ignored.
pub(super) struct TreeLayout {
    pub(super) parts: Vec<Part>,
    pub(super) sets: Vec<Categories>,
    /// For each node, the sum of the weights of the training rows that reached it.
    pub(super) covers: Vec<f64>,
}

impl TreeLayout {
    /// Appends the tree to an ensemble in the flat layout, in which the two children of a node are adjacent and come
    /// after the node.
    pub(super) fn lay_out(&self, ensemble: &mut FlatTrees) -> Result<(), String> {
        // For each category set of this tree, the index of the set in the ensemble. The index is `None` as long as no
        // split has used the set.
        let mut pushed: Vec<Option<u32>> = vec![None; self.sets.len()];
        let (mut nodes, mut covers) = (vec![Node::leaf(0, 0.0)], vec![0.0]);
        let mut seen = vec![false; self.parts.len()];
        let mut open = VecDeque::from([(0usize, 0usize)]);
        while let Some((read, place)) = open.pop_front() {
            let (Some(part), Some(&cover)) = (self.parts.get(read), self.covers.get(read)) else {
                return Err("a node has a child outside the tree".into());
            };
            if std::mem::replace(&mut seen[read], true) {
                return Err(format!("node {read} has two parents"));
            }
            covers[place] = cover;
            let next = u32::try_from(nodes.len()).map_err(|_| "it has too many nodes")?;
            let feature_of = |feature: i64| match u32::try_from(feature) {
                Ok(number) if (number as usize) < ensemble.n_features() => Ok(number),
                _ => Err(format!("node {read} splits on column {feature}, which does not exist")),
            };
            let (left, right) = match *part {
                Part::Leaf(value) => {
                    nodes[place] = Node::leaf(place as u32, value);
                    continue;
                }
                Part::Split {
                    feature,
                    threshold,
                    missing_left,
                    left,
                    right,
                } => {
                    nodes[place] = Node::split(feature_of(feature)?, threshold, missing_left, next);
                    (left, right)
                }
                Part::Set {
                    feature,
                    set,
                    missing_left,
                    left,
                    right,
                } => {
                    let feature = feature_of(feature)?;
                    let (Some(bits), Some(number)) = (self.sets.get(set), pushed.get_mut(set)) else {
                        return Err(format!(
                            "node {read} uses set {set} of categories, which does not exist"
                        ));
                    };
                    let set = *number.get_or_insert_with(|| ensemble.push_set(bits.clone()));
                    nodes[place] = Node::split_on_set(feature, set, missing_left, next);
                    (left, right)
                }
            };
            for (child, to) in [(left, nodes.len()), (right, nodes.len() + 1)] {
                let child = usize::try_from(child).map_err(|_| format!("node {read} has one child"))?;
                open.push_back((child, to));
            }
            nodes.extend([Node::leaf(0, 0.0); 2]);
            covers.extend([0.0; 2]);
        }
        ensemble.push(&nodes, &covers);
        Ok(())
    }
}

/// Returns the largest `f64` that, after rounding to `f32`, is at most `threshold`.
pub(super) fn up_to_rounded(threshold: f64) -> f64 {
    let rounded = threshold as f32;
    let at_most = if f64::from(rounded) > threshold {
        rounded.next_down()
    } else {
        rounded
    };
    if !at_most.is_finite() {
        // The threshold is infinite, or lies below the range of `f32`. Such a threshold sends all numbers to one side,
        // except numbers that become infinite when they are rounded to `f32`.
        return if at_most == f32::NEG_INFINITY {
            -largest_that_rounds()
        } else {
            threshold
        };
    }
    let next = at_most.next_up();
    if next == f32::INFINITY {
        return largest_that_rounds();
    }
    // The mean of the two adjacent `f32` numbers is exact in `f64`. If this mean is rounded to `f32`, the result is the
    // neighbour that has 0 as its last bit.
    let mean = f64::midpoint(f64::from(at_most), f64::from(next));
    if at_most.to_bits() & 1 == 0 {
        mean
    } else {
        mean.next_down()
    }
}

/// Returns the largest `f64` that rounds to a finite `f32`. Numbers that are smaller than the negative of this number
/// round to minus infinity.
fn largest_that_rounds() -> f64 {
    let half_step = 2.0f64.powi(103);
    (f64::from(f32::MAX) + half_step).next_down()
}
