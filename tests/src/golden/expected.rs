//! The expected results of a golden case, and the format of the file that contains them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use churn_core::{AsOf, Execution, FeaturePlan, RecordKind, TenantRecords, ValidationReport, features, labels};
use serde_json::{Value as Json, json};

use super::case::{Case, definition};
use crate::library::{as_of, same, value};
use crate::raw::World;
use crate::reference::labels::{Definition, Outcome, Table, labels as expected_labels};
use crate::reference::{self, Value};

/// The expected results of a golden case. Each element of a list is one line of the file.
pub struct Expected {
    /// The expected validation report: the counts of rows, and the issues.
    report: Vec<String>,
    /// The expected names of the features.
    names: Vec<String>,
    /// The expected rows of the feature matrix.
    features: Vec<String>,
    /// The expected labels of each churn definition at each date.
    labels: Vec<String>,
    /// Two numbers: how many numeric results are bit-identical in the reference and the library, and how many numeric
    /// results there are.
    pub exact: (usize, usize),
}

impl Expected {
    /// Computes the results of a case with the reference implementation, and checks that the library's results agree
    /// with them.
    ///
    /// # Panics
    /// Panics if the results of the reference and of the library differ by more than the last bits of a number.
    pub fn of(case: &Case) -> Self {
        let (records, report) = case.records().unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let world = case.world();
        let mut expected = Self {
            report: self::report(case, &report),
            names: vec![],
            features: vec![],
            labels: vec![],
            exact: (0, 0),
        };
        expected.features(case, &world, &records);
        expected.labels(case, &world, &records);
        expected
    }

    fn features(&mut self, case: &Case, world: &World, records: &TenantRecords) {
        let matrix = features(records, &case.as_of(), &FeaturePlan::default(), &Execution::new())
            .unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let mut row = 0;
        for date in case.as_of() {
            let seen = reference::features(world, date.as_micros());
            assert_eq!(matrix.feature_names(), seen.names, "{}", case.name);
            for (customer, values) in &seen.rows {
                let place = format!("{} as of {date}, '{customer}'", case.name);
                assert_eq!(
                    (matrix.customer_id(row), matrix.as_of()[row]),
                    (customer.as_str(), date),
                    "{place}"
                );
                let pairs = values.iter().zip(matrix.columns()).zip(&seen.names);
                let chosen = pairs.map(|((expected, column), name)| {
                    let found = value(column, row);
                    self.exact.0 += usize::from(same(expected, &found) || both_missing(expected, &found));
                    self.exact.1 += 1;
                    assert!(
                        close(expected, &found),
                        "{place}, {name}: expected {expected:?}, found {found:?}"
                    );
                    plain(&found)
                });
                let chosen: Vec<Json> = chosen.collect();
                self.features
                    .push(json!([customer, date.to_string(), chosen]).to_string());
                row += 1;
            }
            self.names = seen.names;
        }
        assert_eq!(row, matrix.n_rows(), "{}", case.name);
    }

    fn labels(&mut self, case: &Case, world: &World, records: &TenantRecords) {
        let ids: Vec<&str> = records.customer_ids().collect();
        for given in case.definitions() {
            for date in case.label_as_of() {
                let place = format!("{}, {given} as of {date}", case.name);
                let found = labels(records, &[date], &definition(given), &Execution::new());
                let expected = expected_labels(world, date.as_micros(), reference_definition(given));
                let (Ok(found), Ok(expected)) = (&found, &expected) else {
                    let code = found.expect_err(&place).code();
                    assert!(
                        code == "immature_label" && expected.is_err(),
                        "{place}: {code}, {expected:?}"
                    );
                    let line = json!({"definition": given, "as_of": date.to_string(), "error": code});
                    self.labels.push(line.to_string());
                    continue;
                };
                let (mut rows, mut excluded) = (vec![], vec![]);
                for (customer, outcome) in expected {
                    let (churned, rule, at) = label_of(given, *outcome);
                    match churned {
                        Some(churned) => {
                            rows.push(json!([customer, churned, rule, at.map(|at| as_of(at).to_string())]))
                        }
                        None => excluded.push(json!([customer, rule])),
                    }
                }
                let seen: Vec<Json> = (found.rows().iter())
                    .map(|label| {
                        let at = label.event_at.map(|at| AsOf::new(at).to_string());
                        json!([ids[label.customer as usize], label.churned, label.rule.as_str(), at])
                    })
                    .collect();
                assert_eq!(seen, rows, "{place}");
                let seen: Vec<Json> = (found.excluded().iter())
                    .map(|label| json!([ids[label.customer as usize], label.rule.as_str()]))
                    .collect();
                assert_eq!(seen, excluded, "{place}");
                let line = json!({"definition": given, "as_of": date.to_string(), "rows": rows, "excluded": excluded});
                self.labels.push(line.to_string());
            }
        }
    }

