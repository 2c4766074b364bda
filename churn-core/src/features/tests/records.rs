//! Tests of column name matching, spells (uninterrupted periods as a customer) and ties (events with equal times). The
//! tests also check the effect of spells and ties on features and labels. `findings.rs` has the tests of findings.

use crate::error::{FindingCode, IssueCode, RecordKind, ValidationReport};
use crate::features::{
    ChurnDefinition, FeatureColumn, FeatureMatrix, FeaturePlan, LabelRule, eligible_features, features, labels,
};
use crate::input::{OnInvalid, Table, Ties, Value};
use crate::parallel::Execution;
use crate::record::{StaticAttributes, TenantRecords};
use crate::time::AsOf;

pub(super) fn csv(text: &str) -> Table {
    Table::from_csv(text.as_bytes()).unwrap()
}

/// Builds records from two CSV texts. The first contains the customers, and the second contains one event table.
pub(super) fn build(customers: &str, kind: RecordKind, events: &str) -> (TenantRecords, ValidationReport) {
    let builder = TenantRecords::builder("acme")
        .customers(csv(customers))
        .table(kind, csv(events));
    builder.build().unwrap()
}

pub(super) const CUSTOMERS: &str = "customer_id,signed_up_at,churned_at\na,2023-01-01,\nb,2023-01-01,2023-06-01\n";

pub(super) fn found(report: &ValidationReport, code: FindingCode) -> Vec<(Option<&str>, u64, Vec<u64>)> {
    let findings = report.findings.iter().filter(|finding| finding.code == code);
    findings
        .map(|finding| (finding.column.as_deref(), finding.rows, finding.examples.clone()))
        .collect()
}

pub(super) fn message(report: &ValidationReport, code: FindingCode) -> &str {
    let finding = report.findings.iter().find(|finding| finding.code == code);
    finding.map_or("", |finding| &finding.message)
}

pub(super) fn at(date: &str) -> AsOf {
    date.parse().unwrap()
}

fn matrix(records: &TenantRecords, date: &str) -> FeatureMatrix {
    features(records, &[at(date)], &FeaturePlan::default(), &Execution::new()).unwrap()
}

fn number(records: &TenantRecords, date: &str, feature: &str) -> f64 {
    match matrix(records, date).column(feature).unwrap() {
        FeatureColumn::Number(values) => values[0],
        FeatureColumn::Text { .. } => panic!("{feature} is a text"),
    }
}

#[test]
fn known_names_match_in_any_spelling() {
    let customers = csv("\u{feff}Customer ID,signedUpAt,CHURNED-AT,Plan\na,2023-01-01,,pro\n");
    let payments = Table::from_json(
        br#"[{"customerId": "a", "Due At": "2023-02-01", "AMOUNT": 10, "Status": "failed"},
             {"customerId": "a", "Due At": "2023-05-01", "AMOUNT": 10, "Status": "failed"}]"#,
    )
    .unwrap();
    let builder = TenantRecords::builder("acme").customers(customers).payments(payments);
    let (records, report) = builder.static_attributes(StaticAttributes::All).build().unwrap();
    assert!(report.is_clean());
    assert_eq!(number(&records, "2023-06-01", "payments_failed_count_182d"), 2.0);
    assert_eq!(number(&records, "2023-06-01", "payments_paid_count_182d"), 0.0);
    assert!(
        matrix(&records, "2023-06-01")
            .feature_names()
            .contains(&"customer_Plan".to_owned()),
        "an attribute keeps its name"
    );
}

#[test]
fn two_columns_of_one_known_name_are_refused() {
    let payments = "customer_id,due_at,amount,Status,status\na,2023-02-01,5,paid,failed\n";
    let builder = TenantRecords::builder("acme")
        .customers(csv(CUSTOMERS))
        .payments(csv(payments));
    let error = builder.clone().build().unwrap_err();
    let place = (error.code(), error.table(), error.row(), error.column());
    assert_eq!(
        place,
        ("duplicate_column", Some(RecordKind::Payments), None, Some("status"))
    );
    assert!(error.to_string().contains("'Status'"), "{error}");
    let (records, report) = builder.on_invalid(OnInvalid::Quarantine).build().unwrap();
    assert_eq!(
        (records.n_rows(RecordKind::Payments), report.issues[0].code),
        (Some(0), IssueCode::DuplicateColumn)
    );
    // The result is the same if the records are pushed in batches.
    let mut builder = TenantRecords::builder("acme").customers(csv(CUSTOMERS));
    builder.push(RecordKind::Payments, csv(payments));
    assert_eq!(builder.build().unwrap_err().code(), "duplicate_column");
}

#[test]
fn a_missing_column_suggests_the_closest_given_one() {
    let tickets = csv("customer_id,created_at\na,2023-02-01\n");
    let builder = TenantRecords::builder("acme")
        .customers(csv(CUSTOMERS))
        .tickets(tickets);
    let error = builder.build().unwrap_err();
    assert!(error.to_string().contains("there is 'created_at'"), "{error}");
}

