//! Scores large trees by comparing ranks instead of values.
//!
//! The rank of a value is the number of thresholds of its feature that are below the value. Each value is looked up
//! once among the sorted thresholds of its feature. The comparison of its 16-bit rank with the rank of a threshold then
//! decides every split on this feature. A rank takes a quarter of the memory of a threshold (`f64`), so more of a tree
//! fits into the cache. With a SIMD kernel, a tree is divided into a top and the subtrees below the top:
//!
//! - The *top* of a tree consists of at most 63 splits, beginning with the root. These splits are evaluated with bit
//!   masks. A bit mask has one bit for each of the 256 rows of a block (the module `plan` explains the method). Every
//!   row has then reached one of the nodes directly below the top (at most 64 nodes). The number of the reached node (0
//!   to 63) is the *slot* of the row.
//! - The node of each slot is the root of a subtree. If all subtrees of a tree are shallow and nearly complete, they
//!   are stored as *dense* trees. All dense trees below one top have the same height, and the index of a child is
//!   computed instead of stored. The last two levels of splits and their leaves form a *bottom*, which fits into one
//!   cache line. The levels above the bottom are the *upper* levels, which are stored level by level.
//! - If the subtrees are not stored as dense trees, rows walk down the subtrees node by node. Several rows walk at the
//!   same time.

use std::hint::select_unpredictable;

use super::plan::{BLOCK, Column, MOST_LEAVES, Step};
use super::simd::Kernel;
use super::{FlatTrees, Input, Node};

/// The rank that represents a missing value at splits that send missing values right. It is the largest 16-bit number,
/// so it is above the rank of every split.
const MOST: u16 = u16::MAX;
/// Maximum number of thresholds of a feature. With this limit, the rank of a value (the number of thresholds below it)
/// is less than [`MOST`], which represents a missing value.
const MOST_THRESHOLDS: usize = MOST as usize - 1;
/// Number of rows that walk down a tree together, and number of values that are looked up together, so that the CPU can
/// wait for several cache misses at the same time.
const LANES: usize = 8;
/// Maximum height of a subtree that is stored as a dense tree (a complete tree). In taller subtrees, rows walk down
/// node by node.
const MOST_HEIGHT: u32 = 8;
/// Number of levels of splits in a [`Bottom`] (the lowest part of a dense subtree).
const BOTTOM_LEVELS: u32 = 2;
/// A dense subtree has a position for every node of a complete tree, even if the node does not exist. All dense
/// subtrees of a tree may together have at most this many positions per node of the tree.
const MOST_EMPTY: usize = 4;

/// The ranks of one column for all rows of a block. The rank of a value is the number of thresholds below it.
#[derive(Clone)]
#[repr(C, align(64))]
pub(super) struct RankColumn(pub(super) [u16; BLOCK]);

/// Number of 16-bit ranks in a cache line of the CPU.
const LINE: usize = 32;

/// The ranks of [`LINE`] rows in one column, which fill one cache line. For each group of [`LINE`] rows, the lines of
/// all columns are adjacent in memory, so they stay in the cache while the rows walk down a tree.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct RankLine(pub(super) [u16; LINE]);

/// Describes a column of ranks: the feature whose values are ranked, and whether a missing value goes right. A feature
/// has two columns of ranks if some of its splits send missing values left and others send missing values right.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ranks {
    feature: u32,
    missing_right: bool,
}

/// A split of a tree. `column` is the index of a column of ranks. A row goes right if its rank in this column is
/// greater than `rank`. A leaf is stored as a split whose `rank` is [`MOST`], so no row goes right there.
#[derive(Clone, Copy, Default)]
pub(super) struct RankSplit {
    pub(super) column: u16,
    pub(super) rank: u16,
}

/// A node of a tree. Its split compares ranks instead of values.
#[derive(Clone, Copy)]
struct RankNode {
    split: RankSplit,
    /// The index of the left child among the nodes of all trees. The right child comes directly after the left child.
    /// For a leaf, `left` is the index of the leaf itself.
    left: u32,
}

