use ndarray::Array2;

use super::tests::{pick, quick, world};
use super::*;
use crate::input::Column;
use crate::model::Monotonicity;
use crate::numeric::SplitMix;

fn weighted<'a>(dataset: Dataset<'a>, weights: Option<&'a [f64]>) -> Dataset<'a> {
    match weights {
        Some(weights) => dataset.with_weights(weights),
        None => dataset,
    }
}

/// Returns a table, the label of each row, and the customer of each row. Each customer has several nearly equal rows.
/// The labels are random and do not depend on the columns.
fn panel(customers: usize, rows: usize, seed: u64) -> (Table, Vec<bool>, Vec<u32>) {
    let mut random = SplitMix::new(seed, 1);
    let (mut a, mut b, mut churned, mut groups) = (vec![], vec![], vec![], vec![]);
    for customer in 0..customers {
        let (at, high, churns) = (random.unit(), random.unit(), random.unit() < 0.4);
        for _ in 0..rows {
            a.push(at + random.unit() * 1e-3);
            b.push(high + random.unit() * 1e-3);
            churned.push(churns);
            groups.push(customer as u32);
        }
    }
    let table = Table::new()
        .with_column("a", Column::Floats(a))
        .and_then(|table| table.with_column("b", Column::Floats(b)))
        .unwrap();
    (table, churned, groups)
}

fn grouped(table: &Table, churned: &[bool], groups: &[u32]) -> ChurnClassifier {
    ChurnClassifier::fit(&Dataset::new(table, churned).with_groups(groups), &quick()).unwrap()
}

fn intervals(model: &ChurnClassifier, table: &Table) -> Array2<f64> {
    model.predict_interval(table, &Execution::new().threads(1)).unwrap()
}

fn width(model: &ChurnClassifier, table: &Table) -> f64 {
    let found = intervals(model, table);
    found.rows().into_iter().map(|row| row[1] - row[0]).sum::<f64>() / table.n_rows() as f64
}

#[test]
fn groups_prevent_optimistic_metrics() {
    let (table, churned, groups) = panel(100, 8, 1);
    let (fresh, truth, _) = panel(400, 1, 2);
    let (by_row, by_group) = (
        ChurnClassifier::fit(&Dataset::new(&table, &churned), &quick()).unwrap(),
        grouped(&table, &churned, &groups),
    );
    let auc = |model: &ChurnClassifier| model.report().parts[0].roc_auc.unwrap();
    assert!(auc(&by_row) > 0.95, "{}", auc(&by_row));
    assert!((auc(&by_group) - 0.5).abs() < 0.15, "{}", auc(&by_group));
    let loss = |model: &ChurnClassifier| {
        let p = model.predict_proba(&fresh, &Execution::default()).unwrap();
        crate::metrics::log_loss(&truth, &p.column(1).to_vec()).unwrap()
    };
    assert!(
        loss(&by_group) < 0.75 && loss(&by_row) > 1.2,
        "{} {}",
        loss(&by_group),
        loss(&by_row)
    );
    assert_eq!(
        (by_row.report().groups, by_group.report().groups),
        (Some(800), Some(100))
    );
    // With a hundred customers, the intervals are wider than with eight hundred customers.
    let (other, labels, owners) = panel(800, 1, 1);
    let many = grouped(&other, &labels, &owners);
    assert!(width(&by_group, &table) > 1.5 * width(&many, &table));
}

