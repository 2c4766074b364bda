//! Scoring. The score of a row is the sum of the values of the leaves that the row reaches in the trees.

use ndarray::{ArrayView2, Axis};

use super::plan::{BLOCK as SIMD_BLOCK, Column, Mask, Plan};
use super::ranks::Ranked;
use super::simd::Kernel;
use super::{FlatTrees, Node, Tree};
use crate::error::{Error, ErrorKind, Result};
use crate::numeric::sigmoid;
use crate::parallel::{Execution, Workers};

/// The type of a matrix cell: `f32` or `f64`. Values of both types are compared as `f64`. The conversion of an `f32` to
/// an `f64` is exact.
pub trait Input: Copy + Into<f64> + Send + Sync + sealed::Sealed + 'static {}

impl Input for f32 {}
impl Input for f64 {}

mod sealed {
    use super::Column;

    pub trait Sealed: Sized {
        /// Returns the column as a column of `f32` or as a column of `f64`, depending on the type of its values.
        fn column(column: &Column<Self>) -> std::result::Result<&Column<f32>, &Column<f64>>;
        /// The value 0. The cells of a block are initialised with this value.
        const ZERO: Self;
    }
    impl Sealed for f32 {
        fn column(column: &Column<Self>) -> std::result::Result<&Column<f32>, &Column<f64>> {
            Ok(column)
        }
        const ZERO: Self = 0.0;
    }
    impl Sealed for f64 {
        fn column(column: &Column<Self>) -> std::result::Result<&Column<f32>, &Column<f64>> {
            Err(column)
        }
        const ZERO: Self = 0.0;
    }
}

/// Maximum number of cells (rows times columns) in a block of rows. A block is scored tree by tree and stays in the
/// cache. The nodes of a large tree are therefore loaded only once for all rows of the block.
const BLOCK_CELLS: usize = 1 << 15;
/// Number of rows that walk down a tree at the same time.
const LANES: usize = 8;
/// Number of trees that one row walks down at the same time, if there are fewer rows than [`LANES`].
const TREE_LANES: usize = 8;
/// Maximum number of rows per task. A task is the work that one thread does at a time.
const CHUNK: usize = 4096;
/// Maximum number of steps (rows times trees) per task. Between two tasks, a thread checks for cancellation.
const CHUNK_STEPS: usize = 500_000;

/// Minimum number of rows for the SIMD kernels. For fewer rows, preparing the kernels takes longer than walking down
/// the trees.
const FEW_ROWS: usize = 64;
/// Minimum number of rows for scoring by ranks (see the module `ranks`). For fewer rows, computing the ranks takes
/// longer than walking down the trees.
const MANY_ROWS: usize = 512;
/// Maximum number of ranks in the blocks of rows that are scored together (the rank of a value is the number of
/// thresholds below the value). This number of ranks still fits into the cache, and each tree is loaded only once for
/// all of these blocks.
const RANKS: usize = 24 * 60 * SIMD_BLOCK;
/// Maximum number of blocks of rows that are scored together by ranks.
const RANK_BLOCKS: usize = 64;
/// Maximum number of steps (rows times trees) per task, if a SIMD kernel scores small trees.
const KERNEL_STEPS: usize = 1_000_000;
/// Number of rows that are transposed at the same time. It is the number of `f32` values in a cache line.
const TILE: usize = 16;
/// Minimum number of steps (rows times trees) for the use of threads. With fewer steps, scoring runs on the caller's
/// thread.
const STEPS_PER_THREAD: usize = 50_000;

impl FlatTrees {
    /// Returns the probability of churn for each row of a matrix (rows x columns). NaN is a missing value. Results are
    /// bit-identical for any number of threads, and the score of a row does not depend on the other rows.
    ///
    /// # Errors
    /// - `feature_mismatch` if the number of columns of the matrix differs from [`n_features`](Self::n_features).
    /// - `cancelled` if the call was cancelled.
    pub fn predict_proba<T: Input>(&self, x: ArrayView2<'_, T>, execution: &Execution) -> Result<Vec<f64>> {
        Ok(self.scores(x, execution)?.into_iter().map(sigmoid).collect())
    }

