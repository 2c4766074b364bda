//! What was found, and what is done about it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, RecordKind, Result, excerpt};

/// What training does about columns that know the label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakagePolicy {
    /// Attributes that know the label are an error; features made of events are reported.
    #[default]
    Refuse,
    /// All are reported.
    Warn,
    /// All are reported as allowed.
    Allow,
}

impl LeakagePolicy {
    /// `"refuse"`, `"warn"` or `"allow"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Warn => "warn",
            Self::Allow => "allow",
        }
    }
}

impl fmt::Display for LeakagePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LeakagePolicy {
    type Err = Error;

    /// # Errors
    /// `invalid_option` for another name.
    fn from_str(name: &str) -> Result<Self> {
        match name {
            "refuse" => Ok(Self::Refuse),
            "warn" => Ok(Self::Warn),
            "allow" => Ok(Self::Allow),
            _ => {
                let message = format!("leakage is 'refuse', 'warn' or 'allow', not '{}'", excerpt(name));
                Err(Error::new(ErrorKind::InvalidOption, message).at(None, None, Some("leakage")))
            }
        }
    }
}

/// In which way a column knows the label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeakageEvidence {
    /// It separates churned from retained by itself, nearly without error.
    RestatesLabel,
    /// Rows where it is filled, or where it holds one value, all churned.
    OnlyForChurned,
    /// Rows where it is missing all churned, or no row where it is filled did.
    OnlyForRetained,
    /// It identifies rows or tells their order.
    Identifier,
    /// Less what was known at the date, it tells what happened after it.
    ReachesIntoLabelPeriod,
}

impl LeakageEvidence {
    /// The leak's stable name: `"restates_label"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RestatesLabel => "restates_label",
            Self::OnlyForChurned => "only_for_churned",
            Self::OnlyForRetained => "only_for_retained",
            Self::Identifier => "identifier",
            Self::ReachesIntoLabelPeriod => "reaches_into_label_period",
        }
    }
}

impl fmt::Display for LeakageEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was done about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeakageAction {
    /// Training was refused.
    Refused,
    /// The column stayed, and the report says so.
    Warned,
    /// The caller allowed the column.
    Allowed,
}

/// A column that knows the label, with the evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeakageFinding {
    /// The column as the caller named it.
    pub column: String,
    /// The feature that is made of it.
    pub feature: String,
    /// In which way it knows the label.
    pub leak: LeakageEvidence,
    /// The statistic, 0 to 1. [`LeakageEvidence::RestatesLabel`], [`LeakageEvidence::ReachesIntoLabelPeriod`]: share of the log-loss that the
    /// column alone takes away, held out. The others: share of the rows that agree with the claim.
    pub statistic: f64,
    /// The greatest statistic when labels were shuffled (below 0 where none helped), or the chance that shuffled labels agree as well. `None` where
    /// the claim does not look at labels.
    pub by_chance: Option<f64>,
    /// The evidence in words.
    pub evidence: String,
    /// What was done.
    pub action: LeakageAction,
    /// Whether it is an attribute, which refuses, or made of events, which warns.
    #[serde(skip, default)]
    pub(crate) refuses: bool,
}

impl fmt::Display for LeakageFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' ({}): {}", excerpt(&self.column), self.leak, self.evidence)
    }
}

/// Settles what is done about findings; returns those that stay, for the report.
///
/// `allowed` names columns, or features, that the caller vouches for.
///
/// # Errors
/// `leakage`, naming the first column, if one refuses.
pub(crate) fn decide(
    mut findings: Vec<LeakageFinding>,
    leakage: LeakagePolicy,
    allowed: &[String],
    table: Option<RecordKind>,
) -> Result<Vec<LeakageFinding>> {
    for finding in &mut findings {
        let vouched = allowed
            .iter()
            .any(|name| *name == finding.column || *name == finding.feature);
        finding.action = match leakage {
            _ if vouched => LeakageAction::Allowed,
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
        "columns know the label: {}{more}. Leave them out, date them, or name those that were known at the time in allow_columns",
        shown.join("; ")
    );
    Err(Error::new(ErrorKind::Leakage, message).at(table, None, Some(&first.column)))
}
