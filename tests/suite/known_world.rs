//! Tests the synthetic tenants with known risk. Their rows must be valid and reproducible byte for byte, and their
//! options must have the documented effects. Their true risks must be calibrated and must use nothing from the future.

use std::collections::BTreeSet;

use churn_core::synthetic::{PlantedLeak, WorldColumn, WorldOptions, WorldTables, world};
use churn_core::{
    AsOf, ChurnDefinition, Execution, Horizon, IssueCode, LabelRule, OnInvalid, RecordKind, TenantRecords, Timestamp,
    columns_of, features, labels, metrics,
};

fn small(seed: u64) -> WorldOptions {
    WorldOptions::default()
        .with_seed(seed)
        .with_tenants(2)
        .with_customers(120)
}

fn bytes(tables: &WorldTables) -> Vec<u8> {
    RecordKind::ALL
        .into_iter()
        .flat_map(|kind| tables.table(kind).to_bytes())
        .collect()
}

/// Returns the FNV-1a hash of bytes. This hash is sufficient to detect a change of the rows.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn the_default_world_is_frozen() {
    let world = world(&WorldOptions::default().with_seed(1).with_customers(40)).unwrap();
    let all: Vec<u8> = world
        .tenants()
        .iter()
        .flat_map(|tenant| bytes(&tenant.tables().unwrap()))
        .collect();
    let truth = world.truth(world.dates()[0]).unwrap();
    let risks: Vec<u8> = truth
        .iter()
        .flat_map(|risk| risk.probability.to_bits().to_le_bytes())
        .collect();
    assert_eq!(
        (hash(&all), hash(&risks)),
        (0x34bb_7709_a780_6ed5, 0x2373_d493_c0fa_53bc),
        "{:#x} {:#x}",
        hash(&all),
        hash(&risks)
    );
}

#[test]
fn one_seed_one_world_whatever_the_threads_and_batches() {
    let made = |threads, seed| {
        let options = small(seed)
            .with_execution(Execution::new().threads(threads))
            .with_customers(600);
        world(&options).unwrap()
    };
    let (one, three, other) = (made(1, 7), made(3, 7), made(1, 8));
    let tables = one.tenants()[0].tables().unwrap();
    assert!(tables == three.tenants()[0].tables().unwrap());
    assert!(bytes(&tables) != bytes(&other.tenants()[0].tables().unwrap()));
    assert!(bytes(&tables) != bytes(&one.tenants()[1].tables().unwrap()));
    assert_eq!(one.truth(one.dates()[0]).unwrap(), three.truth(one.dates()[0]).unwrap());

    let batched: Vec<WorldTables> = one.tenants()[0].batches(70).map(Result::unwrap).collect();
    assert_eq!(batched.len(), 9);
    for kind in RecordKind::ALL {
        let rows: usize = batched.iter().map(|batch| batch.table(kind).n_rows()).sum();
        assert_eq!(rows, tables.table(kind).n_rows());
    }
    let ids = |tables: &WorldTables| match tables.payments.column("payment_id") {
        Some(WorldColumn::Texts(ids)) => ids.clone(),
        _ => panic!("no ids"),
    };
    let together: Vec<Box<str>> = batched.iter().flat_map(ids).collect();
    assert_eq!(together, ids(&tables));
}

#[test]
fn every_world_is_valid_and_varied() {
    let mut refunds = 0;
    let mut reopened = 0;
    let mut back = 0;
    for seed in 0..8 {
        let options = small(seed).with_dated(seed % 4 != 3);
        for tenant in world(&options).unwrap().tenants() {
            let tables = tenant.tables().unwrap();
            let column = |kind, name| tables.table(kind).column(name).cloned();
            for kind in RecordKind::ALL {
                for spec in columns_of(kind).iter().filter(|spec| spec.name != "tenant_id") {
                    let undated = !options.dated
                        && matches!(spec.name, "valid_from" | "known_at")
                        && kind == RecordKind::Customers;
                    assert_eq!(column(kind, spec.name).is_none(), undated, "{kind} {}", spec.name);
                }
            }
            let filled = |kind, name| match column(kind, name) {
                Some(WorldColumn::Moments(values)) => values.iter().flatten().count(),
                _ => panic!("{name}"),
            };
            refunds += filled(RecordKind::Payments, "refunded_at");
            reopened += filled(RecordKind::Tickets, "reopened_at");
            assert!(filled(RecordKind::Activities, "known_at") > 0);
            let spells: BTreeSet<(Box<str>, Option<i64>)> = match (
                column(RecordKind::Customers, "customer_id"),
                column(RecordKind::Customers, "signed_up_at"),
            ) {
                (Some(WorldColumn::Texts(ids)), Some(WorldColumn::Moments(at))) => ids.into_iter().zip(at).collect(),
                _ => panic!("no spells"),
            };
            back += spells.len() - 120;
            let (records, report) = tables.add_to(tenant.empty_records()).build().unwrap();
            assert!(report.is_clean());
            assert_eq!(records.n_customers(), 120);
        }
    }
    assert!(
        refunds > 20 && reopened > 100 && back > 20,
        "{refunds} {reopened} {back}"
    );
}

