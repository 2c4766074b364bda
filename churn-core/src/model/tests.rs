//! Invariants of every model: results are bit-identical for any number of threads, after a model is reloaded, and for a
//! customer who is scored alone.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::error::{ErrorKind, RecordKind, Result};
use crate::features::ChurnDefinition;
use crate::input::{Activity, Customer, Payment, Table, Ticket, Value};
use crate::numeric::SplitMix;
use crate::parallel::{CancelToken, Execution};
use crate::record::{StaticAttributes, TenantRecords};
use crate::time::{AsOf, Timestamp};

pub(super) fn day(offset: i64) -> Timestamp {
    Timestamp::from_ymd(2024, 1, 1).unwrap().plus_days(offset)
}

/// Customers who pay every month until they become inactive. Unhappy customers become inactive earlier.
pub(super) struct World {
    pub(super) customers: Vec<Customer>,
    payments: Vec<Payment>,
    tickets: Vec<Ticket>,
    activities: Vec<Activity>,
}

pub(super) fn world(count: usize, seed: u64) -> World {
    let mut world = World {
        customers: vec![],
        payments: vec![],
        tickets: vec![],
        activities: vec![],
    };
    for number in 0..count {
        let mut random = SplitMix::new(seed, number as u64);
        let id = format!("C-{number:04}");
        let unhappy = random.unit();
        let start = random.below(200) as i64;
        let plan = ["basic", "pro", "team"][random.below(3)];
        let mut customer = Customer::new(id.clone(), day(start));
        customer.attributes.insert("plan".into(), Value::Text(plan.into()));
        customer
            .attributes
            .insert("seats".into(), Value::Float(1.0 + random.below(20) as f64));
        let mut at = start;
        while at < 730 && random.unit() > 0.02 + 0.12 * unhappy * unhappy {
            let amount = 10.0 + random.below(50) as f64;
            world.payments.push(Payment::new(id.clone(), day(at), amount));
            if random.unit() < unhappy {
                let resolved_at = (random.unit() < 0.8).then(|| day(at + 3));
                world.tickets.push({
                    let mut row = Ticket::new(id.clone(), day(at));
                    row.resolved_at = resolved_at;
                    row.satisfaction = resolved_at.map(|_| 5.0 - (4.0 * unhappy).round());
                    row
                });
            }
            for _ in 0..random.below(4) {
                let kind = Some(["login", "export"][random.below(2)].to_owned());
                world.activities.push({
                    let mut row = Activity::new(id.clone(), day(at + random.below(20) as i64));
                    row.kind = kind;
                    row
                });
            }
            at += 30;
        }
        customer.churned_at = (at < 730).then(|| day(at));
        world.customers.push(customer);
    }
    world
}

impl World {
    /// Removes the events of customers who are no longer in the customers table.
    pub(super) fn drop_orphans(&mut self) {
        let known: HashSet<&str> = (self.customers.iter())
            .map(|customer| customer.customer_id.as_str())
            .collect();
        self.payments
            .retain(|payment| known.contains(payment.customer_id.as_str()));
        self.tickets
            .retain(|ticket| known.contains(ticket.customer_id.as_str()));
        self.activities
            .retain(|activity| known.contains(activity.customer_id.as_str()));
    }

    pub(super) fn records(&self, tenant: &str) -> TenantRecords {
        let builder = TenantRecords::builder(tenant)
            .customers(self.customers.as_slice())
            .payments(self.payments.as_slice())
            .tickets(self.tickets.as_slice());
        let builder = builder
            .activities(self.activities.as_slice())
            .static_attributes(StaticAttributes::All)
            .observed_until(day(730));
        builder.build().unwrap().0
    }
}

/// Options for a small and fast model.
pub(super) fn options(threads: usize) -> TrainOptions {
    let mut options = TrainOptions {
        definition: ChurnDefinition::cancellation(60),
        execution: Execution::new().threads(threads),
        ..Default::default()
    };
    options.ensemble.folds = 3;
    options.ensemble.deep_boosting = None;
    if let Some(boosting) = &mut options.ensemble.boosting {
        boosting.n_trees = 40;
        boosting.min_leaf_rows = 10;
    }
    if let Some(forest) = &mut options.ensemble.forest {
        forest.n_trees = 20;
    }
    options
}

