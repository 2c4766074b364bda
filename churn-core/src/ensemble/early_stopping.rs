//! Early stopping chooses the number of trees at which the log-loss of held-out rows is lowest.

use ndarray::ArrayView2;

use super::flat::FlatTrees;
use crate::error::{Error, ErrorKind, Result};
use crate::numeric::softplus;
use crate::parallel::Workers;

/// Rows that are held out from training. Early stopping chooses the number of trees by the log-loss of these rows.
pub(crate) struct HeldOut<'a> {
    pub(crate) x: ArrayView2<'a, f32>,
    pub(crate) churned: &'a [bool],
    pub(crate) weights: Option<&'a [f64]>,
    /// Training stops after this number of consecutive trees without a new lowest log-loss of the held-out rows.
    pub(crate) patience: usize,
}

/// Computes the log-loss of held-out rows after each added tree, and stores the number of trees at which the
/// log-loss was lowest.
pub(super) struct EarlyStopping<'a> {
    held_out: HeldOut<'a>,
    scores: Vec<f64>,
    best: f64,
    pub(super) best_trees: usize,
}

impl HeldOut<'_> {
    pub(super) fn validate(&self, columns: usize) -> Result<()> {
        let rows = self.x.nrows();
        if self.x.ncols() != columns {
            let message = format!("held-out rows have {} columns, not {columns}", self.x.ncols());
            return Err(Error::new(ErrorKind::FeatureMismatch, message));
        }
        if self.churned.len() != rows {
            let message = format!("there are {rows} held-out rows and {} labels", self.churned.len());
            return Err(Error::new(ErrorKind::InvalidOption, message));
        }
        if let Some(weights) = self.weights.filter(|weights| weights.len() != rows) {
            let message = format!("there are {rows} held-out rows and {} weights", weights.len());
            return Err(Error::new(ErrorKind::InvalidOption, message));
        }
        if rows == 0 {
            return Err(Error::new(ErrorKind::TooLittleData, "there are no held-out rows"));
        }
        Ok(())
    }
}

impl<'a> EarlyStopping<'a> {
    pub(super) fn new(held_out: HeldOut<'a>, base: f64) -> Self {
        let scores = vec![base; held_out.churned.len()];
        Self {
            held_out,
            scores,
            best: f64::INFINITY,
            best_trees: 0,
        }
    }

    pub(super) fn should_stop(&mut self, ensemble: &FlatTrees, workers: &Workers) -> Result<bool> {
        let trees = ensemble.n_trees();
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
            .enumerate()
            .map(|(row, (&z, &churned))| {
                let weight = self.held_out.weights.map_or(1.0, |weights| weights[row]);
                weight * softplus(if churned { -z } else { z })
            });
        let loss = losses.sum::<f64>() / self.scores.len().max(1) as f64;
        if loss < self.best {
            (self.best, self.best_trees) = (loss, trees);
        }
        Ok(trees - self.best_trees >= self.held_out.patience)
    }
}