#[test]
fn bytes_do_not_depend_on_order_or_names_of_groups_or_on_threads() {
    // Some rows are equal to rows of other customers.
    let (table, churned) = world(120, 3);
    let copied: Vec<usize> = (0..300)
        .map(|row| if row % 5 == 0 { row % 40 } else { row % 120 })
        .collect();
    let of = |rows: &[usize]| pick(&table, &rows.iter().map(|&row| copied[row]).collect::<Vec<_>>());
    let all: Vec<usize> = (0..300).collect();
    let churned: Vec<bool> = copied.iter().map(|&row| churned[row]).collect();
    let groups: Vec<String> = (0..300).map(|row| format!("C-{}", row / 4)).collect();
    let weights: Vec<f64> = (0..300).map(|row| [0.5, 1.0, 1.5][row % 3]).collect();
    let turned: Vec<usize> = (0..300).map(|row| row * 7 % 300).collect();
    for weights in [None, Some(&weights)] {
        let options = ClassifierOptions {
            execution: Execution::new().threads(1),
            ..quick()
        };
        let given = weights.map(Vec::as_slice);
        let first = ChurnClassifier::fit(
            &weighted(Dataset::new(&of(&all), &churned).with_groups(&groups), given),
            &options,
        )
        .unwrap();
        let labels: Vec<bool> = turned.iter().map(|&row| churned[row]).collect();
        let renamed: Vec<i64> = turned.iter().map(|&row| -(row as i64 / 4 * 31 % 97)).collect();
        let turned_weights: Option<Vec<f64>> = weights.map(|given| turned.iter().map(|&row| given[row]).collect());
        let options = ClassifierOptions {
            execution: Execution::new().threads(3),
            ..quick()
        };
        let again = ChurnClassifier::fit(
            &weighted(
                Dataset::new(&of(&turned), &labels).with_groups(&renamed),
                turned_weights.as_deref(),
            ),
            &options,
        );
        assert_eq!(first.to_bytes(), again.unwrap().to_bytes());
    }
}

#[test]
fn single_row_groups_equal_no_groups_and_an_integer_weight_equals_that_many_rows() {
    let (table, churned) = world(150, 4);
    let apart: Vec<u32> = (0..150).rev().collect();
    let alone = ChurnClassifier::fit(&Dataset::new(&table, &churned), &quick()).unwrap();
    assert_eq!(alone.to_bytes(), grouped(&table, &churned, &apart).to_bytes());

    let groups: Vec<u32> = (0..150).map(|row| row / 3).collect();
    let weights: Vec<f64> = (0..150).map(|row| [1.0, 0.0, 3.0, 2.0][row % 4]).collect();
    let weighted = ChurnClassifier::fit(
        &Dataset::new(&table, &churned)
            .with_groups(&groups)
            .with_weights(&weights),
        &quick(),
    )
    .unwrap();
    let repeated: Vec<usize> = (0..150).flat_map(|row| vec![row; weights[row] as usize]).collect();
    let labels: Vec<bool> = repeated.iter().map(|&row| churned[row]).collect();
    let owners: Vec<u32> = repeated.iter().map(|&row| groups[row]).collect();
    let same = grouped(&pick(&table, &repeated), &labels, &owners);
    assert_eq!(weighted.to_bytes(), same.to_bytes());
}

#[test]
fn too_few_groups_are_refused_and_a_few_are_sufficient() {
    let (table, churned, groups) = panel(12, 4, 3);
    let error = |groups: &[u32], churned: &[bool]| {
        ChurnClassifier::fit(&Dataset::new(&table, churned).with_groups(groups), &quick()).unwrap_err()
    };
    let wrong = error(&groups[1..], &churned);
    assert_eq!((wrong.code(), wrong.column()), ("invalid_option", Some("groups")));
    let one: Vec<bool> = groups.iter().map(|group| *group == 5).collect();
    let few = error(&groups, &one);
    assert_eq!(few.code(), "too_little_data");
    assert!(few.to_string().contains("group of rows"), "{few}");
    assert_eq!(error(&[1; 48], &churned).code(), "too_little_data");
    // Without groups, the only row of a class is split into two rows. With groups, the row is not split, because both
    // rows would be in the same fold.
    let single: Vec<bool> = (0..48).map(|row| row == 7).collect();
    assert_eq!(error(&groups, &single).code(), "too_little_data");
    // In the first case, only two groups have churned rows. In the second case, only two groups have retained rows.
    // Both cases can be fitted.
    for wanted in [&[5u32, 6][..], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]] {
        let labels: Vec<bool> = groups.iter().map(|group| wanted.contains(group)).collect();
        let model = grouped(&table, &labels, &groups);
        assert!(intervals(&model, &table).iter().all(|p| (0.0..=1.0).contains(p)));
    }
    // With some seeds, the rows outside a fold may all have the same class. The fit succeeds nevertheless.
    for seed in 0..6 {
        let labels: Vec<bool> = (0..48).map(|row| row % 4 > 1 || row > 7).collect();
        let three: Vec<u32> = groups.iter().map(|group| (*group).min(2)).collect();
        let options = ClassifierOptions { seed, ..quick() };
        let model = ChurnClassifier::fit(&Dataset::new(&table, &labels).with_groups(&three), &options);
        assert!(model.is_ok(), "{:?}", model.err());
    }
}

