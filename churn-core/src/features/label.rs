//! Labels. A label states whether a customer churned in the label period after a date, which rule decided this, and
//! when the event happened. The label period consists of the `horizon` days that begin `lead` days after the date.

use crate::error::{Error, ErrorKind, Result, names};
use crate::features::definition::ChurnDefinition;
use crate::features::population::{check, first_event, is_eligible, require_end};
use crate::features::view::SpellTruth;
use crate::parallel::{Execution, Workers};
use crate::record::{NEVER, TenantRecords};
use crate::time::{AsOf, Timestamp};

names! {
    /// The rule that determines a label: why a customer counts as churned, retained or excluded. The label period
    /// consists of the `horizon` days that begin `lead` days after `as_of`.
    #[non_exhaustive]
    pub enum LabelRule: "rule" {
        /// The customer churned: the `churned_at` of their current spell (uninterrupted period as a customer) lies in
        /// the label period.
        Cancelled = "cancelled",
        /// The customer was retained: the `churned_at` of their current spell (uninterrupted period as a customer) does
        /// not lie in the label period.
        NotCancelled = "not_cancelled",
        /// The customer churned: the label period contains no event that counts as activity (a paid payment, or an
        /// activity).
        Inactive = "inactive",
        /// The customer was retained: the label period contains an event that counts as activity (a paid payment, or an
        /// activity).
        Active = "active",
        /// The row is excluded: the customer churned after `as_of` but before the label period.
        ChurnedInLead = "churned_in_lead",
        /// The row is excluded: the customer churned before `as_of`, but the churn became known only after `as_of`.
        ChurnedBefore = "churned_before",
    }
}

/// The label of one eligible customer at one date: whether they churned in the label period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Label {
    /// The customer's code, which is a position in [`TenantRecords::customer_ids`]. [`TenantRecords::customer_id`]
    /// returns the id.
    pub customer: u32,
    /// The date of the label. The label period begins `lead` days after this date.
    pub as_of: AsOf,
    /// Whether the customer churned; `false` for an excluded row, which is neither churned nor retained.
    pub churned: bool,
    /// The rule that determined the label.
    pub rule: LabelRule,
    /// The time that decided the label. If the customer cancelled before the end of the label period, this is the time
    /// of the cancellation. If the customer stayed active, this is the time of the first event in the label period.
    /// `None` for the rules `NotCancelled` and `Inactive`.
    pub event_at: Option<Timestamp>,
}

/// The labels of all eligible customers at some dates. The labels are in the order of the given dates, and sorted by
/// customer id within each date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    rows: Vec<Label>,
    excluded: Vec<Label>,
}

impl Labels {
    /// The labels of customers who churned or were retained: one label per eligible customer and date.
    pub fn rows(&self) -> &[Label] {
        &self.rows
    }

    /// The labels of excluded rows. In such a row, the customer churned between the date and the label period, or had
    /// already churned before the date although this was not known at the date. An excluded row counts neither as
    /// churned nor as retained, so it is not among [`rows`](Self::rows).
    pub fn excluded(&self) -> &[Label] {
        &self.excluded
    }
}

/// Computes the labels of every eligible customer at each date.
///
/// A customer is eligible at a date only if they had signed up and had not churned, according to what was known at the
/// date. [`ChurnDefinition::Cancellation`] also requires that the customer has not given notice.
/// [`ChurnDefinition::Inactivity`] also requires that the customer was active in the activity window before the date.
///
/// ```
/// use churn_core::{ChurnDefinition, Customer, Execution, TenantRecords, Timestamp, labels};
///
/// let day = |month, day| Timestamp::from_ymd(2024, month, day).unwrap();
/// let customers = [Customer::new("C-1", day(1, 1)).with_churned_at(day(4, 15)), Customer::new("C-2", day(1, 1))];
/// let (records, _) = TenantRecords::builder("acme").customers(customers).observed_until(day(9, 1)).build()?;
///
/// let labels = labels(&records, &["2024-03-01".parse()?], &ChurnDefinition::cancellation(90), &Execution::new())?;
/// let who: Vec<_> = labels.rows().iter().map(|label| (records.customer_id(label.customer).unwrap(), label.churned)).collect();
/// assert_eq!(who, [("C-1", true), ("C-2", false)]);
/// # Ok::<(), churn_core::Error>(())
/// ```
///
/// # Errors
/// - `immature_label` if the label period of a date extends past the end of the observed history. A customer whose
///   label is not known is never counted as retained.
/// - `invalid_option` if the definition does not fit the records.
pub fn labels(
    records: &TenantRecords,
    as_of: &[AsOf],
    definition: &ChurnDefinition,
    execution: &Execution,
) -> Result<Labels> {
    labels_of(records, as_of, definition, &execution.workers()?)
}

fn labels_of(
    records: &TenantRecords,
    as_of: &[AsOf],
    definition: &ChurnDefinition,
    workers: &Workers,
) -> Result<Labels> {
    check(records, definition)?;
    require_end(records, definition)?;
    let mut labels = Labels {
        rows: vec![],
        excluded: vec![],
    };
    for &date in as_of {
        let (rows, excluded) = labels_within(records, date, &|_| date, definition, workers)?;
        labels.rows.extend(rows);
        labels.excluded.extend(excluded);
    }
    Ok(labels)
}

