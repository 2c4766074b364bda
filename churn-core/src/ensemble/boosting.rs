//! Gradient-boosted trees that minimise the log-loss.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use super::early_stopping::{EarlyStopping, HeldOut};
use super::flat::FlatTrees;
use super::grow::{BinMatrix, BinTree, Gradients, Grower, Limits};
use super::histogram::{MOST_ROWS, Objective, Packing};
use super::training::without_weightless;
use super::{Training, prior_log_odds};
use crate::error::{Error, ErrorKind, Result};
use crate::numeric::{SplitMix, sigmoid};
use crate::parallel::{Execution, Workers};

/// Options of [`GradientBoosting`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct GradientBoostingOptions {
    /// Number of trees. Default: 200.
    pub n_trees: usize,
    /// Maximum number of leaves of a tree. Default: 31.
    pub max_leaves: usize,
    /// Maximum depth of a tree. Default: 64.
    pub max_depth: usize,
    /// Learning rate (shrinkage), by which all leaf values are multiplied. Default: 0.1.
    pub learning_rate: f64,
    /// Minimum number of training rows in a leaf. Default: 20.
    pub min_leaf_rows: usize,
    /// Minimum Hessian of a leaf: the sum of the second derivatives of the log-loss over the rows in the leaf. Default:
    /// 0.001.
    pub min_leaf_hessian: f64,
    /// L1 penalty on leaf values. The absolute value of a leaf's gradient (the sum of the first derivatives of the
    /// log-loss over its rows) is reduced by this number, but not below 0. Default: 0.
    pub l1: f64,
    /// L2 penalty on leaf values. A larger number makes the leaf values smaller. Default: 1.
    pub l2: f64,
    /// Each tree uses a random sample of the columns. This number is the size of the sample as a fraction of all
    /// columns, above 0 and at most 1. Default: 1.
    pub colsample: f64,
    /// Each tree uses a random sample of the rows. This number is the size of the sample as a fraction of all rows,
    /// above 0 and at most 1. Default: 1.
    pub subsample: f64,
    /// Maximum number of bins per column, from 2 to 255. A bin is a range of values that the search for splits does not
    /// divide. Default: 255.
    pub max_bins: usize,
    /// Monotonic constraints, one for each column. With 1, the log-odds never fall if the column grows and all other
    /// columns stay the same. With -1, the log-odds never rise. With 0, the column has no constraint. An empty list
    /// means that no column has a constraint. Default: empty.
    pub monotone_constraints: Vec<i8>,
    /// Seed of the random sampling of rows and columns. In [`EnsembleOptions`](crate::EnsembleOptions), this seed is
    /// ignored, and the seed of the whole training run is used instead. Default: 0.
    pub seed: u64,
}

impl Default for GradientBoostingOptions {
    fn default() -> Self {
        Self {
            n_trees: 200,
            max_leaves: 31,
            max_depth: 64,
            learning_rate: 0.1,
            min_leaf_rows: 20,
            min_leaf_hessian: 1e-3,
            l1: 0.0,
            l2: 1.0,
            colsample: 1.0,
            subsample: 1.0,
            max_bins: 255,
            monotone_constraints: vec![],
            seed: 0,
        }
    }
}

crate::options::plain_options!(GradientBoostingOptions {
    with_n_trees(n_trees: usize),
    with_max_leaves(max_leaves: usize),
    with_max_depth(max_depth: usize),
    with_learning_rate(learning_rate: f64),
    with_min_leaf_rows(min_leaf_rows: usize),
    with_min_leaf_hessian(min_leaf_hessian: f64),
    with_l1(l1: f64),
    with_l2(l2: f64),
    with_colsample(colsample: f64),
    with_subsample(subsample: f64),
    with_max_bins(max_bins: usize),
    with_monotone_constraints(monotone_constraints: Vec<i8>),
    with_seed(seed: u64),
});

