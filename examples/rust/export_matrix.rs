//! Writes the training matrix and the test matrix of the Complete Journey data to CSV files. Both files also contain
//! the labels. The test file contains the probabilities that this library predicts. With these files, other libraries
//! can be measured on exactly the rows that this library is measured on.
//!
//! Usage: `cargo run --release --example export_matrix -- FOLDER`

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use churn_core::{
    AsOf, ChurnModel, Error, Execution, FeatureColumn, FeatureMatrix, FeaturePlan, TrainOptions, features, labels,
};
use churn_examples::journey;

fn main() -> Result<(), Error> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    std::fs::create_dir_all(&folder)?;
    let (records, _) = journey::records()?;
    let test: AsOf = "2017-12-01".parse()?;
    let mut dates: Vec<AsOf> = (0..6)
        .map(|step| AsOf::new(test.timestamp().plus_days(-30 - 15 * step)))
        .collect();
    dates.reverse();

    let options = TrainOptions::default()
        .with_definition(journey::definition())
        .with_as_of(dates.clone());
    let model = ChurnModel::train(&records, &options)?;
    let run = model.score(&records, test)?;
    for (name, dates) in [("train", dates), ("test", vec![test])] {
        let matrix = features(&records, &dates, &FeaturePlan::default(), &Execution::new())?;
        let labels = labels(&records, &dates, &journey::definition(), &Execution::new())?;
        let mut out = BufWriter::new(File::create(Path::new(&folder).join(format!("{name}.csv")))?);
        writeln!(
            out,
            "customer_id,as_of,{},churned,probability",
            matrix.feature_names().join(",")
        )?;
        let ids: Vec<&str> = records.customer_ids().collect();
        let mut row = 0;
        for label in labels.rows() {
            // The labels and the rows of the matrix are sorted by date and then by customer. The matrix also contains
            // rows of customers who are not eligible and have no label. This loop skips these rows.
            let id = ids[label.customer as usize];
            while matrix.as_of()[row] != label.as_of || matrix.customer_id(row) != id {
                row += 1;
            }
            let probability = if name == "test" {
                run.score_of(id)?.probability().unwrap_or(f64::NAN)
            } else {
                f64::NAN
            };
            writeln!(
                out,
                "{id},{},{},{},{probability}",
                label.as_of,
                cells(&matrix, row),
                u8::from(label.churned)
            )?;
        }
    }
    Ok(())
}

fn cells(matrix: &FeatureMatrix, row: usize) -> String {
    let cells = matrix.columns().iter().map(|column| match column {
        FeatureColumn::Number(values) if values[row].is_nan() => String::new(),
        FeatureColumn::Number(values) => values[row].to_string(),
        FeatureColumn::Text { codes, levels } => levels
            .get(codes[row] as usize)
            .map_or(String::new(), |level| format!("\"{level}\"")),
        _ => String::new(),
    });
    cells.collect::<Vec<String>>().join(",")
}
