//! The file format of a model. The metadata is JSON. The plan and the fitted parts are in the binary payload.

use serde::{Deserialize, Serialize};

use crate::artifact;
use crate::calibration::Intervals;
use crate::error::{Error, ErrorKind, RecordKind, Result, excerpt};
use crate::features::{ChurnDefinition, ResolvedPlan};
use crate::model::bands::RiskBands;
use crate::model::fit::Scorer;
use crate::model::profile::Profile;
use crate::model::report::TrainReport;
use crate::record::TenantId;

/// The part of a model file that can be read without decoding the trees.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Metadata {
    /// The tenant whose records the model may score; `None` if the model may score any tenant.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) definition: ChurnDefinition,
    pub(crate) feature_names: Vec<String>,
    pub(crate) plan_fingerprint: String,
    pub(crate) bands: RiskBands,
    /// The data from which confidence intervals are computed; `None` in files that were written by library versions
    /// without intervals.
    #[serde(default)]
    pub(crate) intervals: Option<Intervals>,
    /// The feature profile of the training data. The features of score runs are compared with this profile. `None` in
    /// files that were written by library versions without a profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<Profile>,
    /// The optional columns that had values in the training data, as
    /// [`TenantRecords::columns_in_use`](crate::TenantRecords::columns_in_use) returns them. The list is empty in files
    /// that were written by library versions that did not store these columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) columns: Vec<(RecordKind, String)>,
    /// The code of the currency of the training data; `None` if no currency was given, or if an earlier library version
    /// wrote the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) currency: Option<String>,
    pub(crate) report: TrainReport,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    plan: ResolvedPlan,
    scorer: Scorer,
}

pub(crate) fn write(metadata: &Metadata, plan: &ResolvedPlan, scorer: &Scorer) -> Result<Vec<u8>> {
    let metadata = Metadata {
        definition: metadata.definition.clone().written_out(),
        ..metadata.clone()
    };
    let json = serde_json::to_vec(&metadata)
        .map_err(|e| Error::new(ErrorKind::Internal, "the metadata cannot be written").caused_by(e))?;
    let payload = artifact::encode(&Payload {
        plan: plan.clone(),
        scorer: scorer.clone(),
    })?;
    artifact::write(&json, &payload)
}

/// Reads the id and the parts of a model, and checks that the parts are consistent with each other.
pub(crate) fn read(bytes: &[u8]) -> Result<(Metadata, ResolvedPlan, Scorer, String)> {
    let artifact = artifact::read(bytes)?;
    let damaged = |what: &str| {
        Error::new(
            ErrorKind::ArtifactDamaged,
            format!("the model file was damaged: {what}"),
        )
    };
    if let Some(kind) = artifact::kind_of(artifact.metadata) {
        let message = format!(
            "the file contains a {}, not a model of customer records",
            excerpt(&kind)
        );
        return Err(Error::new(ErrorKind::ArtifactDamaged, message));
    }
    let mut metadata: Metadata =
        serde_json::from_slice(artifact.metadata).map_err(|e| damaged("its metadata cannot be read").caused_by(e))?;
    metadata.definition = metadata.definition.of_model_file();
    let Payload { plan, scorer } = artifact::decode(artifact.payload)?;
    plan.validate()
        .map_err(|e| damaged("its plan is not valid").caused_by(e))?;
    if plan.fingerprint() != metadata.plan_fingerprint || plan.names() != metadata.feature_names {
        return Err(damaged("its plan does not match its metadata"));
    }
    scorer
        .validate(plan.names())
        .map_err(|e| damaged("its parts are inconsistent").caused_by(e))?;
    if !metadata.bands.is_valid() {
        return Err(damaged("its risk bands are not in order"));
    }
    if (metadata.profile.as_ref()).is_some_and(|profile| !profile.is_valid(metadata.feature_names.len())) {
        return Err(damaged("its feature profile does not fit its features"));
    }
    if metadata
        .intervals
        .as_ref()
        .is_some_and(|intervals| !intervals.is_valid())
    {
        return Err(damaged("its intervals are not monotone"));
    }
    Ok((metadata, plan, scorer, artifact.id))
}
