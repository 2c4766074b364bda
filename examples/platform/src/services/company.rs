//! The settings and the latest score run of a company, in the form that pages and jobs need.

use churn_core::{AsOf, Execution, StaticAttributes, Timestamp, TrainOptions};
use churn_store::{Company, RecordsOptions, RunPurpose, RunSummary, TenantStore};

use crate::error::{Problem, Result};

/// The names of the settings that the platform saves for each company in the store.
pub const OBSERVED_FROM: &str = "observed_from";
pub const OBSERVED_UNTIL: &str = "observed_until";
pub const TRAIN_OPTIONS: &str = "train_options";

/// Returns the latest score run that is shown to users; `None` if the company has no such run yet.
pub async fn latest_run(tenant: &TenantStore) -> Result<Option<RunSummary>> {
    let runs = tenant.scores().runs(100).await?;
    Ok(runs.into_iter().find(|run| run.purpose == RunPurpose::Served))
}

/// Returns a setting of a company as a date; `None` if it is missing or not a date.
pub fn date(company: &Company, setting: &str) -> Option<Timestamp> {
    company.settings.get(setting)?.as_str()?.parse().ok()
}

/// Returns the options for loading the records of a company.
///
/// # Errors
/// `no_data` if the company has no records yet.
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

/// Returns the date at which a new run scores the customers. This is the end of the observed history.
pub fn score_date(company: &Company) -> Result<AsOf> {
    date(company, OBSERVED_UNTIL)
        .map(AsOf::new)
        .ok_or_else(|| Problem::new(409, "no_data", "The company has no records yet."))
}

/// Returns the training options that are stored for a company, or the defaults.
///
/// # Errors
/// `invalid_option` if the stored options are not valid.
pub fn train_options(company: &Company) -> Result<TrainOptions> {
    match company.settings.get(TRAIN_OPTIONS) {
        None => Ok(TrainOptions::default()),
        Some(options) => Ok(TrainOptions::from_json(&options.to_string())?),
    }
}
