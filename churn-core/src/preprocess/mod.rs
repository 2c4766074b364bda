//! From features to the numbers that members look at; fitted on training rows only, stored with the model.

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

/// Two views of a feature matrix, fitted once: encoded for trees, and designed for the linear member.
///
/// Trees see numbers as they are, missing values as missing; texts one column per frequent level, one for all others
/// (rare ones and those never seen), and how frequent the level was. The linear member sees the same columns with missing
/// values replaced by the median and marked, heavy tails drawn in by a signed logarithm, centred and scaled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FittedPreprocessor {
    /// Names of the features it was fitted on, in order.
    names: Vec<String>,
    encoded: Vec<EncodedColumn>,
    encoded_sources: Vec<u32>,
    design: Vec<DesignColumn>,
    design_sources: Vec<u32>,
}

impl FittedPreprocessor {
    /// Fits to the rows of a table.
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

    /// What trees look at: rows x columns, column by column in memory, NaN where missing.
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

    /// What the linear member looks at: rows x columns, no value missing.
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

    /// The feature that each encoded column came from.
    pub(crate) fn encoded_sources(&self) -> &[u32] {
        &self.encoded_sources
    }

    /// The feature that each column of the design came from.
    pub(crate) fn design_sources(&self) -> &[u32] {
        &self.design_sources
    }

    /// The columns of the design that rise with the numbers of a feature.
    pub(crate) fn rising(&self, feature: usize) -> impl Iterator<Item = usize> {
        let of = move |column: &DesignColumn| {
            column.rises() && self.encoded[column.encoded as usize].feature as usize == feature
        };
        (0..self.design.len()).filter(move |&column| of(&self.design[column]))
    }

    /// Whether its parts fit together, and these features.
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

    /// A matrix of other features than it was fitted on is refused, by name.
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
        .map_err(|e| Error::new(ErrorKind::Internal, "columns lost their shape").caused_by(e))?;
    Ok(array.reversed_axes())
}

/// A number feature's values, or `None` for text.
fn numbers(column: &FeatureColumn) -> Option<&[f64]> {
    match column {
        FeatureColumn::Number(values) => Some(values),
        FeatureColumn::Text { .. } => None,
    }
}
