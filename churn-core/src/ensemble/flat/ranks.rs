//! Scoring of large trees by ranks.
//!
//! Each value is looked up once among the sorted thresholds of its feature. Its 16-bit rank then decides every split on
//! that feature, so the trees are small in memory. A tree is scored in up to three parts:
//!
//! - The *top* consists of at most 63 splits, starting with the root. They are evaluated as masks of 256 rows, as in
//!   small trees. Each row ends in a *slot*.
//! - Below each slot is a subtree. If all subtrees are shallow and full enough, they are stored as *dense* trees: all
//!   have the same height, and the index of a child is computed instead of stored. The *upper* levels are stored level
//!   by level. Below them, each *bottom* holds the last two levels of splits with their leaves, in one cache line.
//! - If the subtrees are not dense, rows walk down node by node, several rows at a time.

use std::hint::select_unpredictable;

use super::plan::{BLOCK, Column, MOST_LEAVES, Step};
use super::simd::Kernel;
use super::{FlatTrees, Input, Node};

/// The rank of a missing value that goes right. It is the largest possible rank.
const MOST: u16 = u16::MAX;
/// Maximum number of thresholds of a feature, so that ranks of values stay below [`MOST`].
const MOST_THRESHOLDS: usize = MOST as usize - 1;
/// Number of rows that walk down a tree together, and number of values that are looked up together. Their cache misses
/// then overlap.
const LANES: usize = 8;
/// Subtrees higher than this are walked node by node.
const MOST_HEIGHT: u32 = 8;
/// Number of levels of splits in a [`Bottom`].
const BOTTOM_LEVELS: u32 = 2;
/// A dense subtree may have this many times as many positions as the tree has nodes.
const MOST_EMPTY: usize = 4;

/// The ranks of one column of a block of rows.
#[derive(Clone)]
#[repr(C, align(64))]
pub(super) struct RankColumn(pub(super) [u16; BLOCK]);

/// Number of rows whose ranks in one column fill a cache line.
const LINE: usize = 32;

/// The ranks of one column for [`LINE`] rows. The lines of all columns for the same rows are adjacent, so they stay in
/// the cache.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct RankLine(pub(super) [u16; LINE]);

/// The source of a column of ranks. A feature has two columns if some of its splits send missing values left and others
/// send them right.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ranks {
    feature: u32,
    missing_right: bool,
}

/// A split: its column, and the rank above which a row goes right. For a leaf, the rank is [`MOST`].
#[derive(Clone, Copy, Default)]
pub(super) struct RankSplit {
    pub(super) column: u16,
    pub(super) rank: u16,
}

/// A node.
#[derive(Clone, Copy)]
struct RankNode {
    split: RankSplit,
    /// The index of the left child among the nodes of all trees; the right child follows it. A leaf points to itself.
    left: u32,
}

/// The top of a tree, and the subtrees below it.
pub(super) struct Top {
    /// Step `i` evaluates split `i`.
    pub(super) steps: Vec<Step>,
    pub(super) splits: Vec<RankSplit>,
    /// The root of the subtree below each slot.
    below: [u32; MOST_LEAVES],
    /// The height of the highest subtree.
    height: u32,
    /// The indexes at which the upper levels and the bottoms of its subtrees start; `None` if the subtrees are not
    /// dense.
    dense: Option<(usize, usize)>,
}

/// The bottom of a dense subtree: two levels of splits and their leaves, in one cache line.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Bottom {
    /// The upper split, then its left and right child.
    splits: [RankSplit; 3],
    leaves: [f64; 4],
}

/// The trees of an ensemble, with ranks instead of thresholds.
pub(super) struct Ranked {
    /// The distinct thresholds of each feature, sorted.
    thresholds: Vec<Vec<f64>>,
    columns: Vec<Ranks>,
    nodes: Vec<RankNode>,
    /// The values of leaves, by node.
    values: Vec<f64>,
    roots: Vec<u32>,
    tops: Vec<Top>,
    /// The upper levels of dense subtrees, level by level across all subtrees of a tree. The children of position `p`
    /// of a level are at the positions `2 p` and `2 p + 1` of the next level.
    upper: Vec<RankSplit>,
    /// The bottoms of dense subtrees.
    bottoms: Vec<Bottom>,
}

impl Ranked {
    /// Converts an ensemble. Trees get tops only if there is a kernel that evaluates them. Returns `None` if the
    /// ensemble has category sets, or too many features, thresholds or nodes.
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
            // -0 and 0 count as one threshold.
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

    /// Appends a tree in breadth-first order, which keeps nodes that are visited together in the same cache lines.
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

    /// Creates the top of the last tree, and its dense subtrees if they fit.
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

    /// Appends the dense subtrees of a top.
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

    /// The children of a node. A leaf sends all rows left, to itself.
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

    /// Number of columns of ranks. It is at least 1, because leaves read a column too.
    pub(super) fn columns(&self) -> usize {
        self.columns.len().max(1)
    }

    /// The top of a tree; `None` if trees have no tops.
    pub(super) fn top(&self, tree: usize) -> Option<&Top> {
        self.tops.get(tree)
    }

    /// Ranks the values of some blocks of rows. `values` contains the columns of the first block, then those of the
    /// second, and so on. For each block, and within it for every [`LINE`] rows, the result contains the lines of all
    /// columns.
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

    /// Prefetches the bottoms of a tree in memory order, because rows will visit them in random order.
    pub(super) fn prefetch(&self, tree: usize) {
        if let Some(top) = self.tops.get(tree)
            && let Some((_, first)) = top.dense
        {
            let bottoms = &self.bottoms[first..][..top.slots() << (top.height - BOTTOM_LEVELS)];
            let lines = bottoms.iter().map(|bottom| bottom.splits[0].rank);
            std::hint::black_box(lines.fold(0, |sum, rank| sum ^ rank));
        }
    }

    /// Adds the leaf of one tree to the sum of each row of a block.
    pub(super) fn add(&self, tree: usize, ranks: &[RankLine], sums: &mut [f64; BLOCK]) {
        let (groups, _) = sums.as_chunks_mut::<LANES>();
        for (number, sums) in groups.iter_mut().enumerate() {
            self.walk(number * LANES, [self.roots[tree] as usize; LANES], ranks, sums);
        }
    }

    /// Adds the leaf of one tree to the sum of each row of a block, for rows that are in these slots of the top.
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

    /// Adds the leaves that the rows reach from these nodes; the first of the rows is `first`. Leaves point to
    /// themselves, so all rows take steps until no row moves.
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

/// Writes the number of thresholds below each value.
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

/// The number of sorted numbers below each value. The binary searches are interleaved, so that their cache misses
/// overlap.
fn below<const N: usize>(sorted: &[f64], values: [f64; N]) -> [usize; N] {
    let mut from = [0; N];
    let mut length = sorted.len();
    while length > 1 {
        let half = length / 2;
        for (from, value) in from.iter_mut().zip(values) {
            // This is not a branch, because half of the branches would be mispredicted.
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
    /// Number of slots.
    fn slots(&self) -> usize {
        self.steps.len() + 1
    }

    /// Chooses the top of the last tree, which begins at `root`. Nodes with the highest subtrees become part of the top
    /// first.
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