/// Histogram-based gradient boosting (Friedman, "Greedy function approximation: a gradient boosting machine", 2001),
/// with leaf-wise growth as in LightGBM (Ke et al., 2017).
///
/// Histograms are sums of integers, so the model is bit-identical for any number of threads. For each split, training
/// chooses whether missing values go left or right. Training ends with fewer than `n_trees` trees if no further tree
/// can have a split.
///
/// ```
/// use churn_core::ensemble::{GradientBoosting, GradientBoostingOptions};
/// use churn_core::Execution;
/// use ndarray::Array2;
///
/// let x = Array2::from_shape_fn((200, 2), |(row, column)| ((row * 7 + column * 3) % 20) as f32);
/// let y: Vec<bool> = x.rows().into_iter().map(|row| row[0] > 9.0).collect();
/// let boosting = GradientBoosting::new(GradientBoostingOptions::default().with_n_trees(20).with_min_leaf_rows(5));
/// let ensemble = boosting.fit(x.view(), &y, None, &Execution::default())?;
/// assert_eq!(ensemble.n_trees(), 20);
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct GradientBoosting {
    options: GradientBoostingOptions,
}

/// Number of rows that a thread processes per task, for tasks that need little time per row.
const PIECE: usize = 1 << 13;

impl GradientBoosting {
    /// Creates a learner with these options.
    pub fn new(options: GradientBoostingOptions) -> Self {
        Self { options }
    }

    /// Trains on a matrix (rows x columns) with one label per row in `churned`. NaN in the matrix is a missing value.
    /// `weights` has one element per row. Each weight must be finite and not negative. Without `weights`, every row has
    /// weight 1.
    ///
    /// # Errors
    /// - `single_class` if all rows with positive weight have the same label.
    /// - `too_little_data` if there are no rows.
    /// - `invalid_option` if an option or a weight is not valid, or if the numbers of rows, labels and weights differ.
    /// - `cancelled` if the call was cancelled.
    pub fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        churned: &[bool],
        weights: Option<&[f64]>,
        execution: &Execution,
    ) -> Result<FlatTrees> {
        self.fit_on(x, churned, weights, None, &execution.workers()?)
    }

    /// Trains on a matrix like [`fit`](Self::fit). If held-out rows are given, the log-loss of the held-out rows is
    /// computed after each tree. The ensemble keeps the trees up to the one after which this log-loss was lowest.
    pub(crate) fn fit_on(
        &self,
        x: ArrayView2<'_, f32>,
        churned: &[bool],
        weights: Option<&[f64]>,
        held_out: Option<HeldOut<'_>>,
        workers: &Workers,
    ) -> Result<FlatTrees> {
        self.validate()?;
        let training = Training::new(x.nrows(), churned, weights)?;
        if let Some(held_out) = &held_out {
            held_out.validate(x.ncols())?;
        }
        if let Some((x, churned, weights)) = without_weightless(x, &training) {
            return self.fit_on(x.view(), &churned, Some(&weights), held_out, workers);
        }
        let (ensemble, _) = workers.inside(|| self.boost(x, &training, held_out, workers))?;
        Ok(ensemble)
    }

    /// Trains the trees. Returns the ensemble, and the log-odds that all trained trees together predict for the
    /// training rows.
    fn boost(
        &self,
        x: ArrayView2<'_, f32>,
        training: &Training<'_>,
        held_out: Option<HeldOut<'_>>,
        workers: &Workers,
    ) -> Result<(FlatTrees, Vec<f64>)> {
        let options = &self.options;
        if training.rows() > MOST_ROWS {
            let message = format!("boosting takes at most {MOST_ROWS} rows, not {}", training.rows());
            return Err(Error::new(ErrorKind::InvalidOption, message).at(None, None, Some("x")));
        }
        let directions = self.directions(x.ncols())?;
        let cells = BinMatrix::new(x, options.max_bins, workers)?;
        let objective = Objective {
            min_leaf_rows: options.min_leaf_rows.max(1) as u64,
            min_leaf_hessian: options.min_leaf_hessian,
            l1: options.l1,
            l2: options.l2,
        };
        let limits = Limits {
            leaves: options.max_leaves,
            depth: options.max_depth,
            learning_rate: options.learning_rate,
        };
        let mut grower = Grower::new(&cells, training.weights(), objective, limits, directions, workers);
        let base = prior_log_odds(training);
        let mut ensemble = FlatTrees::new(base, x.ncols());
        let mut scores = vec![base; training.rows()];
        let mut gradients = Gradients::of_nothing(training.rows());
        let mut watch = held_out.map(|held_out| EarlyStopping::new(held_out, base));
        for number in 0..options.n_trees {
            gradients.differentiate(training, &scores, workers)?;
            let sampled = |count, share, stream| sample(count, share, options.seed, stream);
            let rows = sampled(training.rows(), options.subsample, 2 * number as u64);
            let columns = sampled(x.ncols(), options.colsample, 2 * number as u64 + 1);
            let mut wanted = vec![false; x.ncols()];
            columns.iter().for_each(|&column| wanted[column as usize] = true);
            let all_rows = rows.len() == training.rows();
            let tree = grower.grow(rows, &gradients, &wanted)?;
            add_leaves(&tree, &cells, all_rows, &mut scores, workers)?;
            let (nodes, covers) = tree.flat(&cells.cuts);
            ensemble.push(&nodes, &covers);
            workers.report("boosting", number + 1, options.n_trees);
            if let Some(watch) = &mut watch
                && watch.should_stop(&ensemble, workers)?
            {
                break;
            }
            // This tree could use all rows and columns but has no split. The next tree could not have a split either,
            // so training ends.
            if tree.leaves.len() == 1 && all_rows && columns.len() == x.ncols() {
                break;
            }
        }
        if let Some(watch) = watch {
            ensemble.truncate(watch.best_trees);
        }
        Ok((ensemble, scores))
    }

    /// Returns the monotonic constraint of each column: increasing (1), decreasing (-1) or none (0).
    fn directions(&self, columns: usize) -> Result<Vec<i8>> {
        let given = &self.options.monotone_constraints;
        match given {
            _ if given.is_empty() => Ok(vec![0; columns]),
            _ if given.len() == columns && given.iter().all(|direction| (-1..=1).contains(direction)) => {
                Ok(given.clone())
            }
            _ => {
                let message =
                    format!("monotone_constraints must be empty, or -1, 0 or 1 for each of {columns} columns");
                Err(Error::new(ErrorKind::InvalidOption, message).at(None, None, Some("monotone_constraints")))
            }
        }
    }

    fn validate(&self) -> Result<()> {
        let options = &self.options;
        let refuse = |name: &str, why: &str| {
            Err(Error::new(ErrorKind::InvalidOption, format!("{name} {why}")).at(None, None, Some(name)))
        };
        let share = |value: f64| value > 0.0 && value <= 1.0;
        let positive = |value: f64| value.is_finite() && value >= 0.0;
        match options {
            _ if options.max_leaves < 2 => refuse("max_leaves", "must be at least 2"),
            _ if options.max_depth < 1 => refuse("max_depth", "must be at least 1"),
            _ if !(options.learning_rate.is_finite() && options.learning_rate > 0.0) => {
                refuse("learning_rate", "must be a positive number")
            }
            _ if !positive(options.l1) => refuse("l1", "must be finite and not negative"),
            _ if !positive(options.l2) => refuse("l2", "must be finite and not negative"),
            _ if !positive(options.min_leaf_hessian) => refuse("min_leaf_hessian", "must be finite and not negative"),
            _ if !share(options.colsample) => refuse("colsample", "must be above 0 and at most 1"),
            _ if !share(options.subsample) => refuse("subsample", "must be above 0 and at most 1"),
            _ if !(2..=255).contains(&options.max_bins) => refuse("max_bins", "must be from 2 to 255"),
            _ => Ok(()),
        }
    }
}

