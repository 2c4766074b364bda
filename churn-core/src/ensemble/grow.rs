//! Grows a regression tree on the derivatives of the log-loss. Each step splits the leaf whose best split has the
//! largest gain (leaf-wise growth).
//!
//! All sums in the search for splits are sums of integers (see [`histogram`](super::histogram)). The tree is therefore
//! bit-identical for any number of threads.

use std::borrow::Cow;

use ndarray::ArrayView2;

use super::bins::{Cuts, Stripe, TILE, TILES};
use super::flat::Node;
use super::histogram::{
    BLOCK, Compact, Objective, Packed, Packing, Span, Split, TileBins, Whole, add_rows, bin_counts, first_best, merge,
    minus, plus, spread, subtract,
};
use crate::error::Result;
use crate::parallel::Workers;

/// The minimum number of rows for which a separate partial histogram is computed.
const SUM_PIECE: usize = 1 << 15;
/// Number of rows per task when threads divide rows into left and right rows or copy their derivatives.
const SORT_PIECE: usize = 1 << 14;
/// Threads are used only if `(rows + 512) * columns` is at least this number. With less work, threads cost more time
/// than they save.
const SMALL: usize = 1 << 14;

/// The bin number of every cell of the training matrix, in two memory layouts.
pub(crate) struct BinMatrix {
    pub(crate) cuts: Cuts,
    /// The bins in row-major order. This layout is used to compute the histograms of many columns.
    stripes: Vec<Vec<Stripe>>,
    /// The bins in column-major order. This layout is used to divide rows by a split on one column.
    columns: Vec<Vec<u8>>,
}

impl BinMatrix {
    pub(crate) fn new(x: ArrayView2<'_, f32>, max_bins: usize, workers: &Workers) -> Result<Self> {
        let cuts = Cuts::new(x, max_bins, workers)?;
        let columns = cuts.by_column(x, workers)?;
        Ok(Self {
            stripes: Cuts::by_stripe(&columns, workers)?,
            columns,
            cuts,
        })
    }

    fn bin(&self, column: u32, row: usize) -> u8 {
        self.columns[column as usize][row]
    }
}

/// Limits on the size of a tree, and the learning rate, by which leaf values are multiplied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) leaves: usize,
    pub(crate) depth: usize,
    pub(crate) learning_rate: f64,
}

/// A tree whose splits compare bin numbers instead of values.
pub(crate) struct BinTree {
    nodes: Vec<BinNode>,
    /// For each leaf, the training rows that reach the leaf (in ascending order) and the value of the leaf.
    pub(crate) leaves: Vec<(Vec<u32>, f64)>,
}

#[derive(Clone, Copy)]
struct BinNode {
    split: Option<Split>,
    left: u32,
    value: f64,
    cover: f64,
}

impl BinNode {
    /// A new node, which has neither a split nor a value yet.
    const BARE: Self = Self {
        split: None,
        left: 0,
        value: 0.0,
        cover: 0.0,
    };
}

impl BinTree {
    /// Returns the value of the leaf that a row of the training matrix reaches.
    pub(crate) fn value(&self, cells: &BinMatrix, row: usize) -> f64 {
        let mut node = &self.nodes[0];
        while let Some(split) = &node.split {
            let left = split.goes_left(cells.bin(split.column, row));
            node = &self.nodes[node.left as usize + usize::from(!left)];
        }
        node.value
    }

    /// Converts the tree to nodes that compare values with thresholds. Returns the nodes and their covers. The cover of
    /// a node is the sum of the weights of the rows that reach it.
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

/// A leaf that may still be split while the tree is grown.
struct Leaf {
    rows: Vec<u32>,
    /// The histogram of the leaf, one element per tile (a group of adjacent columns). It is empty if the leaf will not
    /// be split.
    bins: Vec<TileBins>,
    total: Packed,
    span: Span,
    best: Option<Split>,
    node: usize,
    depth: usize,
}

/// The derivatives of each row's log-loss with respect to the log-odds of the row.
pub(crate) struct Gradients {
    /// The first and the second derivative of each row, as floating-point numbers.
    pub(crate) exact: Vec<[f64; 2]>,
    /// The first and the second derivative of each row, scaled and rounded to integers and packed into one word.
    pub(crate) compact: Vec<Compact>,
    pub(crate) packing: Packing,
}

/// Grows trees one after another, and reuses the memory of the histograms.
pub(crate) struct Grower<'a> {
    cells: &'a BinMatrix,
    weights: Option<&'a [f64]>,
    objective: Objective,
    limits: Limits,
    /// The monotonic constraint of every column: increasing (1), decreasing (-1) or none (0).
    directions: Vec<i8>,
    workers: &'a Workers,
    inline: Workers,
    counts: Vec<[usize; TILE]>,
    spare: Vec<Vec<TileBins>>,
}

