//! Customers who have been silent (without events) for much longer than ever before.

use crate::error::{RecordKind, Result};
use crate::features::StreamView;
use crate::parallel::Workers;
use crate::record::{TenantRecords, longest_gap};
use crate::time::{AsOf, MICROS_PER_DAY};

/// A customer is silent only if their last event lies more than this number of days before the date.
const SILENT_DAYS: i64 = 90;
/// A customer is silent only if the time since their last event exceeds this multiple of the longest earlier gap
/// between their events.
const LONGEST_GAPS: i64 = 3;
/// A customer with events on fewer days than this number is not silent, because too few of their gaps are known.
const FEWEST_DAYS: usize = 3;
/// Number of customers that one thread examines between two checks whether the call was cancelled.
const CUSTOMERS_AT_ONCE: usize = 1024;

/// Counts the customers who have been silent in all tables for much longer than ever before, as of a date.
pub(crate) fn count_silent(
    records: &TenantRecords,
    customers: &[u32],
    as_of: AsOf,
    workers: &Workers,
) -> Result<usize> {
    let views = RecordKind::ALL.map(|kind| StreamView::new(records, kind, as_of.as_micros()));
    let views: Vec<StreamView<'_>> = views.into_iter().flatten().collect();
    let today = as_of.as_micros().div_euclid(MICROS_PER_DAY);
    let is_silent = |customer: u32| {
        let last = views.iter().filter_map(|view| view.last(customer)).max();
        let silence = last.map(|last| today - last.div_euclid(MICROS_PER_DAY));
        // The days are read only for the few customers who may be silent.
        let Some(silence) = silence.filter(|days| *days > SILENT_DAYS) else {
            return false;
        };
        let mut days: Vec<i64> = vec![];
        for view in &views {
            view.rows(customer, |at, _| days.push(at.div_euclid(MICROS_PER_DAY)));
        }
        days.sort_unstable();
        days.dedup();
        days.len() >= FEWEST_DAYS && silence > LONGEST_GAPS * longest_gap(&days)
    };
    let counts = workers.map_chunks(customers.len(), CUSTOMERS_AT_ONCE, |rows| {
        Ok(customers[rows].iter().filter(|&&customer| is_silent(customer)).count())
    })?;
    Ok(counts.into_iter().sum())
}
