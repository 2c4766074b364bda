//! Training: chooses the dates, tests a model out of time on the last date, and fits the final model.

use std::ops::Range;

use crate::calibration::Intervals;
use crate::error::{Error, ErrorKind, RecordKind, Result};
use crate::evaluate::{DateSpan, choose_dates, grouped_folds, measure, most_recent, purge};
use crate::features::{cannot_tell, check, is_eligible, mature_until};
use crate::model::bands::RiskBands;
use crate::model::churn_model::ChurnModel;
use crate::model::fit::fit;
use crate::model::leaks::find_leaks;
use crate::model::options::TrainOptions;
use crate::model::profile::Profile;
use crate::model::report::{ChurnRateAt, MeasuresByActivity, MemberReport, OutOfTime, Prediction, TrainReport};
use crate::model::sample::Sample;
use crate::model::train_warnings::{explained, warnings};
use crate::parallel::Workers;
use crate::record::TenantRecords;
use crate::time::Horizon;

impl ChurnModel {
    /// Trains an ensemble on mature dates, that is, dates whose label periods end within the observed history.
    ///
    /// The same options and records give the same model file, byte for byte, for any number of threads.
    ///
    /// If `as_of` is not set, the history is divided into spans that are half as long as a label period, and each
    /// customer is used on one day of each span. The day is chosen pseudo-randomly from the customer's id and the seed.
    /// The days of different customers therefore lie in different parts of the billing cycle.
    ///
    /// Training has two steps. First, a model is tested out of time on the last date (or on the last span). This model
    /// is trained only on dates whose label periods end by the test date (or by the first day of the last span). Then
    /// another model is trained on the most recent dates, and is returned. If the history is too short for the test,
    /// `report().out_of_time` is `None`, `report().out_of_time_reason` contains the reason, and only cross-validated
    /// metrics are available.
    ///
    /// # Errors
    /// `immature_label` if the label period of a requested date does not end within the observed history, or if no
    /// dates are requested and the observed history is too short for a label period; `single_class` if all customers
    /// churned or none did; `too_little_data` if there are too few customers or dates; `leakage` if a column leaks the
    /// target (the message names the column and the evidence); `invalid_option` if an option has an invalid value;
    /// `cancelled` if the caller cancelled the call.
    pub fn train(records: &TenantRecords, options: &TrainOptions) -> Result<Self> {
        let mut workers = options.execution.workers()?;
        let dates = Dates::choose(records, options)?;
        let plan = options.plan.resolve(records)?;
        workers.part(0.0, 0.1);
        let sample = Sample::draw(
            records,
            &dates.all,
            &options.definition,
            &plan,
            options.row_cap(),
            &workers,
        )?;
        workers.report("features", 1, 1);
        let nobody_churned = !sample.churned.is_empty() && !sample.churned.contains(&true);
        if let (true, Some(why)) = (nobody_churned, cannot_tell(records, &options.definition)) {
            return Err(Error::new(ErrorKind::SingleClass, why).at(
                Some(RecordKind::Customers),
                None,
                Some("churned_at"),
            ));
        }
        let leaks = find_leaks(records, &sample, &plan, options, &workers)?;

        let (out_of_time, out_of_time_reason) = match test_out_of_time(
            records,
            &sample,
            TestSpans {
                drawn: &dates.all,
                all: &dates.all,
            },
            options,
            TestOptions::default(),
            &mut workers,
            (0.1, 0.5),
        ) {
            Ok(tested) => (Some(tested), None),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NothingAfterPurge | ErrorKind::SingleClass | ErrorKind::TooLittleData
                ) =>
            {
                (None, Some(error.to_string()))
            }
            Err(error) => return Err(error),
        };

