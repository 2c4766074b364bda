//! What every trainer is given besides the matrix.

use crate::error::{Error, ErrorKind, Result};
use crate::numeric::logit;

/// Labels and weights that fit together.
pub(crate) struct Training<'a> {
    churned: &'a [bool],
    weights: Option<&'a [f64]>,
}

impl<'a> Training<'a> {
    /// # Errors
    /// `invalid_option` if lengths differ or a weight is negative or not finite; `too_little_data` without rows;
    /// `single_class` if the rows with weight agree.
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
                "all labels are the same: there is nothing to learn",
            )),
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.churned.len()
    }

    pub(crate) fn weights(&self) -> Option<&'a [f64]> {
        self.weights
    }

    pub(crate) fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }
}

/// The log-odds of the weighted churn rate.
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
