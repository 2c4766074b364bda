//! Tests with tables that contain planted leaks, and with tables that contain no leaks.

use super::*;
use crate::features::FeatureColumn;
use crate::numeric::{SplitMix, sigmoid};
use crate::parallel::Workers;

struct Table {
    names: Vec<String>,
    columns: Vec<FeatureColumn>,
    churned: Vec<bool>,
    tenure: Vec<f64>,
}

fn text(values: Vec<Option<String>>) -> FeatureColumn {
    let mut levels: Vec<String> = values.iter().flatten().cloned().collect();
    levels.sort();
    levels.dedup();
    let code = |value: Option<String>| {
        value.map_or(FeatureColumn::MISSING, |value| {
            levels.partition_point(|level| *level < value) as u32
        })
    };
    FeatureColumn::Text {
        codes: values.into_iter().map(code).collect(),
        levels: levels.clone(),
    }
}

/// Returns a roughly uniform number in [0, 1): the fractional part of a normally distributed random number with a large
/// variance.
fn uniform(normal: &mut impl FnMut() -> f64) -> f64 {
    (normal() * 1000.0).rem_euclid(1.0)
}

/// Returns a table whose columns do not leak the target. Some of the columns predict the label well. The labels are
/// drawn at random with a probability that depends on the columns.
fn clean(rows: usize, seed: u64) -> Table {
    let mut random = SplitMix::new(seed, 77);
    let mut normal = || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
    let strength: Vec<f64> = (0..4).map(|_| normal()).collect();
    let level = -1.6 + 0.5 * normal();
    let (mut churned, mut tenure) = (vec![], vec![]);
    let mut numbers: Vec<Vec<f64>> = vec![vec![]; 4];
    let (mut plans, mut filled, mut counts) = (vec![], vec![], vec![]);
    for _ in 0..rows {
        let x: Vec<f64> = (0..4).map(|_| normal()).collect();
        let plan = ["monthly", "yearly", "two_years"][(normal().abs() * 1.3).min(2.0) as usize];
        let age = 900.0 * (normal() / 2.0).abs();
        let z = level + x.iter().zip(&strength).map(|(x, s)| 0.8 * x * s).sum::<f64>()
            - if plan == "two_years" { 2.0 } else { 0.0 }
            - age / 1500.0;
        churned.push(uniform(&mut normal) < sigmoid(z));
        tenure.push(age);
        counts.push((age / 30.0 + 2.0 * normal()).round().max(0.0));
        plans.push(Some(plan.to_owned()));
        filled.push((normal() > 0.3).then(|| "yes".to_owned()));
        for (column, x) in numbers.iter_mut().zip(x) {
            column.push(x);
        }
    }
    let mut names: Vec<String> = (0..4).map(|n| format!("x{n}")).collect();
    names.extend(["plan", "optional", "tenure", "invoices"].map(str::to_owned));
    let mut columns: Vec<FeatureColumn> = numbers.into_iter().map(FeatureColumn::Number).collect();
    columns.extend([text(plans), text(filled)]);
    columns.extend([FeatureColumn::Number(tenure.clone()), FeatureColumn::Number(counts)]);
    Table {
        names,
        columns,
        churned,
        tenure,
    }
}

fn findings(table: &Table) -> Vec<LeakageFinding> {
    let suspects: Vec<Suspect<'_>> = table
        .names
        .iter()
        .zip(&table.columns)
        .map(|(name, column)| Suspect {
            name,
            feature: name,
            column,
            origin: Origin::Attribute,
        })
        .collect();
    let rows = table.churned.len() as u32;
    let question = Question {
        churned: &table.churned,
        groups: &(0..rows).collect::<Vec<_>>(),
        strata: &vec![0; rows as usize],
        known: &[&table.tenure],
    };
    examine(&suspects, &question, 1, &Workers::inline()).unwrap()
}

