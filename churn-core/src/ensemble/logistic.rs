//! The linear member: logistic regression with a penalty on the squares of its coefficients.
//!
//! smartcore's own logistic regression cannot be interrupted or weighed and took seven times scikit-learn's time where
//! it was measured; here smartcore solves the linear systems, and what is iterated over the rows is ours: in fixed
//! pieces, so that any number of threads gives the same bits.

use std::borrow::Cow;
use std::collections::VecDeque;

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linalg::traits::cholesky::CholeskyDecomposable;

use crate::ensemble::{Training, prior_log_odds};
use crate::error::{Error, ErrorKind, Result};
use crate::numeric::{sigmoid, softplus};
use crate::parallel::{Execution, Workers};

/// How the linear member learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogisticOptions {
    /// Half of this times the sum of squared coefficients is added to the sum of log-losses: `1 / C` in scikit-learn.
    /// The intercept is free. Default: 1.
    pub l2: f64,
    /// The most steps. Default: 200.
    pub max_iterations: usize,
    /// The fit ends when no component of the gradient, per row, is larger. Default: 1e-8.
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

/// Logistic regression by L-BFGS (Liu and Nocedal, 1989), started from the curvature at the churn rate.
#[derive(Clone, Debug, Default)]
pub struct Logistic {
    options: LogisticOptions,
}

/// A fitted linear member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearModel {
    intercept: f64,
    coefficients: Vec<f64>,
    /// Means of the training columns: where contributions are measured from.
    means: Vec<f64>,
}

impl LinearModel {
    /// The log-odds of a row of zeros.
    pub fn intercept(&self) -> f64 {
        self.intercept
    }

    /// What one unit of each column adds to the log-odds.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// Means of the training columns.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// Probability of churn of every row of rows x columns.
    ///
    /// # Errors
    /// `feature_mismatch` if there are other columns than the model was fitted on; `cancelled`.
    pub fn predict_proba(&self, x: ArrayView2<'_, f64>, execution: &Execution) -> Result<Vec<f64>> {
        let log_odds = self.log_odds(x, &execution.workers()?)?;
        Ok(log_odds.into_iter().map(sigmoid).collect())
    }

