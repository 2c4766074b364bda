//! Blends the members of the ensemble (its four base learners). The blend is the weighted mean of the log-odds that the
//! members predict. The weights are not negative.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::numeric::{sigmoid, softplus};
use crate::parallel::Workers;

/// The weights of the ensemble's members (base learners) in the blend. The weights are non-negative, and their sum is
/// 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Blend {
    weights: Vec<f64>,
}

/// The strength of the penalty on the distance between the weights and the target weights. See [`Blend::fit`].
const SHRINKAGE: f64 = 1.0;

impl Blend {
    /// Fits the weights of the members. The weights minimise the mean log-loss of the blended log-odds plus a penalty.
    /// The penalty is the squared distance between the weights and the target weights, divided by the number of churned
    /// rows. If there is an `anchor`, which is the index of a member, the target weight is 1 for this member and 0 for
    /// all other members. Otherwise, all target weights are equal. Callers use the linear member as anchor, because the
    /// other members rarely perform better than the linear member if there are few rows.
    ///
    /// The problem is convex. For every subset of the members (a face of the simplex of weights), Newton's method finds
    /// the best weights of the subset. Of the solutions without negative weights, the best one is chosen. `log_odds`
    /// holds the out-of-fold predictions of each member, and `weights` holds the weight of each row.
    pub(crate) fn fit(
        log_odds: &[Vec<f64>],
        churned: &[bool],
        weights: Option<&[f64]>,
        anchor: Option<usize>,
        workers: &Workers,
    ) -> Result<Self> {
        let members = log_odds.len();
        if members == 0 || members > 8 || log_odds.iter().flatten().any(|z| !z.is_finite()) {
            return Err(Error::new(
                ErrorKind::Internal,
                "the members' predictions cannot be blended",
            ));
        }
        let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
        let rows = 0..churned.len();
        let positives: f64 = rows.clone().filter(|&row| churned[row]).map(weight).sum();
        let target: Vec<f64> = (0..members)
            .map(|member| anchor.map_or(1.0 / members as f64, |anchor| f64::from(u8::from(member == anchor))))
            .collect();
        let problem = Faces {
            log_odds,
            churned,
            weights,
            total: rows.map(weight).sum(),
            target,
            penalty: SHRINKAGE / positives.max(1.0),
        };
        let faces = workers.map(1..1 << members, |face| {
            let free: Vec<usize> = (0..members).filter(|member| face >> member & 1 == 1).collect();
            Ok(problem.solve(&free))
        })?;
        let best = (faces.into_iter().flatten()).reduce(|best, face| if face.0 < best.0 { face } else { best });
        let weights = best
            .map(|(_, weights)| weights)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "no blend of the members was found"))?;
        Ok(Self { weights })
    }

    pub(crate) fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Returns the blended log-odds of each row. `members` holds the log-odds that each member predicts. The members
    /// are added in order, and members with weight 0 are skipped.
    pub(crate) fn log_odds(&self, members: &[Vec<f64>]) -> Vec<f64> {
        let rows = members.first().map_or(0, Vec::len);
        let mut blended = vec![0.0; rows];
        for (member, &weight) in members.iter().zip(&self.weights).filter(|(_, weight)| **weight > 0.0) {
            blended.iter_mut().zip(member).for_each(|(sum, z)| *sum += weight * z);
        }
        blended
    }

    pub(crate) fn is_valid(&self, members: usize) -> bool {
        self.weights.len() == members && self.weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0)
    }
}

struct Faces<'a> {
    log_odds: &'a [Vec<f64>],
    churned: &'a [bool],
    weights: Option<&'a [f64]>,
    /// The sum of the weights of all rows.
    total: f64,
    target: Vec<f64>,
    penalty: f64,
}

