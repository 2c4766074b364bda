//! The linear base learner of the ensemble: L2-regularised logistic regression.
//!
//! The logistic regression of the crate smartcore is not used, because it supports neither cancellation nor weights. In
//! a measurement, it also took seven times as long as the logistic regression of scikit-learn. This module uses
//! smartcore only for the Cholesky decomposition of a matrix. This module processes rows in chunks of fixed size, so
//! results are bit-identical for any number of threads.

mod descent;
mod penalty;
mod problem;
mod products;

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::ensemble::logistic::descent::minimise;
use crate::ensemble::logistic::problem::Problem;
use crate::error::{Error, ErrorKind, Result};
use crate::numeric::sigmoid;
use crate::parallel::{Execution, Workers};

pub(crate) use penalty::choose_l2;

/// Options of [`Logistic`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LogisticOptions {
    /// Strength of the L2 penalty, which corresponds to `1 / C` in scikit-learn. The fit minimises the sum of the
    /// log-losses of all rows plus half of this number times the sum of the squared coefficients. The intercept is not
    /// penalised. Default: 1.
    pub l2: f64,
    /// Maximum number of iterations. Default: 200.
    pub max_iterations: usize,
    /// Tolerance of the fit. The fit ends when every component of the gradient, divided by the number of rows, is at
    /// most this number in absolute value. Default: 1e-8.
    pub tolerance: f64,
}

impl Default for LogisticOptions {
    fn default() -> Self {
        Self {
            l2: 1.0,
            max_iterations: 200,
            tolerance: 1e-8,
        }
    }
}

crate::options::plain_options!(LogisticOptions {
    with_l2(l2: f64),
    with_max_iterations(max_iterations: usize),
    with_tolerance(tolerance: f64),
});

/// Logistic regression, fitted by L-BFGS (Liu and Nocedal, 1989). To converge in fewer iterations, the fit uses a
/// preconditioner. The preconditioner is the inverse Hessian of the loss at the point where all probabilities are equal
/// to the churn rate.
#[derive(Clone, Debug, Default)]
pub struct Logistic {
    options: LogisticOptions,
}

/// A fitted logistic regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearModel {
    intercept: f64,
    coefficients: Vec<f64>,
    /// The mean of each column of the training matrix. The contribution of a column to a row's log-odds is the
    /// coefficient of the column times the difference between the row's value and this mean.
    means: Vec<f64>,
}

impl LinearModel {
    /// Creates a model from its parameters. `parts` contains the intercept, followed by the coefficients.
    fn new(parts: Vec<f64>, means: Vec<f64>) -> Self {
        let mut parts = parts.into_iter();
        Self {
            intercept: parts.next().unwrap_or(0.0),
            coefficients: parts.collect(),
            means,
        }
    }

    /// The intercept, which is the log-odds of a row in which all values are 0.
    pub fn intercept(&self) -> f64 {
        self.intercept
    }

    /// The coefficients, one per column. A coefficient is the change of the log-odds if the value of the column
    /// increases by 1.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The mean of each column of the training matrix.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// Returns the probability of churn for each row of a matrix (rows x columns).
    ///
    /// # Errors
    /// - `feature_mismatch` if the number of columns of `x` differs from the number of columns of the training matrix.
    /// - `cancelled` if the call was cancelled.
    pub fn predict_proba(&self, x: ArrayView2<'_, f64>, execution: &Execution) -> Result<Vec<f64>> {
        let log_odds = self.log_odds(x, &execution.workers()?)?;
        Ok(log_odds.into_iter().map(sigmoid).collect())
    }

    /// Returns the log-odds of every row. The value in each column is multiplied by the column's coefficient. The
    /// log-odds are the intercept plus the sum of these products. The columns are added in order.
    pub(crate) fn log_odds(&self, x: ArrayView2<'_, f64>, workers: &Workers) -> Result<Vec<f64>> {
        if x.ncols() != self.coefficients.len() {
            let message = format!(
                "the linear model was fitted on {} columns, the matrix has {}",
                self.coefficients.len(),
                x.ncols()
            );
            return Err(Error::new(ErrorKind::FeatureMismatch, message));
        }
        let mut sums = vec![self.intercept; x.nrows()];
        workers.chunks_mut(&mut sums, ROWS, |start, sums| {
            for (column, &coefficient) in x.columns().into_iter().zip(&self.coefficients) {
                for (sum, &value) in sums.iter_mut().zip(column.slice(ndarray::s![start..])) {
                    *sum += coefficient * value;
                }
            }
            Ok(())
        })?;
        Ok(sums)
    }

    /// Sets the coefficients of `columns` to 0, and returns the model.
    pub(crate) fn without(mut self, columns: &[usize]) -> Self {
        columns.iter().for_each(|&column| self.coefficients[column] = 0.0);
        self
    }

