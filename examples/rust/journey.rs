//! The bundled Complete Journey data as records: households, their baskets and coupon redemptions over the year 2017.

use std::fs::File;
use std::path::{Path, PathBuf};

use churn_core::{ChurnDefinition, Error, RecordKind, StaticAttributes, Table, TenantRecords, ValidationReport};

/// Where the bundled files are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/complete_journey")
}

/// One of the bundled files: `customers.csv`, `payments.csv` or `activities.csv`.
///
/// # Errors
/// If it cannot be read.
pub fn table(name: &str) -> Result<Table, Error> {
    Table::from_csv(File::open(folder().join(name))?)
}

/// Households as customers, baskets as payments, coupon redemptions as activities. The demographics were asked once
/// and hold for the year, so they are static.
///
/// # Errors
/// If a file cannot be read or a value in it is not valid.
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

/// A household that shopped within 90 days has churned if it does not shop within the next 30.
pub fn definition() -> ChurnDefinition {
    ChurnDefinition::inactivity(30, RecordKind::Payments).active_within(90)
}