    /// Returns the log-odds of every row. If there are few steps (rows times trees), scoring runs on the caller's
    /// thread.
    pub(crate) fn scores<T: Input>(&self, x: ArrayView2<'_, T>, execution: &Execution) -> Result<Vec<f64>> {
        let steps = x.nrows().saturating_mul(self.n_trees());
        if execution.threads != Some(0) && steps < STEPS_PER_THREAD {
            return self.log_odds(x, &execution.clone().threads(1).workers()?);
        }
        self.log_odds(x, &execution.workers()?)
    }

    /// Returns the log-odds of every row. The log-odds are the sum of the base value and one leaf value per tree, added
    /// in tree order in `f64`. They depend neither on the number of threads nor on the other rows.
    pub(crate) fn log_odds<T: Input>(&self, x: ArrayView2<'_, T>, workers: &Workers) -> Result<Vec<f64>> {
        self.sums(x, 0, self.base, workers)
    }

    /// For every row, returns the value of the leaf that the row reaches in the last tree.
    pub(crate) fn last_tree<T: Input>(&self, x: ArrayView2<'_, T>, workers: &Workers) -> Result<Vec<f64>> {
        self.sums(x, self.n_trees().saturating_sub(1), 0.0, workers)
    }

    /// Checks the number of columns of a matrix. The check runs before any work whose cost depends on the number of
    /// columns.
    pub(crate) fn check_columns(&self, columns: usize) -> Result<()> {
        if columns == self.n_features() {
            return Ok(());
        }
        let message = format!("the ensemble has {} columns, the matrix {columns}", self.n_features());
        Err(Error::new(ErrorKind::FeatureMismatch, message))
    }

    /// For every row, returns the sum of `base` and the values of the leaves that the row reaches. The trees before
    /// index `first` are left out of the sum.
    fn sums<T: Input>(&self, x: ArrayView2<'_, T>, first: usize, base: f64, workers: &Workers) -> Result<Vec<f64>> {
        self.check_columns(x.ncols())?;
        let mut sums = vec![base; x.nrows()];
        if let (0, FEW_ROWS.., Some(kernel)) = (first, x.nrows(), Kernel::best())
            && let Some(plan) = self.prepared.plan(self)
        {
            add_by_kernel(kernel, plan, x, &mut sums, workers)?;
            return Ok(sums);
        }
        // The code reads a cell at every node, even at a leaf. Each row therefore needs at least one cell.
        let columns = x.ncols().max(1);
        if x.nrows() < FEW_ROWS
            && first == 0
            && let Some(alone) = self.prepared.alone(self)
        {
            let mut cells = vec![0.0f64; x.ncols()];
            for (row, sum) in x.rows().into_iter().zip(&mut sums) {
                workers.check()?;
                (cells.iter_mut().zip(row)).for_each(|(cell, &value)| *cell = value.into());
                *sum = alone.leaves(&cells).fold(*sum, |sum, leaf| sum + leaf);
            }
            return Ok(sums);
        }
        if x.nrows() < LANES {
            let mut cells = vec![0.0f64; columns];
            for (row, sum) in x.rows().into_iter().zip(&mut sums) {
                (cells.iter_mut().zip(row)).for_each(|(cell, &value)| *cell = value.into());
                *sum = self.add_row(first, &cells, *sum, workers)?;
            }
            return Ok(sums);
        }
        let trees = self.n_trees() - first.min(self.n_trees());
        // Every thread gets about four chunks of rows, but a chunk has at least `LANES` rows.
        let share = x.nrows().div_ceil(4 * workers.threads()).max(LANES);
        let chunk = (CHUNK_STEPS / trees.max(1)).clamp(1, CHUNK).min(share);
        if first == 0
            && x.nrows() >= MANY_ROWS
            && let Some(ranked) = self.prepared.ranked(self)
        {
            let blocks = (RANKS / columns / SIMD_BLOCK).clamp(1, RANK_BLOCKS);
            let rows = (blocks * SIMD_BLOCK).min(share.next_multiple_of(SIMD_BLOCK));
            workers.chunks_mut(&mut sums, rows, |start, sums| {
                let rows = x.slice(ndarray::s![start..start + sums.len(), ..]);
                add_by_ranks(Kernel::best(), ranked, trees, rows, sums, workers)
            })?;
            return Ok(sums);
        }
        let block = (BLOCK_CELLS / columns).max(LANES);
        workers.chunks_mut(&mut sums, chunk, |start, sums| {
            let mut cells = vec![T::ZERO; block.min(sums.len()) * columns];
            for (number, sums) in sums.chunks_mut(block).enumerate() {
                let start = start + number * block;
                gather(x.slice(ndarray::s![start..start + sums.len(), ..]), &mut cells);
                for tree in first..self.n_trees() {
                    // Scoring a block takes a long time if there are very many trees. Cancellation is therefore also
                    // checked after every 256 trees.
                    if tree % 256 == 255 {
                        workers.check()?;
                    }
                    add_leaves(self.tree(tree), &cells, columns, sums);
                }
            }
            Ok(())
        })?;
        Ok(sums)
    }
}

