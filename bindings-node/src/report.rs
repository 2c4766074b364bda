//! Conversion of the validation report to JSON with camelCase names.

use churn_core::ValidationReport;
use serde_json::{Map, Value, json};

/// Converts a validation report to JSON.
pub(crate) fn validation(report: &ValidationReport) -> Value {
    let tables: Map<String, Value> = report
        .tables
        .iter()
        .map(|(kind, table)| {
            let counts = json!({
                "rowsIn": table.rows_in,
                "rowsAccepted": table.rows_accepted,
                "rowsQuarantined": table.rows_quarantined,
                "quarantined": table.quarantined,
                "eventsBeforeSignUp": table.events_before_sign_up,
            });
            (kind.as_str().to_owned(), counts)
        })
        .collect();
    let issues: Vec<Value> = report
        .issues
        .iter()
        .map(|issue| {
            json!({
                "table": issue.table.as_str(),
                "row": issue.row,
                "column": issue.column.as_deref(),
                "code": issue.code.as_str(),
                "message": issue.message,
            })
        })
        .collect();
    let undated: Vec<Value> = report
        .undated_attributes
        .iter()
        .map(|(attribute, reason)| json!({ "attribute": attribute, "reason": reason }))
        .collect();
    json!({
        "isClean": report.is_clean(),
        "tables": tables,
        "issues": issues,
        "findings": report.findings,
        "undatedAttributes": undated,
    })
}