/// The top of a tree (its first splits, beginning with the root), and the position of the subtrees below these splits.
pub(super) struct Top {
    /// The steps that divide the rows of a block among the slots (the nodes directly below the top). Step `i` evaluates
    /// the split `splits[i]`.
    pub(super) steps: Vec<Step>,
    pub(super) splits: Vec<RankSplit>,
    /// For each slot, the index of the node that is the root of the slot's subtree.
    below: [u32; MOST_LEAVES],
    /// The height of the tallest subtree below this top.
    height: u32,
    /// Where the dense subtrees (complete trees of the same height) below this top are stored. The first index is the
    /// beginning of their upper levels (all levels except the last two) in `Ranked::upper`. The second index is the
    /// beginning of their bottoms (the last two levels and the leaves) in `Ranked::bottoms`. `None` if the subtrees are
    /// not dense.
    dense: Option<(usize, usize)>,
}

/// The bottom of a dense subtree. It consists of two levels of splits (three splits) and the four leaves below them,
/// and takes one cache line.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Bottom {
    /// The upper split, the left child of the upper split, and the right child of the upper split.
    splits: [RankSplit; 3],
    leaves: [f64; 4],
}

/// The trees of an ensemble, with ranks instead of thresholds.
pub(super) struct Ranked {
    /// The distinct thresholds of each feature, in ascending order.
    thresholds: Vec<Vec<f64>>,
    columns: Vec<Ranks>,
    nodes: Vec<RankNode>,
    /// The value of each node that is a leaf. The entries of all other nodes have no meaning.
    values: Vec<f64>,
    roots: Vec<u32>,
    tops: Vec<Top>,
    /// The splits in the upper levels of all dense subtrees (all levels except the last two). The splits of a tree are
    /// stored level by level, and each level covers all subtrees of the tree. The children of position `p` of a level
    /// are at the positions `2 p` and `2 p + 1` of the next level.
    upper: Vec<RankSplit>,
    /// The bottoms (the last two levels of splits and their leaves) of all dense subtrees.
    bottoms: Vec<Bottom>,
}

impl Ranked {
    /// Converts an ensemble to trees with ranks. Tops (see the documentation of this module) are created only if
    /// `with_tops` is true, because only a SIMD kernel can evaluate tops. Returns `None` if the ensemble has category
    /// sets, or too many features, thresholds or nodes.
    pub(super) fn of(ensemble: &FlatTrees, with_tops: bool) -> Option<Self> {
        if !ensemble.categories.is_empty() || u32::try_from(ensemble.nodes.len()).is_err() {
            return None;
        }
        let mut thresholds = vec![vec![]; ensemble.n_features()];
        let mut columns = vec![];
        for node in ensemble.nodes.iter().filter(|node| !node.is_leaf()) {
            thresholds[node.feature()].push(node.number());
            columns.push(Ranks::of(node));
        }
        for sorted in &mut thresholds {
            sorted.sort_unstable_by(f64::total_cmp);
            // The thresholds -0 and 0 count as the same threshold, because every value compares equally with both.
            sorted.dedup_by(|a, b| a == b);
        }
        columns.sort_unstable();
        columns.dedup();
        if columns.len() > usize::from(u16::MAX) || thresholds.iter().any(|sorted| sorted.len() > MOST_THRESHOLDS) {
            return None;
        }
        let mut ranked = Self {
            thresholds,
            columns,
            nodes: Vec::with_capacity(ensemble.nodes.len()),
            values: Vec::with_capacity(ensemble.nodes.len()),
            roots: Vec::with_capacity(ensemble.n_trees()),
            tops: Vec::with_capacity(ensemble.n_trees()),
            upper: vec![],
            bottoms: vec![],
        };
        for tree in 0..ensemble.n_trees() {
            ranked.push(ensemble.tree(tree).nodes);
            if with_tops {
                ranked.push_top();
            }
        }
        Some(ranked)
    }

    /// Appends a tree in breadth-first order. Nodes that are visited together are then in the same cache lines.
    fn push(&mut self, tree: &[Node]) {
        let root = self.nodes.len();
        let mut order = vec![0];
        let mut next = 0;
        while let Some(&place) = order.get(next) {
            let node: Node = tree[place];
            self.values.push(node.number());
            let (split, left) = match node.is_leaf() {
                true => (RankSplit { column: 0, rank: MOST }, next),
                false => (self.split(node), order.len()),
            };
            let left = (root + left) as u32;
            self.nodes.push(RankNode { split, left });
            if !node.is_leaf() {
                order.extend([node.left(), node.left() + 1]);
            }
            next += 1;
        }
        self.roots.push(root as u32);
    }

