//! Warnings about the training dates and the definition.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, RecordKind};
use crate::features::{ChurnDefinition, Gaps, ends_in_label_period};
use crate::model::sample::Sample;
use crate::model::warning::{Warning, WarningCode};
use crate::numeric::ln;
use crate::record::TenantRecords;
use crate::time::AsOf;

/// The warnings about a training sample.
pub(crate) fn warnings(records: &TenantRecords, definition: &ChurnDefinition, sample: &Sample) -> Vec<Warning> {
    let gaps = EventGaps::of(records, definition);
    let usual = gaps.as_ref().and_then(EventGaps::usual_exceeds_horizon);
    let too_short = usual.is_some();
    let some = || gaps.as_ref().and_then(EventGaps::some_exceed_horizon);
    let of_labels = || gaps.as_ref().and_then(|gaps| gaps.labels_exceed_horizon(sample));
    let mut found: Vec<Warning> = usual.or_else(some).or_else(of_labels).into_iter().collect();
    found.extend(labels_disagree(records, definition, sample));
    found.extend(odd_dates(&Counts::of(sample), too_short));
    found
}

/// If the horizon is shorter than the usual gap between events, adds this likely cause to the message of a
/// `single_class` error.
pub(crate) fn explained(error: Error, records: &TenantRecords, definition: &ChurnDefinition) -> Error {
    if error.kind() != ErrorKind::SingleClass {
        return error;
    }
    match EventGaps::of(records, definition).and_then(|gaps| gaps.usual_exceeds_horizon()) {
        Some(warning) => Error::new(ErrorKind::SingleClass, format!("{error}; {}", warning.message)),
        None => error,
    }
}

/// Training warns about customers with long gaps between their events under two conditions: there are at least this
/// many of these customers, and they make up at least one in [`PART`] of all customers.
const ENOUGH_CUSTOMERS: usize = 10;
const PART: usize = 20;

/// Training warns about churned rows of customers with long gaps between their events under two conditions: there are at
/// least [`ENOUGH_CUSTOMERS`] of these rows, and they make up at least one in this number of churned rows.
const PART_OF_CHURNED: usize = 10;

/// The gaps between the events that define inactivity, and the horizon of the definition.
struct EventGaps {
    gaps: Gaps,
    on: RecordKind,
    horizon: u32,
}

impl EventGaps {
    /// Computes the gaps between events. Returns `None` if churn is defined as cancellation, or if the table whose
    /// events define inactivity was not given.
    fn of(records: &TenantRecords, definition: &ChurnDefinition) -> Option<Self> {
        let ChurnDefinition::Inactivity { horizon, on, .. } = definition else {
            return None;
        };
        Some(Self {
            gaps: Gaps::of(records, *on)?,
            on: *on,
            horizon: horizon.days,
        })
    }

    /// Warns if the usual gap between two events is longer than the horizon.
    fn usual_exceeds_horizon(&self) -> Option<Warning> {
        let Self { gaps, on, horizon } = self;
        let usual = gaps.usual_days()?;
        (usual > f64::from(*horizon)).then(|| {
            let message = format!(
                "customers usually have {usual} days between two {on}, but the label period is {horizon} days: it often ends before the next of the {on} is due, so customers who stay count as churned. Use a horizon above {usual} days, or cancellation as the definition"
            );
            Warning::new(WarningCode::GapExceedsHorizon, message)
        })
    }

    /// Warns if some customers, such as those who pay annually, never had two events less than one label period apart.
    fn some_exceed_horizon(&self) -> Option<Warning> {
        let Self { gaps, on, horizon } = self;
        let (customers, longer) = (gaps.customers(), gaps.longer_than(*horizon));
        (longer >= ENOUGH_CUSTOMERS && longer * PART >= customers).then(|| {
            let message = format!(
                "{longer} of {customers} customers never had two {on} within {horizon} days, the length of the label period: they count as churned between two {on}, although they may stay. Use a longer horizon, cancellation as the definition, or separate models"
            );
            Warning::new(WarningCode::GapExceedsHorizon, message)
        })
    }

    /// Warns if many of the rows that count as churned belong to customers who never had two events less than one label
    /// period apart. There may be few such customers, but most of their rows count as churned.
    fn labels_exceed_horizon(&self, sample: &Sample) -> Option<Warning> {
        let Self { gaps, on, horizon } = self;
        let (mut churned, mut long) = (0, 0);
        let rows = sample.customers().iter().zip(&sample.churned);
        for (&customer, _) in rows.filter(|(_, churned)| **churned) {
            churned += 1;
            long += usize::from(gaps.is_longer(customer, *horizon));
        }
        (long >= ENOUGH_CUSTOMERS && long * PART_OF_CHURNED >= churned).then(|| {
            let message = format!(
                "{long} of {churned} rows that count as churned belong to customers who never had two {on} within {horizon} days, the length of the label period, such as customers who pay annually: they may have stayed. Use a longer horizon, cancellation as the definition, or separate models"
            );
            Warning::new(WarningCode::GapExceedsHorizon, message)
        })
    }
}

/// Labels are compared with `churned_at` only if there are at least this many churned rows.
const ENOUGH_CHURNED: usize = 20;

