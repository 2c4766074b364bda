//! Trees too large for the kernels, over ranks: each value is looked up once among the thresholds of its feature, and all that
//! the walks then touch is small.

use super::{FlatEnsemble, Node};

/// A node of 8 bytes. A row goes right if its rank, plus one (wrapping) where missing values go left, is above `rank`.
#[derive(Clone, Copy)]
struct RankNode {
    /// The feature, and [`MISSING_LEFT`].
    look: u16,
    /// Of a split: the place of its threshold among its feature's, plus one where missing values go left. Of a leaf: the most
    /// there is, which no rank is above.
    rank: u16,
    /// The left child, numbered through all trees; the right one follows it. Of a leaf: itself.
    left: u32,
}

const MISSING_LEFT: u16 = 1 << 15;
/// The rank of a missing value: above all others, and, plus one, below all.
const MISSING: u16 = u16::MAX;
/// A feature may have so many thresholds: ranks up to it, and those plus one, are neither missing nor a leaf's.
const MOST_THRESHOLDS: usize = MISSING as usize - 1;
/// Rows that walk down a tree side by side.
const ABREAST: usize = 8;
/// Ranks that are worked on together, tree by tree: as many as stay near while a large tree is walked down, so that its nodes
/// come from afar once for all these rows.
const BLOCK_RANKS: usize = 1 << 17;

/// The trees of an ensemble over ranks.
pub(super) struct Ranked {
    /// The distinct thresholds of each feature, sorted.
    thresholds: Vec<Vec<f64>>,
    nodes: Vec<RankNode>,
}

impl Ranked {
    /// `None` if it has sets of categories, or too many features, thresholds or nodes.
    pub(super) fn of(ensemble: &FlatEnsemble) -> Option<Self> {
        let fits = ensemble.categories.is_empty()
            && ensemble.features() < usize::from(MISSING_LEFT)
            && u32::try_from(ensemble.nodes.len()).is_ok();
        if !fits {
            return None;
        }
        let mut thresholds = vec![vec![]; ensemble.features()];
        for node in ensemble.nodes.iter().filter(|node| !node.is_leaf()) {
            thresholds[node.feature()].push(node.number());
        }
        for sorted in &mut thresholds {
            sorted.sort_unstable_by(f64::total_cmp);
            // -0 and 0 are one threshold.
            sorted.dedup_by(|a, b| a == b);
            if sorted.len() > MOST_THRESHOLDS {
                return None;
            }
        }
        let mut nodes = Vec::with_capacity(ensemble.nodes.len());
        for tree in 0..ensemble.trees() {
            let root = nodes.len() as u32;
            let ranked = ensemble.tree(tree).nodes.iter().map(|node| {
                let left = root + node.left() as u32;
                if node.is_leaf() {
                    return RankNode {
                        look: 0,
                        rank: MISSING,
                        left,
                    };
                }
                let place = thresholds[node.feature()].partition_point(|threshold| *threshold < node.number());
                let missing = u16::from(node.missing_left());
                RankNode {
                    look: (node.feature() as u16) | (missing * MISSING_LEFT),
                    rank: place as u16 + missing,
                    left,
                }
            });
            nodes.extend(ranked);
        }
        Some(Self { thresholds, nodes })
    }

    /// Rows of one block.
    pub(super) fn block(&self) -> usize {
        (BLOCK_RANKS / self.thresholds.len().max(1)).clamp(ABREAST, 4096)
    }

    /// Writes the ranks of one column of a block's rows.
    pub(super) fn rank(&self, feature: usize, values: impl Iterator<Item = f64>, ranks: &mut [u16]) {
        let (thresholds, columns) = (&self.thresholds[feature], self.thresholds.len());
        for (rank, value) in ranks[feature..].iter_mut().step_by(columns).zip(values) {
            *rank = match value.is_nan() {
                true => MISSING,
                false => thresholds.partition_point(|threshold| *threshold < value) as u16,
            };
        }
    }

    /// Adds the leaf of one tree to each row's sum. `nodes` are the ensemble's, `ranks` hold at least as many rows as there
    /// are sums.
    pub(super) fn add(&self, root: usize, nodes: &[Node], ranks: &[u16], sums: &mut [f64]) {
        let columns = self.thresholds.len().max(1);
        let row = |row: usize| &ranks[row * columns..(row + 1) * columns];
        let (groups, rest) = sums.as_chunks_mut::<ABREAST>();
        let first_of_rest = groups.len() * ABREAST;
        for (number, sums) in groups.iter_mut().enumerate() {
            let rows = std::array::from_fn::<_, ABREAST, _>(|lane| row(number * ABREAST + lane));
            let leaves = self.walk(root, rows);
            sums.iter_mut()
                .zip(leaves)
                .for_each(|(sum, leaf)| *sum += nodes[leaf].number());
        }
        for (number, sum) in rest.iter_mut().enumerate() {
            let [leaf] = self.walk(root, [row(first_of_rest + number)]);
            *sum += nodes[leaf].number();
        }
    }

    /// Where each of some rows ends. All take steps until each stands on a leaf; a leaf leads to itself.
    fn walk<const N: usize>(&self, root: usize, rows: [&[u16]; N]) -> [usize; N] {
        let nodes = self.nodes.as_slice();
        let mut places = [root; N];
        loop {
            let mut moved = 0;
            for (place, ranks) in places.iter_mut().zip(rows) {
                let node = nodes[*place];
                let rank = ranks[usize::from(node.look & !MISSING_LEFT)].wrapping_add(node.look >> 15);
                let next = node.left as usize + usize::from(rank > node.rank);
                moved |= next ^ *place;
                *place = next;
            }
            if moved == 0 {
                return places;
            }
        }
    }
}