impl Faces<'_> {
    /// Returns the lowest loss, and the weights that give this loss, under the condition that only the members in
    /// `free` have a weight other than 0. Returns `None` if one of these weights is negative.
    fn solve(&self, free: &[usize]) -> Option<(f64, Vec<f64>)> {
        let (last, moving) = free.split_last()?;
        let mut weights = vec![0.0; self.log_odds.len()];
        free.iter()
            .for_each(|&member| weights[member] = 1.0 / free.len() as f64);
        let mut loss = self.loss(&weights);
        for _ in 0..30 {
            if moving.is_empty() {
                break;
            }
            let step = self.newton_step(&weights, moving, *last)?;
            let mut size = 1.0;
            let mut improved = false;
            while size > 1e-6 {
                let mut next = weights.clone();
                for (&member, step) in moving.iter().zip(&step) {
                    next[member] -= size * step;
                    next[*last] += size * step;
                }
                let next_loss = self.loss(&next);
                if next_loss < loss {
                    improved = loss - next_loss > 1e-12;
                    (weights, loss) = (next, next_loss);
                    break;
                }
                size /= 2.0;
            }
            if !improved {
                break;
            }
        }
        weights.iter().all(|weight| *weight >= 0.0).then_some((loss, weights))
    }

    /// Multiplies `value` by the weight of a row. If the rows have no weights, every weight is 1.
    fn weigh(&self, row: usize, value: f64) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row]) * value
    }

    fn loss(&self, weights: &[f64]) -> f64 {
        let rows = self.churned.iter().enumerate().map(|(row, &churned)| {
            let z: f64 = self
                .log_odds
                .iter()
                .zip(weights)
                .map(|(member, weight)| weight * member[row])
                .sum();
            self.weigh(row, softplus(if churned { -z } else { z }))
        });
        let distance: f64 = weights
            .iter()
            .zip(&self.target)
            .map(|(weight, target)| (weight - target) * (weight - target))
            .sum();
        rows.sum::<f64>() / self.total + self.penalty * distance
    }

    /// Returns the Newton step for the weights of the members `moving`. The weight of the member `last` has no step of
    /// its own, because it is 1 minus the sum of the other weights.
    fn newton_step(&self, weights: &[f64], moving: &[usize], last: usize) -> Option<Vec<f64>> {
        let size = moving.len();
        let mut gradient = vec![0.0; size];
        let mut hessian = vec![vec![0.0; size]; size];
        for (row, &churned) in self.churned.iter().enumerate() {
            let z: f64 = self
                .log_odds
                .iter()
                .zip(weights)
                .map(|(member, weight)| weight * member[row])
                .sum();
            let p = sigmoid(z);
            let first = self.weigh(row, p - f64::from(u8::from(churned))) / self.total;
            let second = self.weigh(row, p * (1.0 - p)) / self.total;
            let way = |member: usize| self.log_odds[member][row] - self.log_odds[last][row];
            for (a, &member) in moving.iter().enumerate() {
                gradient[a] += first * way(member);
                for (b, &other) in moving.iter().enumerate().take(a + 1) {
                    hessian[a][b] += second * way(member) * way(other);
                }
            }
        }
        for (a, &member) in moving.iter().enumerate() {
            gradient[a] +=
                2.0 * self.penalty * ((weights[member] - self.target[member]) - (weights[last] - self.target[last]));
            for (b, cell) in hessian[a].iter_mut().enumerate().take(a + 1) {
                *cell += 2.0 * self.penalty * if a == b { 2.0 } else { 1.0 };
            }
        }
        let symmetric: Vec<Vec<f64>> = (0..size)
            .map(|a| {
                (0..size)
                    .map(|b| if a >= b { hessian[a][b] } else { hessian[b][a] })
                    .collect()
            })
            .collect();
        solve_small(symmetric, gradient)
    }
}

