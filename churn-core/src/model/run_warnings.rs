//! Warnings about a run that differs from the training data: stale data, missing columns, unusual predictions or
//! features.

use crate::error::{RecordKind, excerpt};
use crate::features::{FeatureMatrix, ResolvedPlan, has_column};
use crate::model::profile::{Outside, Profile};
use crate::model::report::TrainReport;
use crate::model::score::{Score, ScoreRun};
use crate::model::warning::{Warning, WarningCode};
use crate::numeric::logit;
use crate::record::{NEVER, TenantRecords};
use crate::time::{AsOf, MICROS_PER_DAY, Timestamp};

/// A table is stale only if the time without events before the run's date exceeds its longest earlier gap by more than
/// this number of days.
const GRACE_DAYS: i64 = 7;
/// The mean probability of a run is unusual if its odds exceed those of every training date by this factor, or if they
/// are smaller than those of every training date by this factor.
const ODDS: f64 = 2.0;
/// If a run has fewer scores than this, its mean probability is not tested.
const FEWEST_SCORES: usize = 20;
/// Maximum number of features in one warning.
const NAMED: usize = 5;

/// The warnings of a run over all customers.
pub(crate) fn run_warnings(
    run: &ScoreRun,
    records: &TenantRecords,
    plan: &ResolvedPlan,
    profile: Option<&Profile>,
    report: &TrainReport,
) -> Vec<Warning> {
    let mut found = missing_columns(records, plan);
    let tables = plan.tables().into_iter();
    found.extend(tables.filter_map(|kind| stale_data(records, kind, run.as_of)));
    found.extend(level_outside_training(report, &run.scores));
    found.extend(profile.and_then(|profile| features_outside_training(profile, &run.matrix)));
    found
}

/// Warns about attributes that the model uses but the records lack. Their features are missing for every customer.
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

/// Warns if a table has been without events for longer than ever before. The data feed has then probably stopped, and
/// the model would treat customers as inactive.
fn stale_data(records: &TenantRecords, kind: RecordKind, as_of: AsOf) -> Option<Warning> {
    let as_of_day = as_of.as_micros().div_euclid(MICROS_PER_DAY);
    let days = EventDays::of(records, kind, as_of)?;
    // Data that extends beyond the date is not stale. A few events with a mistyped date do not count as such data.
    if days.later > days.earlier / 1000 {
        return None;
    }
    let (latest, longest) = (days.last, days.longest_silence());
    if as_of_day - latest <= GRACE_DAYS + longest {
        return None;
    }
    let shown = Timestamp::from_micros(latest * MICROS_PER_DAY).map_or_else(String::new, |at| at.to_string());
    let message = format!(
        "the last event of {kind} is on {shown}, {} days before {as_of}, but the longest earlier gap is {longest} days: if the data feed has stopped, active customers look inactive. Load newer {kind}, or score as of a date that they cover",
        as_of_day - latest
    );
    Some(Warning::new(WarningCode::StaleData, message).of_dates(vec![as_of]))
}

/// The days before a date on which a table has settled events.
struct EventDays {
    /// Days since 1970-01-01.
    first: i64,
    last: i64,
    /// For each day from the first to the last, whether it has an event.
    filled: Vec<bool>,
    /// The number of events before the date, and the number of other events.
    earlier: usize,
    later: usize,
}

impl EventDays {
    /// Returns `None` if the table was not given or has no event before the date.
    fn of(records: &TenantRecords, kind: RecordKind, as_of: AsOf) -> Option<Self> {
        let events = records.events(kind)?;
        let settled = |row: usize| {
            kind != RecordKind::Payments
                || (records.payments.as_ref()).is_some_and(|payments| payments.settled_at[row] != NEVER)
        };
        let rows = || (0..events.len()).filter(|&row| events.is_last_version(row) && settled(row));
        let earlier = || rows().filter(|&row| events.at[row] < as_of.as_micros());
        let days = || earlier().map(|row| events.at[row].div_euclid(MICROS_PER_DAY));
        let (first, last) = (days().min()?, days().max()?);
        let mut filled = vec![false; (last - first + 1) as usize];
        days().for_each(|day| filled[(day - first) as usize] = true);
        Some(Self {
            first,
            last,
            filled,
            earlier: earlier().count(),
            later: rows().count() - earlier().count(),
        })
    }

    /// The largest number of days between two consecutive days with events.
    fn longest_silence(&self) -> i64 {
        let (mut longest, mut previous) = (0, self.first);
        for (day, _) in (self.first..).zip(&self.filled).filter(|(_, filled)| **filled) {
            longest = longest.max(day - previous);
            previous = day;
        }
        longest
    }
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
    // The smallest rate counts half a churned customer, so that the odds are finite for a date without churned
    // customers.
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

fn features_outside_training(profile: &Profile, matrix: &FeatureMatrix) -> Option<Warning> {
    let outside = profile.outside(&Profile::of(matrix));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_silence_is_in_days_between_events() {
        let days = |filled: &[u8]| EventDays {
            first: 100,
            last: 99 + filled.len() as i64,
            filled: filled.iter().map(|&day| day > 0).collect(),
            earlier: 1,
            later: 0,
        };
        assert_eq!(days(&[1, 0, 0, 1, 1]).longest_silence(), 3);
        assert_eq!(days(&[1]).longest_silence(), 0);
    }
}
