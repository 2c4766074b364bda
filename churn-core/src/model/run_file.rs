//! The byte format of runs. The bytes contain the features of the customers instead of the scores. When the bytes are
//! read, the model computes the scores again from these features. The new scores are bit-identical to the old ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::artifact;
use crate::error::{Error, ErrorKind, Result};
use crate::features::FeatureMatrix;
use crate::model::matrix_file::FileColumn;
use crate::model::score::{Outcome, ScoreRun};
use crate::model::warning::Warning;
use crate::record::TenantId;
use crate::time::{AsOf, Timestamp};

const KIND: &str = "score run";

#[derive(Serialize, Deserialize)]
struct File {
    model_id: String,
    tenant: String,
    as_of: i64,
    customer_ids: Vec<String>,
    names: Vec<String>,
    columns: Vec<FileColumn>,
    fingerprint: String,
    /// For each customer who is not scored: the row, the reason, and the time by which the customer will have enough
    /// history for a score (microseconds since 1970-01-01).
    not_scored: Vec<(u32, String, Option<i64>)>,
    /// The warnings as JSON. JSON is used because files of other library versions may lack some fields of a warning.
    warnings: String,
}

/// The parts of a score run that are read from its bytes.
pub(crate) struct RunParts {
    pub(crate) as_of: AsOf,
    pub(crate) matrix: FeatureMatrix,
    /// For each row that is not scored, the outcome with the reason.
    pub(crate) not_scored: BTreeMap<usize, Outcome>,
    pub(crate) warnings: Vec<Warning>,
}

impl ScoreRun {
    /// Writes the run as bytes, without the model. [`ChurnModel::open_run`](crate::ChurnModel::open_run) reads the
    /// bytes.
    ///
    /// # Errors
    /// `artifact_too_large` if the bytes would exceed the maximum size of a file.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let matrix = self.matrix();
        let not_scored = self.scores.iter().enumerate().filter_map(|(row, score)| {
            let reason = score.not_scored_reason()?.to_owned();
            Some((row as u32, reason, score.expected_at().map(Timestamp::as_micros)))
        });
        let file = File {
            model_id: self.model_id().to_owned(),
            tenant: self.tenant().to_string(),
            as_of: self.as_of.as_micros(),
            customer_ids: self.scores.iter().map(|score| score.customer_id.clone()).collect(),
            names: matrix.names.clone(),
            columns: matrix.columns.iter().map(FileColumn::from).collect(),
            fingerprint: matrix.fingerprint.clone(),
            not_scored: not_scored.collect(),
            warnings: serde_json::to_string(&self.warnings)
                .map_err(|e| Error::new(ErrorKind::Internal, "the warnings cannot be written").caused_by(e))?,
        };
        artifact::write(format!(r#"{{"kind":"{KIND}"}}"#).as_bytes(), &artifact::encode(&file)?)
    }
}

/// Reads the bytes of a run of this model. `names` are the feature names of the model.
pub(crate) fn read(bytes: &[u8], model_id: &str, names: &[String]) -> Result<RunParts> {
    let damaged = |why: &str| Error::new(ErrorKind::ArtifactDamaged, format!("the run is damaged: {why}"));
    let opened = artifact::read(bytes)?;
    if artifact::kind_of(opened.metadata).as_deref() != Some(KIND) {
        return Err(damaged("the file is not a run"));
    }
    let file: File = artifact::decode(opened.payload)?;
    if file.model_id != model_id {
        let message = format!("the run was scored by model {}, not by {model_id}", file.model_id);
        return Err(Error::new(ErrorKind::InvalidOption, message).at(None, None, Some("model")));
    }
    let rows = file.customer_ids.len();
    if file.names != names || file.columns.len() != names.len() {
        return Err(damaged("its features are not those of the model"));
    }
    if !file.customer_ids.is_sorted_by(|a, b| a < b) || u32::try_from(rows).is_err() {
        return Err(damaged("its customers are not in order"));
    }
    let columns = file.columns.into_iter().map(|column| column.into_column(rows));
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>().map_err(damaged)?;
    let moment = |micros: i64| Timestamp::from_micros(micros).ok_or_else(|| damaged("a date is out of range"));
    let as_of = AsOf::new(moment(file.as_of)?);
    let mut not_scored = BTreeMap::new();
    for (row, reason, expected_at) in file.not_scored {
        let expected_at = expected_at.map(moment).transpose()?;
        not_scored.insert(row as usize, Outcome::NotScored { reason, expected_at });
    }
    let matrix = FeatureMatrix {
        tenant: TenantId::new(file.tenant).map_err(|_| damaged("its tenant has no id"))?,
        ids: Arc::new(file.customer_ids.iter().collect()),
        customers: (0..rows as u32).collect(),
        as_of: vec![as_of; rows],
        names: file.names,
        columns,
        fingerprint: file.fingerprint,
    };
    Ok(RunParts {
        as_of,
        matrix,
        not_scored,
        warnings: serde_json::from_str(&file.warnings).map_err(|_| damaged("its warnings cannot be read"))?,
    })
}