#[test]
fn intervals_contain_the_probability_and_survive_a_reload() {
    let (table, churned) = world(500, 5);
    let weights: Vec<f64> = (0..500).map(|row| 0.5 + (row % 7) as f64 / 7.0).collect();
    for weights in [None, Some(weights.as_slice())] {
        let model = ChurnClassifier::fit(&weighted(Dataset::new(&table, &churned), weights), &quick()).unwrap();
        let read = ChurnClassifier::from_bytes(&model.to_bytes()).unwrap();
        let (found, p) = (
            intervals(&model, &table),
            model.predict_proba(&table, &Execution::default()).unwrap(),
        );
        assert_eq!(found, intervals(&read, &table));
        assert_eq!(
            found,
            model.predict_interval(&table, &Execution::new().threads(3)).unwrap()
        );
        for (row, &p) in found.rows().into_iter().zip(p.column(1)) {
            assert!(0.0 <= row[0] && row[0] <= p && p <= row[1] && row[1] <= 1.0);
        }
        assert!(
            (0.02..0.4).contains(&width(&model, &table)),
            "{}",
            width(&model, &table)
        );
    }
    // Class weights shift the interval together with the probability.
    let options = ClassifierOptions {
        class_weight: ClassWeights::Given(vec![1.0, 50.0]),
        ..quick()
    };
    let heavy = ChurnClassifier::fit(&Dataset::new(&table, &churned), &options).unwrap();
    let least = intervals(&heavy, &table).column(0).iter().sum::<f64>() / 500.0;
    assert!(least > 0.8, "{least}");
    let nothing = intervals(&heavy, &pick(&table, &[]));
    assert_eq!(nothing.dim(), (0, 2));
}

#[test]
fn several_classes_have_no_interval_and_no_constraints() {
    let (table, churned) = world(120, 6);
    let classes: Vec<u32> = (0..120)
        .map(|row| if churned[row] { 2 } else { row as u32 % 2 })
        .collect();
    let groups: Vec<usize> = (0..120).map(|row| row / 2).collect();
    let model = ChurnClassifier::fit(&Dataset::new(&table, &classes).with_groups(&groups), &quick()).unwrap();
    assert_eq!(model.report().groups, Some(60));
    let error = model.predict_interval(&table, &Execution::default()).unwrap_err();
    assert_eq!(error.code(), "invalid_option");
    assert!(error.to_string().contains("interval"), "{error}");
    let mut options = quick();
    options.ensemble.monotone_constraints = vec![("minutes".to_owned(), Monotonicity::Decreasing)];
    let error = ChurnClassifier::fit(&Dataset::new(&table, &classes), &options).unwrap_err();
    assert_eq!(
        (error.code(), error.column()),
        ("invalid_option", Some("monotone_constraints"))
    );
}

#[test]
fn the_report_names_constraints_and_dropped_members() {
    let (table, churned) = world(200, 7);
    let mut options = quick();
    options.ensemble.monotone_constraints = vec![("minutes".to_owned(), Monotonicity::Decreasing)];
    let bound = ChurnClassifier::fit(&Dataset::new(&table, &churned), &options).unwrap();
    let report = bound.report();
    assert_eq!(
        report.monotone_constraints,
        [("minutes".to_owned(), Monotonicity::Decreasing)]
    );
    assert_eq!(report.dropped_members[0].name, "forest");
    assert!(report.dropped_members[0].reason.contains("minutes"));
    assert_eq!(report.parts[0].members.len(), 3);
    let free = ChurnClassifier::fit(&Dataset::new(&table, &churned), &quick()).unwrap();
    assert!(free.report().monotone_constraints.is_empty() && free.report().dropped_members.is_empty());
}
