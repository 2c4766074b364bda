//! Decides whether a customer has sufficient history for a score.

use crate::features::{has_visible_event, tenure_days};
use crate::record::TenantRecords;
use crate::time::{AsOf, MICROS_PER_DAY, Timestamp};

/// Why a customer is not scored, and the time by which the customer is expected to have enough history.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TooThin {
    pub(crate) reason: String,
    pub(crate) expected_at: Option<Timestamp>,
}

/// Returns the reason if a customer's history is insufficient for a score. The history is insufficient if event tables
/// were given, none of these tables has a visible event of the customer, and the customer's tenure is shorter than the
/// shortest feature window of the plan.
pub(crate) fn too_thin(
    records: &TenantRecords,
    customer: u32,
    as_of: AsOf,
    shortest_window: Option<u32>,
) -> Option<TooThin> {
    let shortest = shortest_window?;
    let tenure_days = tenure_days(records, customer, as_of);
    if tenure_days >= f64::from(shortest) || has_visible_event(records, customer, as_of)? {
        return None;
    }
    let signed_up = as_of
        .as_micros()
        .saturating_sub((tenure_days * MICROS_PER_DAY as f64) as i64);
    let expected_at = Timestamp::from_micros(signed_up).map(|at| at.plus_days(i64::from(shortest)));
    Some(TooThin {
        reason: format!(
            "no event is visible in the {tenure_days:.1} days since sign-up; an answer needs one event or {shortest} days"
        ),
        expected_at,
    })
}
