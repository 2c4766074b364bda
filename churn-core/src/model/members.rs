//! The members of a model's ensemble and their inputs.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::ensemble::{FlatTrees, LinearModel};
use crate::error::{Error, ErrorKind, Result};
use crate::explain::{linear_contributions, tree_contributions};
use crate::features::Columns;
use crate::parallel::Workers;
use crate::preprocess::FittedPreprocessor;

/// A feature matrix in the two forms that members need: the encoded columns for trees, and the design matrix for the
/// linear member.
pub(crate) struct Inputs {
    encoded: Array2<f32>,
    design: Array2<f64>,
}

impl Inputs {
    pub(crate) fn new(preprocessor: &FittedPreprocessor, table: Columns<'_>, workers: &Workers) -> Result<Self> {
        Ok(Self {
            encoded: preprocessor.encode(table, workers)?,
            design: preprocessor.design(table, workers)?,
        })
    }

    pub(crate) fn encoded(&self) -> ArrayView2<'_, f32> {
        self.encoded.view()
    }

    pub(crate) fn design(&self) -> ArrayView2<'_, f64> {
        self.design.view()
    }
}

/// A fitted member (base learner) of the ensemble. All members predict log-odds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Member {
    Linear(LinearModel),
    Boosting(FlatTrees),
    Forest(FlatTrees),
    DeepBoosting(FlatTrees),
}

impl Member {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Linear(_) => "linear",
            Self::Boosting(_) => "boosting",
            Self::Forest(_) => "forest",
            Self::DeepBoosting(_) => "deep_boosting",
        }
    }

    pub(crate) fn log_odds(&self, inputs: &Inputs, workers: &Workers) -> Result<Vec<f64>> {
        match self {
            Self::Linear(model) => model.log_odds(inputs.design(), workers),
            Self::Boosting(trees) | Self::DeepBoosting(trees) | Self::Forest(trees) => {
                trees.log_odds(inputs.encoded(), workers)
            }
        }
    }

    /// Computes the member's contributions, sums them over the columns of each feature, multiplies them by `weight` and
    /// adds them to `total` (rows x features). Returns the member's base value multiplied by `weight`.
    pub(crate) fn add_contributions(
        &self,
        weight: f64,
        inputs: &Inputs,
        preprocessor: &FittedPreprocessor,
        total: &mut Array2<f64>,
        workers: &Workers,
    ) -> Result<f64> {
        let (by_column, base, sources) = match self {
            Self::Linear(model) => {
                let (contributions, base) =
                    linear_contributions(model.intercept(), model.coefficients(), model.means(), inputs.design());
                (contributions, base, preprocessor.design_sources())
            }
            Self::Boosting(trees) | Self::DeepBoosting(trees) | Self::Forest(trees) => {
                let (contributions, base) = tree_contributions(trees, inputs.encoded(), workers)?;
                (contributions, base, preprocessor.encoded_sources())
            }
        };
        for (column, &source) in by_column.columns().into_iter().zip(sources) {
            let mut target = total.column_mut(source as usize);
            for (sum, &contribution) in target.iter_mut().zip(column) {
                *sum += weight * contribution;
            }
        }
        Ok(weight * base)
    }

    /// Checks that the member has the number of columns that the preprocessor produces.
    pub(crate) fn check(&self, preprocessor: &FittedPreprocessor) -> Result<()> {
        let (has, wants) = match self {
            Self::Linear(model) if !model.is_valid() => {
                return Err(Error::new(
                    ErrorKind::ArtifactDamaged,
                    "a coefficient is not a finite number",
                ));
            }
            Self::Linear(model) => (preprocessor.design_sources().len(), model.coefficients().len()),
            Self::Boosting(trees) | Self::DeepBoosting(trees) | Self::Forest(trees) => {
                trees.validate()?;
                (preprocessor.encoded_sources().len(), trees.n_features())
            }
        };
        if has == wants {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::ArtifactDamaged,
                format!("the {} member expects {wants} columns but gets {has}", self.name()),
            ))
        }
    }
}
