//! Grows one regression tree on gradients, best leaf first, from exact integer histograms.
//!
//! Gradients and hessians are integers (scaled by a power of two), so sums do not depend on the order of adding: any
//! number of threads grows the same tree, to the bit, and a sibling's histogram is the parent's less the other's.

use crate::ensemble::bins::{BinnedMatrix, MISSING_BIN};
use crate::ensemble::flat::Node;
use crate::error::Result;
use crate::parallel::Workers;

/// What a tree may become.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) leaves: usize,
    pub(crate) depth: usize,
    pub(crate) min_leaf_rows: usize,
    pub(crate) min_leaf_hessian: f64,
    pub(crate) l2: f64,
    pub(crate) learning_rate: f64,
}

/// First and second derivative of the loss at a row, as integers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gradient {
    pub(crate) first: i64,
    pub(crate) second: i64,
}

/// Sums over the rows of a bin.
#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    first: i64,
    second: i64,
    rows: u32,
}

impl Bin {
    fn plus(self, other: Self) -> Self {
        Self {
            first: self.first + other.first,
            second: self.second + other.second,
            rows: self.rows + other.rows,
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            first: self.first - other.first,
            second: self.second - other.second,
            rows: self.rows - other.rows,
        }
    }
}

/// A tree as it was grown: nodes with bins, for rows that are bins.
#[derive(Clone, Debug, Default)]
pub(crate) struct BinTree {
    nodes: Vec<BinNode>,
}

#[derive(Clone, Copy, Debug)]
struct BinNode {
    split: Option<Split>,
    left: u32,
    /// Of a leaf.
    value: f64,
    cover: f64,
}

#[derive(Clone, Copy, Debug)]
struct Split {
    gain: f64,
    column: u32,
    /// Bins up to this one go left.
    bin: u8,
    missing_left: bool,
    left: Bin,
}

impl Split {
    fn goes_left(&self, bin: u8) -> bool {
        if bin == MISSING_BIN {
            self.missing_left
        } else {
            bin <= self.bin
        }
    }
}

impl BinTree {
    /// The value of a row's leaf.
    pub(crate) fn value(&self, matrix: &BinnedMatrix, row: usize) -> f64 {
        let mut node = &self.nodes[0];
        while let Some(split) = &node.split {
            let left = split.goes_left(matrix.column(split.column as usize)[row]);
            node = &self.nodes[node.left as usize + usize::from(!left)];
        }
        node.value
    }

    /// The tree for rows that are numbers.
    pub(crate) fn to_nodes(&self, matrix: &BinnedMatrix) -> Vec<Node> {
        let nodes = self.nodes.iter().map(|node| match &node.split {
            None => Node::leaf(node.value, node.cover),
            Some(split) => Node {
                number: matrix.threshold(split.column as usize, split.bin),
                cover: node.cover,
                feature: split.column,
                left: node.left,
                missing_left: split.missing_left,
            },
        });
        nodes.collect()
    }

    pub(crate) fn leaves(&self) -> usize {
        self.nodes.iter().filter(|node| node.split.is_none()).count()
    }
}

/// What grows: the matrix, which of its columns, and each row's gradient, integers of `1 / scale`.
pub(crate) struct Grower<'a> {
    pub(crate) matrix: &'a BinnedMatrix,
    pub(crate) columns: &'a [u32],
    pub(crate) gradients: &'a [Gradient],
    pub(crate) weights: Option<&'a [f64]>,
    pub(crate) scale: f64,
    pub(crate) limits: &'a Limits,
    pub(crate) workers: &'a Workers,
}

/// A leaf that may still be split.
struct Leaf {
    rows: Vec<u32>,
    /// Bins of all columns, one after the other.
    histogram: Vec<Bin>,
    total: Bin,
    best: Option<Split>,
    node: usize,
    depth: usize,
}

