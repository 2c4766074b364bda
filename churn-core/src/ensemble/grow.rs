//! Grows one regression tree on gradients, best leaf first.
//!
//! All sums are integers ([`histogram`](super::histogram)), so any number of threads grows the same tree, to the bit.

use std::borrow::Cow;

use super::bins::{Cuts, TILE};
use super::flat::Node;
use super::histogram::{
    Objective, Packed, Split, TileBins, add_rows, bin_counts, clear, first_best, minus, plus, subtract,
};
use crate::error::Result;
use crate::parallel::Workers;

/// Rows that are summed up between two looks at the cancellation.
const PIECE: usize = 1 << 16;
/// Rows that are sorted out in one piece.
const SORT_PIECE: usize = 1 << 14;
/// Cells and bins below which threads cost more than they save.
const SMALL: usize = 1 << 14;

/// The matrix as bins, tile by tile.
pub(crate) struct Tiles {
    pub(crate) cuts: Cuts,
    pub(crate) cells: Vec<Vec<[u8; TILE]>>,
}

impl Tiles {
    fn bin(&self, column: u32, row: usize) -> u8 {
        self.cells[column as usize / TILE][row][column as usize % TILE]
    }
}

/// How large a tree may grow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) leaves: usize,
    pub(crate) depth: usize,
    pub(crate) learning_rate: f64,
}

/// A tree as it was grown: for rows that are bins.
pub(crate) struct BinTree {
    nodes: Vec<BinNode>,
    /// The rows of each leaf, ascending, and its value.
    pub(crate) leaves: Vec<(Vec<u32>, f64)>,
}

#[derive(Clone, Copy)]
struct BinNode {
    split: Option<Split>,
    left: u32,
    value: f64,
    cover: f64,
}

impl BinTree {
    /// The value of a row's leaf.
    pub(crate) fn value(&self, tiles: &Tiles, row: usize) -> f64 {
        let mut node = &self.nodes[0];
        while let Some(split) = &node.split {
            let left = split.goes_left(tiles.bin(split.column, row));
            node = &self.nodes[node.left as usize + usize::from(!left)];
        }
        node.value
    }

    /// The tree for rows that are numbers, and the cover of its nodes.
    pub(crate) fn flat(&self, cuts: &Cuts) -> (Vec<Node>, Vec<f64>) {
        let nodes = (0u32..).zip(&self.nodes).map(|(place, node)| {
            let flat = match &node.split {
                None => Node::leaf(place, node.value),
                Some(split) => Node::split(
                    split.column,
                    cuts.threshold(split.column as usize, split.bin),
                    split.missing_left,
                    node.left,
                ),
            };
            (flat, node.cover)
        });
        nodes.unzip()
    }
}

/// A leaf that may still be split.
struct Leaf {
    rows: Vec<u32>,
    /// The histogram; empty where there will be no split.
    bins: Vec<TileBins>,
    total: Packed,
    best: Option<Split>,
    node: usize,
    depth: usize,
}

/// Grows trees one after the other, keeping the memory of histograms.
pub(crate) struct Grower<'a> {
    tiles: &'a Tiles,
    weights: Option<&'a [f64]>,
    objective: Objective,
    limits: Limits,
    workers: &'a Workers,
    inline: Workers,
    counts: Vec<[usize; TILE]>,
    spare: Vec<Vec<TileBins>>,
}

/// What one tree is grown on.
#[derive(Clone, Copy)]
struct Ground<'a> {
    /// Of all rows.
    gradients: &'a [Packed],
    /// Whether a column may be split on.
    wanted: &'a [bool],
}

impl<'a> Grower<'a> {
    pub(crate) fn new(
        tiles: &'a Tiles,
        weights: Option<&'a [f64]>,
        objective: Objective,
        limits: Limits,
        workers: &'a Workers,
    ) -> Self {
        Self {
            tiles,
            weights,
            objective,
            limits,
            workers,
            inline: Workers::inline(),
            counts: (0..tiles.cells.len())
                .map(|tile| bin_counts(&tiles.cuts, tile))
                .collect(),
            spare: vec![],
        }
    }

