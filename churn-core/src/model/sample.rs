//! What a model learns from: rows with their labels.

use crate::error::{Error, ErrorKind, Result};
use crate::features::{ChurnDefinition, Columns, FeatureColumn, FeatureMatrix, ResolvedPlan, labels_of};
use crate::parallel::Workers;
use crate::record::TenantRecords;
use crate::time::AsOf;

/// Eligible customers at their dates, and whether they churned.
pub(crate) struct Sample {
    pub(crate) matrix: FeatureMatrix,
    pub(crate) churned: Vec<bool>,
    /// Pairs whose label says neither churned nor retained.
    pub(crate) excluded: usize,
}

impl Sample {
    pub(crate) fn draw(
        records: &TenantRecords,
        dates: &[AsOf],
        definition: &ChurnDefinition,
        plan: &ResolvedPlan,
        workers: &Workers,
    ) -> Result<Self> {
        let labels = labels_of(records, dates, definition, workers)?;
        let rows: Vec<(u32, AsOf)> = labels
            .rows()
            .iter()
            .map(|label| (label.customer, label.as_of))
            .collect();
        let matrix = plan.evaluate_rows(records, &rows, workers)?;
        let churned = labels.rows().iter().map(|label| label.churned).collect();
        Ok(Self {
            matrix,
            churned,
            excluded: labels.excluded().len(),
        })
    }

    /// The rows at these positions.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        Self {
            matrix: self.matrix.select(rows),
            churned: rows.iter().map(|&row| self.churned[row]).collect(),
            excluded: 0,
        }
    }

    /// The customer code of every row.
    pub(crate) fn customers(&self) -> &[u32] {
        &self.matrix.customers
    }

    pub(crate) fn positives(&self) -> usize {
        self.churned.iter().filter(|&&churned| churned).count()
    }

    /// What members learn from: customers are held out with all their rows.
    pub(crate) fn examples(&self) -> Examples<'_> {
        Examples {
            table: self.matrix.view(),
            churned: &self.churned,
            groups: self.customers(),
            weights: None,
        }
    }
}

/// What members learn from, wherever the rows came from.
#[derive(Clone, Copy)]
pub(crate) struct Examples<'a> {
    pub(crate) table: Columns<'a>,
    pub(crate) churned: &'a [bool],
    /// Rows of one group, such as a customer's, are held out together.
    pub(crate) groups: &'a [u32],
    /// How much each row counts; `None` for once.
    pub(crate) weights: Option<&'a [f64]>,
}

impl Examples<'_> {
    /// The number of different groups among the rows that churned, or that did not, whichever is smaller.
    ///
    /// # Errors
    /// `too_little_data` without rows, `single_class` if all rows agree.
    pub(crate) fn rarer_groups(&self) -> Result<usize> {
        if self.churned.is_empty() {
            return Err(Error::new(
                ErrorKind::TooLittleData,
                "there are no rows to learn from: nobody is eligible at the training dates",
            ));
        }
        let distinct = |wanted: bool| {
            let mut groups: Vec<u32> = self
                .groups
                .iter()
                .zip(self.churned)
                .filter(|(_, churned)| **churned == wanted)
                .map(|(&group, _)| group)
                .collect();
            groups.sort_unstable();
            groups.dedup();
            groups.len()
        };
        let (churned, retained) = (distinct(true), distinct(false));
        if churned == 0 || retained == 0 {
            let all = if churned == 0 { "stayed" } else { "churned" };
            return Err(Error::new(
                ErrorKind::SingleClass,
                format!("all {} rows {all}: there is nothing to learn", self.churned.len()),
            ));
        }
        Ok(churned.min(retained))
    }

    /// Copies of the rows at these positions.
    pub(crate) fn select(&self, rows: &[usize]) -> Selected {
        Selected {
            columns: self.table.columns.iter().map(|column| column.select(rows)).collect(),
            churned: rows.iter().map(|&row| self.churned[row]).collect(),
            groups: rows.iter().map(|&row| self.groups[row]).collect(),
            weights: self
                .weights
                .map(|weights| rows.iter().map(|&row| weights[row]).collect()),
        }
    }
}

/// Rows chosen from [`Examples`].
pub(crate) struct Selected {
    columns: Vec<FeatureColumn>,
    churned: Vec<bool>,
    groups: Vec<u32>,
    weights: Option<Vec<f64>>,
}

impl Selected {
    /// As what members learn from; `names` are those of the rows they were chosen from.
    pub(crate) fn examples<'a>(&'a self, names: &'a [String]) -> Examples<'a> {
        Examples {
            table: Columns {
                names,
                columns: &self.columns,
                rows: self.churned.len(),
            },
            churned: &self.churned,
            groups: &self.groups,
            weights: self.weights.as_deref(),
        }
    }
}
