//! Scores all customers with the champion (the model in use), and stores which customers churned after past runs.

use std::sync::Arc;

use churn_core::{AsOf, ChurnModel, Execution, TenantRecords, labels};
use churn_store::{AuditEntry, ReasonsFor, RunPurpose, SaveRun, TenantStore};
use serde_json::json;

use crate::error::{Problem, Result};
use crate::jobs::Context;
use crate::services::company;

/// The customers whose reasons are stored: the 2000 customers with the highest probabilities.
const REASONS: ReasonsFor = ReasonsFor::Riskiest(2000);

pub(super) async fn run(context: &Context) -> Result<String> {
    let tenant = context.tenant();
    context.at(0.0, "model");
    let model = tenant.models().champion().await?;
    let model = model.ok_or_else(|| Problem::new(409, "no_model", "The company has no model in use."))?;
    let settings = tenant.company().get().await?;
    let options = company::records_options(&settings, context.execution(0.05, 0.3))?;
    let records = Arc::new(tenant.records(&options).await?.0);
    let as_of = company::score_date(&settings)?;
    let scored = score(context, &tenant, &model, &records, as_of, context.execution(0.3, 0.7)).await?;
    context.at(0.9, "outcomes");
    let outcomes = outcomes(&tenant, &model, records, context.execution(0.9, 1.0)).await?;
    Ok(json!({"as_of": as_of, "scored": scored, "outcomes": outcomes}).to_string())
}

/// Scores all customers at one date. Saves the run and an audit entry in one transaction. Returns the number of scored
/// customers.
pub(super) async fn score(
    context: &Context,
    tenant: &TenantStore,
    model: &ChurnModel,
    records: &Arc<TenantRecords>,
    as_of: AsOf,
    execution: Execution,
) -> Result<usize> {
    let (owned, data) = (model.clone(), Arc::clone(records));
    let run = tokio::task::spawn_blocking(move || owned.score_with(&data, as_of, &execution)).await??;
    context.check()?;
    let at = context.app.clock.now();
    let mut entry = AuditEntry::new(at, context.job.created_by.as_str(), "run.saved");
    entry.subject = Some(as_of.to_string());
    entry.details = json!({"model": model.id(), "job": context.job.job_id});
    let tx = tenant.begin().await?;
    tx.scores()
        .save_with(model, &run, &SaveRun::new(at).with_reasons(REASONS))
        .await?;
    tx.audit().append(&entry).await?;
    tx.commit().await?;
    Ok(run
        .scores()
        .iter()
        .filter(|score| score.probability().is_some())
        .count())
}

/// Saves the outcomes (whether each customer churned) for all runs whose label period has ended. Returns the number of
/// outcomes that are new or changed.
pub(super) async fn outcomes(
    tenant: &TenantStore,
    model: &ChurnModel,
    records: Arc<TenantRecords>,
    execution: Execution,
) -> Result<u64> {
    let horizon = model.definition().horizon();
    let days = i64::from(horizon.days) + i64::from(horizon.lead);
    let Some(until) = records.observed_until(None) else {
        return Ok(0);
    };
    let runs = tenant.scores().runs(1000).await?;
    let mut dates: Vec<AsOf> = runs
        .iter()
        .filter(|run| run.purpose == RunPurpose::Served && run.id.as_of.plus_days(days) <= until)
        .map(|run| AsOf::new(run.id.as_of))
        .collect();
    dates.dedup();
    if dates.is_empty() {
        return Ok(0);
    }
    let definition = model.definition().clone();
    let found = tokio::task::spawn_blocking(move || {
        let labels = labels(&records, &dates, &definition, &execution)?;
        Ok::<_, churn_core::Error>((records, labels, definition))
    });
    let (records, labels, definition) = found.await??;
    Ok(tenant.outcomes().save(&records, &labels, &definition).await?)
}
