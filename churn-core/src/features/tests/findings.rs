//! Tests of data-quality findings in validation reports.

use std::fmt::Write as _;

use super::records::{CUSTOMERS, at, build, csv, found, message};
use crate::error::{Finding, FindingCode, RecordKind, ValidationReport};
use crate::features::{ChurnDefinition, labels};
use crate::parallel::Execution;
use crate::record::TenantRecords;

#[test]
fn an_unused_column_is_reported_with_the_nearest_known_name() {
    let tickets = "customer_id,opened_at,closed_at,colour\na,2023-02-01,2023-02-02,red\na,2023-03-01,,red\n";
    let (_, report) = build(CUSTOMERS, RecordKind::Tickets, tickets);
    assert!(report.is_clean());
    assert_eq!(
        found(&report, FindingCode::UnusedColumn),
        [(Some("closed_at"), 1, vec![0]), (Some("colour"), 2, vec![0, 1])]
    );
    assert!(message(&report, FindingCode::UnusedColumn).contains("did you mean 'resolved_at'"));
    let payments = "customer_id,due_at,amount,state\na,2023-02-01,5,failed\n";
    let (_, report) = build(CUSTOMERS, RecordKind::Payments, payments);
    assert!(message(&report, FindingCode::UnusedColumn).contains("did you mean 'status'"));
    let payments = "customer_id,due_at,amount,method\na,2023-02-01,5,card\n";
    let (_, report) = build(CUSTOMERS, RecordKind::Payments, payments);
    assert_eq!(report.findings, [], "a known column");
}

#[test]
fn events_outside_spells_are_counted_with_examples() {
    let tickets = "customer_id,opened_at\na,2022-12-31\nb,2023-06-02\na,2023-02-01\na,2022-01-01\nb,2023-06-01\n";
    let (_, report) = build(CUSTOMERS, RecordKind::Tickets, tickets);
    assert!(report.is_clean());
    assert_eq!(report.table(RecordKind::Tickets).unwrap().events_before_sign_up, 2);
    assert_eq!(
        found(&report, FindingCode::BeforeSignUp),
        [(Some("opened_at"), 2, vec![0, 3])]
    );
    assert_eq!(found(&report, FindingCode::AfterEnd), [(Some("opened_at"), 1, vec![1])]);
    let shown = report.to_string();
    assert!(
        shown.contains("tickets column 'opened_at', 2 rows (0, 3): the event lies before"),
        "{shown}"
    );
    assert!(shown.contains("(after_end)"), "{shown}");
    // This customer returned. The event between the two spells is reported as `after_end`, but the event in the later
    // spell is not.
    let customers = "customer_id,signed_up_at,churned_at\na,2023-01-01,2023-03-01\na,2023-05-01,\n";
    let events = "customer_id,at\na,2023-04-01\na,2023-06-01\n";
    let (_, report) = build(customers, RecordKind::Activities, events);
    assert_eq!(found(&report, FindingCode::AfterEnd), [(Some("at"), 1, vec![0])]);
}

#[test]
fn copies_without_an_id_are_likely_duplicates() {
    let payments = "customer_id,due_at,amount,method\na,2023-02-01,5,card\na,2023-02-01,5,cash\na,2023-02-01,5,card\na,2023-03-01,5,card\na,2023-02-01,5,card\n";
    let (records, report) = build(CUSTOMERS, RecordKind::Payments, payments);
    assert_eq!(records.n_rows(RecordKind::Payments), Some(5), "nothing is set aside");
    assert_eq!(found(&report, FindingCode::LikelyDuplicate), [(None, 2, vec![2, 4])]);
    let with_ids =
        "customer_id,due_at,amount,payment_id\na,2023-02-01,5,1\na,2023-02-01,5,2\na,2023-02-01,5,\na,2023-02-01,5,\n";
    let (_, report) = build(CUSTOMERS, RecordKind::Payments, with_ids);
    assert_eq!(found(&report, FindingCode::LikelyDuplicate), [(None, 1, vec![3])]);
}