/// The inputs of the split search for one tree.
#[derive(Clone, Copy)]
struct SplitContext<'a> {
    gradients: &'a Gradients,
    /// For each column, whether the column is sampled for this tree.
    wanted: &'a [bool],
}

impl<'a> Grower<'a> {
    pub(crate) fn new(
        cells: &'a BinMatrix,
        weights: Option<&'a [f64]>,
        objective: Objective,
        limits: Limits,
        directions: Vec<i8>,
        workers: &'a Workers,
    ) -> Self {
        Self {
            cells,
            weights,
            objective,
            limits,
            directions,
            workers,
            inline: Workers::inline(),
            counts: (0..cells.cuts.tiles())
                .map(|tile| bin_counts(&cells.cuts, tile))
                .collect(),
            spare: vec![],
        }
    }

    /// Grows a tree. `rows` contains the numbers of the rows to use, in ascending order. The tree splits only on the
    /// columns for which `wanted` is true.
    pub(crate) fn grow(&mut self, rows: Vec<u32>, gradients: &Gradients, wanted: &[bool]) -> Result<BinTree> {
        let context = SplitContext { gradients, wanted };
        let mut nodes = vec![BinNode::BARE];
        let mut root = Leaf {
            total: self.total(&rows, gradients)?,
            rows,
            bins: vec![],
            span: Span::ALL,
            best: None,
            node: 0,
            depth: 0,
        };
        if self.whole(&root, context).may_split() {
            self.plant(&mut root, context)?;
        }
        let mut leaves = vec![root];
        while leaves.len() < self.limits.leaves {
            self.workers.check()?;
            let Some((chosen, split)) = choose(&leaves) else {
                break;
            };
            let parent = leaves.swap_remove(chosen);
            let (left_rows, right_rows) = self.sort_out(&parent.rows, &split)?;
            let node = nodes.len();
            nodes.extend([BinNode::BARE; 2]);
            nodes[parent.node].split = Some(split);
            nodes[parent.node].left = node as u32;
            let leaf = |rows, total, span, node| Leaf {
                rows,
                bins: vec![],
                total,
                span,
                best: None,
                node,
                depth: parent.depth + 1,
            };
            let (low, high) = parent.span.divide(&split, self.directions[split.column as usize]);
            let mut left = leaf(left_rows, split.left, low, node);
            let mut right = leaf(right_rows, minus(parent.total, split.left), high, node + 1);
            let more = leaves.len() + 2 < self.limits.leaves && parent.depth + 1 < self.limits.depth;
            if more && [&left, &right].iter().any(|leaf| self.whole(leaf, context).may_split()) {
                let (small, large) = if left.rows.len() <= right.rows.len() {
                    (&mut left, &mut right)
                } else {
                    (&mut right, &mut left)
                };
                large.bins = parent.bins;
                self.divide(small, large, context)?;
            } else {
                self.spare.push(parent.bins);
            }
            for leaf in [left, right] {
                leaves.push(self.without_use(leaf));
            }
        }
        self.finish(nodes, leaves, gradients)
    }

    /// Computes the values of leaves from the exact derivatives. Also computes the cover of each node (the sum of the
    /// weights of the rows that reach the node).
    fn finish(&mut self, mut nodes: Vec<BinNode>, mut leaves: Vec<Leaf>, gradients: &Gradients) -> Result<BinTree> {
        let said = self.workers.map(0..leaves.len(), |number| {
            let leaf = &leaves[number];
            let (mut first, mut second, mut cover) = (0.0, 0.0, 0.0);
            for &row in &leaf.rows {
                let row = row as usize;
                first += gradients.exact[row][0];
                second += gradients.exact[row][1];
                cover += self.weights.map_or(1.0, |weights| weights[row]);
            }
            let value = leaf.span.hold(self.objective.value(first, second));
            Ok((self.limits.learning_rate * value, cover))
        })?;
        for (leaf, (value, cover)) in leaves.iter_mut().zip(said) {
            (nodes[leaf.node].value, nodes[leaf.node].cover) = (value, cover);
            self.spare.push(std::mem::take(&mut leaf.bins));
        }
        self.spare.retain(|bins| !bins.is_empty());
        // Children come after their parents, so a backward pass visits the children first.
        for place in (0..nodes.len()).rev() {
            if nodes[place].split.is_some() {
                let left = nodes[place].left as usize;
                nodes[place].cover = nodes[left].cover + nodes[left + 1].cover;
            }
        }
        let leaves = leaves.into_iter().map(|leaf| (leaf.rows, nodes[leaf.node].value));
        Ok(BinTree {
            leaves: leaves.collect(),
            nodes,
        })
    }

