//! Reads the bundled Complete Journey data. They contain households with their baskets and coupon redemptions in the
//! year 2017.

use std::fs::File;
use std::path::{Path, PathBuf};

use churn_core::{ChurnDefinition, Error, RecordKind, StaticAttributes, Table, TenantRecords, ValidationReport};

/// Returns the folder of the bundled files.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/complete_journey")
}

/// Reads one of the bundled files: `customers.csv`, `payments.csv` or `activities.csv`.
///
/// # Errors
/// If the file cannot be read.
pub fn table(name: &str) -> Result<Table, Error> {
    Table::from_csv(File::open(folder().join(name))?)
}

/// Builds the records. Households are customers, baskets are payments, and coupon redemptions are activities. The
/// demographics are constant over the year, so they are declared static.
///
/// # Errors
/// If a file cannot be read, or contains an invalid value.
pub fn records() -> Result<(TenantRecords, ValidationReport), Error> {
    TenantRecords::builder("complete-journey")
        .customers(table("customers.csv")?)
        .payments(table("payments.csv")?)
        .activities(table("activities.csv")?)
        .static_attributes(StaticAttributes::All)
        .observed_from("2017-01-01".parse()?)
        .observed_until("2018-01-01".parse()?)
        .build()
}

/// The churn definition. A household that shopped within the last 90 days has churned if it does not shop within the
/// next 30 days.
pub fn definition() -> ChurnDefinition {
    ChurnDefinition::inactivity(30, RecordKind::Payments).active_within(90)
}
