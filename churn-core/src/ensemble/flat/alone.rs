//! Scoring of single rows by the QuickScorer algorithm.
//!
//! QuickScorer does not walk down a tree. It starts with the set of all leaves of a tree, represented as a bit mask
//! with one bit per leaf, and removes the leaves that a row cannot reach. If a row goes right at a split, it cannot
//! reach the leaves below the left child of the split. When this has been done for all splits of the tree, the leftmost
//! remaining leaf is the leaf that the row reaches.
//!
//! A row goes right at a split if its value is above the threshold. The splits on a feature are sorted by threshold.
//! The splits at which a row goes right therefore come before the splits at which it goes left.
//!
//! Reference: Lucchese et al., "QuickScorer: a fast algorithm to rank documents with additive ensembles of regression
//! trees", SIGIR 2015.

use super::plan::MOST_LEAVES;
use super::{Categories, FlatTrees, Tree};

/// Maximum mean number of nodes per tree for which QuickScorer is used. With more nodes, QuickScorer is slower than
/// walking down the trees.
const MOST_NODES: usize = 80;

/// A list of splits. For each split, the list holds the index of the tree that contains the split, and a bit mask of
/// the leaves of this tree that a row can still reach if it goes right at the split.
#[derive(Default)]
struct Strikes {
    trees: Vec<u32>,
    stay: Vec<u64>,
}

impl Strikes {
    fn push(&mut self, tree: u32, stay: u64) {
        self.trees.push(tree);
        self.stay.push(stay);
    }

    fn strike(&self, from: usize, to: usize, left: &mut [u64]) {
        for (&tree, stay) in self.trees[from..to].iter().zip(&self.stay[from..to]) {
            left[tree as usize] &= stay;
        }
    }
}

/// A split that sends a row right if the row's value is in a set of categories.
struct SetSplit {
    feature: usize,
    set: Categories,
    missing_left: bool,
    tree: u32,
    stay: u64,
}

/// An ensemble of trees in the layout of the QuickScorer algorithm. Each tree has at most [`MOST_LEAVES`] leaves.
pub(super) struct Alone {
    /// For each feature, the index in `thresholds` at which its splits end and the splits of the next feature begin.
    ends: Vec<usize>,
    /// The thresholds of all splits, grouped by feature and sorted within each feature.
    thresholds: Vec<f64>,
    by_threshold: Strikes,
    /// For each feature, the index in `by_missing` at which its splits end and the splits of the next feature begin.
    /// `by_missing` holds the splits that send missing values right.
    missing_ends: Vec<usize>,
    by_missing: Strikes,
    sets: Vec<SetSplit>,
    /// For each tree, the index of its first leaf in `leaves`.
    first_leaves: Vec<u32>,
    /// The leaf values of all trees. The leaves of a tree are ordered from left to right.
    leaves: Vec<f64>,
}