        let rows: Vec<usize> = (0..sample.churned.len())
            .filter(|&row| dates.last.contains(&(sample.spans[row] as usize)))
            .collect();
        let (excluded, subsampled) = (sample.excluded, sample.subsampled);
        let sample = if rows.len() == sample.churned.len() {
            sample
        } else {
            sample.select(&rows)
        };
        let (scorer, held_out) = fit(
            &sample.examples(),
            &options.ensemble,
            options.seed,
            &mut workers,
            (0.5, 1.0),
        )
        .map_err(|error| explained(error, records, &options.definition))?;
        let intervals = Intervals::fit(
            &scorer.calibrator,
            &held_out.log_odds,
            &sample.churned,
            None,
            sample.customers(),
            options.seed,
            &workers,
        )?;
        let churned = sample.positives();
        let bands = RiskBands::around(churned as f64 / sample.churned.len() as f64);
        let observed_from = records.observed_from();
        let trained = &dates.all[dates.last.clone()];
        let first = trained.first().map(|span| span.first());
        let members = scorer
            .members
            .iter()
            .zip(scorer.blend.weights())
            .zip(&held_out.member_log_loss);
        let mut report = TrainReport {
            training_dates: trained.iter().map(|span| span.last).collect(),
            rows: sample.churned.len(),
            churned,
            excluded,
            subsampled,
            observed_from,
            observed_until: records.observed_until(options.definition.observed_on()),
            dates: rates(&sample, &dates, &held_out.probabilities),
            truncated_windows: observed_from
                .zip(first)
                .map_or(vec![], |(from, first)| plan.windows_before(from, first)),
            out_of_time,
            out_of_time_reason,
            cross_validated: measure(
                &sample.churned,
                &held_out.probabilities,
                sample.customers(),
                options.seed,
                &workers,
            )?,
            members: members
                .map(|((member, &weight), &log_loss)| MemberReport {
                    name: member.name().to_owned(),
                    weight,
                    log_loss,
                })
                .collect(),
            dropped_members: options.ensemble.dropped_members(),
            monotone_constraints: options.ensemble.monotone_constraints.clone(),
            calibration: scorer.calibrator.name().to_owned(),
            bands: bands.check(&held_out.probabilities, &sample.churned),
            leaks,
            warnings: warnings(records, &options.definition, &sample),
        };
        report.warnings.extend(report.verdicts());
        workers.report("done", 1, 1);
        let tenant = (!options.shared).then(|| records.tenant().clone());
        let columns = records.columns_in_use().into_iter();
        let columns = columns.map(|(kind, column)| (kind, column.to_owned())).collect();
        ChurnModel::assemble(
            tenant,
            options.definition.clone(),
            plan,
            scorer,
            bands,
            intervals,
            Profile::of(&sample.matrix),
            columns,
            records.currency().code().map(str::to_owned),
            report,
        )
    }
}

/// Returns the churn rate at each training date of the model.
fn rates(sample: &Sample, dates: &Dates, probabilities: &[f64]) -> Vec<ChurnRateAt> {
    let rate = |number: usize| {
        let rows: Vec<usize> = (0..sample.churned.len())
            .filter(|&row| sample.spans[row] as usize == number)
            .collect();
        let churned = rows.iter().filter(|&&row| sample.churned[row]).count();
        let span = dates.all[number];
        ChurnRateAt {
            as_of: span.last,
            first: (span.days > 1).then(|| span.first()),
            rows: rows.len(),
            churned,
            churn_rate: churned as f64 / rows.len() as f64,
            mean_probability: rows.iter().map(|&row| probabilities[row]).sum::<f64>() / rows.len() as f64,
        }
    };
    let has_rows = |number: &usize| sample.spans.iter().any(|&span| span as usize == *number);
    dates.last.clone().filter(has_rows).map(rate).collect()
}

/// The training and test dates.
struct Dates {
    /// All dates that may be used for training or the test, sorted. The last date is used for the test.
    all: Vec<DateSpan>,
    /// The dates on which the final model is trained, as a range of indices into `all`.
    last: Range<usize>,
}