fn bits(run: &ScoreRun) -> Vec<(String, Option<u64>)> {
    run.scores()
        .iter()
        .map(|score| (score.customer_id.clone(), score.probability().map(f64::to_bits)))
        .collect()
}

#[test]
fn model_bytes_do_not_depend_on_the_number_of_threads() -> Result<()> {
    let records = world(150, 1).records("acme");
    let (one, three) = (
        ChurnModel::train(&records, &options(1))?,
        ChurnModel::train(&records, &options(3))?,
    );
    assert_eq!(one.to_bytes(), three.to_bytes());
    assert_eq!(one.id(), three.id());
    let score = |threads| {
        one.score_with(&records, day(500), &Execution::new().threads(threads))
            .map(|run| bits(&run))
    };
    assert_eq!(score(1)?, score(3)?);
    assert_ne!(
        one.id(),
        ChurnModel::train(&records, &TrainOptions { seed: 1, ..options(1) })?.id()
    );
    Ok(())
}

#[test]
fn a_reloaded_model_gives_bit_identical_scores_and_damaged_bytes_are_refused() -> Result<()> {
    let records = world(120, 2).records("acme");
    let model = ChurnModel::train(&records, &options(2))?;
    let bytes = model.to_bytes();
    let reloaded = ChurnModel::from_bytes(&bytes)?;
    assert_eq!(
        bits(&model.score(&records, day(500))?),
        bits(&reloaded.score(&records, day(500))?)
    );
    assert_eq!(model.report(), reloaded.report());
    for at in (0..bytes.len()).step_by(bytes.len() / 50) {
        assert!(ChurnModel::from_bytes(&bytes[..at]).is_err());
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let code = ChurnModel::from_bytes(&damaged).unwrap_err().code();
        assert!(
            ["artifact_damaged", "artifact_version", "artifact_too_large"].contains(&code),
            "{code}"
        );
    }
    Ok(())
}

#[test]
fn false_payloads_with_a_valid_checksum_are_refused() -> Result<()> {
    let records = world(120, 2).records("acme");
    let model = ChurnModel::train(&records, &options(2))?;
    let bytes = model.to_bytes();
    let artifact = crate::artifact::read(&bytes)?;
    let mut random = SplitMix::new(9, 9);
    for _ in 0..300 {
        let mut payload = artifact.payload.to_vec();
        for _ in 0..1 + random.below(4) {
            let at = random.below(payload.len());
            payload[at] = random.next_u64() as u8;
        }
        // Either the changed bytes are refused, or they give a model that scores without a panic. Some changes give a
        // valid model, for example a change of a leaf value.
        if let Ok(model) = ChurnModel::from_bytes(&crate::artifact::write(artifact.metadata, &payload)?) {
            let _ = model.score(&records, day(500));
        }
    }
    Ok(())
}

#[test]
fn a_single_customer_has_the_bit_identical_score_of_the_batch() -> Result<()> {
    let world = world(120, 3);
    let records = world.records("acme");
    let model = ChurnModel::train(&records, &options(2))?;
    let run = model.score(&records, day(420))?;
    assert!(run.scores().len() > 30);
    for score in run.scores() {
        let customer: Vec<Customer> = world
            .customers
            .iter()
            .filter(|row| row.customer_id == score.customer_id)
            .cloned()
            .collect();
        let payments: Vec<Payment> = world
            .payments
            .iter()
            .filter(|row| row.customer_id == score.customer_id)
            .cloned()
            .collect();
        let tickets: Vec<Ticket> = world
            .tickets
            .iter()
            .filter(|row| row.customer_id == score.customer_id)
            .cloned()
            .collect();
        let activities: Vec<Activity> = world
            .activities
            .iter()
            .filter(|row| row.customer_id == score.customer_id)
            .cloned()
            .collect();
        let alone = CustomerRows::new(customer)
            .payments(payments)
            .tickets(tickets)
            .activities(activities);
        let alone = model.score_customer(alone, day(420), 5)?;
        assert_eq!(alone.score, *score);
        assert_eq!(alone.reasons, run.reasons(&score.customer_id, 5)?);
    }
    Ok(())
}