    /// The tree of these rows, ascending, on the wanted columns.
    pub(crate) fn grow(&mut self, rows: Vec<u32>, gradients: &[Packed], wanted: &[bool]) -> Result<BinTree> {
        let ground = Ground { gradients, wanted };
        let total = self.total(&rows, gradients)?;
        let mut nodes = vec![self.node(&rows, total)];
        let mut root = Leaf {
            rows,
            bins: vec![],
            total,
            best: None,
            node: 0,
            depth: 0,
        };
        if self.objective.may_split(total) {
            self.plant(&mut root, ground)?;
        }
        let mut leaves = vec![root];
        while leaves.len() < self.limits.leaves {
            self.workers.check()?;
            let Some((chosen, split)) = choose(&leaves) else {
                break;
            };
            let parent = leaves.swap_remove(chosen);
            let (left_rows, right_rows) = self.sort_out(&parent.rows, &split)?;
            let (left_total, right_total) = (split.left, minus(parent.total, split.left));
            let left = nodes.len();
            nodes.push(self.node(&left_rows, left_total));
            nodes.push(self.node(&right_rows, right_total));
            nodes[parent.node].split = Some(split);
            nodes[parent.node].left = left as u32;
            let leaf = |rows, total, node| Leaf {
                rows,
                bins: vec![],
                total,
                best: None,
                node,
                depth: parent.depth + 1,
            };
            let mut left = leaf(left_rows, left_total, left);
            let mut right = leaf(right_rows, right_total, left.node + 1);
            let more = leaves.len() + 2 < self.limits.leaves && parent.depth + 1 < self.limits.depth;
            let splits = [&left, &right].map(|leaf| self.objective.may_split(leaf.total));
            if more && (splits[0] || splits[1]) {
                let (small, large) = if left.rows.len() <= right.rows.len() {
                    (&mut left, &mut right)
                } else {
                    (&mut right, &mut left)
                };
                large.bins = parent.bins;
                self.divide(small, large, ground)?;
            } else {
                self.spare.push(parent.bins);
            }
            for leaf in [left, right] {
                leaves.push(self.without_use(leaf));
            }
        }
        let leaves = leaves.into_iter().map(|leaf| {
            self.spare.push(leaf.bins);
            (leaf.rows, nodes[leaf.node].value)
        });
        let leaves = leaves.collect();
        self.spare.retain(|bins| !bins.is_empty());
        Ok(BinTree { nodes, leaves })
    }

    /// Gives back the histogram of a leaf that will not be split.
    fn without_use(&mut self, mut leaf: Leaf) -> Leaf {
        if leaf.best.is_none() && !leaf.bins.is_empty() {
            self.spare.push(std::mem::take(&mut leaf.bins));
        }
        leaf
    }

    fn node(&self, rows: &[u32], total: Packed) -> BinNode {
        let cover = match self.weights {
            None => rows.len() as f64,
            Some(weights) => rows.iter().map(|&row| weights[row as usize]).sum(),
        };
        BinNode {
            split: None,
            left: 0,
            value: self.limits.learning_rate * self.objective.value(total),
            cover,
        }
    }

    fn total(&self, rows: &[u32], gradients: &[Packed]) -> Result<Packed> {
        let sums = self.workers.map_chunks(rows.len(), PIECE, |piece| {
            let of_row = |sum, &row: &u32| plus(sum, gradients[row as usize]);
            Ok(rows[piece].iter().fold([0; 2], of_row))
        })?;
        Ok(sums.into_iter().fold([0; 2], plus))
    }

    /// The rows that go left and those that go right, in order.
    fn sort_out(&self, rows: &[u32], split: &Split) -> Result<(Vec<u32>, Vec<u32>)> {
        let cells = &self.tiles.cells[split.column as usize / TILE];
        let place = split.column as usize % TILE;
        let sort_out = |rows: &[u32]| {
            // Each row is written to both sides and counted on one: no branch depends on it.
            let (mut left, mut right) = (vec![0; rows.len()], vec![0; rows.len()]);
            let (mut lefts, mut rights) = (0, 0);
            for &row in rows {
                let goes_left = split.goes_left(cells[row as usize][place]);
                left[lefts] = row;
                right[rights] = row;
                lefts += usize::from(goes_left);
                rights += usize::from(!goes_left);
            }
            left.truncate(lefts);
            right.truncate(rights);
            (left, right)
        };
        if rows.len() <= SORT_PIECE {
            return Ok(sort_out(rows));
        }
        let pieces = self
            .workers
            .map_chunks(rows.len(), SORT_PIECE, |piece| Ok(sort_out(&rows[piece])))?;
        let (left, right): (Vec<_>, Vec<_>) = pieces.into_iter().unzip();
        Ok((left.concat(), right.concat()))
    }

