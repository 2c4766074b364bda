//! Saves, reads and deletes score runs. A score run consists of the scores of all customers at one date.

mod read;
mod save;
mod types;

use churn_core::{ChurnModel, ScoreRun, Timestamp};

use crate::engine::{Access, to_json};
use crate::error::{Error, ErrorKind, Result};
use crate::records::{check_limit, off_thread};
use crate::tenant::TenantStore;

pub(crate) use read::{changes, history, page, runs};
pub(crate) use save::{Rows, count_outcomes, delete, save};
pub use types::*;

/// The stored score runs of a tenant.
#[derive(Clone, Debug)]
pub struct ScoreStore(pub(crate) TenantStore);

impl ScoreStore {
    /// Stores a run with the purpose `served` in one transaction. For each customer that `reasons` selects, also stores
    /// the five main reasons. If a run with the same date and model is stored already, it is replaced.
    ///
    /// # Errors
    /// See [`save_with`](Self::save_with).
    pub async fn save(&self, model: &ChurnModel, run: &ScoreRun, reasons: ReasonsFor, at: Timestamp) -> Result<RunId> {
        self.save_with(model, run, &SaveRun::new(at).with_reasons(reasons))
            .await
    }

    /// Stores a run in one transaction. If a run with the same date and model is stored already, it is replaced.
    ///
    /// # Errors
    /// `tenant_mismatch` if the run belongs to another tenant; `invalid_option` if the run was computed with another
    /// model, or if a value is not finite or belongs to a customer who is not in the run; `store_unavailable`,
    /// `store_not_migrated`.
    pub async fn save_with(&self, model: &ChurnModel, run: &ScoreRun, options: &SaveRun) -> Result<RunId> {
        if run.tenant() != self.0.tenant() {
            let message = format!("the run belongs to another tenant than '{}'", self.0.tenant());
            return Err(Error::new(ErrorKind::TenantMismatch, message));
        }
        if run.model_id() != model.id() {
            return Err(Error::option("model", "the run was made by another model"));
        }
        let (run, own) = (run.clone(), options.clone());
        let rows = off_thread(move || Rows::of(&run, &own)).await??;
        let definition = to_json(model.definition())?;
        let mut tx = self.0.begin_session(Access::Write).await?;
        save(&mut tx, &rows, &definition, options.at).await?;
        tx.commit().await?;
        Ok(rows.id)
    }

    /// Returns at most `limit` runs (1 to 10 000), latest date first. The result includes runs with the purpose
    /// `served` and runs with the purpose `trial`.
    ///
    /// # Errors
    /// `invalid_option`, `store_unavailable`, `store_not_migrated`.
    pub async fn runs(&self, limit: usize) -> Result<Vec<RunSummary>> {
        self.runs_before(None, limit).await
    }

    /// Returns at most `limit` runs (1 to 10 000) whose date is earlier than `before`, latest date first. For the next
    /// page, pass the date of the last run as `before`.
    ///
    /// # Errors
    /// `invalid_option`, `store_unavailable`, `store_not_migrated`.
    pub async fn runs_before(&self, before: Option<Timestamp>, limit: usize) -> Result<Vec<RunSummary>> {
        check_limit(limit)?;
        let mut tx = self.0.begin_session(Access::Read).await?;
        let runs = runs(&mut tx, before, None, limit).await?;
        tx.rollback().await?;
        Ok(runs)
    }

    /// Returns a page of the customers with the highest probabilities.
    ///
    /// # Errors
    /// `not_found` if the run does not exist, or if there are no runs; `invalid_option`, `store_unavailable`,
    /// `store_not_migrated`.
    pub async fn high_risk(&self, options: &HighRisk) -> Result<RiskPage> {
        let query = ScoreQuery {
            run: options.run.clone(),
            scored: Some(true),
            min_probability: Some(options.min_probability),
            limit: options.limit,
            after: options.after.clone().map(|(key, customer_id)| ScoreCursor {
                key: Some(key),
                customer_id,
            }),
            ..ScoreQuery::default()
        };
        let page = self.query(&query).await?;
        let next = page.next.and_then(|next| Some((next.key?, next.customer_id)));
        Ok(RiskPage {
            scores: page.scores,
            next,
        })
    }

    /// Returns a page of a run's scores. Customers who are not scored are included, unless the query excludes them.
    ///
    /// # Errors
    /// `not_found` if the run does not exist, or if there are no runs; `invalid_option`, `store_unavailable`,
    /// `store_not_migrated`.
    pub async fn query(&self, query: &ScoreQuery) -> Result<ScorePage> {
        check_limit(query.limit)?;
        let mut tx = self.0.begin_session(Access::Read).await?;
        let page = page(&mut tx, query).await?;
        tx.rollback().await?;
        Ok(page)
    }

    /// Returns the changes from one run to another: how many customers moved between risk bands, and at most `limit`
    /// customers (1 to 10 000) with the largest changes of probability. If the two runs have different models, a change
    /// may be due to the model.
    ///
    /// # Errors
    /// `not_found` if one of the runs does not exist; `invalid_option`, `store_unavailable`, `store_not_migrated`.
    pub async fn changes(&self, from: &RunId, to: &RunId, limit: usize) -> Result<RunChanges> {
        check_limit(limit)?;
        let mut tx = self.0.begin_session(Access::Read).await?;
        let changes = changes(&mut tx, from, to, limit).await?;
        tx.rollback().await?;
        Ok(changes)
    }

    /// Returns at most `limit` scores (1 to 10 000) of a customer, latest date first. Only scores from runs with the
    /// purpose `served` are included.
    ///
    /// # Errors
    /// `invalid_option`, `store_unavailable`, `store_not_migrated`.
    pub async fn history(&self, customer_id: &str, limit: usize) -> Result<Vec<StoredScore>> {
        check_limit(limit)?;
        let mut tx = self.0.begin_session(Access::Read).await?;
        let scores = history(&mut tx, customer_id, limit).await?;
        tx.rollback().await?;
        Ok(scores)
    }

    /// Deletes a run and its scores.
    ///
    /// # Errors
    /// `not_found`; `store_unavailable`, `store_not_migrated`.
    pub async fn delete(&self, run: &RunId) -> Result<()> {
        let mut tx = self.0.begin_session(Access::Write).await?;
        match delete(&mut tx, run).await? {
            0 => Err(missing()),
            _ => tx.commit().await,
        }
    }
}

fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such score run")
}