impl Gradients {
    fn of_nothing(rows: usize) -> Self {
        Self {
            exact: vec![[0.0; 2]; rows],
            compact: vec![0; rows],
            packing: Packing::new(rows, 1.0, 1.0),
        }
    }

    /// Computes the first and the second derivative of each row's log-loss at the log-odds `scores`. Both derivatives
    /// are multiplied by the weight of the row.
    fn differentiate(&mut self, training: &Training<'_>, scores: &[f64], workers: &Workers) -> Result<()> {
        let exact = &mut self.exact;
        workers.chunks_mut(exact, PIECE, |start, exact| {
            for (row, derivatives) in (start..).zip(exact) {
                let (p, weight) = (sigmoid(scores[row]), training.weight(row));
                let label = f64::from(u8::from(training.churned(row)));
                *derivatives = [(p - label) * weight, p * (1.0 - p) * weight];
            }
            Ok(())
        })?;
        let exact = &self.exact;
        let largest = workers.map_chunks(exact.len(), PIECE, |piece| {
            let larger = |[a, b]: [f64; 2], [first, second]: &[f64; 2]| [a.max(first.abs()), b.max(*second)];
            Ok(exact[piece].iter().fold([0.0; 2], larger))
        })?;
        let [first, second] = largest
            .into_iter()
            .fold([0.0f64; 2], |[a, b], [first, second]| [a.max(first), b.max(second)]);
        let packing = Packing::new(exact.len(), first, second);
        workers.chunks_mut(&mut self.compact, PIECE, |start, compact| {
            for (compact, [first, second]) in compact.iter_mut().zip(&exact[start..]) {
                *compact = packing.pack(*first, *second);
            }
            Ok(())
        })?;
        self.packing = packing;
        Ok(())
    }
}

