//! A plan resolved against a tenant's records: every feature concrete, its kind of value known.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, RecordKind, Result};
use crate::features::plan::{Feature, FeaturePlan, Function, Measure};
use crate::features::standard::Schema;
use crate::record::{AttributeValues, TenantRecords};
use crate::time::{AsOf, Timestamp};

/// What a feature's column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FeatureKind {
    /// Numbers; bools are 0 and 1.
    Number,
    /// Texts.
    Text,
}

/// The features of a model: stored in it and evaluated, the same way, for training, batches and single customers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResolvedPlan {
    features: Vec<Feature>,
    names: Vec<String>,
    kinds: Vec<FeatureKind>,
    fingerprint: String,
}

impl FeaturePlan {
    /// The concrete features for these records: the standard ones for the tables that were given and the
    /// attributes that may be used, then the user's own.
    ///
    /// # Errors
    /// `invalid_option` if two features have one name, or one looks at a column that the records do not have or that
    /// may not be used (undated and not static).
    pub fn resolve(&self, records: &TenantRecords) -> Result<ResolvedPlan> {
        let features = self.declare(&Schema::of(records))?;
        let kinds = features
            .iter()
            .map(|feature| kind_in(feature, records))
            .collect::<Result<Vec<_>>>()?;
        let plan = ResolvedPlan::assemble(features, kinds)?;
        plan.require_tables(records, ErrorKind::InvalidOption)?;
        Ok(plan)
    }
}

/// The kind of a feature's values; refuses columns that are not there or may not be used.
fn kind_in(feature: &Feature, records: &TenantRecords) -> Result<FeatureKind> {
    let refuse = |why: String| {
        Err(
            Error::new(ErrorKind::InvalidOption, format!("feature '{}': {why}", feature.name)).at(
                Some(feature.source),
                None,
                Some(&feature.name),
            ),
        )
    };
    let Measure::Attribute(column) = &feature.measure else {
        return Ok(FeatureKind::Number);
    };
    let attribute = match feature.source {
        RecordKind::Customers => records.customers.attribute(column),
        kind => records.events(kind).and_then(|events| events.attribute(column)),
    };
    let Some(attribute) = attribute else {
        return refuse(format!("there is no column '{column}' in {}", feature.source));
    };
    if feature.source == RecordKind::Customers
        && !records.customers.dated
        && !records.static_attributes.includes(column)
    {
        return refuse(format!(
            "'{column}' is undated and not named static: nobody knows since when it is true"
        ));
    }
    let is_text = matches!(attribute.values, AttributeValues::Text(_));
    let takes_value = matches!(feature.function, Function::Value | Function::Last);
    match (is_text, &feature.function) {
        (false, _) => Ok(FeatureKind::Number),
        (true, Function::Distinct) => Ok(FeatureKind::Number),
        (true, Function::Value) if takes_value => Ok(FeatureKind::Text),
        (true, _) => refuse(format!("'{column}' is text")),
    }
}

impl ResolvedPlan {
    fn assemble(features: Vec<Feature>, kinds: Vec<FeatureKind>) -> Result<Self> {
        let names = features.iter().map(|feature| feature.name.clone()).collect();
        let fingerprint = fingerprint(&features, &kinds)?;
        Ok(Self {
            features,
            names,
            kinds,
            fingerprint,
        })
    }

    /// The features, in order.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// What each feature's column holds.
    pub fn kinds(&self) -> &[FeatureKind] {
        &self.kinds
    }

    /// Feature names, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Identifies the plan: SHA-256, in hex, of its features as JSON.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// All windows, in days, ascending.
    pub fn windows(&self) -> Vec<u32> {
        let mut windows: Vec<u32> = self
            .features
            .iter()
            .filter_map(|feature| feature.window)
            .map(|window| window.as_days())
            .collect();
        windows.sort_unstable();
        windows.dedup();
        windows
    }

    /// The windows, in days, that reach before the beginning of the history at a date.
    pub fn windows_before(&self, observed_from: Timestamp, as_of: AsOf) -> Vec<u32> {
        let history = as_of.timestamp().days_since(observed_from);
        self.windows()
            .into_iter()
            .filter(|&days| f64::from(days) > history)
            .collect()
    }

    /// Whether a plan read from elsewhere is one that `resolve` could have made.
    pub(crate) fn validate(&self) -> Result<()> {
        self.features.iter().try_for_each(Feature::validate)?;
        let again = Self::assemble(self.features.clone(), self.kinds.clone())?;
        if again == *self && self.kinds.len() == self.features.len() {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::ArtifactDamaged,
                "the plan's names or fingerprint do not belong to its features",
            ))
        }
    }

    /// An error of `kind` naming the table if records lack one that the plan looks at.
    pub(crate) fn require_tables(&self, records: &TenantRecords, kind: ErrorKind) -> Result<()> {
        let missing = self
            .features
            .iter()
            .map(|feature| feature.source)
            .find(|&source| records.rows(source).is_none());
        match missing {
            Some(source) => Err(Error::new(
                kind,
                format!("the features look at {source}, a table that was not given (an empty one may be)"),
            )
            .at(Some(source), None, None)),
            None => Ok(()),
        }
    }
}

fn fingerprint(features: &[Feature], kinds: &[FeatureKind]) -> Result<String> {
    let json = serde_json::to_vec(&(features, kinds))
        .map_err(|e| Error::new(ErrorKind::Internal, "the plan cannot be written as JSON").caused_by(e))?;
    let digest = Sha256::digest(&json);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
