//! Leakage findings, and the policy that decides what training does about them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, RecordKind, Result, excerpt, names, nearest};

names! {
    /// The policy for columns that leak the target, that is, contain information that is not available at prediction
    /// time.
    #[derive(Default)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
    pub enum LeakagePolicy: "leakage" {
        /// Training fails if an attribute (a column that states a property of the customer) leaks the target. If a
        /// feature that is computed from events leaks, training continues and reports the feature as a warning.
        #[default]
        Refuse = "refuse",
        /// Training continues and reports all findings as warnings.
        Warn = "warn",
        /// Training continues and reports all findings as allowed.
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
        /// One of three cases holds: all rows with a value are labelled churned, all rows with one particular value are
        /// labelled churned, or all rows without a value are labelled retained.
        OnlyForChurned = "only_for_churned",
        /// One of two cases holds: all rows without a value are labelled churned, or all rows with a value are labelled
        /// retained.
        OnlyForRetained = "only_for_retained",
        /// The column is an id of the rows, or encodes the order of the rows.
        Identifier = "identifier",
        /// The column contains information that was recorded after the prediction date. The evidence is that the column
        /// still predicts the target if a number that was known at the prediction date, such as the tenure, is
        /// subtracted from it.
        ReachesIntoLabelPeriod = "reaches_into_label_period",
    }
}

names! {
    /// The action that training took in response to a finding.
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
    #[non_exhaustive]
    pub enum LeakageAction: "action" {
        /// Training failed because of the finding.
        Refused = "refused",
        /// The column was used, and the report contains the finding.
        Warned = "warned",
        /// The column was used, because the caller allowed it.
        Allowed = "allowed",
    }
}

/// A column that leaks the target, with the evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct LeakageFinding {
    /// The name of the column in the caller's data.
    pub column: String,
    /// The name of the feature that is computed from the column.
    pub feature: String,
    /// How the column leaks the target.
    pub leak: LeakageEvidence,
    /// The test statistic, from 0 to 1. For `"restates_label"` and `"reaches_into_label_period"`, the statistic is the
    /// fraction by which the column alone lowers the log-loss on held-out rows, compared with a prediction of the
    /// overall churn rate for every row. For the other kinds of leaks, the statistic is the fraction of rows that agree
    /// with the finding.
    pub statistic: f64,
    /// A comparison with chance. For `"restates_label"` and `"reaches_into_label_period"`, this is the largest
    /// statistic in tests with permuted labels. It may be negative. For the other kinds of leaks, this is the
    /// probability that permuted labels agree with the finding at least as well as the real labels. `None` if the test
    /// does not use labels.
    pub by_chance: Option<f64>,
    /// The evidence for the leak, in English words.
    pub evidence: String,
    /// The action that training took in response to the finding.
    pub action: LeakageAction,
    /// Whether the finding makes training fail if the policy is [`LeakagePolicy::Refuse`]. This is true for attributes,
    /// and false for features that are computed from events.
    #[serde(skip, default)]
    pub(crate) refuses: bool,
}

impl fmt::Display for LeakageFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' ({}): {}", excerpt(&self.column), self.leak, self.evidence)
    }
}

/// Checks that every name in `allow_columns` is the name of a column or of a feature.
///
/// # Errors
/// `invalid_option` if a name is unknown.
pub(crate) fn allowed_exist(allowed: &[String], known: &[&str]) -> Result<()> {
    let Some(name) = allowed.iter().find(|name| !known.contains(&name.as_str())) else {
        return Ok(());
    };
    let near = nearest(name, known).map_or_else(String::new, |near| format!("; did you mean '{}'?", excerpt(near)));
    let message = format!("'{}' is neither a column nor a feature{near}", excerpt(name));
    Err(Error::option("allow_columns", format!("allow_columns: {message}")))
}

/// Applies the policy to the findings. Returns the findings for the report, each with the action that was taken.
///
/// `allowed` names columns or features that the caller declared as available at prediction time.
///
/// # Errors
/// `leakage` if the policy refuses a finding. The error names the first column that makes training fail.
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
