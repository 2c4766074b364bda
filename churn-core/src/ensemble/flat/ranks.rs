//! Large trees, over ranks: each value is looked up once among the thresholds of its feature, and all that the trees then
//! touch is small. The crown of each tree, its first splits, is done by masks as small trees are; what hangs below is walked
//! down, a few rows side by side.

use std::hint::select_unpredictable;

use super::plan::{BLOCK, Column, MOST_LEAVES, Step};
use super::simd::Kernel;
use super::{FlatTrees, Input, Node};

/// The rank of a missing value that goes right, and what no rank is above.
const MOST: u16 = u16::MAX;
/// A feature may have so many thresholds: its ranks are below [`MOST`].
const MOST_THRESHOLDS: usize = MOST as usize - 1;
/// Rows that walk down a tree, or values that are looked up, side by side.
const ABREAST: usize = 8;
/// What is higher than this below a crown is walked down node by node.
const MOST_HEIGHT: u32 = 8;
/// Levels of a twig.
const TWIG: u32 = 2;
/// A bush may have so many times as many places as there are nodes in it, on average.
const MOST_EMPTY: usize = 4;

/// The ranks of one column of a block of rows.
#[derive(Clone)]
#[repr(C, align(64))]
pub(super) struct RankColumn(pub(super) [u16; BLOCK]);

/// Rows whose ranks in one column are a line of memory.
const LINE: usize = 32;

/// The ranks of one column of some rows. Those of all columns lie side by side, so that what a few rows are asked for stays near.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct RankLine(pub(super) [u16; LINE]);

/// What a column of ranks is of. Where some splits on a feature send missing values left and others right, it has two.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ranks {
    feature: u32,
    missing_right: bool,
}

/// A split: the column that it looks at, and the rank that a row goes right above. Of a leaf: the most there is.
#[derive(Clone, Copy, Default)]
pub(super) struct RankSplit {
    pub(super) column: u16,
    pub(super) rank: u16,
}

/// A node.
#[derive(Clone, Copy)]
struct RankNode {
    split: RankSplit,
    /// The left child, numbered through all trees; the right one follows it. Of a leaf: itself.
    left: u32,
}

/// The first splits of a tree, and where they lead.
pub(super) struct Crown {
    /// Each asks its own question: the split of the same number in `splits`.
    pub(super) steps: Vec<Step>,
    pub(super) splits: Vec<RankSplit>,
    /// The node below the crown that each slot leads to.
    below: [u32; MOST_LEAVES],
    /// The most steps from there to a leaf.
    height: u32,
    /// Where its bushes' tops and twigs begin, if what is below is not too high and uneven for them.
    bushes: Option<(usize, usize)>,
}

/// The end of a bush: two levels of splits and the leaves below them, in one line of memory.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Twig {
    /// The upper split, then those below it.
    splits: [RankSplit; 3],
    leaves: [f64; 4],
}

/// The trees of an ensemble over ranks.
pub(super) struct Ranked {
    /// The distinct thresholds of each feature, sorted.
    thresholds: Vec<Vec<f64>>,
    columns: Vec<Ranks>,
    nodes: Vec<RankNode>,
    /// The values of leaves, by node.
    values: Vec<f64>,
    roots: Vec<u32>,
    crowns: Vec<Crown>,
    /// What hangs below each slot of a crown is a full tree of the crown's height, a bush. All but its last two levels, level
    /// by level through all bushes of a tree: below place `p` of a level are `2 p` and `2 p + 1` of the next.
    tops: Vec<RankSplit>,
    /// The last two levels.
    twigs: Vec<Twig>,
}

impl Ranked {
    /// With crowns and bushes if there is a kernel for them. `None` if it has sets of categories, or too many features,
    /// thresholds or nodes.
    pub(super) fn of(ensemble: &FlatTrees, crowned: bool) -> Option<Self> {
        if !ensemble.categories.is_empty() || u32::try_from(ensemble.nodes.len()).is_err() {
            return None;
        }
        let mut thresholds = vec![vec![]; ensemble.features()];
        let mut columns = vec![];
        for node in ensemble.nodes.iter().filter(|node| !node.is_leaf()) {
            thresholds[node.feature()].push(node.number());
            columns.push(Ranks::of(node));
        }
        for sorted in &mut thresholds {
            sorted.sort_unstable_by(f64::total_cmp);
            // -0 and 0 are one threshold.
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
            roots: Vec::with_capacity(ensemble.trees()),
            crowns: Vec::with_capacity(ensemble.trees()),
            tops: vec![],
            twigs: vec![],
        };
        for tree in 0..ensemble.trees() {
            ranked.push(ensemble.tree(tree).nodes);
            if crowned {
                ranked.crown_last();
            }
        }
        Some(ranked)
    }