/// Computes one label per eligible customer, each at the date that `date_of` returns for the customer. Dates after
/// `last` are replaced by `last`. Returns the labels of customers who churned or were retained, and the labels of
/// excluded rows. Both lists are sorted by customer.
///
/// # Errors
/// The errors of [`labels`]. Only the date `last` has to be checked, because the label periods of earlier dates end
/// earlier.
pub(crate) fn labels_within(
    records: &TenantRecords,
    last: AsOf,
    date_of: &(dyn Fn(u32) -> AsOf + Sync),
    definition: &ChurnDefinition,
    workers: &Workers,
) -> Result<(Vec<Label>, Vec<Label>)> {
    check(records, definition)?;
    let observed_until = mature(records, last, definition)?;
    let found = workers.map_chunks(records.customers.len(), 1 << 14, |range| {
        let eligible = range
            .map(|customer| customer as u32)
            .map(|customer| (customer, date_of(customer).min(last)))
            .filter(|&(customer, date)| is_eligible(records, customer, date.as_micros(), definition));
        Ok(eligible
            .filter_map(|(customer, date)| label(records, customer, date, definition, observed_until))
            .collect::<Vec<_>>())
    })?;
    let is_row = |label: &Label| !matches!(label.rule, LabelRule::ChurnedInLead | LabelRule::ChurnedBefore);
    Ok(found.into_iter().flatten().partition(is_row))
}

/// Returns the end of the observed history, or an error if the label period of the date extends past this end.
fn mature(records: &TenantRecords, as_of: AsOf, definition: &ChurnDefinition) -> Result<i64> {
    let Some(observed_until) = records.observed_until(definition.observed_on()) else {
        return Err(Error::new(
            ErrorKind::ImmatureLabel,
            "there is no observed history, so no label is mature: set observed_until",
        ));
    };
    let end = definition.horizon().end(as_of.as_micros());
    if end > observed_until.as_micros() {
        let end = Timestamp::from_micros(end).map_or("beyond the year 9999".to_owned(), |end| end.to_string());
        let message = format!(
            "the label of {as_of} is immature: its period ends at {end}, but the observed history ends at {observed_until} ({}). Use an earlier date or a shorter horizon, or set observed_until if the history extends further",
            records.observed_until_source(definition.observed_on())
        );
        return Err(Error::new(ErrorKind::ImmatureLabel, message).at(None, None, Some("as_of")));
    }
    Ok(observed_until.as_micros())
}

/// Returns the last date whose label period ends at or before the end of the observed history; `None` if there is no
/// observed history.
pub(crate) fn mature_until(records: &TenantRecords, definition: &ChurnDefinition) -> Option<AsOf> {
    let observed_until = records.observed_until(definition.observed_on())?;
    let horizon = definition.horizon();
    Some(AsOf::new(
        observed_until.plus_days(-(i64::from(horizon.days) + i64::from(horizon.lead))),
    ))
}

/// Returns whether a customer who is known at a date has churned by the end of the observed history, regardless of the
/// label period. The customer has churned if their spell (uninterrupted period as a customer) has ended, or if there is
/// no activity in the final `horizon` days of the observed history. `None` if the customer is not known at the date.
pub(crate) fn churned_in_the_end(
    records: &TenantRecords,
    customer: u32,
    as_of: AsOf,
    definition: &ChurnDefinition,
) -> Option<bool> {
    let SpellTruth { churned_at } = SpellTruth::new(records, customer, as_of.as_micros())?;
    match definition {
        ChurnDefinition::Cancellation { .. } => Some(churned_at != NEVER),
        ChurnDefinition::Inactivity { on, .. } => {
            let end = records.observed_until(definition.observed_on())?;
            let start = end.plus_days(-i64::from(definition.horizon().days)).as_micros();
            let end = end.as_micros();
            Some(first_event(records, customer, *on, end, start, end).is_none())
        }
    }
}

/// Takes the spell (uninterrupted period as a customer) that a customer has at a date. Returns whether the `churned_at`
/// of this spell lies in the label period of the date. `None` if the customer is not known at the date.
pub(crate) fn ends_in_label_period(
    records: &TenantRecords,
    customer: u32,
    as_of: AsOf,
    definition: &ChurnDefinition,
) -> Option<bool> {
    let SpellTruth { churned_at } = SpellTruth::new(records, customer, as_of.as_micros())?;
    let horizon = definition.horizon();
    Some((horizon.start(as_of.as_micros())..horizon.end(as_of.as_micros())).contains(&churned_at))
}

fn label(
    records: &TenantRecords,
    customer: u32,
    as_of: AsOf,
    definition: &ChurnDefinition,
    observed_until: i64,
) -> Option<Label> {
    let moment = as_of.as_micros();
    let horizon = definition.horizon();
    let (start, end) = (horizon.start(moment), horizon.end(moment));
    let SpellTruth { churned_at } = SpellTruth::new(records, customer, moment)?;
    let decided = |churned, rule, at: Option<i64>| {
        Some(Label {
            customer,
            as_of,
            churned,
            rule,
            event_at: at.and_then(Timestamp::from_micros),
        })
    };
    let cancelled_at = Some(churned_at).filter(|&at| at != NEVER);
    if churned_at < moment {
        return decided(false, LabelRule::ChurnedBefore, cancelled_at);
    }
    match definition {
        ChurnDefinition::Cancellation { .. } if churned_at < start => {
            decided(false, LabelRule::ChurnedInLead, cancelled_at)
        }
        ChurnDefinition::Cancellation { .. } if churned_at < end => decided(true, LabelRule::Cancelled, cancelled_at),
        ChurnDefinition::Cancellation { .. } => decided(false, LabelRule::NotCancelled, None),
        ChurnDefinition::Inactivity { on, .. } => {
            match first_event(records, customer, *on, observed_until, start, end) {
                Some(at) => decided(false, LabelRule::Active, Some(at)),
                None => decided(true, LabelRule::Inactive, None),
            }
        }
    }
}
