//! Customers who have been silent (without events) for much longer than ever before.

use crate::error::RecordKind;
use crate::features::StreamView;
use crate::record::{TenantRecords, longest_gap};
use crate::time::{AsOf, MICROS_PER_DAY};

/// A customer is silent only if their last event lies more than this number of days before the date.
const SILENT_DAYS: i64 = 90;
/// A customer is silent only if the time since their last event exceeds this multiple of the longest earlier gap
/// between their events.
const LONGEST_GAPS: i64 = 3;
/// A customer with events on fewer days than this number is not silent, because too few of their gaps are known.
const FEWEST_DAYS: usize = 3;

/// Counts the customers who have been silent in all tables for much longer than ever before, as of a date.
pub(crate) fn count_silent(records: &TenantRecords, customers: &[u32], as_of: AsOf) -> usize {
    let views = RecordKind::ALL.map(|kind| StreamView::new(records, kind, as_of.as_micros()));
    let views: Vec<StreamView<'_>> = views.into_iter().flatten().collect();
    let today = as_of.as_micros().div_euclid(MICROS_PER_DAY);
    let mut days: Vec<i64> = vec![];
    let mut is_silent = |customer: u32| {
        days.clear();
        for view in &views {
            view.rows(customer, |at, _| days.push(at.div_euclid(MICROS_PER_DAY)));
        }
        // The days are sorted only for the few customers who may be silent.
        let Some(silence) = days
            .iter()
            .max()
            .map(|last| today - last)
            .filter(|days| *days > SILENT_DAYS)
        else {
            return false;
        };
        days.sort_unstable();
        days.dedup();
        days.len() >= FEWEST_DAYS && silence > LONGEST_GAPS * longest_gap(&days)
    };
    customers.iter().filter(|&&customer| is_silent(customer)).count()
}
