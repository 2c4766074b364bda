use super::*;
use crate::input::{Column, Value};
use crate::leakage::LeakagePolicy;
use crate::metrics::{log_loss, roc_auc};
use crate::model::EnsembleOptions;
use crate::numeric::{SplitMix, sigmoid};

/// Returns a table and its labels. The table has five columns: a number, a number with missing values, a text with few
/// distinct values, a text with many distinct values, and a bool. The labels depend on most of the columns.
pub(super) fn world(rows: usize, seed: u64) -> (Table, Vec<bool>) {
    let mut random = SplitMix::new(seed, 1);
    let (mut minutes, mut spent, mut plan, mut city, mut trial) = (vec![], vec![], vec![], vec![], vec![]);
    let mut churned = vec![];
    for _ in 0..rows {
        let (a, b) = (random.unit() * 100.0, random.unit() * 50.0);
        let (level, place, yes) = (random.below(3), random.below(rows / 3 + 2), random.unit() < 0.3);
        let z = 1.5 - a / 30.0 + if level == 2 { 1.0 } else { 0.0 } + if yes { 0.7 } else { 0.0 };
        churned.push(random.unit() < sigmoid(z));
        minutes.push(a);
        spent.push(if random.unit() < 0.2 { f64::NAN } else { b });
        plan.push(if random.unit() < 0.1 {
            Value::Null
        } else {
            Value::Text(["a", "b", "c"][level].to_owned())
        });
        city.push(Value::Text(format!("city {place}")));
        trial.push(yes);
    }
    let columns = [
        ("minutes", Column::Floats(minutes)),
        ("spent", Column::NullableFloats(spent)),
        ("plan", Column::Values(plan)),
        ("city", Column::Values(city)),
        ("trial", Column::Bools(trial)),
    ];
    let table = columns.into_iter().fold(Table::new(), |table, (name, column)| {
        table.with_column(name, column).unwrap()
    });
    (table, churned)
}

/// Options with few trees. Few trees are enough because these tests do not measure accuracy.
pub(super) fn quick() -> ClassifierOptions {
    let mut ensemble = EnsembleOptions::default();
    for boosting in [&mut ensemble.boosting, &mut ensemble.deep_boosting]
        .into_iter()
        .flatten()
    {
        boosting.n_trees = 30;
    }
    if let Some(forest) = &mut ensemble.forest {
        forest.n_trees = 10;
    }
    ClassifierOptions {
        ensemble,
        ..Default::default()
    }
}

fn churn(model: &ChurnClassifier, table: &Table) -> Vec<f64> {
    model
        .predict_proba(table, &Execution::new().threads(1))
        .unwrap()
        .column(1)
        .to_vec()
}

pub(super) fn pick(table: &Table, rows: &[usize]) -> Table {
    table.select(rows.iter().map(|&row| row as u32).collect())
}

#[test]
fn learns_from_mixed_columns() {
    let (table, churned) = world(900, 1);
    let (fresh, truth) = world(900, 2);
    let model = ChurnClassifier::fit(&Dataset::new(&table, &churned), &quick()).unwrap();
    let p = churn(&model, &fresh);
    assert!(roc_auc(&truth, &p).unwrap() > 0.7);
    let rate = churned.iter().filter(|c| **c).count() as f64 / 900.0;
    assert!(log_loss(&truth, &p).unwrap() < log_loss(&truth, &[rate; 900]).unwrap() - 0.02);
    assert_eq!(model.report().rows, 900);
    assert_eq!(model.report().parts[0].members.len(), 4);
}

#[test]
fn bytes_do_not_depend_on_threads_or_row_order() {
    let (table, churned) = world(300, 3);
    let by = |threads: usize| {
        let options = ClassifierOptions {
            execution: Execution::new().threads(threads),
            ..quick()
        };
        ChurnClassifier::fit(&Dataset::new(&table, &churned), &options)
            .unwrap()
            .to_bytes()
    };
    assert_eq!(by(1), by(3));
    let turned: Vec<usize> = (0..300).map(|row| row * 7 % 300).collect();
    let labels: Vec<bool> = turned.iter().map(|&row| churned[row]).collect();
    let again = ChurnClassifier::fit(&Dataset::new(&pick(&table, &turned), &labels), &quick()).unwrap();
    assert_eq!(by(1), again.to_bytes());
}