    fn whole<'w>(&'w self, leaf: &Leaf, context: SplitContext<'w>) -> Whole<'w> {
        Whole {
            objective: &self.objective,
            packing: &context.gradients.packing,
            total: leaf.total,
            span: leaf.span,
        }
    }

    /// If a leaf will not be split, takes the memory of its histogram, so that another leaf can use this memory.
    fn without_use(&mut self, mut leaf: Leaf) -> Leaf {
        if leaf.best.is_none() && !leaf.bins.is_empty() {
            self.spare.push(std::mem::take(&mut leaf.bins));
        }
        leaf
    }

    fn total(&self, rows: &[u32], gradients: &Gradients) -> Result<Packed> {
        let sums = self.workers.map_chunks(rows.len(), BLOCK, |piece| {
            let of_row = |&row: &u32| gradients.compact[row as usize];
            Ok(gradients.packing.spread(rows[piece].iter().map(of_row).sum()))
        })?;
        Ok(sums.into_iter().fold([0; 2], plus))
    }

    /// Returns the rows that a split sends left and the rows that it sends right. Both lists keep the order of `rows`.
    fn sort_out(&self, rows: &[u32], split: &Split) -> Result<(Vec<u32>, Vec<u32>)> {
        let bins = &self.cells.columns[split.column as usize];
        let sort_out = |rows: &[u32]| {
            // Each row is written to both lists, but only the length of the correct list is increased. The next row
            // then overwrites the copy in the other list. This avoids a branch.
            let (mut left, mut right) = (vec![0; rows.len()], vec![0; rows.len()]);
            let (mut lefts, mut rights) = (0, 0);
            for &row in rows {
                let goes_left = split.goes_left(bins[row as usize]);
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

    /// Returns the rounded derivatives of some rows in contiguous memory.
    fn gather<'g>(&self, rows: &[u32], gradients: &'g [Compact]) -> Result<Cow<'g, [Compact]>> {
        // The row numbers are ascending and distinct. If there are as many row numbers as training rows, the list
        // contains all training rows and nothing needs to be copied.
        if rows.len() == gradients.len() {
            return Ok(Cow::Borrowed(gradients));
        }
        let mut gathered = vec![0; rows.len()];
        self.crew(rows.len())
            .chunks_mut(&mut gathered, SORT_PIECE, |start, piece| {
                for (gradient, &row) in piece.iter_mut().zip(&rows[start..]) {
                    *gradient = gradients[row as usize];
                }
                Ok(())
            })?;
        Ok(Cow::Owned(gathered))
    }

    /// Computes the histogram of the root, and finds the best split of the root.
    fn plant(&mut self, root: &mut Leaf, context: SplitContext<'_>) -> Result<()> {
        let mut parts = self.fill(&root.rows, context)?;
        let mut bins = parts.swap_remove(0);
        let whole = self.whole(root, context);
        let splits = self.crew(root.rows.len()).map_mut(&mut bins, |tile, bins| {
            let places = self.places(tile, context.wanted);
            parts
                .iter()
                .for_each(|part| merge(bins, &part[tile], &self.counts[tile]));
            Ok(self.best_in_tile(tile, &places, bins, whole))
        })?;
        root.best = first_best(splits.into_iter().flatten());
        root.bins = bins;
        self.spare.extend(parts);
        Ok(())
    }

    /// Computes the histograms of two children, and finds the best split of each child. Only the rows of the smaller
    /// child are added up. The histogram of the larger child is the histogram of the parent minus the histogram of the
    /// smaller child.
    fn divide(&mut self, small: &mut Leaf, large: &mut Leaf, context: SplitContext<'_>) -> Result<()> {
        let mut parts = self.fill(&small.rows, context)?;
        small.bins = parts.swap_remove(0);
        let wholes = [&*small, &*large].map(|leaf| self.whole(leaf, context));
        let mut pairs: Vec<_> = small.bins.iter_mut().zip(&mut large.bins).collect();
        let splits = self
            .crew(small.rows.len())
            .map_mut(&mut pairs, |tile, (small, large)| {
                let (places, counts) = (self.places(tile, context.wanted), &self.counts[tile]);
                parts.iter().for_each(|part| merge(small, &part[tile], counts));
                subtract(large, small, counts);
                Ok((
                    self.best_in_tile(tile, &places, small, wholes[0]),
                    self.best_in_tile(tile, &places, large, wholes[1]),
                ))
            })?;
        small.best = first_best(splits.iter().filter_map(|(small, _)| *small));
        large.best = first_best(splits.iter().filter_map(|(_, large)| *large));
        self.spare.extend(parts);
        Ok(())
    }

    /// Computes partial histograms, whose sum is the histogram of `rows`. There are several partial histograms if there
    /// are more threads than stripes (groups of adjacent columns). The sums are exact integers, so the result does not
    /// depend on how the rows are divided among the partial histograms.
    fn fill(&mut self, rows: &[u32], context: SplitContext<'_>) -> Result<Vec<Vec<TileBins>>> {
        let gradients = self.gather(rows, &context.gradients.compact)?;
        let crew = self.workers.threads().div_ceil(self.cells.stripes.len().max(1));
        let pieces = crew.min(rows.len() / SUM_PIECE).max(1);
        let length = rows.len().div_ceil(pieces).max(1);
        let mut parts: Vec<_> = (0..pieces).map(|_| self.empty()).collect();
        let mut work: Vec<_> = parts
            .iter_mut()
            .zip(rows.chunks(length).zip(gradients.chunks(length)))
            .flat_map(|(bins, share)| {
                bins.chunks_mut(TILES)
                    .enumerate()
                    .map(move |(stripe, bins)| (stripe, bins, share))
            })
            .collect();
        self.crew(rows.len())
            .map_mut(&mut work, |_, (stripe, bins, (rows, gradients))| {
                self.fill_stripe(*stripe, bins, rows, gradients, context)
            })?;
        Ok(parts)
    }

    /// Computes the histograms of the tiles of one stripe (a stripe is a group of tiles, and a tile is a group of
    /// columns).
    fn fill_stripe(
        &self,
        stripe: usize,
        bins: &mut [TileBins],
        rows: &[u32],
        gradients: &[Compact],
        context: SplitContext<'_>,
    ) -> Result<()> {
        let cells = &self.cells.stripes[stripe];
        let first = stripe * TILES;
        let mut near = vec![[0; TILE]; TILES * rows.len().min(BLOCK)];
        let mut block = [[0; 256]; TILE];
        for (number, (rows, gradients)) in rows.chunks(BLOCK).zip(gradients.chunks(BLOCK)).enumerate() {
            self.workers.check()?;
            // The bin numbers of these rows are copied into one list per tile. The loads do not depend on each other,
            // so the CPU waits for several cache misses at the same time.
            let mut tiles: Vec<_> = near.chunks_exact_mut(rows.len()).collect();
            if let [a, b, c, d, ..] = &mut tiles[..] {
                for ((((&row, a), b), c), d) in rows.iter().zip(&mut **a).zip(&mut **b).zip(&mut **c).zip(&mut **d) {
                    [*a, *b, *c, *d] = cells[row as usize];
                }
            }
            for ((tile, bins), near) in (first..).zip(&mut *bins).zip(&tiles) {
                add_rows(&mut block, &self.places(tile, context.wanted), near, gradients);
                spread(
                    bins,
                    &mut block,
                    &self.counts[tile],
                    &context.gradients.packing,
                    number > 0,
                );
            }
        }
        Ok(())
    }

    /// Returns memory for a histogram. The memory may contain the sums of another histogram.
    fn empty(&mut self) -> Vec<TileBins> {
        self.spare
            .pop()
            .unwrap_or_else(|| vec![[[[0; 2]; 256]; TILE]; self.cells.cuts.tiles()])
    }

    /// Returns the threads that work on this number of rows. If there is little work, the work runs on the caller's
    /// thread.
    fn crew(&self, rows: usize) -> &Workers {
        if (rows + 512) * self.cells.cuts.columns() < SMALL {
            &self.inline
        } else {
            self.workers
        }
    }

    /// Returns the columns of a tile that are sampled for the tree. Each column is given by its position in the tile.
    fn places(&self, tile: usize, wanted: &[bool]) -> Vec<usize> {
        let columns = self.cells.cuts.columns_of(tile);
        (0..)
            .zip(columns)
            .filter(|(_, column)| wanted[*column])
            .map(|(place, _)| place)
            .collect()
    }

    /// Returns the best split on some columns of a tile. `places` are the positions of these columns in the tile. If
    /// several splits have the largest gain, returns the first of them.
    fn best_in_tile(&self, tile: usize, places: &[usize], bins: &TileBins, whole: Whole<'_>) -> Option<Split> {
        if !whole.may_split() {
            return None;
        }
        let splits = places.iter().filter_map(|&place| {
            let column = tile * TILE + place;
            whole.best_split(
                column as u32,
                &bins[place],
                self.counts[tile][place],
                self.directions[column],
            )
        });
        first_best(splits)
    }
}

/// Returns the position and the best split of the leaf whose best split has the largest gain. If several leaves have
/// this gain, returns the first of them.
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
