//! Tests of properties that both tree learners (boosting and forest) must have.

use ndarray::Array2;
use smartcore::ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;

use super::*;
use crate::metrics::roc_auc;
use crate::numeric::{SplitMix, sigmoid};
use crate::parallel::{CancelToken, Execution, Workers};

/// Creates a matrix and the labels of its rows. The label of a row depends on an interaction of two columns, and on
/// whether the value of a third column is missing.
fn sample(rows: usize, seed: u64) -> (Array2<f32>, Vec<bool>) {
    let mut random = SplitMix::new(seed, 0);
    let x = Array2::from_shape_fn((rows, 6), |(_, column)| {
        if column == 2 && random.unit() < 0.3 {
            f32::NAN
        } else {
            (random.unit() * 4.0 - 2.0) as f32
        }
    });
    let of_row = |row: ndarray::ArrayView1<'_, f32>| {
        f64::from(row[0] * row[1]) * 1.5 + if row[2].is_nan() { 1.5 } else { 0.0 } - 0.5
    };
    let churned = x
        .rows()
        .into_iter()
        .map(|row| random.unit() < sigmoid(of_row(row)))
        .collect();
    (x, churned)
}

fn boosting() -> GradientBoosting {
    GradientBoosting::new(GradientBoostingOptions {
        n_trees: 60,
        max_leaves: 8,
        subsample: 0.8,
        colsample: 0.7,
        ..Default::default()
    })
}

fn forest() -> RandomForest {
    RandomForest::new(RandomForestOptions {
        n_trees: 60,
        max_depth: 8,
        ..Default::default()
    })
}

fn auc(ensemble: &FlatTrees, x: &Array2<f32>, churned: &[bool]) -> f64 {
    roc_auc(churned, &ensemble.log_odds(x.view(), &Workers::inline()).unwrap()).unwrap()
}

#[test]
fn both_learners_are_as_accurate_as_the_forest_of_smartcore() {
    let ((x, churned), (test, truth)) = (sample(3000, 1), sample(3000, 2));
    let execution = Execution::new();
    let boosted = auc(
        &boosting().fit(x.view(), &churned, None, &execution).unwrap(),
        &test,
        &truth,
    );
    let forested = auc(
        &forest().fit(x.view(), &churned, None, &execution).unwrap(),
        &test,
        &truth,
    );
    // smartcore does not support missing values. The test replaces missing values with 9, a number that is not in the
    // data.
    let dense = |x: &Array2<f32>| {
        DenseMatrix::new(
            x.nrows(),
            6,
            x.iter().map(|v| if v.is_nan() { 9.0 } else { f64::from(*v) }).collect(),
            false,
        )
        .unwrap()
    };
    let labels: Vec<f64> = churned.iter().map(|&c| f64::from(u8::from(c))).collect();
    let parameters = RandomForestRegressorParameters::default()
        .with_n_trees(60)
        .with_max_depth(8)
        .with_min_samples_leaf(5)
        .with_m(3)
        .with_seed(1);
    let peer = RandomForestRegressor::fit(&dense(&x), &labels, parameters).unwrap();
    let peer = roc_auc(&truth, &peer.predict(&dense(&test)).unwrap()).unwrap();
    assert!(
        boosted > peer - 0.01 && forested > peer - 0.01,
        "boosting {boosted}, forest {forested}, smartcore's forest {peer}"
    );
}

#[test]
fn threads_do_not_change_a_bit() {
    let (x, churned) = sample(2000, 3);
    let boosted = |threads| {
        boosting()
            .fit(x.view(), &churned, None, &Execution::new().threads(threads))
            .unwrap()
    };
    let forested = |threads| {
        forest()
            .fit(x.view(), &churned, None, &Execution::new().threads(threads))
            .unwrap()
    };
    assert_eq!(boosted(1), boosted(3));
    assert_eq!(forested(1), forested(3));
    let scored = |threads| {
        boosted(1)
            .log_odds(x.view(), &Execution::new().threads(threads).workers().unwrap())
            .unwrap()
    };
    assert_eq!(scored(1), scored(3));
    for row in [0, 255, 256, 1999] {
        let alone = boosted(1)
            .log_odds(x.slice(ndarray::s![row..=row, ..]), &Workers::inline())
            .unwrap();
        assert_eq!(alone[0].to_bits(), scored(1)[row].to_bits());
    }
}

#[test]
fn hard_inputs_give_finite_results_or_errors() {
    let execution = Execution::new();
    let (x, churned) = sample(300, 5);
    for width in [0, 3] {
        for value in [1.0, f32::NAN, f32::INFINITY] {
            let flat = Array2::from_elem((300, width), value);
            let boosted = boosting().fit(flat.view(), &churned, None, &execution).unwrap();
            let forested = forest().fit(flat.view(), &churned, None, &execution).unwrap();
            for ensemble in [boosted, forested] {
                ensemble.validate().unwrap();
                assert!(
                    ensemble
                        .log_odds(flat.view(), &Workers::inline())
                        .unwrap()
                        .iter()
                        .all(|z| z.is_finite())
                );
            }
        }
    }
    assert_eq!(
        boosting()
            .fit(x.view(), &[true; 300], None, &execution)
            .unwrap_err()
            .code(),
        "single_class"
    );
    assert_eq!(
        forest()
            .fit(x.view(), &churned[1..], None, &execution)
            .unwrap_err()
            .code(),
        "invalid_option"
    );
    assert_eq!(
        boosting()
            .fit(x.view(), &churned, Some(&[f64::NAN; 300]), &execution)
            .unwrap_err()
            .code(),
        "invalid_option"
    );
    assert_eq!(
        forest()
            .fit(Array2::zeros((0, 2)).view(), &[], None, &execution)
            .unwrap_err()
            .code(),
        "too_little_data"
    );
    let token = CancelToken::new();
    token.cancel();
    assert_eq!(
        forest()
            .fit(x.view(), &churned, None, &execution.cancelled_by(token))
            .unwrap_err()
            .code(),
        "cancelled"
    );
}

#[test]
fn rows_of_weight_zero_have_no_effect() {
    let (x, churned) = sample(600, 6);
    // The second half of the rows get the opposite labels and weight 0, so these labels must have no effect.
    let mut both = churned.clone();
    both[300..].iter_mut().for_each(|churned| *churned = !*churned);
    let weights: Vec<f64> = (0..600).map(|row| f64::from(u8::from(row < 300))).collect();
    let weighed = GradientBoosting::new(GradientBoostingOptions {
        n_trees: 30,
        min_leaf_rows: 1,
        min_leaf_hessian: 2.0,
        ..Default::default()
    });
    let ensemble = weighed.fit(x.view(), &both, Some(&weights), &Execution::new()).unwrap();
    assert!(auc(&ensemble, &x, &churned) > 0.75);
    let ensemble = forest()
        .fit(x.view(), &both, Some(&weights), &Execution::new())
        .unwrap();
    assert!(auc(&ensemble, &x, &churned) > 0.75);
}