/// Solves linear equations with a few unknowns by Gaussian elimination with pivoting.
fn solve_small(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let size = right.len();
    for pivot in 0..size {
        let largest = (pivot..size).max_by(|&a, &b| matrix[a][pivot].abs().total_cmp(&matrix[b][pivot].abs()))?;
        if matrix[largest][pivot].abs() < 1e-300 {
            return None;
        }
        matrix.swap(pivot, largest);
        right.swap(pivot, largest);
        for row in pivot + 1..size {
            let factor = matrix[row][pivot] / matrix[pivot][pivot];
            let (above, below) = matrix.split_at_mut(row);
            for (cell, pivoting) in below[0].iter_mut().zip(&above[pivot]).skip(pivot) {
                *cell -= factor * pivoting;
            }
            right[row] -= factor * right[pivot];
        }
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|column| matrix[row][column] * right[column]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::SplitMix;

    fn sample(rows: usize, noises: &[f64]) -> (Vec<Vec<f64>>, Vec<bool>) {
        let mut random = SplitMix::new(3, rows as u64);
        let truth: Vec<f64> = (0..rows).map(|_| random.unit() * 6.0 - 4.0).collect();
        let churned = truth.iter().map(|&z| random.unit() < sigmoid(z)).collect();
        let members = noises
            .iter()
            .map(|noise| truth.iter().map(|z| z + noise * (random.unit() - 0.5)).collect())
            .collect();
        (members, churned)
    }

    #[test]
    fn weights_are_shares_and_favour_the_better_member() {
        let (members, churned) = sample(4000, &[8.0, 1.0, 8.0]);
        let blend = Blend::fit(&members, &churned, None, Some(0), &Workers::inline()).unwrap();
        assert!((blend.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(blend.weights.iter().all(|weight| *weight >= 0.0));
        assert!(blend.weights[1] > 0.8, "{:?}", blend.weights);
    }

    #[test]
    fn with_few_churners_the_anchor_dominates() {
        let (members, churned) = sample(40, &[1.0, 1.0]);
        let blend = Blend::fit(&members, &churned, None, Some(0), &Workers::inline()).unwrap();
        assert!(blend.weights[0] > 0.6, "{:?}", blend.weights);
    }

    #[test]
    fn an_integer_weight_equals_that_many_rows() {
        let (members, churned) = sample(300, &[3.0, 2.0]);
        let weights: Vec<f64> = (0..300).map(|row| [1.0, 0.0, 3.0][row % 3]).collect();
        let repeat = |values: &[f64]| -> Vec<f64> {
            let rows = values.iter().zip(&weights);
            rows.flat_map(|(&value, &weight)| vec![value; weight as usize])
                .collect()
        };
        let repeated: Vec<Vec<f64>> = members.iter().map(|member| repeat(member)).collect();
        let flags: Vec<f64> = churned.iter().map(|&churned| f64::from(u8::from(churned))).collect();
        let repeated_churned: Vec<bool> = repeat(&flags).iter().map(|&flag| flag > 0.5).collect();
        let weighted = Blend::fit(&members, &churned, Some(&weights), Some(0), &Workers::inline()).unwrap();
        let same = Blend::fit(&repeated, &repeated_churned, None, Some(0), &Workers::inline()).unwrap();
        for (weighted, same) in weighted.weights.iter().zip(&same.weights) {
            assert!((weighted - same).abs() < 1e-6, "{weighted} {same}");
        }
    }

    #[test]
    fn the_weights_are_optimal() {
        let (members, churned) = sample(300, &[3.0, 2.0, 4.0]);
        let blend = Blend::fit(&members, &churned, None, Some(0), &Workers::inline()).unwrap();
        let positives = churned.iter().filter(|c| **c).count() as f64;
        let problem = Faces {
            log_odds: &members,
            churned: &churned,
            weights: None,
            total: churned.len() as f64,
            target: vec![1.0, 0.0, 0.0],
            penalty: SHRINKAGE / positives,
        };
        let best = problem.loss(&blend.weights);
        for a in 0..=20 {
            for b in 0..=20 - a {
                let weights = [f64::from(a) / 20.0, f64::from(b) / 20.0, f64::from(20 - a - b) / 20.0];
                assert!(problem.loss(&weights) >= best - 1e-9);
            }
        }
    }
}