    /// Creates the top (the first splits) of the last tree that was appended. Also creates the dense subtrees below the
    /// top, if they do not exceed the limits [`MOST_HEIGHT`] and [`MOST_EMPTY`].
    fn push_top(&mut self) {
        let Some(&root) = self.roots.last() else {
            return;
        };
        let mut top = Top::of(root, &self.nodes);
        let height = top.height.max(BOTTOM_LEVELS);
        let places = MOST_LEAVES << height.min(MOST_HEIGHT);
        if height <= MOST_HEIGHT && places <= MOST_EMPTY * (self.nodes.len() - root as usize) {
            top.height = height;
            top.dense = Some((self.upper.len(), self.bottoms.len()));
            self.push_dense(&top);
        }
        self.tops.push(top);
    }

    /// Appends the dense subtrees (complete trees of the same height) below the top of the last tree.
    fn push_dense(&mut self, top: &Top) {
        let mut level = top.below[..top.slots()].to_vec();
        for _ in BOTTOM_LEVELS..top.height {
            self.upper
                .extend(level.iter().map(|&node| self.nodes[node as usize].split));
            level = level.into_iter().flat_map(|node| self.below(node)).collect();
        }
        for node in level {
            let lower = self.below(node);
            let splits = [node, lower[0], lower[1]].map(|node| self.nodes[node as usize].split);
            let leaves = lower.map(|node| self.below(node).map(|leaf| self.values[leaf as usize]));
            let leaves = [leaves[0][0], leaves[0][1], leaves[1][0], leaves[1][1]];
            self.bottoms.push(Bottom { splits, leaves });
        }
    }

    /// Returns the left and the right child of a node. For a leaf, returns the leaf itself twice.
    fn below(&self, node: u32) -> [u32; 2] {
        let left = self.nodes[node as usize].left;
        [left, if left == node { node } else { left + 1 }]
    }

    fn split(&self, node: Node) -> RankSplit {
        let thresholds = &self.thresholds[node.feature()];
        let rank = thresholds.partition_point(|threshold| *threshold < node.number());
        let ranks = Ranks::of(&node);
        RankSplit {
            column: self.columns.partition_point(|column| *column < ranks) as u16,
            rank: rank as u16,
        }
    }

    /// The number of columns of ranks. It is at least 1, because the code reads a rank at every node, even at a leaf.
    pub(super) fn columns(&self) -> usize {
        self.columns.len().max(1)
    }

    /// Returns the top (the first splits) of a tree, or `None` if the trees were converted without tops.
    pub(super) fn top(&self, tree: usize) -> Option<&Top> {
        self.tops.get(tree)
    }

    /// Computes the rank of every value of `values` (the number of thresholds below the value). `values` contains all
    /// columns of the first block of rows, then all columns of the second block, and so on. The result contains the
    /// ranks of the first block, then those of the second block, and so on. Within a block, the rows are divided into
    /// groups of [`LINE`] rows. The result contains the ranks of the first group in all columns, then those of the
    /// second group in all columns, and so on.
    pub(super) fn rank<T: Input>(&self, kernel: Option<Kernel>, values: &[Column<T>], blocks: usize) -> Vec<RankLine> {
        let in_block = BLOCK / LINE * self.columns();
        let mut lines = vec![RankLine([0; LINE]); blocks * in_block];
        let mut ranks = vec![RankColumn([0; BLOCK]); blocks];
        for (number, &Ranks { feature, missing_right }) in self.columns.iter().enumerate() {
            let thresholds = self.thresholds[feature as usize].as_slice();
            let missing = if missing_right { MOST } else { 0 };
            let same_feature = number > 0 && self.columns[number - 1].feature == feature;
            let values = values[feature as usize..].iter().step_by(self.thresholds.len());
            for ((values, ranks), lines) in values.zip(&mut ranks).zip(lines.chunks_mut(in_block)) {
                if same_feature {
                    let cells = ranks.0.iter_mut().zip(&values.0);
                    (cells.filter(|(_, value)| is_nan(**value))).for_each(|(rank, _)| *rank = missing);
                } else if !kernel.is_some_and(|kernel| kernel.rank(thresholds, missing, values, ranks)) {
                    rank(thresholds, missing, values, ranks);
                }
                let lines = lines.iter_mut().skip(number).step_by(self.columns());
                lines
                    .zip(ranks.0.as_chunks().0)
                    .for_each(|(line, ranks)| line.0 = *ranks);
            }
        }
        lines
    }

