//! The one layout that all trees end in, and that scores them.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::numeric::sigmoid;
use crate::parallel::{Execution, Workers};

/// A number that trees can look at: `f32` or `f64`; both are compared as `f64`, exactly.
pub trait Input: Copy + Into<f64> + Send + Sync + 'static {}

impl Input for f32 {}
impl Input for f64 {}

/// One node: 32 bytes, children side by side.
///
/// A row goes left if its value is `<= threshold`, or, where the value is missing, if `missing_left`. A leaf has
/// itself as its child and no feature to look at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Node {
    /// Of a split: `x <= threshold` goes left. Of a leaf: its value.
    pub(crate) number: f64,
    /// Training weight that passed through.
    pub(crate) cover: f64,
    /// Of a split: its feature. Of a leaf: [`LEAF`].
    pub(crate) feature: u32,
    /// Of a split: the left child; the right one follows it.
    pub(crate) left: u32,
    pub(crate) missing_left: bool,
}

/// The feature of a leaf.
pub(crate) const LEAF: u32 = u32::MAX;

impl Node {
    pub(crate) fn leaf(value: f64, cover: f64) -> Self {
        Self {
            number: value,
            cover,
            feature: LEAF,
            left: 0,
            missing_left: false,
        }
    }

    pub(crate) fn is_leaf(&self) -> bool {
        self.feature == LEAF
    }

    /// The child that a value goes to.
    pub(crate) fn child(&self, value: f64) -> usize {
        let left = value <= self.number || value.is_nan() && self.missing_left;
        self.left as usize + usize::from(!left)
    }
}

/// An ensemble of trees whose leaves add up: `base` plus one leaf of each tree, in tree order, in `f64`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlatEnsemble {
    nodes: Vec<Node>,
    /// The root of each tree; its nodes end where the next tree begins.
    roots: Vec<u32>,
    base: f64,
    features: u32,
}

/// Rows scored at a time, tree by tree.
const BLOCK: usize = 256;

impl FlatEnsemble {
    /// An ensemble without trees, of this many features.
    pub(crate) fn new(base: f64, features: usize) -> Self {
        Self {
            nodes: vec![],
            roots: vec![],
            base,
            features: features as u32,
        }
    }

    /// Adds a tree; its nodes' children are numbered within it, root first.
    pub(crate) fn push(&mut self, tree: &[Node]) {
        let root = self.nodes.len() as u32;
        self.roots.push(root);
        self.nodes.extend(tree.iter().map(|node| Node {
            left: if node.is_leaf() { 0 } else { node.left + root },
            ..*node
        }));
    }

    /// Number of trees.
    pub fn trees(&self) -> usize {
        self.roots.len()
    }

    /// Number of features that a row must have.
    pub fn features(&self) -> usize {
        self.features as usize
    }

    /// What is added to the leaves.
    pub(crate) fn base(&self) -> f64 {
        self.base
    }

    /// Forgets all trees behind the first `trees`.
    pub(crate) fn truncate(&mut self, trees: usize) {
        if let Some(&root) = self.roots.get(trees) {
            self.nodes.truncate(root as usize);
            self.roots.truncate(trees);
        }
    }

    /// The nodes of a tree, children numbered within all nodes, and its root.
    pub(crate) fn tree(&self, tree: usize) -> (&[Node], usize) {
        (&self.nodes, self.roots[tree] as usize)
    }

    /// Whether every walk through the trees ends, within bounds, at a finite value.
    ///
    /// # Errors
    /// `artifact_damaged`.
    pub(crate) fn validate(&self) -> Result<()> {
        let damaged = |what: &str| {
            Err(Error::new(
                ErrorKind::ArtifactDamaged,
                format!("the ensemble is damaged: {what}"),
            ))
        };
        if !self.base.is_finite() {
            return damaged("its base is not a finite number");
        }
        let begins = self.roots.first().is_none_or(|&root| root == 0) && self.roots.is_sorted_by(|a, b| a < b);
        if !begins || self.roots.is_empty() != self.nodes.is_empty() {
            return damaged("its trees do not follow each other");
        }
        for (tree, &root) in self.roots.iter().enumerate() {
            let end = self.roots.get(tree + 1).map_or(self.nodes.len(), |&next| next as usize);
            if root as usize >= end || end > self.nodes.len() {
                return damaged("a tree has no nodes");
            }
            // Every node but the root is the child of exactly one node before it: the walk is a tree and ends.
            let mut parents = vec![0u8; end - root as usize];
            for position in root as usize..end {
                let node = &self.nodes[position];
                if !(node.cover.is_finite() && node.cover >= 0.0) || node.number.is_nan() {
                    return damaged("a node's number is not finite");
                }
                if node.is_leaf() {
                    if node.number.is_infinite() {
                        return damaged("a leaf's value is not finite");
                    }
                    continue;
                }
                let left = node.left as usize;
                if node.feature >= self.features || left <= position || left + 1 >= end {
                    return damaged("a node points outside its tree");
                }
                for child in [left, left + 1] {
                    let count = &mut parents[child - root as usize];
                    *count = count.saturating_add(1);
                }
            }
            if parents[0] != 0 || parents[1..].iter().any(|&count| count != 1) {
                return damaged("a node does not have exactly one parent");
            }
        }
        Ok(())
    }

