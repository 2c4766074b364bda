//! Scoring: the sum over trees of every row.

use ndarray::ArrayView2;

use super::{FlatEnsemble, Tree};
use crate::error::{Error, ErrorKind, Result};
use crate::numeric::sigmoid;
use crate::parallel::{Execution, Workers};

/// A number that trees can look at: `f32` or `f64`; both are compared as `f64`, exactly.
pub trait Input: Copy + Into<f64> + Send + Sync + sealed::Sealed + 'static {}

impl Input for f32 {}
impl Input for f64 {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// Rows whose cells are gathered and scored together, tree by tree.
const BLOCK: usize = 64;
/// Rows that walk down a tree side by side.
const ABREAST: usize = 8;
/// Rows a worker takes at a time, at most.
const CHUNK: usize = 512;
/// Rows times trees a worker takes between two looks at the cancellation.
const CHUNK_STEPS: usize = 200_000;

/// Fewer rows times trees are done on the caller's thread.
const STEPS_PER_THREAD: usize = 50_000;

impl FlatEnsemble {
    /// The probability of churn of every row (NaN is missing): the same bits whatever the number of threads and rows.
    ///
    /// # Errors
    /// `feature_mismatch` if the matrix has another number of columns; `cancelled`.
    pub fn predict_proba<T: Input>(&self, x: ArrayView2<'_, T>, execution: &Execution) -> Result<Vec<f64>> {
        Ok(self.scores(x, execution)?.into_iter().map(sigmoid).collect())
    }

    /// The sums of every row's leaves. Few rows are not worth starting threads for.
    pub(crate) fn scores<T: Input>(&self, x: ArrayView2<'_, T>, execution: &Execution) -> Result<Vec<f64>> {
        let steps = x.nrows().saturating_mul(self.trees());
        if execution.threads != Some(0) && steps < STEPS_PER_THREAD {
            return self.log_odds(x, &execution.clone().threads(1).workers()?);
        }
        self.log_odds(x, &execution.workers()?)
    }

    /// The log-odds of every row: the base, then each tree's leaf, added in `f64` in tree order. The bits do not depend on
    /// threads or on the other rows.
    pub(crate) fn log_odds<T: Input>(&self, x: ArrayView2<'_, T>, workers: &Workers) -> Result<Vec<f64>> {
        self.sums(x, 0, self.base, workers)
    }

    /// The last tree's leaf of every row.
    pub(crate) fn last_tree<T: Input>(&self, x: ArrayView2<'_, T>, workers: &Workers) -> Result<Vec<f64>> {
        self.sums(x, self.trees().saturating_sub(1), 0.0, workers)
    }

    /// Whether a matrix has the columns that the trees look at.
    pub(crate) fn check_columns(&self, columns: usize) -> Result<()> {
        if columns == self.features() {
            return Ok(());
        }
        let message = format!("the ensemble wants {} columns and got {columns}", self.features());
        Err(Error::new(ErrorKind::FeatureMismatch, message))
    }

    /// `base` and the leaves of the trees from `first` on.
    fn sums<T: Input>(&self, x: ArrayView2<'_, T>, first: usize, base: f64, workers: &Workers) -> Result<Vec<f64>> {
        self.check_columns(x.ncols())?;
        let mut sums = vec![base; x.nrows()];
        // A row without columns still has a cell that a leaf may look at.
        let columns = x.ncols().max(1);
        let trees = self.trees() - first.min(self.trees());
        let chunk = (CHUNK_STEPS / trees.max(1)).clamp(1, CHUNK);
        workers.chunks_mut(&mut sums, chunk, |start, sums| {
            let mut block = vec![0.0f64; BLOCK.min(sums.len()) * columns];
            for (number, sums) in sums.chunks_mut(BLOCK).enumerate() {
                let start = start + number * BLOCK;
                gather(x.slice(ndarray::s![start..start + sums.len(), ..]), &mut block);
                for tree in first..self.trees() {
                    // Very many trees: one block may take long.
                    if tree % 1024 == 1023 {
                        workers.check()?;
                    }
                    let tree = self.tree(tree);
                    let cells = block.chunks(columns * ABREAST);
                    for (sums, cells) in sums.chunks_mut(ABREAST).zip(cells) {
                        add_leaves(tree, cells, columns, sums);
                    }
                }
            }
            Ok(())
        })?;
        Ok(sums)
    }
}

/// Copies rows into a block, row by row, reading along columns where they lie so.
fn gather<T: Input>(x: ArrayView2<'_, T>, block: &mut [f64]) {
    let columns = x.ncols();
    for (column, values) in x.columns().into_iter().enumerate() {
        for (row, &value) in values.iter().enumerate() {
            block[row * columns + column] = value.into();
        }
    }
}

/// Adds to each row's sum its leaf. All rows take steps until each stands on a leaf; a leaf leads to itself.
fn add_leaves(tree: Tree<'_>, cells: &[f64], columns: usize, sums: &mut [f64]) {
    let mut places = [0usize; ABREAST];
    let places = &mut places[..sums.len()];
    let nodes = tree.nodes;
    let plain = tree.categories.is_empty();
    loop {
        let mut moved = 0;
        for (place, cells) in places.iter_mut().zip(cells.chunks_exact(columns)) {
            let node = nodes[*place];
            let value = cells[node.feature()];
            let next = if plain {
                node.next(value)
            } else {
                tree.next(*place, value)
            };
            moved |= next ^ *place;
            *place = next;
        }
        if moved == 0 {
            break;
        }
    }
    for (sum, &place) in sums.iter_mut().zip(places.iter()) {
        *sum += nodes[place].number();
    }
}