    /// Prefetches the bottoms (the last two levels and the leaves) of a tree's dense subtrees into the cache, in memory
    /// order. Loading the bottoms in the order in which rows visit them would be slower.
    pub(super) fn prefetch(&self, tree: usize) {
        if let Some(top) = self.tops.get(tree)
            && let Some((_, first)) = top.dense
        {
            let bottoms = &self.bottoms[first..][..top.slots() << (top.height - BOTTOM_LEVELS)];
            let lines = bottoms.iter().map(|bottom| bottom.splits[0].rank);
            std::hint::black_box(lines.fold(0, |sum, rank| sum ^ rank));
        }
    }

    /// Increases the sum of each row of a block by the value of the leaf that the row reaches in one tree.
    pub(super) fn add(&self, tree: usize, ranks: &[RankLine], sums: &mut [f64; BLOCK]) {
        let (groups, _) = sums.as_chunks_mut::<LANES>();
        for (number, sums) in groups.iter_mut().enumerate() {
            self.walk(number * LANES, [self.roots[tree] as usize; LANES], ranks, sums);
        }
    }

    /// Increases the sum of each row of a block by the value of the leaf that the row reaches in one tree. `slots`
    /// contains the slot of each row: the number of the node directly below `top` that the row has reached.
    pub(super) fn add_below(&self, top: &Top, slots: &[u8; BLOCK], ranks: &[RankLine], sums: &mut [f64; BLOCK]) {
        let Some(dense) = top.dense else {
            let (slots, _) = slots.as_chunks::<LANES>();
            let (groups, _) = sums.as_chunks_mut::<LANES>();
            for (number, (sums, slots)) in groups.iter_mut().zip(slots).enumerate() {
                let places = slots.map(|slot| top.below[usize::from(slot) % MOST_LEAVES] as usize);
                self.walk(number * LANES, places, ranks, sums);
            }
            return;
        };
        let height = top.height - BOTTOM_LEVELS;
        let (upper, bottoms) = (&self.upper[dense.0..], &self.bottoms[dense.1..]);
        let bottoms = &bottoms[..top.slots() << height];
        let (slots, _) = slots.as_chunks::<LINE>();
        let (groups, _) = sums.as_chunks_mut::<LINE>();
        for ((sums, slots), lines) in groups.iter_mut().zip(slots).zip(ranks.chunks(self.columns())) {
            let right = |lane: usize, split: RankSplit| lines[usize::from(split.column)].0[lane] > split.rank;
            let mut places = slots.map(u32::from);
            let mut rest = upper;
            for level in 0..height {
                let (splits, others) = rest.split_at(top.slots() << level);
                for (lane, place) in places.iter_mut().enumerate() {
                    *place = 2 * *place + u32::from(right(lane, splits[*place as usize]));
                }
                rest = others;
            }
            for ((lane, sum), place) in sums.iter_mut().enumerate().zip(places) {
                let bottom = &bottoms[place as usize];
                let upper = usize::from(right(lane, bottom.splits[0]));
                let lower = usize::from(right(lane, bottom.splits[1 + upper]));
                *sum += bottom.leaves[2 * upper + lower];
            }
        }
    }

