//! Preprocessing: converts features to the numeric inputs of the base models (trees and a linear model). It is fitted
//! on training rows only and is stored with the model.

mod columns;
mod design;
mod encode;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::features::{Columns, FeatureColumn};
use crate::parallel::Workers;
use columns::EncodedColumn;
use design::DesignColumn;

/// Fitted preprocessing of a feature matrix, with two outputs: encoded columns for trees and a design matrix for the
/// linear model.
///
/// Trees receive numbers unchanged, with missing values as NaN. A level is a distinct text of a text feature. A text
/// feature gives one column per frequent level. If there are rare levels, it also gives a column that marks all other
/// levels (rare or unknown) and a column with the frequency of the level. If texts are missing, it also gives a column
/// that marks missing texts. The linear model receives the same columns after three changes. Missing values are
/// replaced by the median and are flagged in a separate column. Heavy tails are compressed by a signed logarithm. Every
/// column is centred and scaled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FittedPreprocessor {
    /// Names of the features that the preprocessing was fitted on, in order.
    names: Vec<String>,
    encoded: Vec<EncodedColumn>,
    encoded_sources: Vec<u32>,
    design: Vec<DesignColumn>,
    design_sources: Vec<u32>,
}

impl FittedPreprocessor {
    /// Fits the preprocessing to all rows of a table, which must be training rows.
    pub(crate) fn fit(table: Columns<'_>, workers: &Workers) -> Result<Self> {
        let by_feature = workers.map(0..table.columns.len(), |feature| {
            Ok(encode::fit(feature, &table.columns[feature]))
        })?;
        let encoded: Vec<EncodedColumn> = by_feature.into_iter().flatten().collect();
        let values = workers.map(0..encoded.len(), |column| Ok(encoded[column].apply(table)))?;
        let design = design::fit(&values, workers)?;
        Ok(Self {
            names: table.names.to_vec(),
            encoded_sources: encoded.iter().map(|column| column.feature).collect(),
            design_sources: design
                .iter()
                .map(|column| encoded[column.encoded as usize].feature)
                .collect(),
            encoded,
            design,
        })
    }

    /// The encoded columns for trees: an array of rows x columns in column-major order, with NaN for a missing value.
    pub(crate) fn encode(&self, table: Columns<'_>, workers: &Workers) -> Result<Array2<f32>> {
        self.check(table)?;
        let columns = workers.map(0..self.encoded.len(), |column| {
            Ok(self.encoded[column]
                .apply(table)
                .into_iter()
                .map(|value| value as f32)
                .collect::<Vec<f32>>())
        })?;
        by_column(table.rows, columns)
    }

    /// The design matrix of the linear model: an array of rows x columns without missing values.
    pub(crate) fn design(&self, table: Columns<'_>, workers: &Workers) -> Result<Array2<f64>> {
        self.check(table)?;
        let columns = workers.map(0..self.design.len(), |column| {
            let column = &self.design[column];
            Ok(self.encoded[column.encoded as usize]
                .apply(table)
                .into_iter()
                .map(|value| column.apply(value))
                .collect::<Vec<f64>>())
        })?;
        by_column(table.rows, columns)
    }

    /// The feature that each encoded column is computed from.
    pub(crate) fn encoded_sources(&self) -> &[u32] {
        &self.encoded_sources
    }

    /// The feature that each column of the design matrix is computed from.
    pub(crate) fn design_sources(&self) -> &[u32] {
        &self.design_sources
    }

    /// The positions of the design columns whose values increase with the value of this numeric feature.
    pub(crate) fn rising(&self, feature: usize) -> impl Iterator<Item = usize> {
        let of = move |column: &DesignColumn| {
            column.rises() && self.encoded[column.encoded as usize].feature as usize == feature
        };
        (0..self.design.len()).filter(move |&column| of(&self.design[column]))
    }

    /// Checks that the parts of the preprocessing are consistent with each other and with these features.
    pub(crate) fn validate(&self, names: &[String]) -> Result<()> {
        let fits = self.names == names
            && self
                .encoded
                .iter()
                .all(|column| (column.feature as usize) < names.len() && column.is_valid())
            && self
                .design
                .iter()
                .all(|column| (column.encoded as usize) < self.encoded.len() && column.is_valid())
            && self
                .encoded_sources
                .iter()
                .eq(self.encoded.iter().map(|column| &column.feature))
            && self.design_sources.iter().eq(self
                .design
                .iter()
                .map(|column| &self.encoded[column.encoded as usize].feature));
        if fits {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::ArtifactDamaged,
                "the preprocessing does not fit the features",
            ))
        }
    }

    /// Returns an error if the features of a matrix differ from those that the preprocessing was fitted on. The error
    /// names the first feature that differs.
    fn check(&self, table: Columns<'_>) -> Result<()> {
        let differs = self.names.iter().zip(table.names).find(|(own, other)| own != other);
        let message = match differs {
            Some((own, other)) => format!("feature '{own}' was expected and '{other}' was given"),
            None if self.names.len() != table.names.len() => format!(
                "{} features were expected and {} were given",
                self.names.len(),
                table.names.len()
            ),
            None => return Ok(()),
        };
        Err(Error::new(ErrorKind::FeatureMismatch, message).at(None, None, differs.map(|(own, _)| own.as_str())))
    }
}

fn by_column<T>(rows: usize, columns: Vec<Vec<T>>) -> Result<Array2<T>> {
    let shape = (columns.len(), rows);
    let flat: Vec<T> = columns.into_iter().flatten().collect();
    let array = Array2::from_shape_vec(shape, flat)
        .map_err(|e| Error::new(ErrorKind::Internal, "columns have an unexpected shape").caused_by(e))?;
    Ok(array.reversed_axes())
}

/// The values of a numeric feature; `None` for a text feature.
fn numbers(column: &FeatureColumn) -> Option<&[f64]> {
    match column {
        FeatureColumn::Number(values) => Some(values),
        FeatureColumn::Text { .. } => None,
    }
}
