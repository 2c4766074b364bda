//! What the fit found out.

use serde::{Deserialize, Serialize};

use crate::leakage::LeakageFinding;
use crate::model::{DroppedMember, MemberReport, Monotonicity};

/// The ensemble that tells one class from the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClassifierPart {
    /// The class's code.
    pub class: u32,
    /// The members, with their weights.
    pub members: Vec<MemberReport>,
    /// How log-odds become probabilities: `"intercept"`, `"platt"`, `"beta"` or `"isotonic"`.
    pub calibration: String,
    /// Log-loss of the calibrated blend on rows that no member was fitted on.
    pub log_loss: f64,
    /// Area under the ROC curve on rows that no member was fitted on.
    pub roc_auc: Option<f64>,
}

/// How a classifier was fitted and what it is worth. Part of the model file's metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClassifierReport {
    /// Rows learnt from; a row with a whole weight counts that often.
    pub rows: usize,
    /// Those of each class.
    pub rows_of_class: Vec<usize>,
    /// Groups of rows that were held out together: those that were given, and with them rows that equal each other; each other
    /// row is one. `None` in files written before they were counted.
    #[serde(default)]
    pub groups: Option<usize>,
    /// With two classes one ensemble, of the second; with more, one for each.
    pub parts: Vec<ClassifierPart>,
    /// Members that were asked for and do not take part.
    #[serde(default, alias = "members_left_out")]
    pub dropped_members: Vec<DroppedMember>,
    /// Columns with which the probability may only rise or only fall.
    #[serde(default, alias = "monotone")]
    pub monotone_constraints: Vec<(String, Monotonicity)>,
    /// Columns that seem to know the label and stayed: those the caller allowed, and those that only warn.
    pub leaks: Vec<LeakageFinding>,
}