#[test]
fn contributions_sum_to_the_blended_log_odds() -> Result<()> {
    let records = world(120, 4).records("acme");
    let model = ChurnModel::train(&records, &options(2))?;
    let matrix = model.score(&records, day(420))?.matrix().clone();
    let execution = Execution::new();
    let explanation = model.explain(&matrix, &execution)?;
    for (row, log_odds) in model.log_odds(&matrix, &execution)?.iter().enumerate() {
        let sum = explanation.contributions.row(row).sum() + explanation.base_value;
        assert!((sum - log_odds).abs() < 1e-9, "{sum} {log_odds}");
    }
    Ok(())
}

#[test]
fn the_out_of_time_test_has_its_purge_proof() -> Result<()> {
    // Only one in twelve customers churns, so with fewer customers the AUC would depend on chance.
    let records = world(3000, 5).records("acme");
    let model = ChurnModel::train(&records, &options(2))?;
    let test = model.report().out_of_time.clone().unwrap();
    assert!(test.proof.holds() && test.proof.last_label_end <= test.test_date.timestamp());
    let roc_auc = test.measures.roc_auc.unwrap();
    assert!(roc_auc.value > 0.6, "{roc_auc}");
    assert!(test.predictions.is_empty(), "a model file carries no customers");
    let backtest = Backtest::run(
        &records,
        &BacktestOptions {
            train: options(2),
            ..Default::default()
        },
    )?;
    assert!(!backtest.folds.is_empty() && backtest.folds.iter().all(|fold| fold.proof.holds()));
    for fold in &backtest.folds {
        let rows = &fold.predictions;
        assert_eq!(rows.len(), fold.measures.rows);
        assert_eq!(rows.iter().filter(|row| row.churned).count(), fold.measures.churned);
        let mean = rows.iter().map(|row| row.probability).sum::<f64>() / rows.len() as f64;
        assert!((mean - fold.measures.mean_probability).abs() < 1e-12);
        assert!(rows.iter().all(|row| fold.test_dates.contains(&row.as_of)));
    }
    Ok(())
}

#[test]
fn too_little_history_is_an_error() -> Result<()> {
    let records = world(200, 5).records("acme");
    let date: AsOf = day(400).into();
    let one_date = TrainOptions {
        as_of: Some(vec![date]),
        ..options(2)
    };
    let model = ChurnModel::train(&records, &one_date)?;
    assert!(model.report().out_of_time.is_none());
    assert!(
        model
            .report()
            .out_of_time_reason
            .as_ref()
            .unwrap()
            .contains("label period")
    );
    assert!(model.report().cross_validated.roc_auc.is_some());
    let backtest = Backtest::run(
        &records,
        &BacktestOptions {
            train: one_date,
            origins: Some(vec![date]),
            ..Default::default()
        },
    );
    assert_eq!(backtest.unwrap_err().code(), "nothing_after_purge");
    let immature = TrainOptions {
        as_of: Some(vec![day(700).into()]),
        ..options(2)
    };
    assert_eq!(
        ChurnModel::train(&records, &immature).unwrap_err().code(),
        "immature_label"
    );
    Ok(())
}

#[test]
fn records_of_another_tenant_are_refused() -> Result<()> {
    let world = world(120, 6);
    let model = ChurnModel::train(&world.records("acme"), &options(2))?;
    let other = world.records("other");
    assert_eq!(model.score(&other, day(420)).unwrap_err().code(), "tenant_mismatch");
    assert_eq!(
        model
            .features(&other, &[day(420).into()], &Execution::new())
            .unwrap_err()
            .code(),
        "tenant_mismatch"
    );
    let shared = ChurnModel::train(
        &world.records("acme"),
        &TrainOptions {
            shared: true,
            ..options(2)
        },
    )?;
    assert!(!shared.score(&other, day(420))?.scores().is_empty());
    Ok(())
}