#[test]
fn a_far_date_is_reported_and_does_not_move_the_end_of_observation() {
    let mut payments = "customer_id,due_at,amount\n".to_owned();
    for month in 1..=12 {
        let _ = writeln!(payments, "a,2023-{month:02}-01,1");
    }
    let until = |records: &TenantRecords| records.observed_until(None).unwrap().to_string();
    let (records, report) = build(CUSTOMERS, RecordKind::Payments, &payments);
    assert_eq!(found(&report, FindingCode::FarDate), []);
    assert_eq!(until(&records), "2023-12-01T00:00:00.000001Z");
    assert_eq!(records.observed_until_row(None), Some((RecordKind::Payments, 11)));

    let typed = payments.replace("a,2023-06-01,1", "a,2032-06-01,1");
    let (records, report) = build(CUSTOMERS, RecordKind::Payments, &typed);
    assert!(report.is_clean());
    assert_eq!(found(&report, FindingCode::FarDate), [(Some("due_at"), 1, vec![5])]);
    assert_eq!(until(&records), "2023-12-01T00:00:00.000001Z");
    let definition = ChurnDefinition::inactivity(60, RecordKind::Payments);
    let error = labels(&records, &[at("2023-12-15")], &definition, &Execution::new()).unwrap_err();
    assert_eq!(error.code(), "immature_label");
    assert!(
        error.to_string().contains("the latest event is row 11 of payments"),
        "{error}"
    );

    // An event exactly 365 days after the previous one is not reported as a far date. An event 366 days later is
    // reported. Pending payments are ignored.
    let edge = format!("{payments}a,2024-11-30,1\n");
    assert_eq!(
        until(&build(CUSTOMERS, RecordKind::Payments, &edge).0),
        "2024-11-30T00:00:00.000001Z"
    );
    let edge = format!("{payments}a,2024-12-01,1\n");
    assert_eq!(
        found(&build(CUSTOMERS, RecordKind::Payments, &edge).1, FindingCode::FarDate).len(),
        1
    );
    let pending = format!(
        "{}a,2032-01-01,1,pending\n",
        payments.replace("amount", "amount,status").replace(",1\n", ",1,\n")
    );
    let (records, report) = build(CUSTOMERS, RecordKind::Payments, &pending);
    assert_eq!(
        (until(&records).as_str(), found(&report, FindingCode::FarDate).len()),
        ("2023-12-01T00:00:00.000001Z", 0)
    );
    let (records, _) = build(
        CUSTOMERS,
        RecordKind::Payments,
        "customer_id,due_at,amount\na,2032-01-01,1\n",
    );
    assert_eq!(
        until(&records),
        "2032-01-01T00:00:00.000001Z",
        "a single event has nothing to be far from"
    );
}

#[test]
fn empty_and_constant_columns_are_reported() {
    let customers = "customer_id,signed_up_at,churned_at,country,seats\na,2023-01-01,,DE,1\nb,2023-01-01,,DE,2\n";
    let (_, report) = build(
        customers,
        RecordKind::Activities,
        "customer_id,at,kind\na,2023-02-01,\n",
    );
    assert_eq!(
        found(&report, FindingCode::EmptyColumn),
        [(Some("churned_at"), 2, vec![]), (Some("kind"), 1, vec![])]
    );
    assert_eq!(
        found(&report, FindingCode::ConstantColumn),
        [(Some("country"), 2, vec![])]
    );
}

#[test]
fn findings_of_many_tenants_and_batches_are_joined() {
    let customers = "tenant_id,customer_id,signed_up_at\nx,a,2023-01-01\ny,a,2023-01-01\n";
    let tickets = "tenant_id,customer_id,opened_at,closed_at\nx,a,2022-02-01,z\ny,a,2022-02-01,z\n";
    let builder = TenantRecords::builder("all")
        .customers(csv(customers))
        .tickets(csv(tickets));
    let partition = builder.partition().unwrap();
    let mut all = ValidationReport::default();
    partition
        .tenants
        .into_values()
        .for_each(|(_, report)| all.merge(report));
    assert_eq!(
        found(&all, FindingCode::BeforeSignUp),
        [(Some("opened_at"), 2, vec![0, 1])]
    );
    assert_eq!(
        found(&all, FindingCode::UnusedColumn),
        [(Some("closed_at"), 2, vec![0, 1])]
    );
    let json = serde_json::to_value(&all.findings).unwrap();
    assert_eq!(json[0]["code"], "unused_column");
    assert_eq!(
        (&json[0]["table"], &json[0]["examples"]),
        (&"tickets".into(), &serde_json::json!([0, 1]))
    );
    let many = Finding::new(
        FindingCode::FarDate,
        RecordKind::Payments,
        None,
        9,
        (0..9).rev().collect(),
        "far",
    );
    assert_eq!(many.examples, [0, 1, 2, 3, 4]);
}

