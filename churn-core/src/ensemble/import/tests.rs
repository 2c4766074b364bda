use std::collections::BTreeMap;
use std::path::PathBuf;

use ndarray::{Array2, array};
use serde::Deserialize;

use super::*;

/// The predictions that other libraries make with their own models. The script `tests/fixtures/models/make.py` writes
/// these predictions.
#[derive(Deserialize)]
struct Expected {
    x: Vec<Vec<Option<f64>>>,
    #[serde(flatten)]
    models: BTreeMap<String, Answers>,
}

#[derive(Deserialize)]
struct Answers {
    probability: Vec<f64>,
}

fn file(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/models");
    std::fs::read(folder.join(name)).unwrap()
}

fn text(name: &str) -> String {
    String::from_utf8(file(name)).unwrap()
}

fn expected() -> (Array2<f64>, BTreeMap<String, Answers>) {
    let expected: Expected = serde_json::from_slice(&file("expected.json")).unwrap();
    let (rows, columns) = (expected.x.len(), expected.x[0].len());
    let cells = expected.x.into_iter().flatten().map(|cell| cell.unwrap_or(f64::NAN));
    (
        Array2::from_shape_vec((rows, columns), cells.collect()).unwrap(),
        expected.models,
    )
}

#[test]
fn scores_equal_those_of_the_original_library() {
    let (x, models) = expected();
    assert_eq!(models.len(), 8);
    for (name, answers) in models {
        let (ensemble, tolerance) = if name.starts_with("lightgbm") {
            (
                TreeEnsemble::from_lightgbm(&text(&format!("{name}.txt"))).unwrap(),
                1e-13,
            )
        } else {
            (
                TreeEnsemble::from_xgboost(&file(&format!("{name}.json"))).unwrap(),
                1e-6,
            )
        };
        assert_eq!((ensemble.n_trees(), ensemble.n_features()), (12, 6), "{name}");
        let got = ensemble.predict_proba(x.view(), &Execution::new()).unwrap();
        assert_eq!(got.len(), answers.probability.len());
        for (row, (got, wanted)) in got.iter().zip(&answers.probability).enumerate() {
            assert!(
                (got - wanted).abs() < tolerance,
                "{name}, row {row}: {got} is not {wanted}"
            );
        }
    }
}

