//! Runs this library for the comparison in `peers/scoring.py`.
//!
//! `score_peer MODEL MATRIX ROWS` reads a model and a row-major matrix of `f32`. The model is a LightGBM text file, an
//! XGBoost JSON file, or a JSON file that lists the arrays of each tree. The program then reads these commands from standard input:
//!
//! - `run THREADS` scores all rows and prints how many seconds this took.
//! - `out FILE` writes the probabilities of all rows as `f64` to a file.
//! - `one COUNT` scores COUNT rows one by one, and prints the median (p50) and the 99th percentile (p99) of the time
//!   per row in microseconds.
//! - `peak` prints the peak memory of the process in MiB.

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use churn_core::Execution;
use churn_core::ensemble::{ForeignTree, ForeignTrees, Link, TreeEnsemble};
use ndarray::{Array2, ArrayView2, s};
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, matrix, rows] = &arguments[..] else {
        return Err("score_peer MODEL MATRIX ROWS".into());
    };
    let ensemble = read_model(Path::new(model))?;
    let x = read_matrix(Path::new(matrix), rows.parse()?)?;
    let mut probabilities = vec![];
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut out = std::io::stdout().lock();
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["run", threads] => {
                let execution = Execution::new().threads(threads.parse()?);
                let start = Instant::now();
                probabilities = ensemble.predict_proba(x.view(), &execution)?;
                writeln!(out, "{}", start.elapsed().as_secs_f64())?;
            }
            ["out", file] => {
                let bytes: Vec<u8> = probabilities.iter().flat_map(|p| p.to_le_bytes()).collect();
                std::fs::write(file, bytes)?;
                writeln!(out, "written")?;
            }
            ["one", count] => writeln!(out, "{}", one_by_one(&ensemble, x.view(), count.parse()?)?)?,
            ["peak"] => writeln!(out, "{}", peak())?,
            _ => return Err(format!("unknown line: {line}").into()),
        }
        out.flush()?;
    }
    Ok(())
}

fn one_by_one(ensemble: &TreeEnsemble, x: ArrayView2<'_, f32>, count: usize) -> Outcome<String> {
    let execution = Execution::new().threads(1);
    let mut micros = Vec::with_capacity(count);
    for row in 0..count {
        let row = row % x.nrows();
        let start = Instant::now();
        let scored = ensemble.predict_proba(x.slice(s![row..row + 1, ..]), &execution)?;
        micros.push(start.elapsed().as_secs_f64() * 1e6);
        std::hint::black_box(scored);
    }
    micros.sort_by(f64::total_cmp);
    Ok(format!("{} {}", micros[count / 2], micros[count * 99 / 100]))
}

fn read_matrix(path: &Path, rows: usize) -> Outcome<Array2<f32>> {
    let bytes = std::fs::read(path)?;
    let values: Vec<f32> = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|four| f32::from_le_bytes(*four))
        .collect();
    let columns = values.len() / rows;
    Ok(Array2::from_shape_vec((rows, columns), values)?)
}

fn read_model(path: &Path) -> Outcome<TreeEnsemble> {
    let bytes = std::fs::read(path)?;
    if path.extension().is_some_and(|extension| extension == "txt") {
        return Ok(TreeEnsemble::from_lightgbm(std::str::from_utf8(&bytes)?)?);
    }
    let json: Value = serde_json::from_slice(&bytes)?;
    let Some(trees) = json.get("trees").and_then(Value::as_array) else {
        return Ok(TreeEnsemble::from_xgboost(&bytes)?);
    };
    let list = |tree: &Value, name: &str| -> Vec<f64> {
        let values = tree[name].as_array().map_or(&[][..], Vec::as_slice);
        values.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
    };
    let whole = |tree: &Value, name: &str| list(tree, name).into_iter().map(|value| value as i64).collect();
    let trees: Vec<ForeignTree> = trees
        .iter()
        .map(|tree| ForeignTree {
            feature: whole(tree, "feature"),
            threshold: list(tree, "threshold"),
            left: whole(tree, "left"),
            right: whole(tree, "right"),
            missing_left: list(tree, "missing_left").into_iter().map(|yes| yes > 0.0).collect(),
            value: list(tree, "value"),
            cover: list(tree, "cover"),
        })
        .collect();
    Ok(TreeEnsemble::from_trees(&ForeignTrees {
        divisor: trees.len() as f64,
        n_features: json["features"].as_u64().unwrap_or_default() as usize,
        link: Link::Probability,
        rounded: true,
        trees,
        ..ForeignTrees::default()
    })?)
}

/// Returns the peak memory of the process in MiB, or NaN if the system does not report it.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.map_or(f64::NAN, |kilobytes| kilobytes / 1024.0)
}
