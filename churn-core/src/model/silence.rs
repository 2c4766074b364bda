//! Customers who have been silent (without events) for much longer than ever before.

use crate::error::RecordKind;
use crate::features::StreamView;
use crate::record::TenantRecords;
use crate::time::{AsOf, MICROS_PER_DAY};

/// A customer is silent only if their last event lies more than this number of days before the date.
const SILENT_DAYS: i64 = 90;
/// A customer is silent only if their last event lies more than this multiple of their longest earlier gap before the
/// date.
const LONGEST_GAPS: i64 = 3;
/// A customer with events on fewer days than this number is not silent, because their gaps are not known.
const FEWEST_DAYS: usize = 3;

/// The event tables of some records.
pub(crate) struct Silences<'a> {
    records: &'a TenantRecords,
}

impl<'a> Silences<'a> {
    pub(crate) fn of(records: &'a TenantRecords) -> Self {
        Self { records }
    }

    /// Whether a customer has been silent in all tables for much longer than ever before, as of a date.
    pub(crate) fn is_silent(&self, customer: u32, as_of: AsOf) -> bool {
        let mut days: Vec<i64> = vec![];
        for kind in RecordKind::ALL {
            if let Some(view) = StreamView::new(self.records, kind, as_of.as_micros()) {
                view.rows(customer, |at, _| days.push(at.div_euclid(MICROS_PER_DAY)));
            }
        }
        days.sort_unstable();
        days.dedup();
        let (Some(last), true) = (days.last(), days.len() >= FEWEST_DAYS) else {
            return false;
        };
        let longest = days.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        let silence = as_of.as_micros().div_euclid(MICROS_PER_DAY) - last;
        silence > SILENT_DAYS.max(LONGEST_GAPS * longest)
    }
}