/// Returns a column that leaks the target. The column is computed from the labels.
fn plant(kind: usize, table: &Table, seed: u64) -> FeatureColumn {
    let mut random = SplitMix::new(seed, 1000 + kind as u64);
    let churned = &table.churned;
    let rows = churned.len();
    let mut each = |f: &mut dyn FnMut(&mut SplitMix, bool, usize) -> f64| {
        let values = (0..rows).map(|row| f(&mut random, churned[row], row));
        FeatureColumn::Number(values.collect())
    };
    let flag = |yes: bool| f64::from(u8::from(yes));
    match kind {
        0 => each(&mut |_, c, _| flag(c)),
        1 => each(&mut |r, c, _| flag(c != (r.unit() < 0.05))),
        2 => each(&mut |r, c, _| flag(c != (r.unit() < 0.1))),
        3 => each(&mut |r, c, _| if c { r.unit() } else { f64::NAN }),
        4 => each(&mut |r, c, _| if c && r.unit() < 0.4 { 1.0 } else { f64::NAN }),
        5 => each(&mut |r, c, _| if c { f64::NAN } else { r.unit() }),
        6 => each(&mut |r, c, _| if !c && r.unit() < 0.7 { r.unit() } else { f64::NAN }),
        7 => each(&mut |_, _, row| row as f64),
        8 => each(&mut |r, c, _| if c { r.unit() * 80.0 } else { 90.0 + r.unit() * 270.0 }),
        9 => each(&mut |r, c, row| table.tenure[row] + if c { r.unit() * 90.0 } else { 180.0 }),
        10 => each(&mut |r, c, row| (table.tenure[row] + if c { r.unit() * 90.0 } else { 180.0 }) / 30.4375),
        11 => each(&mut |r, c, _| if c { -r.unit() } else { r.unit() - 0.05 }),
        _ => {
            let values = (0..rows).map(|row| {
                let (c, at) = (churned[row], random.unit());
                match kind {
                    12 => Some(if c { "closed" } else { "active" }.to_owned()),
                    13 => c.then(|| ["price", "service", "other"][(at * 3.0) as usize].to_owned()),
                    14 => (c && at < 0.5).then(|| "2024-05-01".to_owned()),
                    15 => Some(format!("K-{:06}", (at * 1e6) as u32 * 1000 + row as u32)),
                    16 => Some(format!("{}-{row:05}", if c { "A" } else { "B" })),
                    17 => Some(format!(
                        "2024-{:02}-{:02}",
                        if c {
                            1 + (at * 3.0) as u32
                        } else {
                            6 + (at * 6.0) as u32
                        },
                        1 + row % 28
                    )),
                    18 => Some(
                        if c && at < 0.6 {
                            "win-back"
                        } else {
                            ["north", "south"][row % 2]
                        }
                        .to_owned(),
                    ),
                    _ => Some(["gold", "silver", "lost"][if c { 2 } else { row % 2 }].to_owned()),
                }
            });
            text(values.collect())
        }
    }
}

const KINDS: usize = 20;

#[test]
fn planted_leaks_are_found_and_named() {
    let mut missed = vec![];
    for planted in 0..50 {
        let mut table = clean(400 + 20 * planted, planted as u64);
        let leak = plant(planted % KINDS, &table, planted as u64);
        table.names.push("planted".into());
        table.columns.push(leak);
        if findings(&table).iter().all(|finding| finding.column != "planted") {
            missed.push(planted % KINDS);
        }
    }
    assert!(missed.len() <= 5, "missed {missed:?}");
}

#[test]
fn clean_tables_pass() {
    let alarms: Vec<String> = (0..200)
        .flat_map(|seed| findings(&clean(300 + seed as usize, 5000 + seed)))
        .map(|finding| finding.to_string())
        .collect();
    assert!(alarms.len() <= 4, "{alarms:?}");
}

#[test]
fn few_churned_rows_give_no_findings() {
    let mut table = clean(400, 3);
    let mut left = 19;
    for churned in &mut table.churned {
        *churned = *churned && left > 0;
        left -= i32::from(*churned);
    }
    let leak = plant(0, &table, 3);
    table.names.push("planted".into());
    table.columns.push(leak);
    assert!(findings(&table).is_empty());
}

#[test]
fn the_policy_is_obeyed() {
    let mut table = clean(500, 4);
    let leak = plant(0, &table, 4);
    table.names.push("planted".into());
    table.columns.push(leak);
    let found = findings(&table);
    let error = decide(found.clone(), LeakagePolicy::Refuse, &[], None).unwrap_err();
    assert_eq!((error.code(), error.column()), ("leakage", Some("planted")));
    assert!(error.to_string().contains("permuted"), "{error}");
    let action = |leakage, allowed: &[String]| decide(found.clone(), leakage, allowed, None).unwrap()[0].action;
    assert_eq!(action(LeakagePolicy::Warn, &[]), LeakageAction::Warned);
    assert_eq!(action(LeakagePolicy::Allow, &[]), LeakageAction::Allowed);
    assert_eq!(
        action(LeakagePolicy::Refuse, &["planted".into()]),
        LeakageAction::Allowed
    );
    assert_eq!("maybe".parse::<LeakagePolicy>().unwrap_err().code(), "invalid_option");
}