/// Increases the sum of each row by the values of the leaves that the row reaches. All trees must be small, because
/// they are scored by a SIMD kernel. Each call of the kernel scores one block of rows.
fn add_by_kernel<T: Input>(
    kernel: Kernel,
    plan: &Plan,
    x: ArrayView2<'_, T>,
    sums: &mut [f64],
    workers: &Workers,
) -> Result<()> {
    let blocks = (KERNEL_STEPS / plan.shapes.len().max(1) / SIMD_BLOCK).clamp(1, 16);
    workers.chunks_mut(sums, blocks * SIMD_BLOCK, |start, sums| {
        let mut columns = vec![Column([T::ZERO; SIMD_BLOCK]); x.ncols()];
        let mut masks = vec![Mask::default(); plan.questions()];
        for (number, sums) in sums.chunks_mut(SIMD_BLOCK).enumerate() {
            workers.check()?;
            let start = start + number * SIMD_BLOCK;
            turn(x.slice(ndarray::s![start..start + sums.len(), ..]), &mut columns);
            // An incomplete block is padded with further rows. The padding rows are scored too, but their scores are
            // dropped.
            let mut block = [0.0; SIMD_BLOCK];
            block[..sums.len()].copy_from_slice(sums);
            kernel.add(plan, &columns, &mut masks, &mut block);
            sums.copy_from_slice(&block[..sums.len()]);
        }
        Ok(())
    })
}

/// Increases the sum of each row by the values of the leaves that the row reaches. The trees may have any size. The
/// caller passes at most as many rows as fit into the cache. Thresholds and nodes are then loaded only once for all
/// rows.
fn add_by_ranks<T: Input>(
    kernel: Option<Kernel>,
    ranked: &Ranked,
    trees: usize,
    x: ArrayView2<'_, T>,
    sums: &mut [f64],
    workers: &Workers,
) -> Result<()> {
    let rows = x.axis_chunks_iter(Axis(0), SIMD_BLOCK);
    let mut turned = vec![Column([T::ZERO; SIMD_BLOCK]); rows.len() * x.ncols()];
    for (rows, columns) in rows.zip(turned.chunks_mut(x.ncols().max(1))) {
        turn(rows, columns);
    }
    let blocks = sums.len().div_ceil(SIMD_BLOCK);
    let ranks = ranked.rank(kernel, &turned, blocks);
    let in_block = ranks.len() / blocks.max(1);
    // An incomplete block is padded with further rows. The padding rows are scored too, but their scores are dropped.
    let mut whole = vec![[0.0; SIMD_BLOCK]; blocks];
    whole.as_flattened_mut()[..sums.len()].copy_from_slice(sums);
    let mut slots = [0; SIMD_BLOCK];
    for tree in 0..trees {
        workers.check()?;
        ranked.prefetch(tree);
        for (block, sums) in whole.iter_mut().enumerate() {
            let ranks = &ranks[block * in_block..(block + 1) * in_block];
            match kernel.zip(ranked.top(tree)) {
                Some((kernel, top)) if kernel.top(top, ranks, &mut slots) => {
                    ranked.add_below(top, &slots, ranks, sums);
                }
                _ => ranked.add(tree, ranks, sums),
            }
        }
    }
    sums.copy_from_slice(&whole.as_flattened()[..sums.len()]);
    Ok(())
}

/// Transposes a block of rows: writes the values of each matrix column to a separate list.
fn turn<T: Input>(x: ArrayView2<'_, T>, columns: &mut [Column<T>]) {
    let Some(cells) = x.to_slice() else {
        for (values, column) in x.columns().into_iter().zip(columns) {
            for (cell, &value) in column.0.iter_mut().zip(&values) {
                *cell = value;
            }
        }
        return;
    };
    // Only [`TILE`] rows are transposed at a time. Both the cache lines that are read and the cache lines that are
    // written then stay in the cache.
    for (tile, cells) in cells.chunks(TILE * columns.len().max(1)).enumerate() {
        for (feature, column) in columns.iter_mut().enumerate() {
            let values = cells.iter().skip(feature).step_by(x.ncols());
            for (cell, &value) in column.0[tile * TILE..].iter_mut().zip(values) {
                *cell = value;
            }
        }
    }
}

