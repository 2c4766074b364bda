//! The objective that a fit minimises: the sum of the weighted log-losses of all rows plus the L2 penalty.

use ndarray::ArrayView2;

use crate::ensemble::logistic::products::{DesignColumns, PIECE};
use crate::ensemble::{Training, prior_log_odds};
use crate::error::{Error, ErrorKind, Result};
use crate::numeric::{log_loss_and_probability, sigmoid};
use crate::parallel::Workers;

/// The rows, labels and weights of a fit. The strength of the penalty is passed separately, so several penalties can be
/// tried on the same rows.
pub(super) struct Problem<'a> {
    columns: DesignColumns<'a>,
    training: Training<'a>,
}

impl<'a> Problem<'a> {
    pub(super) fn new(x: ArrayView2<'a, f64>, churned: &'a [bool], weights: Option<&'a [f64]>) -> Result<Self> {
        let training = Training::new(x.nrows(), churned, weights)?;
        let columns = DesignColumns::of(x);
        match columns.not_finite() {
            None => Ok(Self { columns, training }),
            Some(column) => Err(Error::new(
                ErrorKind::InvalidOption,
                format!("column {column} holds a value that is not finite"),
            )),
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.training.rows()
    }

    /// Returns the parameters at which a fit starts. All coefficients are 0, and the intercept is the log-odds of the
    /// churn rate.
    pub(super) fn start(&self) -> Vec<f64> {
        let mut start = vec![0.0; self.columns.count() + 1];
        start[0] = prior_log_odds(&self.training);
        start
    }

    /// Returns the second derivative of one row's log-loss at the point where the predicted probability is equal to the
    /// churn rate.
    pub(super) fn curvature_of_a_row(&self) -> f64 {
        let rate = sigmoid(prior_log_odds(&self.training));
        rate * (1.0 - rate)
    }

    pub(super) fn squares(&self, workers: &Workers) -> Result<Squares> {
        let means = self.columns.means();
        let rows = self.rows() as f64;
        let mut products = self.columns.squares(workers)?;
        for (a, products) in products.iter_mut().enumerate() {
            for (b, product) in products.iter_mut().enumerate() {
                *product = *product / rows - means[a] * means[b];
            }
        }
        Ok(Squares { means, products })
    }

    /// Returns the value and the gradient of the objective at the parameters `at`. The first component of the gradient
    /// is the derivative with respect to the intercept.
    pub(super) fn loss(&self, at: &[f64], l2: f64, workers: &Workers) -> Result<(f64, Vec<f64>)> {
        let pieces = workers.map_chunks(self.rows(), PIECE, |rows| {
            let (mut loss, mut gradient) = (0.0, vec![0.0; at.len()]);
            let mut log_odds = vec![];
            for block in DesignColumns::blocks(rows) {
                log_odds.clear();
                log_odds.resize(block.len(), at[0]);
                self.columns.add_weighted(block.clone(), &at[1..], &mut log_odds);
                for (row, log_odds) in block.clone().zip(&mut log_odds) {
                    let (churned, weight) = (self.training.churned(row), self.training.weight(row));
                    let (of_row, probability) = log_loss_and_probability(*log_odds, churned);
                    loss += weight * of_row;
                    *log_odds = weight * (probability - f64::from(u8::from(churned)));
                }
                let residuals = log_odds.as_slice();
                gradient[0] += residuals.iter().sum::<f64>();
                self.columns.add_products(block, residuals, &mut gradient[1..]);
            }
            Ok((loss, gradient))
        })?;
        let mut loss = at[1..].iter().map(|coefficient| coefficient * coefficient).sum::<f64>() * l2 / 2.0;
        let mut gradient: Vec<f64> = at.iter().map(|coefficient| l2 * coefficient).collect();
        gradient[0] = 0.0;
        for (of_piece, gradient_of_piece) in pieces {
            loss += of_piece;
            gradient
                .iter_mut()
                .zip(gradient_of_piece)
                .for_each(|(sum, part)| *sum += part);
        }
        Ok((loss, gradient))
    }
}

/// The means of the columns, and the covariance of every pair of columns (lower triangle). The preconditioner is
/// computed from these numbers, so they need not be exact. They may be computed from more rows than the fit uses.
pub(super) struct Squares {
    pub(super) means: Vec<f64>,
    pub(super) products: Vec<Vec<f64>>,
}
