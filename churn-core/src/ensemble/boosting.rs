//! Gradient-boosted trees for log-loss.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use super::bins::Cuts;
use super::flat::FlatEnsemble;
use super::grow::{BinTree, Grower, Limits, Tiles};
use super::histogram::{Objective, Packed, Packing};
use super::training::without_weightless;
use super::{Training, prior_log_odds};
use crate::error::{Error, ErrorKind, Result};
use crate::numeric::{SplitMix, sigmoid, softplus};
use crate::parallel::{Execution, Workers};

/// How boosting learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GradientBoostingOptions {
    /// Number of trees.
    pub trees: usize,
    /// The most leaves a tree may have.
    pub leaves: usize,
    /// The deepest a tree may be.
    pub depth: usize,
    /// What each tree's leaves are multiplied by.
    pub learning_rate: f64,
    /// The fewest rows of a leaf.
    pub min_leaf_rows: usize,
    /// The least sum of second derivatives of a leaf.
    pub min_leaf_hessian: f64,
    /// Penalty on the size of leaves: sums of first derivatives up to this count as none.
    pub l1: f64,
    /// Penalty on the square of leaves.
    pub l2: f64,
    /// Share of the columns that each tree may look at.
    pub column_share: f64,
    /// Share of the rows that each tree learns from.
    pub row_share: f64,
    /// The most bins of a column, 2 to 255.
    pub max_bins: usize,
    /// Seeds the sampling.
    pub seed: u64,
}

impl Default for GradientBoostingOptions {
    fn default() -> Self {
        Self {
            trees: 200,
            leaves: 31,
            depth: 64,
            learning_rate: 0.1,
            min_leaf_rows: 20,
            min_leaf_hessian: 1e-3,
            l1: 0.0,
            l2: 1.0,
            column_share: 1.0,
            row_share: 1.0,
            max_bins: 255,
            seed: 0,
        }
    }
}

/// Histogram gradient boosting (Friedman, "Greedy function approximation: a gradient boosting machine", 2001), leaf by
/// leaf as LightGBM grows them (Ke et al., 2017), on exact integer histograms: the model is the same to the bit whatever
/// the number of threads. Where values are missing, each split learns which way they go. Trees end early once none could
/// split.
///
/// ```
/// use churn_core::ensemble::{GradientBoosting, GradientBoostingOptions};
/// use churn_core::Execution;
/// use ndarray::Array2;
///
/// let x = Array2::from_shape_fn((200, 2), |(row, column)| ((row * 7 + column * 3) % 20) as f32);
/// let y: Vec<bool> = x.rows().into_iter().map(|row| row[0] > 9.0).collect();
/// let boosting = GradientBoosting::new(GradientBoostingOptions { trees: 20, min_leaf_rows: 5, ..Default::default() });
/// let ensemble = boosting.fit(x.view(), &y, None, &Execution::default())?;
/// assert_eq!(ensemble.trees(), 20);
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct GradientBoosting {
    options: GradientBoostingOptions,
}

/// Rows that a worker takes at a time where each is short work.
const PIECE: usize = 1 << 13;

/// Rows whose labels choose the number of trees.
pub(crate) struct HeldOut<'a> {
    pub(crate) x: ArrayView2<'a, f32>,
    pub(crate) churned: &'a [bool],
    /// Trees without a better log-loss after which to stop.
    pub(crate) patience: usize,
}

impl GradientBoosting {
    /// With these options.
    pub fn new(options: GradientBoostingOptions) -> Self {
        Self { options }
    }

    /// Fits rows x columns (NaN is missing) to labels; `weights` is one per row, finite and not negative.
    ///
    /// # Errors
    /// `single_class`, `too_little_data` without rows, `invalid_option`, `cancelled`.
    pub fn fit(
        &self,
        x: ArrayView2<'_, f32>,
        churned: &[bool],
        weights: Option<&[f64]>,
        execution: &Execution,
    ) -> Result<FlatEnsemble> {
        self.fit_on(x, churned, weights, None, &execution.workers()?)
    }