impl Grower<'_> {
    /// The tree of these rows.
    pub(crate) fn grow(&self, rows: Vec<u32>) -> Result<BinTree> {
        let starts: Vec<usize> = self
            .columns
            .iter()
            .scan(0, |next, &column| {
                Some(std::mem::replace(next, *next + self.width(column)))
            })
            .collect();
        let total = rows.iter().map(|&row| self.bin_at(row)).fold(Bin::default(), Bin::plus);
        let mut tree = BinTree {
            nodes: vec![self.leaf_node(&rows, total)],
        };
        let mut root = Leaf {
            rows,
            histogram: vec![],
            total,
            best: None,
            node: 0,
            depth: 0,
        };
        root.histogram = self.histogram(&root.rows, &starts)?;
        root.best = self.best_split(&root, &starts)?;
        let mut leaves = vec![root];
        while leaves.len() < self.limits.leaves {
            // The first of equals: the choice does not depend on anything but the data.
            let mut chosen: Option<(usize, Split)> = None;
            for (position, leaf) in leaves.iter().enumerate() {
                if let Some(best) = leaf
                    .best
                    .filter(|best| chosen.is_none_or(|(_, so_far)| best.gain > so_far.gain))
                {
                    chosen = Some((position, best));
                }
            }
            let Some((position, split)) = chosen else {
                break;
            };
            self.workers.check()?;
            let parent = leaves.swap_remove(position);
            let bins = self.matrix.column(split.column as usize);
            let (left_rows, right_rows): (Vec<u32>, Vec<u32>) = parent
                .rows
                .iter()
                .partition(|&&row| split.goes_left(bins[row as usize]));
            let (left_total, right_total) = (split.left, parent.total.minus(split.left));
            let left_node = tree.nodes.len();
            tree.nodes.push(self.leaf_node(&left_rows, left_total));
            tree.nodes.push(self.leaf_node(&right_rows, right_total));
            tree.nodes[parent.node].split = Some(split);
            tree.nodes[parent.node].left = left_node as u32;
            let depth = parent.depth + 1;
            let mut left = Leaf {
                rows: left_rows,
                histogram: vec![],
                total: left_total,
                best: None,
                node: left_node,
                depth,
            };
            let mut right = Leaf {
                rows: right_rows,
                histogram: vec![],
                total: right_total,
                best: None,
                node: left_node + 1,
                depth,
            };
            let last = leaves.len() + 2 >= self.limits.leaves;
            if !last && depth < self.limits.depth {
                let (small, large) = if left.rows.len() <= right.rows.len() {
                    (&mut left, &mut right)
                } else {
                    (&mut right, &mut left)
                };
                small.histogram = self.histogram(&small.rows, &starts)?;
                large.histogram = parent.histogram;
                large
                    .histogram
                    .iter_mut()
                    .zip(&small.histogram)
                    .for_each(|(bin, other)| *bin = bin.minus(*other));
                small.best = self.best_split(small, &starts)?;
                large.best = self.best_split(large, &starts)?;
            }
            leaves.push(left);
            leaves.push(right);
        }
        Ok(tree)
    }

    /// Bins of a column, the last for missing.
    fn width(&self, column: u32) -> usize {
        self.matrix.bin_count(column as usize) + 1
    }

    fn bin_at(&self, row: u32) -> Bin {
        let Gradient { first, second } = self.gradients[row as usize];
        Bin { first, second, rows: 1 }
    }

    fn leaf_node(&self, rows: &[u32], total: Bin) -> BinNode {
        let cover = match self.weights {
            None => rows.len() as f64,
            Some(weights) => rows.iter().map(|&row| weights[row as usize]).sum(),
        };
        let value = -self.limits.learning_rate * self.real(total.first) / (self.real(total.second) + self.limits.l2);
        BinNode {
            split: None,
            left: 0,
            value: if value.is_finite() { value } else { 0.0 },
            cover,
        }
    }

    fn real(&self, integer: i64) -> f64 {
        integer as f64 / self.scale
    }

    fn histogram(&self, rows: &[u32], starts: &[usize]) -> Result<Vec<Bin>> {
        let gathered: Vec<Gradient> = rows.iter().map(|&row| self.gradients[row as usize]).collect();
        let length = starts
            .last()
            .zip(self.columns.last())
            .map_or(0, |(&start, &column)| start + self.width(column));
        let mut bins = vec![Bin::default(); length];
        // Each column's bins are a piece of their own, so columns can be filled side by side.
        let mut pieces = vec![];
        let mut rest = bins.as_mut_slice();
        for &column in self.columns {
            let (piece, behind) = rest.split_at_mut(self.width(column));
            pieces.push((column, piece));
            rest = behind;
        }
        self.workers.map_mut(&mut pieces, |_, (column, piece)| {
            let cells = self.matrix.column(*column as usize);
            let missing = piece.len() - 1;
            for (&row, gradient) in rows.iter().zip(&gathered) {
                let bin = &mut piece[usize::from(cells[row as usize]).min(missing)];
                bin.first += gradient.first;
                bin.second += gradient.second;
                bin.rows += 1;
            }
            Ok(())
        })?;
        Ok(bins)
    }

    /// The best split of a leaf over all columns; of equals the one in the first column, at the lowest bin.
    fn best_split(&self, leaf: &Leaf, starts: &[usize]) -> Result<Option<Split>> {
        if leaf.rows.len() < 2 * self.limits.min_leaf_rows {
            return Ok(None);
        }
        let by_column = self.workers.map_chunks(self.columns.len(), 16, |columns| {
            let splits = columns.filter_map(|position| {
                let column = self.columns[position];
                self.best_in_column(
                    column,
                    &leaf.histogram[starts[position]..starts[position] + self.width(column)],
                    leaf.total,
                )
            });
            Ok(first_best(splits))
        })?;
        Ok(first_best(by_column.into_iter().flatten()))
    }

    fn best_in_column(&self, column: u32, bins: &[Bin], total: Bin) -> Option<Split> {
        let (missing, present) = bins.split_last()?;
        let parent = self.quality(total);
        let mut best: Option<Split> = None;
        for missing_left in [false, true] {
            if missing_left && missing.rows == 0 {
                break;
            }
            let mut left = if missing_left { *missing } else { Bin::default() };
            // With the last bin on the left only missing values could go right: the first pass sees that split too.
            for (bin, sums) in present.iter().enumerate() {
                let last = bin + 1 == present.len();
                left = left.plus(*sums);
                if last && (missing_left || missing.rows == 0) {
                    break;
                }
                if sums.rows == 0 && !last {
                    continue;
                }
                let right = total.minus(left);
                if !self.may_be_leaf(left) {
                    continue;
                }
                if !self.may_be_leaf(right) {
                    break;
                }
                let gain = self.quality(left) + self.quality(right) - parent;
                if gain > best.map_or(1e-9, |best| best.gain) {
                    // Where training had no missing value, a later one goes with the larger part.
                    let missing_left = if missing.rows == 0 {
                        left.rows >= right.rows
                    } else {
                        missing_left
                    };
                    best = Some(Split {
                        gain,
                        column,
                        bin: bin as u8,
                        missing_left,
                        left,
                    });
                }
            }
        }
        best
    }

    fn may_be_leaf(&self, bin: Bin) -> bool {
        bin.rows as usize >= self.limits.min_leaf_rows && self.real(bin.second) >= self.limits.min_leaf_hessian
    }

    /// Twice the loss that a leaf takes away.
    fn quality(&self, bin: Bin) -> f64 {
        let first = self.real(bin.first);
        first * first / (self.real(bin.second) + self.limits.l2)
    }
}

fn first_best(splits: impl Iterator<Item = Split>) -> Option<Split> {
    splits.fold(None, |best: Option<Split>, split| {
        if best.is_none_or(|best| split.gain > best.gain) {
            Some(split)
        } else {
            best
        }
    })
}
