//! Measures the stages of a complete run on the bundled data. These stages are reading records, computing features at
//! one date and at six dates, training, and scoring.

#![allow(missing_docs)]

use churn_core::{AsOf, ChurnModel, Execution, FeaturePlan, TrainOptions, features};
use churn_examples::journey;
use criterion::{Criterion, criterion_group, criterion_main};

fn dates(count: i64) -> Vec<AsOf> {
    let last: AsOf = "2017-12-01".parse().unwrap_or_else(|_| unreachable!());
    (0..count)
        .map(|step| AsOf::new(last.timestamp().plus_days(-15 * step)))
        .collect()
}

fn stages(criterion: &mut Criterion) {
    let (Ok((records, _)), plan) = (journey::records(), FeaturePlan::default()) else {
        return;
    };
    criterion.bench_function("records from CSV", |bench| bench.iter(journey::records));
    for count in [1, 6] {
        let dates = dates(count);
        let execution = Execution::new().threads(2);
        criterion.bench_function(&format!("features at {count} dates"), |bench| {
            bench.iter(|| features(&records, &dates, &plan, &execution))
        });
    }
    let options = TrainOptions::default()
        .with_definition(journey::definition())
        .with_execution(Execution::new().threads(2));
    criterion.bench_function("train", |bench| bench.iter(|| ChurnModel::train(&records, &options)));
    let Ok(model) = ChurnModel::train(&records, &options) else {
        return;
    };
    criterion.bench_function("score all households", |bench| {
        bench.iter(|| model.score(&records, dates(1)[0]))
    });
}

criterion_group! { name = benches; config = Criterion::default().sample_size(10); targets = stages }
criterion_main!(benches);