#[test]
fn records_without_the_tables_and_types_of_the_model_are_refused() -> Result<()> {
    let world = world(120, 7);
    let model = ChurnModel::train(&world.records("acme"), &options(2))?;
    let (bare, _) = TenantRecords::builder("acme")
        .customers(world.customers.as_slice())
        .build()?;
    let error = model.score(&bare, day(420)).unwrap_err();
    assert_eq!(
        (error.code(), error.table()),
        ("feature_mismatch", Some(RecordKind::Payments))
    );
    let mut changed = world.customers.clone();
    for customer in &mut changed {
        customer.attributes.insert("seats".into(), Value::Text("many".into()));
    }
    let builder = TenantRecords::builder("acme")
        .customers(changed)
        .payments(world.payments.as_slice())
        .tickets(world.tickets.as_slice());
    let (changed, _) = builder.activities(world.activities.as_slice()).build()?;
    let error = model.score(&changed, day(420)).unwrap_err();
    assert_eq!((error.code(), error.column()), ("feature_mismatch", Some("seats")));
    Ok(())
}

#[test]
fn a_new_customer_without_events_is_not_scored() -> Result<()> {
    let world = world(120, 8);
    let model = ChurnModel::train(&world.records("acme"), &options(2))?;
    let newcomer = || CustomerRows::new(vec![Customer::new("new", day(410))]);
    let empty = newcomer()
        .payments(Table::new())
        .tickets(Table::new())
        .activities(Table::new());
    let answer = model.score_customer(empty, day(420), 5)?;
    assert_eq!(
        (
            answer.score.probability(),
            answer.score.status().as_str(),
            answer.reasons.len()
        ),
        (None, "not_enough_evidence", 0)
    );
    assert_eq!(answer.score.expected_at(), Some(day(438)));
    let early = newcomer()
        .payments(Table::new())
        .tickets(Table::new())
        .activities(Table::new());
    assert_eq!(
        model.score_customer(early, day(400), 5).unwrap_err().kind(),
        ErrorKind::NotEligible
    );
    Ok(())
}