#[test]
fn an_integer_weight_equals_that_many_rows() {
    let (table, churned) = world(120, 4);
    let weights: Vec<f64> = (0..120).map(|row| [1.0, 0.0, 3.0, 2.0][row % 4]).collect();
    let repeated: Vec<usize> = (0..120).flat_map(|row| vec![row; weights[row] as usize]).collect();
    let labels: Vec<bool> = repeated.iter().map(|&row| churned[row]).collect();
    let weighted = ChurnClassifier::fit(&Dataset::new(&table, &churned).with_weights(&weights), &quick()).unwrap();
    let same = ChurnClassifier::fit(&Dataset::new(&pick(&table, &repeated), &labels), &quick()).unwrap();
    assert_eq!(weighted.to_bytes(), same.to_bytes());
    let parts: Vec<f64> = weights.iter().map(|weight| weight * 0.37).collect();
    let scaled = ChurnClassifier::fit(&Dataset::new(&table, &churned).with_weights(&parts), &quick()).unwrap();
    let (a, b) = (churn(&weighted, &table), churn(&scaled, &table));
    let apart = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f64>() / 120.0;
    assert!(apart < 0.1, "{apart}");
}

#[test]
fn class_weights_shift_the_probabilities() {
    let (table, churned) = world(400, 5);
    let mean = |class_weight| {
        let options = ClassifierOptions {
            class_weight,
            ..quick()
        };
        let p = churn(
            &ChurnClassifier::fit(&Dataset::new(&table, &churned), &options).unwrap(),
            &table,
        );
        p.iter().sum::<f64>() / p.len() as f64
    };
    let rate = churned.iter().filter(|c| **c).count() as f64 / 400.0;
    assert!((mean(ClassWeights::Equal) - rate).abs() < 0.02);
    assert!((mean(ClassWeights::Balanced) - 0.5).abs() < 0.1);
    assert!(mean(ClassWeights::Given(vec![1000.0, 0.001])) < 0.01);
    let wrong = ClassifierOptions {
        class_weight: ClassWeights::Given(vec![1.0]),
        ..quick()
    };
    assert_eq!(
        ChurnClassifier::fit(&Dataset::new(&table, &churned), &wrong)
            .unwrap_err()
            .code(),
        "invalid_option"
    );
}

#[test]
fn kinds_of_files_are_distinguished_and_reloaded_scores_are_equal() {
    let (table, churned) = world(100, 6);
    let model = ChurnClassifier::fit(&Dataset::new(&table, &churned), &quick()).unwrap();
    let read = ChurnClassifier::from_bytes(&model.to_bytes()).unwrap();
    assert_eq!((read.id(), churn(&read, &table)), (model.id(), churn(&model, &table)));
    let error = crate::model::ChurnModel::from_bytes(&model.to_bytes()).unwrap_err();
    assert!(error.to_string().contains("classifier"), "{error}");
}

#[test]
fn contributions_sum_to_the_log_odds() {
    let (table, churned) = world(200, 7);
    let model = ChurnClassifier::fit(&Dataset::new(&table, &churned), &quick()).unwrap();
    let explained = model.explain(&table, &Execution::default()).unwrap();
    let log_odds = model.log_odds(&table, &Execution::default()).unwrap();
    for (row, z) in explained.contributions.rows().into_iter().zip(log_odds) {
        assert!((row.sum() + explained.base_value - z).abs() < 1e-9);
    }
    let reasons = model.reasons(&pick(&table, &[4, 5]), 2, &Execution::default()).unwrap();
    assert_eq!(reasons.len(), 2);
    assert!(reasons.iter().all(|reasons| reasons.len() == 2));
}

