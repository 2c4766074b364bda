//! The training data of a classifier.

use crate::input::Table;

/// The training data of a classifier: a table, a label for each row, and optional groups and weights of the rows.
///
/// ```
/// use churn_core::{Column, Dataset, Table};
///
/// let table = Table::new().with_column("minutes", Column::Floats(vec![3.0, 40.0, 2.0]))?;
/// let dataset = Dataset::new(&table, &[true, false, true]).with_groups(&["C-1", "C-2", "C-1"]).with_weights(&[1.0, 1.0, 2.0]);
/// # let _ = dataset;
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Dataset<'a> {
    pub(super) table: &'a Table,
    pub(super) classes: Vec<u32>,
    pub(super) groups: Option<Vec<u32>>,
    pub(super) weights: Option<&'a [f64]>,
}

impl<'a> Dataset<'a> {
    /// Creates a dataset with one label per row. A label is either a `bool` (whether the row churned) or a class code
    /// of type `u8`, `u16` or `u32`. Class codes are counted from 0 without gaps.
    pub fn new<L: Copy + Into<u32>>(table: &'a Table, labels: &[L]) -> Self {
        Self {
            table,
            classes: labels.iter().map(|&label| label.into()).collect(),
            groups: None,
            weights: None,
        }
    }

    /// Sets the group of each row. If a table has several rows per customer, the group is typically the customer.
    ///
    /// All rows of a group are then in the same fold (stratified group folds). Early stopping, blend and calibration
    /// therefore use only groups that the members (base learners) were not fitted on. The result does not depend on the
    /// names and the order of the groups.
    #[must_use]
    pub fn with_groups<G: Ord>(mut self, groups: &[G]) -> Self {
        let mut known: Vec<&G> = groups.iter().collect();
        known.sort_unstable();
        known.dedup();
        let code = |group: &G| known.partition_point(|other| *other < group) as u32;
        self.groups = Some(groups.iter().map(code).collect());
        self
    }

    /// Sets the weight of each row, like scikit-learn's `sample_weight`.
    #[must_use]
    pub fn with_weights(mut self, weights: &'a [f64]) -> Self {
        self.weights = Some(weights);
        self
    }
}
