//! Explanations of tree ensembles from other libraries.

use ndarray::{Array2, ArrayView2};

use super::tree_contributions;
use crate::ensemble::{Input, TreeEnsemble};
use crate::error::Result;
use crate::parallel::Execution;

impl TreeEnsemble {
    /// Shapley values of every column for every row (rows x columns), and the base value, which is the expected output
    /// over the training rows. For each row, the base value and the contributions sum to the log-odds of the row. For a
    /// forest that averages probabilities, the base value and the contributions sum to the probability instead.
    ///
    /// # Errors
    /// `feature_mismatch` if the matrix and the ensemble differ in the number of columns; `cancelled` if the caller
    /// cancelled the call.
    pub fn explain<T: Input>(&self, x: ArrayView2<'_, T>, execution: &Execution) -> Result<(Array2<f64>, f64)> {
        let (mut contributions, base) = tree_contributions(self.flat(), x, &execution.workers()?)?;
        contributions.mapv_inplace(|contribution| self.scaled(contribution));
        Ok((contributions, self.scaled(base)))
    }
}