/// Copies rows of a matrix into a row-major block. The cells are read in the order in which the matrix stores them.
fn gather<T: Input>(x: ArrayView2<'_, T>, block: &mut [T]) {
    let columns = x.ncols();
    if let Some(cells) = x.to_slice() {
        block[..cells.len()].copy_from_slice(cells);
        return;
    }
    for (column, values) in x.columns().into_iter().enumerate() {
        for (row, &value) in values.iter().enumerate() {
            block[row * columns + column] = value;
        }
    }
}

impl FlatTrees {
    /// Adds the leaf values of one row to `sum` in tree order, beginning with tree `first`. The row walks down several
    /// trees at the same time, so that the CPU waits for several cache misses at the same time.
    fn add_row(&self, first: usize, cells: &[f64], mut sum: f64, workers: &Workers) -> Result<f64> {
        let plain = self.categories.is_empty();
        let (groups, rest) = self.roots[first.min(self.n_trees())..].as_chunks::<TREE_LANES>();
        for (number, roots) in groups.iter().enumerate() {
            if number % 64 == 63 {
                workers.check()?;
            }
            let roots = roots.map(|root| root as usize);
            let leaves = match plain {
                true => self.leaves(roots, |node| node.next(cells[node.feature()])),
                false => self.leaves(roots, |node| self.next_of_any(node, cells)),
            };
            sum = leaves.into_iter().fold(sum, |sum, leaf| sum + leaf);
        }
        for &root in rest {
            let [leaf] = self.leaves([root as usize], |node| self.next_of_any(node, cells));
            sum += leaf;
        }
        Ok(sum)
    }

    fn next_of_any(&self, node: Node, cells: &[f64]) -> usize {
        let value = cells[node.feature()];
        match node.set() {
            Some(set) => node.next_by_set(value, &self.categories[set]),
            None => node.next(value),
        }
    }

    /// Lets a row walk down several trees. `roots` holds the indices of their roots. Returns the value of the leaf that
    /// the row reaches in each tree. The child of a leaf is the leaf itself, so a walk that has reached a leaf stays
    /// there. The loop ends when no walk moves.
    fn leaves<const N: usize>(&self, roots: [usize; N], next: impl Fn(Node) -> usize) -> [f64; N] {
        let nodes = self.nodes.as_slice();
        let mut at = roots;
        loop {
            let mut moved = 0;
            for (at, root) in at.iter_mut().zip(roots) {
                let next = root + next(nodes[*at]);
                moved |= next ^ *at;
                *at = next;
            }
            if moved == 0 {
                return at.map(|at| nodes[at].number());
            }
        }
    }
}

/// Increases the sum of each row by the value of the leaf that the row reaches in the tree. `cells` holds at least as
/// many rows as there are sums.
fn add_leaves<T: Input>(tree: Tree<'_>, cells: &[T], columns: usize, sums: &mut [f64]) {
    let row = |row: usize| &cells[row * columns..(row + 1) * columns];
    let (groups, rest) = sums.as_chunks_mut::<LANES>();
    let first_of_rest = groups.len() * LANES;
    for (number, sums) in groups.iter_mut().enumerate() {
        let leaves = walk(
            tree,
            std::array::from_fn::<_, LANES, _>(|lane| row(number * LANES + lane)),
        );
        sums.iter_mut().zip(leaves).for_each(|(sum, leaf)| *sum += leaf);
    }
    for (number, sum) in rest.iter_mut().enumerate() {
        let [leaf] = walk(tree, [row(first_of_rest + number)]);
        *sum += leaf;
    }
}