    /// The gradients of rows, side by side.
    fn gather<'g>(&self, rows: &[u32], gradients: &'g [Packed]) -> Result<Cow<'g, [Packed]>> {
        // Rows are ascending: as many as there are means all of them.
        if rows.len() == gradients.len() {
            return Ok(Cow::Borrowed(gradients));
        }
        let mut gathered = vec![[0; 2]; rows.len()];
        self.crew(rows.len())
            .chunks_mut(&mut gathered, SORT_PIECE, |start, piece| {
                for (gradient, &row) in piece.iter_mut().zip(&rows[start..]) {
                    *gradient = gradients[row as usize];
                }
                Ok(())
            })?;
        Ok(Cow::Owned(gathered))
    }

    /// Fills the root's histogram and finds its best split.
    fn plant(&mut self, root: &mut Leaf, ground: Ground<'_>) -> Result<()> {
        root.bins = self.empty();
        let gathered = self.gather(&root.rows, ground.gradients)?;
        let crew = self.crew((root.rows.len() + 512) * self.tiles.cuts.columns());
        let (rows, total) = (&root.rows, root.total);
        let splits = crew.map_mut(&mut root.bins, |tile, bins| {
            if !self.looks_at(tile, ground.wanted) {
                return Ok(None);
            }
            self.fill(tile, bins, rows, &gathered)?;
            Ok(self.best_in_tile(tile, bins, total, ground.wanted))
        })?;
        root.best = first_best(splits.into_iter().flatten());
        Ok(())
    }

    /// Fills the smaller child's histogram, takes it out of the parent's, which the larger child holds, and finds the best
    /// split of both.
    fn divide(&mut self, small: &mut Leaf, large: &mut Leaf, ground: Ground<'_>) -> Result<()> {
        small.bins = self.empty();
        let gathered = self.gather(&small.rows, ground.gradients)?;
        let crew = self.crew((small.rows.len() + 512) * self.tiles.cuts.columns());
        let rows = &small.rows;
        let (small_total, large_total) = (small.total, large.total);
        let mut pairs: Vec<_> = small.bins.iter_mut().zip(&mut large.bins).collect();
        let splits = crew.map_mut(&mut pairs, |tile, (small, large)| {
            if !self.looks_at(tile, ground.wanted) {
                return Ok((None, None));
            }
            self.fill(tile, small, rows, &gathered)?;
            subtract(large, small, &self.counts[tile]);
            Ok((
                self.best_in_tile(tile, small, small_total, ground.wanted),
                self.best_in_tile(tile, large, large_total, ground.wanted),
            ))
        })?;
        small.best = first_best(splits.iter().filter_map(|(small, _)| *small));
        large.best = first_best(splits.iter().filter_map(|(_, large)| *large));
        Ok(())
    }

    /// Memory for a histogram, with anything in it.
    fn empty(&mut self) -> Vec<TileBins> {
        self.spare
            .pop()
            .unwrap_or_else(|| vec![[[[0; 2]; 256]; TILE]; self.tiles.cells.len()])
    }

    /// The workers for so many cells.
    fn crew(&self, cells: usize) -> &Workers {
        if cells < SMALL { &self.inline } else { self.workers }
    }

    fn looks_at(&self, tile: usize, wanted: &[bool]) -> bool {
        wanted[self.tiles.cuts.columns_of(tile)].contains(&true)
    }

    fn fill(&self, tile: usize, bins: &mut TileBins, rows: &[u32], gradients: &[Packed]) -> Result<()> {
        clear(bins, &self.counts[tile]);
        let cells = &self.tiles.cells[tile];
        for (rows, gradients) in rows.chunks(PIECE).zip(gradients.chunks(PIECE)) {
            self.workers.check()?;
            add_rows(bins, cells, rows, gradients);
        }
        Ok(())
    }

    /// The best split on a tile's columns; of equals the first.
    fn best_in_tile(&self, tile: usize, bins: &TileBins, total: Packed, wanted: &[bool]) -> Option<Split> {
        if !self.objective.may_split(total) {
            return None;
        }
        let columns = self.tiles.cuts.columns_of(tile);
        let splits = columns
            .zip(bins)
            .zip(&self.counts[tile])
            .filter(|((column, _), _)| wanted[*column])
            .filter_map(|((column, bins), &count)| self.objective.best_split(column as u32, bins, count, total));
        first_best(splits)
    }
}

/// The leaf whose split gains most, the earliest grown of equals: its position and split.
fn choose(leaves: &[Leaf]) -> Option<(usize, Split)> {
    let mut chosen: Option<(usize, Split)> = None;
    for (position, leaf) in leaves.iter().enumerate() {
        if let Some(split) = leaf.best {
            let better = chosen.is_none_or(|(so_far, best)| {
                split.gain > best.gain || split.gain == best.gain && leaf.node < leaves[so_far].node
            });
            if better {
                chosen = Some((position, split));
            }
        }
    }
    chosen
}
