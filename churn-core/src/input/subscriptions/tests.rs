use super::source::Subscription;
use super::*;
use crate::error::FindingCode;
use crate::input::table::Cell;
use crate::record::TenantRecords;

fn customers(csv: &str) -> Vec<String> {
    let table = Table::from_csv(csv.as_bytes()).unwrap();
    let (customers, _) = subscriptions_to_customers(table, None::<Table>, &StaticAttributes::None).unwrap();
    shown(&customers)
}

/// Returns every row of a table as a text that contains the dates and values of the row.
fn shown(table: &Table) -> Vec<String> {
    let names: Vec<String> = table.column_names().map(str::to_owned).collect();
    let cell = |name: &str, row: usize| match table.column(name).unwrap().cell(row) {
        Cell::Null => "-".to_owned(),
        Cell::Text(text) => text.to_owned(),
        Cell::Float(value) => format!("{value:.2}"),
        Cell::Timestamp(at) => crate::time::Timestamp::from_micros(at).unwrap().to_string()[..10].to_owned(),
        other => format!("{other:?}"),
    };
    let row = |row: usize| names.iter().map(|name| cell(name, row)).collect::<Vec<_>>().join(" ");
    (0..table.n_rows()).map(row).collect()
}

#[test]
fn a_spell_has_no_gap_and_overlapping_subscriptions_add_up() {
    let csv = "customer_id,started_at,ended_at,price,interval,plan,seats
b,2024-01-01,2024-03-01,30,month,basic,3
b,2024-02-01,2024-04-01,600,year,pro,2
b,2024-06-01,,7,week,,
a,2024-01-01,2024-02-01,90,quarter,basic,
a,2024-02-01,,3.65,day,basic,1
";
    assert_eq!(
        customers(csv),
        [
            "a 2024-01-01 - 2024-01-01 30.00 basic -",
            "a 2024-01-01 - 2024-02-01 111.02 basic 1.00",
            "b 2024-01-01 2024-04-01 2024-01-01 30.00 basic 3.00",
            "b 2024-01-01 2024-04-01 2024-02-01 80.00 pro 5.00",
            "b 2024-01-01 2024-04-01 2024-03-01 50.00 pro 2.00",
            "b 2024-06-01 - 2024-06-01 30.33 - -",
        ]
    );
}

#[test]
fn later_knowledge_is_a_row_with_a_later_known_at() {
    let csv = "customer_id,subscription_id,started_at,ended_at,price,interval,known_at
a,s,2024-01-01,,10,month,2024-01-01
a,s,2024-01-01,2024-05-01,10,month,2024-04-20
";
    assert_eq!(
        customers(csv),
        [
            "a 2024-01-01 - 2024-01-01 2024-01-01 10.00",
            "a 2024-01-01 2024-05-01 2024-01-01 2024-04-20 10.00",
        ]
    );
}

#[test]
fn undated_attributes_are_joined_only_if_static() {
    let subscriptions = "customerId,startedAt,price,interval\na,2024-01-01,10,month\n";
    let people = "customer_id,country,score\na,DE,5\nz,FR,6\n";
    let table = |csv: &str| Table::from_csv(csv.as_bytes()).unwrap();
    let named = StaticAttributes::Named(vec!["country".to_owned()]);
    let (customers, findings) = subscriptions_to_customers(table(subscriptions), Some(table(people)), &named).unwrap();
    assert_eq!(shown(&customers), ["a 2024-01-01 - 2024-01-01 10.00 DE"]);
    let found: Vec<_> = findings.iter().map(|finding| (finding.code, finding.rows)).collect();
    assert_eq!(
        found,
        [(FindingCode::UnusedColumn, 2), (FindingCode::NoSubscription, 1)]
    );

    let dated = "customer_id,valid_from,score\na,2023-01-01,5\na,2024-02-01,7\n";
    let none = StaticAttributes::None;
    let (customers, _) = subscriptions_to_customers(table(subscriptions), Some(table(dated)), &none).unwrap();
    assert_eq!(
        shown(&customers),
        ["a 2024-01-01 - 2024-01-01 10.00 5", "a 2024-01-01 - 2024-02-01 10.00 7"]
    );
    let (records, report) = TenantRecords::builder("acme").customers(customers).build().unwrap();
    assert!(report.is_clean() && records.customers.dated);
}

#[test]
fn errors_name_row_and_column() {
    let error = |csv: &str| {
        let table = Table::from_csv(csv.as_bytes()).unwrap();
        let error = subscriptions_to_customers(table, None::<Table>, &StaticAttributes::None).unwrap_err();
        (error.code(), error.row(), error.column().map(str::to_owned))
    };
    let head = "customer_id,started_at,ended_at,price,interval,currency\n";
    for (row, code, column) in [
        ("a,2024-01-01,,5,fortnight,", "bad_type", "interval"),
        ("a,2024-01-01,,much,month,", "bad_type", "price"),
        ("a,soon,,5,month,", "bad_timestamp", "started_at"),
        ("a,2024-01-01,2023-01-01,5,month,", "ends_before_start", "ended_at"),
        (
            "a,2024-01-01,,5,month,EUR\nb,2024-01-01,,5,month,USD",
            "mixed_currency",
            "currency",
        ),
        (",2024-01-01,,5,month,", "missing_value", "customer_id"),
    ] {
        let found = error(&format!("{head}{row}\n"));
        let at = u64::from(code == "mixed_currency");
        assert_eq!(found, (code, Some(at), Some(column.to_owned())), "{row}");
    }
    assert_eq!(error("customer_id,price\na,5\n").0, "missing_column");
    assert_eq!(error("customer_id,Customer ID\na,5\n").0, "duplicate_column");
}