#[test]
fn the_truth_covers_the_eligible_customers_and_their_outcomes() {
    let options = small(3).with_customers(400).with_late_known(0.5).with_paths(1);
    for tenant in world(&options).unwrap().tenants() {
        let records = tenant.records().unwrap().build().unwrap().0;
        let ids: Vec<&str> = records.customer_ids().collect();
        let mut late = 0;
        let periods = [(90, 0), (30, 0), (60, 45), (14, 10), (200, 0)];
        for (step, (days, lead)) in (0..40).zip(periods.into_iter().cycle()) {
            let horizon = Horizon { days, lead };
            let back = i64::from(days + lead) + 11 * step;
            let as_of = AsOf::new(tenant.observed_until().plus_days(-back));
            let definition = ChurnDefinition::Cancellation { horizon };
            let found = labels(&records, &[as_of], &definition, &Execution::new()).unwrap();
            let truth = tenant.truth_within(as_of, horizon).unwrap();
            let theirs = truth.iter().map(|risk| (risk.customer_id.as_str(), risk.churned));
            let ours = found.rows().iter();
            let ours = ours.map(|row| (ids[row.customer as usize], Some(row.churned)));
            assert!(truth.len() > 100 && ours.eq(theirs), "{as_of} {horizon:?}");
            let excluded = found.excluded().iter();
            late += excluded.filter(|row| row.rule == LabelRule::ChurnedBefore).count();
        }
        assert!(late > 0);
        let unknown = tenant.truth(AsOf::new(tenant.observed_until())).unwrap();
        assert!(unknown.len() > 100 && unknown.iter().all(|risk| risk.churned.is_none()));
    }
}

#[test]
fn the_truth_is_calibrated_and_the_defaults_are_honest() {
    // The dates lie at least one label period apart, so the labels of a customer at different dates are independent.
    // The difference between the observed and the expected number of churners, divided by its standard deviation, is
    // therefore approximately normal.
    let (mut expected, mut churned, mut variance, mut rows) = (0.0, 0.0, 0.0, 0);
    let mut upper = (0.0, 0.0, 0.0);
    let (mut labels, mut risks) = (vec![], vec![]);
    for seed in 0..12 {
        let options = WorldOptions::default()
            .with_seed(seed)
            .with_tenants(1)
            .with_customers(700)
            .with_paths(24);
        let world = world(&options).unwrap();
        for date in world.dates().into_iter().step_by(2) {
            for risk in world.truth(date).unwrap() {
                let (p, y) = (risk.probability, f64::from(u8::from(risk.churned.unwrap())));
                assert!((0.0..=1.0).contains(&p));
                rows += 1;
                (expected, churned, variance) = (expected + p, churned + y, variance + p * (1.0 - p));
                if p > 0.2 {
                    upper = (upper.0 + p, upper.1 + y, upper.2 + p * (1.0 - p));
                }
                labels.push(y > 0.5);
                risks.push(p);
            }
        }
    }
    let z = (churned - expected) / f64::sqrt(variance);
    assert!(
        rows > 10_000 && z.abs() < 3.0,
        "{churned} of {rows} left, {expected} expected: {z} sd"
    );
    // The risks must also be calibrated if only the customers at high risk are counted. The risks are noisy, because only
    // a few futures are simulated for each customer. The limit is therefore wider than above.
    let z = (upper.1 - upper.0) / f64::sqrt(upper.2);
    assert!(z.abs() < 3.5, "{upper:?}: {z} sd");
    let rate = churned / f64::from(rows);
    assert!((0.03..0.10).contains(&rate), "{rate}");
    let auc = metrics::roc_auc(&labels, &risks).unwrap();
    assert!((0.70..0.85).contains(&auc), "{auc}");
}

