//! What a model learns from: rows with their labels.

use crate::error::{Error, ErrorKind, Result};
use crate::features::{ChurnDefinition, FeatureMatrix, ResolvedPlan, labels_of};
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

    /// The number of different customers among the rows that churned, or that did not, whichever is smaller.
    ///
    /// # Errors
    /// `too_little_data` without rows, `single_class` if all rows agree.
    pub(crate) fn minority_customers(&self) -> Result<usize> {
        if self.churned.is_empty() {
            return Err(Error::new(
                ErrorKind::TooLittleData,
                "no customer is eligible at the training dates",
            ));
        }
        let distinct = |wanted: bool| {
            let mut customers: Vec<u32> = self
                .customers()
                .iter()
                .zip(&self.churned)
                .filter(|(_, churned)| **churned == wanted)
                .map(|(&customer, _)| customer)
                .collect();
            customers.sort_unstable();
            customers.dedup();
            customers.len()
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
}