impl Alone {
    /// Converts an ensemble to the layout of QuickScorer. Returns `None` if a tree has more than [`MOST_LEAVES`]
    /// leaves, or if the trees are so large that walking down the trees is faster.
    pub(super) fn of(ensemble: &FlatTrees) -> Option<Self> {
        if u32::try_from(ensemble.nodes.len()).is_err() || ensemble.nodes.len() > MOST_NODES * ensemble.n_trees() {
            return None;
        }
        let mut splits = vec![];
        let mut alone = Self {
            ends: vec![],
            thresholds: vec![],
            by_threshold: Strikes::default(),
            missing_ends: vec![],
            by_missing: Strikes::default(),
            sets: vec![],
            first_leaves: Vec::with_capacity(ensemble.n_trees()),
            leaves: vec![],
        };
        for number in 0..ensemble.n_trees() {
            let tree = ensemble.tree(number);
            if tree.nodes.len() > 2 * MOST_LEAVES - 1 {
                return None;
            }
            alone.push(number as u32, tree, &mut splits);
        }
        splits.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.3.cmp(&b.3)));
        let mut splits = splits.into_iter().peekable();
        for feature in 0..ensemble.n_features() {
            while let Some((_, threshold, missing_left, tree, stay)) = splits.next_if(|split| split.0 == feature) {
                alone.thresholds.push(threshold);
                alone.by_threshold.push(tree, stay);
                if !missing_left {
                    alone.by_missing.push(tree, stay);
                }
            }
            alone.ends.push(alone.thresholds.len());
            alone.missing_ends.push(alone.by_missing.trees.len());
        }
        Some(alone)
    }

    /// Appends a tree: its leaves and its splits on category sets. The splits at thresholds are appended to `splits`.
    /// An element of `splits` holds the feature, the threshold, whether missing values go left, the index of the tree,
    /// and the mask of the leaves that a row can still reach if it goes right at the split.
    fn push(&mut self, number: u32, tree: Tree<'_>, splits: &mut Vec<(usize, f64, bool, u32, u64)>) {
        let nodes = tree.nodes;
        // Children come after their parents in the list of nodes. A backward pass can therefore count the leaves below
        // each node, and a forward pass can then number the leaves.
        let mut counts = vec![1u32; nodes.len()];
        for (place, node) in nodes.iter().enumerate().rev().filter(|(_, node)| !node.is_leaf()) {
            counts[place] = counts[node.left()] + counts[node.left() + 1];
        }
        let first = self.leaves.len();
        self.first_leaves.push(first as u32);
        self.leaves
            .resize(first + counts.first().map_or(0, |&count| count as usize), 0.0);
        let mut starts = vec![0u32; nodes.len()];
        for (place, node) in nodes.iter().enumerate() {
            let start = starts[place];
            if node.is_leaf() {
                self.leaves[first + start as usize] = node.number();
                continue;
            }
            let on_left = counts[node.left()];
            starts[node.left()] = start;
            starts[node.left() + 1] = start + on_left;
            let stay = !(((1u64 << on_left) - 1) << start);
            match node.set() {
                None => splits.push((node.feature(), node.number(), node.missing_left(), number, stay)),
                Some(set) => self.sets.push(SetSplit {
                    feature: node.feature(),
                    set: tree.categories[set].clone(),
                    missing_left: node.missing_left(),
                    tree: number,
                    stay,
                }),
            }
        }
    }

    /// For each tree in order, returns the value of the leaf that a row reaches. `cells` holds the values of the row.
    pub(super) fn leaves<'a>(&'a self, cells: &[f64]) -> impl Iterator<Item = f64> + 'a + use<'a> {
        // The thresholds of all features are searched before the first mask is applied. These searches do not depend on
        // each other, so the CPU can wait for several cache misses at the same time.
        let mut begin = 0;
        let below = self.ends.iter().zip(cells).map(|(&end, &value)| {
            let thresholds = &self.thresholds[std::mem::replace(&mut begin, end)..end];
            thresholds.partition_point(|&threshold| threshold < value)
        });
        let below: Vec<usize> = below.collect();
        let mut left = vec![u64::MAX; self.first_leaves.len()];
        let (mut begin, mut missing_begin) = (0, 0);
        for (feature, below) in below.into_iter().enumerate() {
            self.by_threshold.strike(begin, begin + below, &mut left);
            if cells[feature].is_nan() {
                self.by_missing
                    .strike(missing_begin, self.missing_ends[feature], &mut left);
            }
            (begin, missing_begin) = (self.ends[feature], self.missing_ends[feature]);
        }
        for split in &self.sets {
            if split.set.sends_right(cells[split.feature], split.missing_left) {
                left[split.tree as usize] &= split.stay;
            }
        }
        let first = |(&first, left): (&u32, u64)| self.leaves[first as usize + left.trailing_zeros() as usize];
        self.first_leaves.iter().zip(left).map(first)
    }
}