    /// As [`fit`](Self::fit); with held-out rows, keeps as many trees as served them best.
    pub(crate) fn fit_on(
        &self,
        x: ArrayView2<'_, f32>,
        churned: &[bool],
        weights: Option<&[f64]>,
        held_out: Option<HeldOut<'_>>,
        workers: &Workers,
    ) -> Result<FlatEnsemble> {
        self.validate()?;
        let training = Training::new(x.nrows(), churned, weights)?;
        if let Some(held_out) = &held_out {
            held_out.validate(x.ncols())?;
        }
        if let Some((x, churned, weights)) = without_weightless(x, &training) {
            return self.fit_on(x.view(), &churned, Some(&weights), held_out, workers);
        }
        let (ensemble, _) = self.boost(x, &training, held_out, workers)?;
        Ok(ensemble)
    }

    /// The ensemble, and what the trainer itself says of its rows after the last tree.
    fn boost(
        &self,
        x: ArrayView2<'_, f32>,
        training: &Training<'_>,
        held_out: Option<HeldOut<'_>>,
        workers: &Workers,
    ) -> Result<(FlatEnsemble, Vec<f64>)> {
        let options = &self.options;
        let cuts = Cuts::new(x, options.max_bins, workers)?;
        let tiles = Tiles {
            cells: cuts.by_tile(x, workers)?,
            cuts,
        };
        let objective = Objective {
            packing: Packing::new(training.rows(), training.total_weight()),
            min_leaf_rows: options.min_leaf_rows.max(1) as u64,
            min_leaf_hessian: options.min_leaf_hessian,
            l1: options.l1,
            l2: options.l2,
        };
        let limits = Limits {
            leaves: options.leaves,
            depth: options.depth,
            learning_rate: options.learning_rate,
        };
        let mut grower = Grower::new(&tiles, training.weights(), objective, limits, workers);
        let base = prior_log_odds(training);
        let mut ensemble = FlatEnsemble::new(base, x.ncols());
        let mut scores = vec![base; training.rows()];
        let mut gradients: Vec<Packed> = vec![[0; 2]; training.rows()];
        let mut watch = held_out.map(|held_out| Watch::new(held_out, base));
        for number in 0..options.trees {
            differentiate(training, &objective.packing, &scores, &mut gradients, workers)?;
            let sampled = |count, share, stream| sample(count, share, options.seed, stream);
            let rows = sampled(training.rows(), options.row_share, 2 * number as u64);
            let columns = sampled(x.ncols(), options.column_share, 2 * number as u64 + 1);
            let mut wanted = vec![false; x.ncols()];
            columns.iter().for_each(|&column| wanted[column as usize] = true);
            let all_rows = rows.len() == training.rows();
            let tree = grower.grow(rows, &gradients, &wanted)?;
            add_leaves(&tree, &tiles, all_rows, &mut scores, workers)?;
            let (nodes, covers) = tree.flat(&tiles.cuts);
            ensemble.push(&nodes, &covers);
            workers.report("boosting", number + 1, options.trees);
            if let Some(watch) = &mut watch
                && watch.should_stop(&ensemble, workers)?
            {
                break;
            }
            // On the same rows and columns the next tree would be as bare: nothing more can be learnt.
            if tree.leaves.len() == 1 && all_rows && columns.len() == x.ncols() {
                break;
            }
        }
        if let Some(watch) = watch {
            ensemble.truncate(watch.best_trees);
        }
        Ok((ensemble, scores))
    }

    fn validate(&self) -> Result<()> {
        let options = &self.options;
        let refuse = |name: &str, why: &str| {
            Err(Error::new(ErrorKind::InvalidOption, format!("{name} {why}")).at(None, None, Some(name)))
        };
        let share = |value: f64| value > 0.0 && value <= 1.0;
        let positive = |value: f64| value.is_finite() && value >= 0.0;
        match options {
            _ if options.leaves < 2 => refuse("leaves", "must be at least 2"),
            _ if options.depth < 1 => refuse("depth", "must be at least 1"),
            _ if !(options.learning_rate.is_finite() && options.learning_rate > 0.0) => {
                refuse("learning_rate", "must be a positive number")
            }
            _ if !positive(options.l1) => refuse("l1", "must be a number that is not negative"),
            _ if !positive(options.l2) => refuse("l2", "must be a number that is not negative"),
            _ if !positive(options.min_leaf_hessian) => {
                refuse("min_leaf_hessian", "must be a number that is not negative")
            }
            _ if !share(options.column_share) => refuse("column_share", "must be above 0 and at most 1"),
            _ if !share(options.row_share) => refuse("row_share", "must be above 0 and at most 1"),
            _ if !(2..=255).contains(&options.max_bins) => refuse("max_bins", "must be from 2 to 255"),
            _ => Ok(()),
        }
    }
}

