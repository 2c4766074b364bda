//! Leakage findings, and the policy that decides what training does about them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, RecordKind, Result, excerpt, names};

names! {
    /// The policy for columns that leak the target.
    #[derive(Default)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
    pub enum LeakagePolicy: "leakage" {
        /// Training is refused if an attribute leaks the target. If a feature that is computed from events leaks, it is
        /// only reported as a warning.
        #[default]
        Refuse = "refuse",
        /// All findings are reported as warnings.
        Warn = "warn",
        /// All findings are reported as allowed.
        Allow = "allow",
    }
}

names! {
    /// How a column leaks the target.
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
    #[non_exhaustive]
    pub enum LeakageEvidence: "leak" {
        /// The column alone separates churned from retained rows nearly without error.
        RestatesLabel = "restates_label",
        /// All rows with a value churned, or all rows with one particular value churned.
        OnlyForChurned = "only_for_churned",
        /// All rows without a value churned, or no row with a value churned.
        OnlyForRetained = "only_for_retained",
        /// The column identifies rows or encodes their order.
        Identifier = "identifier",
        /// The column contains information from after the date: it predicts the target even after a number that was
        /// known at the date is subtracted from it.
        ReachesIntoLabelPeriod = "reaches_into_label_period",
    }
}

names! {
    /// The action that training took about a finding.
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
    #[non_exhaustive]
    pub enum LeakageAction: "action" {
        /// Training was refused.
        Refused = "refused",
        /// The column was used, and the report contains the finding.
        Warned = "warned",
        /// The caller allowed the column.
        Allowed = "allowed",
    }
}

/// A column that leaks the target, with the evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct LeakageFinding {
    /// The column as the caller named it.
    pub column: String,
    /// The feature that is computed from the column.
    pub feature: String,
    /// How the column leaks the target.
    pub leak: LeakageEvidence,
    /// The test statistic, from 0 to 1. For `"restates_label"` and `"reaches_into_label_period"`, it is the fraction of
    /// the log-loss that the column alone removes on held-out rows. For the other kinds, it is the fraction of rows
    /// that agree with the finding.
    pub statistic: f64,
    /// What chance alone would give. If the statistic is a fraction of the log-loss, this is the largest statistic in a
    /// permutation test, which may be negative. Otherwise it is the probability that permuted labels agree equally
    /// well. `None` if the test does not use labels.
    pub by_chance: Option<f64>,
    /// The evidence in words.
    pub evidence: String,
    /// The action that training took.
    pub action: LeakageAction,
    /// Whether training is refused because of the finding: true for attributes, false for features computed from
    /// events.
    #[serde(skip, default)]
    pub(crate) refuses: bool,
}

impl fmt::Display for LeakageFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' ({}): {}", excerpt(&self.column), self.leak, self.evidence)
    }
}

/// Applies the policy to the findings, and returns them with the action that was taken, for the report.
///
/// `allowed` names columns or features that are available at prediction time.
///
/// # Errors
/// `leakage` if training is refused because of a finding; the error names the first such column.
pub(crate) fn decide(
    mut findings: Vec<LeakageFinding>,
    leakage: LeakagePolicy,
    allowed: &[String],
    table: Option<RecordKind>,
) -> Result<Vec<LeakageFinding>> {
    for finding in &mut findings {
        let declared = allowed
            .iter()
            .any(|name| *name == finding.column || *name == finding.feature);
        finding.action = match leakage {
            _ if declared => LeakageAction::Allowed,
            LeakagePolicy::Allow => LeakageAction::Allowed,
            LeakagePolicy::Refuse if finding.refuses => LeakageAction::Refused,
            LeakagePolicy::Refuse | LeakagePolicy::Warn => LeakageAction::Warned,
        };
    }
    let mut refused: Vec<&LeakageFinding> = findings
        .iter()
        .filter(|finding| finding.action == LeakageAction::Refused)
        .collect();
    refused.dedup_by(|b, a| a.column == b.column);
    let Some(first) = refused.first() else {
        return Ok(findings);
    };
    let shown: Vec<String> = refused.iter().take(5).map(ToString::to_string).collect();
    let more = match refused.len().saturating_sub(5) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let message = format!(
        "columns leak the target: {}{more}. Leave them out, date them, or name those that are known at prediction time in allow_columns",
        shown.join("; ")
    );
    Err(Error::new(ErrorKind::Leakage, message).at(table, None, Some(&first.column)))
}
