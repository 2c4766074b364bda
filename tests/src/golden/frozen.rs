//! Reads frozen models, which are model files that are stored in the repository. Each format version has a frozen
//! model. Each model must return the stored results for the golden cases.

use std::fmt::Write as _;
use std::path::PathBuf;

use churn_core::{ChurnModel, ErrorKind, Execution, ScoreRun};
use serde_json::{Value as Json, json};

use super::case::Case;
use super::fixture;

/// Returns the folders of the frozen model files. The folder of the oldest format is first.
pub fn folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(fixture("frozen")).expect("there are frozen models");
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder").path()).collect();
    folders.sort();
    folders
}

/// Returns the format number in the header of a model file.
pub fn format_of(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes[8..12].try_into().expect("a header"))
}

/// Computes the results of a model for a golden case. Returns a text in the format of the files with expected results.
/// For each date, the text contains either an error, or scores and contributions.
pub fn said(model: &ChurnModel, case: &Case) -> String {
    let (records, _) = case.records().expect("a golden case is valid");
    let mut dates = vec![];
    for as_of in case.as_of() {
        let run = match model.score(&records, as_of) {
            Ok(run) => Some(run),
            // When the files of expected results were written, a run without eligible customers was empty. Now such a
            // run is an error.
            Err(error) if error.kind() == ErrorKind::NoEligibleCustomers => None,
            Err(error) => {
                dates.push(format!(
                    "  {}",
                    json!({"as_of": as_of.to_string(), "error": error.code()})
                ));
                continue;
            }
        };
        let scores: Vec<Json> = run
            .iter()
            .flat_map(ScoreRun::scores)
            .map(|score| {
                let band = score.risk_band().map(|band| band.as_str());
                json!([score.customer_id, score.probability(), band, score.status().as_str()])
            })
            .collect();
        // The matrix contains all customers, including those who are not eligible.
        let matrix = model.features(&records, &[as_of], &Execution::new()).expect("a matrix");
        let explanation = model.explain(&matrix, &Execution::new()).expect("an explanation");
        let log_odds = model.log_odds(&matrix, &Execution::new()).expect("log-odds");
        let proba = model.predict_proba(&matrix, &Execution::new()).expect("probabilities");
        let mut text = format!(
            "  {{\"as_of\": {},\n   \"scores\": {},\n",
            json!(as_of.to_string()),
            json!(scores)
        );
        let _ = writeln!(
            text,
            "   \"log_odds\": {},\n   \"probabilities\": {},",
            json!(log_odds),
            json!(proba)
        );
        let rows = explanation.contributions.outer_iter();
        let rows: Vec<String> = rows.map(|row| json!(row.to_vec()).to_string()).collect();
        let _ = write!(
            text,
            "   \"base_value\": {},\n   \"contributions\": [",
            json!(explanation.base_value)
        );
        if !rows.is_empty() {
            let _ = write!(text, "\n    {}\n   ", rows.join(",\n    "));
        }
        text.push_str("]}");
        dates.push(text);
    }
    format!("[\n{}\n]\n", dates.join(",\n"))
}