/// The derivatives of each row's log-loss, times its weight.
fn differentiate(
    training: &Training<'_>,
    packing: &Packing,
    scores: &[f64],
    gradients: &mut [Packed],
    workers: &Workers,
) -> Result<()> {
    workers.chunks_mut(gradients, PIECE, |start, gradients| {
        for (row, gradient) in (start..).zip(gradients) {
            let (p, weight) = (sigmoid(scores[row]), training.weight(row));
            let label = f64::from(u8::from(training.churned(row)));
            *gradient = packing.pack((p - label) * weight, p * (1.0 - p) * weight);
        }
        Ok(())
    })
}

/// Adds to every row's score its leaf.
fn add_leaves(tree: &BinTree, tiles: &Tiles, all_rows: bool, scores: &mut [f64], workers: &Workers) -> Result<()> {
    if all_rows {
        // Every row is in a leaf already.
        for (rows, value) in &tree.leaves {
            workers.check()?;
            rows.iter().for_each(|&row| scores[row as usize] += value);
        }
        return Ok(());
    }
    workers.chunks_mut(scores, PIECE, |start, scores| {
        for (row, score) in (start..).zip(scores) {
            *score += tree.value(tiles, row);
        }
        Ok(())
    })
}

/// A share of `0..count`, ascending; at least one.
fn sample(count: usize, share: f64, seed: u64, stream: u64) -> Vec<u32> {
    let all = 0..count as u32;
    if share >= 1.0 {
        return all.collect();
    }
    let wanted = ((count as f64 * share).round() as usize).clamp(1, count.max(1));
    // Selection sampling: each in turn with the probability that makes exactly `wanted` (Knuth, algorithm S).
    let mut random = SplitMix::new(seed, stream);
    let mut chosen = Vec::with_capacity(wanted);
    for item in all {
        if random.below(count - item as usize) < wanted - chosen.len() {
            chosen.push(item);
        }
    }
    chosen
}

/// The log-loss of held-out rows as trees are added.
struct Watch<'a> {
    held_out: HeldOut<'a>,
    scores: Vec<f64>,
    best: f64,
    best_trees: usize,
}

impl HeldOut<'_> {
    fn validate(&self, columns: usize) -> Result<()> {
        let rows = self.x.nrows();
        if self.x.ncols() != columns {
            let message = format!("held-out rows have {} columns, not {columns}", self.x.ncols());
            return Err(Error::new(ErrorKind::FeatureMismatch, message));
        }
        if self.churned.len() != rows {
            let message = format!("there are {rows} held-out rows and {} labels", self.churned.len());
            return Err(Error::new(ErrorKind::InvalidOption, message));
        }
        if rows == 0 {
            return Err(Error::new(ErrorKind::TooLittleData, "there are no held-out rows"));
        }
        Ok(())
    }
}

impl<'a> Watch<'a> {
    fn new(held_out: HeldOut<'a>, base: f64) -> Self {
        let scores = vec![base; held_out.churned.len()];
        Self {
            held_out,
            scores,
            best: f64::INFINITY,
            best_trees: 0,
        }
    }

    fn should_stop(&mut self, ensemble: &FlatEnsemble, workers: &Workers) -> Result<bool> {
        let trees = ensemble.trees();
        for (score, leaf) in self
            .scores
            .iter_mut()
            .zip(ensemble.last_tree(self.held_out.x, workers)?)
        {
            *score += leaf;
        }
        let losses = self
            .scores
            .iter()
            .zip(self.held_out.churned)
            .map(|(&z, &churned)| softplus(if churned { -z } else { z }));
        let loss = losses.sum::<f64>() / self.scores.len().max(1) as f64;
        if loss < self.best {
            (self.best, self.best_trees) = (loss, trees);
        }
        Ok(trees - self.best_trees >= self.held_out.patience)
    }
}