#[test]
fn isolated_dates_at_either_end_are_reported() {
    let daily = |extra: &[&str]| {
        let mut csv = "customer_id,due_at,amount\n".to_owned();
        for day in 0..240 {
            let _ = writeln!(csv, "a,{},1", at("2023-02-01").timestamp().plus_days(day));
        }
        extra.iter().for_each(|date| csv.push_str(&format!("a,{date},1\n")));
        let (records, report) = build(CUSTOMERS, RecordKind::Payments, &csv);
        let isolated = report
            .findings
            .into_iter()
            .find(|one| one.code == FindingCode::IsolatedDate);
        (records, isolated.map(|one| (one.rows, one.examples)))
    };
    assert_eq!(daily(&["2023-10-01"]).1, None, "two days after the last day");
    let (records, late) = daily(&["2023-11-08"]);
    assert_eq!(late, Some((1, vec![240])));
    // The finding does not change the records: the history still ends with this event.
    assert_eq!(records.observed_until_row(None), Some((RecordKind::Payments, 240)));
    let (_, both) = daily(&["2023-11-08", "1970-01-01"]);
    assert_eq!(both, Some((2, vec![240, 241])));
    // A date that is more than a year late is reported as a far date instead. The other dates are then checked without
    // this date, and none of them is isolated.
    let (_, found) = daily(&["2032-01-01"]);
    assert_eq!(found, None);
}

/// A payments table in which customer `a` has one payment a day for 240 days from 2023-02-01. Days in `missing`
/// (counted from 0) have no payment.
fn daily_payments(missing: std::ops::Range<i64>) -> String {
    let mut csv = "customer_id,due_at,amount\n".to_owned();
    for day in (0..240).filter(|day| !missing.contains(day)) {
        let _ = writeln!(csv, "a,{},1", at("2023-02-01").timestamp().plus_days(day));
    }
    csv
}

#[test]
fn a_month_without_events_is_reported() {
    let (_, report) = build(CUSTOMERS, RecordKind::Payments, &daily_payments(0..0));
    assert_eq!(found(&report, FindingCode::MissingPeriod), []);
    let (_, report) = build(CUSTOMERS, RecordKind::Payments, &daily_payments(100..130));
    assert_eq!(
        found(&report, FindingCode::MissingPeriod),
        [(Some("due_at"), 0, vec![])]
    );
    let text = message(&report, FindingCode::MissingPeriod);
    assert!(
        text.contains("between 2023-05-11") && text.contains("and 2023-06-11"),
        "{text}"
    );
    // If the caller sets the end of the history long after the last event, the time between the two is also reported as
    // a missing period.
    let builder = TenantRecords::builder("acme")
        .customers(csv(CUSTOMERS))
        .payments(csv(&daily_payments(0..0)))
        .observed_until(at("2023-12-15").timestamp());
    let (_, report) = builder.build().unwrap();
    assert_eq!(found(&report, FindingCode::MissingPeriod).len(), 1);
}

/// An activities table in which customer `a` has activities on the given days (counted from 2023-02-01). `each` is the
/// number of activities per day.
fn activities(each: usize, days: impl Iterator<Item = i64>) -> String {
    let mut csv = "customer_id,at\n".to_owned();
    for day in days {
        let date = at("2023-02-01").timestamp().plus_days(day).to_string();
        (0..each).for_each(|_| csv.push_str(&format!("a,{date}\n")));
    }
    csv
}