    /// The log-odds of every row: the same bits whatever the number of threads and rows.
    pub(crate) fn log_odds<T: Input>(&self, x: ArrayView2<'_, T>, workers: &Workers) -> Result<Vec<f64>> {
        if x.ncols() != self.features() {
            let message = format!("the ensemble wants {} columns and got {}", self.features(), x.ncols());
            return Err(Error::new(ErrorKind::FeatureMismatch, message));
        }
        let mut sums = vec![self.base; x.nrows()];
        // A row without columns still has a cell to stand in.
        let columns = x.ncols().max(1);
        workers.chunks_mut(&mut sums, BLOCK * 4, |start, sums| {
            let mut block = vec![0.0f64; BLOCK * columns];
            for (number, sums) in sums.chunks_mut(BLOCK).enumerate() {
                let first = start + number * BLOCK;
                for (row, cells) in (first..first + sums.len()).zip(block.chunks_mut(columns)) {
                    for (cell, &value) in cells.iter_mut().zip(x.row(row)) {
                        *cell = value.into();
                    }
                }
                for &root in &self.roots {
                    for (sum, cells) in sums.iter_mut().zip(block.chunks(columns)) {
                        *sum += self.leaf(root, cells);
                    }
                }
            }
            Ok(())
        })?;
        Ok(sums)
    }

    /// Probability of churn of every row of rows x columns; NaN is missing.
    ///
    /// # Errors
    /// `feature_mismatch` if there are other columns than the ensemble was fitted on; `cancelled`.
    pub fn predict_proba<T: Input>(&self, x: ArrayView2<'_, T>, execution: &Execution) -> Result<Vec<f64>> {
        let log_odds = self.log_odds(x, &execution.workers()?)?;
        Ok(log_odds.into_iter().map(sigmoid).collect())
    }

    /// The last tree's leaf of every row.
    pub(crate) fn last_tree<T: Input>(&self, x: ArrayView2<'_, T>, workers: &Workers) -> Result<Vec<f64>> {
        let Some(&root) = self.roots.last() else {
            return Ok(vec![0.0; x.nrows()]);
        };
        let leaves = workers.map_chunks(x.nrows(), 1024, |rows| {
            let mut cells = vec![];
            let one = |row: usize| {
                cells.clear();
                cells.extend(x.row(row).iter().map(|&value| -> f64 { value.into() }));
                self.leaf(root, &cells)
            };
            Ok(rows.map(one).collect::<Vec<f64>>())
        })?;
        Ok(leaves.into_iter().flatten().collect())
    }

    fn leaf(&self, root: u32, cells: &[f64]) -> f64 {
        let mut node = &self.nodes[root as usize];
        while !node.is_leaf() {
            node = &self.nodes[node.child(cells[node.feature as usize])];
        }
        node.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stump() -> FlatEnsemble {
        let mut ensemble = FlatEnsemble::new(0.5, 1);
        let split = Node {
            number: 1.0,
            cover: 10.0,
            feature: 0,
            left: 1,
            missing_left: true,
        };
        ensemble.push(&[split, Node::leaf(-1.0, 4.0), Node::leaf(2.0, 6.0)]);
        ensemble.push(&[Node::leaf(0.25, 10.0)]);
        ensemble
    }

    #[test]
    fn rows_fall_to_their_leaves() {
        let x = ndarray::array![[1.0f32], [1.5], [f32::NAN], [f32::INFINITY]];
        assert_eq!(
            stump().log_odds(x.view(), &Workers::inline()).unwrap(),
            [-0.25, 2.75, -0.25, 2.75]
        );
        assert!(stump().validate().is_ok());
        assert_eq!(
            stump()
                .log_odds(ndarray::Array2::<f64>::zeros((1, 2)).view(), &Workers::inline())
                .unwrap_err()
                .code(),
            "feature_mismatch"
        );
    }

    #[test]
    fn what_could_loop_or_leave_is_damaged() {
        let broken = [
            |e: &mut FlatEnsemble| e.nodes[0].left = 0,
            |e: &mut FlatEnsemble| e.nodes[0].left = 2,
            |e: &mut FlatEnsemble| e.nodes[0].left = u32::MAX - 1,
            |e: &mut FlatEnsemble| e.nodes[0].feature = 1,
            |e: &mut FlatEnsemble| e.nodes[1].number = f64::NAN,
            |e: &mut FlatEnsemble| e.nodes[1].cover = -1.0,
            |e: &mut FlatEnsemble| e.roots[1] = 9,
            |e: &mut FlatEnsemble| e.roots[0] = 1,
            |e: &mut FlatEnsemble| e.roots.clear(),
            |e: &mut FlatEnsemble| e.base = f64::INFINITY,
            |e: &mut FlatEnsemble| e.nodes[0] = Node::leaf(1.0, 1.0),
        ];
        for (number, damage) in broken.iter().enumerate() {
            let mut ensemble = stump();
            damage(&mut ensemble);
            assert_eq!(ensemble.validate().unwrap_err().code(), "artifact_damaged", "{number}");
        }
    }
}