/// Customers with several versions (dated rows). `churned_at` of customer `a` is set in March, and is null again from
/// August on.
const HISTORY: &str = "customer_id,signed_up_at,valid_from,churned_at,plan\na,2023-01-01,2023-01-01,,pro\na,2023-01-01,2023-03-01,2023-03-01,pro\na,2023-01-01,2023-08-01,,basic\nb,2023-02-01,2023-02-01,,pro\n";

#[test]
fn a_reactivation_in_a_later_version_begins_a_new_spell() {
    let (records, report) = build(HISTORY, RecordKind::Activities, "customer_id,at\na,2023-12-31\n");
    assert!(report.is_clean());
    assert_eq!(
        found(&report, FindingCode::Reactivated),
        [(Some("churned_at"), 1, vec![2])]
    );
    assert_eq!(found(&report, FindingCode::Withdrawn), []);
    let definition = ChurnDefinition::cancellation(60);
    let rule = |date: &str| {
        let labels = labels(&records, &[at(date)], &definition, &Execution::new()).unwrap();
        labels
            .rows()
            .iter()
            .find(|label| label.customer == 0)
            .map(|label| label.rule)
    };
    assert_eq!(rule("2023-02-15"), Some(LabelRule::Cancelled));
    assert_eq!(rule("2023-05-01"), None, "between two spells");
    assert_eq!(rule("2023-09-01"), Some(LabelRule::NotCancelled));
    for (date, tenure, earlier, since_end, since_first) in [
        ("2023-02-15", 45.0, 0.0, f64::NAN, 45.0),
        ("2023-09-01", 31.0, 1.0, 184.0, 243.0),
    ] {
        let values = [
            ("customer_tenure_days", tenure),
            ("customer_earlier_spells", earlier),
            ("customer_days_since_last_end", since_end),
            ("customer_days_since_first_sign_up", since_first),
        ];
        for (feature, expected) in values {
            let value = number(&records, date, feature);
            assert!(
                value == expected || value.is_nan() && expected.is_nan(),
                "{date} {feature}: {value}"
            );
        }
    }
    let plan = FeaturePlan::default();
    let eligible = |date: &str| {
        let matrix = eligible_features(&records, &[at(date)], &plan, &definition, &Execution::new()).unwrap();
        (0..matrix.n_rows())
            .map(|row| matrix.customer_id(row).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (eligible("2023-05-01"), eligible("2023-09-01")),
        (vec!["b".to_owned()], vec!["a".to_owned(), "b".to_owned()])
    );
}

#[test]
fn a_withdrawn_cancellation_has_no_effect() {
    let withdrawn = HISTORY.replace("2023-03-01,2023-03-01", "2023-03-01,2023-10-01");
    let (records, report) = build(&withdrawn, RecordKind::Activities, "customer_id,at\na,2023-12-31\n");
    assert_eq!(
        found(&report, FindingCode::Withdrawn),
        [(Some("churned_at"), 1, vec![2])]
    );
    assert_eq!(found(&report, FindingCode::Reactivated), []);
    let labels = labels(
        &records,
        &[at("2023-09-15")],
        &ChurnDefinition::cancellation(60),
        &Execution::new(),
    )
    .unwrap();
    assert_eq!(labels.rows()[0].rule, LabelRule::NotCancelled);
    assert_eq!(number(&records, "2023-09-15", "customer_tenure_days"), 257.0);
    let names = matrix(&records, "2023-09-15").feature_names().to_vec();
    assert!(
        !names.contains(&"customer_earlier_spells".to_owned()),
        "nobody has two spells"
    );
}

#[test]
fn later_knowledge_does_not_begin_a_spell_earlier() {
    // The end of the spell, in March, became known only in December.
    let late = "customer_id,signed_up_at,valid_from,churned_at,known_at\na,2023-01-01,2023-01-01,,\na,2023-01-01,2023-03-01,2023-03-01,2023-12-01\na,2023-01-01,2023-08-01,,\n";
    let (records, _) = build(late, RecordKind::Activities, "customer_id,at\na,2023-12-31\n");
    assert_eq!(number(&records, "2023-09-01", "customer_tenure_days"), 243.0);
    assert_eq!(number(&records, "2023-12-02", "customer_tenure_days"), 123.0);
    assert_eq!(number(&records, "2023-09-01", "customer_earlier_spells"), 0.0);
}

#[test]
fn ties_by_content_do_not_depend_on_the_order_given() {
    let rows = [
        "a,2023-02-01,5,x,card",
        "a,2023-02-01,5,,card",
        "a,2023-02-01,9,b,cash",
        "a,2023-02-01,7,b2,",
    ];
    let of = |order: &[usize], ties: Ties| {
        let lines: Vec<&str> = order.iter().map(|&row| rows[row]).collect();
        let table = csv(&format!(
            "customer_id,due_at,amount,payment_id,method\n{}\n",
            lines.join("\n")
        ));
        let builder = TenantRecords::builder("acme")
            .customers(csv(CUSTOMERS))
            .payments(table)
            .ties(ties);
        number(&builder.build().unwrap().0, "2023-06-01", "payments_last_paid_amount")
    };
    assert_eq!(
        (of(&[0, 1, 2, 3], Ties::Given), of(&[3, 2, 1, 0], Ties::Given)),
        (7.0, 5.0)
    );
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        assert_eq!(of(&order, Ties::Content), 5.0, "the payment with the greatest id, x");
    }
    // Events with equal times are also ordered by content if the time axis is not the event time. In this example, both
    // ratings became visible at the same time.
    let rate = |tickets: &str| {
        let builder = TenantRecords::builder("acme")
            .customers(csv(CUSTOMERS))
            .tickets(csv(tickets));
        let (records, _) = builder.ties(Ties::Content).build().unwrap();
        number(&records, "2023-06-01", "tickets_last_satisfaction")
    };
    let head = "customer_id,opened_at,satisfaction,satisfaction_at,ticket_id\n";
    let (one, other) = ("a,2023-02-01,1,2023-03-01,p\n", "a,2023-02-02,5,2023-03-01,o\n");
    assert_eq!(rate(&format!("{head}{one}{other}")), 1.0);
    assert_eq!(rate(&format!("{head}{other}{one}")), 1.0);
    assert_eq!("content".parse::<Ties>().unwrap(), Ties::Content);
    assert_eq!("both".parse::<Ties>().unwrap_err().column(), Some("ties"));
}