    /// Lets [`LANES`] rows walk down a tree, and increases the sum of each row by the value of the leaf that the row
    /// reaches. `first` is the index of the first row, and `places` contains the node from which each row starts. The
    /// child of a leaf is the leaf itself, so a row that has reached a leaf stays there. The loop ends when no row
    /// moves.
    fn walk(&self, first: usize, mut places: [usize; LANES], ranks: &[RankLine], sums: &mut [f64; LANES]) {
        let columns = self.columns();
        let (lines, first) = (&ranks[first / LINE * columns..][..columns], first % LINE);
        loop {
            let mut moved = 0;
            for (lane, place) in places.iter_mut().enumerate() {
                let RankNode { split, left } = self.nodes[*place];
                let rank = lines[usize::from(split.column)].0[first + lane];
                let next = left as usize + usize::from(rank > split.rank);
                moved |= next ^ *place;
                *place = next;
            }
            if moved == 0 {
                break;
            }
        }
        sums.iter_mut()
            .zip(places)
            .for_each(|(sum, place)| *sum += self.values[place]);
    }
}

fn is_nan<T: Input>(value: T) -> bool {
    let value: f64 = value.into();
    value.is_nan()
}

/// Writes the rank of each value (the number of thresholds below the value). A missing value gets the rank
/// `missing`.
fn rank<T: Input>(thresholds: &[f64], missing: u16, values: &Column<T>, ranks: &mut RankColumn) {
    let (values, _) = values.0.as_chunks::<LANES>();
    let (ranks, _) = ranks.0.as_chunks_mut::<LANES>();
    for (ranks, values) in ranks.iter_mut().zip(values) {
        let values = values.map(Into::into);
        let below = below(thresholds, values);
        *ranks = std::array::from_fn(|lane| {
            if values[lane].is_nan() {
                missing
            } else {
                below[lane] as u16
            }
        });
    }
}

/// For each value, returns how many of the numbers in `sorted` are below the value. The binary searches of the values
/// are interleaved, so that the CPU waits for several cache misses at the same time.
fn below<const N: usize>(sorted: &[f64], values: [f64; N]) -> [usize; N] {
    let mut from = [0; N];
    let mut length = sorted.len();
    while length > 1 {
        let half = length / 2;
        for (from, value) in from.iter_mut().zip(values) {
            // The code uses a conditional move instead of a branch, because the CPU would mispredict about half of the
            // branches.
            *from = select_unpredictable(sorted[*from + half - 1] < value, *from + half, *from);
        }
        length -= half;
    }
    if length == 1 {
        for (from, value) in from.iter_mut().zip(values) {
            *from += usize::from(sorted[*from] < value);
        }
    }
    from
}

impl Ranks {
    fn of(node: &Node) -> Self {
        Self {
            feature: node.feature() as u32,
            missing_right: !node.missing_left(),
        }
    }
}

impl Top {
    /// The number of slots, which is the number of nodes directly below the top.
    fn slots(&self) -> usize {
        self.steps.len() + 1
    }

    /// Chooses the splits that form the top of the last tree. `root` is the index of the tree's root in `nodes`. The
    /// top begins without splits. Each step adds one of the nodes directly below the top: the node with the tallest
    /// subtree.
    fn of(root: u32, nodes: &[RankNode]) -> Self {
        let first = root as usize;
        let mut heights = vec![0u32; nodes.len() - first];
        for place in (first..nodes.len()).rev() {
            let left = nodes[place].left as usize;
            if left != place {
                heights[place - first] = 1 + heights[left - first].max(heights[left + 1 - first]);
            }
        }
        let height = |slot: &u32| heights[*slot as usize - first];
        let mut top = Self {
            steps: vec![],
            splits: vec![],
            below: [root; MOST_LEAVES],
            height: 0,
            dense: None,
        };
        for taken in 1..MOST_LEAVES {
            let slots = top.below[..taken].iter().enumerate();
            let highest = slots.max_by_key(|(slot, place)| (height(place), std::cmp::Reverse(*slot)));
            let Some((slot, &place)) = highest.filter(|(_, place)| height(place) > 0) else {
                break;
            };
            let RankNode { split, left } = nodes[place as usize];
            top.steps.push(Step {
                question: top.splits.len() as u32,
                slot: slot as u32,
            });
            top.splits.push(split);
            (top.below[slot], top.below[taken]) = (left, left + 1);
        }
        top.height = top.below[..=top.steps.len()].iter().map(height).max().unwrap_or(0);
        top
    }
}