/// Builds records from payments and activities. Returns the table, code and row count of each finding about times.
fn of_times(payments: &str, activities: &str) -> Vec<(RecordKind, FindingCode, u64)> {
    let builder = TenantRecords::builder("acme")
        .customers(csv(CUSTOMERS))
        .payments(csv(payments));
    let (_, report) = builder.activities(csv(activities)).build().unwrap();
    let codes = [
        FindingCode::MissingPeriod,
        FindingCode::LateStart,
        FindingCode::IsolatedDate,
    ];
    let findings = report.findings.iter().filter(|one| codes.contains(&one.code));
    findings.map(|one| (one.table, one.code, one.rows)).collect()
}

#[test]
fn a_feed_that_stops_a_few_days_before_the_others_is_reported() {
    let payments = daily_payments(0..0);
    let kind = RecordKind::Activities;
    assert_eq!(of_times(&payments, &activities(20, 0..240)), []);
    assert_eq!(of_times(&payments, &activities(20, 0..237)), []);
    assert_eq!(
        of_times(&payments, &activities(20, 0..236)),
        [(kind, FindingCode::MissingPeriod, 0)]
    );
    // If invoices are paid before they are due, the default end of the history is later than the export.
    let mut ahead = daily_payments(0..0);
    (240..265).for_each(|day| {
        let due = at("2023-02-01").timestamp().plus_days(day);
        let _ = writeln!(ahead, "a,{due},1");
    });
    assert_eq!(
        of_times(&ahead, &activities(20, 0..240)),
        [(kind, FindingCode::MissingPeriod, 0)]
    );
}

#[test]
fn events_of_wrong_clocks_are_reported() {
    let payments = daily_payments(0..0);
    let clocks = activities(20, 0..240) + activities(1, 240..250).split_once('\n').unwrap().1;
    let found = of_times(&payments, &clocks);
    assert_eq!(found, [(RecordKind::Activities, FindingCode::IsolatedDate, 10)]);
}

#[test]
fn a_table_that_starts_long_after_the_others_is_reported() {
    let payments = daily_payments(0..0);
    assert_eq!(of_times(&payments, &activities(5, 90..240)), []);
    assert_eq!(
        of_times(&payments, &activities(5, 91..240)),
        [(RecordKind::Activities, FindingCode::LateStart, 0)]
    );
}

#[test]
fn upgrades_that_look_like_churn_and_return_are_reported() {
    let returning = |again: &str| {
        let customers =
            format!("customer_id,signed_up_at,churned_at\na,2023-01-01,2023-06-01\na,{again},\nb,2023-01-01,\n");
        let payments = "customer_id,due_at,amount\nb,2023-02-01,1\n";
        let (_, report) = build(&customers, RecordKind::Payments, payments);
        found(&report, FindingCode::ShortGap).len()
    };
    assert_eq!(
        ["2023-06-01", "2023-06-02T23:00:00", "2023-06-03"].map(returning),
        [1, 1, 0]
    );
}

#[test]
fn seconds_that_were_read_as_milliseconds_are_reported() {
    let customers = "customer_id,signed_up_at\na,1970-01-20\nb,2023-01-01\n";
    let payments = "customer_id,due_at,amount\nb,1970-01-20,1\na,2023-01-01,1\nb,2023-01-02,1\n";
    let (_, report) = build(customers, RecordKind::Payments, payments);
    assert_eq!(
        found(&report, FindingCode::EarlyDate),
        [(Some("signed_up_at"), 1, vec![0]), (Some("due_at"), 1, vec![0])]
    );
}

#[test]
fn customers_who_are_unknown_long_after_their_sign_up_are_reported() {
    let customers = |from: &str| {
        let mut csv = "customer_id,signed_up_at,valid_from\n".to_owned();
        for number in 0..60 {
            // Every third row was edited.
            let valid_from = if number % 3 == 0 { from } else { "2023-01-01" };
            let _ = writeln!(csv, "c{number},2023-01-01,{valid_from}");
        }
        let (_, report) = build(
            &csv,
            RecordKind::Payments,
            "customer_id,due_at,amount\nc1,2023-02-01,1\n",
        );
        found(&report, FindingCode::LateVersion)
            .into_iter()
            .map(|(column, rows, _)| (column.map(str::to_owned), rows))
            .collect::<Vec<_>>()
    };
    assert_eq!(customers("2023-01-20"), []);
    assert_eq!(customers("2024-05-01"), [(Some("valid_from".to_owned()), 20)]);
}

