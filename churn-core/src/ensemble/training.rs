//! Validates the labels and weights that every learner receives.

use ndarray::{Array2, ArrayView2, Axis};

use crate::error::{Error, ErrorKind, Result};
use crate::numeric::logit;

/// The validated labels and weights of the training rows.
pub(crate) struct Training<'a> {
    churned: &'a [bool],
    weights: Option<&'a [f64]>,
}

impl<'a> Training<'a> {
    /// # Errors
    /// - `invalid_option` if the numbers of rows, labels and weights differ, or if a weight is negative or not finite.
    /// - `too_little_data` if there are no rows.
    /// - `single_class` if all rows with positive weight have the same label.
    pub(crate) fn new(rows: usize, churned: &'a [bool], weights: Option<&'a [f64]>) -> Result<Self> {
        let refuse =
            |what: &str, why: String| Err(Error::new(ErrorKind::InvalidOption, why).at(None, None, Some(what)));
        if churned.len() != rows {
            return refuse("y", format!("there are {rows} rows and {} labels", churned.len()));
        }
        if let Some(weights) = weights {
            if weights.len() != rows {
                return refuse(
                    "weights",
                    format!("there are {rows} rows and {} weights", weights.len()),
                );
            }
            if let Some(row) = weights
                .iter()
                .position(|weight| !(weight.is_finite() && *weight >= 0.0))
            {
                return refuse("weights", format!("the weight of row {row} is {}", weights[row]));
            }
            if !weights.iter().sum::<f64>().is_finite() {
                return refuse("weights", "the weights are too large to be added".into());
            }
        }
        if rows == 0 {
            return Err(Error::new(ErrorKind::TooLittleData, "there are no rows to learn from"));
        }
        let training = Self { churned, weights };
        let of_class = |wanted: bool| (0..rows).any(|row| churned[row] == wanted && training.weight(row) > 0.0);
        match (of_class(true), of_class(false)) {
            (true, true) => Ok(training),
            _ => Err(Error::new(
                ErrorKind::SingleClass,
                "all labels are the same: a model needs both classes",
            )),
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.churned.len()
    }

    pub(crate) fn weights(&self) -> Option<&'a [f64]> {
        self.weights
    }

    pub(crate) fn churned(&self, row: usize) -> bool {
        self.churned[row]
    }

    pub(crate) fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }
}

/// Removes rows of weight 0, because such rows must not affect a model. Returns the matrix, the labels and the weights
/// of the other rows, or `None` if no row has weight 0.
pub(crate) fn without_weightless(
    x: ArrayView2<'_, f32>,
    training: &Training<'_>,
) -> Option<(Array2<f32>, Vec<bool>, Vec<f64>)> {
    let weights = training.weights()?;
    let rows: Vec<usize> = (0..training.rows()).filter(|&row| weights[row] > 0.0).collect();
    if rows.len() == training.rows() {
        return None;
    }
    // The copy is in column-major order, because the learners read it column by column.
    let x = x.t().select(Axis(1), &rows).reversed_axes();
    let churned = rows.iter().map(|&row| training.churned[row]).collect();
    let weights = rows.iter().map(|&row| weights[row]).collect();
    Some((x, churned, weights))
}

/// Returns the log-odds of the churn rate of the training rows. The churn rate is weighted by the weights of the rows.
pub(crate) fn prior_log_odds(training: &Training<'_>) -> f64 {
    let (mut churned, mut total) = (0.0, 0.0);
    for row in 0..training.rows() {
        total += training.weight(row);
        churned += if training.churned[row] {
            training.weight(row)
        } else {
            0.0
        };
    }
    logit(churned / total)
}

/// Copies some rows of a matrix into a new matrix in column-major order.
pub(crate) fn select<T: Copy>(x: ArrayView2<'_, T>, rows: &[usize]) -> Array2<T> {
    // The transposed matrix has one row per column of `x`, and one column per selected row.
    Array2::from_shape_fn((x.ncols(), rows.len()), |(column, row)| x[(rows[row], column)]).reversed_axes()
}
