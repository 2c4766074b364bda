//! Reads and writes the model file of a classifier. The file has the same container format as the model file of a
//! `ChurnModel`, but its metadata states another kind of model.

use serde::{Deserialize, Serialize};

use crate::artifact;
use crate::calibration::Intervals;
use crate::classifier::report::ClassifierReport;
use crate::classifier::schema::ClassifierSchema;
use crate::error::{Error, ErrorKind, Result};
use crate::input::FlatKind;
use crate::model::Scorer;

const KIND: &str = "classifier";

/// The part of a classifier's model file that can be read without decoding the trees.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Metadata {
    kind: String,
    pub(crate) feature_names: Vec<String>,
    pub(crate) classes: usize,
    /// The data from which confidence intervals are computed. `None` if there are more than two classes, or if the file
    /// was written by a version of the library that did not store intervals.
    #[serde(default)]
    pub(crate) intervals: Option<Intervals>,
    pub(crate) report: ClassifierReport,
    /// The class labels and column types that [`ChurnClassifier::with_schema`](crate::ChurnClassifier::with_schema)
    /// added; `None` if this method was not called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<ClassifierSchema>,
}

impl Metadata {
    pub(crate) fn new(
        feature_names: Vec<String>,
        classes: usize,
        intervals: Option<Intervals>,
        report: ClassifierReport,
    ) -> Self {
        Self {
            kind: KIND.to_owned(),
            feature_names,
            classes,
            intervals,
            report,
            schema: None,
        }
    }
}

/// The parts of a classifier that are needed for scoring.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Parts {
    pub(crate) kinds: Vec<FlatKind>,
    /// One scorer if there are two classes, otherwise one scorer per class.
    pub(crate) scorers: Vec<Scorer>,
}

pub(crate) fn write(metadata: &Metadata, parts: &Parts) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(metadata)
        .map_err(|e| Error::new(ErrorKind::Internal, "the metadata cannot be written").caused_by(e))?;
    artifact::write(&json, &artifact::encode(parts)?)
}

/// Reads the metadata, the parts and the id of a classifier. Checks that the metadata and the parts are consistent.
pub(crate) fn read(bytes: &[u8]) -> Result<(Metadata, Parts, String)> {
    let artifact = artifact::read(bytes)?;
    let damaged = |what: &str| {
        Error::new(
            ErrorKind::ArtifactDamaged,
            format!("the model file was damaged: {what}"),
        )
    };
    if artifact::kind_of(artifact.metadata).as_deref() != Some(KIND) {
        let message = "the file contains another kind of model, not a classifier of flat tables";
        return Err(Error::new(ErrorKind::ArtifactDamaged, message));
    }
    let metadata: Metadata =
        serde_json::from_slice(artifact.metadata).map_err(|e| damaged("its metadata cannot be read").caused_by(e))?;
    let parts: Parts = artifact::decode(artifact.payload)?;
    let wanted = match metadata.classes {
        2 => 1,
        classes => classes,
    };
    if metadata.classes < 2 || parts.scorers.len() != wanted || parts.kinds.len() != metadata.feature_names.len() {
        return Err(damaged("its parts do not match its metadata"));
    }
    for scorer in &parts.scorers {
        scorer
            .validate(&metadata.feature_names)
            .map_err(|e| damaged("its parts are inconsistent").caused_by(e))?;
    }
    let schema = metadata.schema.as_ref();
    if schema
        .is_some_and(|schema| schema.classes.len() != metadata.classes || schema.columns.len() != parts.kinds.len())
    {
        return Err(damaged("its schema has other classes or columns"));
    }
    let intervals = metadata.intervals.as_ref();
    if intervals.is_some_and(|intervals| metadata.classes != 2 || !intervals.is_valid()) {
        return Err(damaged(
            "its intervals are not monotone, or it does not have two classes",
        ));
    }
    Ok((metadata, parts, artifact.id))
}
