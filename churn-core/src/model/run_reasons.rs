//! Reasons for all customers of a run.

use crate::error::Result;
use crate::model::reason::{Reason, top_reasons};
use crate::model::score::ScoreRun;
use crate::parallel::Execution;

/// Number of rows whose contributions are computed at a time. This limit keeps memory use low.
const ROWS_AT_A_TIME: usize = 4096;

impl ScoreRun {
    /// The reasons of every score, in the order of [`scores`](Self::scores). For each customer, the result equals that
    /// of [`reasons`](Self::reasons). The reasons are computed on several threads.
    ///
    /// # Errors
    /// `cancelled` if the caller cancelled the call; `invalid_option` if the number of threads is zero.
    pub fn all_reasons(&self, top: usize, execution: &Execution) -> Result<Vec<Vec<Reason>>> {
        let workers = execution.workers()?;
        let rows: Vec<usize> = (0..self.scores.len()).collect();
        let mut reasons = Vec::with_capacity(rows.len());
        for rows in rows.chunks(ROWS_AT_A_TIME) {
            let part = self.matrix.select(rows);
            let (contributions, _) = self.scorer.contributions(part.view(), &workers)?;
            for (place, &row) in rows.iter().enumerate() {
                reasons.push(match self.scores[row].probability() {
                    Some(_) => top_reasons(part.view(), place, &contributions.row(place).to_vec(), top),
                    None => vec![],
                });
            }
        }
        Ok(reasons)
    }
}
