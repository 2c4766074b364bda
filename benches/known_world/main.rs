//! Trains models of this library on synthetic tenants with known risk, and tests the models out of time. The program
//! also writes the matrices, labels and true risks to files, so that other libraries can be tested on the same data.
//!
//! Run `cargo run --release -p churn-benches --example known_world -- FOLDER CUSTOMERS SEEDS [FIRST_SEED]`. Then run
//! `benches/peers/known_world.py FOLDER` to test the other libraries.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use churn_core::synthetic::{WorldOptions, WorldTenant, world};
use churn_core::{
    AsOf, Backtest, BacktestOptions, ChurnDefinition, Error, Execution, FeatureColumn, FeaturePlan, OutOfTime,
    TenantRecords, TrainOptions, features, labels, metrics,
};

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    let folder = PathBuf::from(arguments.first().map_or("target/known_world", String::as_str));
    let (customers, seeds, first) = (number(1, 10_000), number(2, 20), number(3, 0));
    for seed in first..first + seeds {
        let options = WorldOptions::default()
            .with_seed(seed as u64)
            .with_tenants(1)
            .with_customers(customers);
        let world = world(&options)?;
        let own = folder.join(format!("{customers}-{seed}"));
        std::fs::create_dir_all(&own)?;
        for tenant in world.tenants() {
            one(tenant, seed, &own)?;
        }
    }
    Ok(())
}

/// Trains and tests a model of this library on one tenant, and writes the files that the other libraries need.
fn one(tenant: &WorldTenant, seed: usize, folder: &Path) -> Result<(), Error> {
    let (records, _) = tenant.records()?.build()?;
    let origin = AsOf::new(tenant.observed_until().plus_days(-90));
    // The training dates are fixed, and all eligible customers are used at each date, so that other libraries can be
    // trained on the same rows.
    let dates = (2..8).map(|k| AsOf::new(origin.timestamp().plus_days(-45 * k)));
    let options = BacktestOptions::default()
        .with_train(TrainOptions::default().with_as_of(dates))
        .with_origins(vec![origin]);
    let backtest = Backtest::run(&records, &options)?;
    let Some(test) = backtest.folds.first() else {
        return Ok(());
    };
    let truth = tenant.truth(origin)?;
    let risks: Vec<f64> = truth.iter().map(|risk| risk.probability).collect();
    let churned: Vec<bool> = truth.iter().map(|risk| risk.churned == Some(true)).collect();
    write_rows(&records, &test.training_dates, folder, "train")?;
    let ids = write_rows(&records, &[origin], folder, "test")?;
    assert!(
        ids.iter().eq(truth.iter().map(|risk| &risk.customer_id)),
        "the oracle sees the same customers"
    );
    write_numbers(&folder.join("risk.f64"), &risks)?;
    let oracle = (metrics::roc_auc(&churned, &risks), metrics::log_loss(&churned, &risks));
    write_summary(test, oracle, seed, folder)
}

fn write_summary(
    test: &OutOfTime,
    (oracle_auc, oracle_loss): (Option<f64>, Option<f64>),
    seed: usize,
    folder: &Path,
) -> Result<(), Error> {
    let value = |estimate: Option<churn_core::Estimate>| estimate.map_or(f64::NAN, |estimate| estimate.value);
    let summary = format!(
        "{{\"seed\": {seed}, \"rows\": {}, \"churned\": {}, \"auc\": {}, \"log_loss\": {}, \"oracle_auc\": {}, \"oracle_log_loss\": {}}}",
        test.measures.rows,
        test.measures.churned,
        value(test.measures.roc_auc),
        value(test.measures.log_loss),
        oracle_auc.unwrap_or(f64::NAN),
        oracle_loss.unwrap_or(f64::NAN),
    );
    println!("{summary}");
    writeln!(File::create(folder.join("ours.json"))?, "{summary}")?;
    Ok(())
}

/// Writes the labelled rows to a file, column by column, as little-endian doubles. Texts are written as numbers.
/// The label is the last column. Returns the customer id of each row.
fn write_rows(records: &TenantRecords, dates: &[AsOf], folder: &Path, name: &str) -> Result<Vec<String>, Error> {
    let matrix = features(records, dates, &FeaturePlan::default(), &Execution::new())?;
    let labels = labels(records, dates, &ChurnDefinition::default(), &Execution::new())?;
    let ids: Vec<&str> = records.customer_ids().collect();
    // The labels and the rows of the matrix are sorted by date, then by customer. The matrix also contains customers
    // who are not eligible and have no label. Their rows are skipped.
    let mut row = 0;
    let mut rows = vec![];
    for label in labels.rows() {
        while matrix.as_of()[row] != label.as_of || matrix.customer_id(row) != ids[label.customer as usize] {
            row += 1;
        }
        rows.push(row);
    }
    let mut names = vec![];
    let mut values = vec![];
    for (feature, column) in matrix.feature_names().iter().zip(matrix.columns()) {
        let picked: Vec<f64> = match column {
            FeatureColumn::Number(values) => rows.iter().map(|&row| values[row]).collect(),
            FeatureColumn::Text { codes, levels } => {
                // A text is written as its position in the sorted list of all texts. It therefore has the same number
                // in the training matrix and in the test matrix.
                let mut sorted: Vec<&String> = levels.iter().collect();
                sorted.sort();
                let code = |row: usize| {
                    let text = levels.get(codes[row] as usize);
                    text.and_then(|text| sorted.iter().position(|level| *level == text))
                };
                rows.iter()
                    .map(|&row| code(row).map_or(f64::NAN, |code| code as f64))
                    .collect()
            }
            _ => continue,
        };
        let prefix = if matches!(column, FeatureColumn::Text { .. }) {
            "text:"
        } else {
            ""
        };
        names.push(format!("{prefix}{feature}"));
        values.extend(picked);
    }
    names.push("churned".to_owned());
    values.extend(labels.rows().iter().map(|label| f64::from(u8::from(label.churned))));
    std::fs::write(folder.join(format!("{name}.columns")), names.join("\n"))?;
    write_numbers(&folder.join(format!("{name}.f64")), &values)?;
    Ok(rows.into_iter().map(|row| matrix.customer_id(row).to_owned()).collect())
}

fn write_numbers(path: &Path, values: &[f64]) -> Result<(), Error> {
    let mut out = BufWriter::new(File::create(path)?);
    for value in values {
        out.write_all(&value.to_le_bytes())?;
    }
    Ok(out.flush()?)
}