impl Dates {
    fn choose(records: &TenantRecords, options: &TrainOptions) -> Result<Self> {
        if let Some(asked) = &options.as_of {
            let mut all = asked.clone();
            all.sort_unstable();
            all.dedup();
            if all.is_empty() {
                return Err(
                    Error::new(ErrorKind::InvalidOption, "as_of is an empty list of dates").at(
                        None,
                        None,
                        Some("as_of"),
                    ),
                );
            }
            let all: Vec<DateSpan> = all.into_iter().map(DateSpan::on).collect();
            return Ok(Self {
                last: 0..all.len(),
                all,
            });
        }
        check(records, &options.definition)?;
        let immature = |why: &str| Error::new(ErrorKind::ImmatureLabel, why.to_owned());
        let last = mature_until(records, &options.definition)
            .ok_or_else(|| immature("nothing was observed: give observed_until, or events"))?;
        let from = records
            .observed_from()
            .ok_or_else(|| immature("nothing was observed: give observed_from, or events"))?;
        let mut all = choose_dates(
            last,
            from,
            options.definition.horizon(),
            options.definition.history_days(),
        );
        if all.is_empty() {
            let horizon = options.definition.horizon();
            let message = format!(
                "no date has a mature label: the label period of {} days (lead {}) is longer than the history from {from}",
                horizon.days, horizon.lead
            );
            return Err(immature(&message));
        }
        let last = all.len() - most_recent(&all).len()..all.len();
        let test = testable(&all, options.definition.horizon(), 0);
        all.extend(test.filter(|test| all.last() != Some(test)));
        Ok(Self { all, last })
    }
}

/// The span to test: the last span if it can be tested, otherwise the last day of that span if this day can be tested,
/// otherwise `None`. A test is possible if at least one date remains for training after the purge.
pub(crate) fn testable(spans: &[DateSpan], horizon: Horizon, embargo_days: u32) -> Option<DateSpan> {
    let last = *spans.last()?;
    [last, DateSpan::on(last.last)]
        .into_iter()
        .find(|test| purge(spans, *test, horizon, embargo_days).is_some())
}

/// The options of an out-of-time test.
#[derive(Clone, Copy, Default)]
pub(crate) struct TestOptions {
    /// Minimum number of days between the end of the last training label period and the test date.
    pub(crate) embargo_days: u32,
    /// Whether each customer is tested by a model that was not trained on any of the customer's rows.
    pub(crate) unseen_customers: bool,
    /// Whether the result of the test contains the predictions.
    pub(crate) keeps_predictions: bool,
}

/// Number of folds into which customers are divided if each customer must be tested by a model that was not trained on
/// the customer's rows.
const CUSTOMER_FOLDS: usize = 5;

/// The spans of an out-of-time test. A span is a number of consecutive days that together serve as one date.
#[derive(Clone, Copy)]
pub(crate) struct TestSpans<'a> {
    /// The spans (consecutive days that together serve as one date) whose rows are in the sample.
    pub(crate) drawn: &'a [DateSpan],
    /// The spans that the sample contains and the spans that the purge drops, sorted. The last span is tested.
    pub(crate) all: &'a [DateSpan],
}

