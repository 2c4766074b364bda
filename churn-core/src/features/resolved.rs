//! A plan that is resolved for the records of a tenant: a list of concrete features, each with the kind of its values.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, RecordKind, Result, names};
use crate::features::plan::{Feature, FeaturePlan, Function, Measure};
use crate::features::standard::Schema;
use crate::features::view::ColumnView;
use crate::record::TenantRecords;
use crate::time::{AsOf, Timestamp};

names! {
    /// The kind of values in the column of a feature.
    #[non_exhaustive]
    pub enum FeatureKind: "kind" {
        /// Numbers; bools are 0 and 1.
        Number = "number",
        /// Texts.
        Text = "text",
    }
}

/// A feature plan that is resolved for the records of a tenant. It lists the concrete features of a model and is stored
/// in the model. Training, score runs and the scores of single customers all use this list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResolvedPlan {
    features: Vec<Feature>,
    names: Vec<String>,
    kinds: Vec<FeatureKind>,
    fingerprint: String,
}

impl FeaturePlan {
    /// Resolves the plan for these records. The result contains the standard features that the tables and attributes of
    /// the records allow, followed by the features that the user declared.
    ///
    /// # Errors
    /// `invalid_option` if two features have the same name, if a feature uses a column that the records lack, or if a
    /// feature uses a column that is neither dated nor declared static.
    pub fn resolve(&self, records: &TenantRecords) -> Result<ResolvedPlan> {
        let features = self.declare(&Schema::of(records))?;
        require_tables(&features, records, ErrorKind::InvalidOption)?;
        let kinds = features
            .iter()
            .map(|feature| kind_in(feature, records))
            .collect::<Result<Vec<_>>>()?;
        ResolvedPlan::assemble(features, kinds)
    }
}

/// Returns the kind of a feature's values, or an error if a column is missing, has the wrong type, or may not be used.
fn kind_in(feature: &Feature, records: &TenantRecords) -> Result<FeatureKind> {
    let refuse = |why: String| {
        let message = format!("feature '{}': {why}", crate::error::excerpt(&feature.name));
        Err(Error::new(ErrorKind::InvalidOption, message).at(Some(feature.source), None, Some(&feature.name)))
    };
    let find = |column: &str| ColumnView::find(records, feature.source, column);
    let kind = match &feature.measure {
        Measure::Attribute(column)
            if feature.function == Function::Value && find(column).is_some_and(ColumnView::is_text) =>
        {
            FeatureKind::Text
        }
        _ => FeatureKind::Number,
    };
    // An undated customers table contains only the latest `renews_at`, which must not be used for earlier dates.
    let renewal_trusted = records.customers.dated || records.static_attributes.includes("renews_at");
    if feature.measure == Measure::DaysToRenewal && (records.customers.renews_at.is_none() || !renewal_trusted) {
        return refuse("'renews_at' is missing, or undated and not declared static".to_owned());
    }
    for need in feature.needs(kind) {
        if find(need.column).is_none() {
            return refuse(format!("there is no column '{}' in {}", need.column, feature.source));
        }
        let trusted = records.customers.dated || records.static_attributes.includes(need.column);
        if feature.source == RecordKind::Customers && !trusted {
            return refuse(format!(
                "'{}' is undated and not declared static: it is unknown since when its value is true",
                need.column
            ));
        }
    }
    feature.require_types(kind, records, ErrorKind::InvalidOption)?;
    Ok(kind)
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

    /// The kind of values in the column of each feature.
    pub fn kinds(&self) -> &[FeatureKind] {
        &self.kinds
    }

    /// Feature names, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The fingerprint of the plan: the SHA-256 hash of its features as JSON, in hex.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The lengths of all windows, in days and ascending.
    pub fn windows(&self) -> Vec<u32> {
        let mut windows: Vec<u32> = self.features.iter().filter_map(|feature| feature.window).collect();
        windows.sort_unstable();
        windows.dedup();
        windows
    }

    /// The lengths, in days, of the windows that would begin before the start of the observed history if they ended at
    /// `as_of`.
    pub fn windows_before(&self, observed_from: Timestamp, as_of: AsOf) -> Vec<u32> {
        let history = as_of.timestamp().days_since(observed_from);
        self.windows()
            .into_iter()
            .filter(|&days| f64::from(days) > history)
            .collect()
    }

    /// Checks a plan that comes from an external source, such as a model file. The plan must be one that `resolve`
    /// could have returned.
    pub(crate) fn validate(&self) -> Result<()> {
        self.features.iter().try_for_each(Feature::validate)?;
        let again = Self::assemble(self.features.clone(), self.kinds.clone())?;
        if again == *self && self.kinds.len() == self.features.len() {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::ArtifactDamaged,
                "the plan's names or fingerprint do not match its features",
            ))
        }
    }

    /// The tables that the plan uses, in the order of [`RecordKind::ALL`].
    pub fn tables(&self) -> Vec<RecordKind> {
        let needed = |table: &RecordKind| self.features.iter().any(|feature| feature.source == *table);
        RecordKind::ALL.into_iter().filter(needed).collect()
    }

    /// The attributes that the plan uses, sorted by table and name.
    pub fn attributes(&self) -> Vec<(RecordKind, &str)> {
        let features = self.features.iter().zip(&self.kinds);
        let needs = features.flat_map(|(feature, &kind)| {
            let columns = feature.needs(kind).into_iter().map(|need| need.column);
            columns.map(|column| (feature.source, column))
        });
        let needs: BTreeSet<_> = needs.collect();
        needs.into_iter().collect()
    }

    /// Whether any feature of the plan uses `renews_at`.
    pub(crate) fn needs_renewal(&self) -> bool {
        self.features
            .iter()
            .any(|feature| feature.measure == Measure::DaysToRenewal)
    }

    /// Returns `feature_mismatch` if the records lack a table that the plan uses. The error names the table.
    pub(crate) fn require_tables(&self, records: &TenantRecords) -> Result<()> {
        require_tables(&self.features, records, ErrorKind::FeatureMismatch)
    }

    /// Returns `feature_mismatch` if the type of a column differs from its type when the plan was resolved. The error
    /// names the column.
    pub(crate) fn require_types(&self, records: &TenantRecords) -> Result<()> {
        let mut features = self.features.iter().zip(&self.kinds);
        features.try_for_each(|(feature, &kind)| feature.require_types(kind, records, ErrorKind::FeatureMismatch))
    }
}

fn require_tables(features: &[Feature], records: &TenantRecords, error: ErrorKind) -> Result<()> {
    let mut sources = features.iter().map(|feature| feature.source);
    match sources.find(|&source| records.n_rows(source).is_none()) {
        Some(source) => Err(Error::new(
            error,
            format!("the features use {source}, a table that was not given (it may be empty)"),
        )
        .at(Some(source), None, None)),
        None => Ok(()),
    }
}

fn fingerprint(features: &[Feature], kinds: &[FeatureKind]) -> Result<String> {
    let json = serde_json::to_vec(&(features, kinds))
        .map_err(|e| Error::new(ErrorKind::Internal, "the plan cannot be written as JSON").caused_by(e))?;
    let digest = Sha256::digest(&json);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