#[test]
fn progress_never_decreases_and_cancellation_is_fast() -> Result<()> {
    let records = world(400, 9).records("acme");
    let seen = Arc::new(Mutex::new(vec![]));
    let heard = Arc::clone(&seen);
    let execution = Execution::new()
        .threads(1)
        .on_progress(move |progress| heard.lock().unwrap().push(progress.done));
    ChurnModel::train(
        &records,
        &TrainOptions {
            execution,
            ..options(1)
        },
    )?;
    let seen = seen.lock().unwrap();
    assert!(seen.len() > 20 && seen.windows(2).all(|pair| pair[0] <= pair[1]) && *seen.last().unwrap() > 0.99);

    let token = CancelToken::new();
    let (cancelled, started) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let (at, cancelling) = (Arc::clone(&cancelled), token.clone());
    let execution = Execution::new()
        .threads(2)
        .cancelled_by(token)
        .on_progress(move |progress| {
            if progress.done > 0.3 && !cancelling.is_cancelled() {
                at.store(started.elapsed().as_micros() as u64, Ordering::Relaxed);
                cancelling.cancel();
            }
        });
    let mut long = options(2);
    long.ensemble = EnsembleOptions::default();
    let error = ChurnModel::train(&records, &TrainOptions { execution, ..long }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let waited = started.elapsed() - Duration::from_micros(cancelled.load(Ordering::Relaxed));
    assert!(waited < Duration::from_secs(2), "{waited:?}");
    Ok(())
}

#[test]
fn a_single_class_and_an_empty_ensemble_are_errors() {
    let mut world = world(60, 10);
    for customer in &mut world.customers {
        customer.churned_at = None;
    }
    assert_eq!(
        ChurnModel::train(&world.records("acme"), &options(1))
            .unwrap_err()
            .code(),
        "single_class"
    );
    let nothing = TrainOptions {
        ensemble: EnsembleOptions {
            linear: false,
            boosting: None,
            deep_boosting: None,
            forest: None,
            folds: 3,
            ..Default::default()
        },
        ..options(1)
    };
    assert_eq!(
        ChurnModel::train(&self::world(60, 10).records("acme"), &nothing)
            .unwrap_err()
            .code(),
        "invalid_option"
    );
}

#[test]
fn a_panel_of_months_is_purged_or_refused() -> Result<()> {
    let records = world(500, 11).records("acme");
    let months: Vec<AsOf> = (0..12).map(|month| day(90 + 30 * month).into()).collect();
    let definition = ChurnDefinition::cancellation(90);
    let backtest = |origin: usize, change: &dyn Fn(&mut BacktestOptions)| {
        let mut quick = options(2);
        quick.ensemble = quick.ensemble.with_boosting(None);
        quick.ensemble.forest = None;
        let mut backtest = BacktestOptions {
            train: TrainOptions {
                definition: definition.clone(),
                as_of: Some(months.clone()),
                ..quick
            },
            origins: Some(vec![months[origin]]),
            ..Default::default()
        };
        change(&mut backtest);
        Backtest::run(&records, &backtest)
    };
    let plain = backtest(11, &|_| {})?;
    let proof = &plain.folds[0].proof;
    assert!(proof.holds() && proof.last_training_date == months[8]);
    assert_eq!(proof.purged_dates, months[9..11]);
    assert_eq!(backtest(2, &|_| {}).unwrap_err().code(), "nothing_after_purge");
    let later = backtest(11, &|options| options.embargo_days = 30)?;
    assert!(later.folds[0].proof.holds() && later.folds[0].proof.last_training_date == months[7]);
    assert_eq!(later.folds[0].proof.purged_dates, months[8..11]);
    // The backtest chooses dates that are half a label period apart. The date before the origin is purged, and the
    // proof lists this date. The list of purged dates is empty only if no date lies between the last training date and
    // the origin.
    let chosen = backtest(11, &|options| options.train.as_of = None)?;
    assert_eq!(chosen.folds[0].proof.purged_dates.len(), 1);
    let apart = backtest(11, &|options| options.train.as_of = Some(months[..9].to_vec()))?;
    assert_eq!(apart.folds[0].proof.purged_dates, []);
    assert_eq!(apart.folds[0].measures, plain.folds[0].measures);
    assert_eq!(
        backtest(3, &|options| options.embargo_days = 30).unwrap_err().code(),
        "nothing_after_purge"
    );
    let unseen = backtest(11, &|options| options.unseen_customers = true)?;
    assert!(unseen.folds[0].unseen_customers && unseen.folds[0].measures.rows == plain.folds[0].measures.rows);
    assert_ne!(unseen.folds[0].measures, plain.folds[0].measures);
    Ok(())
}

#[test]
fn churn_weight_keeps_probabilities_calibrated() -> Result<()> {
    let records = world(300, 12).records("acme");
    let train = |churn_weight| {
        let mut options = options(2);
        options.ensemble.churn_weight = churn_weight;
        ChurnModel::train(&records, &options)
    };
    let (plain, heavy) = (train(1.0)?, train(8.0)?);
    assert_ne!(plain.id(), heavy.id());
    let rate = heavy.report().churned as f64 / heavy.report().rows as f64;
    assert!((heavy.report().cross_validated.mean_probability - rate).abs() < 0.02);
    assert_eq!(train(0.0).unwrap_err().column(), Some("churn_weight"));
    Ok(())
}

/// Returns the code and the columns of each warning of a run.
fn codes(run: &ScoreRun) -> Vec<(&'static str, Vec<String>)> {
    let warnings = run.warnings().iter();
    warnings
        .map(|warning| (warning.code.as_str(), warning.columns.clone()))
        .collect()
}

#[test]
fn scores_whose_outcomes_training_used_carry_a_warning() -> Result<()> {
    let world = world(150, 9);
    let records = world.records("acme");
    let model = ChurnModel::train(&records, &options(2))?;
    let last = *model.report().training_dates.iter().max().unwrap();
    let until = AsOf::new(last.timestamp().plus_days(60));
    let seen = |as_of: AsOf| -> Result<bool> {
        let run = model.score(&records, as_of)?;
        Ok(codes(&run).iter().any(|(code, _)| *code == "outcomes_seen_in_training"))
    };
    assert!(seen(last)? && seen(AsOf::new(until.timestamp().plus_days(-1)))?);
    assert!(!seen(until)?);
    // A shared model may score tenants that it was not trained on.
    let mut shared = options(2);
    shared.shared = true;
    let run = ChurnModel::train(&records, &shared)?.score(&records, last)?;
    assert!(codes(&run).iter().all(|(code, _)| *code != "outcomes_seen_in_training"));
    Ok(())
}

#[test]
fn a_built_in_column_that_training_had_is_missed() -> Result<()> {
    let mut world = world(150, 9);
    for (number, payment) in world.payments.iter_mut().enumerate() {
        payment.status = (number % 5 == 0).then(|| "failed".to_owned());
        payment.settled_at = Some(payment.due_at.plus_days(1));
    }
    let model = ChurnModel::train(&world.records("acme"), &options(2))?;
    let as_of = day(700);
    let missing = |world: &World| -> Result<Vec<Vec<String>>> {
        let run = model.score(&world.records("acme"), as_of)?;
        let missing = codes(&run).into_iter().filter(|(code, _)| *code == "missing_column");
        Ok(missing.map(|(_, columns)| columns).collect())
    };
    assert!(missing(&world)?.is_empty());
    world.payments.iter_mut().for_each(|payment| payment.status = None);
    world.tickets.iter_mut().for_each(|ticket| ticket.satisfaction = None);
    assert_eq!(missing(&world)?, [["status"], ["satisfaction"]]);
    Ok(())
}

#[test]
fn customers_without_their_ends_are_missed_and_a_stopped_feed_of_ends_is_stale() -> Result<()> {
    let mut world = world(200, 9);
    let records = world.records("acme");
    let model = ChurnModel::train(&records, &options(2))?;
    let run_codes = |world: &World, as_of: Timestamp| -> Result<Vec<(&'static str, Vec<String>)>> {
        Ok(codes(&model.score(&world.records("acme"), as_of)?))
    };
    let missing = ("missing_column", vec!["churned_at".to_owned()]);
    let as_of = day(729);
    let found = run_codes(&world, as_of)?;
    assert!(
        !found.contains(&missing) && !found.iter().any(|(code, _)| *code == "stale_data"),
        "{found:?}"
    );
    // The churn dates from day 400 on are removed. The payments after day 400 are kept.
    for customer in &mut world.customers {
        customer.churned_at = customer.churned_at.filter(|at| *at < day(400));
    }
    let found = run_codes(&world, as_of)?;
    assert!(found.iter().any(|(code, _)| *code == "stale_data"), "{found:?}");
    // A small tenant may have only a few cancellations, all of them long ago. There is then no warning about stale
    // data.
    let mut kept = 0;
    for customer in &mut world.customers {
        kept += usize::from(customer.churned_at.is_some());
        customer.churned_at = customer.churned_at.filter(|_| kept <= 10);
    }
    let found = run_codes(&world, as_of)?;
    assert!(!found.iter().any(|(code, _)| *code == "stale_data"), "{found:?}");
    world
        .customers
        .iter_mut()
        .for_each(|customer| customer.churned_at = None);
    assert!(run_codes(&world, as_of)?.contains(&missing));
    Ok(())
}

#[test]
fn a_date_after_the_end_of_the_history_is_reported() -> Result<()> {
    let world = world(200, 9);
    let model = ChurnModel::train(&world.records("acme"), &options(2))?;
    let after = |until: Option<Timestamp>, as_of: Timestamp| -> Result<bool> {
        let mut records = world.records("acme");
        records.observed_until = until;
        let codes = codes(&model.score(&records, as_of)?);
        Ok(codes.iter().any(|(code, _)| *code == "after_history"))
    };
    assert!(after(Some(day(727)), day(729))?);
    assert!(!after(Some(day(729)), day(729))?);
    assert!(!after(None, day(729))?, "the caller did not set the end");
    Ok(())
}

#[test]
fn a_partial_outage_of_a_feed_is_reported() -> Result<()> {
    let mut world = world(400, 9);
    let model = ChurnModel::train(&world.records("acme"), &options(2))?;
    let as_of = day(600);
    let found = |world: &World| -> Result<Vec<&'static str>> {
        let run = model.score(&world.records("acme"), as_of)?;
        Ok(codes(&run).into_iter().map(|(code, _)| code).collect())
    };
    assert!(!found(&world)?.contains(&"fewer_events"));
    // In the last 31 days, the payments of every second customer are missing.
    let odd = |id: &str| id.ends_with(['1', '3', '5', '7', '9']);
    let kept = |payment: &Payment| payment.due_at < day(569) || !odd(&payment.customer_id);
    world.payments.retain(kept);
    assert!(found(&world)?.contains(&"fewer_events"));
    // The payments of every second customer are missing in the whole history.
    world.payments.retain(|payment| !odd(&payment.customer_id));
    let found = found(&world)?;
    assert!(
        !found.contains(&"fewer_events") && found.contains(&"features_outside_training"),
        "{found:?}"
    );
    Ok(())
}

