//! Warnings about a score run. The warnings report two kinds of problems. First, the data differ from the training data
//! (stale data, missing columns, unusual predictions or features). Second, training used outcomes of the run's label
//! period.

use crate::error::{Finding, FindingCode, RecordKind, Result, excerpt};
use crate::features::{ChurnDefinition, FeatureMatrix, ResolvedPlan, has_column};
use crate::model::bytes::Metadata;
use crate::model::calendar::calendar_level;
use crate::model::profile::{Limits, Outside, Profile};
use crate::model::report::TrainReport;
use crate::model::score::{Score, ScoreRun};
use crate::model::silence::count_silent;
use crate::model::warning::{Warning, WarningCode};
use crate::numeric::logit;
use crate::parallel::Workers;
use crate::record::{EventDays, NEVER, TenantRecords};
use crate::time::{AsOf, MICROS_PER_DAY, Timestamp};

/// A table is stale if its data feed has probably stopped. The time since the last event of a stale table is longer
/// than the longest earlier gap between two events, and the difference is more than this number of days.
const GRACE_DAYS: i64 = 7;
/// The mean probability of a run is unusual if its odds lie outside the range of the odds at the training dates by more
/// than this factor.
const ODDS: f64 = 2.0;
/// If fewer customers than this number churned before the date of a run, the time since the latest churn is not
/// compared with the earlier gaps between two churns.
const FEWEST_ENDS: usize = 20;
/// If a run has fewer scores than this number, neither its mean probability nor its features are compared with
/// training.
const FEWEST_SCORES: usize = 20;
/// The length of a period in days. The number of events in the last period is compared with the numbers of events in
/// earlier periods.
const PERIOD_DAYS: i64 = 31;
/// The number of earlier periods with which the last period is compared. The earlier periods cover one year, so they
/// include the quiet season of a business.
const PERIODS: i64 = 12;
/// The last period is compared only if the records cover at least this number of earlier periods.
const FEWEST_PERIODS: usize = 4;
/// The last period is compared only if most earlier periods have at least this number of events.
const FEWEST_EVENTS: u64 = 100;
/// The baseline is the number of events in a quiet earlier period. To find it, the earlier periods are sorted by their
/// numbers of events, the lowest quarter is left out, and the lowest remaining number is used. The last period has far
/// fewer events than the earlier periods if its number of events is less than this share of the baseline.
const FEWER: f64 = 0.65;
/// Silent customers are reported under two conditions: at least this number of scored customers are silent, and more
/// than one in [`SILENT_SHARE`] of all scored customers are silent.
const FEWEST_SILENT: usize = 20;
const SILENT_SHARE: usize = 10;
/// Maximum number of features that the message of a warning names.
const NAMED: usize = 5;

/// The warnings of a run over all customers.
pub(crate) fn run_warnings(
    run: &ScoreRun,
    records: &TenantRecords,
    plan: &ResolvedPlan,
    model: &Metadata,
    workers: &Workers,
) -> Result<Vec<Warning>> {
    let mut found = missing_columns(records, plan);
    found.extend(columns_without_values(records, plan, &model.columns));
    found.extend(outcomes_seen_in_training(model, run.as_of));
    found.extend(currency_differs(model, records));
    found.extend(after_history(records, run.as_of));
    // The dates of churn are tested for an unusually long gap only if churn is defined as cancellation.
    let cancellation = matches!(model.definition, ChurnDefinition::Cancellation { .. });
    let tables = RecordKind::ALL.into_iter().filter(|kind| match kind {
        RecordKind::Customers => cancellation,
        _ => plan.tables().contains(kind),
    });
    for kind in tables {
        let feed = Feed::of(records, kind, run.as_of, workers)?;
        found.extend(feed.and_then(|feed| feed.stale_data().or_else(|| feed.fewer_events())));
    }
    found.extend(silent_customers(run, records, &model.definition, workers)?);
    found.extend(level_outside_training(&model.report, &run.scores));
    found.extend(calendar_level(
        records,
        run.as_of,
        &model.definition,
        &model.report.training_dates,
    ));
    let profile = model.profile.as_ref();
    found.extend(profile.and_then(|profile| features_outside_training(profile, &run.matrix, plan)));
    Ok(found)
}

