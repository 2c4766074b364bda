//! What the fit found out.

use serde::{Deserialize, Serialize};

use crate::leakage::LeakFinding;
use crate::model::MemberReport;

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
    /// With two classes one ensemble, of the second; with more, one for each.
    pub parts: Vec<ClassifierPart>,
    /// Columns that seem to know the label and stayed: those the caller allowed, and those that only warn.
    pub leaks: Vec<LeakFinding>,
}