#[test]
fn scheduled_ends_are_reported() {
    let ends = |columns: &str, values: &str| {
        let customers = format!("customer_id,signed_up_at,churned_at{columns}\na,2023-01-01,\nb,2023-01-01,{values}\n");
        let customers = if columns.is_empty() {
            customers
        } else {
            customers.replace("01-01,\n", "01-01,,\n")
        };
        let (_, report) = build(&customers, RecordKind::Payments, &daily_payments(0..0));
        found(&report, FindingCode::ScheduledEnd).len()
    };
    // The last payment is on 2023-09-28.
    assert_eq!((ends("", "2023-09-29"), ends("", "2023-10-15")), (0, 1));
    // Dates such as 2099-12-31 stand for an open end.
    assert_eq!(ends("", "2099-12-31"), 0);
    // If the caller sets the end of the history, the next day is after it.
    let customers = "customer_id,signed_up_at,churned_at\na,2023-01-01,\nb,2023-01-01,2023-10-02\n";
    let builder = TenantRecords::builder("t")
        .customers(csv(customers))
        .payments(csv(&daily_payments(0..0)));
    let (_, report) = builder.observed_until("2023-10-01".parse().unwrap()).build().unwrap();
    assert_eq!(found(&report, FindingCode::ScheduledEnd).len(), 1);
    assert_eq!(ends(",notice_at", "2023-10-15,2023-09-01"), 0);
}

#[test]
fn settled_payments_without_a_settlement_are_reported() {
    let payments = "customer_id,due_at,amount,status,settled_at\na,2023-02-01,5,failed,\na,2023-03-01,5,paid,2023-03-02\na,2023-04-01,5,pending,\na,2023-05-01,5,,\n";
    let (_, report) = build(CUSTOMERS, RecordKind::Payments, payments);
    assert_eq!(
        found(&report, FindingCode::MissingSettlement),
        [(Some("settled_at"), 1, vec![0])]
    );
}

#[test]
fn mistyped_years_in_other_columns_are_reported() {
    let far = |kind: RecordKind, csv: &str| {
        let (_, report) = build(CUSTOMERS, kind, csv);
        let both = [FindingCode::FarDate, FindingCode::EarlyDate];
        let found = both.iter().flat_map(|code| found(&report, *code));
        found
            .map(|(column, rows, _)| (column.map(str::to_owned), rows))
            .collect::<Vec<_>>()
    };
    let one = |column: &str| vec![(Some(column.to_owned()), 1)];
    let payments = |settled_at: &str| {
        let csv =
            format!("customer_id,due_at,amount,settled_at\na,2023-02-01,5,{settled_at}\na,2023-03-01,5,2023-03-01\n");
        far(RecordKind::Payments, &csv)
    };
    assert_eq!(payments("2023-02-03"), []);
    assert_eq!(payments("2052-02-03"), one("settled_at"));
    let tickets = |resolved_at: &str| {
        far(
            RecordKind::Tickets,
            &format!("customer_id,opened_at,resolved_at\na,2023-02-01,{resolved_at}\n"),
        )
    };
    assert_eq!(tickets("2023-02-03"), []);
    assert_eq!(tickets("2052-02-03"), one("resolved_at"));
    let ends = |churned_at: &str| {
        let customers = format!("customer_id,signed_up_at,churned_at\na,2023-01-01,{churned_at}\n");
        let (_, report) = build(
            &customers,
            RecordKind::Payments,
            "customer_id,due_at,amount\na,2023-02-01,5\n",
        );
        found(&report, FindingCode::FarDate).len()
    };
    assert_eq!((ends("2023-06-01"), ends("2052-06-01")), (0, 1));
    assert_eq!((ends("2099-12-31"), ends("9999-12-31"), ends("2050-01-01")), (0, 0, 0));
}