/// The warnings about the rows of a single customer. `findings` are the findings that the validation of these rows
/// returned.
pub(crate) fn customer_warnings(records: &TenantRecords, plan: &ResolvedPlan, findings: &[Finding]) -> Vec<Warning> {
    let mut found = missing_columns(records, plan);
    let used = plan.attributes();
    let unused = findings.iter().filter_map(|finding| {
        let column = finding.column.as_deref()?;
        let similar = [FindingCode::UnusedColumn, FindingCode::SimilarColumn].contains(&finding.code);
        (similar && !used.contains(&(finding.table, column))).then(|| {
            let message = format!("column '{}' of {}: {}", excerpt(column), finding.table, finding.message);
            Warning::new(WarningCode::UnusedColumn, message).of_columns(vec![column.to_owned()])
        })
    });
    found.extend(unused);
    found
}

/// Warns about attributes that the model uses but the records lack. The features of such attributes are missing for
/// every customer.
fn missing_columns(records: &TenantRecords, plan: &ResolvedPlan) -> Vec<Warning> {
    let renewal = plan.needs_renewal() && records.customers.renews_at.is_none();
    let attributes = plan
        .attributes()
        .into_iter()
        .filter(|(kind, column)| !has_column(records, *kind, column));
    attributes
        .chain(renewal.then_some((RecordKind::Customers, "renews_at")))
        .map(|(kind, column)| {
            let message = format!(
                "the model uses column '{}' of {kind}, which these records lack: its features are missing for every customer. Provide the column under its name in training, or train again without it",
                excerpt(column)
            );
            Warning::new(WarningCode::MissingColumn, message).of_columns(vec![column.to_owned()])
        })
        .collect()
}

/// Warns about optional columns that had values in the training data but have no values in these records. Every row is
/// then treated as if it had the default value of the column. For example, a payment without a status counts as paid.
fn columns_without_values(
    records: &TenantRecords,
    plan: &ResolvedPlan,
    trained: &[(RecordKind, String)],
) -> Vec<Warning> {
    let found = records.columns_in_use();
    let (tables, attributes) = (plan.tables(), plan.attributes());
    let enough = |kind: RecordKind| records.n_rows(kind).is_some_and(|rows| rows >= FEWEST_SCORES);
    trained
        .iter()
        .filter(|(kind, _)| tables.contains(kind) || *kind == RecordKind::Customers)
        .filter(|(kind, column)| enough(*kind) && !found.contains(&(*kind, column.as_str())))
        // Attributes are skipped, because `missing_columns` already warns about them.
        .filter(|(kind, column)| !attributes.contains(&(*kind, column.as_str())))
        .map(|(kind, column)| {
            let effect = match kind {
                RecordKind::Customers if column == "notice_at" => {
                    "customers who have cancelled already are scored. Provide the column"
                }
                RecordKind::Customers => "customers who left are scored as if they stayed. Provide the column",
                _ => "the features that use it then mean something else. Provide the column, or train again without it",
            };
            // Some columns have a default value. Such a column counts as in use only if it contains other values.
            let trained = match (kind, column.as_str()) {
                (RecordKind::Payments, "status") => "payments failed in training, and none of these payments failed",
                (RecordKind::Payments, "settled_at") => {
                    "payments were settled on other days than due in training, and none of these was"
                }
                (RecordKind::Payments, "refunded_at") => {
                    "payments were refunded in training, and none of these payments was"
                }
                (RecordKind::Tickets, "priority") => {
                    "tickets had priorities other than normal in training, and none of these tickets has one"
                }
                _ => "the column had values in training, and no row of these records has one",
            };
            let message = format!("column '{column}' of {kind}: {trained}: {effect}");
            Warning::new(WarningCode::MissingColumn, message).of_columns(vec![column.clone()])
        })
        .collect()
}

/// Warns if the currency of the records differs from the currency of the training data. Amounts then have a different
/// scale than in training.
fn currency_differs(model: &Metadata, records: &TenantRecords) -> Option<Warning> {
    let (trained, found) = (model.currency.as_deref()?, records.currency().code()?);
    let message = format!(
        "the amounts are in {found}, and were in {trained} in training: convert them with conversion rates to {trained}, or train again"
    );
    (trained != found)
        .then(|| Warning::new(WarningCode::CurrencyDiffers, message).of_columns(vec!["currency".to_owned()]))
}

/// Warns if training used outcomes (who churned and who stayed) of the label period after the scored date. Metrics of
/// the scores of this date would then test the model on its own training data and would be too optimistic. A shared
/// model may score a tenant that it was not trained on, so there is no such warning for shared models.
fn outcomes_seen_in_training(model: &Metadata, as_of: AsOf) -> Option<Warning> {
    model.tenant.as_ref()?;
    let last = model.report.training_dates.iter().max()?;
    let seen_until = model.definition.horizon().end(last.as_micros());
    if as_of.as_micros() >= seen_until {
        return None;
    }
    let shown = Timestamp::from_micros(seen_until).map_or_else(String::new, |at| at.to_string());
    let message = format!(
        "training used outcomes of this tenant until {shown}, which include outcomes after {as_of}: a comparison of these scores with outcomes looks better than the model is. Measure the model with its out-of-time test or a backtest, or score as of {shown} or later"
    );
    Some(Warning::new(WarningCode::OutcomesSeenInTraining, message).of_dates(vec![as_of]))
}