#[test]
fn numbers_whose_sums_would_not_be_finite_are_out_of_range() {
    let events = csv("customer_id,at,quantity\na,2023-02-01,1e308\n");
    let builder = TenantRecords::builder("acme")
        .customers(csv(CUSTOMERS))
        .activities(events);
    let error = builder.build().unwrap_err();
    assert_eq!(
        (error.code(), error.row(), error.column()),
        ("out_of_range", Some(0), Some("quantity"))
    );
    let customers = csv("customer_id,signed_up_at,seats\na,2023-01-01,-1e308\n");
    assert_eq!(
        TenantRecords::builder("acme")
            .customers(customers)
            .build()
            .unwrap_err()
            .code(),
        "out_of_range"
    );
}

#[test]
fn a_quote_that_is_never_closed_is_reported() {
    let open = "customer_id,signed_up_at,note\na,2023-01-01,x\nb,2023-01-02,\"12 inch pipe\nc,2023-01-03,y\n";
    let error = Table::from_csv(open.as_bytes()).unwrap_err();
    assert_eq!((error.code(), error.row()), ("unreadable_table", Some(1)));
    assert!(error.to_string().contains("never closed"), "{error}");
    let batches: Vec<_> = Table::csv_batches(open.as_bytes(), 1).unwrap().collect();
    assert!(batches.last().unwrap().is_err());
    for fine in [
        "a,b\n1,12\" pipe\n",
        "a,b\n1,\"say \"\"hi\"\"\"\n",
        "a,b\n1,\"two\nlines\"\n",
        "\u{feff}\"a\",\"b\"\n1,\"\"\n",
        "a,b\n\"x\"y\",2\n",
    ] {
        assert_eq!(Table::from_csv(fine.as_bytes()).unwrap().n_rows(), 1, "{fine:?}");
    }
}

#[test]
fn a_nan_is_a_missing_text_or_moment() {
    let nan = || Value::Float(f64::NAN);
    let row = |id: &str, region: Value, churned_at: Value| {
        vec![
            ("customer_id", Value::from(id)),
            ("signed_up_at", Value::from("2023-01-01")),
            ("region", region),
            ("churned_at", churned_at),
        ]
    };
    let rows = vec![row("a", nan(), nan()), row("b", Value::from("EU"), nan())];
    let builder = TenantRecords::builder("acme").customers(Table::from_values(rows).unwrap());
    let (records, report) = builder.static_attributes(StaticAttributes::All).build().unwrap();
    assert!(report.is_clean());
    let matrix = matrix(&records, "2023-02-01");
    assert!(
        matches!(matrix.column("customer_region").unwrap(), FeatureColumn::Text { levels, .. } if levels == &["EU"])
    );
    let nobody = vec![
        row("a", nan(), nan()),
        vec![("customer_id", nan()), ("signed_up_at", Value::from("2023-01-01"))],
    ];
    let error = TenantRecords::builder("acme")
        .customers(Table::from_values(nobody).unwrap())
        .build()
        .unwrap_err();
    assert_eq!(
        (error.code(), error.row(), error.column()),
        ("missing_value", Some(1), Some("customer_id"))
    );
}
