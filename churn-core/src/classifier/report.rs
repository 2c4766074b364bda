//! Reports of a classifier's fit.

use serde::{Deserialize, Serialize};

use crate::input::ColumnNote;
use crate::leakage::LeakageFinding;
use crate::model::{DroppedMember, MemberReport, Monotonicity};

/// The ensemble that separates one class from all other classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ClassifierPart {
    /// The code of the class, counted from 0.
    pub class: u32,
    /// The members (base learners) of the ensemble, with their weights.
    pub members: Vec<MemberReport>,
    /// The calibration method: `"intercept"`, `"platt"`, `"beta"` or `"isotonic"`.
    pub calibration: String,
    /// Out-of-fold log-loss of the calibrated predictions: each row is predicted by base learners that were fitted
    /// without this row. Lower is better.
    pub log_loss: f64,
    /// Area under the ROC curve of the out-of-fold predictions: each row is predicted by base learners that were fitted
    /// without this row. Higher is better.
    pub roc_auc: Option<f64>,
}

/// How a classifier was fitted and how well it performs. The report is part of the model file's metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ClassifierReport {
    /// Number of training rows. If a row with an integer weight was replaced by copies, each copy counts as a row.
    pub rows: usize,
    /// Number of training rows of each class, in the order of the class codes.
    pub rows_of_class: Vec<usize>,
    /// Number of groups. All rows of a group are in the same fold. If the caller gave no groups, every row is its own
    /// group. Groups that contain equal rows are merged. `None` if the model file was written by a version of the
    /// library that did not count groups.
    #[serde(default)]
    pub groups: Option<usize>,
    /// The ensembles, one per class. With two classes, there is only the ensemble of the second class.
    pub parts: Vec<ClassifierPart>,
    /// Members (base learners) that were requested but are not part of the ensemble, with the reason.
    #[serde(default, alias = "members_left_out")]
    pub dropped_members: Vec<DroppedMember>,
    /// The monotonic constraints. Each constraint is a column name and the direction in which the probability may
    /// change as the value grows.
    #[serde(default, alias = "monotone")]
    pub monotone_constraints: Vec<(String, Monotonicity)>,
    /// Columns that appear to leak the target but were used. A column leaks the target if it contains information that
    /// is not available at prediction time. Each listed column was used because the caller allowed it, or because the
    /// policy only warns.
    pub leaks: Vec<LeakageFinding>,
    /// Columns that may not have been read as intended: texts that were read as numbers, numbers that were read as
    /// texts, and empty columns.
    #[serde(default)]
    pub column_notes: Vec<ColumnNote>,
}