#[test]
fn statuses_without_any_settlement_date_are_reported() {
    let unsettled = |payments: &str| {
        let payments = format!("customer_id,due_at,amount,status\n{payments}");
        let (_, report) = build(CUSTOMERS, RecordKind::Payments, &payments);
        let found = found(&report, FindingCode::MissingSettlement);
        found.into_iter().flat_map(|(_, _, rows)| rows).collect::<Vec<_>>()
    };
    assert_eq!(unsettled("a,2023-02-01,5,paid\na,2023-03-01,5,failed\n"), [1]);
    // An open invoice is overdue if it was due before the last settled payment.
    let open = "a,2023-02-01,5,paid\na,2023-03-01,5,pending\na,2023-04-01,5,paid\na,2023-05-01,5,pending\n";
    assert_eq!(unsettled(open), [1]);
    assert_eq!(unsettled("a,2023-02-01,5,paid\na,2023-05-01,5,pending\n"), [0u64; 0]);
    assert_eq!(unsettled("a,2023-02-01,5,\na,2023-05-01,5,\n"), [0u64; 0]);
}

#[test]
fn a_notice_or_an_end_that_is_only_in_a_later_row_is_reported() {
    for (column, code) in [
        ("notice_at", FindingCode::LateNotice),
        ("churned_at", FindingCode::LateEnd),
    ] {
        let late = |before: &str, valid_from: &str, time: &str| {
            let customers = format!(
                "customer_id,signed_up_at,valid_from,{column}\na,2023-01-01,2023-01-01,{before}\na,2023-01-01,{valid_from},{time}\n"
            );
            let (_, report) = build(
                &customers,
                RecordKind::Payments,
                "customer_id,due_at,amount\na,2023-02-01,5\n",
            );
            let found = found(&report, code);
            found.into_iter().flat_map(|(_, _, rows)| rows).collect::<Vec<_>>()
        };
        assert_eq!(late("", "2023-03-10", "2023-03-01"), [1], "{column}");
        assert_eq!(late("2023-03-01", "2023-03-10", "2023-03-01"), [0u64; 0], "{column}");
        assert_eq!(late("", "2023-03-01", "2023-03-01"), [0u64; 0], "{column}");
        assert_eq!(late("", "2023-03-10", ""), [0u64; 0], "{column}");
    }
}

#[test]
fn activities_given_twice_with_new_ids_are_reported() {
    let activities = |time: &str, second_ids: bool| {
        let mut csv = "customer_id,at,activity_id\n".to_owned();
        for copy in 0..2 {
            for day in 1..=15 {
                let id = match (copy, second_ids) {
                    (1, false) => String::new(),
                    _ => format!("{copy}-{day}"),
                };
                let _ = writeln!(csv, "a,2023-02-{day:02}{time},{id}");
            }
        }
        let (_, report) = build(CUSTOMERS, RecordKind::Activities, &csv);
        found(&report, FindingCode::LikelyDuplicate)
            .into_iter()
            .map(|(column, rows, _)| (column.map(str::to_owned), rows))
            .collect::<Vec<_>>()
    };
    let renamed = [(Some("activity_id".to_owned()), 15)];
    assert_eq!(activities("T10:30:00", true), renamed);
    // The first copy of each activity has an id, and the second copy has none.
    assert_eq!(activities("T10:30:00", false), renamed);
    // If the times are only dates, two activities on one day are usual, so there is no finding.
    assert_eq!(activities("", true), []);
}

