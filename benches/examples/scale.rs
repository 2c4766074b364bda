//! Measures the duration of each stage of a complete run and the peak memory, for a tenant of any size.
//!
//! Usage: `cargo run --release -p churn-benches --example scale -- [customers] [threads] [no-train]`
//!
//! Each customer has ten payments, two tickets and five activities. Only one size is measured in each run of the
//! program, because the system reports only one peak of the memory for the whole process.

use std::time::Instant;

use churn_benches::scale::{Size, batches, dates, records};
use churn_core::{ChurnModel, Execution, FeatureColumn, FeatureMatrix, FeaturePlan, TrainOptions, features};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let customers: usize = arguments.next().as_deref().unwrap_or("100000").parse()?;
    let threads: usize = arguments.next().as_deref().unwrap_or("2").parse()?;
    let trains = arguments.next().as_deref() != Some("no-train");
    let size = Size::of(customers);
    let execution = || Execution::new().threads(threads);
    println!("{size:?}, {} events, {threads} threads", size.events());
    println!(
        "{:<28} {:>9} {:>9} {:>12} {:>10}",
        "stage", "seconds", "CPU s", "rows", "peak GiB"
    );

    let tables = timed("generate (not the library)", || Ok((batches(size, 1)?, size.events())))?;
    let records = timed("validate and build", || {
        let records = records(&tables, execution())?;
        Ok((records, size.events() + customers))
    })?;
    drop(tables);
    let plan = FeaturePlan::default();
    for count in [1usize, 6, 12] {
        let dates = dates(count as i64);
        // A matrix of six dates for a million customers would need too much memory. For large tenants, the matrix of
        // each date is therefore computed separately.
        let at_once = if customers > 500_000 { 1 } else { count };
        let stage = match at_once == count {
            true => format!("features at {count} dates"),
            false => format!("features at {count} dates, singly"),
        };
        let (sum, width) = timed(&stage, || {
            let (mut rows, mut sum, mut width) = (0, 0, 0);
            for dates in dates.chunks(at_once) {
                let matrix = features(&records, dates, &plan, &execution())?;
                rows += matrix.n_rows();
                sum ^= bits(&matrix);
                width = matrix.feature_names().len();
            }
            Ok(((sum, width), rows))
        })?;
        println!("  bits {sum:016x}, {width} features");
    }
    if trains {
        let options = TrainOptions::default().with_execution(execution());
        let model = timed("train", || {
            let model = ChurnModel::train(&records, &options)?;
            let rows = model.report().rows;
            Ok((model, rows))
        })?;
        timed("score", || {
            let run = model.score_with(&records, dates(1)[0], &execution())?;
            let rows = run.scores().len();
            Ok(((), rows))
        })?;
    }
    Ok(())
}

/// Runs a stage and prints a line with its measurements. `run` returns the result of the stage and the number of rows.
fn timed<T>(
    stage: &str,
    run: impl FnOnce() -> Result<(T, usize), Box<dyn std::error::Error>>,
) -> Result<T, Box<dyn std::error::Error>> {
    let (start, spent) = (Instant::now(), cpu());
    let (result, rows) = run()?;
    let (seconds, spent) = (start.elapsed().as_secs_f64(), cpu() - spent);
    println!("{stage:<28} {seconds:>9.3} {spent:>9.2} {rows:>12} {:>10.2}", peak());
    Ok(result)
}

/// Returns the peak memory of the process in GiB, or NaN if the system does not report it.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.map_or(f64::NAN, |kilobytes| kilobytes / f64::from(1 << 20))
}

/// Returns the CPU seconds of all threads so far, in steps of 10 ms. CPU seconds depend less on the load of the machine
/// than wall-clock time. Returns NaN if the system does not report CPU seconds.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let mut ticks = behind_name
        .split_whitespace()
        .skip(11)
        .map(|ticks| ticks.parse::<f64>().unwrap_or(f64::NAN));
    (ticks.next().unwrap_or(f64::NAN) + ticks.next().unwrap_or(f64::NAN)) / 100.0
}

/// Returns a checksum of a matrix. Matrices with different checksums are not bit-identical.
fn bits(matrix: &FeatureMatrix) -> u64 {
    let mix = |hash: u64, value: u64| (hash ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31);
    matrix.columns().iter().fold(0, |hash, column| match column {
        FeatureColumn::Number(values) => values.iter().fold(hash, |hash, value| mix(hash, value.to_bits())),
        FeatureColumn::Text { codes, .. } => codes.iter().fold(hash, |hash, &code| mix(hash, u64::from(code))),
        _ => hash,
    })
}
