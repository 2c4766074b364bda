//! Tests trees that are imported from other libraries. Their predictions must be close to the predictions of the
//! original libraries, and bit-identical in Rust, Python and Node.

use churn_core::Execution;
use churn_core::ensemble::{Link, TreeEnsemble};
use churn_tests::golden::{fixture, same_text};
use ndarray::{Array2, ArrayView2};
use serde_json::{Value as Json, json};

/// Returns the predictions of the original libraries. The script `tests/fixtures/models/make.py` wrote them to a file.
fn expected() -> serde_json::Map<String, Json> {
    let text = std::fs::read_to_string(fixture("models/expected.json")).expect("what the libraries said");
    serde_json::from_str(&text).expect("JSON")
}

/// Reads a matrix from a JSON list of rows. Null represents NaN.
fn matrix(rows: &Json) -> Array2<f64> {
    let rows = rows.as_array().expect("rows");
    let cells = |row: &Json| -> Vec<f64> {
        let cells = row.as_array().expect("cells").iter();
        cells.map(|cell| cell.as_f64().unwrap_or(f64::NAN)).collect()
    };
    let all: Vec<Vec<f64>> = rows.iter().map(cells).collect();
    Array2::from_shape_vec((all.len(), all[0].len()), all.concat()).expect("a matrix")
}

fn load(name: &str) -> TreeEnsemble {
    if name.starts_with("lightgbm") {
        let text = std::fs::read_to_string(fixture(&format!("models/{name}.txt"))).expect("a model");
        return TreeEnsemble::from_lightgbm(&text).expect("a supported model");
    }
    let json = std::fs::read(fixture(&format!("models/{name}.json"))).expect("a model");
    TreeEnsemble::from_xgboost(&json).expect("a supported model")
}

#[expect(clippy::disallowed_methods, reason = "compared within a tolerance")]
fn sigmoid(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Scores rows with an ensemble, once in double precision and once in single precision. Returns the results as text
/// with one line per row.
// These results are compared with a tolerance. The exponential function of the standard library may therefore be used,
// although its last bits differ between machines.
#[allow(clippy::disallowed_methods)]
fn said(ensemble: &TreeEnsemble, x: ArrayView2<'_, f64>, execution: &Execution) -> String {
    let wide = ensemble.predict_proba(x, execution).expect("probabilities");
    let narrow = x.mapv(|value| value as f32);
    let narrow = ensemble.predict_proba(narrow.view(), execution).expect("probabilities");
    let (contributions, base) = ensemble.explain(x, execution).expect("contributions");
    for (row, &probability) in contributions.rows().into_iter().zip(&wide) {
        let sum = row.sum() + base;
        let explained = match ensemble.link() {
            Link::LogOdds => sigmoid(sum),
            Link::Probability => sum,
        };
        assert!(
            (explained - probability).abs() < 1e-12,
            "{explained} is not {probability}"
        );
    }
    let rows = contributions.rows().into_iter().zip(wide.iter().zip(&narrow));
    let rows: Vec<String> = rows
        .map(|(row, (wide, narrow))| {
            let row = json!({"probability": wide, "single": narrow, "contributions": row.to_vec()});
            format!("    {row}")
        })
        .collect();
    format!(
        "{{\"base_value\": {}, \"rows\": [\n{}\n  ]}}",
        json!(base),
        rows.join(",\n")
    )
}

#[test]
fn imported_trees_are_bit_identical_on_every_host() {
    let mut models = expected();
    let x = matrix(&models.remove("x").expect("the rows"));
    assert!(x.iter().any(|cell| cell.is_nan()));
    let mut all = vec![];
    for (name, answers) in &models {
        let ensemble = load(name);
        let one = said(&ensemble, x.view(), &Execution::new().threads(1));
        let two = said(&ensemble, x.view(), &Execution::new().threads(2));
        assert!(one == two, "{name}: the number of threads changes a bit");
        let read =
            TreeEnsemble::from_bytes(&ensemble.to_bytes().expect("bytes")).expect("a file that was just written");
        assert_eq!(read, ensemble, "{name}");
        assert!(
            said(&read, x.view(), &Execution::new()) == one,
            "{name}: serialization changes a bit"
        );
        // XGBoost adds leaf values in single precision, so its probabilities are less exact than those of the other
        // libraries.
        let tolerance = if name.starts_with("xgboost") { 1e-6 } else { 1e-13 };
        let probability = ensemble
            .predict_proba(x.view(), &Execution::new())
            .expect("probabilities");
        let wanted = answers["probability"].as_array().expect("probabilities");
        assert_eq!(wanted.len(), probability.len());
        for (row, (found, wanted)) in probability.iter().zip(wanted).enumerate() {
            let wanted = wanted.as_f64().expect("a number");
            assert!(
                (found - wanted).abs() < tolerance,
                "{name}, row {row}: {found} is not {wanted}"
            );
        }
        all.push(format!("  {}: {one}", json!(name)));
    }
    assert_eq!(all.len(), 8);
    same_text(&fixture("models/bits.json"), &format!("{{\n{}\n}}\n", all.join(",\n")));
}