#[test]
fn customers_who_left_without_an_end_are_reported() -> Result<()> {
    let mut world = world(300, 9);
    let model = ChurnModel::train(&world.records("acme"), &options(2))?;
    let as_of = day(729);
    let silent = |world: &World| -> Result<bool> {
        let run = model.score(&world.records("acme"), as_of)?;
        Ok(codes(&run).iter().any(|(code, _)| *code == "silent_customers"))
    };
    assert!(!silent(&world)?);
    // Half of the cancellations have no date.
    for customer in &mut world.customers {
        let even = customer.customer_id.ends_with(['0', '2', '4', '6', '8']);
        customer.churned_at = customer.churned_at.filter(|_| even);
    }
    assert!(silent(&world)?);
    Ok(())
}

#[test]
fn another_currency_is_reported_and_refused_for_a_single_customer() -> Result<()> {
    let mut world = world(150, 9);
    world
        .payments
        .iter_mut()
        .for_each(|payment| payment.currency = Some("EUR".to_owned()));
    let model = ChurnModel::train(&world.records("acme"), &options(2))?;
    let as_of = day(700);
    let differs = |world: &World| -> Result<bool> {
        let run = model.score(&world.records("acme"), as_of)?;
        Ok(codes(&run).iter().any(|(code, _)| *code == "currency_differs"))
    };
    assert!(!differs(&world)?);
    let rows = |currency: Option<&str>| {
        let mut payment = Payment::new("new", day(650), 10.0);
        payment.currency = currency.map(str::to_owned);
        CustomerRows::new(vec![Customer::new("new", day(600))])
            .payments(vec![payment])
            .tickets(Table::new())
            .activities(Table::new())
    };
    let alone =
        |currency| Ok::<_, crate::error::Error>(model.score_customer(rows(currency), as_of, 0)?.score.probability());
    assert_eq!(alone(Some("EUR"))?, alone(None)?);
    assert_eq!(alone(Some("JPY")).unwrap_err().code(), "mixed_currency");
    world
        .payments
        .iter_mut()
        .for_each(|payment| payment.currency = Some("JPY".to_owned()));
    assert!(differs(&world)?);
    Ok(())
}

