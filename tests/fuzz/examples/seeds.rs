//! Writes the seed inputs of every fuzz target to `corpus/`. The seed inputs are a small model file, and small tables
//! of each record kind in every input format.

use std::fs;
use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::ipc::writer::{FileWriter, StreamWriter};
use churn_core::ensemble::TreeEnsemble;
use churn_core::{
    ChurnClassifier, ChurnDefinition, ChurnModel, ClassifierOptions, Column, Dataset, EnsembleOptions, RecordKind,
    Table, TenantRecords, TrainOptions, Value,
};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const TABLES: [(&str, &str); 4] = [
    (
        "customers",
        "customer_id,signed_up_at,churned_at,valid_from,known_at,plan,seats,active\n\
         a,2024-01-01,,2024-01-01,,pro,3,true\na,2024-01-01,2024-12-24T10:00:00+02:00,2024-06-01,2024-06-02,basic,1.5,false\n",
    ),
    (
        "payments",
        "payment_id,customer_id,due_at,amount,status,settled_at,refunded_at,currency\n\
         1,a,2024-12-01,12.34,paid,2024-12-02,,EUR\n2,b,2024-12-20T08:30:00.123456Z,-1e3,refunded,2024-12-20T09:00Z,2024-12-21,eur\n",
    ),
    (
        "tickets",
        "ticket_id,customer_id,opened_at,first_response_at,resolved_at,reopened_at,priority,satisfaction\n\
         7,a,2024-12-01,2024-12-02,2024-12-03,2024-12-04,high,5\n8,zz,2024-12-01,,,,low,\n",
    ),
    (
        "activities",
        "activity_id,customer_id,at,kind,quantity\n1,a,2024-12-31,login,2\n2,b,2024-02-29,,\n",
    ),
];

fn main() -> Outcome<()> {
    for target in ["artifact", "json", "csv", "arrow", "interface"] {
        fs::create_dir_all(format!("corpus/{target}"))?;
    }
    for (name, csv) in TABLES {
        fs::write(format!("corpus/csv/{name}"), csv)?;
        let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let names = lines.next().ok_or("a header")?;
        let rows: Vec<Vec<&str>> = lines.collect();
        fs::write(format!("corpus/json/{name}"), json(&names, &rows))?;
        arrow(name, &names, &rows)?;
    }
    // The first byte is the type of the array, and the second byte is its number of rows.
    for kind in 0..9 {
        let texts = [&[kind, 2, 1, 1, 2][..], &[0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0], b"abc"].concat();
        fs::write(format!("corpus/interface/type{kind}"), texts)?;
    }
    fs::write("corpus/artifact/model", model()?)?;
    fs::write("corpus/artifact/classifier", classifier()?)?;
    for (name, text) in [
        ("trees", include_str!("../../fixtures/models/lightgbm_numeric.txt")),
        (
            "trees_of_categories",
            include_str!("../../fixtures/models/lightgbm_categories.txt"),
        ),
    ] {
        fs::write(
            format!("corpus/artifact/{name}"),
            TreeEnsemble::from_lightgbm(text)?.to_bytes()?,
        )?;
    }
    Ok(())
}

fn json(names: &[&str], rows: &[Vec<&str>]) -> String {
    let cell = |text: &str| match text {
        "" => "null".to_owned(),
        _ if text.parse::<f64>().is_ok() || text == "true" || text == "false" => text.to_owned(),
        _ => format!("\"{text}\""),
    };
    let row = |cells: &Vec<&str>| {
        let cells = names
            .iter()
            .zip(cells)
            .map(|(name, text)| format!("\"{name}\":{}", cell(text)));
        format!("{{{}}}", cells.collect::<Vec<_>>().join(","))
    };
    format!("[{}]", rows.iter().map(row).collect::<Vec<_>>().join(","))
}

fn arrow(name: &str, names: &[&str], rows: &[Vec<&str>]) -> Outcome<()> {
    let column = |place: usize| -> ArrayRef {
        let cells = || rows.iter().map(|row| Some(row[place]).filter(|text| !text.is_empty()));
        if cells().flatten().all(|text| text.parse::<f64>().is_ok()) {
            return Arc::new(
                cells()
                    .map(|text| text.and_then(|text| text.parse().ok()))
                    .collect::<Float64Array>(),
            );
        }
        let moments: Vec<Option<i64>> = cells()
            .map(|text| text.and_then(|text| Some(text.parse::<churn_core::Timestamp>().ok()?.as_micros())))
            .collect();
        if moments
            .iter()
            .zip(cells())
            .all(|(at, text)| at.is_some() == text.is_some())
        {
            return Arc::new(TimestampMicrosecondArray::from(moments).with_timezone("UTC"));
        }
        Arc::new(cells().collect::<StringArray>())
    };
    let batch = RecordBatch::try_from_iter(names.iter().enumerate().map(|(place, name)| (*name, column(place))))?;
    let (mut file, mut stream) = (vec![], vec![]);
    let mut writer = FileWriter::try_new(&mut file, &batch.schema())?;
    writer.write(&batch)?;
    writer.finish()?;
    let mut writer = StreamWriter::try_new(&mut stream, &batch.schema())?;
    writer.write(&batch)?;
    writer.finish()?;
    fs::File::create(format!("corpus/arrow/{name}_file"))?.write_all(&file)?;
    fs::File::create(format!("corpus/arrow/{name}_stream"))?.write_all(&stream)?;
    Ok(())
}

fn classifier() -> Outcome<Vec<u8>> {
    let minutes: Vec<f64> = (0..60).map(|row| f64::from(row * 37 % 60)).collect();
    let churned: Vec<bool> = minutes
        .iter()
        .enumerate()
        .map(|(row, minutes)| *minutes < 20.0 || row % 9 == 0)
        .collect();
    let plans = (0..60)
        .map(|row| Value::Text(["a", "b", "b"][row % 3].to_owned()))
        .collect();
    let table = Table::new()
        .with_column("minutes", Column::Floats(minutes))?
        .with_column("plan", Column::Values(plans))?;
    let mut options = ClassifierOptions::default();
    small(&mut options.ensemble);
    Ok(ChurnClassifier::fit(&Dataset::new(&table, &churned), &options)?.to_bytes())
}

fn small(ensemble: &mut EnsembleOptions) {
    ensemble.folds = 2;
    ensemble.deep_boosting = None;
    if let Some(boosting) = &mut ensemble.boosting {
        (boosting.trees, boosting.leaves) = (3, 4);
    }
    if let Some(forest) = &mut ensemble.forest {
        (forest.trees, forest.depth) = (3, 3);
    }
}

fn model() -> Outcome<Vec<u8>> {
    let (mut customers, mut payments) = (
        String::from("customer_id,signed_up_at\n"),
        String::from("customer_id,due_at,amount\n"),
    );
    for number in 0..60 {
        customers += &format!("c{number},2024-01-{:02}\n", 1 + number % 28);
        for month in 1..=(if number % 3 == 0 { 3 + number % 5 } else { 12 }) {
            payments += &format!("c{number},2024-{month:02}-{:02},9.5\n", 1 + number % 28);
        }
    }
    let (records, _) = TenantRecords::builder("fuzz")
        .customers(Table::from_csv(customers.as_bytes())?)
        .payments(Table::from_csv(payments.as_bytes())?)
        .build()?;
    let mut options = TrainOptions::default()
        .with_definition(ChurnDefinition::inactivity(60, RecordKind::Payments))
        .with_plan(churn_core::FeaturePlan::standard(&[28])?);
    small(&mut options.ensemble);
    Ok(ChurnModel::train(&records, &options)?.to_bytes())
}