/// Warns if the date lies after the end of the history that the caller set. The events between the two are missing, so
/// customers look less active than they are.
fn after_history(records: &TenantRecords, as_of: AsOf) -> Option<Warning> {
    let until = records
        .observed_until
        .filter(|until| until.as_micros() < as_of.as_micros())?;
    let message = format!(
        "the records are complete until {until} ('observed_until'), and the run scores as of {as_of}: events after {until} are missing, so customers look less active than they are. Load the newer events, or score as of {until}"
    );
    Some(Warning::new(WarningCode::AfterHistory, message).of_dates(vec![as_of]))
}

/// The events of a table before the date of a run. Pending payments are not counted. For the customers table, the
/// events are the values of `churned_at`.
struct Feed {
    kind: RecordKind,
    as_of: AsOf,
    /// The number of events on each day. Only events before the date of the run are counted.
    days: EventDays,
    /// The number of events at or after the date of the run.
    later: usize,
}

impl Feed {
    /// Returns `None` if the table was not given or has no event before the date of the run.
    fn of(records: &TenantRecords, kind: RecordKind, as_of: AsOf, workers: &Workers) -> Result<Option<Self>> {
        let date = as_of.as_micros();
        let before = |at: i64| (at < date).then_some(at);
        let (days, all) = if kind == RecordKind::Customers {
            let ends = &records.customers.churned_at;
            let Some(first) = ends.iter().copied().min() else {
                return Ok(None);
            };
            let days = EventDays::of_rows(ends.len(), (first, date), |row| before(ends[row]), workers)?;
            (days, ends.iter().filter(|&&end| end != NEVER).count())
        } else {
            let (Some(events), Some(span)) = (records.events(kind), records.spans[kind as usize]) else {
                return Ok(None);
            };
            let is_observed = records.is_observed(kind, events);
            let at = |row: usize| before(events.at[row]).filter(|_| is_observed(row));
            (
                EventDays::of_rows(events.len(), (span.first, date), at, workers)?,
                span.events,
            )
        };
        Ok(days.map(|days| Self {
            kind,
            as_of,
            later: all - days.events,
            days,
        }))
    }

    /// Warns if the time since the last event is much longer than every earlier gap between two events. In this case,
    /// the data feed has probably stopped, and the model would treat active customers as inactive.
    fn stale_data(&self) -> Option<Warning> {
        let Self { kind, as_of, days, .. } = self;
        // A few cancellations do not show how long a gap between two cancellations can be.
        if *kind == RecordKind::Customers && days.events < FEWEST_ENDS {
            return None;
        }
        // A table with events after the date of the run is not stale. A few later events are ignored, because their
        // dates may be mistyped.
        if self.later > days.events / 1000 {
            return None;
        }
        let longest = days.longest_gap();
        let silence = as_of.as_micros().div_euclid(MICROS_PER_DAY) - days.last();
        if silence <= GRACE_DAYS + longest {
            return None;
        }
        let last = Timestamp::from_micros(days.last() * MICROS_PER_DAY).map_or_else(String::new, |at| at.to_string());
        let message = match kind {
            RecordKind::Customers => format!(
                "the last 'churned_at' of customers is {last}, {silence} days before {as_of}, but the longest earlier gap is {longest} days: if the feed of cancellations has stopped, customers who left are scored as if they stayed. Load newer customers, or score as of a date that they cover"
            ),
            _ => format!(
                "the last event of {kind} is on {last}, {silence} days before {as_of}, but the longest earlier gap is {longest} days: if the data feed has stopped, active customers look inactive. Load newer {kind}, or score as of a date that they cover"
            ),
        };
        Some(Warning::new(WarningCode::StaleData, message).of_dates(vec![*as_of]))
    }

