//! The byte format of feature matrices, and the encoding of feature columns in the other files that this crate writes.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::artifact;
use crate::error::{Error, ErrorKind, Result};
use crate::features::{FeatureColumn, FeatureMatrix};
use crate::record::TenantId;
use crate::time::{AsOf, Timestamp};

const KIND: &str = "feature matrix";

#[derive(Serialize, Deserialize)]
struct File {
    tenant: String,
    /// The ids of the customers who have a row, sorted.
    ids: Vec<String>,
    /// The customer of each row, as a position in `ids`.
    customers: Vec<u32>,
    /// The date of each row, in microseconds since 1970-01-01.
    as_of: Vec<i64>,
    names: Vec<String>,
    columns: Vec<FileColumn>,
    fingerprint: String,
}

/// The values of a feature in a file.
#[derive(Serialize, Deserialize)]
pub(crate) enum FileColumn {
    Numbers(Vec<f64>),
    Texts { codes: Vec<u32>, levels: Vec<String> },
}

impl From<&FeatureColumn> for FileColumn {
    fn from(column: &FeatureColumn) -> Self {
        match column {
            FeatureColumn::Number(values) => Self::Numbers(values.clone()),
            FeatureColumn::Text { codes, levels } => Self::Texts {
                codes: codes.clone(),
                levels: levels.clone(),
            },
        }
    }
}

impl FileColumn {
    /// Converts the values to a feature column of `rows` rows. If the values are damaged, returns what is wrong.
    pub(crate) fn into_column(self, rows: usize) -> std::result::Result<FeatureColumn, &'static str> {
        match self {
            Self::Numbers(values) if values.len() == rows => Ok(FeatureColumn::Number(values)),
            Self::Texts { codes, levels } if codes.len() == rows => {
                let known = |code: &u32| *code == FeatureColumn::MISSING || (*code as usize) < levels.len();
                match codes.iter().all(known) {
                    true => Ok(FeatureColumn::Text { codes, levels }),
                    false => Err("a text is missing"),
                }
            }
            _ => Err("its columns differ in length"),
        }
    }
}

impl FeatureMatrix {
    /// Writes the matrix as bytes. [`from_bytes`](Self::from_bytes) reads them. Customers without a row are left out.
    ///
    /// # Errors
    /// `artifact_too_large` if the bytes would exceed the maximum size of a file.
    ///
    /// ```
    /// use churn_core::synthetic::{WorldOptions, world};
    /// use churn_core::{Execution, FeatureMatrix, FeaturePlan, features};
    ///
    /// let world = world(&WorldOptions::default().with_tenants(1).with_customers(60))?;
    /// let (records, _) = world.tenants()[0].records()?.build()?;
    /// let matrix = features(&records, &["2024-03-01".parse()?], &FeaturePlan::default(), &Execution::new())?;
    /// let read = FeatureMatrix::from_bytes(&matrix.to_bytes()?)?;
    /// assert_eq!((read.n_rows(), read.feature_names()), (matrix.n_rows(), matrix.feature_names()));
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let used: BTreeSet<u32> = self.customers.iter().copied().collect();
        let used: Vec<u32> = used.into_iter().collect();
        let position = |code: &u32| used.binary_search(code).map_or(0, |position| position as u32);
        let file = File {
            tenant: self.tenant.to_string(),
            ids: used
                .iter()
                .map(|&code| self.ids.get(code as usize).to_owned())
                .collect(),
            customers: self.customers.iter().map(position).collect(),
            as_of: self.as_of.iter().map(|date| date.as_micros()).collect(),
            names: self.names.clone(),
            columns: self.columns.iter().map(FileColumn::from).collect(),
            fingerprint: self.fingerprint.clone(),
        };
        artifact::write(format!(r#"{{"kind":"{KIND}"}}"#).as_bytes(), &artifact::encode(&file)?)
    }

    /// Reads the bytes of a matrix.
    ///
    /// # Errors
    /// `artifact_damaged` if the bytes are not a matrix, or if the parts of the matrix do not fit together.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = |why: &str| Error::new(ErrorKind::ArtifactDamaged, format!("the matrix is damaged: {why}"));
        let opened = artifact::read(bytes)?;
        if artifact::kind_of(opened.metadata).as_deref() != Some(KIND) {
            return Err(damaged("the file is not a feature matrix"));
        }
        let file: File = artifact::decode(opened.payload)?;
        let rows = file.customers.len();
        if file.as_of.len() != rows || file.columns.len() != file.names.len() {
            return Err(damaged("its columns differ in length"));
        }
        if !file.ids.is_sorted_by(|a, b| a < b) || file.customers.iter().any(|&code| code as usize >= file.ids.len()) {
            return Err(damaged("its customers are not in order"));
        }
        let columns = file.columns.into_iter().map(|column| column.into_column(rows));
        let moment = |&micros: &i64| Timestamp::from_micros(micros).map(AsOf::new);
        Ok(Self {
            tenant: TenantId::new(file.tenant).map_err(|_| damaged("its tenant has no id"))?,
            ids: Arc::new(file.ids.iter().collect()),
            customers: file.customers,
            as_of: file
                .as_of
                .iter()
                .map(moment)
                .collect::<Option<_>>()
                .ok_or_else(|| damaged("a date is out of range"))?,
            names: file.names,
            columns: columns.collect::<std::result::Result<_, _>>().map_err(damaged)?,
            fingerprint: file.fingerprint,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_comes_back_bit_for_bit_without_unused_customers() {
        let whole = FeatureMatrix::of_two([1.5, f64::NAN].to_vec(), vec![0, FeatureColumn::MISSING]);
        let back = |matrix: &FeatureMatrix| FeatureMatrix::from_bytes(&matrix.to_bytes().unwrap()).unwrap();
        // NaN is not equal to itself, so the matrices are compared as text.
        assert_eq!(format!("{:?}", back(&whole)), format!("{whole:?}"));
        let second = back(&whole.select(&[1, 1]));
        assert_eq!((second.n_rows(), second.customer_id(1), second.ids.len()), (2, "b", 1));
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let good = FeatureMatrix::of_two(vec![1.5, 2.0], vec![0, 0]).to_bytes().unwrap();
        for at in 0..good.len() {
            assert!(FeatureMatrix::from_bytes(&good[..at]).is_err());
            let mut bytes = good.clone();
            bytes[at] ^= 0x11;
            assert!(FeatureMatrix::from_bytes(&bytes).is_err());
        }
        // These bytes have a valid checksum, but their parts do not fit together.
        for wrong in [
            FeatureMatrix::of_two(vec![1.5], vec![0, 0]),
            FeatureMatrix::of_two(vec![1.5, 2.0], vec![0, 1]),
        ] {
            let error = FeatureMatrix::from_bytes(&wrong.to_bytes().unwrap()).unwrap_err();
            assert_eq!(error.code(), "artifact_damaged");
        }
    }
}
