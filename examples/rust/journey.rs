//! Reads the bundled Complete Journey data. The data contain the households of a grocery chain, with their baskets
//! (purchases) and coupon redemptions in the year 2017.

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
/// Returns an error if the file cannot be read.
pub fn table(name: &str) -> Result<Table, Error> {
    Table::from_csv(File::open(folder().join(name))?)
}

/// Builds the records from the bundled files. Households are customers, baskets are payments, and coupon redemptions
/// are activities. The demographic columns do not change within the year, so they are declared static.
///
/// # Errors
/// Returns an error if a file cannot be read, or contains an invalid value.
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

/// The churn definition of the examples. Only households that shopped in the 90 days before a date are considered. Such
/// a household has churned if it does not shop in the 30 days after the date.
pub fn definition() -> ChurnDefinition {
    ChurnDefinition::inactivity(30, RecordKind::Payments).active_within(90)
}