#[test]
fn other_tables_are_refused_and_new_texts_are_not() {
    let (table, churned) = world(100, 8);
    let model = ChurnClassifier::fit(&Dataset::new(&table, &churned), &quick()).unwrap();
    let text = |value: &str| Column::Values(vec![Value::Text(value.to_owned())]);
    let row = |minutes: Column, city: &str| {
        Table::new()
            .with_column("minutes", minutes)
            .and_then(|table| table.with_column("spent", Column::Values(vec![Value::Null])))
            .and_then(|table| table.with_column("plan", Column::Ints(vec![3])))
            .and_then(|table| table.with_column("city", text(city)))
            .and_then(|table| table.with_column("trial", Column::Bools(vec![true])))
            .unwrap()
    };
    let fine = model
        .predict_proba(&row(Column::Ints(vec![1]), "a new one"), &Execution::default())
        .unwrap();
    assert!(fine[(0, 1)] > 0.0 && fine[(0, 1)] < 1.0);
    let wrong = model
        .predict_proba(&row(text("many"), "x"), &Execution::default())
        .unwrap_err();
    assert_eq!((wrong.code(), wrong.column()), ("bad_type", Some("minutes")));
    let other = Table::new().with_column("minutes", Column::Ints(vec![1])).unwrap();
    assert_eq!(
        model.predict_proba(&other, &Execution::default()).unwrap_err().code(),
        "feature_mismatch"
    );
}

#[test]
fn small_and_empty_tables_work_or_give_an_error() {
    let numbers = |values: &[f64]| Table::new().with_column("x", Column::Floats(values.to_vec())).unwrap();
    let options = ClassifierOptions::default();
    let few = ChurnClassifier::fit(
        &Dataset::new(&numbers(&[1.0, 2.0, 3.0, 4.0]), &[false, false, true, true]),
        &options,
    )
    .unwrap();
    assert!(churn(&few, &numbers(&[4.0]))[0] >= churn(&few, &numbers(&[1.0]))[0]);
    let bare = ChurnClassifier::fit(
        &Dataset::new(
            &numbers(&[7.0; 8]),
            &[true, false, true, false, true, false, true, false],
        ),
        &options,
    );
    assert!((churn(&bare.unwrap(), &numbers(&[7.0]))[0] - 0.5).abs() < 0.05);
    let code = |labels: &[bool]| {
        let table = numbers(&vec![1.0; labels.len()]);
        ChurnClassifier::fit(&Dataset::new(&table, labels), &options)
            .unwrap_err()
            .code()
    };
    assert_eq!(code(&[true, true]), "single_class");
    let one = numbers(&[1.0, 2.0, 3.0, 9.0]);
    let lonely = ChurnClassifier::fit(&Dataset::new(&one, &[false, false, false, true]), &options).unwrap();
    assert!(churn(&lonely, &one).iter().all(|p| *p > 0.0 && *p < 1.0));
    assert_eq!(code(&[]), "too_little_data");
}

#[test]
fn probabilities_of_several_classes_sum_to_one() {
    let (table, churned) = world(300, 9);
    let mut random = SplitMix::new(1, 1);
    let classes: Vec<u32> = churned
        .iter()
        .map(|&c| if c { 2 } else { random.below(2) as u32 })
        .collect();
    let model = ChurnClassifier::fit(&Dataset::new(&table, &classes), &quick()).unwrap();
    let p = model.predict_proba(&table, &Execution::default()).unwrap();
    assert_eq!((p.dim(), model.report().parts.len()), ((300, 3), 3));
    assert!(p.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12));
    assert_eq!(
        model.explain(&table, &Execution::default()).unwrap_err().code(),
        "invalid_option"
    );
}

#[test]
fn columns_that_leak_the_target_are_named() {
    let (table, churned) = world(300, 9);
    let restated = churned.iter().map(|&churned| f64::from(u8::from(churned))).collect();
    let table = table.with_column("refunded", Column::Floats(restated)).unwrap();
    let fit = |leakage, allow_columns: &[&str]| {
        let options = ClassifierOptions {
            leakage,
            allow_columns: allow_columns.iter().map(|&name| name.to_owned()).collect(),
            ..quick()
        };
        ChurnClassifier::fit(&Dataset::new(&table, &churned), &options)
    };
    let warned = fit(LeakagePolicy::Warn, &[]).unwrap();
    assert_eq!(warned.report().leaks[0].column, "refunded");
    let error = fit(LeakagePolicy::Refuse, &[]).unwrap_err();
    assert_eq!((error.code(), error.column()), ("leakage", Some("refunded")));
    assert_eq!(
        fit(LeakagePolicy::Refuse, &["refunded"]).unwrap().report().leaks.len(),
        1
    );
    let error = fit(LeakagePolicy::Refuse, &["refundet"]).unwrap_err();
    assert_eq!(
        (error.code(), error.column()),
        ("invalid_option", Some("allow_columns"))
    );
    assert!(error.to_string().contains("did you mean 'refunded'?"), "{error}");
}
