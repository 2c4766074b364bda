//! What pages need to know about a company: settings of its history, and when and by which model it was scored.

use churn_core::{AsOf, Execution, StaticAttributes, Timestamp, TrainOptions};
use churn_store::{Company, RecordsOptions, RunPurpose, RunSummary, TenantStore};

use crate::error::{Problem, Result};

/// Names of the settings that the platform keeps for a company in the store.
pub const OBSERVED_FROM: &str = "observed_from";
pub const OBSERVED_UNTIL: &str = "observed_until";
pub const TRAIN_OPTIONS: &str = "train_options";

/// The latest served run of a company; `None` before the first.
pub async fn latest_run(tenant: &TenantStore) -> Result<Option<RunSummary>> {
    let runs = tenant.scores().runs(100).await?;
    Ok(runs.into_iter().find(|run| run.purpose == RunPurpose::Served))
}

/// A date among the settings of a company.
pub fn date(company: &Company, setting: &str) -> Option<Timestamp> {
    company.settings.get(setting)?.as_str()?.parse().ok()
}

/// How the records of a company are loaded.
///
/// # Errors
/// `no_data` if nothing was imported.
pub fn records_options(company: &Company, execution: Execution) -> Result<RecordsOptions> {
    let until =
        date(company, OBSERVED_UNTIL).ok_or_else(|| Problem::new(409, "no_data", "The company has no records yet."))?;
    Ok(RecordsOptions {
        observed_from: date(company, OBSERVED_FROM),
        observed_until: Some(until),
        static_attributes: StaticAttributes::default(),
        execution,
        ..RecordsOptions::default()
    })
}

/// The date that a new run scores: the end of the history.
pub fn score_date(company: &Company) -> Result<AsOf> {
    date(company, OBSERVED_UNTIL)
        .map(AsOf::new)
        .ok_or_else(|| Problem::new(409, "no_data", "The company has no records yet."))
}

/// The training options of a company.
///
/// # Errors
/// `invalid_option` if the stored options are not valid.
pub fn train_options(company: &Company) -> Result<TrainOptions> {
    match company.settings.get(TRAIN_OPTIONS) {
        None => Ok(TrainOptions::default()),
        Some(options) => Ok(TrainOptions::from_json(&options.to_string())?),
    }
}