    /// Warns if the last 31 days before the date have far fewer events than most 31-day periods of the year before. In
    /// this case, a part of the data feed is probably missing, and the model would treat active customers as inactive.
    /// The periods are 31 days long, so that each contains the due day of customers who are invoiced monthly.
    fn fewer_events(&self) -> Option<Warning> {
        let Self { kind, as_of, days, .. } = self;
        if *kind == RecordKind::Customers {
            return None;
        }
        let last_day = as_of.as_micros().div_euclid(MICROS_PER_DAY);
        let start = |period: i64| last_day - PERIOD_DAYS * (period + 1);
        let in_period = |period: i64| days.between(start(period), start(period) + PERIOD_DAYS);
        let earlier = (1..=PERIODS).take_while(|&period| start(period) >= days.first());
        let mut counts: Vec<u64> = earlier.map(in_period).collect();
        counts.sort_unstable();
        // An outage may have begun some periods ago, so the lowest quarter of the earlier periods is left out.
        let (least, most, found) = (*counts.get(counts.len() / 4)?, *counts.last()?, in_period(0));
        if counts.len() < FEWEST_PERIODS || least < FEWEST_EVENTS || found as f64 >= FEWER * least as f64 {
            return None;
        }
        let message = format!(
            "{kind} have {found} events in the {PERIOD_DAYS} days before {as_of}, but {least} to {most} in most of the {} periods of {PERIOD_DAYS} days before: if events are missing, active customers look inactive. Load the missing {kind}, or score as of a date before they are missing",
            counts.len()
        );
        Some(Warning::new(WarningCode::FewerEvents, message).of_dates(vec![*as_of]))
    }
}

/// Warns if many scored customers have long been silent, although churn is defined as cancellation. Customers who
/// left but have no `churned_at` are silent too.
fn silent_customers(
    run: &ScoreRun,
    records: &TenantRecords,
    definition: &ChurnDefinition,
    workers: &Workers,
) -> Result<Option<Warning>> {
    let ChurnDefinition::Cancellation { .. } = definition else {
        return Ok(None);
    };
    let customers = &run.matrix().customers;
    let silent = count_silent(records, customers, run.as_of, workers)?;
    if silent < FEWEST_SILENT || silent * SILENT_SHARE <= customers.len() {
        return Ok(None);
    }
    let message = format!(
        "{silent} of {} customers have had no event for much longer than ever before: if they left, give their 'churned_at', because they are scored as customers who stayed",
        customers.len()
    );
    Ok(Some(
        Warning::new(WarningCode::SilentCustomers, message).of_dates(vec![run.as_of]),
    ))
}

fn level_outside_training(report: &TrainReport, scores: &[Score]) -> Option<Warning> {
    let probabilities: Vec<f64> = scores.iter().filter_map(Score::probability).collect();
    if probabilities.len() < FEWEST_SCORES || report.dates.is_empty() {
        return None;
    }
    let mean = probabilities.iter().sum::<f64>() / probabilities.len() as f64;
    let rates = report
        .dates
        .iter()
        .flat_map(|date| [date.churn_rate, date.mean_probability]);
    let (low, high) = rates.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), rate| {
        (rate.min(low), rate.max(high))
    });
    // The churn rate of a date without churned customers is 0, and its log-odds are infinite. The rate is therefore
    // computed as if half a row had churned.
    let least = 0.5 / report.rows.max(1) as f64;
    let log_odds = |rate: f64| logit(rate.clamp(least, 1.0 - least));
    let slack = crate::numeric::ln(ODDS);
    if (log_odds(low) - slack..=log_odds(high) + slack).contains(&log_odds(mean)) {
        return None;
    }
    let percent = |rate: f64| 100.0 * rate;
    let message = format!(
        "the mean probability of the run is {:.1} %, while {:.1} % to {:.1} % churned at the training dates: either churn has changed, or the records differ from those of training (a feed that stopped, a column with another meaning, a date at another phase of the billing cycle)",
        percent(mean),
        percent(low),
        percent(high)
    );
    Some(Warning::new(WarningCode::LevelOutsideTraining, message))
}

fn features_outside_training(profile: &Profile, matrix: &FeatureMatrix, plan: &ResolvedPlan) -> Option<Warning> {
    let outside = profile.outside(&Profile::of(matrix), |feature| Limits::of(&plan.features()[feature]));
    if outside.is_empty() || matrix.customers.len() < FEWEST_SCORES {
        return None;
    }
    let names: Vec<String> = outside
        .iter()
        .map(|Outside { feature, .. }| matrix.names[*feature].clone())
        .collect();
    let shown: Vec<String> = (names.iter().zip(&outside).take(NAMED))
        .map(|(name, Outside { how, .. })| format!("{} ({how})", excerpt(name)))
        .collect();
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let message = format!(
        "{} of {} features lie far outside their values at all training dates: {}{more}. Scores extrapolate there; train again on dates that include such values",
        names.len(),
        matrix.names.len(),
        shown.join(", ")
    );
    Some(Warning::new(WarningCode::FeaturesOutsideTraining, message).of_columns(names))
}