    pub(crate) fn is_valid(&self) -> bool {
        let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
        self.intercept.is_finite()
            && self.means.len() == self.coefficients.len()
            && finite(&self.coefficients)
            && finite(&self.means)
    }
}

/// Number of rows that a thread scores per task.
const ROWS: usize = 4096;

impl Logistic {
    /// Creates a learner with these options.
    pub fn new(options: LogisticOptions) -> Self {
        Self { options }
    }

    /// Trains on a matrix (rows x columns) with one label per row in `churned`. The values of the matrix must be
    /// finite, and its columns should have similar scales. `weights` has one element per row. Without `weights`, every
    /// row has weight 1.
    ///
    /// # Errors
    /// - `single_class` if all rows with positive weight have the same label.
    /// - `too_little_data` if there are no rows.
    /// - `invalid_option` if a value is not finite, if a weight is not valid, or if the numbers of rows, labels and
    ///   weights differ.
    /// - `cancelled` if the call was cancelled.
    pub fn fit(
        &self,
        x: ArrayView2<'_, f64>,
        churned: &[bool],
        weights: Option<&[f64]>,
        execution: &Execution,
    ) -> Result<LinearModel> {
        self.fit_on(x, churned, weights, &execution.workers()?)
    }

    pub(crate) fn fit_on(
        &self,
        x: ArrayView2<'_, f64>,
        churned: &[bool],
        weights: Option<&[f64]>,
        workers: &Workers,
    ) -> Result<LinearModel> {
        let problem = Problem::new(x, churned, weights)?;
        let squares = problem.squares(workers)?;
        let at = minimise(&problem, &squares, &self.options, problem.start(), workers)?;
        Ok(LinearModel::new(at, squares.means))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use smartcore::linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters};

    use super::*;
    use crate::numeric::SplitMix;
    use smartcore::linalg::basic::arrays::Array;
    use smartcore::linalg::basic::matrix::DenseMatrix;

    fn problem(rows: usize, columns: usize) -> (Array2<f64>, Vec<bool>) {
        let mut random = SplitMix::new(5, rows as u64);
        let x = Array2::from_shape_fn((rows, columns), |_| random.unit() * 2.0 - 1.0 + random.unit());
        let churned = x
            .rows()
            .into_iter()
            .map(|row| random.unit() < sigmoid(row[0] * 1.5 - row[1 % columns] - 0.7))
            .collect();
        (x, churned)
    }

    #[test]
    fn agrees_with_smartcore() {
        let (x, churned) = problem(400, 4);
        let fitted = Logistic::new(LogisticOptions {
            l2: 3.0,
            ..Default::default()
        })
        .fit(x.view(), &churned, None, &Execution::new())
        .unwrap();
        let labels: Vec<u32> = churned.iter().map(|&c| u32::from(c)).collect();
        let matrix = DenseMatrix::new(400, 4, x.iter().copied().collect(), false).unwrap();
        let peer = LogisticRegression::fit(
            &matrix,
            &labels,
            LogisticRegressionParameters::default().with_alpha(3.0),
        )
        .unwrap();
        for column in 0..4 {
            assert!((fitted.coefficients[column] - *peer.coefficients().get((0, column))).abs() < 1e-4);
        }
        assert!((fitted.intercept - *peer.intercept().get((0, 0))).abs() < 1e-4);
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let (x, churned) = problem(9000, 5);
        let fit = |threads| {
            Logistic::default()
                .fit(x.view(), &churned, None, &Execution::new().threads(threads))
                .unwrap()
        };
        assert_eq!(fit(1), fit(3));
    }

    #[test]
    fn hard_problems_stay_finite() {
        let x = Array2::from_shape_fn((50, 3), |(row, column)| {
            if column == 2 {
                row as f64
            } else {
                row as f64 / (column + 1) as f64
            }
        });
        let churned: Vec<bool> = (0..50).map(|row| row >= 25).collect();
        for l2 in [0.0, 1e-3, 1.0] {
            let fitted = Logistic::new(LogisticOptions {
                l2,
                ..Default::default()
            })
            .fit(x.view(), &churned, None, &Execution::new())
            .unwrap();
            assert!(fitted.is_valid());
        }
        let wide = Array2::from_shape_fn((10, 40), |(row, column)| ((row * 31 + column * 17) % 13) as f64);
        assert!(
            Logistic::default()
                .fit(wide.view(), &churned[20..30], None, &Execution::new())
                .unwrap()
                .is_valid()
        );
        let none = Array2::<f64>::zeros((50, 0));
        let fitted = Logistic::default()
            .fit(none.view(), &churned, None, &Execution::new())
            .unwrap();
        assert!(fitted.intercept.abs() < 1e-9);
        assert_eq!(
            Logistic::default()
                .fit(none.view(), &[true; 50], None, &Execution::new())
                .unwrap_err()
                .code(),
            "single_class"
        );
    }
}
