//! Tests that the eligible customers and their labels equal those that the reference computes. The reference is a slow
//! and independent implementation of the specification.

use std::collections::BTreeMap;

use churn_core::{ChurnDefinition, ErrorKind, Execution, Label, LabelRule, Labels, RecordKind, labels};
use churn_tests::journey;
use churn_tests::library::{as_of, valid_records};
use churn_tests::reference::labels::{Definition, Outcome, Table, labels as expected_labels};
use churn_tests::worlds::{Shape, world};

fn cancellation(horizon: i64, lead: i64) -> (Definition, ChurnDefinition) {
    let theirs = ChurnDefinition::cancellation(horizon as u32).with_lead(lead as u32);
    (Definition::Cancellation { horizon, lead }, theirs)
}

fn inactivity(horizon: i64, lead: i64, active_within: Option<i64>, on: Table) -> (Definition, ChurnDefinition) {
    let kind = match on {
        Table::Payments => RecordKind::Payments,
        Table::Activities => RecordKind::Activities,
    };
    let mut theirs = ChurnDefinition::inactivity(horizon as u32, kind).with_lead(lead as u32);
    if let Some(days) = active_within {
        theirs = theirs.active_within(days as u32);
    }
    let active_within = active_within.unwrap_or(horizon);
    (
        Definition::Inactivity {
            horizon,
            lead,
            active_within,
            on,
        },
        theirs,
    )
}

fn outcome(label: &Label) -> Outcome {
    let event_at = label.event_at.map(churn_core::Timestamp::as_micros);
    match (label.rule, label.churned) {
        (LabelRule::Cancelled, true) => Outcome::Churned(event_at),
        (LabelRule::Inactive, true) => Outcome::Churned(None),
        (LabelRule::NotCancelled, false) => Outcome::Retained(None),
        (LabelRule::Active, false) => Outcome::Retained(event_at),
        (LabelRule::ChurnedInLead, false) => Outcome::ChurnedInLead,
        (LabelRule::ChurnedBefore, false) => Outcome::ChurnedBefore,
        other => panic!("an unknown outcome {other:?}"),
    }
}

fn by_customer(labels: &Labels, ids: &[&str]) -> BTreeMap<String, Outcome> {
    let all = labels.rows().iter().chain(labels.excluded());
    let named = all.map(|label| (ids[label.customer as usize].to_owned(), outcome(label)));
    named.collect()
}

#[test]
fn on_random_worlds() {
    let definitions = [
        cancellation(90, 0),
        cancellation(28, 14),
        cancellation(1, 1),
        inactivity(30, 0, Some(90), Table::Payments),
        inactivity(60, 7, None, Table::Payments),
        inactivity(14, 0, None, Table::Activities),
        inactivity(45, 30, Some(400), Table::Activities),
    ];
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..400 {
        let world = world(seed, Shape::of_seed(seed));
        let records = valid_records(&world, seed);
        let ids: Vec<&str> = records.customer_ids().collect();
        for &date in &world.dates {
            for (definition, theirs) in &definitions {
                let on = match definition {
                    Definition::Inactivity {
                        on: Table::Payments, ..
                    } => world.payments.is_some(),
                    Definition::Inactivity {
                        on: Table::Activities, ..
                    } => world.activities.is_some(),
                    Definition::Cancellation { .. } => true,
                };
                let place = format!("seed {seed} as of {} ({definition:?})", as_of(date));
                let found = labels(&records, &[as_of(date)], theirs, &Execution::new().threads(1));
                let expected = expected_labels(&world, date, *definition);
                let (expected, found) = match (expected, found) {
                    (_, Err(error)) if !on => {
                        assert_eq!(error.kind(), ErrorKind::InvalidOption, "{place}");
                        continue;
                    }
                    (Err(_), Err(error)) => {
                        assert_eq!(error.kind(), ErrorKind::ImmatureLabel, "{place}: {error}");
                        *seen.entry("immature").or_default() += 1;
                        continue;
                    }
                    (Ok(expected), Ok(found)) => (expected, found),
                    (expected, found) => panic!("{place}: expected {expected:?}, found {found:?}"),
                };
                let in_order = found.rows().is_sorted_by_key(|label| label.customer);
                assert!(in_order, "{place}");
                let found = by_customer(&found, &ids);
                assert_eq!(found, expected, "{place}");
                for outcome in found.values() {
                    let name = match outcome {
                        Outcome::Churned(Some(_)) => "cancelled",
                        Outcome::Churned(None) => "inactive",
                        Outcome::Retained(Some(_)) => "active",
                        Outcome::Retained(None) => "not cancelled",
                        Outcome::ChurnedInLead => "churned in lead",
                        Outcome::ChurnedBefore => "churned before",
                    };
                    *seen.entry(name).or_default() += 1;
                }
            }
        }
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
    assert!(seen.values().all(|&times| times >= 50), "{seen:?}");
}

#[test]
fn on_complete_journey() {
    let (world, records) = (journey::world(), journey::records());
    let ids: Vec<&str> = records.customer_ids().collect();
    let mut compared = 0;
    for (definition, theirs) in [
        inactivity(30, 0, Some(90), Table::Payments),
        inactivity(60, 14, None, Table::Activities),
        cancellation(30, 0),
    ] {
        for date in ["2017-04-01", "2017-08-15", "2017-10-15", "2017-12-02"] {
            let date = journey::moment(date);
            let found = labels(&records, &[as_of(date)], &theirs, &Execution::new());
            let Ok(expected) = expected_labels(&world, date, definition) else {
                assert_eq!(found.unwrap_err().kind(), ErrorKind::ImmatureLabel);
                continue;
            };
            assert_eq!(by_customer(&found.unwrap(), &ids), expected, "{definition:?}");
            compared += expected.len();
        }
    }
    assert!(compared > 10_000, "only {compared} labels compared");
}
