//! Trains a model. The first model of a company becomes the champion (the model in use). Each later model is a
//! challenger until a user promotes it.

use churn_core::ChurnModel;
use churn_store::{AuditEntry, Stage};
use serde_json::json;

use crate::error::Result;
use crate::jobs::Context;
use crate::services::company;

pub(super) async fn run(context: &Context) -> Result<String> {
    let tenant = context.tenant();
    let settings = tenant.company().get().await?;
    let options = company::records_options(&settings, context.execution(0.0, 0.1))?;
    let (records, _) = tenant.records(&options).await?;
    let options = company::train_options(&settings)?.with_execution(context.execution(0.1, 0.95));
    let model = tokio::task::spawn_blocking(move || ChurnModel::train(&records, &options)).await??;
    context.check()?;
    let at = context.app.clock.now();
    let tx = tenant.begin().await?;
    let models = tx.models().list().await?;
    let stage = match models.iter().find(|known| known.stage == Stage::Champion) {
        // Training again with the same records and options gives the same model. If this model is the champion, it
        // stays the champion.
        Some(champion) if champion.id == model.id() => Stage::Champion,
        Some(_) => Stage::Challenger,
        None => Stage::Champion,
    };
    tx.models().save(&model, stage, at).await?;
    let mut entry = AuditEntry::new(at, context.job.created_by.as_str(), "model.trained");
    entry.subject = Some(model.id().to_owned());
    entry.details = json!({"stage": stage.as_str(), "job": context.job.job_id});
    tx.audit().append(&entry).await?;
    tx.commit().await?;
    Ok(json!({"model": model.id(), "stage": stage.as_str()}).to_string())
}