#[test]
fn an_inclusive_end_is_reported_as_a_short_gap() {
    let codes = |csv: &str| {
        let table = Table::from_csv(csv.as_bytes()).unwrap();
        let (_, findings) = subscriptions_to_customers(table, None::<Table>, &StaticAttributes::None).unwrap();
        let shown = findings.iter().map(|finding| (finding.code, finding.examples.clone()));
        shown.collect::<Vec<_>>()
    };
    let head = "customer_id,started_at,ended_at,price,interval\n";
    let rows = "a,2024-04-01,,20,month\na,2024-01-01,2024-03-31,10,month\n";
    assert_eq!(codes(&format!("{head}{rows}")), [(FindingCode::ShortGap, vec![0])]);
    // If there is no gap, or a gap of two days, there is no finding.
    for end in ["2024-04-01", "2024-03-30"] {
        assert_eq!(codes(&format!("{head}{}", rows.replace("2024-03-31", end))), []);
    }
    // If an earlier subscription is still active, there is no gap and therefore no finding.
    assert_eq!(codes(&format!("{head}a,2024-01-01,,10,month\n{rows}")), []);
}

/// The version at a moment, computed without a sweep.
fn at(subscriptions: &[&Subscription], end: i64, moment: i64) -> versions::Version {
    let holds = |own: &&&Subscription| {
        own.started_at <= moment && (moment < own.ended_at || own.started_at == moment && own.ended_at == moment)
    };
    let own: Vec<&&Subscription> = subscriptions.iter().filter(holds).collect();
    let main = own.iter().max_by(|a, b| {
        let began = || a.started_at.cmp(&b.started_at);
        a.mrr.total_cmp(&b.mrr).then_with(began).then_with(|| a.id.cmp(&b.id))
    });
    versions::Version {
        churned_at: end,
        mrr: own.iter().map(|own| own.mrr).sum::<f64>() + 0.0,
        plan: main.and_then(|main| main.plan.clone()),
        seats: own
            .iter()
            .filter_map(|own| own.seats)
            .fold(None, |sum, seats| Some(sum.unwrap_or(0.0) + seats)),
    }
}

proptest::proptest! {
    #[test]
    fn a_sweep_finds_the_active_subscriptions(
        given in proptest::collection::vec((0i64..12, 0i64..8, 0u8..5, 0u8..3, 0u8..4), 1..30)
    ) {
        let subscription = |(row, (start, length, price, plan, id)): (usize, (i64, i64, u8, u8, u8))| Subscription {
            row,
            id: (id > 0).then(|| format!("{id}-{row}").into()),
            started_at: start,
            ended_at: if length == 7 { NEVER } else { start + length },
            mrr: f64::from(price) / 3.0,
            plan: (plan > 0).then(|| plan.to_string().into()),
            seats: (price > 2).then(|| f64::from(price) * 0.1),
            known_at: ALWAYS,
        };
        let subscriptions: Vec<Subscription> = given.into_iter().enumerate().map(subscription).collect();
        let sorted = versions::as_known(&subscriptions, ALWAYS);
        let rows = versions::versions(&subscriptions, &[3, 5, 9], &Workers::inline()).unwrap();
        proptest::prop_assert!(!rows.is_empty());
        for ((start, moment), _, version) in rows {
            let spells = versions::spells(&sorted);
            let spell = spells.iter().find(|spell| spell.start == start).unwrap();
            proptest::prop_assert_eq!(&version, &at(&spell.subscriptions, spell.end, moment));
        }
    }
}

#[test]
fn the_conversion_of_overlapping_subscriptions_can_be_cancelled() {
    let day = |n: i64| crate::time::Timestamp::from_micros(n * crate::time::MICROS_PER_DAY).unwrap();
    let csv = (0..4000).fold(
        "customer_id,started_at,ended_at,price,interval\n".to_owned(),
        |csv, n| csv + &format!("a,{},{},10,month\n", day(n), day(n + 3)),
    );
    let table = Table::from_csv(csv.as_bytes()).unwrap();
    let none = StaticAttributes::None;
    let (customers, _) = subscriptions_to_customers(table.clone(), None::<Table>, &none).unwrap();
    assert_eq!(customers.n_rows(), 4002);
    let execution = Execution::new();
    execution.cancel.cancel();
    let cancelled = subscriptions_to_customers_with(table, None::<Table>, &none, &execution);
    assert_eq!(cancelled.unwrap_err().code(), "cancelled");
}

#[test]
fn versions_that_multiply_are_refused() {
    let day = |n: i64| crate::time::Timestamp::from_micros(n * crate::time::MICROS_PER_DAY).unwrap();
    let head = "customer_id,subscription_id,started_at,ended_at,price,interval,known_at\n".to_owned();
    let csv = (0..1800).fold(head, |csv, n| {
        csv + &format!("a,s{n},{},{},10,month,{}\n", day(n), day(n + 3), day(n))
    });
    let table = Table::from_csv(csv.as_bytes()).unwrap();
    let error = subscriptions_to_customers(table, None::<Table>, &StaticAttributes::None).unwrap_err();
    assert_eq!((error.code(), error.column()), ("unreadable_table", Some("known_at")));
}
