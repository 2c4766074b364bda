//! Model files of single base learners.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::artifact;
use crate::ensemble::{FlatTrees, LinearModel, ReadTrees, TreeEnsemble};
use crate::error::{Error, ErrorKind, Result};

const TREES: &str = "ensemble of trees";
/// The kind that a model file states if it contains a tree ensemble with category sets (splits on sets of categories),
/// or a tree ensemble whose output is not simply a sum of log-odds.
const IMPORTED: &str = "imported ensemble of trees";
const LINEAR: &str = "linear model";

impl FlatTrees {
    /// Returns the bytes of a model file that contains only this ensemble.
    ///
    /// # Errors
    /// `artifact_too_large` if the file would exceed the maximum size.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        write(TREES, self)
    }

    /// Reads a model file from the bytes that `to_bytes` returned. Reading untrusted bytes is safe.
    ///
    /// # Errors
    /// `artifact_damaged` if the bytes are not a model file or are damaged; `artifact_version` if this version of the
    /// library cannot read the format; `artifact_too_large` if the file is larger than the library accepts.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        read(TREES, bytes)
    }
}

impl TreeEnsemble {
    /// Returns the bytes of a model file that contains only these trees, with their category sets and link function.
    ///
    /// ```
    /// use churn_core::Execution;
    /// use churn_core::ensemble::{TreeEnsemble, ForeignTree, ForeignTrees, Link};
    ///
    /// let leaf = ForeignTree {
    ///     feature: vec![-1],
    ///     threshold: vec![0.0],
    ///     left: vec![-1],
    ///     right: vec![-1],
    ///     missing_left: vec![false],
    ///     value: vec![0.25],
    ///     cover: vec![10.0],
    /// };
    /// let trees = ForeignTrees { trees: vec![leaf], n_features: 1, link: Link::Probability, ..Default::default() };
    /// let ensemble = TreeEnsemble::from_trees(&trees)?;
    /// let read = TreeEnsemble::from_bytes(&ensemble.to_bytes()?)?;
    /// assert_eq!(read, ensemble);
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `artifact_too_large` if the file would exceed the maximum size.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        match self.plain() {
            Some(trees) => write_named(TREES, trees, self.feature_names()),
            None => write_named(IMPORTED, &self.written(), self.feature_names()),
        }
    }

    /// Reads the model file of a `TreeEnsemble` or of [`FlatTrees`] from its bytes. Reading untrusted bytes is safe.
    ///
    /// # Errors
    /// `artifact_damaged` if the bytes are not a model file or are damaged; `artifact_version` if this version of the
    /// library cannot read the format; `artifact_too_large` if the file is larger than the library accepts.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let metadata = artifact::read(bytes)?.metadata;
        let trees = match artifact::kind_of(metadata).as_deref() {
            Some(IMPORTED) => read::<ReadTrees>(IMPORTED, bytes)?.try_into()?,
            _ => FlatTrees::from_bytes(bytes).map(Self::from)?,
        };
        let named: Named = serde_json::from_slice(metadata).unwrap_or_default();
        if named.feature_names.is_empty() {
            return Ok(trees);
        }
        let damaged = |error: Error| Error::new(ErrorKind::ArtifactDamaged, error.to_string());
        trees.with_feature_names(named.feature_names).map_err(damaged)
    }
}

impl LinearModel {
    /// Returns the bytes of a model file that contains only this linear model.
    ///
    /// # Errors
    /// `artifact_too_large` if the file would exceed the maximum size.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        write(LINEAR, self)
    }

    /// Reads a model file from the bytes that `to_bytes` returned. Reading untrusted bytes is safe.
    ///
    /// # Errors
    /// `artifact_damaged` if the bytes are not a model file or are damaged; `artifact_version` if this version of the
    /// library cannot read the format; `artifact_too_large` if the file is larger than the library accepts.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let model: Self = read(LINEAR, bytes)?;
        if model.is_valid() {
            Ok(model)
        } else {
            Err(Error::new(
                ErrorKind::ArtifactDamaged,
                "a coefficient is not a finite number",
            ))
        }
    }
}

/// The column names that the metadata of a model file states.
#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    feature_names: Vec<String>,
}

fn write<T: Serialize>(kind: &str, member: &T) -> Result<Vec<u8>> {
    write_named(kind, member, &[])
}

fn write_named<T: Serialize>(kind: &str, member: &T, feature_names: &[String]) -> Result<Vec<u8>> {
    let metadata = match feature_names {
        [] => format!(r#"{{"kind":"{kind}"}}"#),
        names => serde_json::json!({ "kind": kind, "feature_names": names }).to_string(),
    };
    artifact::write(metadata.as_bytes(), &artifact::encode(member)?)
}

fn read<T: DeserializeOwned>(kind: &str, bytes: &[u8]) -> Result<T> {
    let artifact = artifact::read(bytes)?;
    if artifact::kind_of(artifact.metadata).as_deref() != Some(kind) {
        return Err(Error::new(
            ErrorKind::ArtifactDamaged,
            format!("the file contains another kind of model, not the expected {kind}"),
        ));
    }
    artifact::decode(artifact.payload)
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::ensemble::{GradientBoosting, GradientBoostingOptions, Logistic};
    use crate::parallel::Execution;

    #[test]
    fn members_round_trip_and_are_not_confused() {
        let x = Array2::from_shape_fn((80, 2), |(row, column)| ((row * 7 + column * 3) % 20) as f32);
        let churned: Vec<bool> = x.rows().into_iter().map(|row| row[0] > 9.0).collect();
        let execution = Execution::default();
        let options = GradientBoostingOptions {
            n_trees: 5,
            min_leaf_rows: 5,
            ..Default::default()
        };
        let trees = GradientBoosting::new(options)
            .fit(x.view(), &churned, None, &execution)
            .unwrap();
        let linear = Logistic::default()
            .fit(x.mapv(f64::from).view(), &churned, None, &execution)
            .unwrap();
        let (trees_file, linear_file) = (trees.to_bytes().unwrap(), linear.to_bytes().unwrap());
        assert_eq!(FlatTrees::from_bytes(&trees_file).unwrap(), trees);
        let any = TreeEnsemble::from_bytes(&trees_file).unwrap();
        assert_eq!(any, TreeEnsemble::from(trees));
        assert_eq!(any.to_bytes().unwrap(), trees_file);
        assert_eq!(
            TreeEnsemble::from_bytes(&linear_file).unwrap_err().code(),
            "artifact_damaged"
        );
        assert_eq!(LinearModel::from_bytes(&linear_file).unwrap(), linear);
        assert_eq!(
            FlatTrees::from_bytes(&linear_file).unwrap_err().code(),
            "artifact_damaged"
        );
    }
}