#[test]
fn misspelt_columns_of_a_single_customer_are_reported() -> Result<()> {
    let model = ChurnModel::train(&world(150, 9).records("acme"), &options(2))?;
    let table = |json: &str| Table::from_json(json.as_bytes());
    let rows = |plan: &str, status: &str| -> Result<CustomerRows> {
        let customer =
            format!(r#"[{{"customer_id": "n", "signed_up_at": "2024-01-01", "{plan}": "pro", "seats": 3}}]"#);
        let payment = format!(r#"[{{"due_at": "2024-02-01", "amount": 5, "{status}": "failed"}}]"#);
        Ok(CustomerRows::new(table(&customer)?)
            .payments(table(&payment)?)
            .tickets(Table::new())
            .activities(Table::new()))
    };
    let as_of: AsOf = "2024-03-01".parse()?;
    assert_eq!(model.score_customer(rows("plan", "status")?, as_of, 0)?.warnings, []);
    let answer = model.score_customer(rows("plann", "statsu")?, as_of, 0)?;
    let found: Vec<_> = answer
        .warnings
        .iter()
        .map(|w| (w.code.as_str(), w.columns[0].as_str()))
        .collect();
    assert_eq!(found, [("missing_column", "plan"), ("unused_column", "statsu")]);
    Ok(())
}

#[test]
fn labels_of_inactivity_that_disagree_with_the_ends_are_reported() -> Result<()> {
    let mut world = world(600, 9);
    let disagree = |world: &World| -> Result<bool> {
        let options = options(2).with_definition(ChurnDefinition::inactivity(31, RecordKind::Payments));
        let model = ChurnModel::train(&world.records("acme"), &options)?;
        let warnings = &model.report().warnings;
        Ok(warnings
            .iter()
            .any(|warning| warning.code.as_str() == "labels_disagree"))
    };
    assert!(!disagree(&world)?);
    // Every third payment is removed, as if the customer had not paid it yet. Customers who merely pay late then seem
    // to have churned.
    world.payments = world
        .payments
        .into_iter()
        .enumerate()
        .filter(|(number, _)| number % 3 > 0)
        .map(|(_, payment)| payment)
        .collect();
    assert!(disagree(&world)?);
    Ok(())
}

#[test]
fn allow_columns_must_exist() {
    let records = world(150, 9).records("acme");
    let error = ChurnModel::train(&records, &options(2).with_allow_columns(["nope"])).unwrap_err();
    assert_eq!(
        (error.code(), error.column()),
        ("invalid_option", Some("allow_columns"))
    );
    assert!(ChurnModel::train(&records, &options(2).with_allow_columns(["seats"])).is_ok());
}

#[test]
fn customers_who_pay_less_often_than_the_others_are_reported() -> Result<()> {
    let mut world = world(200, 9);
    let mixed = |world: &World| -> Result<bool> {
        let options = options(2).with_definition(ChurnDefinition::inactivity(60, RecordKind::Payments));
        let warnings = ChurnModel::train(&world.records("acme"), &options)?
            .report()
            .warnings
            .clone();
        Ok(warnings
            .iter()
            .any(|warning| warning.code.as_str() == "gap_exceeds_horizon"))
    };
    assert!(!mixed(&world)?);
    // One in five customers pays only every fourth month.
    let mut count = std::collections::HashMap::<String, usize>::new();
    world.payments.retain(|payment| {
        let number = count.entry(payment.customer_id.clone()).or_default();
        *number += 1;
        !payment.customer_id.ends_with(['0', '5']) || *number % 4 == 1
    });
    assert!(mixed(&world)?);
    Ok(())
}

#[test]
fn a_few_annual_payers_who_make_up_many_churned_rows_are_reported() -> Result<()> {
    let mut world = world(400, 9);
    // One in 25 customers pays twice, 300 days apart, and stays.
    for customer in (world.customers.iter_mut()).filter(|customer| customer.customer_id.ends_with(['0', '5'])) {
        let number: usize = customer.customer_id[2..].parse().unwrap_or_default();
        if !number.is_multiple_of(25) {
            continue;
        }
        customer.churned_at = None;
        world
            .payments
            .retain(|payment| payment.customer_id != customer.customer_id);
        for at in [number as i64 % 300 + 60, number as i64 % 300 + 360] {
            let payment = Payment::new(customer.customer_id.clone(), day(at), 300.0);
            world.payments.push(payment);
        }
    }
    let options = options(2).with_definition(ChurnDefinition::inactivity(60, RecordKind::Payments));
    let model = ChurnModel::train(&world.records("acme"), &options)?;
    let warnings = &model.report().warnings;
    assert!(
        warnings
            .iter()
            .any(|warning| warning.code.as_str() == "gap_exceeds_horizon"),
        "{warnings:?}"
    );
    Ok(())
}
