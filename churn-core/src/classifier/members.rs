//! Members alone, as files.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::artifact;
use crate::ensemble::{FlatEnsemble, LinearModel};
use crate::error::{Error, ErrorKind, Result};

const TREES: &str = "ensemble of trees";
const LINEAR: &str = "linear model";

impl FlatEnsemble {
    /// The bytes of a file of this ensemble alone.
    ///
    /// # Errors
    /// `artifact_too_large`.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        write(TREES, self)
    }

    /// Opens such a file from memory. Safe on any bytes.
    ///
    /// # Errors
    /// `artifact_damaged`, `artifact_version`, `artifact_too_large`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        read(TREES, bytes)
    }
}

impl LinearModel {
    /// The bytes of a file of this model alone.
    ///
    /// # Errors
    /// `artifact_too_large`.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        write(LINEAR, self)
    }

    /// Opens such a file from memory. Safe on any bytes.
    ///
    /// # Errors
    /// `artifact_damaged`, `artifact_version`, `artifact_too_large`.
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

fn write<T: Serialize>(kind: &str, member: &T) -> Result<Vec<u8>> {
    let metadata = format!(r#"{{"kind":"{kind}"}}"#);
    artifact::write(metadata.as_bytes(), &artifact::encode(member)?)
}

fn read<T: DeserializeOwned>(kind: &str, bytes: &[u8]) -> Result<T> {
    let artifact = artifact::read(bytes)?;
    if artifact::kind_of(artifact.metadata).as_deref() != Some(kind) {
        return Err(Error::new(
            ErrorKind::ArtifactDamaged,
            format!("the file holds no {kind} but another model"),
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
    fn members_are_read_as_they_were_written_and_not_for_each_other() {
        let x = Array2::from_shape_fn((80, 2), |(row, column)| ((row * 7 + column * 3) % 20) as f32);
        let churned: Vec<bool> = x.rows().into_iter().map(|row| row[0] > 9.0).collect();
        let execution = Execution::default();
        let options = GradientBoostingOptions {
            trees: 5,
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
        assert_eq!(FlatEnsemble::from_bytes(&trees_file).unwrap(), trees);
        assert_eq!(LinearModel::from_bytes(&linear_file).unwrap(), linear);
        assert_eq!(
            FlatEnsemble::from_bytes(&linear_file).unwrap_err().code(),
            "artifact_damaged"
        );
    }
}
