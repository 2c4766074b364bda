//! Reports of a classifier's fit.

use serde::{Deserialize, Serialize};

use crate::input::ColumnNote;
use crate::leakage::LeakageFinding;
use crate::model::{DroppedMember, MemberReport, Monotonicity};

/// The ensemble that separates one class from the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ClassifierPart {
    /// The class's code.
    pub class: u32,
    /// The members, with their weights.
    pub members: Vec<MemberReport>,
    /// How log-odds become probabilities: `"intercept"`, `"platt"`, `"beta"` or `"isotonic"`.
    pub calibration: String,
    /// Log-loss of the calibrated blend on out-of-fold predictions.
    pub log_loss: f64,
    /// Area under the ROC curve of out-of-fold predictions.
    pub roc_auc: Option<f64>,
}

/// How a classifier was fitted and how well it performs. Part of the model file's metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ClassifierReport {
    /// Number of training rows. A row with an integer weight counts that many times.
    pub rows: usize,
    /// Number of training rows of each class.
    pub rows_of_class: Vec<usize>,
    /// Number of groups of rows that share a fold. These are the given groups, or the single rows if none were given;
    /// groups that contain equal rows are merged. `None` if the file was written by a version that did not count
    /// groups.
    #[serde(default)]
    pub groups: Option<usize>,
    /// One ensemble per class. With two classes, there is only the ensemble of the second class.
    pub parts: Vec<ClassifierPart>,
    /// Members that were requested but are not part of the ensemble.
    #[serde(default, alias = "members_left_out")]
    pub dropped_members: Vec<DroppedMember>,
    /// The monotonic constraints, by column.
    #[serde(default, alias = "monotone")]
    pub monotone_constraints: Vec<(String, Monotonicity)>,
    /// Columns that appear to leak the target but were used, because the caller allowed them or because the policy only
    /// warns.
    pub leaks: Vec<LeakageFinding>,
    /// Columns that may not have been read as intended: texts that were read as numbers, numbers that were read as
    /// texts, and empty columns.
    #[serde(default)]
    pub column_notes: Vec<ColumnNote>,
}