    /// The log-odds of every row: intercept first, then column by column.
    pub(crate) fn log_odds(&self, x: ArrayView2<'_, f64>, workers: &Workers) -> Result<Vec<f64>> {
        if x.ncols() != self.coefficients.len() {
            let message = format!(
                "the linear member wants {} columns and got {}",
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

    /// The same without these columns.
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

/// Rows worked on at a time.
const ROWS: usize = 4096;
/// Pairs of steps and gradients that L-BFGS remembers.
const MEMORY: usize = 12;

impl Logistic {
    /// With these options.
    pub fn new(options: LogisticOptions) -> Self {
        Self { options }
    }

    /// Fits rows x columns (finite, best of one scale) to labels; `weights` is one per row.
    ///
    /// # Errors
    /// `single_class`, `too_little_data` without rows, `invalid_option` for a value that is not finite, `cancelled`.
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
        let problem = Problem::new(x, churned, weights, workers)?;
        let start = problem.start();
        problem.solve(&self.options, start, workers)
    }
}

/// The penalty, of a fixed path of them, with the least log-loss on rows held out in turn. `folds` is the fold of each
/// row; the folds of the rows are taken one after the other.
pub(crate) fn choose_l2(
    x: ArrayView2<'_, f64>,
    churned: &[bool],
    weights: Option<&[f64]>,
    folds: &[usize],
    workers: &Workers,
) -> Result<f64> {
    /// Strongest first, so that each fit starts from a simpler one.
    const PATH: [f64; 8] = [3000.0, 1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0];
    let count = folds.iter().max().map_or(0, |&most| most + 1);
    let losses = workers.map(0..count, |fold| {
        let (inside, outside): (Vec<usize>, Vec<usize>) = (0..folds.len()).partition(|&row| folds[row] != fold);
        let pick = |rows: &[usize]| {
            (
                select(x, rows),
                rows.iter().map(|&row| churned[row]).collect::<Vec<bool>>(),
                weights.map(|weights| rows.iter().map(|&row| weights[row]).collect::<Vec<f64>>()),
            )
        };
        let ((train, train_churned, train_weights), (test, test_churned, test_weights)) =
            (pick(&inside), pick(&outside));
        let problem = Problem::new(train.view(), &train_churned, train_weights.as_deref(), workers)?;
        let mut start = problem.start();
        let mut losses = vec![];
        for l2 in PATH {
            let model = problem.solve(
                &LogisticOptions {
                    l2,
                    tolerance: 1e-6,
                    ..Default::default()
                },
                start,
                workers,
            )?;
            let log_odds = model.log_odds(test.view(), workers)?;
            losses.push(
                log_odds
                    .iter()
                    .zip(&test_churned)
                    .enumerate()
                    .map(|(row, (&z, &churned))| {
                        let weight = test_weights.as_ref().map_or(1.0, |weights| weights[row]);
                        weight * softplus(if churned { -z } else { z })
                    })
                    .sum::<f64>(),
            );
            start = std::iter::once(model.intercept).chain(model.coefficients).collect();
        }
        Ok(losses)
    })?;
    let total = |position: usize| losses.iter().map(|losses| losses[position]).sum::<f64>();
    let best = (0..PATH.len()).fold(
        0,
        |best, position| {
            if total(position) < total(best) { position } else { best }
        },
    );
    Ok(PATH[best])
}

/// Rows of a matrix, column by column in memory.
pub(crate) fn select<T: Copy>(x: ArrayView2<'_, T>, rows: &[usize]) -> ndarray::Array2<T> {
    // The shape fits by construction: a column for each column, a value for each row.
    ndarray::Array2::from_shape_fn((x.ncols(), rows.len()), |(column, row)| x[(rows[row], column)]).reversed_axes()
}

/// One set of rows to fit, for any penalty.
struct Problem<'a> {
    columns: Vec<Cow<'a, [f64]>>,
    churned: &'a [bool],
    training: Training<'a>,
    means: Vec<f64>,
    /// Sums of products of centred columns.
    gram: Vec<Vec<f64>>,
}

impl<'a> Problem<'a> {
    fn new(x: ArrayView2<'a, f64>, churned: &'a [bool], weights: Option<&'a [f64]>, workers: &Workers) -> Result<Self> {
        let training = Training::new(x.nrows(), churned, weights)?;
        let columns: Vec<Cow<'a, [f64]>> = (0..x.ncols())
            .map(|column| x.index_axis_move(ndarray::Axis(1), column))
            .map(|column| {
                column
                    .to_slice()
                    .map_or_else(|| Cow::Owned(column.to_vec()), Cow::Borrowed)
            })
            .collect();
        if let Some(column) = columns
            .iter()
            .position(|column| column.iter().any(|value| !value.is_finite()))
        {
            return Err(Error::new(
                ErrorKind::InvalidOption,
                format!("column {column} holds a value that is not finite"),
            ));
        }
        let means: Vec<f64> = columns
            .iter()
            .map(|column| column.iter().sum::<f64>() / column.len() as f64)
            .collect();
        let rows = training.rows() as f64;
        let gram = workers.map(0..columns.len(), |a| {
            Ok((0..=a)
                .map(|b| dot(&columns[a], &columns[b]) - rows * means[a] * means[b])
                .collect())
        })?;
        Ok(Self {
            columns,
            churned,
            training,
            means,
            gram,
        })
    }

    /// No coefficients, and the intercept of the churn rate.
    fn start(&self) -> Vec<f64> {
        let mut start = vec![0.0; self.columns.len() + 1];
        start[0] = prior_log_odds(&self.training);
        start
    }

    /// The sum of log-losses and the penalty, and its gradient: intercept first.
    fn loss(&self, at: &[f64], l2: f64, workers: &Workers) -> Result<(f64, Vec<f64>)> {
        let mut residuals = vec![0.0; self.training.rows()];
        let mut pieces: Vec<&mut [f64]> = residuals.chunks_mut(ROWS).collect();
        let losses = workers.map_mut(&mut pieces, |number, residuals| {
            let start = number * ROWS;
            residuals.fill(at[0]);
            for (column, coefficient) in self.columns.iter().zip(&at[1..]) {
                for (sum, value) in residuals.iter_mut().zip(&column[start..]) {
                    *sum += coefficient * value;
                }
            }
            let mut loss = 0.0;
            for (row, residual) in (start..).zip(residuals.iter_mut()) {
                let (z, churned, weight) = (*residual, self.churned[row], self.training.weight(row));
                loss += weight * softplus(if churned { -z } else { z });
                *residual = weight * (sigmoid(z) - f64::from(u8::from(churned)));
            }
            Ok(loss)
        })?;
        let penalty = at[1..].iter().map(|coefficient| coefficient * coefficient).sum::<f64>() * l2 / 2.0;
        let mut gradient = vec![residuals.iter().sum::<f64>()];
        gradient.extend(workers.map(0..self.columns.len(), |column| {
            Ok(dot(&self.columns[column], &residuals) + l2 * at[column + 1])
        })?);
        Ok((losses.iter().sum::<f64>() + penalty, gradient))
    }

    fn solve(&self, options: &LogisticOptions, start: Vec<f64>, workers: &Workers) -> Result<LinearModel> {
        if !(options.l2.is_finite() && options.l2 >= 0.0) {
            return Err(
                Error::new(ErrorKind::InvalidOption, "l2 must be a number that is not negative").at(
                    None,
                    None,
                    Some("l2"),
                ),
            );
        }
        let rate = sigmoid(prior_log_odds(&self.training));
        let curvature = rate * (1.0 - rate);
        let preconditioner = Preconditioner::new(self, curvature, options.l2)?;
        let mut at = start;
        let (mut loss, mut gradient) = self.loss(&at, options.l2, workers)?;
        let mut memory: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::new();
        let rows = self.training.rows() as f64;
        for _ in 0..options.max_iterations {
            if gradient.iter().all(|part| part.abs() <= options.tolerance * rows) {
                break;
            }
            let mut direction = descend(&gradient, &memory, &preconditioner);
            let mut slope = dot(&direction, &gradient);
            if slope.is_nan() || slope >= 0.0 {
                memory.clear();
                direction = gradient.iter().map(|part| -part).collect();
                slope = -dot(&gradient, &gradient);
            }
            let mut step = 1.0;
            let taken = loop {
                let next: Vec<f64> = at.iter().zip(&direction).map(|(at, way)| at + step * way).collect();
                let (next_loss, next_gradient) = self.loss(&next, options.l2, workers)?;
                if next_loss <= loss + 1e-4 * step * slope {
                    break Some((next, next_loss, next_gradient));
                }
                step /= 2.0;
                if step < 1e-10 {
                    break None;
                }
            };
            // Where no step helps any more, rounding is all that is left.
            let Some((next, next_loss, next_gradient)) = taken else {
                break;
            };
            let moved: Vec<f64> = next.iter().zip(&at).map(|(next, at)| next - at).collect();
            let turned: Vec<f64> = next_gradient
                .iter()
                .zip(&gradient)
                .map(|(next, gradient)| next - gradient)
                .collect();
            let product = dot(&moved, &turned);
            if product > 0.0 {
                memory.push_back((moved, turned, product));
                if memory.len() > MEMORY {
                    memory.pop_front();
                }
            }
            (at, loss, gradient) = (next, next_loss, next_gradient);
        }
        let mut parts = at.into_iter();
        let intercept = parts.next().unwrap_or(0.0);
        Ok(LinearModel {
            intercept,
            coefficients: parts.collect(),
            means: self.means.clone(),
        })
    }
}

/// The inverse of the curvature at the churn rate: exact where all probabilities equal it.
struct Preconditioner<'a> {
    problem: &'a Problem<'a>,
    curvature: f64,
    /// The lower factor, row by row; `None` without columns or where the system is singular.
    factor: Option<Vec<f64>>,
}

impl<'a> Preconditioner<'a> {
    fn new(problem: &'a Problem<'a>, curvature: f64, l2: f64) -> Result<Self> {
        let size = problem.columns.len();
        if size == 0 {
            return Ok(Self {
                problem,
                curvature,
                factor: None,
            });
        }
        let mut values = vec![0.0; size * size];
        // A little more on the diagonal keeps collinear columns apart where there is no penalty.
        let ridge = l2 + 1e-8 * curvature * problem.training.rows() as f64 + 1e-12;
        for (a, row) in problem.gram.iter().enumerate() {
            for (b, product) in row.iter().enumerate() {
                let value = curvature * product + if a == b { ridge } else { 0.0 };
                values[a * size + b] = value;
                values[b * size + a] = value;
            }
        }
        let internal = |e: smartcore::error::Failed| {
            Error::new(ErrorKind::Internal, "the linear member's system cannot be solved").caused_by(e.to_string())
        };
        let matrix = DenseMatrix::new(size, size, values, false).map_err(internal)?;
        let lower = matrix.cholesky().ok().map(|decomposed| decomposed.L());
        let factor = lower.map(|lower| {
            (0..size * size)
                .map(|cell| *lower.get((cell / size, cell % size)))
                .collect()
        });
        Ok(Self {
            problem,
            curvature,
            factor,
        })
    }