    /// Adds a tree, level by level: what is looked at one after the other, and all that are looked at last, lie together.
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

    /// Makes the crown of the last tree, and its bushes.
    fn crown_last(&mut self) {
        let Some(&root) = self.roots.last() else {
            return;
        };
        let mut crown = Crown::of(root, &self.nodes);
        let height = crown.height.max(TWIG);
        let places = MOST_LEAVES << height.min(MOST_HEIGHT);
        if height <= MOST_HEIGHT && places <= MOST_EMPTY * (self.nodes.len() - root as usize) {
            crown.height = height;
            crown.bushes = Some((self.tops.len(), self.twigs.len()));
            self.plant(&crown);
        }
        self.crowns.push(crown);
    }

    /// Writes the bushes of a crown.
    fn plant(&mut self, crown: &Crown) {
        let mut level = crown.below[..crown.slots()].to_vec();
        for _ in TWIG..crown.height {
            self.tops
                .extend(level.iter().map(|&node| self.nodes[node as usize].split));
            level = level.into_iter().flat_map(|node| self.below(node)).collect();
        }
        for node in level {
            let lower = self.below(node);
            let splits = [node, lower[0], lower[1]].map(|node| self.nodes[node as usize].split);
            let leaves = lower.map(|node| self.below(node).map(|leaf| self.values[leaf as usize]));
            let leaves = [leaves[0][0], leaves[0][1], leaves[1][0], leaves[1][1]];
            self.twigs.push(Twig { splits, leaves });
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

    /// Columns of ranks that trees look at: leaves, too, look at one.
    pub(super) fn columns(&self) -> usize {
        self.columns.len().max(1)
    }

    /// `None` where there are none.
    pub(super) fn crown(&self, tree: usize) -> Option<&Crown> {
        self.crowns.get(tree)
    }

    /// Ranks some blocks of rows, whose columns are given block after block: lines of columns, for the first rows, for those
    /// behind them, and so on.
    pub(super) fn rank<T: Input>(&self, kernel: Option<Kernel>, values: &[Column<T>], blocks: usize) -> Vec<RankLine> {
        let in_block = BLOCK / LINE * self.columns();
        let mut lines = vec![RankLine([0; LINE]); blocks * in_block];
        let mut ranks = vec![RankColumn([0; BLOCK]); blocks];
        for (number, &Ranks { feature, missing_right }) in self.columns.iter().enumerate() {
            let thresholds = self.thresholds[feature as usize].as_slice();
            let missing = if missing_right { MOST } else { 0 };
            let again = number > 0 && self.columns[number - 1].feature == feature;
            let values = values[feature as usize..].iter().step_by(self.thresholds.len());
            for ((values, ranks), lines) in values.zip(&mut ranks).zip(lines.chunks_mut(in_block)) {
                if again {
                    let cells = ranks.0.iter_mut().zip(&values.0);
                    (cells.filter(|(_, value)| is_nan(**value))).for_each(|(rank, _)| *rank = missing);
                } else if !kernel.is_some_and(|kernel| kernel.rank(thresholds, missing, values, ranks)) {
                    rank(thresholds, missing, values, ranks);
                }
                let own = lines.iter_mut().skip(number).step_by(self.columns());
                own.zip(ranks.0.as_chunks().0).for_each(|(line, ranks)| line.0 = *ranks);
            }
        }
        lines
    }

    /// Brings the twigs of a tree near, in order: rows want them in none.
    pub(super) fn bring_near(&self, tree: usize) {
        if let Some(crown) = self.crowns.get(tree)
            && let Some((_, first)) = crown.bushes
        {
            let twigs = &self.twigs[first..][..crown.slots() << (crown.height - TWIG)];
            let lines = twigs.iter().map(|twig| twig.splits[0].rank);
            std::hint::black_box(lines.fold(0, |sum, rank| sum ^ rank));
        }
    }

    /// Adds the leaf of one tree to the sum of each row of a block.
    pub(super) fn add(&self, tree: usize, ranks: &[RankLine], sums: &mut [f64; BLOCK]) {
        let (groups, _) = sums.as_chunks_mut::<ABREAST>();
        for (number, sums) in groups.iter_mut().enumerate() {
            self.walk(number * ABREAST, [self.roots[tree] as usize; ABREAST], ranks, sums);
        }
    }

    /// The same, of rows that are in these slots of its crown.
    pub(super) fn add_below(&self, crown: &Crown, slots: &[u8; BLOCK], ranks: &[RankLine], sums: &mut [f64; BLOCK]) {
        let Some(bushes) = crown.bushes else {
            let (slots, _) = slots.as_chunks::<ABREAST>();
            let (groups, _) = sums.as_chunks_mut::<ABREAST>();
            for (number, (sums, slots)) in groups.iter_mut().zip(slots).enumerate() {
                let places = slots.map(|slot| crown.below[usize::from(slot) % MOST_LEAVES] as usize);
                self.walk(number * ABREAST, places, ranks, sums);
            }
            return;
        };
        let height = crown.height - TWIG;
        let (tops, twigs) = (&self.tops[bushes.0..], &self.twigs[bushes.1..]);
        let twigs = &twigs[..crown.slots() << height];
        let (slots, _) = slots.as_chunks::<LINE>();
        let (groups, _) = sums.as_chunks_mut::<LINE>();
        for ((sums, slots), lines) in groups.iter_mut().zip(slots).zip(ranks.chunks(self.columns())) {
            let right = |lane: usize, split: RankSplit| lines[usize::from(split.column)].0[lane] > split.rank;
            let mut places = slots.map(u32::from);
            let mut rest = tops;
            for level in 0..height {
                let (splits, others) = rest.split_at(crown.slots() << level);
                for (lane, place) in places.iter_mut().enumerate() {
                    *place = 2 * *place + u32::from(right(lane, splits[*place as usize]));
                }
                rest = others;
            }
            for ((lane, sum), place) in sums.iter_mut().enumerate().zip(places) {
                let twig = &twigs[place as usize];
                let upper = usize::from(right(lane, twig.splits[0]));
                let lower = usize::from(right(lane, twig.splits[1 + upper]));
                *sum += twig.leaves[2 * upper + lower];
            }
        }
    }

    /// Adds the leaves that are reached from these nodes by the rows from `first` on. All take steps until each stands on a
    /// leaf; a leaf leads to itself.
    fn walk(&self, first: usize, mut places: [usize; ABREAST], ranks: &[RankLine], sums: &mut [f64; ABREAST]) {
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

/// Writes how many of the thresholds are below each value.
fn rank<T: Input>(thresholds: &[f64], missing: u16, values: &Column<T>, ranks: &mut RankColumn) {
    let (values, _) = values.0.as_chunks::<ABREAST>();
    let (ranks, _) = ranks.0.as_chunks_mut::<ABREAST>();
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

/// How many of the sorted numbers are below each value. The searches go on side by side, so that one is done while another
/// waits for memory.
fn below<const N: usize>(sorted: &[f64], values: [f64; N]) -> [usize; N] {
    let mut from = [0; N];
    let mut length = sorted.len();
    while length > 1 {
        let half = length / 2;
        for (from, value) in from.iter_mut().zip(values) {
            // A guessed branch would be wrong half of the time.
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

impl Crown {
    /// Slots that rows come to.
    fn slots(&self) -> usize {
        self.steps.len() + 1
    }

    /// The crown of the last tree, which begins at `root`. Those splits are taken first that the longest ways lead on from.
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
        let mut crown = Self {
            steps: vec![],
            splits: vec![],
            below: [root; MOST_LEAVES],
            height: 0,
            bushes: None,
        };
        for taken in 1..MOST_LEAVES {
            let slots = crown.below[..taken].iter().enumerate();
            let highest = slots.max_by_key(|(slot, place)| (height(place), std::cmp::Reverse(*slot)));
            let Some((slot, &place)) = highest.filter(|(_, place)| height(place) > 0) else {
                break;
            };
            let RankNode { split, left } = nodes[place as usize];
            crown.steps.push(Step {
                question: crown.splits.len() as u32,
                slot: slot as u32,
            });
            crown.splits.push(split);
            (crown.below[slot], crown.below[taken]) = (left, left + 1);
        }
        crown.height = crown.below[..=crown.steps.len()].iter().map(height).max().unwrap_or(0);
        crown
    }
}