    /// Returns the expected results as the text of their file.
    pub fn text(&self) -> String {
        let list = |lines: &[String]| match lines {
            [] => "[]".to_owned(),
            lines => format!("[\n    {}\n  ]", lines.join(",\n    ")),
        };
        let mut text = String::from("{\n");
        for line in &self.report {
            let _ = writeln!(text, "  {line},");
        }
        let _ = writeln!(text, "  \"feature_names\": {},", json!(self.names));
        let _ = writeln!(text, "  \"features\": {},", list(&self.features));
        let _ = writeln!(text, "  \"labels\": {}\n}}", list(&self.labels));
        text
    }
}

/// Returns the expected validation report. The counts are derived from the file of the case. The issues are copied from
/// the library's report. The function checks that the issues concern only rows that are invalid on purpose.
fn report(case: &Case, report: &ValidationReport) -> Vec<String> {
    let mut lines = vec![];
    for kind in RecordKind::ALL {
        let bad = case.bad(kind);
        let issues = report.issues.iter().filter(|issue| issue.table == kind);
        let wrong: BTreeSet<u64> = issues.filter_map(|issue| issue.row).collect();
        assert_eq!(wrong, bad.iter().copied().collect(), "{}, {kind}", case.name);
        let counted = report
            .tables
            .iter()
            .find(|(table, _)| *table == kind)
            .map(|(_, counts)| counts);
        let Some(rows) = &case.tables[kind as usize] else {
            assert!(counted.is_none(), "{}, {kind}", case.name);
            continue;
        };
        let found = counted.expect("a table that was given is counted");
        let counts = [rows.len() as u64, (rows.len() - bad.len()) as u64, bad.len() as u64];
        assert_eq!(
            [found.rows_in, found.rows_accepted, found.rows_quarantined],
            counts,
            "{}, {kind}",
            case.name
        );
        lines.push(json!([kind.as_str(), counts, found.events_before_sign_up]).to_string());
    }
    let issues = report.issues.iter();
    let issues: Vec<Json> = issues
        .map(|issue| {
            json!([
                issue.table.as_str(),
                issue.row,
                issue.column.as_deref(),
                issue.code.as_str()
            ])
        })
        .collect();
    let untrusted: Vec<&String> = report.undated_attributes.iter().map(|(name, _)| name).collect();
    vec![
        format!("\"tables\": [{}]", lines.join(", ")),
        format!("\"issues\": {}", json!(issues)),
        format!("\"undated_attributes\": {}", json!(untrusted)),
    ]
}

/// Converts a feature value to JSON. A missing value becomes null.
pub(super) fn plain(value: &Value) -> Json {
    match value {
        Value::Number(number) => json!(number),
        Value::Text(text) => json!(text),
    }
}

fn both_missing(a: &Value, b: &Value) -> bool {
    matches!((a, b), (Value::Number(a), Value::Number(b)) if a.is_nan() && b.is_nan())
}

fn close(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Number(a), Value::Number(b)) => {
            both_missing(expected, found) || (a - b).abs() <= 1e-14 * a.abs().max(b.abs())
        }
        (a, b) => a == b,
    }
}

fn reference_definition(given: &Json) -> Definition {
    let days = |name: &str| given[name].as_i64();
    let (horizon, lead) = (days("horizon").expect("a horizon"), days("lead").unwrap_or(0));
    match given["on"].as_str() {
        None => Definition::Cancellation { horizon, lead },
        Some(on) => Definition::Inactivity {
            horizon,
            lead,
            active_within: days("active_within").unwrap_or(horizon),
            on: if on == "payments" {
                Table::Payments
            } else {
                Table::Activities
            },
        },
    }
}

/// Returns three parts of a label: whether the customer churned, the rule that decided this, and the time of the churn
/// or of the first event.
fn label_of(given: &Json, outcome: Outcome) -> (Option<bool>, &'static str, Option<i64>) {
    let cancellation = given["kind"] == "cancellation";
    match outcome {
        Outcome::Churned(at) => (Some(true), if cancellation { "cancelled" } else { "inactive" }, at),
        Outcome::Retained(at) => (Some(false), if cancellation { "not_cancelled" } else { "active" }, at),
        Outcome::ChurnedInLead => (None, "churned_in_lead", None),
        Outcome::ChurnedBefore => (None, "churned_before", None),
    }
}