/// Tests a model on the last span. The model is trained on the spans whose label periods end by the first test day.
pub(crate) fn test_out_of_time(
    records: &TenantRecords,
    sample: &Sample,
    TestSpans { drawn, all: spans }: TestSpans<'_>,
    options: &TrainOptions,
    test_options: TestOptions,
    workers: &mut Workers,
    part: (f64, f64),
) -> Result<OutOfTime> {
    let nothing = |message: String| Error::new(ErrorKind::NothingAfterPurge, message);
    let Some(&tested) = spans.last() else {
        return Err(nothing("there is no date to test".to_owned()));
    };
    let horizon = options.definition.horizon();
    let Some((kept, proof)) = purge(spans, tested, horizon, test_options.embargo_days) else {
        return Err(nothing(format!(
            "no earlier training date has a label period ({} days, lead {}) that ends by the test date {}",
            horizon.days,
            horizon.lead,
            tested.first()
        )));
    };
    let training = most_recent(&kept);
    let rows_in = |wanted: &dyn Fn(&DateSpan) -> bool| {
        (0..sample.churned.len())
            .filter(|&row| wanted(&drawn[sample.spans[row] as usize]))
            .collect::<Vec<_>>()
    };
    let train = sample.select(&rows_in(&|span| training.contains(span)));
    let test = sample.select(&rows_in(&|span| *span == tested));
    let mut test_dates = test.matrix.as_of.clone();
    test_dates.sort_unstable();
    test_dates.dedup();
    let Some(&test_date) = test_dates.last() else {
        return Err(Error::new(
            ErrorKind::TooLittleData,
            format!("no customer is eligible at the test date {}", tested.last),
        ));
    };
    let mut probabilities = vec![0.0; test.churned.len()];
    let customer_folds = if test_options.unseen_customers {
        CUSTOMER_FOLDS
    } else {
        1
    };
    let fold_of = grouped_folds(test.customers(), &test.churned, customer_folds, options.seed);
    for fold in 0..customer_folds {
        let tested: Vec<usize> = (0..fold_of.len()).filter(|&row| fold_of[row] == fold).collect();
        if tested.is_empty() {
            continue;
        }
        let tested_rows = test.select(&tested);
        let unseen = |row: &usize| tested_rows.customers().binary_search(&train.customers()[*row]).is_err();
        let scorer = {
            let unseen_train;
            let train = if test_options.unseen_customers {
                unseen_train = train.select(&(0..train.churned.len()).filter(unseen).collect::<Vec<_>>());
                &unseen_train
            } else {
                &train
            };
            let at = |fold: usize| part.0 + (part.1 - part.0) * fold as f64 / customer_folds as f64;
            fit(
                &train.examples(),
                &options.ensemble,
                options.seed,
                workers,
                (at(fold), at(fold + 1)),
            )?
            .0
        };
        let predicted = scorer.probabilities(tested_rows.matrix.view(), workers)?;
        tested
            .into_iter()
            .zip(predicted)
            .for_each(|(row, p)| probabilities[row] = p);
    }
    let measures = measure(&test.churned, &probabilities, test.customers(), options.seed, workers)?;
    let kept = if test_options.keeps_predictions {
        probabilities.len()
    } else {
        0
    };
    let predictions = (0..kept)
        .map(|row| Prediction {
            customer_id: test.matrix.customer_id(row).to_owned(),
            as_of: test.matrix.as_of[row],
            probability: probabilities[row],
            churned: test.churned[row],
        })
        .collect();
    let by_activity = by_activity(records, &test, &probabilities, options, workers)?;
    Ok(OutOfTime {
        test_date,
        test_dates,
        training_dates: training.iter().map(|span| span.last).collect(),
        unseen_customers: test_options.unseen_customers,
        proof,
        measures,
        by_activity,
        predictions,
    })
}

/// Separate metrics for customers who were active in the `horizon` days before the test date and for customers who were
/// not active in this period. `None` if either group is empty, if only active customers are eligible, or if churn is
/// not defined by inactivity.
fn by_activity(
    records: &TenantRecords,
    test: &Sample,
    probabilities: &[f64],
    options: &TrainOptions,
    workers: &Workers,
) -> Result<Option<MeasuresByActivity>> {
    let definition = &options.definition;
    if definition.observed_on().is_none() || definition.active_days() <= definition.horizon().days {
        return Ok(None);
    }
    let active_in_horizon = definition.clone().active_within(definition.horizon().days);
    let is_active = |row: usize| {
        let (customer, as_of) = (test.customers()[row], test.matrix.as_of[row]);
        is_eligible(records, customer, as_of.as_micros(), &active_in_horizon)
    };
    let (active, inactive): (Vec<usize>, Vec<usize>) = (0..probabilities.len()).partition(|&row| is_active(row));
    let measured = |rows: &[usize]| {
        let of = |row: &usize| (test.churned[*row], probabilities[*row], test.customers()[*row]);
        let (churned, (predicted, customers)): (Vec<bool>, (Vec<f64>, Vec<u32>)) = rows
            .iter()
            .map(of)
            .map(|(churned, p, customer)| (churned, (p, customer)))
            .unzip();
        measure(&churned, &predicted, &customers, options.seed, workers)
    };
    if active.is_empty() || inactive.is_empty() {
        return Ok(None);
    }
    Ok(Some(MeasuresByActivity {
        active: measured(&active)?,
        inactive: measured(&inactive)?,
    }))
}