/// Warns if most customers who are inactive in the label period have no `churned_at` in this period, although other
/// customers have a `churned_at` in their label period. The label then mostly measures something other than leaving,
/// such as late payments.
fn labels_disagree(records: &TenantRecords, definition: &ChurnDefinition, sample: &Sample) -> Option<Warning> {
    let ChurnDefinition::Inactivity { on, .. } = definition else {
        return None;
    };
    let rows = sample.customers().iter().zip(&sample.matrix.as_of).zip(&sample.churned);
    let (mut churned, mut both, mut ended) = (0usize, 0usize, 0usize);
    for ((&customer, &as_of), &inactive) in rows {
        let ends = ends_in_label_period(records, customer, as_of, definition) == Some(true);
        churned += usize::from(inactive);
        ended += usize::from(ends);
        both += usize::from(inactive && ends);
    }
    if churned < ENOUGH_CHURNED || ended < ENOUGH_CHURNED || both * 2 >= churned {
        return None;
    }
    let message = format!(
        "{churned} rows count as churned because they have no {on} in the label period, but only {both} of them have a 'churned_at' there, and {} rows with a 'churned_at' there count as retained: late {on} look like churn. Use a longer horizon, or cancellation as the definition",
        ended - both
    );
    Some(Warning::new(WarningCode::LabelsDisagree, message))
}

/// The number of customers at a date, and the number of these customers who churned.
#[derive(Clone, Copy, Default)]
struct Count {
    rows: usize,
    churned: usize,
}

impl Count {
    fn add(&mut self, churned: bool) {
        self.rows += 1;
        self.churned += usize::from(churned);
    }

    fn is_uniform(self) -> bool {
        self.churned == 0 || self.churned == self.rows
    }
}

/// Counts of customers for all dates together, for each training date (span), and for each day of a span.
struct Counts {
    all: Count,
    spans: Vec<(AsOf, Count)>,
    days: BTreeMap<AsOf, Count>,
}

impl Counts {
    fn of(sample: &Sample) -> Self {
        let mut all = Count::default();
        let mut days: BTreeMap<AsOf, Count> = BTreeMap::new();
        let mut spans: BTreeMap<u32, (AsOf, Count)> = BTreeMap::new();
        let rows = sample.spans.iter().zip(&sample.matrix.as_of).zip(&sample.churned);
        for ((&span, &date), &churned) in rows {
            all.add(churned);
            days.entry(date).or_default().add(churned);
            let (last, count) = spans.entry(span).or_insert((date, Count::default()));
            *last = date.max(*last);
            count.add(churned);
        }
        Self {
            all,
            spans: spans.into_values().collect(),
            days,
        }
    }
}

/// A difference between churn rates is significant if it exceeds this many standard deviations.
const DEVIATIONS: f64 = 5.0;
/// The churn rate of a date is unusual if its odds differ by more than this factor from the odds of the other dates.
const ODDS: f64 = 3.0;

/// Whether the churn rate of a date differs from the churn rate of all other rows both significantly and by a large
/// factor.
fn is_far(count: Count, all: Count) -> bool {
    let (rows, churned) = (count.rows as f64, count.churned as f64);
    let (others, others_churned) = ((all.rows - count.rows) as f64, (all.churned - count.churned) as f64);
    if others == 0.0 {
        return false;
    }
    let pooled = all.churned as f64 / all.rows as f64;
    let variance = pooled * (1.0 - pooled) * (1.0 / rows + 1.0 / others);
    let apart = (churned / rows - others_churned / others).abs();
    // Half a row is added to each class, so that the odds are finite.
    let log_odds = |churned: f64, rows: f64| ln((churned + 0.5) / (rows - churned + 0.5));
    apart > DEVIATIONS * variance.sqrt()
        && (log_odds(churned, rows) - log_odds(others_churned, others)).abs() > ln(ODDS)
}

fn odd_dates(counts: &Counts, too_short: bool) -> Vec<Warning> {
    let percent = |count: Count| 100.0 * count.churned as f64 / count.rows.max(1) as f64;
    let advice = if too_short {
        "The label period is shorter than the usual time between two events, so the label depends on the day: use a longer horizon"
    } else {
        "Look at what happened then (an import, a change of invoice days, a gap in the data), and give as_of without such dates, or another horizon"
    };
    let mut uniform: Vec<(AsOf, Count)> = vec![];
    let mut unusual: Vec<(AsOf, Count)> = vec![];
    for &(date, count) in &counts.spans {
        match count.is_uniform() {
            true => uniform.push((date, count)),
            false if is_far(count, counts.all) => unusual.push((date, count)),
            false => {}
        }
    }
    // A single day within a span has few customers, so it is reported only if its churn rate differs significantly.
    if counts.days.len() > counts.spans.len() {
        for (&date, &count) in counts.days.iter().filter(|(_, count)| is_far(**count, counts.all)) {
            let odd = if count.is_uniform() { &mut uniform } else { &mut unusual };
            if odd.iter().all(|(known, _)| *known != date) {
                odd.push((date, count));
            }
        }
    }
    let mut found = vec![];
    for (code, mut dates) in [
        (WarningCode::UniformTrainingDate, uniform),
        (WarningCode::UnusualTrainingDate, unusual),
    ] {
        dates.sort_by_key(|(date, _)| *date);
        let Some(&(first, count)) = dates.first() else { continue };
        let more = match dates.len() {
            1 => String::new(),
            several => format!(", and of {} dates more", several - 1),
        };
        let message = format!(
            "of {} customers at {first} {:.1} % churned{more}, where {:.1} % of all rows did. {advice}",
            count.rows,
            percent(count),
            percent(counts.all)
        );
        found.push(Warning::new(code, message).of_dates(dates.into_iter().map(|(date, _)| date).collect()));
    }
    found
}
