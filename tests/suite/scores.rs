//! Tests that a score depends only on what was known at its date. Rows whose event happens at or after the date, and
//! rows that become known at or after the date, must have no effect.

use churn_core::{ChurnDefinition, ChurnModel, ErrorKind, Execution, RecordKind, ScoreRun, TrainOptions};
use churn_tests::future::rewrite;
use churn_tests::library::{as_of, valid_records};
use churn_tests::worlds::{Shape, world};

/// Returns the options of a small model that is fast to train.
fn options(definition: ChurnDefinition) -> TrainOptions {
    let mut options = TrainOptions::default()
        .with_definition(definition)
        .with_execution(Execution::new().threads(2));
    options.ensemble.folds = 3;
    options.ensemble.deep_boosting = None;
    if let Some(boosting) = &mut options.ensemble.boosting {
        boosting.n_trees = 20;
    }
    if let Some(forest) = &mut options.ensemble.forest {
        forest.n_trees = 10;
    }
    options
}

fn bits(run: &ScoreRun) -> Vec<(String, Option<u64>, String)> {
    let scores = run.scores().iter().map(|score| {
        let probability = score.probability().map(f64::to_bits);
        let rest = format!("{:?}", score.outcome);
        (score.customer_id.clone(), probability, rest)
    });
    scores.collect()
}

#[test]
fn future_events_leave_every_score_bit_identical() {
    let (mut trained, mut scored) = (0, 0);
    for seed in 0..24 {
        let shape = Shape {
            customers: 250,
            moves: true,
        };
        let world = world(seed, shape);
        let records = valid_records(&world, seed);
        let definition = match (seed % 3, &world.payments, &world.activities) {
            (0, Some(_), _) => ChurnDefinition::inactivity(60, RecordKind::Payments),
            (1, _, Some(_)) => ChurnDefinition::inactivity(60, RecordKind::Activities),
            _ => ChurnDefinition::cancellation(90),
        };
        let model = match ChurnModel::train(&records, &options(definition)) {
            Ok(model) => model,
            Err(error) => {
                let thin = [
                    ErrorKind::TooLittleData,
                    ErrorKind::SingleClass,
                    ErrorKind::ImmatureLabel,
                ];
                assert!(thin.contains(&error.kind()), "seed {seed}: {error:?}");
                continue;
            }
        };
        trained += 1;
        for &date in &world.dates {
            let rewritten = valid_records(&rewrite(&world, date, seed), seed + 1);
            let before = model.score(&records, as_of(date)).unwrap();
            let after = model.score(&rewritten, as_of(date)).unwrap();
            assert_eq!(bits(&before), bits(&after), "seed {seed} as of {}", as_of(date));
            scored += before
                .scores()
                .iter()
                .filter(|score| score.probability().is_some())
                .count();
        }
    }
    assert!(trained >= 8 && scored >= 500, "{trained} models, {scored} scores");
}