/// For each row, returns the value of the leaf that the row reaches. The child of a leaf is the leaf itself, so a row
/// that has reached a leaf stays there. The loop ends when no row moves.
fn walk<T: Input, const N: usize>(tree: Tree<'_>, rows: [&[T]; N]) -> [f64; N] {
    let nodes = tree.nodes;
    let plain = tree.categories.is_empty();
    let mut places = [0usize; N];
    loop {
        let mut moved = 0;
        for (place, cells) in places.iter_mut().zip(rows) {
            let node = nodes[*place];
            let value = cells[node.feature()].into();
            let next = if plain {
                node.next(value)
            } else {
                tree.next(*place, value)
            };
            moved |= next ^ *place;
            *place = next;
        }
        if moved == 0 {
            return places.map(|place| nodes[place].number());
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use proptest::prelude::*;

    use super::super::Categories;
    use super::*;
    use crate::numeric::SplitMix;

    /// Creates random trees. `leaves` is the maximum number of leaves of a tree. If `sets` is true, some of the splits
    /// are on category sets.
    fn forest(random: &mut SplitMix, trees: usize, leaves: usize, features: usize, sets: bool) -> FlatTrees {
        let mut ensemble = FlatTrees::new(random.unit(), features);
        for _ in 0..trees {
            let mut nodes = vec![Node::leaf(0, random.unit())];
            for _ in 0..random.below(2 * leaves) {
                let place = random.below(nodes.len());
                if !nodes[place].is_leaf() || nodes.len() + 2 > 2 * leaves {
                    continue;
                }
                let left = nodes.len() as u32;
                let feature = random.below(features) as u32;
                let missing_left = random.below(2) == 0;
                nodes[place] = if sets && random.below(4) == 0 {
                    let set = Categories::new(vec![random.next_u64(); 1 + random.below(2)], 0.0);
                    Node::split_on_set(feature, ensemble.push_set(set), missing_left, left)
                } else {
                    let threshold = [random.unit(), 0.5, -0.0, 1e-50, f64::MAX][random.below(5)];
                    Node::split(feature, threshold, missing_left, left)
                };
                nodes.push(Node::leaf(left, random.unit() - 0.5));
                nodes.push(Node::leaf(left + 1, random.unit() - 0.5));
            }
            ensemble.push(&nodes, &vec![1.0; nodes.len()]);
        }
        ensemble.validate().unwrap();
        ensemble
    }

    fn walked(ensemble: &FlatTrees, row: impl Fn(usize) -> f64) -> f64 {
        (0..ensemble.n_trees()).fold(ensemble.base, |sum, tree| {
            let tree = ensemble.tree(tree);
            let mut place = 0;
            while !tree.nodes[place].is_leaf() {
                place = tree.next(place, row(tree.nodes[place].feature()));
            }
            sum + tree.nodes[place].number()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn every_kernel_is_bit_identical_to_the_walk(
            seed: u64, rows in 1usize..600, trees in 0usize..30, leaves in 1usize..=64, sets: bool
        ) {
            let mut random = SplitMix::new(seed, 0);
            let ensemble = forest(&mut random, trees, leaves, 7, sets);
            let plan = Plan::of(&ensemble).unwrap();
            let wide = Array2::from_shape_fn((rows, 7), |_| match random.below(10) {
                0 => f64::NAN,
                1 => f64::INFINITY,
                2 => f64::NEG_INFINITY,
                3 => -0.0,
                4 => random.below(140) as f64 + 0.5,
                5 => 0.5f64.next_up(),
                _ => random.unit(),
            });
            let narrow = wide.mapv(|value| value as f32);
            for kernel in Kernel::all() {
                for turned in [false, true] {
                    let (wide, narrow) = match turned {
                        false => (wide.clone(), narrow.clone()),
                        true => (wide.t().as_standard_layout().into_owned().reversed_axes(),
                                 narrow.t().as_standard_layout().into_owned().reversed_axes()),
                    };
                    let (mut a, mut b) = (vec![ensemble.base; rows], vec![ensemble.base; rows]);
                    add_by_kernel(kernel, &plan, wide.view(), &mut a, &Workers::inline()).unwrap();
                    add_by_kernel(kernel, &plan, narrow.view(), &mut b, &Workers::inline()).unwrap();
                    for row in 0..rows {
                        let plain = walked(&ensemble, |feature| wide[[row, feature]]);
                        prop_assert_eq!(a[row].to_bits(), plain.to_bits(), "{:?}, f64, row {}", kernel, row);
                        let plain = walked(&ensemble, |feature| f64::from(narrow[[row, feature]]));
                        prop_assert_eq!(b[row].to_bits(), plain.to_bits(), "{:?}, f32, row {}", kernel, row);
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn ranks_are_bit_identical_to_the_walk(
            seed: u64, trees in 0usize..20, leaves in 65usize..400, few in 0usize..40, chain: bool
        ) {
            let mut random = SplitMix::new(seed, 0);
            let mut ensemble = forest(&mut random, trees, leaves, 7, false);
            if chain {
                // In this tree, the right child of every split is the next split. The tree has the largest height that
                // is possible for its number of leaves.
                let splits = (0..leaves as u32).flat_map(|split| [
                    Node::split(split % 7, f64::from(split) / leaves as f64, split % 2 == 0, 2 * split + 1),
                    Node::leaf(2 * split + 1, f64::from(split)),
                ]);
                let mut nodes: Vec<Node> = splits.collect();
                nodes.push(Node::leaf(2 * leaves as u32, -1.0));
                ensemble.push(&nodes, &vec![1.0; nodes.len()]);
                ensemble.validate().unwrap();
            }
            let rows = MANY_ROWS + few;
            let wide = Array2::from_shape_fn((rows, 7), |_| match random.below(10) {
                0 => f64::NAN,
                1 => f64::INFINITY,
                2 => f64::NEG_INFINITY,
                3 => -0.0,
                4 => 0.0,
                5 => 0.5f64.next_up(),
                _ => random.unit(),
            });
            let narrow = wide.mapv(|value| value as f32);
            let kernels = Kernel::all().into_iter().map(Some).chain([None]);
            let by_ranks = kernels.map(|kernel| {
                let ranked = Ranked::of(&ensemble, kernel.is_some()).unwrap();
                let mut sums = vec![ensemble.base; rows];
                add_by_ranks(kernel, &ranked, ensemble.n_trees(), wide.view(), &mut sums, &Workers::inline()).unwrap();
                sums
            });
            let by_ranks: Vec<Vec<f64>> = by_ranks.collect();
            let whole = ensemble.log_odds(wide.view(), &Workers::inline()).unwrap();
            let rounded = ensemble.log_odds(narrow.view(), &Workers::inline()).unwrap();
            let last = ensemble.last_tree(wide.view(), &Workers::inline()).unwrap();
            for row in 0..rows {
                let plain = walked(&ensemble, |feature| wide[[row, feature]]);
                for sums in &by_ranks {
                    prop_assert_eq!(sums[row].to_bits(), plain.to_bits());
                }
                prop_assert_eq!(whole[row].to_bits(), plain.to_bits());
                let plain = walked(&ensemble, |feature| f64::from(narrow[[row, feature]]));
                prop_assert_eq!(rounded[row].to_bits(), plain.to_bits());
                let alone = ensemble.last_tree(wide.slice(ndarray::s![row..row + 1, ..]), &Workers::inline()).unwrap();
                prop_assert_eq!(last[row].to_bits(), alone[0].to_bits());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn few_rows_are_bit_identical_to_the_walk(
            seed: u64, rows in 1usize..LANES, trees in 0usize..50, leaves in 1usize..200, sets: bool
        ) {
            let mut random = SplitMix::new(seed, 0);
            let ensemble = forest(&mut random, trees, leaves, 7, sets);
            let x = Array2::from_shape_fn((rows, 7), |_| match random.below(6) {
                0 => f64::NAN,
                1 => random.below(140) as f64,
                _ => random.unit(),
            });
            let sums = ensemble.log_odds(x.view(), &Workers::inline()).unwrap();
            for (row, sum) in sums.into_iter().enumerate() {
                prop_assert_eq!(sum.to_bits(), walked(&ensemble, |feature| x[[row, feature]]).to_bits());
            }
            if trees > 0 {
                let last = ensemble.last_tree(x.view(), &Workers::inline()).unwrap();
                prop_assert!(last.iter().all(|leaf| leaf.is_finite()));
            }
        }
    }

    #[test]
    fn a_larger_tree_has_no_plan() {
        let mut random = SplitMix::new(5, 0);
        let mut small = forest(&mut random, 3, 64, 3, false);
        assert!(Plan::of(&small).is_some());
        let before = small.prepared.plan(&small).map(|plan| plan.shapes.len());
        let mut nodes = vec![];
        for split in 0..64u32 {
            nodes.push(Node::split(0, 0.5, true, 2 * split + 1));
            nodes.push(Node::leaf(2 * split + 1, 1.0));
        }
        nodes.push(Node::leaf(128, 2.0));
        small.push(&nodes, &[1.0; 129]);
        small.validate().unwrap();
        assert_eq!(before, Some(3));
        assert!(
            small.prepared.plan(&small).is_none(),
            "the plan was not recomputed after the change"
        );
    }
}