#[test]
fn both_forms_of_a_base_score_are_read() {
    let json = text("xgboost_numeric.json");
    assert!(json.contains(r#""base_score":"[5.1E-1]""#));
    let older = json.replace(r#""base_score":"[5.1E-1]""#, r#""base_score":"5.1E-1""#);
    let both = [json, older].map(|json| TreeEnsemble::from_xgboost(json.as_bytes()).unwrap());
    assert_eq!(both[0], both[1]);
    assert!((both[0].flat().base() - crate::numeric::ln(0.51 / 0.49)).abs() < 1e-6);
}

#[test]
fn unsupported_models_are_refused() {
    let lightgbm = text("lightgbm_numeric.txt");
    let changes = [
        ("version=v4", "version=v9"),
        ("num_class=1", "num_class=3"),
        ("objective=binary sigmoid:1", "objective=regression"),
        ("is_linear=0", "is_linear=1"),
        ("num_leaves=15", "num_leaves=16"),
        ("num_leaves=15", "num_leaves=0"),
        ("num_leaves=15", "num_leaves=-1"),
        ("split_feature=", "split_feature=99 "),
        ("left_child=1 ", "left_child=0 "),
        ("leaf_value=", "leaf_value=nan "),
        ("leaf_value=", "leaves="),
        ("end of trees", ""),
        ("Tree=3", "Tree=4"),
        ("tree\n", "boosters\n"),
        ("tree_sizes=", "tree_sizes=1 "),
        ("max_feature_idx=5", "max_feature_idx=1"),
        ("max_feature_idx=5", "max_feature_idx=18446744073709551615"),
        ("max_feature_idx=5", "max_feature_idx=1000000000"),
    ];
    for (from, to) in changes {
        assert!(lightgbm.contains(from), "{from}");
        let error = TreeEnsemble::from_lightgbm(&lightgbm.replacen(from, to, 1)).unwrap_err();
        assert_eq!(error.code(), "import_failed", "{from} to {to}");
    }
    let xgboost = text("xgboost_numeric.json");
    let changes = [
        ("binary:logistic", "multi:softprob"),
        (r#""num_class":"0""#, r#""num_class":"3""#),
        (r#""base_score":"[5.1E-1]""#, r#""base_score":"[5E-1,5E-1]""#),
        (r#""base_score":"[5.1E-1]""#, r#""base_score":"1""#),
        (r#""base_score":"[5.1E-1]""#, r#""base_score":"""#),
        (r#""name":"gbtree""#, r#""name":"gblinear""#),
        (r#""num_trees":"12""#, r#""num_trees":"13""#),
        (r#""left_children":[1"#, r#""left_children":[0"#),
        (r#""left_children":[1"#, r#""left_children":[99999"#),
        (r#""left_children":[1"#, r#""left_children":[-5"#),
        (r#""left_children":[1"#, r#""left_children":[-1"#),
        (r#""split_indices":["#, r#""split_indices":[7,"#),
        (r#""num_feature":"6","num_target""#, r#""num_feature":"1","num_target""#),
        (r#""size_leaf_vector":"1""#, r#""size_leaf_vector":"2""#),
    ];
    for (from, to) in changes {
        assert!(xgboost.contains(from), "{from}");
        let error = TreeEnsemble::from_xgboost(xgboost.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert_eq!(error.code(), "import_failed", "{from} to {to}");
    }
    for bytes in [&b""[..], b"{", b"[]", b"{L\0\0", &xgboost.as_bytes()[..2000]] {
        assert_eq!(TreeEnsemble::from_xgboost(bytes).unwrap_err().code(), "import_failed");
    }
}

#[test]
fn zero_as_missing_is_refused_only_if_it_needs_two_thresholds() {
    let text = text("lightgbm_numeric.txt");
    // The line `decision_type` of a LightGBM model has one number for each split. The number is a sum of flags. The
    // flag 8 means that NaN is a missing value, and the flag 2 means that missing values go left.
    let kind = |kind: &str| {
        let lines = text.lines().map(|line| match line.strip_prefix("decision_type=") {
            Some(kinds) => format!("decision_type={}", vec![kind; kinds.split(' ').count()].join(" ")),
            None => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    assert!(TreeEnsemble::from_lightgbm(&kind("10")).is_ok());
    let error = TreeEnsemble::from_lightgbm(&kind("6")).unwrap_err();
    assert!(error.to_string().contains("zero counts as missing"), "{error}");
    assert_eq!(
        TreeEnsemble::from_lightgbm(&kind("14")).unwrap_err().code(),
        "import_failed"
    );
}

#[test]
fn a_rounded_comparison_equals_that_of_the_rounded_value() {
    let mut random = crate::numeric::SplitMix::new(1, 0);
    let edges = [
        0.0f32,
        -0.0,
        1.0,
        -1.0,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        1e-45,
        f32::INFINITY,
        f32::NEG_INFINITY,
    ];
    let many = (0..2000).map(|_| f32::from_bits(random.next_u64() as u32));
    for edge in edges.into_iter().chain(many).filter(|edge| !edge.is_nan()) {
        let below = layout::up_to_rounded(f64::from(edge.next_down()));
        let up_to = layout::up_to_rounded(f64::from(edge));
        let near = [edge.next_down(), edge, edge.next_up()].map(f64::from);
        let between = [f64::midpoint(near[0], near[1]), f64::midpoint(near[1], near[2])];
        for value in near
            .into_iter()
            .chain(between)
            .flat_map(|v| [v.next_down(), v, v.next_up()])
        {
            let rounded = value as f32;
            if value.is_nan() || rounded.is_infinite() {
                continue;
            }
            assert_eq!(value <= up_to, rounded <= edge, "{value} at {edge}");
            if edge != f32::NEG_INFINITY {
                assert_eq!(value <= below, rounded < edge, "{value} below {edge}");
            }
        }
    }
}

#[test]
fn arrays_must_form_trees() {
    let stump = || ForeignTree {
        feature: vec![0, -2, -2],
        threshold: vec![0.5, -2.0, -2.0],
        left: vec![1, -1, -1],
        right: vec![2, -1, -1],
        missing_left: vec![false; 3],
        value: vec![f64::NAN, 0.1, 0.9],
        cover: vec![2.0, 1.0, 1.0],
    };
    let import = |tree: ForeignTree| {
        TreeEnsemble::from_trees(&ForeignTrees {
            trees: vec![tree.clone(), tree],
            n_features: 1,
            link: Link::Probability,
            divisor: 2.0,
            ..Default::default()
        })
    };
    let ensemble = import(stump()).unwrap();
    let x = array![[0.5f32], [0.6], [f32::NAN]];
    assert_eq!(
        ensemble.predict_proba(x.view(), &Execution::new()).unwrap(),
        [0.1, 0.9, 0.9]
    );
    type Change = fn(&mut ForeignTree);
    let changes: [Change; 9] = [
        |tree| tree.left[0] = 0,
        |tree| tree.left[0] = 2,
        |tree| tree.right[0] = -1,
        |tree| tree.right[0] = 3,
        |tree| tree.feature[0] = 1,
        |tree| tree.threshold[0] = f64::NAN,
        |tree| tree.value[1] = f64::NAN,
        |tree| tree.cover[1] = -1.0,
        |tree| tree.value.truncate(2),
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut tree = stump();
        change(&mut tree);
        assert_eq!(import(tree).unwrap_err().code(), "import_failed", "{number}");
    }
}
