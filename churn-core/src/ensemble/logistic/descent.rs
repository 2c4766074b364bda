//! Minimisation by L-BFGS (Liu and Nocedal, 1989). The preconditioner is the inverse Hessian of the loss at the point
//! where all predicted probabilities are equal to the churn rate.

use std::collections::VecDeque;

use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linalg::traits::cholesky::CholeskyDecomposable;

use crate::ensemble::logistic::LogisticOptions;
use crate::ensemble::logistic::problem::{Problem, Squares};
use crate::ensemble::logistic::products::dot;
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Workers;

/// Number of past iterations from which L-BFGS estimates the curvature. For each of these iterations, the step and the
/// change of the gradient are stored.
const MEMORY: usize = 12;
/// If the relative difference between two losses is at most this number, the difference is treated as a rounding error.
const ROUNDING: f64 = 1e-13;

/// Minimises the objective of a fit, beginning at the parameters `start`. Returns the best parameters: the intercept,
/// followed by the coefficients.
pub(super) fn minimise(
    problem: &Problem<'_>,
    squares: &Squares,
    options: &LogisticOptions,
    start: Vec<f64>,
    workers: &Workers,
) -> Result<Vec<f64>> {
    if !(options.l2.is_finite() && options.l2 >= 0.0) {
        return Err(
            Error::new(ErrorKind::InvalidOption, "l2 must be finite and not negative").at(None, None, Some("l2")),
        );
    }
    let preconditioner = Preconditioner::new(problem, squares, options.l2)?;
    let mut at = start;
    let (mut loss, mut gradient) = problem.loss(&at, options.l2, workers)?;
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::new();
    let rows = problem.rows() as f64;
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
            let (next_loss, next_gradient) = problem.loss(&next, options.l2, workers)?;
            if next_loss <= loss + 1e-4 * step * slope {
                break Some((next, next_loss, next_gradient));
            }
            // If the losses before and after the step differ only by a rounding error, the step is taken only when it
            // makes the gradient smaller.
            if next_loss <= loss + ROUNDING * loss {
                let nearer = dot(&next_gradient, &next_gradient) < dot(&gradient, &gradient);
                break nearer.then_some((next, next_loss, next_gradient));
            }
            step /= 2.0;
            if step < 1e-10 {
                break None;
            }
        };
        // If no step lowers the loss, the distance to the minimum is only a rounding error, and the fit ends.
        let Some((next, next_loss, next_gradient)) = taken else {
            break;
        };
        let difference =
            |next: &[f64], last: &[f64]| -> Vec<f64> { next.iter().zip(last).map(|(n, l)| n - l).collect() };
        let (moved, turned) = (difference(&next, &at), difference(&next_gradient, &gradient));
        let product = dot(&moved, &turned);
        if product > 0.0 {
            memory.push_back((moved, turned, product));
            if memory.len() > MEMORY {
                memory.pop_front();
            }
        }
        (at, loss, gradient) = (next, next_loss, next_gradient);
    }
    Ok(at)
}

/// The preconditioner of the fit. It is the inverse Hessian of the objective at the point where all probabilities are
/// equal to the churn rate.
struct Preconditioner<'a> {
    means: &'a [f64],
    /// The second derivative of the total log-loss with respect to the intercept.
    curvature: f64,
    /// The lower Cholesky factor of the Hessian with respect to the coefficients, stored row by row. `None` if there
    /// are no columns or if this Hessian is singular.
    factor: Option<Vec<f64>>,
}

impl<'a> Preconditioner<'a> {
    fn new(problem: &Problem<'_>, squares: &'a Squares, l2: f64) -> Result<Self> {
        let curvature = problem.curvature_of_a_row() * problem.rows() as f64;
        let means = squares.means.as_slice();
        let size = means.len();
        if size == 0 {
            return Ok(Self {
                means,
                curvature,
                factor: None,
            });
        }
        let mut values = vec![0.0; size * size];
        // A small number is added to the diagonal of the Hessian. The Hessian can then be inverted even if columns are
        // collinear and there is no penalty.
        let ridge = l2 + 1e-8 * curvature + 1e-12;
        for (a, row) in squares.products.iter().enumerate() {
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
            means,
            curvature,
            factor,
        })
    }

    /// Multiplies the gradient by the inverse Hessian. If the columns are centred (their means are subtracted), the
    /// intercept and the coefficients can be computed separately. The code therefore works on centred columns and
    /// converts the result.
    fn apply(&self, gradient: &[f64]) -> Vec<f64> {
        let Some(factor) = &self.factor else {
            return gradient.iter().map(|part| part / self.curvature).collect();
        };
        let mut coefficients: Vec<f64> = gradient[1..]
            .iter()
            .zip(self.means)
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
        let intercept = gradient[0] / self.curvature - dot(&coefficients, self.means);
        std::iter::once(intercept).chain(coefficients).collect()
    }
}

/// Returns the descent direction of L-BFGS. The direction is computed by the two-loop recursion, and the preconditioner
/// is applied between the two loops.
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