#[test]
fn a_shift_and_hidden_reasons_change_the_truth() {
    let risks = |options: WorldOptions| {
        let world = world(&options.with_paths(16)).unwrap();
        let truth = world.truth(world.dates()[0]).unwrap();
        let p: Vec<f64> = truth.iter().map(|risk| risk.probability).collect();
        let y: Vec<bool> = truth.iter().map(|risk| risk.churned.unwrap()).collect();
        let rate = y.iter().filter(|y| **y).count() as f64 / y.len() as f64;
        (p.iter().sum::<f64>() / p.len() as f64, rate)
    };
    let plain = risks(small(5).with_customers(800));
    let shifted = risks(small(5).with_customers(800).with_base_rate_shift(1.0));
    assert!(
        shifted.0 > 1.7 * plain.0 && shifted.1 > 1.4 * plain.1,
        "{plain:?} {shifted:?}"
    );
    let hidden = risks(small(5).with_customers(800).with_hidden(1.0));
    let drifting = risks(small(5).with_customers(800).with_drift(1.0));
    assert!(
        hidden != plain && drifting != plain && hidden.0 > 0.02 && drifting.0 > 0.02,
        "{hidden:?} {drifting:?}"
    );
}

#[test]
fn options_damage_the_data_as_documented() {
    let refused = |options: WorldOptions| {
        let tenant = &world(&options).unwrap().tenants()[0].clone();
        let build = |policy| tenant.records().unwrap().on_invalid(policy).build();
        let error = build(OnInvalid::Refuse).unwrap_err();
        let (_, report) = build(OnInvalid::Quarantine).unwrap();
        let codes: BTreeSet<&'static str> = report.issues.iter().map(|issue| issue.code.as_str()).collect();
        assert!(codes.contains(error.code()));
        codes
    };
    let only = |codes: BTreeSet<&'static str>, expected: &[IssueCode]| {
        assert_eq!(codes, expected.iter().map(|code| code.as_str()).collect())
    };
    only(
        refused(small(1).with_duplicates(0.02)),
        &[IssueCode::DuplicateId, IssueCode::DuplicateVersion],
    );
    only(
        refused(small(1).with_events_without_customer(0.02)),
        &[IssueCode::UnknownCustomer],
    );
    only(refused(small(1).with_unknown_ids(0.02)), &[IssueCode::WrongTenant]);
}

#[test]
fn mixed_tenants_are_partitioned() {
    let world = world(&small(2)).unwrap();
    let mixed = world.mixed().unwrap();
    let partition = mixed.add_to(TenantRecords::builder("all")).partition().unwrap();
    assert_eq!(partition.tenants.len(), 2);
    for tenant in world.tenants() {
        let (records, report) = &partition.tenants[tenant.id()];
        assert!(report.is_clean());
        let alone = tenant.records().unwrap().build().unwrap().0;
        for kind in RecordKind::ALL {
            assert_eq!(records.n_rows(kind), alone.n_rows(kind));
        }
    }
}

