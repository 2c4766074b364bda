//! Runs this library for the comparison in `peers/features.py`.
//!
//! - `features_peer write DIRECTORY CUSTOMERS` writes `customers.arrow` and `payments.arrow`.
//! - `features_peer write-all DIRECTORY CUSTOMERS` writes all four tables with all their columns, for
//!   `peers/main_job.py`.
//! - `features_peer run DIRECTORY THREADS [OUT]` reads the tables. It prints three durations in seconds: from raw
//!   columns to the features at one date, from raw columns to the features at twelve dates, and from records that are
//!   already built to the features at another date. With `OUT`, it writes the matrix at the first date to this file.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use churn_benches::scale::{Size, batches, dates};
use churn_core::{AsOf, Execution, FeatureMatrix, FeaturePlan, Table, TenantRecords, features};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", directory, customers] => write_tables(Path::new(directory), customers.parse()?),
        ["write-all", directory, customers] => write_all(Path::new(directory), customers.parse()?),
        ["run", directory, threads] => run(Path::new(directory), threads.parse()?, None),
        ["run", directory, threads, out] => run(Path::new(directory), threads.parse()?, Some(Path::new(out))),
        _ => Err("write or write-all DIRECTORY CUSTOMERS, or run DIRECTORY THREADS [OUT]".into()),
    }
}

fn write_tables(directory: &Path, customers: usize) -> Outcome<()> {
    std::fs::create_dir_all(directory)?;
    let [customers, payments, ..] = batches(Size::of(customers), 1)?;
    write(&directory.join("customers.arrow"), &customers.project(&[0, 1])?)?;
    // Payment ids are not written, because the SQL with which this library is compared does not search for duplicate
    // ids.
    write(
        &directory.join("payments.arrow"),
        &payments.project(&[1, 2, 3, 4, 5, 6])?,
    )
}

fn write_all(directory: &Path, customers: usize) -> Outcome<()> {
    std::fs::create_dir_all(directory)?;
    let names = ["customers", "payments", "tickets", "activities"];
    for (name, batch) in names.iter().zip(batches(Size::of(customers), 1)?) {
        write(&directory.join(format!("{name}.arrow")), &batch)?;
    }
    Ok(())
}

fn write(path: &Path, batch: &RecordBatch) -> Outcome<()> {
    let mut writer = FileWriter::try_new(File::create(path)?, &batch.schema())?;
    writer.write(batch)?;
    Ok(writer.finish()?)
}

fn read(path: &Path) -> Outcome<RecordBatch> {
    let mut reader = FileReader::try_new(File::open(path)?, None)?;
    Ok(reader.next().ok_or("no batch")??)
}

fn run(directory: &Path, threads: usize, out: Option<&Path>) -> Outcome<()> {
    let customers = read(&directory.join("customers.arrow"))?;
    let payments = read(&directory.join("payments.arrow"))?;
    let plan = FeaturePlan::default();
    let execution = || Execution::new().threads(threads);
    let build = || -> Outcome<TenantRecords> {
        let builder = TenantRecords::builder("scale")
            .customers(Table::from_record_batch(&customers)?)
            .payments(Table::from_record_batch(&payments)?);
        Ok(builder.execution(execution()).build()?.0)
    };
    let evaluate = |records: &TenantRecords, dates: &[AsOf]| -> Outcome<FeatureMatrix> {
        Ok(features(records, dates, &plan, &execution())?)
    };
    // The first run is a warm-up and is not measured.
    let matrix = evaluate(&build()?, &dates(1))?;
    if let Some(out) = out {
        write(out, &matrix.into_record_batch()?)?;
    }
    let start = Instant::now();
    let records = build()?;
    let built = start.elapsed().as_secs_f64();
    let one = evaluate(&records, &dates(1))?;
    let one_date = start.elapsed().as_secs_f64();
    drop(one);
    let start = Instant::now();
    let another = evaluate(&records, &dates(2)[1..])?;
    let another_date = start.elapsed().as_secs_f64();
    drop(another);
    let start = Instant::now();
    // The features are computed date by date, as in the SQL. Each matrix therefore contains the rows of only one date.
    let mut rows = 0;
    for date in dates(12) {
        rows += evaluate(&records, &[date])?.n_rows();
    }
    let twelve_dates = built + start.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    let gigabytes = peak.map_or(f64::NAN, |kilobytes| kilobytes / f64::from(1 << 20));
    println!(
        r#"{{"one date": {one_date}, "12 dates": {twelve_dates}, "another date": {another_date}, "build": {built}, "rows": {rows}, "GiB": {gigabytes}}}"#
    );
    Ok(())
}
