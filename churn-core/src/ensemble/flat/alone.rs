//! Scoring of single rows by QuickScorer.
//!
//! QuickScorer does not walk down a tree; it masks out the leaves that a row cannot reach. At each split where the row
//! goes right, the leaves below the left child are removed. The first remaining leaf is the result. A row goes right at
//! the splits whose threshold is below the row's value. If the splits on a feature are sorted by threshold, these
//! splits are a prefix of the list.
//!
//! Reference: Lucchese et al., "QuickScorer: a fast algorithm to rank documents with additive ensembles of regression trees", SIGIR 2015.

use super::plan::MOST_LEAVES;
use super::{Categories, FlatTrees, Tree};

/// If trees have more nodes than this on average, walking down the trees is faster.
const MOST_NODES: usize = 80;

/// For each split: its tree, and the mask of the leaves that remain if a row goes right.
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

/// A split on a set of categories.
struct SetSplit {
    feature: usize,
    set: Categories,
    missing_left: bool,
    tree: u32,
    stay: u64,
}

/// An ensemble in the QuickScorer layout. Each tree has at most [`MOST_LEAVES`] leaves.
pub(super) struct Alone {
    /// For each feature, the index after its last split. The splits of the next feature begin there.
    ends: Vec<usize>,
    /// Thresholds, sorted within each feature.
    thresholds: Vec<f64>,
    by_threshold: Strikes,
    /// As `ends`, for the splits that send missing values right.
    missing_ends: Vec<usize>,
    by_missing: Strikes,
    sets: Vec<SetSplit>,
    /// The index of the first leaf of each tree.
    first_leaves: Vec<u32>,
    /// The values of leaves, from left to right.
    leaves: Vec<f64>,
}

impl Alone {
    /// Converts an ensemble; `None` if a tree has too many leaves, or if walking down the trees is faster.
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

    /// Appends the leaves and sets of a tree. Appends its splits to `splits`: feature, threshold, whether missing
    /// values go left, tree, and the mask of remaining leaves.
    fn push(&mut self, number: u32, tree: Tree<'_>, splits: &mut Vec<(usize, f64, bool, u32, u64)>) {
        let nodes = tree.nodes;
        // Children follow their parents, so a backward pass can count the leaves below each node, and a forward pass
        // can number them.
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

    /// The value of the leaf that a row reaches in each tree, in tree order.
    pub(super) fn leaves<'a>(&'a self, cells: &[f64]) -> impl Iterator<Item = f64> + 'a + use<'a> {
        // All searches are made before any mask is applied. They do not depend on each other, so their cache misses
        // overlap.
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