#[test]
fn an_attribute_with_the_name_of_a_known_column_is_reported() {
    let similar = |customers: &str| {
        let (_, report) = build(customers, RecordKind::Activities, "customer_id,at\na,2023-02-01\n");
        let found = found(&report, FindingCode::SimilarColumn);
        found
            .into_iter()
            .map(|(column, ..)| column.map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let customers = "customer_id,signed_up_at,cancelled_on,renew_at,region\na,2023-01-01,2023-06-01,2024-01-01,north\n";
    assert_eq!(
        similar(customers),
        [Some("cancelled_on".to_owned()), Some("renew_at".to_owned())]
    );
    let both = "customer_id,signed_up_at,cancelled_on,churned_at\na,2023-01-01,2023-06-01,2023-06-01\n";
    assert_eq!(similar(both), []);
}

#[test]
fn spells_that_overlap_are_reported() {
    let customers = "customer_id,signed_up_at,churned_at\na,2023-01-01T10:00:00,\na,2023-01-01,2023-06-01\nb,2023-01-01,2023-02-01\nb,2023-03-01,\n";
    let (_, report) = build(customers, RecordKind::Activities, "customer_id,at\na,2023-02-01\n");
    assert_eq!(
        found(&report, FindingCode::OverlappingSpells),
        [(Some("signed_up_at"), 1, vec![0])]
    );
}

#[test]
fn a_time_of_import_as_known_at_is_reported() {
    let rows = |known_at: &dyn Fn(i64) -> String| {
        let mut text = "customer_id,at,known_at\n".to_owned();
        for day in 1..=28 {
            let _ = writeln!(text, "a,2023-02-{day:02},{}", known_at(day));
        }
        let (_, report) = build(CUSTOMERS, RecordKind::Activities, &text);
        found(&report, FindingCode::KnownLate)
            .into_iter()
            .map(|(_, rows, _)| rows)
            .collect::<Vec<_>>()
    };
    assert_eq!(rows(&|_| "2024-01-01".to_owned()), [28]);
    assert_eq!(rows(&|day| format!("2023-02-{day:02}T06:00:00")), Vec::<u64>::new());
    // If fewer than half of the rows became known late, there is no finding.
    assert_eq!(
        rows(&|day| if day < 10 {
            "2024-01-01".to_owned()
        } else {
            String::new()
        }),
        Vec::<u64>::new()
    );
}

#[test]
fn payments_without_the_status_that_others_have_are_reported() {
    let payments = "customer_id,due_at,settled_at,amount,status\na,2023-02-01,2023-02-01,5,failed\na,2023-03-01,2023-03-02,5,\na,2023-04-01,,5,\n";
    let (_, report) = build(CUSTOMERS, RecordKind::Payments, payments);
    assert_eq!(
        found(&report, FindingCode::MissingStatus),
        [(Some("status"), 1, vec![1])]
    );
    let none = payments.replace("failed", "");
    let (_, report) = build(CUSTOMERS, RecordKind::Payments, &none);
    assert_eq!(found(&report, FindingCode::MissingStatus), []);
}

#[test]
fn a_table_given_twice_with_new_ids_is_reported() {
    let row = |id: &str, day: u32| format!("a,2023-02-{day:02},5,{id}{day}\n");
    let once: String = (1..=28).map(|day| row("i", day)).collect();
    let twice: String = (1..=28).map(|day| row("j", day)).collect();
    let head = "customer_id,due_at,amount,payment_id\n";
    let (_, report) = build(CUSTOMERS, RecordKind::Payments, &format!("{head}{once}{twice}"));
    assert_eq!(
        found(&report, FindingCode::LikelyDuplicate),
        [(Some("payment_id"), 28, vec![28, 29, 30, 31, 32])]
    );
    // If only two payments are equal to each other, there is no finding.
    let (_, report) = build(CUSTOMERS, RecordKind::Payments, &format!("{head}{once}{}", row("j", 3)));
    assert_eq!(found(&report, FindingCode::LikelyDuplicate), []);
}

#[test]
fn amounts_of_zero_or_less_are_reported() {
    let payments = "customer_id,due_at,amount\na,2023-02-01,5\na,2023-03-01,-5\na,2023-04-01,0\n";
    let (_, report) = build(CUSTOMERS, RecordKind::Payments, payments);
    assert_eq!(
        found(&report, FindingCode::NotPositive),
        [(Some("amount"), 2, vec![1, 2])]
    );
}

#[test]
fn a_period_outside_the_history_that_was_set_is_not_missing() {
    let missing = |from: Option<&str>, until: Option<&str>| {
        let mut builder = TenantRecords::builder("acme")
            .customers(csv(CUSTOMERS))
            .payments(csv(&daily_payments(100..130)));
        if let Some(from) = from {
            builder = builder.observed_from(at(from).timestamp());
        }
        if let Some(until) = until {
            builder = builder.observed_until(at(until).timestamp());
        }
        let (_, report) = builder.build().unwrap();
        found(&report, FindingCode::MissingPeriod).len()
    };
    // The period without events is from 2023-05-12 to 2023-06-10.
    assert_eq!(missing(None, None), 1);
    assert_eq!(missing(Some("2023-06-11"), None), 0);
    assert_eq!(missing(None, Some("2023-05-12")), 0);
}
