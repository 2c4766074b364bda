//! Fills a demo company. The job stores the records of a synthetic tenant, and trains a model on the history before the
//! first score run. It then saves eight weekly score runs, and the outcomes of the runs whose label period has ended.

use std::sync::Arc;

use churn_core::synthetic::{WorldOptions, world};
use churn_core::{AsOf, ChurnModel, RecordKind, Timestamp};
use churn_store::{AuditEntry, RecordsOptions, Stage};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{Problem, Result};
use crate::jobs::{Context, score};
use crate::services::company;

/// The length of the history in days. The history is short, so that the first page has data soon.
const DAYS: u32 = 560;

const WEEKS: i64 = 8;

#[derive(Deserialize)]
struct Payload {
    index: usize,
    customers: usize,
    /// The end of the history, in microseconds.
    until: i64,
}

/// Returns the training options of the demo companies: churn is a cancellation within 30 days, and the ensembles are
/// small.
pub(super) fn train_options() -> Value {
    json!({
        "definition": {"kind": "cancellation", "horizon": 30},
        "boosting": {"n_trees": 80, "max_leaves": 8},
        "forest": false,
        "folds": 3,
        "seed": 1,
    })
}

pub(super) async fn run(context: &Context) -> Result<String> {
    let payload: Payload = serde_json::from_str(&context.job.payload)?;
    let until = Timestamp::from_micros(payload.until).ok_or_else(|| Problem::internal("the date is out of range"))?;
    let from = until.plus_days(-i64::from(DAYS));
    let tenant = context.tenant();

    context.at(0.0, "records");
    let execution = context.execution(0.0, 0.05);
    let made = tokio::task::spawn_blocking(move || {
        let options = WorldOptions::default()
            .with_seed(7)
            .with_customers(payload.customers)
            .with_start(from)
            .with_days(DAYS)
            .with_activities_per_day(0.06)
            .with_execution(execution);
        let world = world(&options)?;
        let tenant = world.tenants().get(payload.index);
        tenant.map(|tenant| tenant.tables()).transpose()
    });
    let tables = made
        .await??
        .ok_or_else(|| Problem::internal("there is no such demo company"))?;
    for (kind, done) in RecordKind::ALL.into_iter().zip([0.05, 0.1, 0.15, 0.2]) {
        context.check()?;
        context.at(done, "records");
        tenant.table(kind).upsert(tables.table(kind).to_table()).await?;
    }
    for (setting, value) in [
        (company::OBSERVED_FROM, json!(from)),
        (company::OBSERVED_UNTIL, json!(until)),
        (company::TRAIN_OPTIONS, train_options()),
    ] {
        tenant.company().set(setting, &value).await?;
    }
    tenant
        .cursors()
        .set("synthetic records", &until.to_string(), context.app.clock.now())
        .await?;

    // The model is trained only on the history before the first score run, so it has not seen the weeks that it scores.
    let first = until.plus_days(-7 * (WEEKS - 1));
    let early = RecordsOptions {
        observed_until: Some(first),
        ..company::records_options(&tenant.company().get().await?, context.execution(0.2, 0.25))?
    };
    let (records, _) = tenant.records(&early).await?;
    let options = company::train_options(&tenant.company().get().await?)?;
    let options = options.with_execution(context.execution(0.25, 0.7));
    let model = tokio::task::spawn_blocking(move || ChurnModel::train(&records, &options)).await??;
    context.check()?;
    let at = context.app.clock.now();
    tenant.models().save(&model, Stage::Champion, at).await?;

    let whole = company::records_options(&tenant.company().get().await?, context.execution(0.7, 0.72))?;
    let records = Arc::new(tenant.records(&whole).await?.0);
    for week in 0..WEEKS {
        context.check()?;
        let as_of = AsOf::new(first.plus_days(7 * week));
        let (begin, end) = (0.72 + 0.03 * week as f64, 0.72 + 0.03 * (week + 1) as f64);
        score::score(context, &tenant, &model, &records, as_of, context.execution(begin, end)).await?;
    }
    let outcomes = score::outcomes(&tenant, &model, records, context.execution(0.97, 1.0)).await?;
    let entry = AuditEntry::new(
        context.app.clock.now(),
        context.job.created_by.as_str(),
        "company.seeded",
    );
    tenant.audit().append(&entry).await?;
    Ok(json!({"model": model.id(), "runs": WEEKS, "outcomes": outcomes}).to_string())
}