    /// Intercept and coefficients apart: around the columns' means they do not touch each other.
    fn apply(&self, gradient: &[f64]) -> Vec<f64> {
        let Some(factor) = &self.factor else {
            let scale = self.curvature * self.problem.training.rows() as f64;
            return gradient.iter().map(|part| part / scale).collect();
        };
        let mut coefficients: Vec<f64> = gradient[1..]
            .iter()
            .zip(&self.problem.means)
            .map(|(part, mean)| part - mean * gradient[0])
            .collect();
        let size = coefficients.len();
        for row in 0..size {
            let known = dot(&factor[row * size..row * size + row], &coefficients[..row]);
            coefficients[row] = (coefficients[row] - known) / factor[row * size + row];
        }
        for row in (0..size).rev() {
            let value = coefficients[row] / factor[row * size + row];
            coefficients[row] = value;
            for column in 0..row {
                coefficients[column] -= value * factor[row * size + column];
            }
        }
        let intercept = gradient[0] / (self.curvature * self.problem.training.rows() as f64)
            - dot(&coefficients, &self.problem.means);
        std::iter::once(intercept).chain(coefficients).collect()
    }
}

/// L-BFGS's direction: two loops over the remembered pairs, the preconditioner in between.
fn descend(
    gradient: &[f64],
    memory: &VecDeque<(Vec<f64>, Vec<f64>, f64)>,
    preconditioner: &Preconditioner<'_>,
) -> Vec<f64> {
    let mut rest = gradient.to_vec();
    let mut shares = vec![0.0; memory.len()];
    for (share, (moved, turned, product)) in shares.iter_mut().zip(memory).rev() {
        *share = dot(moved, &rest) / product;
        rest.iter_mut()
            .zip(turned)
            .for_each(|(rest, turned)| *rest -= *share * turned);
    }
    let mut way = preconditioner.apply(&rest);
    for (share, (moved, turned, product)) in shares.iter().zip(memory) {
        let back = dot(turned, &way) / product;
        way.iter_mut()
            .zip(moved)
            .for_each(|(way, moved)| *way += (share - back) * moved);
    }
    way.iter_mut().for_each(|way| *way = -*way);
    way
}

/// The sum of products, in eight fixed lanes: quick, and always in the same order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0f64; 8];
    let (mut a, mut b) = (a.chunks_exact(8), b.chunks_exact(8));
    for (a, b) in a.by_ref().zip(b.by_ref()) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use smartcore::linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters};

    use super::*;
    use crate::numeric::SplitMix;

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
