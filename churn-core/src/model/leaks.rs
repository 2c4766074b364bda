//! Tests whether features of a training sample leak the target.

use crate::error::{RecordKind, Result};
use crate::features::{FeatureColumn, Measure, ResolvedPlan, churned_in_the_end};
use crate::input::columns_of;
use crate::leakage::{LeakageFinding, Origin, Question, Suspect, allowed_exist, decide, examine};
use crate::model::options::TrainOptions;
use crate::model::sample::Sample;
use crate::parallel::Workers;
use crate::record::TenantRecords;

/// Computed features that grow with time. An attribute (a column that states a property of the customer) leaks the
/// target if it contains a later value of such a feature: for example, the tenure at the time of the export instead of
/// the tenure at the date.
const GROWING: [&str; 7] = [
    "customer_tenure_days",
    "customer_days_since_first_sign_up",
    "payments_lifetime_count",
    "payments_lifetime_paid_sum",
    "tickets_lifetime_count",
    "activities_lifetime_count",
    "payments_days_since_first_paid",
];

/// Tests the features of a sample for target leakage, and returns the findings for the report.
///
/// Attributes are tested twice. The first test compares the values at one date with the labels of that date. The second
/// test compares each customer's value at their first date with the customer's final outcome. The second test finds
/// attributes whose values were recorded after the date: at the time of the export, or when old versions of a customer
/// were edited later. Such values reveal that the customer will leave, long before they leave.
///
/// # Errors
/// `leakage` if a finding must stop training; `invalid_option` if `allow_columns` names something unknown.
pub(crate) fn find_leaks(
    records: &TenantRecords,
    sample: &Sample,
    plan: &ResolvedPlan,
    options: &TrainOptions,
    workers: &Workers,
) -> Result<Vec<LeakageFinding>> {
    let matrix = &sample.matrix;
    allowed_columns_exist(records, plan, options)?;
    let sources: Vec<(&str, bool)> = plan
        .features()
        .iter()
        .map(|feature| match &feature.measure {
            Measure::Attribute(column) if feature.source == RecordKind::Customers => (column.as_str(), true),
            Measure::DaysToRenewal => ("renews_at", true),
            _ => (feature.name.as_str(), false),
        })
        .collect();
    let suspect = |feature: usize, column| Suspect {
        name: sources[feature].0,
        feature: &matrix.names[feature],
        column,
        origin: if sources[feature].1 {
            Origin::Attribute
        } else {
            Origin::Event
        },
    };
    let all: Vec<Suspect<'_>> = (0..matrix.columns.len())
        .map(|feature| suspect(feature, &matrix.columns[feature]))
        .collect();
    let known: Vec<&[f64]> = GROWING
        .iter()
        .filter_map(|name| matrix.names.iter().position(|known| known == name))
        .filter_map(|feature| match &matrix.columns[feature] {
            FeatureColumn::Number(values) => Some(values.as_slice()),
            FeatureColumn::Text { .. } => None,
        })
        .collect();
    let question = Question {
        churned: &sample.churned,
        groups: sample.customers(),
        strata: &sample.spans,
        known: &known,
    };
    let mut findings = examine(&all, &question, options.seed, workers)?;

    let attributes: Vec<usize> = (0..sources.len()).filter(|&feature| sources[feature].1).collect();
    if !attributes.is_empty() {
        let first = first_rows(sample.customers());
        let ends: Vec<(usize, bool)> = first
            .into_iter()
            .filter_map(|row| {
                let end = churned_in_the_end(records, matrix.customers[row], matrix.as_of[row], &options.definition);
                end.map(|end| (row, end))
            })
            .collect();
        let (rows, ended): (Vec<usize>, Vec<bool>) = ends.into_iter().unzip();
        let customers: Vec<u32> = rows.iter().map(|&row| matrix.customers[row]).collect();
        let first = matrix.select(&rows);
        let suspects: Vec<Suspect<'_>> = attributes
            .iter()
            .filter(|&&feature| findings.iter().all(|known| known.column != sources[feature].0))
            .map(|&feature| suspect(feature, &first.columns[feature]))
            .collect();
        let question = Question {
            churned: &ended,
            groups: &customers,
            strata: &vec![0; rows.len()],
            known: &[],
        };
        findings.extend(examine(&suspects, &question, options.seed, workers)?);
    }
    decide(
        findings,
        options.leakage,
        &options.allow_columns,
        Some(RecordKind::Customers),
    )
}

/// Returns `invalid_option` if `allow_columns` names something that is neither a column nor a feature.
fn allowed_columns_exist(records: &TenantRecords, plan: &ResolvedPlan, options: &TrainOptions) -> Result<()> {
    let customers = records
        .customers
        .attributes
        .iter()
        .map(|attribute| attribute.name.as_str());
    let events = RecordKind::ALL.into_iter().filter_map(|kind| records.events(kind));
    let events = events.flat_map(|events| events.attributes.iter().map(|attribute| attribute.name.as_str()));
    let known: Vec<&str> = customers
        .chain(events)
        .chain(plan.names().iter().map(String::as_str))
        .chain(
            RecordKind::ALL
                .into_iter()
                .flat_map(columns_of)
                .map(|column| column.name),
        )
        .collect();
    allowed_exist(&options.allow_columns, &known)
}

/// Returns the index of the earliest row of every customer, in the order of the customer codes. The given rows must be
/// sorted by date.
fn first_rows(customers: &[u32]) -> Vec<usize> {
    let count = customers.iter().max().map_or(0, |&most| most as usize + 1);
    let mut first = vec![None; count];
    for (row, &customer) in customers.iter().enumerate() {
        first[customer as usize].get_or_insert(row);
    }
    first.into_iter().flatten().collect()
}