#[test]
fn all_fifty_leaks_predict_the_outcome() {
    let leaks: Vec<PlantedLeak> = PlantedLeak::all().collect();
    let names: BTreeSet<&str> = leaks.iter().map(|leak| leak.name()).collect();
    assert_eq!((leaks.len(), names.len()), (50, 50));
    assert!(
        leaks
            .iter()
            .all(|leak| leak.name().parse::<PlantedLeak>().unwrap() == *leak && !leak.meaning().is_empty())
    );
    assert_eq!("nothing".parse::<PlantedLeak>().unwrap_err().code(), "invalid_option");
    let tables = |leaks| {
        let options = small(4).with_leaks(leaks).with_tenants(1).with_customers(400);
        world(&options).unwrap().tenants()[0].tables().unwrap()
    };
    let (leaking, plain) = (tables(leaks.clone()), tables(vec![]));
    assert!(leaking.payments == plain.payments && leaking.activities == plain.activities);
    let Some(WorldColumn::Bools(gone)) = leaking.customers.column("churned") else {
        panic!("no outcome")
    };
    for leak in leaks {
        // The leaking column divides the customers into groups: customers with the same bool, with similar texts, with
        // numbers of the same range (even or odd numbers for `shard`), or without a number. The outcome must differ
        // between the groups.
        let keys: Vec<String> = match leaking.customers.column(leak.name()).unwrap() {
            WorldColumn::Texts(values) => values.iter().map(|text| first(text)).collect(),
            WorldColumn::Bools(values) => values.iter().map(|value| format!("{value:?}")).collect(),
            WorldColumn::Numbers(values) => {
                let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
                sorted.sort_by(f64::total_cmp);
                let cuts: Vec<f64> = (1..8).map(|k| sorted[(sorted.len() - 1) * k / 8]).collect();
                let odd = leak.name() == "shard";
                let key = |value: &f64| match odd {
                    true => format!("{}", value % 2.0),
                    false if value.is_nan() => "missing".to_owned(),
                    false => format!("{}", cuts.partition_point(|cut| cut < value)),
                };
                values.iter().map(key).collect()
            }
            other => panic!("{other:?}"),
        };
        let mut groups = std::collections::BTreeMap::<&str, (f64, f64)>::new();
        for (key, gone) in keys.iter().zip(gone) {
            let group = groups.entry(key).or_default();
            group.0 += 1.0;
            group.1 += f64::from(u8::from(*gone == Some(true)));
        }
        // The explained share of the variance is the variance of the outcome between groups, divided by the total
        // variance of the outcome.
        let (rows, churned) = groups
            .values()
            .fold((0.0, 0.0), |sum, group| (sum.0 + group.0, sum.1 + group.1));
        let mean = churned / rows;
        let between: f64 = groups.values().map(|(n, k)| n * (k / n - mean) * (k / n - mean)).sum();
        let explained = between / (rows * mean * (1.0 - mean));
        // Two kinds of leaking columns explain less than the others. The label of a single date says little about the
        // outcome in the whole history. A lifetime says little unless it is combined with the sign-up date.
        let weak = leak.name().starts_with("label") || leak.name().starts_with("lifetime");
        let least = if weak { 0.04 } else { 0.15 };
        assert!(explained > least, "{leak:?} explains {explained}");
    }
}

/// Returns a coarse category of a text. For a date, the category is the month. For any other text, it consists of the
/// first and the last letter.
fn first(text: &str) -> String {
    if text.parse::<Timestamp>().is_ok() {
        return text.chars().take(7).collect();
    }
    let ends = [text.chars().next(), text.chars().last().filter(|c| c.is_alphabetic())];
    ends.into_iter().flatten().collect()
}

#[test]
fn later_events_leave_no_trace_before_a_date() {
    // One world ends at the date, and the other world has the same options but continues after the date. Before the
    // date, both must have the same rows, because no row may depend on later events.
    let options = small(6)
        .with_tenants(1)
        .with_customers(300)
        .with_initial_customers(1.0)
        .with_late_known(0.0);
    for days in [400, 555] {
        let long = world(&options).unwrap();
        let short = world(&options.clone().with_days(days)).unwrap();
        let as_of = AsOf::new(short.observed_until());
        let see = |world: &churn_core::synthetic::World| {
            let records = world.tenants()[0].records().unwrap().build().unwrap().0;
            let matrix = features(&records, &[as_of], &Default::default(), &Execution::new()).unwrap();
            (
                matrix.feature_names().to_vec(),
                format!("{:?}", matrix.columns()),
                matrix.n_rows(),
            )
        };
        let ((names, then, rows), (names_later, later, _)) = (see(&short), see(&long));
        assert_eq!(names, names_later);
        assert!(rows > 200 && then == later, "as of {as_of}");
        let risk = |world: &churn_core::synthetic::World| {
            let risks = world.truth(as_of).unwrap().into_iter();
            risks
                .map(|risk| (risk.customer_id, risk.probability))
                .collect::<Vec<_>>()
        };
        assert_eq!(risk(&short), risk(&long));
    }
}

#[test]
fn invalid_options_are_refused() {
    let code = |options: WorldOptions| world(&options).unwrap_err().code();
    assert_eq!(code(small(0).with_events_without_customer(1.5)), "invalid_option");
    assert_eq!(code(small(0).with_hidden(f64::NAN)), "invalid_option");
    assert_eq!(code(small(0).with_tenants(0)), "invalid_option");
    assert_eq!(
        code(small(0).with_start("2023-01-02T08:00".parse().unwrap())),
        "invalid_option"
    );
    let world = world(&small(0)).unwrap();
    assert_eq!(
        world.truth("2024-03-01T06:00".parse().unwrap()).unwrap_err().code(),
        "invalid_option"
    );
    assert_eq!(
        world.truth("2020-03-01".parse().unwrap()).unwrap_err().code(),
        "invalid_option"
    );
}