/// Increases the score of each row by the value of the leaf that the row reaches in the tree.
fn add_leaves(tree: &BinTree, cells: &BinMatrix, all_rows: bool, scores: &mut [f64], workers: &Workers) -> Result<()> {
    if all_rows {
        // The tree was grown on all rows, so its leaves already list the rows that reach them.
        for (rows, value) in &tree.leaves {
            workers.check()?;
            rows.iter().for_each(|&row| scores[row as usize] += value);
        }
        return Ok(());
    }
    workers.chunks_mut(scores, PIECE, |start, scores| {
        for (row, score) in (start..).zip(scores) {
            *score += tree.value(cells, row);
        }
        Ok(())
    })
}

/// Returns a random sample of the numbers `0..count` in ascending order. The sample has at least one element if `count`
/// is above 0.
fn sample(count: usize, share: f64, seed: u64, stream: u64) -> Vec<u32> {
    let all = 0..count as u32;
    if share >= 1.0 {
        return all.collect();
    }
    let wanted = ((count as f64 * share).round() as usize).clamp(1, count.max(1));
    // Selection sampling (Knuth, The Art of Computer Programming, volume 2, algorithm S).
    let mut random = SplitMix::new(seed, stream);
    let mut chosen = Vec::with_capacity(wanted);
    for item in all {
        if random.below(count - item as usize) < wanted - chosen.len() {
            chosen.push(item);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis, concatenate, s};

    use super::super::synthetic::problem;
    use super::*;
    use crate::metrics::roc_auc;
    use crate::parallel::CancelToken;

    fn quick() -> GradientBoostingOptions {
        GradientBoostingOptions {
            n_trees: 30,
            max_leaves: 15,
            ..Default::default()
        }
    }

    fn fit(options: GradientBoostingOptions, x: &Array2<f32>, churned: &[bool]) -> FlatTrees {
        let ensemble = GradientBoosting::new(options)
            .fit(x.view(), churned, None, &Execution::new())
            .unwrap();
        ensemble.validate().unwrap();
        ensemble
    }

    fn weights(rows: usize) -> Vec<f64> {
        (0..rows).map(|row| [1.0, 0.25, 3.0][row % 3]).collect()
    }

    #[test]
    fn learns_a_nonlinear_dependence() {
        let (x, churned) = problem(1, 6000, true);
        let train = s![..4000, ..];
        let boosting = GradientBoosting::new(quick());
        let ensemble = boosting
            .fit(x.slice(train), &churned[..4000], None, &Execution::new())
            .unwrap();
        let p = ensemble
            .predict_proba(x.slice(s![4000.., ..]), &Execution::new())
            .unwrap();
        let auc = roc_auc(&churned[4000..], &p).unwrap();
        assert!(auc > 0.75, "{auc}");
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        // The number of rows is large enough for several chunks, so several threads are used.
        let (x, churned) = problem(2, 40_000, true);
        let weights = weights(40_000);
        for (share, weights) in [(1.0, None), (0.7, Some(weights.as_slice()))] {
            let options = GradientBoostingOptions {
                n_trees: 5,
                colsample: share,
                subsample: share,
                ..quick()
            };
            let by = |threads| {
                let execution = Execution::new().threads(threads);
                GradientBoosting::new(options.clone())
                    .fit(x.view(), &churned, weights, &execution)
                    .unwrap()
            };
            assert_eq!(by(1), by(5));
        }
    }

    #[test]
    fn flat_trees_give_the_scores_of_training() {
        let (x, churned) = problem(3, 3000, true);
        let weights = weights(3000);
        for share in [1.0, 0.6] {
            let options = GradientBoostingOptions {
                subsample: share,
                colsample: share,
                ..quick()
            };
            let training = Training::new(3000, &churned, Some(&weights)).unwrap();
            let boosting = GradientBoosting::new(options);
            let (ensemble, scores) = boosting.boost(x.view(), &training, None, &Workers::inline()).unwrap();
            assert_eq!(ensemble.log_odds(x.view(), &Workers::inline()).unwrap(), scores);
        }
    }

    #[test]
    fn monotonic_constraints_are_obeyed() {
        let (x, churned) = problem(14, 3000, true);
        let free = fit(quick(), &x, &churned);
        for direction in [1, -1] {
            let monotone: Vec<i8> = (0..x.ncols())
                .map(|column| if column < 2 { direction } else { 0 })
                .collect();
            let bound = fit(
                GradientBoostingOptions {
                    monotone_constraints: monotone,
                    ..quick()
                },
                &x,
                &churned,
            );
            let falls = |ensemble: &FlatTrees| {
                let mut falls = 0;
                for row in x.rows().into_iter().take(50) {
                    for column in 0..2 {
                        let steps = Array2::from_shape_fn((41, x.ncols()), |(step, other)| {
                            if other == column {
                                step as f32 / 20.0 - 0.5
                            } else {
                                row[other]
                            }
                        });
                        let z = ensemble.log_odds(steps.view(), &Workers::inline()).unwrap();
                        falls += z
                            .windows(2)
                            .filter(|pair| f64::from(direction) * (pair[1] - pair[0]) < 0.0)
                            .count();
                    }
                }
                falls
            };
            assert!(falls(&bound) == 0 && falls(&free) > 0);
        }
        let code = |monotone: Vec<i8>| {
            let boosting = GradientBoosting::new(GradientBoostingOptions {
                monotone_constraints: monotone,
                ..quick()
            });
            boosting
                .fit(x.view(), &churned, None, &Execution::new())
                .err()
                .map(|error| error.code())
        };
        assert_eq!(code(vec![1]), Some("invalid_option"));
        assert_eq!(code(vec![2; x.ncols()]), Some("invalid_option"));
    }

    #[test]
    fn memory_layout_does_not_matter() {
        let (x, churned) = problem(4, 1000, true);
        assert_eq!(
            fit(quick(), &x, &churned),
            fit(quick(), &x.as_standard_layout().into_owned(), &churned)
        );
    }

    #[test]
    fn rows_of_weight_zero_have_no_effect() {
        let (x, churned) = problem(5, 1000, true);
        let (noise, others) = problem(6, 500, true);
        let both = concatenate![Axis(0), x, noise * 9.0];
        let labels = [churned.clone(), others].concat();
        let weights: Vec<f64> = (0..1500).map(|row| if row < 1000 { 2.0 } else { 0.0 }).collect();
        let fit = |x: &Array2<f32>, churned: &[bool], weights: &[f64]| {
            GradientBoosting::new(quick())
                .fit(x.view(), churned, Some(weights), &Execution::new())
                .unwrap()
        };
        assert_eq!(fit(&both, &labels, &weights), fit(&x, &churned, &weights[..1000]));
    }

    #[test]
    fn the_unit_of_weights_does_not_matter_without_penalties() {
        let (x, churned) = problem(7, 1000, false);
        let options = GradientBoostingOptions {
            l2: 0.0,
            min_leaf_hessian: 0.0,
            n_trees: 10,
            ..quick()
        };
        let by = |unit: f64| {
            let weights = vec![unit; 1000];
            let boosting = GradientBoosting::new(options.clone());
            let ensemble = boosting
                .fit(x.view(), &churned, Some(&weights), &Execution::new())
                .unwrap();
            ensemble.log_odds(x.view(), &Workers::inline()).unwrap()
        };
        assert_eq!(by(1.0), by(2f64.powi(-200)));
        assert_eq!(by(1.0), by(2f64.powi(200)));
    }

    #[test]
    fn an_integer_weight_equals_that_many_rows() {
        let (x, churned) = problem(8, 1500, false);
        let twice = concatenate![Axis(0), x, x];
        let labels = [churned.clone(), churned.clone()].concat();
        let options = GradientBoostingOptions {
            min_leaf_rows: 1,
            max_bins: 16,
            n_trees: 5,
            ..quick()
        };
        let boosting = GradientBoosting::new(options.clone());
        let weighted = boosting
            .fit(x.view(), &churned, Some(&vec![2.0; 1500]), &Execution::new())
            .unwrap();
        let repeated = fit(options, &twice, &labels);
        let of = |ensemble: &FlatTrees| ensemble.log_odds(x.view(), &Workers::inline()).unwrap();
        for (a, b) in of(&weighted).iter().zip(of(&repeated)) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }

    #[test]
    fn constant_empty_and_infinite_columns_are_accepted() {
        let (x, churned) = problem(9, 400, false);
        let mut awkward = Array2::from_elem((400, 6), 1.0f32);
        awkward.column_mut(1).fill(f32::NAN);
        awkward.column_mut(2).assign(
            &x.column(0)
                .mapv(|v| if v > 0.5 { f32::INFINITY } else { f32::NEG_INFINITY }),
        );
        awkward
            .column_mut(3)
            .assign(&x.column(1).mapv(|v| if v > 0.5 { f32::MAX } else { f32::MIN }));
        awkward
            .column_mut(4)
            .assign(&x.column(2).mapv(|v| if v > 0.5 { f32::NAN } else { 1e-45 }));
        awkward.column_mut(5).assign(&x.column(3));
        let ensemble = fit(quick(), &awkward, &churned);
        let p = ensemble.predict_proba(awkward.view(), &Execution::new()).unwrap();
        assert!(p.iter().all(|p| p.is_finite()));
        assert!(roc_auc(&churned, &p).unwrap() > 0.75);
    }

    #[test]
    fn data_without_a_split_gives_the_churn_rate() {
        for x in [
            Array2::from_elem((8, 2), 1.0f32),
            Array2::from_elem((8, 2), f32::NAN),
            Array2::zeros((8, 0)),
        ] {
            let churned = [true, false, false, false, false, false, true, false];
            let ensemble = fit(
                GradientBoostingOptions {
                    min_leaf_rows: 1,
                    ..quick()
                },
                &x,
                &churned,
            );
            assert_eq!(ensemble.n_trees(), 1);
            for p in ensemble.predict_proba(x.view(), &Execution::new()).unwrap() {
                assert!((p - 0.25).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn separable_labels_stay_finite() {
        let x = Array2::from_shape_fn((100, 1), |(row, _)| row as f32);
        let churned: Vec<bool> = (0..100).map(|row| row >= 50).collect();
        let options = GradientBoostingOptions {
            n_trees: 300,
            learning_rate: 1.0,
            l2: 0.0,
            min_leaf_hessian: 0.0,
            min_leaf_rows: 1,
            ..quick()
        };
        let z = fit(options, &x, &churned)
            .log_odds(x.view(), &Workers::inline())
            .unwrap();
        assert!(
            z.iter()
                .zip(&churned)
                .all(|(z, &churned)| z.is_finite() && (*z > 0.0) == churned)
        );
    }

    #[test]
    fn invalid_input_has_its_error_code() {
        let x = Array2::<f32>::zeros((2, 1));
        let code = |options: GradientBoostingOptions, rows: usize, churned: &[bool], weights: Option<&[f64]>| {
            let boosting = GradientBoosting::new(options);
            let outcome = boosting.fit(x.slice(s![..rows, ..]), churned, weights, &Execution::new());
            outcome.err().map(|error| error.code())
        };
        let ok = GradientBoostingOptions::default;
        let labels = [true, false];
        assert_eq!(code(ok(), 2, &labels, None), None);
        assert_eq!(code(ok(), 2, &[true, true], None), Some("single_class"));
        assert_eq!(code(ok(), 1, &[true], None), Some("single_class"));
        assert_eq!(code(ok(), 0, &[], None), Some("too_little_data"));
        assert_eq!(code(ok(), 2, &[true], None), Some("invalid_option"));
        assert_eq!(code(ok(), 2, &labels, Some(&[1.0, 0.0])), Some("single_class"));
        for weights in [[1.0, -1.0], [1.0, f64::NAN], [1.0, f64::INFINITY], [f64::MAX, f64::MAX]] {
            assert_eq!(code(ok(), 2, &labels, Some(&weights)), Some("invalid_option"));
        }
        for wrong in [
            GradientBoostingOptions { max_leaves: 1, ..ok() },
            GradientBoostingOptions { max_depth: 0, ..ok() },
            GradientBoostingOptions {
                learning_rate: 0.0,
                ..ok()
            },
            GradientBoostingOptions { l1: -1.0, ..ok() },
            GradientBoostingOptions { l2: f64::NAN, ..ok() },
            GradientBoostingOptions {
                min_leaf_hessian: f64::INFINITY,
                ..ok()
            },
            GradientBoostingOptions { colsample: 0.0, ..ok() },
            GradientBoostingOptions { subsample: 1.5, ..ok() },
            GradientBoostingOptions { max_bins: 256, ..ok() },
        ] {
            assert_eq!(code(wrong, 2, &labels, None), Some("invalid_option"));
        }
    }

    #[test]
    fn limits_on_trees_are_obeyed() {
        let (x, churned) = problem(10, 2000, true);
        let options = GradientBoostingOptions {
            max_leaves: 9,
            max_depth: 4,
            min_leaf_rows: 37,
            n_trees: 10,
            ..quick()
        };
        let ensemble = fit(options, &x, &churned);
        for tree in (0..ensemble.n_trees()).map(|tree| ensemble.tree(tree)) {
            let mut depths = vec![0; tree.nodes.len()];
            let mut leaves = 0;
            for (place, node) in tree.nodes.iter().enumerate() {
                if node.is_leaf() {
                    leaves += 1;
                    assert!(tree.covers[place] >= 37.0 && depths[place] <= 4);
                } else {
                    let (left, right) = (node.left(), node.left() + 1);
                    assert_eq!(tree.covers[place], tree.covers[left] + tree.covers[right]);
                    depths[left] = depths[place] + 1;
                    depths[right] = depths[place] + 1;
                }
            }
            assert!(leaves <= 9 && tree.covers[0] == 2000.0);
        }
    }

    #[test]
    fn held_out_rows_stop_the_boosting_early() {
        let (x, churned) = problem(11, 3000, true);
        let fit = |held: &Array2<f32>, labels: &[bool], patience: usize| {
            let held_out = HeldOut {
                x: held.view(),
                churned: labels,
                weights: None,
                patience,
            };
            let options = GradientBoostingOptions {
                n_trees: 300,
                learning_rate: 0.3,
                ..quick()
            };
            let workers = Workers::inline();
            GradientBoosting::new(options).fit_on(x.view(), &churned, None, Some(held_out), &workers)
        };
        let (held, labels) = problem(12, 1000, true);
        let kept = fit(&held, &labels, 10).unwrap().n_trees();
        assert!((1..200).contains(&kept), "{kept}");
        // With a larger `patience`, early stopping must keep at least as many trees.
        let longer = fit(&held, &labels, 20).unwrap();
        assert!(longer.n_trees() >= kept);
        assert_eq!(fit(&held, &labels[1..], 10).unwrap_err().code(), "invalid_option");
        assert_eq!(
            fit(&Array2::zeros((0, 8)), &[], 10).unwrap_err().code(),
            "too_little_data"
        );
        assert_eq!(
            fit(&Array2::zeros((1000, 7)), &labels, 10).unwrap_err().code(),
            "feature_mismatch"
        );
    }

    #[test]
    fn cancellation_stops_even_within_a_tree() {
        let (x, churned) = problem(13, 2000, false);
        let token = CancelToken::new();
        let inner = token.clone();
        let execution = Execution::new()
            .threads(2)
            .cancelled_by(token)
            .on_progress(move |progress| {
                assert!(!inner.is_cancelled(), "no tree may follow");
                assert_eq!(progress.stage, "boosting");
                inner.cancel();
            });
        let error = GradientBoosting::default()
            .fit(x.view(), &churned, None, &execution)
            .unwrap_err();
        assert_eq!(error.code(), "cancelled");
    }

    #[test]
    fn samples_have_the_requested_size_and_differ() {
        assert_eq!(sample(5, 1.0, 0, 0), [0, 1, 2, 3, 4]);
        let one = sample(1000, 0.3, 0, 0);
        assert!(one.len() == 300 && one.is_sorted_by(|a, b| a < b));
        assert_eq!(one, sample(1000, 0.3, 0, 0));
        assert_ne!(one, sample(1000, 0.3, 0, 1));
        assert_ne!(one, sample(1000, 0.3, 1, 0));
        assert_eq!(sample(3, 0.01, 0, 0).len(), 1);
        assert!(sample(0, 0.5, 0, 0).is_empty());
    }
}
